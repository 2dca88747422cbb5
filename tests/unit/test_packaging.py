"""With every way to install or import roadie, `fab` lists its tasks and roadie finds its templates."""

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
from environments import Environment, build

ROOT = Path(__file__).parents[2]
PACKAGING = ["setup.py", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.rst", "CHANGELOG.rst"]
# One template of each kind: plain shell, in a folder, without a suffix.
EXTRA_TEMPLATES = ["extra.sh", "stages/extra.sh.j2", "host/extra"]

PROBE = '''\
from pathlib import Path

from invoke.tasks import task


@task
def probe(c):
    """Say what this copy of roadie sees."""
    here = Path(__file__).parent
    templates = here / "templates" if (here / "templates").is_dir() else here.parent / "templates"
    for path in templates.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":  # pip compiles what it installs
            print(path.relative_to(templates).as_posix())
'''
EXPORT = """

from .probing import probe
__all__ = [*__all__, "probe"]
ns.add_task(probe)
"""
OWN_TASK = """
from invoke import task

@task
def my_own(c):
    pass
"""
NAMESPACE = """
from invoke import Collection
import roadie

ns = Collection(my_own)
ns.add_collection(roadie)
"""
FABFILES = {
    "star": OWN_TASK + "from roadie import *\n",
    "named": OWN_TASK + "from roadie import probe\n",
    "namespace": OWN_TASK + NAMESPACE,
}


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A copy of all that goes into the package, with one more task and three more templates."""
    tree = tmp_path_factory.mktemp("source")
    without_caches = partial(shutil.copytree, ignore=shutil.ignore_patterns("__pycache__"))
    for name in PACKAGING:
        shutil.copy(ROOT / name, tree)
    for folder in ["fabfile", "templates"]:
        without_caches(ROOT / folder, tree / folder)
    (tree / "fabfile/probing.py").write_text(PROBE)
    with (tree / "fabfile/__init__.py").open("a") as init:
        init.write(EXPORT)
    for name in EXTRA_TEMPLATES:
        (tree / "templates" / name).parent.mkdir(exist_ok=True)
        (tree / "templates" / name).touch()
    return tree


@pytest.fixture(scope="session")
def archives(source, tmp_path_factory):
    """A folder with the sdist of that copy, and the wheel built from that sdist."""
    folder = tmp_path_factory.mktemp("archives")
    assert "importable package" not in build(source, folder)
    return folder


@pytest.fixture(scope="session")
def environments(tmp_path_factory):
    return {
        way: Environment(tmp_path_factory.mktemp("venv") / way)
        for way in ["wheel", "sdist", "editable", "bare"]
    }


@pytest.fixture(scope="session", params=["wheel", "sdist", "editable"])
def installed(request, source, archives, environments):
    """An environment with roadie installed: from the wheel, from the sdist, or editable."""
    what = {"wheel": ["*.whl"], "sdist": ["*.tar.gz"], "editable": []}[request.param]
    targets = [str(path) for pattern in what for path in archives.glob(pattern)] or ["-e", "."]
    environments[request.param].pip(*targets, cwd=source)
    return environments[request.param]


def test_fab_at_the_root_of_the_repository_lists_the_tasks(source, environments):
    assert "probe" in tasks(environments["bare"], source)


def test_fab_at_the_root_of_the_repository_finds_the_templates(source, environments):
    assert seen_templates(environments["bare"], source, "probe") == templates_of(source)


def test_fab_in_an_unpacked_sdist_lists_the_tasks(archives, environments, tmp_path):
    [sdist] = archives.glob("*.tar.gz")
    shutil.unpack_archive(sdist, tmp_path, filter="data")
    [folder] = tmp_path.iterdir()
    assert "probe" in tasks(environments["bare"], folder)


@pytest.mark.parametrize(
    ("fabfile", "task"), [("star", "probe"), ("named", "probe"), ("namespace", "roadie.probe")]
)
def test_a_users_fabfile_lists_roadies_tasks_beside_its_own(installed, tmp_path, fabfile, task):
    (tmp_path / "fabfile.py").write_text(FABFILES[fabfile])
    assert {task, "my-own"} <= tasks(installed, tmp_path)


def test_an_installed_roadie_carries_every_template(installed, source, tmp_path):
    (tmp_path / "fabfile.py").write_text(FABFILES["star"])
    assert seen_templates(installed, tmp_path, "probe") == templates_of(source)


def test_a_star_import_brings_every_task_and_no_namespace(installed, tmp_path):
    script = "from roadie import *; print(*(name for name in globals() if name[0] != '_'))"
    names = installed.run("-c", script, cwd=tmp_path).split()
    assert "probe" in names
    assert "ns" not in names


def test_the_installed_package_says_what_it_needs(installed, tmp_path):
    script = "from importlib.metadata import requires; print(*requires('roadie'), sep='\\n')"
    needs = installed.run("-c", script, cwd=tmp_path).splitlines()
    ours = sorted(need.replace(" ", "") for need in needs if "extra ==" not in need)
    assert ours == [
        "cryptography>=42",
        "fabric<4,>=3.2.3",
        "invoke<3,>=2.2",
        "jinja2",
        "paramiko<6,>=5",
        "rich>=13",
    ]


def test_the_installed_package_brings_its_own_command(installed):
    folder = installed.folder / "bin"
    assert "from roadie.cli import main" in (folder / "roadie").read_text()


def tasks(environment, cwd):
    """Return the names that `fab --list` prints there. Names in sub-collections are dotted."""

    def names(collection, prefix=""):
        for task in collection["tasks"]:
            yield prefix + task["name"]
        for inner in collection["collections"]:
            yield from names(inner, f"{prefix}{inner['name']}.")

    return set(names(json.loads(environment.run("-m", "fabric", "-F", "json", "--list", cwd=cwd))))


def seen_templates(environment, cwd, task):
    return set(environment.run("-m", "fabric", task, cwd=cwd).splitlines())


def templates_of(tree):
    folder = tree / "templates"
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
