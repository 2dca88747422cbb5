"""The projects that other tests deploy are what they claim to be."""

import ast

import projects
import pytest


@pytest.fixture
def fresh(tmp_path):
    return projects.startproject(tmp_path / "fresh", "shop")


def test_startproject_leaves_what_django_does(fresh):
    names = {path.relative_to(fresh).as_posix() for path in fresh.rglob("*.py")}
    package = {f"shop/{name}.py" for name in ["__init__", "asgi", "settings", "urls", "wsgi"]}
    assert names == {"manage.py", *package}
    settings = (fresh / "shop/settings.py").read_text()
    assert "DEBUG = True" in settings
    assert "SECRET_KEY = 'django-insecure-" in settings
    assert "ROOT_URLCONF = 'shop.urls'" in settings


def test_every_file_is_python_and_committed(fresh):
    for path in fresh.rglob("*.py"):
        ast.parse(path.read_text())
    assert projects.git(fresh, "status", "--porcelain") == ""


def test_manage_py_can_be_executed(fresh):
    assert projects.git(fresh, "ls-files", "-s", "manage.py").startswith("100755")


def test_a_changed_line_makes_another_commit(fresh):
    before = projects.git(fresh, "rev-parse", "HEAD")
    projects.change_line(fresh / "shop/urls.py", "admin/", "desk/")
    assert projects.commit(fresh) != before
    with pytest.raises(AssertionError, match="occurs 0 times"):
        projects.change_line(fresh / "shop/urls.py", "admin/", "desk/")


@pytest.mark.parametrize("name", [path.name for path in projects.EXAMPLES.iterdir() if path.is_dir()])
def test_a_copy_of_an_example_is_a_repository_of_its_own(tmp_path, name):
    copy = projects.example(name, tmp_path / name)
    assert projects.git(copy, "status", "--porcelain") == ""
    assert projects.git(copy, "rev-parse", "--show-toplevel") == str(copy.resolve())
