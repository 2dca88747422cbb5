"""Every mistake in a settings file leads to one error line, also in `fab`."""

import subprocess
import sys
from pathlib import Path

import pytest
from roadie.errors import SettingsError
from roadie.settings.config import Config

FAB = Path(sys.executable).parent / "fab"
FABFILE = """
from roadie.run.executor import install
from roadie.run.task import roadie_task
install()

@roadie_task
def show(c):
    "Show the settings."
    print(c.config.get("roadie"))
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "fabfile.py").write_text(FABFILE)
    return tmp_path


def fab(folder, *argv):
    return subprocess.run([FAB, *argv], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("yaml", "roadie:\n  domain: [a, b\n", "fabric.yaml line 3, column 1: expected ',' or ']'"),
        ("yml", "a: b: c\n", "fabric.yml line 1, column 5: mapping values are not allowed here"),
        ("yaml", "\tx: 1\n", "fabric.yaml line 1, column 1: found character '\\t'"),
        ("yaml", "- a\n- b\n", "fabric.yaml: must be a mapping"),
        ("yaml", "x: \x00\n", "fabric.yaml"),
        ("json", '{"a": }', "fabric.json: Expecting value: line 1 column 7"),
        ("py", "import nothing_of_that_name", "fabric.py: No module named"),
        ("yaml", "run: 5\n", "the settings of Fabric: run is a mapping in one place and a plain value in an"),
        ("yaml", "run: {env: hunter2}\n", "the settings of Fabric: run.env is a mapping in one place"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, monkeypatch, name, text, complaint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"fabric.{name}").write_text(text)
    config = Config(lazy=True)
    config.set_project_location(str(tmp_path))
    with pytest.raises(SettingsError) as caught:
        config.load_project()
    assert str(caught.value).startswith(complaint)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_fab_that_imports_roadie_says_so_too(project):
    (project / "fabric.yaml").write_text("roadie:\n  domain: [a, b\n")
    done = fab(project, "show")
    assert (done.returncode, done.stderr) == (
        2,
        "fabric.yaml line 3, column 1: expected ',' or ']', but got '<stream end>'; close the list with ]\n",
    )


@pytest.mark.parametrize("key", ["5", "yes"])
def test_a_name_that_yaml_takes_for_no_text_is_one_line(project, key):
    (project / "fabric.yaml").write_text(f"roadie: {{env: {{{key}: x}}}}\n")
    done = fab(project, "show")
    name = {"5": "5", "yes": "True"}[key]
    complaint = f"the settings of Fabric: the name {name} must be text; put it in quotes\n"
    assert (done.returncode, done.stderr) == (2, complaint)


def test_a_variable_of_fabrics_that_cannot_be_is_one_line(project, monkeypatch):
    monkeypatch.setenv("FABRIC_ROADIE_HOSTS", "web1")
    (project / "fabric.yaml").write_text("roadie: {hosts: [a]}\n")
    done = fab(project, "show")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("FABRIC_* in the environment: Can't adapt an environment string into a")
    assert done.stderr.endswith("for roadie's settings use ROADIE_<KEY>\n")


def test_an_empty_file_is_fine(project):
    (project / "fabric.yaml").write_text("# nothing yet\n")
    assert fab(project, "show").stdout == "None\n"


def test_a_file_of_another_kind_is_one_line(project):
    (project / "x.toml").write_text("")
    done = fab(project, "-f", "x.toml", "show")
    assert (done.returncode, done.stderr) == (2, "x.toml: must be a .yaml, .json or .py file\n")


def test_a_missing_ssh_config_is_one_line(project):
    done = fab(project, "-S", "none", "show")
    assert (done.returncode, done.stderr) == (2, "-S none: no such file\n")


def test_settings_come_from_the_file_beside_the_fabfile(project):
    (project / "fabric.yaml").write_text("roadie: {domain: a.org}\n")
    (project / "deeper").mkdir()
    assert fab(project / "deeper", "show").stdout == "{'domain': 'a.org'}\n"
