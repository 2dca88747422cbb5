"""Stages and libraries declare exactly those libraries whose functions and values they use."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import pytest
from roadie.scripts import stages
from roadie.scripts.libraries import BASE, LIBRARIES, templates_of, with_needs
from roadie.scripts.render import TEMPLATES
from roadie.scripts.stage import Stage
from roadie.scripts.stages import OURS
from roadie.settings.databases import DATABASES

STAGES = sorted(OURS, key=lambda stage: stage.name)
FUNCTION = re.compile(r"^([a-z_]\w*)\(\)", re.M)
VALUE_LINE = re.compile(r"^(?:declare -A )?[a-z_]\w*=.*", re.M)
VALUE = re.compile(r"(?<![^ ])([a-z_]\w*)=")
COMMENTS = re.compile(r"<##.*?##>|(?:^|(?<=\s))#.*?$", re.S | re.M)
LOCALS = re.compile(r"^\s*(?:local|declare)\b(.*)$", re.M)
READ = re.compile(r"\$\{?[#!]?([a-z_]\w*)")
WRITTEN = re.compile(
    r"(?<![^\s(;])(?<!-v )([a-z_]\w*)(?:\[[^]]*\])?\+?="  # name=, name+= and name[key]=
    r"|\bfor (?:\(\()?([a-z_]\w*)(?= in | ?=)|\bprintf -v ([a-z_]\w*)"
)
READ_INTO = re.compile(r"\b(?:read|mapfile) (-[^<|;&\n]*)")
# A function, with the comment above it. Everything outside of functions is the body of a stage.
BLOCK = re.compile(r"^(?:#.*\n)*[a-z_]\w*\(\) [{(].*?^[})]$", re.M | re.S)
OPERANDS = re.compile(r"\bdd( \w+=\S+)+")  # of dd: they look like assignments
SINGLE_QUOTED = re.compile(r"'[^'\n]*'")
FRAME = ("frame/stage.sh.j2", "release/variables.sh.j2")


@cache
def text_of(template: str) -> str:
    return COMMENTS.sub("", (TEMPLATES / template).read_text())


def functions_of(text: str) -> set[str]:
    return set(FUNCTION.findall(text))


def values_of(text: str) -> set[str]:
    return {name for line in VALUE_LINE.findall(text) for name in VALUE.findall(line)}


def code_of(text: str) -> str:
    return OPERANDS.sub("dd", SINGLE_QUOTED.sub("''", COMMENTS.sub("", text)))


def locals_of(code: str) -> set[str]:
    return {name for line in LOCALS.findall(code) for name in re.findall(r"(?<= )[a-z_]\w*", line)}


def writes_of(code: str) -> set[str]:
    read_into = {name for line in READ_INTO.findall(code) for name in re.findall(r"(?<= )[a-z]\w*", line)}
    return read_into | {name for names in WRITTEN.findall(code) for name in names if name}


def strays_of(text: str, declared: set[str]) -> set[str]:
    """The variables that a text uses and does not own. A function's comment may say which ones it sets."""
    code, body = code_of(text), code_of(BLOCK.sub("", text))
    own = declared | locals_of(body)
    strays = writes_of(body) - own
    told: set[str] = set()
    for block in BLOCK.findall(text):
        writes = writes_of(code_of(block)) - locals_of(code_of(block)) - own
        said = writes & set(re.findall(r"\w+", " ".join(re.findall("#.*", block))))
        strays |= writes - said
        told |= said
    strays |= set(READ.findall(body)) - own - told
    return strays | set(READ.findall(code)) - own - told - locals_of(code)


def files_of(name: str) -> tuple[str, ...]:
    """Return the templates of a library, for every kind of database."""
    return tuple(dict.fromkeys(path for kind in DATABASES for path in templates_of(name, kind)))


def text_of_library(name: str) -> str:
    return "\n".join(map(text_of, files_of(name)))


def spoken_in(text: str) -> set[str]:
    """Return the libraries, without the basic ones, whose functions or values a text uses."""
    words = set(re.findall(r"(?<![\w$/.{-])[a-z_]\w*(?![\w=(])", SINGLE_QUOTED.sub("''", text)))
    words |= set(re.findall(r"trap '?(\w+)", text))
    reads = set(READ.findall(text)) | set(re.findall(r"\[([a-z_]\w*)\]", text))
    reads -= locals_of(text) | values_of(text)
    texts = {name: text_of_library(name) for name in LIBRARIES}
    return {name for name, text in texts.items() if words & functions_of(text) or reads & values_of(text)}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_needs_the_libraries_that_it_speaks_and_no_others(stage: Stage) -> None:
    spoken, told = spoken_in(text_of(stage.template)), set(stage.needs)
    assert spoken - told == set()
    assert told - spoken == set()


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_names_the_libraries_that_it_speaks_and_no_others(name: str) -> None:
    assert spoken_in(text_of_library(name)) - {name} == set(LIBRARIES[name])


@pytest.mark.parametrize("name", BASE)
def test_the_basic_libraries_speak_no_others(name: str) -> None:
    assert spoken_in(text_of_library(name)) == set()


def test_a_library_comes_with_those_that_it_speaks() -> None:
    found = "secrets release database supervisor web early-start inspection migrations".split()
    assert with_needs(["migrations"]) == (*BASE, *(name for name in LIBRARIES if name in found))


def test_every_library_is_in_the_table() -> None:
    files = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.sh")} - {"frame/wrap.sh"}
    assert files == {path for name in (*BASE, *LIBRARIES) for path in files_of(name)}


@pytest.mark.parametrize("kind", DATABASES)
def test_no_function_is_defined_twice_in_any_script(kind: str) -> None:
    libraries = [path for name in (*BASE, *LIBRARIES) for path in templates_of(name, kind)]
    others = {one.template for one in stages.databases.values()} - {stages.databases[kind].template}
    templates = [*libraries, *(stage.template for stage in STAGES if stage.template not in others)]
    counts = Counter(name for template in templates for name in FUNCTION.findall(text_of(template)))
    assert [name for name, count in counts.items() if count > 1] == []


DECLARING = (*FRAME, *dict.fromkeys(path for name in (*BASE, *LIBRARIES) for path in files_of(name)))
DECLARED = {name for path in DECLARING for name in values_of(text_of(path))}


@pytest.mark.parametrize("template", [*DECLARING, *(stage.template for stage in STAGES)])
def test_a_variable_is_local_or_declared(template: str) -> None:
    """In a template all settings meet: it has the text for each of them."""
    assert strays_of((TEMPLATES / template).read_text(), DECLARED) == set()


@pytest.mark.parametrize("template", DECLARING)
def test_a_declaration_has_a_comment(template: str) -> None:
    paragraphs = (TEMPLATES / template).read_text().split("\n\n")
    bare = [one for one in paragraphs if VALUE_LINE.search(one) and not re.search(r"(^|\s)# ", one)]
    assert bare == []


@pytest.mark.parametrize("kind", DATABASES)
def test_no_variable_is_declared_twice(kind: str) -> None:
    files = [path for name in (*BASE, *LIBRARIES) for path in templates_of(name, kind)]
    counts = Counter(name for path in (*FRAME, *files) for name in values_of(text_of(path)))
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize(
    "line",
    [
        "x=1",
        "x+=(1)",
        "x[1]=1",
        "for x in 1 2; do",
        "for ((x = 0; x < 2; x++)); do",
        "read -r _ x <file",
        "mapfile -t x < <(ls)",
        "printf -v x %s 1",
        'echo "${#x[@]}"',
    ],
)
def test_a_variable_that_nothing_owns_is_found(line: str) -> None:
    assert "x" in strays_of(f"{line}\n", {"z"})
    assert "x" in strays_of(f"word() {{ # WORD: says z\n  {line}\n}}\n", {"z"})
    assert strays_of(f"local x y\n{line}\n", {"z"}) == set()


def test_the_table_holds_every_stage_of_the_module() -> None:
    named = {one for one in vars(stages).values() if isinstance(one, Stage)}
    assert named | {*stages.databases.values()} == OURS
