"""The kind of a site's database follows what the project says, and the reason is told."""

from pathlib import Path

import pytest
from roadie.errors import SettingsError
from roadie.project.completion import complete
from roadie.project.reading import faults, read
from roadie.settings.reading import load
from trees import Files

ENGINE = "DATABASES = {'default': {'ENGINE': '%s'}}"
LITERAL = "DATABASES = {{'default': {{'ENGINE': 'django.db.backends.{}'}}}}"
ENVIRON = "import environ\nenv = environ.Env()\nDATABASES = {'default': env.db('DATABASE_URL'%s)}"


def shop(text, requires="", **others):
    manage = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')"
    requirements = f"Django==5.2\n{requires}\n"
    files = {"manage.py": manage, "shop/settings.py": text, "requirements.txt": requirements, **others}
    return Files({**files, "shop/__init__.py": "", "shop/wsgi.py": ""})


def settings(**values):
    return load({"domain": "www.example.org", **values}, "fabric.yaml", Path("/home/me/corner-shop"))


def project(text, requires="", values=None, **others):
    return read(shop(text, requires, **others), settings(**values or {}))


def choice(text, requires="", values=None, **others):
    found = project(text, requires, values, **others).database
    return found.kind, found.why


FIXED = LITERAL.format
CASES = {
    "nothing": ("", "", "mysql", "names no other"),
    "startproject": ("DATABASES = {}", "", "mysql", "names no other"),
    "literal": (FIXED("postgresql"), "", "postgresql", "names django.db.backends.postgresql"),
    "gis": (ENGINE % "django.contrib.gis.db.backends.postgis", "", "postgresql", "backends.postgis"),
    "another's": (ENGINE % "django_tenants.postgresql_backend", "", "postgresql", "postgresql_backend"),
    "literal and another driver": (FIXED("mysql"), "psycopg2", "mysql", "names django.db.backends.mysql"),
    "literal of developers and a driver": (FIXED("sqlite3"), "psycopg", "sqlite", "backends.sqlite3"),
    "a driver": ("", "psycopg[binary]==3.2", "postgresql", "as requirements.txt has psycopg"),
    "two drivers": ("", "psycopg2\nmysqlclient", "mysql", "names mysql and postgresql; `database:`"),
    "URL": (ENVIRON % ", default='postgres://me:pw@here/x'", "", "postgresql", "names a postgres:// URL"),
    "URL of developers": (ENVIRON % ", default='sqlite:///x'", "", "sqlite", "sqlite:// URL"),
    "URL of developers and a driver": (
        ENVIRON % ", default='sqlite:///x'",
        "psycopg",
        "postgresql",
        "has psycopg",
    ),
    "URL without default": (ENVIRON % "", "psycopg2-binary", "postgresql", "has psycopg2-binary"),
    "nothing but the environment": (ENVIRON % "", "", "mysql", "names no other"),
    "name of a value": (
        "URL = env('DATABASE_URL', default='postgresql:///x')\nDATABASES = {'default': parse(URL)}",
        "",
        "postgresql",
        "postgresql:// URL",
    ),
    "engine of the environment": (
        "DATABASES = {'default': {'ENGINE': env('ENGINE', 'django.db.backends.postgresql')}}",
        "",
        "postgresql",
        "django.db.backends.postgresql",
    ),
    "a default without its driver": (
        ENVIRON % ", default='mysql:///x'",
        "psycopg2",
        "postgresql",
        "psycopg2",
    ),
    "a default beside two drivers": (
        ENVIRON % ", default='mysql:///x'",
        "psycopg2 mysqlclient",
        "mysql",
        "mysql:// URL",
    ),
    "an engine without its driver": (FIXED("mysql"), "psycopg2", "mysql", "backends.mysql"),
    "engine in two parts": (
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.' + env('ENGINE', 'postgresql')}}",
        "",
        "postgresql",
        "names postgresql",
    ),
    "either": (
        f"if env('CI'):\n    {FIXED('sqlite3')}\nelse:\n    {FIXED('postgresql')}",
        "",
        "postgresql",
        "postgresql",
    ),
    "another alias": (
        "DATABASES = {'default': dict(ENGINE='django.db.backends.mysql'),"
        " 'old': {'ENGINE': 'x.backends.postgresql'}}",
        "",
        "mysql",
        "django.db.backends.mysql",
    ),
    "one of two": (
        "if E == 'pg':\n    one = {'ENGINE': 'x.backends.postgresql'}\n"
        "else:\n    one = {'ENGINE': 'x.backends.sqlite3'}\n"
        "DATABASES = {'default': one}",
        "",
        "postgresql",
        "backends.postgresql",
    ),
    "a logger": ("LOGGING = {'loggers': {'x.backends.postgresql': {}}}", "", "mysql", "no other"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_kind_is_the_one_that_the_project_names(case):
    text, requires, kind, why = case
    found = choice(text, requires)
    assert found[0] == kind and why in found[1], found


GIS = "django.contrib.gis"
STARTS = "if os.environ['DATABASE_URL'].startswith('postgres://'):\n    INSTALLED_APPS.append('x')\n"
SCHEMES = {
    "nothing": (ENVIRON % "", "postgresql"),
    "another spelling": (f"DATABASES = {{}}\nDATABASES['default'] = parse()\n{STARTS}", "postgres"),
    "both spellings": (
        ENVIRON % ", default='postgresql:///x'" + "\nDATABASES.x('postgres://')",
        "postgresql",
    ),
    "an alias of the driver": (ENVIRON % ", default='psql:///x'", "postgresql"),
    "engine and spelling": (f"{FIXED('postgresql')}\nDATABASES.update(x)\n{STARTS}", "postgres"),
    "gis in the URL": (ENVIRON % ", default='postgis:///x'", "postgis"),
    "gis in the engine": (ENGINE % f"{GIS}.db.backends.postgis", "postgis"),
    "gis among the apps": (f"{ENVIRON % ''}\nINSTALLED_APPS = ['{GIS}']", "postgis"),
    "gis against the URL": (ENVIRON % ", default='postgresql:///x'" + f"\nAPPS = ['{GIS}']", "postgis"),
}


@pytest.mark.parametrize("case", SCHEMES.values(), ids=SCHEMES)
def test_the_url_begins_as_the_project_expects(case):
    text, scheme = case
    assert project(text, "psycopg").database_scheme == scheme
    assert project(text, values={"database": "external"}).database_scheme == "external"


def test_settings_in_several_modules_are_read():
    base = f"{LITERAL.format('postgresql')}\nDATABASES['default']['ATOMIC_REQUESTS'] = True\n"
    found = choice("from .base import *\nDATABASES.update(x)", **{"shop/base.py": base})
    assert found == ("postgresql", "as shop.settings names django.db.backends.postgresql")


def test_the_setting_wins_and_the_site_has_what_was_chosen():
    found = project("", "psycopg", {"database": "mysql"})
    assert (found.database.kind, found.database.why) == ("mysql", "as `database:` says")
    assert complete(settings(database="mysql"), found).database == "mysql"
    assert complete(settings(), project("", "psycopg")).database == "postgresql"


def test_settings_of_fabric_yaml_name_the_kind_too():
    given = {"django": {"DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql"}}}}
    assert choice(LITERAL.format("mysql"), "", given)[0] == "postgresql"


def test_an_engine_that_no_environment_changes_is_refused_under_another_kind():
    tree = shop(LITERAL.format("postgresql"))
    [why] = faults(tree, settings(database="mysql"))
    assert why.startswith("shop.settings: DATABASES has the engine django.db.backends.postgresql, whatever")
    assert "`database: postgresql`" in why
    with pytest.raises(SettingsError):
        read(tree, settings(database="mysql"))


def test_settings_in_parts_name_a_kind_by_any_of_their_parts():
    parts = {
        "shop/settings.py": None,
        "shop/settings/__init__.py": "from split_settings.tools import include\ninclude('parts/*.py')\n",
        "shop/settings/parts/database.py": LITERAL.format("postgresql"),
    }
    made = read(Files({k: v for k, v in {**shop("").texts, **parts}.items() if v is not None}), settings())
    assert made.database.kind == "postgresql"


def test_the_overlay_may_set_another_engine_than_the_project_names():
    text, values = LITERAL.format("postgresql"), {"database": "mysql", "overlay": ["DATABASES"]}
    assert project(text, values=values).database.kind == "mysql"


def test_a_database_elsewhere_needs_a_url_and_may_have_any_engine():
    tree = shop(FIXED("oracle"))
    with pytest.raises(SettingsError, match="that database; name DATABASE_URL under secrets"):
        given = settings(database="external")
        complete(given, read(tree, given))
    given = settings(database="external", secrets={"DATABASE_URL": {"prompt": True}})
    found = complete(given, read(tree, given))
    assert (found.database, found.url_secret) == ("external", "DATABASE_URL")
