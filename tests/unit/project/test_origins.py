"""roadie reads from the text of a settings module which settings the project sets itself."""

import ast
import re
from pathlib import Path

import projects
import pytest
from roadie.errors import SettingsError
from roadie.project.assignments import WATCHED, assigned_in
from roadie.project.origins import origins_of
from roadie.project.source import Code
from roadie.project.syntax import literal_of
from trees import Files

STARTPROJECT = (projects.STARTPROJECT / "project/settings.py-tpl").read_text().replace("{{ name }}", "mysite")


def origins(text, **others):
    """Return the origin of each setting that is not absent. `others` are modules beside the settings."""
    tree = Files({f"s/{name}.py": text for name, text in {"base": text, **others}.items()})
    found = origins_of(assigned_in(Code(tree, ""), "s.base"))
    return {name: origin for name, origin in found.items() if origin != "absent"}


def test_an_unedited_startproject_has_nothing_of_its_own():
    assert origins(STARTPROJECT) == dict.fromkeys(
        ["SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "DATABASES", "STATIC_URL"], "startproject"
    )


def test_every_setting_has_an_origin():
    assert set(origins_of({})) == set(WATCHED)
    assert set(origins_of({}).values()) == {"absent"}


@pytest.mark.parametrize(
    "database",
    [
        "BASE_DIR / 'db.sqlite3'",
        'BASE_DIR / "db.sqlite3"',
        "os.path.join(BASE_DIR, 'db.sqlite3')",
        "str(BASE_DIR / 'db.sqlite3')",
    ],
)
def test_startprojects_of_older_djangos_are_known(database):
    text = f"DATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': {database}}}}}"
    assert origins(text) == {"DATABASES": "startproject"}
    assert origins(text + "\nSTATIC_URL = '/static/'")["STATIC_URL"] == "startproject"


@pytest.mark.parametrize(
    "line",
    [
        "DEBUG = False",
        "DEBUG = env.bool('DEBUG')",
        "DEBUG = os.environ.get('DEBUG') == '1'",
        "DEBUG: bool = False",
        "DEBUG, TEMPLATE_DEBUG = True, True",
        "DEBUG = 1",
        "SECRET_KEY = os.environ['SECRET_KEY']",
        "ALLOWED_HOSTS = ['*']",
        "ALLOWED_HOSTS = []\nALLOWED_HOSTS += ['example.org']",
        "ALLOWED_HOSTS = []\nALLOWED_HOSTS.append('example.org')",
        "ALLOWED_HOSTS = []\nextend(ALLOWED_HOSTS)",
        "DATABASES = {'default': env.db()}",
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': '/srv/other.sqlite3'}}",
        "DATABASES = {}\nDATABASES['default'] = dj_database_url.config()",
        "DATABASES = {}\nDATABASES['default'].update(dj_database_url.config())",
        "if 'test' in sys.argv:\n    DEBUG = True",
        "try:\n    DEBUG = True\nfinally:\n    pass",
        "with open('key') as f:\n    SECRET_KEY = f.read()",
        "for DEBUG in [True]:\n    pass",
        "if (DEBUG := True):\n    pass",
        "from .other import DEBUG",
        "from elsewhere import secret as SECRET_KEY",
        "def LOGGING():\n    pass",
        "DEBUG = True\ndel DEBUG",
        "LOGGING = {}",
        "STATIC_URL = 'https://cdn.example.org/'",
        "STATIC_ROOT = BASE_DIR / 'static'",
        "SECURE_SSL_REDIRECT = CSRF_COOKIE_SECURE = True",
    ],
)
def test_whatever_else_is_said_is_the_projects_own(line):
    named = [name for name in WATCHED if re.search(rf"\b{name}\b", line)]
    assert origins(line) == dict.fromkeys(named, "own")


@pytest.mark.parametrize(
    "line",
    [
        "DEBUG: bool",
        "print(DEBUG)",
        "def f():\n    DEBUG = False",
        "class Local:\n    DEBUG = False",
        "if DEBUG:\n    MIDDLEWARE += ['x']",
        "try:\n    from local_settings import *\nexcept ImportError:\n    pass",
        "try:\n    from .local import *\nexcept ImportError:\n    pass",
        "from .nothing import *",
        "settings = {'DEBUG': False}",
    ],
)
def test_what_only_looks_like_a_setting_is_none(line):
    assert origins(line) == {}


@pytest.mark.parametrize(
    "line",
    [
        "from django_production_settings import *",
        "django_heroku.settings(locals())",
        "globals().update(load())",
        "vars()['DEBUG'] = False",
        "exec(open('more.py').read())",
        "include('components/*.py')",
        "setattr(sys.modules[__name__], 'DEBUG', False)",
        "settings = dynaconf.DjangoDynaconf(__name__)",
        "loaded = load(globals())",
        "class Production(Configuration):\n    DEBUG = False",
        "class Production(configurations.Configuration):\n    DEBUG = False",
    ],
)
def test_where_anything_may_be_set_the_text_does_not_tell(line):
    assert origins(f"DEBUG = True\n{line}") == dict.fromkeys(WATCHED, "unread")
    assert origins(f"{line}\nDEBUG = True")["DEBUG"] == "startproject"


@pytest.mark.parametrize("key", ["'a key of their own'", "'a' 'b'", "''"])
def test_a_secret_key_in_the_text_is_a_committed_one(key):
    assert origins(f"SECRET_KEY = {key}") == {"SECRET_KEY": "committed"}
    assert origins(f"SECRET_KEY = {key}\nSECRET_KEY = os.environ['KEY']") == {"SECRET_KEY": "own"}


def test_the_last_value_counts():
    assert origins("DEBUG = False\nDEBUG = True") == {"DEBUG": "startproject"}
    assert origins("DEBUG = True\nDEBUG = False") == {"DEBUG": "own"}


@pytest.mark.parametrize("line", ["from .common import *", "from s.common import *", "from . import *"])
def test_a_star_import_inside_the_project_is_followed(line):
    common = "DEBUG = True\nSECRET_KEY = get()"
    found = origins(f"{line}\nALLOWED_HOSTS = ['x']", common=common, __init__=common)
    assert found == {"DEBUG": "startproject", "SECRET_KEY": "own", "ALLOWED_HOSTS": "own"}


def test_a_name_that_is_imported_keeps_what_it_was():
    assert origins("from .common import DEBUG", common="DEBUG = True") == {"DEBUG": "startproject"}
    assert origins("from .common import D as DEBUG", common="D = False") == {"DEBUG": "own"}


def test_a_star_import_on_a_condition_makes_all_its_names_the_projects_own():
    line = "try:\n    from .local import *\nexcept ImportError:\n    pass"
    assert origins(f"DEBUG = True\n{line}", local="DEBUG = True\nADMINS = []") == {
        "DEBUG": "own",
        "ADMINS": "own",
    }


def test_modules_that_import_each_other_end():
    assert origins("from .other import *\nDEBUG = True", other="from .base import *\nADMINS = []") == {
        "DEBUG": "startproject",
        "ADMINS": "own",
    }


def test_a_settings_package_is_followed_through_its_parts():
    tree = Files(
        {
            "app/conf/settings/__init__.py": "from .live import *",
            "app/conf/settings/live.py": "from ..shared.common import *\nDEBUG = False",
            "app/conf/shared/common.py": "DEBUG = True\nALLOWED_HOSTS = []",
        }
    )
    found = origins_of(assigned_in(Code(tree, "app"), "conf.settings"))
    assert (found["DEBUG"], found["ALLOWED_HOSTS"]) == ("own", "startproject")


def test_a_literal_is_read_and_nothing_is_run():
    text, call = (ast.parse(source, mode="eval").body for source in ("'static/'", "f()"))
    assert [literal_of(node) for node in (text, call, None)] == ["static/", None, None]


@pytest.mark.parametrize("text", ["DEBUG = (", "x = 1\0", "\tif x:\n y"])
def test_what_is_not_python_is_one_line_with_its_place(text):
    with pytest.raises(
        SettingsError, match=r"^s/base.py(, line 1)?: is not Python as 3.\d+ reads it \(.+\); "
    ):
        origins(text)


def test_settings_in_the_coding_that_they_name_are_read():
    text = b"# -*- coding: latin-1 -*-\n# Stra\xdfe\nDEBUG = True\n".decode("utf-8", "surrogateescape")
    assert origins(text) == {"DEBUG": "startproject"}


def test_an_invalid_escape_warns_nobody():
    assert origins(r"X = '\d'" + "\nDEBUG = True") == {"DEBUG": "startproject"}


@pytest.mark.parametrize("name", ["guestbook", "newsdesk"])
def test_the_examples_are_read_as_they_are_meant(name):
    module = {"guestbook": "guestbook/settings.py", "newsdesk": "src/config/settings/base.py"}[name]
    found = origins((Path(projects.EXAMPLES) / name / module).read_text())
    assert found["DEBUG"] == {"guestbook": "startproject", "newsdesk": "own"}[name]
