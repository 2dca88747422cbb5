"""Settings are read as the user wrote them, or refused in one clear line."""

import json
import os
import re
from pathlib import Path

import fabric
import pytest
from given import DOMAIN, refusal, settings
from hypothesis import example, given
from hypothesis import strategies as st
from invoke.context import Context
from roadie.errors import SettingsError
from roadie.settings.reading import KEYS, load, read
from roadie.settings.sections import Overlay

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
ANYTHING = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=5)


# ---- Defaults, and short ways to write a value


def test_only_the_domain_must_be_set():
    assert settings().domain == (DOMAIN,)
    with pytest.raises(SettingsError, match=r"^fabric.yaml, roadie.domain: is not set; write .* `domain: "):
        load({}, "fabric.yaml", Path("/project"))


def test_the_defaults_are_these():
    made = settings()
    assert (made.app, made.hosts, made.database, made.python) == ("", {}, "", "python3")
    assert (made.workers, made.threads, made.worker_class, made.keep) == (0, 0, "", 5)
    assert (made.gate_timeout, made.drain, made.graceful_timeout) == (30, 30, 60)
    assert (made.request_timeout, made.proxy_read_timeout, made.apt_lock_timeout) == (90, 120, 600)
    assert (made.client_max_body_size, made.health, made.packages) == ("20m", (), ())
    assert (made.overlay, made.collectstatic, made.post_build) == (Overlay(True), True, ())
    assert made.env_names["secret_key"] == ("SECRET_KEY", "DJANGO_SECRET_KEY")


@pytest.mark.parametrize(
    ("domain", "redirected"),
    [
        (["a.org", "www.a.org"], {"www.a.org": "a.org"}),
        (["www.a.org", "b.org", "a.org"], {"a.org": "www.a.org"}),
        (["a.org", "www.a.org", "www.b.org", "b.org"], {"www.a.org": "a.org", "b.org": "www.b.org"}),
        (["a.org", "shop.a.org", "www.shop.b.org"], {}),
    ],
)
def test_of_a_name_with_and_without_www_the_first_stays(domain, redirected):
    made = settings(domain=domain)
    assert made.redirected == redirected
    assert made.served_names == tuple(name for name in domain if name not in redirected)
    assert settings(domain=domain, redirect_www=False).served_names == tuple(domain)


def test_an_empty_key_keeps_its_default():
    assert settings(keep=None, hosts=None, env=None).keep == 5


def test_supervisor_waits_longer_than_gunicorn():
    assert settings(graceful_timeout=300).stop_timeout > 300


def test_settings_cannot_be_changed():
    with pytest.raises(AttributeError):
        settings().app = "other"


def test_one_item_needs_no_list():
    made = settings(domain="A.example.org", health="/healthz", hosts="web1")
    assert made.domain == ("a.example.org",)
    assert made.health == ("/healthz",)
    assert settings(python="3.12").python == settings(python="python3.12").python == "python3.12"
    assert settings(index="default").index == "default"
    assert settings(packages="libmagic1 | libmagic1t64").packages == ("libmagic1 | libmagic1t64",)
    assert list(made.hosts) == ["web1"]


# ---- Unknown keys and wrong types


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"domian": "x"}, "fabric.yaml, roadie.domian: unknown setting (did you mean domain?)"),
        ({"xyzzy": 1}, "fabric.yaml, roadie.xyzzy: unknown setting (docs/settings.rst has them all)"),
        ({True: 1}, "fabric.yaml, roadie.True: unknown setting"),
        ({"root": "/"}, "fabric.yaml, roadie.root: unknown setting"),
        (
            {"env_names": {"secret_kye": "X"}},
            "fabric.yaml, roadie.env_names.secret_kye: unknown (did you mean secret_key?)",
        ),
        (
            {"secrets": {"TOKEN": {"comand": "x"}}},
            "fabric.yaml, roadie.secrets.TOKEN.comand: unknown (did you mean command?)",
        ),
        (
            {"hosts": {"web1": ["wbe"]}},
            "fabric.yaml, roadie.hosts.web1: 'wbe' is no role (did you mean web?)",
        ),
    ],
)
def test_what_is_unknown_is_refused_by_its_path_with_what_was_meant(values, says):
    with pytest.raises(SettingsError, match=re.escape(says)):
        load({"domain": DOMAIN, **values}, "fabric.yaml", Path("/project"))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("keep", "5", "must be a whole number from 1 to 100, not '5'"),
        ("keep", 0, "not 0"),
        ("keep", True, "not true"),
        ("keep", 2.5, "not 2.5"),
        ("drain", "30s", "must be a whole number of seconds from 0 to 3600, not '30s'"),
        ("gate_timeout", 0, "from 1 to 600"),
        ("overlay", "no", "must be true, false, or a list of Django settings such as"),
        ("overlay", ["DATABASE"], "not 'DATABASE' (did you mean DATABASES?)"),
        ("overlay", ["TIME_ZONE"], "not 'TIME_ZONE' (docs/settings.rst names them)"),
        ("overlay", ["DEBUG", "DEBUG"], "names 'DEBUG' twice"),
        ("collectstatic", 0, "must be true or false, not 0"),
        ("app", ["a"], "not a list"),
        ("app", 7, "not 7"),
        ("python", 3.12, "must be a Python such as python3, "),
        ("python", "python3; id", "must be a Python"),
        ("domain", {"a": 1}, "not a mapping"),
        ("domain", [], "at least 1 is needed"),
        ("health", 5, "not 5"),
        ("env", ["A=1"], "must be a mapping of names to text, not a list"),
        ("django", "DEBUG", "not 'DEBUG'"),
        ("hosts", 5, "must be a list of hosts"),
        ("maintenance_allow", ["10.0.0.7/24", "me"], "must be an address such as 203.0.113.7"),
        ("client_max_body_size", "20 MB", "must be a size in bytes such as 20m"),
        ("client_max_body_size", -1, "must be a size"),
        ("client_max_body_size", True, "must be a size"),
        ("worker_class", "gthread --reload", "must be a worker class"),
        ("settings_module", "mysite/settings.py", "must be a module such as mysite.settings"),
        ("wsgi", "mysite.wsgi:a:b", "must be a module such as mysite.wsgi"),
        ("packages", ["libmagic1; reboot"], "must be a Debian package"),
        ("packages", ["-y"], "must be a Debian package"),
        ("packages", ["git", "git"], "names 'git' twice"),
        ("packages", ["a1 | | b1"], "must be a Debian package"),
        ("packages", ["a1 |"], "must be a Debian package"),
        ("extra_requirements", ["-r other.txt"], "must be a requirement such as psycopg[binary]"),
        ("index", "ftp://index.example.org", "must be a URL, the word default"),
        ("index", 5, "must be a URL"),
        ("index", "https://me:secret@index.example.org/simple", "has a password or a token; say where"),
        ("index", {"comand": "pass"}, "did you mean command?"),
        ("post_build", ["one\ntwo"], "must be a line of shell"),
        ("post_build", [" "], "must be a line of shell"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(key, value, says):
    message = refusal(**{key: value})
    assert message.startswith(f"fabric.yaml, roadie.{key}")
    assert says in message


@given(st.sampled_from(sorted(KEYS)), ANYTHING)
@example("env", {"A": "\0"})
@example("django", {"A": {1: 2}})
@example("hosts", {"": []})
@example("env", {"a\n": "b"})
def test_whatever_is_written_gives_settings_or_one_line(key, value):
    try:
        settings(**{key: value})
    except SettingsError as error:
        line = str(error)
        assert line.startswith("fabric.yaml, roadie.")
        assert "\n" not in line


def test_a_kind_of_database_that_nobody_knows_is_refused():
    kinds = "mysql or postgresql or sqlite or external"
    assert f"must be the word {kinds}, not 'mysq'" in refusal(database="mysq")
    assert "not a list" in refusal(database=["mysql"])


# ---- Values that do not go together


def test_nginx_may_not_give_up_before_gunicorn():
    assert "less than request_timeout (200)" in refusal(request_timeout=200)
    assert settings(request_timeout=200, proxy_read_timeout=200).request_timeout == 200


@pytest.mark.parametrize(("static", "media"), [("/a/", "/a/"), ("/a/", "/a/b/"), ("/a/b/", "/a/")])
def test_static_files_and_uploads_lie_apart(static, media):
    assert "lie in each other" in refusal(static_url=static, media_url=media)


def test_a_name_is_plain_or_secret_not_both():
    assert "roadie.env.A: is under `secrets:` too" in refusal(env={"A": "x"}, secrets={"A": {"prompt": True}})


# ---- From Fabric's configuration


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with settings files, read as `fab` would read them there."""
    for name in [name for name in os.environ if name.startswith("ROADIE_")]:
        monkeypatch.delenv(name)

    class Folder:
        path = tmp_path
        variable = staticmethod(monkeypatch.setenv)

        def write(self, name="fabric.yaml", **values):
            (tmp_path / name).write_text(json.dumps({"roadie": {"domain": DOMAIN, **values}}))
            return self

        def config(self, runtime=None):
            config = fabric.Config(lazy=True)
            config.set_project_location(str(tmp_path))
            config.load_project()
            config.set_runtime_path(runtime and str(tmp_path / runtime))
            config.load_runtime()
            return config.clone()

        def read(self, runtime=None):
            return read(Context(self.config(runtime)))

        def refusal(self, runtime=None):
            with pytest.raises(SettingsError) as caught:
                self.read(runtime)
            return str(caught.value)

    return Folder()


def test_settings_come_from_the_file_beside_the_fabfile(project):
    made = project.write(app="shop", env={"A": "x"}, hosts={"web1": ["web", "db"]}).read()
    assert (made.app, made.env, made.hosts) == ("shop", {"A": "x"}, {"web1": ("web", "db")})
    assert made.root == project.path


def test_settings_changed_in_the_fabfile_count(project):
    config = project.write(app="shop").config()
    config.roadie.app = "other"
    assert read(Context(config)).app == "other"
    config.roadie.app = "a b"
    with pytest.raises(SettingsError, match=r"^the fabfile, roadie.app: "):
        read(Context(config))


def test_a_file_given_with_f_lies_over_it(project):
    project.write(keep=3, env={"A": "1", "B": "2"}).write("staging.yaml", keep=9, env={"B": "3"})
    made = project.read("staging.yaml")
    assert (made.keep, made.env) == (9, {"A": "1", "B": "3"})


def test_hosts_of_a_file_given_with_f_are_its_own_only(project):
    project.write(hosts={"live": ["web", "db"]}).write("staging.yaml", hosts={"staging": ["web", "db"]})
    assert list(project.read("staging.yaml").hosts) == ["staging"]


def test_a_refusal_names_the_file_that_is_wrong(project):
    project.write(keep=0, env={"A": [], "B": "2"}).write("staging.yaml", env={"B": "3"}, kep=1)
    assert project.refusal().startswith("fabric.yaml, roadie.keep: ")
    assert project.refusal("staging.yaml").startswith("fabric.yaml, roadie.keep: ")
    project.write(env={"A": [], "B": "2"})
    assert project.refusal("staging.yaml").startswith("fabric.yaml, roadie.env.A: ")
    project.write()
    assert project.refusal("staging.yaml").startswith(f"{project.path}/staging.yaml, roadie.kep: unknown")


def test_a_file_given_with_f_that_is_not_there_is_refused(project):
    assert project.write().refusal("prod.yaml") == (
        f"-f {project.path}/prod.yaml: no such file; name one that exists"
    )


@pytest.mark.parametrize("text", ["", "roadie:", "other: 1"])
def test_no_settings_at_all_ask_for_the_domain(project, text):
    (project.path / "fabric.yaml").write_text(text)
    assert project.refusal().startswith("fabric.yaml, roadie.domain: is not set")


def test_settings_that_are_no_mapping_are_refused(project):
    (project.path / "fabric.yaml").write_text("roadie: www.example.org")
    assert project.refusal().startswith(
        "fabric.yaml, roadie: must be a mapping, not 'www.example.org'; write"
    )


def test_a_connection_without_configuration_is_told_how_to_get_one():
    with pytest.raises(SettingsError, match="make it with `config=c.config`"):
        read(fabric.Connection("web1"))


def test_a_folder_of_templates_that_is_not_there_is_refused(project):
    assert "no folder ours; make it or name another" in project.write(templates="ours").refusal()
    assert project.write().read().own_templates is None
    (project.path / "roadie-templates").mkdir()
    assert project.read().own_templates == project.path / "roadie-templates"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("KEEP", "9", 9),
        ("COLLECTSTATIC", "no", False),
        ("COLLECTSTATIC", "TRUE", True),
        ("COLLECTSTATIC", "0", False),
        ("OVERLAY", "no", Overlay(False)),
        ("OVERLAY", "TRUE", Overlay()),
        ("OVERLAY", "DATABASES, SECRET_KEY", Overlay(forced=("DATABASES", "SECRET_KEY"))),
        ("DOMAIN", "a.org, b.org", ("a.org", "b.org")),
        ("HEALTH", "", ()),
        ("APP", "other", "other"),
        ("CLIENT_MAX_BODY_SIZE", "1G", "1g"),
    ],
)
def test_a_variable_wins_over_every_file(project, name, text, value):
    project.write(keep=3, app="shop", health=["/"]).write("staging.yaml", keep=4)
    project.variable(f"ROADIE_{name}", text)
    assert getattr(project.read("staging.yaml"), name.lower()) == value


def test_hosts_come_from_a_variable_too(project):
    project.variable("ROADIE_HOSTS", "web1,root@web2:2222")
    assert list(project.write(hosts=["web9"]).read().hosts) == ["web1", "root@web2:2222"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            "ROADIE_KEEP",
            "many",
            "ROADIE_KEEP in the environment: must be a whole number from 1 to 100, not 'many'",
        ),
        (
            "ROADIE_COLLECTSTATIC",
            "maybe",
            "ROADIE_COLLECTSTATIC in the environment: must be true or false, not",
        ),
        ("ROADIE_OVERLAY", "maybe", "ROADIE_OVERLAY in the environment: must be true, false, or a list of"),
        ("ROADIE_ENV", "A=1", "ROADIE_ENV in the environment: is a mapping; write it in fabric.yaml"),
        ("ROADIE_DOMIAN", "x", "ROADIE_DOMIAN in the environment: unknown setting (did you mean domain?)"),
        ("ROADIE_DOMAIN", "a;b", "ROADIE_DOMAIN in the environment: must be a host name"),
    ],
)
def test_a_variable_that_cannot_be_is_refused_by_its_name(project, name, text, says):
    project.variable(name, text)
    assert project.write().refusal().startswith(says)


@pytest.mark.parametrize("name", ["ROADIE_QQQ", "ROADIE_CACHE"])
def test_variables_of_others_are_left_alone(project, name):
    project.variable(name, "x")
    assert project.write().read().keep == 5
