"""Settings are read as the user wrote them, or refused in one clear line."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import fabric
import pytest
from given import DOMAIN, refusal, settings
from hypothesis import example, given
from hypothesis import strategies as st
from invoke.context import Context
from roadie.errors import SettingsError
from roadie.settings import manual
from roadie.settings.reading import KEYS, check_topology, load, read, roles_of
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


# ---- Names


@pytest.mark.parametrize("app", ["shop", "my-shop", "my_shop2", "a" * 26])
def test_an_app_may_be_called(app):
    assert settings(app=app).app == app


@pytest.mark.parametrize(
    "app",
    [
        *["it's", 'say "x"', "two words", "$(id)", "`id`", "a;b", "a/b", "..", "-rf", "a.b", "é", "a\n", "A"],
        *["", "1st", "_x", "a" * 27, "a%b", "x" * 200],
    ],
)
def test_an_app_of_other_characters_is_refused(app):
    assert "must be 1 to 26 small letters" in refusal(app=app)


@pytest.mark.parametrize(
    "app",
    "root mysql www-data daemon nobody sync backup sshd nginx supervisor redis postgres systemd-journal "
    "roadie default lock information_schema sudo".split(),
)
def test_an_app_may_not_be_called_what_is_the_systems(app):
    message = refusal(app=app)
    assert f"{app!r} belongs to the system; choose another name" in message
    suggested = re.search(r"example '(.+)'", message)[1]
    assert settings(app=suggested).app == suggested


def test_an_app_may_not_be_called_like_the_build_user_of_another():
    assert "leave '-build' out" in refusal(app="shop-build")


def test_domains_are_names_in_small_letters():
    given = ["WWW.Example.org", "example.org", "xn--bcher-kva.example", "localhost", "10.0.0.7"]
    assert settings(domain=given).domain == tuple(name.lower() for name in given)


@pytest.mark.parametrize(
    ("domain", "says"),
    [
        ("a; rm -rf /", "must be a host name such as www.example.org, not 'a; rm -rf /'"),
        ("$(id).org", "must be a host name"),
        ("a_b.org", "must be a host name"),
        ("-a.org", "must be a host name"),
        ("a..org", "must be a host name"),
        ("a.org.", "must be a host name"),
        ("a.org\n", "must be a host name"),
        ("a" * 64 + ".org", "must be a host name"),
        (".".join(["abc"] * 70), "must be a host name"),
        ("", "must be a host name"),
        ("*.org", "is no wildcard that a site can have; write one such as *.example.org"),
        ("https://a.org/x", "is an address; write only the name: a.org"),
        ("a.org:8000", "has a port; write only the name: a.org"),
        ("bücher.example", "is not ASCII; write it as DNS has it: xn--bcher-kva.example"),
        ("straße.example", "is not ASCII; write it as DNS has it, xn--..."),
        (["a.org", "A.org"], "names 'a.org' twice"),
    ],
)
def test_a_domain_that_is_none_is_refused(domain, says):
    message = refusal(domain=domain)
    assert message.startswith("fabric.yaml, roadie.domain: ")
    assert says in message


@pytest.mark.parametrize("path", ["/assets/", "/a/b-c/"])
def test_static_files_have_a_path(path):
    assert settings(static_url=path).static_url == path


@pytest.mark.parametrize(
    "path", ["static/", "/static", "/", "//x/", "/a/../b/", "/a b/", "/a;/", "https://cdn/"]
)
def test_a_path_that_nginx_cannot_serve_is_refused(path):
    assert "must be a path that begins and ends with '/'" in refusal(static_url=path)


@pytest.mark.parametrize("path", ["healthz", "/a b", "/a\n", "/a#b", "", "/é"])
def test_a_page_that_cannot_be_asked_for_is_refused(path):
    assert "must be a path that begins with '/'" in refusal(health=["/", path])


@pytest.mark.parametrize("path", ["..", "../x", "/srv/x", "a/../../b", "-x", "~/x", "a\nb", "", "a\\b"])
def test_a_folder_outside_is_refused(path):
    assert "must be a path from the folder of fabric.yaml down" in refusal(project=path)


def test_a_folder_is_written_in_any_way():
    assert [settings(project=path).project for path in ("src", "./src/", "src//a", ".")] == [
        "src",
        "src",
        "src/a",
        ".",
    ]


# ---- Hosts


def test_a_host_in_a_list_has_every_role():
    made = settings(hosts=["root@web1.example.org:2222", "10.0.0.7", "2001:db8::1"])
    assert set(made.hosts.values()) == {("web", "worker", "db")}
    assert roles_of(settings(hosts={"admin@Web1": ["web"]}), "web1") == ("web",)
    assert roles_of(made, "unheard-of") == ("web", "worker", "db")


def test_an_ipv6_address_stands_in_brackets_if_a_port_follows():
    made = settings(hosts={"root@[FD77::2]:2222": ["web"], "[fd77::3]": ["web"], "fd77::4": ["web"]})
    assert roles_of(made, "[fd77::2]:2222") == roles_of(made, "fd77::3") == roles_of(made, "[fd77::4]")
    assert roles_of(made, "fd77::4") == ("web",)


@pytest.mark.parametrize(
    "host",
    ["-oProxyCommand=id", "a b", "a;b", "$(id)", "", "@web1", "a@", "web1:", "web1:0", "web1:99999", "a:b",
     "[::1]:99999", "[::1", "[web1]:22", "root@-x", "-l@web1", "a\n", "web1,web2"],
)  # fmt: skip
def test_a_host_that_is_none_is_refused(host):
    assert "must be a host such as web1.example.org or admin@web1:2222" in refusal(hosts=[host])
    assert "must be a host such as" in refusal(hosts={host: ["web"]})


def test_a_host_named_twice_is_refused():
    message = refusal(hosts=["web1", "root@WEB1:22"])
    assert "'web1' and 'root@WEB1:22' are one host" in message
    assert "names 'web1' twice" in refusal(hosts=["web1", "web1"])


def test_a_host_needs_a_role():
    assert "at least 1 is needed" in refusal(hosts={"web1": []})
    assert settings(hosts={"web1": "web"}).hosts == {"web1": ("web",)}


def test_a_database_on_each_of_two_hosts_is_refused():
    with pytest.raises(SettingsError, match=r"^hosts web1, web2: each would have a database of its own"):
        check_topology(settings(hosts=["web1", "web2"]), ["web1", "web2"])
    check_topology(settings(hosts=["web1", "web2"]), ["web1"])


def test_a_database_on_another_host_is_not_supported_yet():
    apart = settings(hosts={"web1": ["web"], "db1": ["db"]})
    with pytest.raises(SettingsError, match="not supported yet; use one host with every role"):
        check_topology(apart, list(apart.hosts))
    check_topology(settings(hosts={"web1": ["web", "db"]}), ["web1"])


def test_a_kind_of_database_that_nobody_knows_is_refused():
    kinds = "mysql or postgresql or sqlite or external"
    assert f"must be the word {kinds}, not 'mysq'" in refusal(database="mysq")
    assert "not a list" in refusal(database=["mysql"])


# ---- The environment, Django's settings, secrets


def test_the_environment_is_text():
    made = settings(env={"A": "it's $x\nand more", "B": True, "C": False, "D": 7, "E": ""})
    assert made.env == {"A": "it's $x\nand more", "B": "True", "C": "False", "D": "7", "E": ""}


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"A B": "x"}, "is no name of an environment variable"),
        ({"1A": "x"}, "is no name of an environment variable"),
        ({"A=B": "x"}, "is no name of an environment variable"),
        ({"é": "x"}, "is no name of an environment variable"),
        ({1: "x"}, "the name 1 must be text; put it in quotes"),
        ({"A": "x\0y"}, "roadie.env.A: has a NUL character"),
        ({"A": 1.10}, "roadie.env.A: is a number that YAML may have shortened; put it in quotes"),
        ({"A": None}, 'roadie.env.A: must be text, not nothing; put it in quotes ("" for an empty one)'),
        ({"A": ["hunter2"]}, "roadie.env.A: must be text, not a list"),
        ({"DJANGO_SETTINGS_MODULE": "x"}, "write it as `settings_module:`"),
        ({"SECRET_KEY": "hunter2"}, "roadie makes it on the host"),
        ({"DATABASE_URL": "hunter2"}, "roadie makes it on the host"),
    ],
)
def test_an_environment_that_cannot_be_is_refused_without_its_value(env, says):
    message = refusal(env=env)
    assert says in message
    assert "hunter2" not in message


def test_djangos_settings_are_plain_values():
    given = {"A": 1, "B_2": [1.5, None, True], "C": {"d": {"e": "f"}}}
    assert settings(django=given).django == given


@pytest.mark.parametrize(
    ("django", "says"),
    [
        ({"debug": False}, "roadie.django.debug: is no name of a Django setting; they are all in capitals"),
        ({"A B": 1}, "is no name of a Django setting"),
        ({"SECRET_KEY": "hunter2"}, "must not stand in a file"),
        ({"A": {"b": {1: 2}}}, "roadie.django.A.b: the name 1 must be text"),
        ({"A": [float("nan")]}, "roadie.django.A.0: must be text, a number"),
        ({"A": Path("x")}, "roadie.django.A: must be text, a number"),
    ],
)
def test_djangos_settings_that_cannot_be_are_refused(django, says):
    message = refusal(django=django)
    assert says in message
    assert "hunter2" not in message


def test_environment_names_keep_their_defaults_where_nothing_is_said():
    made = settings(env_names={"secret_key": "KEY", "database_url": [], "db_name": ["DB", "DB_NAME"]})
    assert made.env_names["secret_key"] == ("KEY",)
    assert made.env_names["database_url"] == ()
    assert made.env_names["db_name"] == ("DB", "DB_NAME")
    assert made.env_names["allowed_hosts"] == ("ALLOWED_HOSTS", "DJANGO_ALLOWED_HOSTS")


def test_one_environment_name_for_two_things_is_refused():
    assert "SECRET_KEY is secret_key already" in refusal(env_names={"db_password": "SECRET_KEY"})


def test_a_secret_says_where_it_comes_from():
    made = settings(
        secrets={"A": {"command": "pass show a"}, "B": {"file": "b"}, "C": {"prompt": True}}
    ).secrets
    assert (made["A"].command, made["B"].file, made["C"].prompt) == ("pass show a", "b", True)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            "hunter2",
            "must say its source: {command: ...}, {file: ...}, {env: ...} or {prompt: true}",
        ),
        ({}, "needs just one of command, file, env and prompt"),
        ({"command": "x", "file": "y"}, "needs just one of command, file, env and prompt"),
        ({"prompt": False}, "roadie.secrets.A.prompt: must be true"),
        ({"command": ["hunter2"]}, "roadie.secrets.A.command: must be text"),
        ({"file": ""}, "roadie.secrets.A.file: must be text"),
    ],
)
def test_a_secret_without_a_source_is_refused_unseen(source, says):
    message = refusal(secrets={"A": source})
    assert says in message
    assert "hunter2" not in message


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


# ---- The manual


def test_the_manual_is_what_the_schema_says():
    page = (Path(__file__).parents[3] / "docs/settings.rst").read_text("utf-8")
    assert page == manual.page(), "run: python -m roadie.settings.manual > docs/settings.rst"


def test_the_manual_is_printed_by_its_command():
    done = subprocess.run(
        [sys.executable, "-m", "roadie.settings.manual"], capture_output=True, text=True, check=True
    )
    assert done.stdout == manual.page()
    assert done.stderr == ""


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_has_its_lines_in_the_manual(key):
    assert re.search(rf"^``{key}``\n    \S.+ Default: \S.*\.\n\n    \S", manual.page(), re.M)


# ---- Programs --------------------------------------------------------------------------------------


def test_a_program_is_a_command_or_a_command_with_its_time_to_stop() -> None:
    found = settings(
        programs={
            "alerts": "manage.py sendalerts 'a b'",
            "queue": {"command": "celery worker", "stop_timeout": 9},
        }
    )
    alerts, other = found.programs["alerts"], found.programs["queue"]
    assert alerts.words == ("python", "manage.py", "sendalerts", "a b")
    assert (alerts.stop_timeout, other.stop_timeout) == (60, 9)
    assert other.words == ("celery", "worker")
    assert found.manage_commands == {"alerts": "sendalerts"}


@pytest.mark.parametrize(
    ("name", "program", "says"),
    [
        ("Alerts", "manage.py x", "programs.Alerts: must be 1 to 31 small letters"),
        ("blue", "manage.py x", "programs.blue: is what roadie calls the site's own web processes"),
        ("a", "manage.py", "programs.a: names no command"),
        ("a", " ", "programs.a: names no command"),
        ("a", "manage.py 'x", 'programs.a: "manage.py \'x": no closing quotation'),
        ("a", ["manage.py"], "programs.a: must be a command in one line"),
        ("a", "manage.py x\nmanage.py y", "programs.a: must be a command in one line"),
        ("a", {"comand": "x"}, "programs.a.comand: unknown (did you mean command?)"),
        ("a", {"stop_timeout": 9}, "programs.a: must be a command in one line"),
        ("a", {"command": "x", "stop_timeout": 0}, "programs.a: must be a whole number of seconds from 1"),
    ],
)
def test_a_program_that_cannot_be_is_refused(name: str, program: object, says: str) -> None:
    assert says in refusal(programs={name: program})


# ---- Limits ----------------------------------------------------------------------------------------


def test_limits_are_off_until_they_are_set() -> None:
    off, some = settings().limits, settings(limits={"requests": "20/s"}).limits
    assert (off.requests, off.connections) == ("", 0)
    assert (some.rate, some.burst, some.connections) == ("20r/s", 20, 0)
    assert settings(limits={"connections": 5}).limits.connections == 5


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ("20/s", "limits: must be a mapping of limits, such as {requests: 20/s"),
        ({"request": "20/s"}, "limits.request: unknown (did you mean requests?)"),
        ({"requests": 20}, "limits.requests: must be a number of requests such as 20/s or 300/m, not 20"),
        ({"requests": "20/h"}, "limits.requests: must be a number of requests such as 20/s or 300/m"),
        ({"requests": "0/s"}, "limits.requests: must be a number of requests"),
        ({"burst": 5}, "limits.burst: needs requests beside it"),
        ({"connections": 0}, "limits.connections: must be a whole number of requests from 1 to 10000"),
    ],
)
def test_limits_that_cannot_be_are_refused(limits: object, says: str) -> None:
    assert says in refusal(limits=limits)


# ---- Celery and Redis ------------------------------------------------------------------------------


def test_celery_is_off_until_it_is_set_and_one_worker_then() -> None:
    assert settings().all_programs == {}
    assert [*settings(celery=True).all_programs] == ["celery"]
    found = settings(app="shop", programs={"alerts": "manage.py x"}, celery={"app": "shop", "beat": True})
    assert [*found.all_programs] == ["alerts", "celery", "beat"]
    assert "celery.shop@%h" in found.all_programs["celery"].command
    assert found.all_programs["celery"].stop_timeout == 600


def test_a_worker_has_its_own_queues_and_numbers() -> None:
    worker = {"queues": ["mail", "low"], "concurrency": 2, "max_tasks_per_child": 9, "stop_timeout": 30}
    [program] = settings(celery={"app": "shop", "workers": {"mail": worker}}).all_programs.values()
    assert program.command.endswith("--queues mail,low --concurrency 2 --max-tasks-per-child 9")
    assert program.stop_timeout == 30


@pytest.mark.parametrize(
    ("celery", "says"),
    [
        ("yes please", "celery: must be true, false, or a mapping"),
        ({"worker": {}}, "celery.worker: unknown (did you mean workers?)"),
        ({"beat": "on"}, "celery.beat: must be true or false"),
        ({"app": "my site"}, "celery.app: must be a module such as mysite.celery"),
        ({"workers": {}}, "celery: names neither workers nor beat"),
        ({"workers": {"beat": {}}}, "celery.workers.beat: is what roadie calls Celery's beat"),
        ({"workers": {"web": {}}}, "celery.workers.web: is what roadie calls the site's own web processes"),
        ({"workers": {"a": {"queue": "x"}}}, "celery.workers.a.queue: unknown (did you mean queues?)"),
        ({"workers": {"a": {"queues": "a b"}}}, "celery.workers.a.queues: must be a queue such as mail"),
        ({"workers": {"a": {"concurrency": 0}}}, "celery.workers.a.concurrency: must be a whole number"),
    ],
)
def test_a_celery_that_cannot_be_is_refused(celery: object, says: str) -> None:
    assert says in refusal(celery=celery)


def test_a_program_and_a_worker_of_one_name_are_refused() -> None:
    text = refusal(celery=True, programs={"celery": "celery -A shop worker"})
    assert "programs.celery: Celery has a program celery too" in text


def test_redis_is_off_until_it_is_set() -> None:
    assert not settings().redis
    assert settings(redis=True).redis.bytes == 128 * 2**20
    assert settings(redis={"memory": "1g"}).redis.bytes == 2**30


@pytest.mark.parametrize(
    ("redis", "says"),
    [
        ("localhost", "redis: must be true, false, or a mapping such as {memory: 256m}"),
        ({"size": "1g"}, "redis.size: unknown"),
        ({"memory": "much"}, "redis.memory: must be a size in bytes"),
        ({"memory": "5k"}, "redis.memory: must be at least 1m"),
    ],
)
def test_a_redis_that_cannot_be_is_refused(redis: object, says: str) -> None:
    assert says in refusal(redis=redis)


# ---- Periodic commands -----------------------------------------------------------------------------


def test_a_periodic_command_has_a_time_and_its_words() -> None:
    found = settings(cron={"mail": "*/5 * * * * manage.py mail 'a b'", "out": "@daily ./out.sh"})
    assert found.jobs[:2] == ("mail", "*-*-* *:0/5:00\npython\nmanage.py\nmail\na b")
    assert found.manage_commands == {"mail": "mail"}


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ({"mail": "manage.py mail"}, "cron.mail: must be a time of five fields and a command"),
        ({"mail": ["0 4 * * *"]}, "cron.mail: must be a time and a command in one line"),
        ({"mail": "0 4 * * * manage.py"}, "cron.mail: names no command"),
        ({"Mail": "@daily x"}, "cron.Mail: must be 1 to 31 small letters"),
    ],
)
def test_a_periodic_command_that_cannot_be_is_refused(cron: object, says: str) -> None:
    assert says in refusal(cron=cron)


def test_a_program_and_a_periodic_command_of_one_name_are_refused() -> None:
    assert "cron.a: a program has this name" in refusal(cron={"a": "@daily x"}, programs={"a": "y"})
