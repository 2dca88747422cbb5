"""A template of the user's own that nothing would read is refused by name."""

import pytest
from roadie.errors import SettingsError
from roadie.scripts import own_templates, stages
from roadie.scripts.render import TEMPLATES, render
from roadie.scripts.stage import Stage, templates_of_stages
from roadie.settings.databases import DATABASES


def check(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    own_templates.refuse_strays(folder, TEMPLATES, templates_of_stages)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("database_DOT_sh", "database/words.sh"),
        ("site_DOT_nginx_DOT_j2", "nginx/site.nginx.j2"),
        ("nginx__sites_DOT_nginx_DOT_j2", "nginx/site.nginx.j2"),
        ("config__site_DOT_nginx_DOT_j2", ""),
        ("programs__site_DOT_nginx_DOT_j2", "nginx/site.nginx.j2"),
    ],
)
def test_a_template_that_nothing_reads_is_refused(tmp_path, name, meant):
    if not meant:
        check(tmp_path, **{name: ""})  # a folder of the user's own
        return
    with pytest.raises(SettingsError, match="replaces no template of roadie's") as caught:
        check(tmp_path, **{name: ""})
    assert f"did you mean {meant}?" in str(caught.value)


def test_a_template_of_a_stage_or_of_another_template_is_none(tmp_path):
    Stage("swap", "Have swap.", "swap.sh.j2", "root")
    own = {"swap_DOT_sh_DOT_j2": "x={{ contents('part.conf.j2') }}", "part_DOT_conf_DOT_j2": ""}
    check(tmp_path, **own, README_DOT_md="", nginx__site_DOT_nginx_DOT_j2="", stages__any_DOT_sh="")


def test_the_one_template_that_cannot_be_replaced_is_refused_by_name(tmp_path):
    with pytest.raises(SettingsError, match=r"frame/wrap.sh: roadie never reads another frame/wrap.sh than"):
        check(tmp_path, frame__wrap_DOT_sh="")


@pytest.mark.parametrize("name", ["frame/lib.sh", "words/ensure.sh", "site/words.sh", "mysql/words.sh"])
def test_a_library_of_the_users_own_replaces_roadies(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text("# a library of their own\n")
    own_templates.refuse_strays(tmp_path, TEMPLATES, templates_of_stages)
    (tmp_path / "all.sh.j2").write_text("{{ libraries(stages) }}")
    values = {"stages": [stages.mysql], "database": DATABASES["mysql"]}
    assert "# a library of their own\n" in render("all.sh.j2", tmp_path, values)
