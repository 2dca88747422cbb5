"""What the text of settings tells of a deploy before there is a connection."""

from __future__ import annotations

from pathlib import Path

import projects
import pytest
from roadie.git.trees import FolderTree
from roadie.project.reading import read
from roadie.settings.reading import load

DOMAIN = "www.example.org"


POSTGRES = (
    "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': os.getenv('DB_NAME')}}"
)
SQLITE = (
    "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': os.getenv('DB_NAME', 'x')}}"
)
CHOSEN = f"{SQLITE}\nif os.getenv('DB') == 'postgres':\n    {POSTGRES}"
REDIRECTS = "    SECURE_SSL_REDIRECT = True"
# Lines of settings with a branch that the environment chooses, what env: sets, and what is told.
BRANCHES = {
    "not chosen": (CHOSEN, {}, "has the engine django.db.backends.sqlite3"),
    "chosen": (CHOSEN, {"DB": "postgres"}, "db_name: DB_NAME"),
    "one of several": (f"if os.environ['DB'] in ('pg', 'x'):\n    {POSTGRES}", {"DB": "pg"}, "DB_NAME"),
    "by default": (f"if os.getenv('S', 'True ').strip().lower() == 'true':\n{REDIRECTS}", {}, "SECURE"),
    "turned off": (f"if os.getenv('S', 'true') == 'true':\n{REDIRECTS}", {"S": "false"}, ""),
    "nested": (f"if 'A' in os.environ:\n  if not os.environ.get('B'):\n{REDIRECTS}", {"A": "1"}, "SECURE"),
    "by a name": (f"S = os.getenv('S', 'dev')\nif S == 'live':\n{REDIRECTS}", {"S": "live"}, "SECURE"),
    "by a list": (f"S = []\nS.append(1)\nif not S:\n{REDIRECTS}", {}, ""),
    "cast": (f"if env.bool('S', default=False):\n{REDIRECTS}", {"S": "true"}, ""),
    "in a text, and not set": (f"if os.getenv('S') in 'ab':\n{REDIRECTS}", {}, ""),
    "a list as a key": (f"if os.getenv('S') == {{(1, [2]): 3}}:\n{REDIRECTS}", {}, ""),
    "a secret": (f"if os.environ['SECRET_KEY'] == 'x':\n{REDIRECTS}", {}, ""),
    "not by the environment": (f"if sys.platform == 'x':\n{REDIRECTS}", {}, ""),
}


@pytest.mark.parametrize("case", BRANCHES.values(), ids=BRANCHES)
def test_a_branch_counts_if_the_environment_chooses_it(case, tmp_path):
    lines, env, words = case
    found = " ".join(told(tmp_path / "mysite", lines, env=env, database="postgresql"))
    assert words in found if words else found == ""
    assert not ("has the engine" in found and "env_names" in found)


READ = "N, U, H = map(os.getenv, ('A', 'B', 'C'))\nDATABASES = {}\nif X:\n    DATABASES['default'] = f()"
PARTS = "X = os.getenv('POSTGRES_DB'), os.getenv('POSTGRES_USER'), os.environ.get('POSTGRES_HOST')"


def test_the_variables_of_a_database_are_told_by_their_names(tmp_path):
    names = "POSTGRES_DB, POSTGRES_USER, POSTGRES_HOST"
    cure = "{db_name: POSTGRES_DB, db_user: POSTGRES_USER, db_socket: POSTGRES_HOST} or overlay: [DATABASES]"
    assert told(tmp_path / "told", PARTS, READ) == [
        f"DATABASES is worked out from {names}, which nothing sets; write env_names: {cure} in fabric.yaml"
    ]
    assert len(told(tmp_path / "beside", PARTS, READ, "SECRET_KEY = os.environ['SECRET_KEY']")) == 1
    assert len(told(tmp_path / "called", PARTS, "DATABASES = parsed(BASE_DIR)")) == 1
    chosen = "if X:\n    one = f()\nDATABASES = {'default': one}"
    assert len(told(tmp_path / "chosen", PARTS, chosen)) == 1
    assert told(tmp_path / "forced", PARTS, READ, overlay=["DATABASES"]) == []
    parts = {"db_name": "POSTGRES_DB", "db_user": "POSTGRES_USER", "db_socket": "POSTGRES_HOST"}
    assert told(tmp_path / "named", PARTS, READ, env_names=parts) == []
    assert told(tmp_path / "url", PARTS, READ, "Y = os.getenv('DATABASE_URL')") == []


def test_hosts_that_are_read_from_a_variable_are_told_once(tmp_path):
    [sentence] = told(tmp_path, "ALLOWED_HOSTS = os.environ.get('HOSTS', 'a.org').split(',')")
    assert "HOSTS, which nothing sets; write env_names: {allowed_hosts: HOSTS}" in sentence


def test_an_engine_that_a_variable_must_name_is_in_the_cure(tmp_path):
    parts = "'ENGINE': env.str('DB_ENGINE'), 'NAME': env.str('DB_NAME'), 'HOST': env.str('DB_HOST')"
    [sentence] = told(tmp_path, f"DATABASES = {{'default': {{{parts}}}}}", database="postgresql")
    cure = "{db_name: DB_NAME, db_socket: DB_HOST} and env: {DB_ENGINE: django.db.backends.postgresql}"
    assert sentence.endswith(f"write env_names: {cure} in fabric.yaml")


@pytest.mark.parametrize(
    "line",
    [
        "DJANGO_ENV = os.environ.get('DJANGO_ENV', 'development')",
        "os.environ.setdefault('DJANGO_ENV', 'development')\nX = os.environ['DJANGO_ENV']",
    ],
)
def test_a_variable_that_stands_for_development_until_it_is_set_is_told(tmp_path, line):
    assert told(tmp_path / "unset", line) == [
        "DJANGO_ENV is development, as nothing sets it; write what the settings call production in "
        "fabric.yaml, for example env: {DJANGO_ENV: production}"
    ]
    assert told(tmp_path / "set", line, env={"DJANGO_ENV": "production"}) == []
    assert told(tmp_path / "other", line.replace("development", "production")) == []


@pytest.mark.parametrize("line", ["X = import_module('mysite.conf')", "X = os.getenv('CONF', 'mysite.conf')"])
def test_a_module_that_is_not_in_git_and_has_an_example_is_told(tmp_path, line):
    (tmp_path / "mysite").mkdir()
    (tmp_path / "mysite/conf_example.py").write_text("")
    [sentence] = told(tmp_path, line)
    assert sentence == (
        "the settings name mysite.conf, which is not in git; mysite/conf_example.py lies beside: copy it to "
        "deploy/conf.py, fill it in, and write `files: {mysite/conf.py: deploy/conf.py}` in fabric.yaml"
    )
    (tmp_path / "mysite/conf.py").write_text("")
    assert not [one for one in told(tmp_path, line) if "not in git" in one]


def told(folder: Path, *lines: str, **values: object) -> list[str]:
    """Return the forewarnings of a startproject with these lines at the end of its settings."""
    projects.startproject(folder)
    path = folder / "mysite/settings.py"
    path.write_text("\n".join([path.read_text(), "import os", *lines, ""]))
    return [*read(FolderTree(folder), load({"domain": DOMAIN, **values}, "fabric.yaml", folder)).forewarnings]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "SECRET_KEY = os.environ['SECRET_KEY']",
        "SECRET_KEY = env('DJANGO_SECRET_KEY')",
        "ALLOWED_HOSTS = ['.example.org']",
        "ALLOWED_HOSTS = ['*']",
        "ALLOWED_HOSTS = env.list('HOSTS', default=['www.example.org'])",
        "ALLOWED_HOSTS = os.environ.get('HOSTS', 'a.org,www.example.org').split(',')",
        "ALLOWED_HOSTS = ['www.example.org'] + os.environ.get('HOSTS', '').split(',')",
        "ALLOWED_HOSTS = ['a.org', *os.environ.get('HOSTS', '').split(), '.example.org']",
        "SECRET_KEY = os.environ.get('SECRET_KEY') or get_random_secret_key()",
        "DEBUG = env.bool('MY_DEBUG', False)",
        "DEBUG = config('MY_DEBUG', default='False', cast=bool)",
        "DEBUG = os.environ.get('MY_DEBUG') == '1'",
        "DATABASES = {'default': env.db()}",
        "DATABASES = {'default': env.db('DATABASE_URL')}",
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': '/srv/x.sqlite3'}}",
        "SECURE_SSL_REDIRECT = env.bool('DJANGO_SECURE_SSL_REDIRECT', default=False)",
        "EMAIL_BACKEND = 'django.core.mail.backends.smtp.EmailBackend'",
        "MEDIA_ROOT = BASE_DIR / 'media'",
        "MEDIA_ROOT = os.environ.get('MEDIA')",
        "STRIPE = os.environ.get('STRIPE')",
        "STRIPE = os.environ['STRIPE'] if 'STRIPE' in os.environ else ''",
        "STRIPE = env('STRIPE', default='')",
        "env = environ.Env(STRIPE=(str, ''))\nSTRIPE = env('STRIPE')",
        "os.environ['STRIPE'] = 'x'\nSTRIPE = os.environ['STRIPE']",
        "if os.environ.get('PAID'):\n    STRIPE = os.environ['STRIPE']",
        "if 'STRIPE' in os.environ:\n    STRIPE = os.environ['STRIPE']",
        "if x():\n    STRIPE = os.environ['STRIPE']",
        "DATABASES['old'] = {'ENGINE': 'x', 'NAME': os.environ.get('OLD')}",
        "def stripe():\n    return os.environ['STRIPE']",
        "try:\n    STRIPE = os.environ['STRIPE']\nexcept KeyError:\n    pass",
    ],
)
def test_of_what_will_do_nothing_is_told(tmp_path, line):
    assert told(tmp_path, line) == []


POSTGRES = (
    "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': os.environ['PG_DB'], "
    "'USER': os.environ['PG_USER'], 'PASSWORD': os.environ['PG_PASS'], 'HOST': os.getenv('PG_HOST')}}"
)
TOLD = {
    "SECRET_KEY = 'in git for everyone to see'": "SECRET_KEY stands in the repository, so it is no secret",
    "SECRET_KEY = os.environ['MY_KEY']": (
        "SECRET_KEY is read from MY_KEY, which nothing sets; "
        "write env_names: {secret_key: MY_KEY} in fabric.yaml"
    ),
    "SECRET_KEY = env('MY_KEY', default='for all')": (
        "write env_names: {secret_key: MY_KEY} or overlay: [SECRET_KEY] in fabric.yaml"
    ),
    "SECRET_KEY = get_random_secret_key()": "SECRET_KEY is made anew by each process",
    "DEBUG = env.bool('MY_DEBUG', True)": "DEBUG is read from MY_DEBUG, which nothing sets",
    "ALLOWED_HOSTS = ['example.com']": f"ALLOWED_HOSTS does not hold {DOMAIN}, so a deploy would refuse",
    "ALLOWED_HOSTS = ['a.org'] + os.getenv('HOSTS', '').split(',')": "ALLOWED_HOSTS is read from HOSTS",
    "ALLOWED_HOSTS = env.list('HOSTS')": "ALLOWED_HOSTS is read from HOSTS, which nothing sets",
    "DATABASES = {'default': env.db('DB')}": "write env_names: {database_url: DB} in fabric.yaml",
    "DATABASES = {'default': env.db('DB', default='sqlite:///x')}": (
        "write env_names: {database_url: DB} or overlay: [DATABASES] in fabric.yaml"
    ),
    POSTGRES: (
        "DATABASES is read from PG_DB, PG_USER, PG_PASS, PG_HOST, which nothing sets; write env_names: "
        "{db_name: PG_DB, db_user: PG_USER, db_password: PG_PASS, db_socket: PG_HOST} in fabric.yaml"
    ),
    "DATABASES = {'default': {'ENGINE': 'django.db.backends.mysql', 'NAME': 'shop'}}": (
        "DATABASES names the database shop itself"
    ),
    "SECURE_SSL_REDIRECT = True": "sends visitors to https, but this site is served over http",
    "SECURE_SSL_REDIRECT = env.bool('SSL', default=True)": "SECURE_SSL_REDIRECT sends visitors to https",
    "SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True": (
        "nobody can log in over http, because of SESSION_COOKIE_SECURE and CSRF_COOKIE_SECURE; write `tls: "
    ),
    "EMAIL_BACKEND = 'django.core.mail.backends.console.EmailBackend'": "so the site sends no e-mail",
    "MEDIA_ROOT = env.str('MEDIA', '/home/shop/media')": "uploads go to /home/shop/media, which",
    "if os.environ.get('FREE'):\n    pass\nelse:\n    STRIPE = env('STRIPE')": "settings read STRIPE from",
    "if not env.bool('FREE', False):\n    STRIPE = env('STRIPE')": "the settings read STRIPE from",
    "STRIPE, MAIL = os.environ['STRIPE'], env('MAIL')": (
        "the settings read MAIL, STRIPE from the environment, where nothing sets them; "
        "write them under env: or secrets: in fabric.yaml"
    ),
}


@pytest.mark.parametrize(("line", "says"), TOLD.items())
def test_what_would_be_refused_or_wrong_is_told_in_one_line(tmp_path, line, says):
    [one] = told(tmp_path, line)
    assert says in one
    assert len(one) < 300 and "\n" not in one


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("SECRET_KEY = os.environ['MY_KEY']", {"env_names": {"secret_key": "MY_KEY"}}),
        ("SECRET_KEY = os.environ['MY_KEY']", {"secrets": {"MY_KEY": {"command": "pass"}}}),
        ("DEBUG = env.bool('MY_DEBUG', True)", {"env": {"MY_DEBUG": False}}),
        ("DEBUG = env.bool('MY_DEBUG', True)", {"overlay": ["DEBUG"]}),
        ("ALLOWED_HOSTS = ['example.com']", {"overlay": ["ALLOWED_HOSTS"]}),
        ("ALLOWED_HOSTS = ['example.com']", {"django": {"ALLOWED_HOSTS": ["*"]}}),
        ("SECURE_SSL_REDIRECT = env.bool('SSL', default=True)", {"env": {"SSL": False}}),
        ("SECURE_SSL_REDIRECT = True", {"django": {"SECURE_SSL_REDIRECT": False}}),
        ("SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = True", {"tls": "letsencrypt"}),
        ("SESSION_COOKIE_SECURE = True", {"overlay": ["SESSION_COOKIE_SECURE"]}),
        ("SESSION_COOKIE_SECURE = True", {"proxies": ["203.0.113.7"]}),
        ("DATABASES = {'default': env.db('DB', default='sqlite:///x')}", {"overlay": ["DATABASES"]}),
        ("DATABASES = {'default': env.db('DB')}", {"env_names": {"database_url": "DB"}}),
        ("STRIPE = os.environ['STRIPE']", {"env": {"STRIPE": "x"}}),
    ],
)
def test_each_cure_works(tmp_path, line, values):
    assert told(tmp_path, line, database="mysql", **values) == []


def test_a_variable_that_a_committed_env_file_has_is_no_news(tmp_path):
    (tmp_path / ".env").write_text("export STRIPE=x\n#MAIL=\nMAIL = y\n")
    assert told(tmp_path, "STRIPE, MAIL = env('STRIPE'), env('MAIL')") == []


def test_settings_for_developers_are_told(tmp_path):
    projects.startproject(tmp_path)
    (tmp_path / "mysite/settings.py").rename(tmp_path / "mysite/settings_local.py")
    projects.change_line(tmp_path / "manage.py", "mysite.settings", "mysite.settings_local")
    wanted = {"domain": DOMAIN, "settings_module": ""}
    [one] = read(FolderTree(tmp_path), load({"domain": DOMAIN}, "fabric.yaml", tmp_path)).forewarnings
    assert one.startswith("manage.py names the settings mysite.settings_local, which are for developers")
    wanted["settings_module"] = "mysite.settings_local"
    assert read(FolderTree(tmp_path), load(wanted, "fabric.yaml", tmp_path)).forewarnings == ()


def test_which_class_is_for_production_is_asked(tmp_path):
    classes = "class Dev(Configuration):\n    pass\nclass Live(Dev):\n    pass\nclass Other:\n    pass"
    [one] = told(tmp_path / "one", classes)
    assert one == (
        "the settings are one of the classes Dev, Live; write which one is for production in fabric.yaml, "
        "for example env: {DJANGO_CONFIGURATION: Live}"
    )
    assert told(tmp_path / "two", classes, env={"DJANGO_CONFIGURATION": "Live"}) == []
    classes += "\nclass Production(Live):\n    pass\nclass Feature(Production):\n    pass"
    assert "{DJANGO_CONFIGURATION: Production}" in told(tmp_path / "three", classes)[0]


def test_settings_that_are_imported_count_too(tmp_path):
    (tmp_path / "mysite").mkdir()
    (tmp_path / "mysite/base.py").write_text("from os import environ\nSTRIPE = environ['STRIPE']\n")
    [one] = told(tmp_path, "from .base import *")
    assert "read STRIPE from the environment, where nothing sets it" in one


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        ("MEDIA_ROOT = BASE_DIR / 'data' / 'media'", True),
        ("MEDIA_ROOT = os.path.join(BASE_DIR, 'data', 'media')", True),
        ("MEDIA_ROOT = BASE_DIR / 'media'", False),
        ("MEDIA_ROOT = '/data/media'", False),
        ("MEDIA_ROOT = os.environ.get('MEDIA', 'data')", False),
    ],
)
def test_uploads_below_a_shared_folder_are_told(tmp_path, line, is_told):
    found = [
        one for one in told(tmp_path, line, shared=["data"]) if one.startswith("MEDIA_ROOT is data/media")
    ]
    assert len(found) == is_told
    assert told(tmp_path / "x", line, shared=["data"], overlay=["MEDIA_ROOT"]) == []
