"""The final settings under the overlay. Real Django runs here, in separate processes."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from urllib.parse import quote

import projects
import pytest
import releases
from hypothesis import given
from hypothesis import strategies as st
from releases import DOMAIN, SECRET_KEY, lay_out, startproject
from roadie.scripts.render import TEMPLATES

LASTING = "/srv/mysite/shared/database/db.sqlite3"
NEWSDESK = {
    "app": "newsdesk",
    "project": "src",
    "requirements": "requirements/production.txt",
    "settings_module": "config.settings.production",
    "static_url": "/assets/",
}


def test_an_unedited_startproject_becomes_safe(tmp_path):
    startproject(tmp_path)
    release = lay_out(tmp_path)
    assert release.settings(
        "DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "SECURE_PROXY_SSL_HEADER"
    ) == {
        "DEBUG": False,
        "SECRET_KEY": SECRET_KEY,
        "ALLOWED_HOSTS": [DOMAIN],
        "CSRF_TRUSTED_ORIGINS": [f"https://{DOMAIN}", f"http://{DOMAIN}"],
        "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"],
    }


HTTPS = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS", "SILENCED_SYSTEM_CHECKS")
SILENT = [f"security.W{number:03}" for number in (4, 5, 8, 21)]


@pytest.mark.parametrize(
    ("tls", "lines", "found"),
    [
        ("off", "", [False, False, 0, []]),
        ("letsencrypt", "", [True, True, 3600, SILENT]),
        ("self-signed", "SECURE_HSTS_SECONDS = 60", [True, True, 60, SILENT]),
        ("letsencrypt", "CSRF_COOKIE_SECURE = SECURE_HSTS_SECONDS = 0", [True, 0, 0, SILENT]),
        ("letsencrypt", "SILENCED_SYSTEM_CHECKS = ['a.W1']", [True, True, 3600, ["a.W1", *SILENT]]),
        ("off", "SESSION_COOKIE_SECURE = True", [True, False, 0, []]),
    ],
)
def test_cookies_and_hsts_are_as_https_wants_unless_the_project_says(tmp_path, tls, lines, found):
    startproject(tmp_path)
    with (tmp_path / "releases/1/code/mysite/settings.py").open("a") as file:
        file.write(f"{lines}\n")
    release = lay_out(tmp_path, tls=tls)
    assert [*release.settings(*HTTPS).values()] == found


def test_an_unedited_startproject_has_its_data_where_it_lasts(tmp_path):
    startproject(tmp_path)
    release = lay_out(tmp_path)
    found = release.settings("STATIC_URL", "STATIC_ROOT", "MEDIA_URL", "MEDIA_ROOT", "DATABASES")
    database = found.pop("DATABASES")["default"]
    assert found == {
        "STATIC_URL": "/static/",
        "STATIC_ROOT": str(release.static),
        "MEDIA_URL": "/media/",
        "MEDIA_ROOT": str(release.media),
    }
    assert {key: database[key] for key in ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "OPTIONS")} == {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "mysite",
        "USER": "mysite",
        "PASSWORD": "p'w%",
        "HOST": "/run/mysqld/mysqld.sock",
        "OPTIONS": {"charset": "utf8mb4"},
    }


@pytest.mark.parametrize("name", ["BASE_DIR / 'db.sqlite3'", "'data/mine.sqlite3'"])
@pytest.mark.parametrize("more", ["", "OPTIONS={'timeout': 3}"])
def test_a_file_of_the_release_is_never_the_database(tmp_path, name, more):
    own = f"DATABASES = {{'default': dict(ENGINE='django.db.backends.sqlite3', NAME={name}, {more})}}"
    startproject(tmp_path, own)
    release = lay_out(tmp_path, env={"ROADIE_DATABASE_URL": f"sqlite:///{LASTING}"})
    database = release.settings("DATABASES")["DATABASES"]["default"]
    assert (database["ENGINE"], database["NAME"]) == ("django.db.backends.sqlite3", LASTING)
    assert database["OPTIONS"]["timeout"] == (3 if more else 20)
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.parametrize("url", ["mysql://", "mysql://?charset=utf8mb3"])
def test_a_connection_to_mysql_has_emoji_unless_the_project_says_otherwise(tmp_path, url):
    options = f"dict(s.split('=') for s in ['{url}'.partition('?')[2]] if s)"
    entry = f"DATABASES = {{'default': dict(ENGINE='django.db.backends.mysql', OPTIONS={options})}}"
    startproject(tmp_path, "import os", "os.environ", entry)
    database = lay_out(tmp_path).settings("DATABASES")["DATABASES"]["default"]
    assert database["OPTIONS"]["charset"] == ("utf8mb3" if "utf8mb3" in url else "utf8mb4")


def test_options_of_the_url_reach_the_driver_of_mysql(tmp_path):
    startproject(tmp_path)
    url = "mysql://u:p@db.example.org:3307/shop?ssl-ca=/etc/ca.pem&ssl-cert=/c.pem&connect_timeout=5&init_command=SET+a"
    release = lay_out(tmp_path, env={"ROADIE_DATABASE_URL": url})
    database = release.settings("DATABASES")["DATABASES"]["default"]
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example.org", "3307", "shop")
    assert database["OPTIONS"] == {
        "charset": "utf8mb4",
        "ssl": {"ca": "/etc/ca.pem", "cert": "/c.pem"},
        "connect_timeout": 5,
        "init_command": "SET a",
    }


def test_a_setting_that_a_project_computes_stays(tmp_path):
    startproject(
        tmp_path,
        "import os",
        "SECRET_KEY = os.environ['MY_KEY']",
        "ALLOWED_HOSTS = os.environ.get('MY_HOSTS', 'a.example.org').split(',')",
        "CSRF_TRUSTED_ORIGINS = ['https://b.example.org']",
        "SECURE_PROXY_SSL_HEADER = None",
        "DATABASES['default'] = {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'theirs'}",
    )
    release = lay_out(tmp_path, env={"MY_KEY": "theirs"})
    found = release.settings(
        "SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "SECURE_PROXY_SSL_HEADER", "DATABASES"
    )
    assert found.pop("DATABASES")["default"]["NAME"] == "theirs"
    assert found == {
        "SECRET_KEY": "theirs",
        "ALLOWED_HOSTS": ["a.example.org"],
        "CSRF_TRUSTED_ORIGINS": ["https://b.example.org"],
        "SECURE_PROXY_SSL_HEADER": None,
    }


def test_a_project_without_databases_or_urls_gets_them(tmp_path):
    path = startproject(tmp_path)
    code = path.read_text()
    path.write_text(code[: code.index("DATABASES =")] + "\nUSE_TZ = True\n")
    found = lay_out(tmp_path).settings("DATABASES", "STATIC_URL", "MEDIA_URL")
    assert found["DATABASES"]["default"]["NAME"] == "mysite"
    assert (found["STATIC_URL"], found["MEDIA_URL"]) == ("/static/", "/media/")


def test_settings_of_fabric_yaml_win_over_everything(tmp_path):
    startproject(tmp_path)
    wanted = {
        "TIME_ZONE": "Europe/Paris",
        "ALLOWED_HOSTS": ["*"],
        "TITLE": "it's {{ 7 }} %s\n",
        "NUMBERS": {"a": None},
    }
    assert lay_out(tmp_path, django=wanted).settings(*wanted) == wanted


@pytest.mark.parametrize("overlay", [True, False])
def test_a_list_of_public_names_hides_no_setting(tmp_path, overlay):
    startproject(tmp_path, "TITLE = 'Mine'", "__all__ = ['DEBUG']")
    release = lay_out(tmp_path, overlay=overlay, django={"TIME_ZONE": "Europe/Paris"})
    assert release.settings("TITLE", "ROOT_URLCONF", "TIME_ZONE") == {
        "TITLE": "Mine",
        "ROOT_URLCONF": "mysite.urls",
        "TIME_ZONE": "Europe/Paris",
    }


def test_without_the_overlay_only_those_of_fabric_yaml_are_set(tmp_path):
    startproject(tmp_path)
    release = lay_out(tmp_path, overlay=False, django={"TIME_ZONE": "Europe/Paris"})
    found = release.settings("TIME_ZONE", "DEBUG", "STATIC_ROOT")
    assert found == {"TIME_ZONE": "Europe/Paris", "DEBUG": True, "STATIC_ROOT": None}


def test_a_settings_package_keeps_what_it_reads_from_the_environment(tmp_path):
    projects.example("newsdesk", tmp_path / "releases/1/code")
    release = lay_out(
        tmp_path,
        **NEWSDESK,
        env={
            "DJANGO_SECRET_KEY": "k" * 50,
            "DJANGO_ALLOWED_HOSTS": DOMAIN,
            "DATABASE_URL": releases.DATABASE_URL,
        },
    )
    found = release.settings("SECRET_KEY", "ALLOWED_HOSTS", "DATABASES", "STATIC_ROOT", "LOGGING")
    assert found["SECRET_KEY"] == "k" * 50
    assert found["ALLOWED_HOSTS"] == [DOMAIN]
    assert found["DATABASES"]["default"]["CONN_MAX_AGE"] == 60
    assert found["STATIC_ROOT"] == str(release.static)
    assert found["LOGGING"]["handlers"]["file"]["class"] == "logging.StreamHandler"


@pytest.mark.parametrize(
    ("said", "lasts"),
    [
        ("BASE_DIR / 'media'", False),
        ("'media'", False),
        ("''", False),
        ("str(BASE_DIR.parent / 'media')", False),
        ("'/mnt/uploads'", True),
    ],
)
def test_a_media_root_inside_the_release_does_not_count(tmp_path, said, lasts):
    startproject(tmp_path, f"MEDIA_ROOT = {said}")
    release = lay_out(tmp_path)
    [found] = release.settings("MEDIA_ROOT").values()
    assert found == ("/mnt/uploads" if lasts else str(release.media))


@pytest.mark.parametrize(
    ("name", "collects", "is_own"),
    [
        ("app.css", True, False),
        ("app.css", False, True),
        (".gitkeep", False, False),
        ("staticfiles.json", True, True),
        ("hashes.json", True, True),
    ],
)
def test_a_static_root_stays_if_nothing_is_collected_or_a_manifest_is_there(tmp_path, name, collects, is_own):
    path = startproject(tmp_path, "STATIC_ROOT = BASE_DIR / 'assets'")
    own = path.parents[1] / "assets"
    own.mkdir()
    (own / name).write_text('{"paths": {}, "version": "1.1"}')
    (own / "package.json").write_text("[")
    release = lay_out(tmp_path, collectstatic=collects)
    (own / "package.json").unlink()
    assert release.settings("STATIC_ROOT") == {"STATIC_ROOT": str(own if is_own else release.static)}


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60))
def test_a_password_comes_through_a_database_url(password):
    scope: dict[str, object] = {"__file__": "/srv/x/releases/1/overlay/roadie_overlay.py"}
    exec((TEMPLATES / "in-project/overlay.py").read_text(), scope)
    url = f"mysql://me:{quote(password, safe='')}@localhost/site?unix_socket=/run/x.sock"
    assert scope["database"](url)["PASSWORD"] == password  # type: ignore[operator]


def test_a_database_url_may_name_a_host_and_a_port(overlay):
    found = overlay.database("mysql://me:x@db.example.org:3307/site")
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db.example.org", "3307", "site")


@pytest.mark.parametrize(
    ("scheme", "engine"),
    {
        "postgresql": "django.db.backends.postgresql",
        "postgres": "django.db.backends.postgresql",
        "postgis": "django.contrib.gis.db.backends.postgis",
    }.items(),
)
def test_a_database_url_may_name_the_folder_of_a_socket(overlay, scheme, engine):
    found = overlay.database(f"{scheme}://site@/site?host=/run/postgresql")
    assert found == {
        "ENGINE": engine,
        "NAME": "site",
        "USER": "site",
        "PASSWORD": "",
        "HOST": "/run/postgresql",
        "PORT": "",
        "OPTIONS": {},
    }


# ---- Text that cannot be read: the value decides ----------------------------------------------------

SPLIT = """
def include(path):
    exec((BASE_DIR / path).read_text(), globals())
include('mysite/parts.py')
"""


def split(tmp_path, *more):
    """A startproject whose settings stand in a file that only running the code would find."""
    path = startproject(tmp_path, *more)
    text = path.read_text()
    base = text.index("# Quick-start")
    (path.parent / "parts.py").write_text(text[base:])
    path.write_text(text[:base] + SPLIT)
    return path


def test_a_startproject_in_parts_becomes_safe(tmp_path):
    split(tmp_path)
    release = lay_out(tmp_path)
    found = release.settings(
        *"DEBUG SECRET_KEY ALLOWED_HOSTS DATABASES STATIC_ROOT MEDIA_ROOT STATIC_URL MEDIA_URL".split()
    )
    assert found.pop("DATABASES")["default"]["NAME"] == "mysite"
    assert found == {
        "DEBUG": False,
        "SECRET_KEY": SECRET_KEY,
        "ALLOWED_HOSTS": [DOMAIN],
        "STATIC_ROOT": str(release.static),
        "MEDIA_ROOT": str(release.media),
        "STATIC_URL": "/static/",
        "MEDIA_URL": "/media/",
    }


def test_in_parts_too_a_value_of_the_projects_own_stays(tmp_path):
    split(
        tmp_path,
        "import os",
        "SECRET_KEY = os.environ['MY_KEY']",
        "ALLOWED_HOSTS = ['a.example.org']",
        "DATABASES['default'] = {'ENGINE': 'django.db.backends.sqlite3', 'NAME': '/srv/theirs.sqlite3'}",
        "STATIC_URL = '/own/'",
        "MEDIA_ROOT = '/mnt/uploads'",
    )
    names = "SECRET_KEY ALLOWED_HOSTS STATIC_URL MEDIA_ROOT DATABASES".split()
    found = lay_out(tmp_path, env={"MY_KEY": "theirs"}, static_url="/own/").settings(*names)
    assert found.pop("DATABASES")["default"]["NAME"] == "/srv/theirs.sqlite3"
    assert [*found.values()] == ["theirs", ["a.example.org"], "/own/", "/mnt/uploads"]


def test_settings_of_a_class_are_made_ready_after_it_has_set_them(overlay, monkeypatch):
    class Configuration:
        """As in django-configurations, which sets the attributes of the class in the module."""

        @classmethod
        def post_setup(cls):
            settings["SEEN"] = cls.__name__

    monkeypatch.setenv("DJANGO_CONFIGURATION", "Live")
    monkeypatch.setenv("ROADIE_DATABASE_URL", releases.DATABASE_URL)
    monkeypatch.setitem(sys.modules, "roadie_site", SimpleNamespace(COLLECTSTATIC=True))
    for name in ("SECRET_KEY", "STATIC_ROOT", "MEDIA_ROOT"):
        monkeypatch.setenv(f"ROADIE_{name}", f"/ours/{name}")
    Live = type("Live", (Configuration,), {})
    settings = {"Live": Live}
    words = {"DEBUG": "unread", "SECRET_KEY": "own", "ALLOWED_HOSTS": "unread", "DATABASES": "own"}
    https = "SECURE_PROXY_SSL_HEADER", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS"
    words |= dict.fromkeys(["CSRF_TRUSTED_ORIGINS", *https], "own")
    overlay.make_ready(settings, words, domains=["a.org"], django={"TIME_ZONE": "UTC"})
    assert settings["Live"] is not Live and "STATIC_ROOT" not in settings
    settings |= {"DEBUG": True, "STATIC_ROOT": None, "TIME_ZONE": "Europe/Paris", "ALLOWED_HOSTS": []}
    settings["Live"].post_setup()
    names = "SEEN DEBUG STATIC_ROOT TIME_ZONE ALLOWED_HOSTS".split()
    assert [settings[name] for name in names] == ["Live", False, "/ours/STATIC_ROOT", "UTC", ["a.org"]]


# ---- What fabric.yaml has roadie set by name --------------------------------------------------------


@pytest.mark.parametrize(("collects", "is_own"), [(True, False), (False, True)])
def test_a_static_root_of_another_server_is_no_word_on_where_roadie_collects(tmp_path, collects, is_own):
    startproject(tmp_path, "STATIC_ROOT = '/home/other/static'")
    release = lay_out(tmp_path, collectstatic=collects)
    own = {"STATIC_ROOT": "/home/other/static"}
    assert release.settings("STATIC_ROOT") == (own if is_own else {"STATIC_ROOT": str(release.static)})


def test_the_overlay_sets_by_name_what_the_project_says_otherwise(tmp_path):
    startproject(
        tmp_path,
        "DEBUG = bool(1)",
        "SECRET_KEY = 'k' * 50",
        "ALLOWED_HOSTS = ['a.example.org']",
        "DATABASES = dict(default=dict(ENGINE='no.such.engine', HOST='db', CONN_MAX_AGE=9), old={})",
        "STATIC_URL, STATIC_ROOT, MEDIA_ROOT = '/a/', '/mnt/static', '/mnt/media'",
        "LOGGING = {'version': 1, 'handlers': {'x': {'class': 'no.such.Handler'}}}",
    )
    names = "DEBUG SECRET_KEY ALLOWED_HOSTS DATABASES STATIC_URL STATIC_ROOT MEDIA_ROOT LOGGING".split()
    release = lay_out(tmp_path, overlay=names)
    found = release.settings(*names)
    databases, logging = found.pop("DATABASES"), found.pop("LOGGING")
    assert (databases["default"]["NAME"], databases["default"]["HOST"]) == (
        "mysite",
        "/run/mysqld/mysqld.sock",
    )
    assert databases["default"]["CONN_MAX_AGE"] == 9 and "old" in databases
    assert [*logging["handlers"]] == ["roadie"]
    assert found == {
        "DEBUG": False,
        "SECRET_KEY": SECRET_KEY,
        "ALLOWED_HOSTS": [DOMAIN],
        "STATIC_URL": "/static/",
        "STATIC_ROOT": str(release.static),
        "MEDIA_ROOT": str(release.media),
    }


# ---- The secret key ---------------------------------------------------------------------------------


def test_a_key_that_is_in_git_is_replaced(tmp_path):
    startproject(tmp_path, "SECRET_KEY = 'a long key that stands in the repository for everyone'")
    assert lay_out(tmp_path).settings("SECRET_KEY") == {"SECRET_KEY": SECRET_KEY}


def test_a_key_that_fabric_yaml_names_under_secrets_is_the_sites(tmp_path):
    startproject(tmp_path, "SECRET_KEY = 'a long key that stands in the repository for everyone'")
    release = lay_out(tmp_path, env={"SECRET_KEY": SECRET_KEY, "DJANGO_SECRET_KEY": "from the vault"})
    assert release.settings("SECRET_KEY") == {"SECRET_KEY": "from the vault"}


def test_celery_gets_roadies_redis_in_the_form_that_it_reads(overlay, monkeypatch):
    monkeypatch.setitem(sys.modules, "roadie_site", SimpleNamespace(ENV_NAMES={"redis_url": ["REDIS_URL"]}))
    ours, theirs = "unix:///run/redis-shop/redis.sock?db=2", "unix:///run/own.sock?db=2"
    monkeypatch.setenv("REDIS_URL", ours)
    settings = {"CELERY_BROKER_URL": ours, "RESULT_BACKEND": ours, "BROKER_URL": theirs, "REDIS_URL": ours}
    settings["CELERY_RESULT_BACKEND"] = "django-db"
    in_a_database_of_its_own = "redis+socket:///run/redis-shop/redis.sock?virtual_host=1"
    found = overlay.for_celery(settings)
    assert found == dict.fromkeys(("CELERY_BROKER_URL", "RESULT_BACKEND"), in_a_database_of_its_own)
    assert overlay.for_celery({"CELERY_BROKER_URL": "amqp://"}) == {}
