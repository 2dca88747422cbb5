"""Files of the user's own are rendered with their format's quotes, and no message tells a secret."""

from pathlib import Path

import projects
import pytest
from roadie.errors import SettingsError
from roadie.project.places import NO_SECRET
from roadie.project.workspace import at_ref
from roadie.scripts import stages
from roadie.scripts.own_files import all_files, render_files
from roadie.settings.reading import load

SECRET = 'pa"ss\\ $(id) {{ x }}'


@pytest.fixture
def site(tmp_path):
    folder = projects.startproject(tmp_path / "mysite")
    (folder / "deploy").mkdir()
    return folder


def work(folder, **files):
    secrets = {"KEY": {"command": "true"}}
    given = {"domain": "a.org", "secrets": secrets, "files": files, "env": {"GREETING": "it's"}}
    return at_ref(load(given, "fabric.yaml", folder), "HEAD")


def rendered(folder, name, text, secret=SECRET):
    (folder / "deploy" / name).write_text(text)
    [found] = render_files(work(folder, **{"conf/made": f"deploy/{name}"}), {"KEY": secret}).values()
    return found


@pytest.mark.parametrize("name", ["local_settings.py", "local_settings.py.j2"])
def test_a_value_in_python_is_a_literal(site, name):
    scope = {}
    exec(rendered(site, name, "KEY = {{ secrets.KEY }}\nNAMES = {{ settings.domain }}\n"), scope)
    assert (scope["KEY"], scope["NAMES"]) == (SECRET, ["a.org"])


def test_a_value_in_an_env_file_is_one_word(site):
    text = "A={{ secrets.KEY }}\nB={{ settings.domain[0] }}\n"
    assert rendered(site, ".env", text, "two words $x") == "A='two words $x'\nB=a.org\n"


def test_a_value_in_yaml_toml_and_json_is_a_string(site):
    for ending in ("yaml", "yml.j2", "toml", "json"):
        assert rendered(site, f"x.{ending}", "{{ secrets.KEY }}", 'ü"') == '"ü\\""'


def test_a_secret_that_a_format_cannot_hold_is_not_shown(site):
    for name in (".env", "plain.conf"):
        with pytest.raises(
            SettingsError, match=f"files: conf/made: a value in {name} has characters"
        ) as caught:
            rendered(site, name, "{{ secrets.KEY }}")
        assert "pa" not in str(caught.value).replace("for example", "")


def test_an_unknown_value_is_told_with_its_line(site):
    with pytest.raises(SettingsError, match=r"files: conf/made: template x.py.*has no attribute 'KEYS'"):
        rendered(site, "x.py", "\n{{ secrets.KEYS }}")


def test_a_build_finds_placeholders(site):
    (site / "deploy/a.py").write_text("{{ secrets.KEY }}")
    found = all_files(work(site, **{"a.py": "deploy/a.py"}), {"KEY": "a"})
    assert found["build_files"] == {"a.py": "'no-secret-is-known-in-a-build'"}


@pytest.mark.parametrize("path", ["a.py", "venv/a.py"])
def test_a_template_that_is_not_there_is_one_line(site, path):
    says = rf"^files: {path}: .*/deploy/none.py cannot be read \(No such file"
    with pytest.raises(SettingsError, match=says):
        work(site, **{path: "deploy/none.py"})


def test_the_project_is_read_with_these_files(site):
    projects.change_line(site / "mysite/settings.py", "USE_TZ = True\n", "from .local import *\n")
    projects.commit(site)
    (site / "deploy/local.py").write_text("{% if 1 %}\nLOGGING = {{ secrets.KEY }}\n{% endif %}\n")
    (site / "deploy/local.py").write_text("LOGGING = {{ secrets.KEY }}\n")
    assert work(site).project.origins["LOGGING"] == "absent"
    one = work(site, **{"mysite/local.py": "deploy/local.py"})
    assert one.project.origins["LOGGING"] == "own"
    assert one.project.rendered_places == ("mysite/local.py",)


def test_a_template_outside_of_the_commit_is_used_as_it_is_here(site, tmp_path):
    outside = Path(tmp_path, "outside.py")
    outside.write_text("A = 1\n")
    one = work(site, **{"a.py": str(outside), "b.py": "deploy/b.py"} | {"b.py": str(outside)})
    assert render_files(one, {"KEY": SECRET}) == {"a.py": "A = 1\n", "b.py": "A = 1\n"}


def test_a_file_in_the_virtualenv_is_none_of_the_code(site):
    (site / "deploy/local.py").write_text("KEY = {{ secrets.KEY }}\n")
    files = {"./venv//site-packages/shop/local.py": "deploy/local.py", "venv.py": "deploy/local.py"}
    made = work(site, **files)
    bare = f"KEY = {NO_SECRET!r}\n"
    assert all_files(made, {"KEY": "a"}) == {
        "files": {"venv.py": "KEY = 'a'\n"},
        "virtualenv_files": {"site-packages/shop/local.py": "KEY = 'a'\n"},
        "build_files": {"venv.py": bare},
        "build_virtualenv_files": {"site-packages/shop/local.py": bare},
    }
    assert made.project.rendered_places == ("venv.py",) and made.project.has_virtualenv_files
    only = work(site, **{"venv/a/b": "deploy/local.py"})
    assert (only.project.ship_root, stages.files.when(only.settings, only.project)) == ("", False)
