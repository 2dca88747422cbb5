"""Which versions of Python a project takes, by what its files say."""

import pytest
from roadie.errors import SettingsError
from roadie.project.pythons import minors, required
from trees import Files


@pytest.mark.parametrize(
    ("specifier", "takes", "refuses"),
    [
        (">=3.12", "3.12 3.13 3.20", "3.11"),
        (">=3.11,<3.13", "3.11 3.12", "3.10 3.13"),
        ("==3.12.*", "3.12", "3.11 3.13"),
        ("==3.12", "3.12", "3.11"),
        ("==3.12.4", "3.12", "3.13"),
        ("~=3.11", "3.11 3.13", "3.10"),
        ("~=3.11.2", "3.11", "3.12"),
        ("^3.11", "3.11 3.13", "3.10"),
        ("~3.11", "3.11", "3.12"),
        (">3.11", "3.11 3.12", "3.10"),
        (">=3.10,!=3.11.*", "3.10 3.12", "3.11"),
        ("~3.10 || ~3.12", "3.10 3.12", "3.11"),
        (">= 3.12 , < 4.0", "3.12 3.14", "3.11"),
        (">=3.11,<3.13.0a0", "3.11 3.12", "3.10 3.13"),
        (">=3.12.0rc1", "3.12 3.13", "3.11"),
        (">=3.9 <3.13", "3.9 3.12", "3.8 3.13"),
        ("^3.9 !=3.11.*", "3.9 3.12", "3.8 3.11"),
        ("*", "3.8 3.14", ""),
    ],
)
def test_a_specifier_is_the_versions_that_it_takes(specifier, takes, refuses):
    found = minors(specifier, "pyproject.toml")
    assert set(takes.split()) <= set(found)
    assert not set(refuses.split()) & set(found)


def test_a_python_that_nobody_knows_is_refused():
    with pytest.raises(SettingsError, match=r"^pyproject.toml: requires Python <3, and no Python 3 is known"):
        minors("<3", "pyproject.toml")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("pyproject.toml", '[project]\nrequires-python = "==3.12.*"\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "==3.12.*"\n'),
        ("Pipfile.lock", '{"_meta": {"requires": {"python_version": "3.12"}}}'),
        ("pylock.toml", 'requires-python = "==3.12.*"\n'),
    ],
)
def test_the_nearest_file_says_what_python_is_required(path, text):
    assert required(Files({path: text}), ["src", ""]) == ("==3.12.*", path)
    assert required(Files({"pyproject.toml": "[tool.ruff]\n"}), [""]) == ("", "")
