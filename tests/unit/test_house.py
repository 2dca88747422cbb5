"""The rules of the house: how modules import, what they are called, how templates take values."""

import ast
import builtins
import re
import subprocess
import sys
from pathlib import Path

import pytest
import roadie

ROOT = Path(__file__).parents[2]
MODULES = {path.stem: path for path in sorted((ROOT / "fabfile").glob("*.py"))}
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*") if path.is_file())
SHELL_TEMPLATES = [path for path in TEMPLATES if path.name.endswith(".sh.j2")]

# A module imports only what stands before it here. A new one gets its place in this row.
ORDER = """
    errors events stages
    kinds names sections schema layers settings manual secret_sources
    bundle trees words pins project workspace
    libraries render record console history report
    host_keys ssh_config trust login transport session terminal host config executor runner
    machine identity basetree disk nspawn throwaway
    browser sabotage provision release past removal operate data drill rehearsal __init__ cli
""".split()
# The modules that know a library; all others go through them.
KEEPERS = {"paramiko": {"transport", "login"}}
# Facts only: no Fabric, no connection.
PURE = {"errors", "events", "stages", "project", "bundle"}
TAKEN_NAMES = set(sys.stdlib_module_names) | {
    *"fabric invoke jinja2 markupsafe paramiko django celery gunicorn MySQLdb pymysql".split()
}
# The frame around every stage prints more than values: the library, the names and bodies of stages.
FRAME = [ROOT / "templates" / name for name in ("stage.sh.j2", "functions.sh.j2")]
OPEN_ENDS = re.compile("TO" + "DO|FIX" + "ME|XX" + "X")

VALUE = re.compile(r"\s*(local |readonly )?\w+=\(?\{\{.+\}\}\)?\s*")
JINJA_COMMENT = re.compile(r"<##.*?##>", re.DOTALL)
SINGLE_QUOTED = re.compile(r"'[^']*'")
UNBRACED = re.compile(r"(?<!\\)\$[A-Za-z_]")


def imports(module):
    """What a module of ours imports: (level, name) pairs, `from . import x` as (1, "x")."""
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.level, node.module
        elif isinstance(node, ast.ImportFrom):
            # Of the package itself comes either a module or what __init__ has.
            names = (alias.name for alias in node.names)
            yield from ((node.level, name if name in MODULES else "__init__") for name in names)


def top_level(module):
    """The packages of others that a module imports."""
    return {name.partition(".")[0] for level, name in imports(module) if level == 0}


def shell_lines(path):
    """A template's lines, numbered, without what Jinja drops."""
    text = JINJA_COMMENT.sub(lambda found: "\n" * found.group().count("\n"), path.read_text("utf-8"))
    return enumerate(text.splitlines(), 1)


def is_head(line):
    """Whether a line may stand above a template's last value: value, comment, tag or nothing."""
    return not line.strip() or line.lstrip().startswith(("#", "{%")) or VALUE.fullmatch(line)


def relative(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way(module):
    ours = [name for level, name in imports(module) if level == 1]
    assert {module, *ours} <= set(ORDER), "a new module needs its place in ORDER"
    assert [name for name in ours if ORDER.index(name) >= ORDER.index(module)] == []


@pytest.mark.parametrize("module", MODULES)
def test_imports_inside_the_package_are_relative(module):
    assert top_level(module) & {"roadie", "fabfile", *MODULES} == set()
    assert {level for level, _ in imports(module)} <= {0, 1}


@pytest.mark.parametrize(("library", "keepers"), KEEPERS.items())
def test_a_library_with_keepers_is_imported_there_only(library, keepers):
    assert {module for module in MODULES if library in top_level(module)} <= keepers


@pytest.mark.parametrize("module", sorted(PURE & set(MODULES)))
def test_modules_that_hold_facts_know_no_connection(module):
    assert top_level(module) & {"fabric", "paramiko"} == set()


def test_no_module_takes_a_name_that_others_import():
    assert set(MODULES) & TAKEN_NAMES == set()


def test_no_module_bears_the_name_of_a_task():
    assert set(MODULES) & {*roadie.__all__, *roadie.ns.task_names} == set()


def test_no_exported_name_hides_a_builtin_or_the_users_own_tasks():
    assert set(roadie.__all__) & {*dir(builtins), "ns", "namespace"} == set()


def test_every_exported_name_exists():
    assert [name for name in roadie.__all__ if not hasattr(roadie, name)] == []


def test_a_task_is_told_in_one_short_sentence():
    told = {name: (roadie.ns[name].__doc__ or "").partition("\n")[0] for name in roadie.ns.task_names}
    assert {name: line for name, line in told.items() if line[-1:] != "." or len(line) > 60} == {}
    assert [name for name in told if "." in name] == []


def test_the_changelog_ends_where_the_version_does():
    newest = re.search(r"^(\d+\.\d+\.\d+)\b", (ROOT / "CHANGELOG.rst").read_text("utf-8"), re.M)
    argv = [sys.executable, "setup.py", "--version"]
    version = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert newest[1] == version.split()[-1] == roadie.__version__


def test_no_open_end_is_left_in_the_tree():
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    texts = [path for name in files.split("\0") if (path := ROOT / name).is_file()]
    found = [path for path in texts if OPEN_ENDS.search(path.read_text("utf-8", errors="replace"))]
    assert relative(found) == []


def test_every_template_is_carried_by_the_wheel():
    assert relative(path for path in TEMPLATES if "/." in str(path.relative_to(ROOT))) == []


def test_no_template_turns_quoting_off():
    unquoted = re.compile(r"\|\s*safe\b|autoescape|Markup")
    found = [path for path in TEMPLATES if unquoted.search(path.read_text("utf-8"))]
    assert relative(found) == []


def test_only_the_word_that_asks_for_a_stop_says_that_a_step_begins():
    assert [path.name for path in TEMPLATES for _ in re.findall("say doing", path.read_text())] == ["lib.sh"]


@pytest.mark.parametrize("path", SHELL_TEMPLATES, ids=relative(SHELL_TEMPLATES))
def test_shell_takes_its_values_at_the_top_and_by_name(path):
    if path in FRAME:
        return
    lines = list(shell_lines(path))
    head_ends = next((number for number, line in lines if not is_head(line)), len(lines) + 1)
    assert [(number, line) for number, line in lines[head_ends - 1 :] if "{{" in line] == []


@pytest.mark.parametrize("path", SHELL_TEMPLATES, ids=relative(SHELL_TEMPLATES))
def test_shell_writes_its_variables_with_braces(path):
    bare = [(n, line) for n, line in shell_lines(path) if UNBRACED.search(_unquoted(line))]
    assert bare == []


def _unquoted(line):
    return SINGLE_QUOTED.sub("''", line)
