"""The rules of the house: how modules import, what they are called, how templates take values."""

import builtins
import re
import subprocess
import sys

import house
import pytest
import roadie
from house import LAYERS, MODULES, ROOT

TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*") if path.is_file())
SHELL_TEMPLATES = [path for path in TEMPLATES if path.name.endswith(".sh.j2")]

# The only modules that may import a library. All other modules use these.
KEEPERS = {
    "paramiko": {"ssh.transport", "ssh.login", "ssh.algorithms", "ssh.certificates"},
    "rich": {"display.screen"},
}
# Layers that hold facts only: they import no Fabric and make no connection.
PURE = {"errors", "events", "settings", "project", "git"}
TAKEN_NAMES = set(sys.stdlib_module_names) | {
    *"fabric invoke jinja2 markupsafe paramiko rich django celery gunicorn MySQLdb pymysql".split()
}
# The frame around every stage also renders libraries and stages, not only values.
FRAME = ROOT / "templates/frame/stage.sh.j2"
OPEN_ENDS = re.compile("TO" + "DO|FIX" + "ME|XX" + "X")

# A value, or a line of a table of values.
VALUE = re.compile(
    r"\s*(local |readonly )?\w+=\(?\{\{.+\}\}\)?\s*|local -A \w+=\( # .+|  \[.+\]=\{\{.+\}\}|\)"
)
JINJA_COMMENT = re.compile(r"<##.*?##>", re.DOTALL)
SINGLE_QUOTED = re.compile(r"'[^']*'")
UNBRACED = re.compile(r"(?<!\\)\$[A-Za-z_]")


def libraries(module):
    """Return the third-party and standard packages that a module imports."""
    return {name.partition(".")[0] for level, name in house.imports(module) if level == 0}


def shell_lines(path):
    """Return the numbered lines of a template, without Jinja's comments."""
    text = JINJA_COMMENT.sub(lambda found: "\n" * found.group().count("\n"), path.read_text("utf-8"))
    return enumerate(text.splitlines(), 1)


def is_head(line):
    """Return whether a line may stand above a template's last value: a value, a comment, a tag, or empty."""
    return not line.strip() or line.lstrip().startswith(("#", "{%")) or VALUE.fullmatch(line)


def relative(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down_the_layers(module):
    here = LAYERS.index(house.layer_of(module))
    others = [name for name in house.ours(module) if house.layer_of(name) != house.layer_of(module)]
    assert [name for name in others if LAYERS.index(house.layer_of(name)) <= here] == []


def test_modules_of_one_package_import_each_other_in_no_circle():
    done = set()

    def visit(module, path):
        assert module not in path, f"a circle: {' -> '.join([*path, module])}"
        if module in done:
            return
        for name in house.ours(module):
            if house.layer_of(name) == house.layer_of(module) and name != module:
                visit(name, [*path, module])
        done.add(module)

    for module in MODULES:
        visit(module, [])


def test_each_layer_has_its_place_in_the_order():
    assert {house.layer_of(module) for module in MODULES} == set(LAYERS)


def test_the_page_about_the_house_shows_it_as_it_is():
    page = house.PAGE.read_text("utf-8")
    assert house.with_drawing(page) == page, "run: python tests/house.py"
    assert house.drawing() in page


@pytest.mark.parametrize("module", MODULES)
def test_imports_inside_the_package_are_relative(module):
    assert libraries(module) & {"roadie", "fabfile", *map(house.layer_of, MODULES)} == set()


@pytest.mark.parametrize(("library", "keepers"), KEEPERS.items())
def test_a_library_with_keepers_is_imported_there_only(library, keepers):
    assert {module for module in MODULES if library in libraries(module)} <= keepers


def test_neither_the_tasks_nor_their_list_import_rich():
    program = "import sys, roadie, roadie.display.choose as c; c.choose(); print('rich' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


def test_only_what_makes_text_printable_prints():
    # ssh.session passes on what a program says, run.executor what a user's own task returns. In
    # display.screen it is rich that prints.
    own = {"console", "display.screen", "ssh.session", "run.executor", "settings.manual"}
    printing = re.compile(r"\bprint\(|\bstd(out|err)\.write\(")
    on_hosts = ("in_project", "throwaway")
    found = {name for name, path in MODULES.items() if printing.search(path.read_text("utf-8"))}
    assert {name for name in found if not name.startswith(on_hosts)} <= own


@pytest.mark.parametrize("layer", sorted(PURE))
def test_layers_that_hold_facts_know_no_connection(layer):
    modules = [module for module in MODULES if house.layer_of(module) == layer]
    assert {name for module in modules for name in libraries(module)} & {"paramiko"} == set()


def test_no_layer_takes_a_name_that_others_import():
    assert set(LAYERS) & TAKEN_NAMES == set()


def test_no_layer_bears_the_name_of_a_task():
    assert set(LAYERS) & {*roadie.__all__, *roadie.ns.task_names} == set()


def test_no_exported_name_hides_a_builtin_or_the_users_own_tasks():
    assert set(roadie.__all__) & {*dir(builtins), "ns", "namespace"} == set()


def test_every_exported_name_exists():
    assert [name for name in roadie.__all__ if not hasattr(roadie, name)] == []


def test_every_task_is_exported():
    assert set(roadie.ns.task_names) - set(roadie.__all__) == set()


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


def test_no_file_of_the_product_has_more_than_400_lines():
    lengths = {path: path.read_text("utf-8").count("\n") for path in (*MODULES.values(), *TEMPLATES)}
    assert relative(path for path, lines in lengths.items() if lines > 400) == []


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
    if path == FRAME:
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
