"""What of the last virtualenv stays, goes and comes; or why the next one is built from nothing."""

import runpy

import pytest
from roadie.scripts.render import TEMPLATES

ours = runpy.run_path(str(TEMPLATES / "virtualenv/difference.py"))
WHEEL = "setuptools @ file:///usr/share/python-wheels/setuptools-66.1.1-py3-none-any.whl"


@pytest.fixture
def folder(tmp_path):
    """A site-packages with Django, which has a script, and six, which is one module."""
    install(tmp_path, "Django-5.2", "django/__init__.py", "../../../bin/django-admin")
    install(tmp_path, "six-1.17.0", "six.py", "__pycache__/six.cpython-311.pyc")
    return tmp_path


def install(folder, what, *paths):
    """Lay out a package with files at these paths."""
    info = folder / f"{what}.dist-info"
    for path in [folder / path for path in paths if not path.startswith("..")]:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    info.mkdir()
    (info / "RECORD").write_text("".join(f"{path},sha256=x,1\n" for path in paths))
    return info


def difference(folder, *lines, setuptools=""):
    wanted = ours["asked"]("\n".join(lines), setuptools)
    return list(ours["difference"](folder, ours["installed"](folder), wanted))


def refusal(folder, *lines):
    with pytest.raises(ours["FromNothing"]) as caught:
        difference(folder, *lines)
    return str(caught.value)


def test_one_more_requirement_comes_and_all_else_stays(folder):
    told = difference(folder, "django==5.2", "six==1.17.0", "idna==3.10")
    assert told == ["script django-admin", "add idna==3.10"]


def test_what_is_asked_for_no_more_goes_with_its_bytecode(folder):
    gone = ("__pycache__/six.cpython-311.pyc", "six-1.17.0.dist-info", "six.py")
    assert difference(folder, "django==5.2") == [*(f"drop {name}" for name in gone), "script django-admin"]


def test_another_version_takes_the_place_of_the_one_that_is_there(folder):
    told = difference(folder, "django==5.2.1", "six==1.17.0")
    assert told == ["drop Django-5.2.dist-info", "drop django", "add django==5.2.1"]


def test_names_are_the_same_however_they_are_written(folder):
    install(folder, "Typing_Extensions-4.14.1", "typing_extensions.py")
    asked = ("django==5.2", "six==1.17.0", "typing-extensions==4.14.1")
    assert difference(folder, *asked) == ["script django-admin"]


def test_debians_setuptools_stays_as_long_as_nothing_else_is_asked_for(folder):
    info = install(folder, "setuptools-66.1.1", "setuptools/__init__.py")
    (info / "direct_url.json").touch()
    asked = ("django==5.2", "six==1.17.0")
    assert difference(folder, *asked, WHEEL, setuptools=WHEEL) == ["script django-admin"]
    assert "add setuptools==66.1.1" in difference(folder, *asked, "setuptools==66.1.1")


@pytest.mark.parametrize("line", ["six @ https://example.org/six.whl", "-e .", "# a comment", "six==../x"])
def test_what_is_of_no_index_is_built_from_nothing(folder, line):
    assert line in refusal(folder, "django==5.2", line)


def test_a_package_that_was_of_no_index_is_not_taken_for_one_that_is(folder):
    (folder / "six-1.17.0.dist-info/direct_url.json").touch()
    assert refusal(folder, "django==5.2", "six==1.17.0") == "six is of no index"


def test_what_no_package_has_is_not_passed_on(folder):
    (folder / "evil.pth").touch()
    assert refusal(folder, "django==5.2", "six==1.17.0") == "no package has evil.pth"


def test_a_package_that_shares_a_folder_does_not_go_alone(folder):
    install(folder, "zope.event-5.0", "zope/event.py")
    install(folder, "zope.interface-7.0", "zope/interface.py")
    asked = ("django==5.2", "six==1.17.0", "zope-event==5.0")
    assert refusal(folder, *asked) == "zope-interface shares zope"
    assert difference(folder, *asked, "zope-interface==7.0") == ["script django-admin"]


@pytest.mark.parametrize("path", ["../../../share/man/x", "/etc/passwd", "../../../bin/../x", "../x"])
def test_a_package_with_files_elsewhere_does_not_go_by_halves(folder, path):
    install(folder, "odd-1.0", "odd.py", path)
    assert refusal(folder, "django==5.2", "six==1.17.0") == "odd has files elsewhere"
