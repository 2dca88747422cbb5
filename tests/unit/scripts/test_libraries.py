"""A stage and a library name just those libraries whose words they speak."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import pytest
from roadie.scripts import stages
from roadie.scripts.libraries import BASE, LIBRARIES, templates_of, with_needs
from roadie.scripts.render import TEMPLATES
from roadie.scripts.stages import OURS, Stage
from roadie.settings.databases import DATABASES

STAGES = sorted(OURS, key=lambda stage: stage.name)
FUNCTION = re.compile(r"^([a-z_]\w*)\(\)", re.M)
VALUE_LINE = re.compile(r"^(?:declare -A )?[a-z_]\w*=.*", re.M)
VALUE = re.compile(r"(?<![^ ])([a-z_]\w*)=")
COMMENTS = re.compile(r"<##.*?##>|(?:^|(?<=\s))#.*?$", re.S | re.M)
LOCALS = re.compile(r"^\s*(?:local|declare)\b(.*)$", re.M)
SINGLE_QUOTED = re.compile(r"'[^'\n]*'")


@cache
def text_of(template: str) -> str:
    return COMMENTS.sub("", (TEMPLATES / template).read_text())


def functions_of(text: str) -> set[str]:
    return set(FUNCTION.findall(text))


def values_of(text: str) -> set[str]:
    return {name for line in VALUE_LINE.findall(text) for name in VALUE.findall(line)}


def files_of(name: str) -> tuple[str, ...]:
    """The templates of a library, for every kind of database."""
    return tuple(dict.fromkeys(path for kind in DATABASES for path in templates_of(name, kind)))


def text_of_library(name: str) -> str:
    return "\n".join(map(text_of, files_of(name)))


def spoken_in(text: str) -> set[str]:
    """The libraries, besides the basic ones, whose functions or values a text names."""
    words = set(re.findall(r"(?<![\w$/.{-])[a-z_]\w*(?![\w=(])", SINGLE_QUOTED.sub("''", text)))
    words |= set(re.findall(r"trap '?(\w+)", text))
    own = {name for line in LOCALS.findall(text) for name in re.findall(r"[a-z_]\w*", line)}
    reads = set(re.findall(r"\$\{?[#!]?([a-z_]\w*)", text)) | set(re.findall(r"\[([a-z_]\w*)\]", text))
    reads -= own | values_of(text)
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
    found = "release database supervisor web early-start inspection migrations".split()
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


def test_the_table_holds_every_stage_of_the_module() -> None:
    named = {one for one in vars(stages).values() if isinstance(one, Stage)}
    assert named | {*stages.databases.values()} == OURS
