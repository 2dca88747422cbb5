"""Which Django a project will have, and on which Python it runs, as far as that is certain."""

from __future__ import annotations

import pytest
from roadie.errors import SettingsError
from roadie.project import requirements
from roadie.project.djangos import django_of, pythons_for
from trees import Files

UV = '[[package]]\nname = "{}"\nversion = "{}"\n'
PROJECT = '[project]\nname = "shop"\ndependencies = ["django"]\n'


def found(text, path="requirements.txt", **others):
    files = {path: text, "pyproject.toml": PROJECT, **others}
    return django_of(requirements.collect(Files(files), path))


def lock(*versions):
    needs = '[[package]]\nname = "shop"\nversion = "1"\ndependencies = [{name = "django"}]\n'
    return needs + "".join(UV.format("django", version) for version in versions)


@pytest.mark.parametrize(
    ("lines", "told", "series"),
    [
        ("Django==6.1.3", "Django 6.1.3", "6.1"),
        ("django[argon2] == 4.2.1  # LTS", "Django 4.2.1", "4.2"),
        ("Django==5.2 --hash=sha256:00", "Django 5.2", "5.2"),
        ("Django>=5.2,<5.3", "Django>=5.2,<5.3", "5.2"),
        ("Django~=4.2", "Django~=4.2", "4.2"),
        ("Django~=4.2.3", "Django~=4.2.3", "4.2"),
        ("django>=6.1", "Django>=6.1", "6.1"),
        ("Django==7.1", "Django 7.1", "6.1"),
        ("Django==5.2 ; python_version >= '3.10'", "Django 5.2", "5.2"),
        ("Django (>=5.0)", "Django>=5.0", "5.0"),
    ],
)
def test_the_oldest_django_that_the_requirements_take_decides(lines, told, series):
    django = found(lines)
    assert (django.told, django.series) == (told, series)


@pytest.mark.parametrize(
    "lines",
    [
        "Django",
        "wagtail==7.0",
        "Django @ https://example.org/django.zip",
        "Django==6.1rc1",
        "Django==3.2 ; python_version < '3.10'\nDjango==5.2 ; python_version >= '3.10'",
    ],
)
def test_what_is_not_certain_is_not_told(lines):
    assert found(lines) is None


@pytest.mark.parametrize("line", ["Django==1.4", "Django<1.11", "Django==1.11.16", "Django~=1.10.1"])
def test_a_django_for_pythons_of_the_past_is_refused(line):
    with pytest.raises(
        SettingsError, match=r"runs on Python 3.6 at most, .*; require Django 1.11.29 at least"
    ):
        found(line)


@pytest.mark.parametrize("line", ["Django==1.11.29", "Django~=1.11.0", "Django<2"])
def test_the_last_django_1_gets_a_python_that_it_runs_on(line):
    django = found(line)
    assert (django.series, django.pythons) == ("1.11", ("3.8", "3.9"))


def test_a_constraint_counts():
    assert found("-c c.txt\nDjango\n", **{"c.txt": "django==5.1.2\n"}).told == "Django 5.1.2"
    assert found("-c c.txt\nDjango>=4.2\n", **{"c.txt": "django<5\n"}).told == "Django>=4.2,<5"


def test_a_lock_file_tells_the_version_unless_it_has_two():
    assert found(lock("6.0.10"), "uv.lock").told == "Django 6.0.10"
    assert found(lock("5.2.1", "6.0.10"), "uv.lock") is None


@pytest.mark.parametrize(
    ("lines", "runs", "not_on"),
    [
        ("Django==2.0.13", "3.8 3.9", "3.10 3.11 3.13"),
        ("Django==2.2.28", "3.8 3.11", "3.12 3.13"),
        ("Django==2.2.28\nsetuptools==60", "3.11 3.12", "3.13"),
        ("Django<3", "3.11", "3.12 3.13"),
        ("Django==4.0.10", "3.8 3.12", "3.13"),
        ("Django==5.2", "3.10 3.11 3.14", "3.9"),
        ("Django>=4.2,<6.2", "3.8 3.11 3.13", ""),
        ("Django>=6.0", "3.12 3.13", "3.11"),
    ],
)
def test_it_runs_on_some_pythons(lines, runs, not_on):
    pythons = found(lines).pythons
    assert not pythons or set(runs.split()) <= set(pythons)
    assert not set(not_on.split()) & set(pythons)


def test_packages_that_bring_a_lost_module_back_are_known():
    assert found("Django==3.2.25\nlegacy-cgi==2.6").pythons == ()


def test_the_project_and_its_django_both_choose_the_python():
    django = found("Django==6.0")
    assert pythons_for(None, ("", ""), "python3") == ((), "")
    assert pythons_for(None, (">=3.19", "a"), "python3") == (("3.19", "3.20"), "a requires >=3.19")
    assert pythons_for(django, (">=3.19", "a"), "python3") == (("3.19", "3.20"), "a requires >=3.19")
    pythons, told = pythons_for(django, (">=3.8,<3.13", "a"), "python3")
    assert (pythons, told) == (
        ("3.12",),
        "a requires >=3.8,<3.13 and Django 6.0 runs on Python 3.12 or newer",
    )
    assert pythons_for(django, ("", ""), "/opt/python3")[1] == "Django 6.0 runs on Python 3.12 or newer"


@pytest.mark.parametrize(
    ("lines", "required", "python", "words"),
    [
        ("Django==6.0", "", "python3.11", "`python:` is 3.11, but Django 6.0 runs on Python 3.12 or newer"),
        ("Django==2.0", "", "python3.13", "`python:` is 3.13, but Django 2.0 runs on Python 3.8 to 3.9"),
        ("Django==6.0", "==3.11.*", "python3", "a requires ==3.11.* of Python, but Django 6.0 runs on"),
    ],
)
def test_a_python_on_which_it_cannot_run_is_refused(lines, required, python, words):
    with pytest.raises(SettingsError, match=words.replace("*", r"\*")):
        pythons_for(found(lines), (required, "a" if required else ""), python)
