"""What roadie reads of lock files: which packages there are, from where, and which groups are installed."""

from pathlib import Path

import pytest
from roadie.errors import SettingsError
from roadie.git.trees import FolderTree
from roadie.project.requirements import PINS, collect, lines_by_package
from roadie.project.requirements_file import candidates
from roadie.settings.databases import DATABASES
from trees import Files

LOCKS = Path(__file__).parents[2] / "locks"
FILES = {"uv": "uv.lock", "poetry": "poetry.lock", "pipenv": "Pipfile.lock", "pdm": "pdm.lock"}


def collected(path, **texts):
    files = {name.replace("__", "/").replace("_", "."): text for name, text in texts.items()}
    return collect(Files(files), path)


@pytest.mark.parametrize("form", FILES)
def test_the_packages_that_production_needs_are_known(form):
    made = collect(FolderTree(LOCKS / form), FILES[form]).completed(DATABASES["mysql"])
    assert made.packages["django"] == "django==5.2.19"
    assert {"gunicorn", "six", "sqlparse"} <= made.packages.keys()
    assert "toml" not in made.packages and "guestbook" not in made.packages
    assert made.local == ()
    assert f"by `{made.tool} " in made.told
    assert lines_by_package(made.files) == made.packages


@pytest.mark.parametrize("form", FILES)
def test_the_host_decides_which_pins_a_lock_file_makes_needless(form):
    made = collect(FolderTree(LOCKS / form), FILES[form]).completed(DATABASES["mysql"])
    assert made.pins == (PINS["gunicorn"], *DATABASES["mysql"].pins)
    assert made.needless == ("gunicorn", "mysqlclient pymysql")


def test_the_project_of_pyproject_is_installed_with_the_groups_of_production_only():
    text = """[project]
name = "shop"
dependencies = ["Django>=5.2", "lib"]
[project.optional-dependencies]
production = ["redis"]
docs = ["sphinx"]
[dependency-groups]
dev = ["pytest"]
prod = ["sentry-sdk[django]>=2"]
[tool.uv.sources]
lib = { path = "libs/lib" }
"""
    made = collected("pyproject.toml", pyproject_toml=text)
    assert set(made.packages) == {"django", "lib", "redis", "sentry-sdk"}
    assert made.local == ("libs/lib",)
    assert made.command == ("compile", "pyproject.toml", "--group", "prod", "--extra", "production")
    assert made.told.endswith("`, without dev docs")


def test_of_a_pyproject_without_a_project_the_group_main_is_installed():
    text = """[dependency-groups]
main = ["Django==5.2.16", "psycopg[binary]"]
dev = ["ruff"]
[tool.ruff]
"""
    assert candidates(Files({"pyproject.toml": text}), "", ()) == ["pyproject.toml"]
    made = collected("pyproject.toml", pyproject_toml=text)
    assert set(made.packages) == {"django", "psycopg"}
    assert made.command == ("compile", "--group", "main")
    assert made.left == ("dev",)


@pytest.mark.parametrize(
    ("path", "text", "local"),
    [
        ("uv.lock", '[[package]]\nname = "x"\nsource = { editable = "libs/x" }\n', "libs/x"),
        ("poetry.lock", '[[package]]\nname = "x"\n[package.source]\ntype = "directory"\nurl = "x"\n', "x"),
        ("pdm.lock", '[[package]]\nname = "x"\npath = "./x"\n', "x"),
        ("Pipfile.lock", '{"default": {"x": {"path": "./x", "editable": true}}}', "x"),
        ("pylock.toml", '[[packages]]\nname = "x"\ndirectory = { path = "x" }\n', "x"),
    ],
)
def test_a_package_in_a_folder_of_the_project_is_found(path, text, local):
    pyproject = '[project]\nname = "shop"\n'
    if path == "uv.lock":
        text += '[[package]]\nname = "shop"\nsource = { virtual = "." }\ndependencies = [{ name = "x" }]\n'
    made = collect(Files({path: text, "pyproject.toml": pyproject, "Pipfile": ""}), path)
    assert made.local == (local,)


def test_the_digest_follows_what_decides_and_nothing_else():
    lock, pyproject = "version = 1\n", '[project]\nname = "shop"\ndependencies = ["a"]\n'
    digest = collected("uv.lock", uv_lock=lock, pyproject_toml=pyproject).digest
    other = collected("uv.lock", uv_lock=lock, pyproject_toml=pyproject + "[tool.ruff]\nline-length = 9\n")
    assert other.digest == digest
    assert collected("uv.lock", uv_lock="version = 2", pyproject_toml=pyproject).digest != digest
    grouped = pyproject + "[dependency-groups]\nprod = []\n"
    assert collected("uv.lock", uv_lock=lock, pyproject_toml=grouped).digest != digest


def test_a_lock_file_without_its_pyproject_and_a_broken_one_are_refused():
    with pytest.raises(SettingsError, match=r"^uv.lock: no such file pyproject.toml; is it committed"):
        collected("uv.lock", uv_lock="")
    with pytest.raises(SettingsError, match=r"^Pipfile.lock: cannot be read \("):
        collected("Pipfile.lock", Pipfile_lock="{", Pipfile="")
    assert lines_by_package({"pylock.toml": "cut ["}) == {}
