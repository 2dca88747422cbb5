"""A stage and a library name just those libraries whose words they speak."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import pytest
from roadie.scripts import stages
from roadie.scripts.libraries import BASE, LIBRARIES, template_of, with_needs
from roadie.scripts.render import TEMPLATES
from roadie.scripts.stages import OURS, Stage

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


def spoken_in(template: str) -> set[str]:
    """The libraries, besides the basic ones and itself, whose functions or values a template names."""
    text = text_of(template)
    words = set(re.findall(r"(?<![\w$/.{-])[a-z_]\w*(?![\w=(])", SINGLE_QUOTED.sub("''", text)))
    words |= set(re.findall(r"trap '?(\w+)", text))
    own = {name for line in LOCALS.findall(text) for name in re.findall(r"[a-z_]\w*", line)}
    reads = set(re.findall(r"\$\{?[#!]?([a-z_]\w*)", text)) | set(re.findall(r"\[([a-z_]\w*)\]", text))
    reads -= own | values_of(text)
    others = {name: text_of(template_of(name)) for name in LIBRARIES if template_of(name) != template}
    return {name for name, text in others.items() if words & functions_of(text) or reads & values_of(text)}


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_needs_the_libraries_that_it_speaks_and_no_others(stage: Stage) -> None:
    spoken, told = spoken_in(stage.template), set(stage.needs)
    assert spoken - told == set()
    assert told - spoken == set()


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_names_the_libraries_that_it_speaks_and_no_others(name: str) -> None:
    assert spoken_in(template_of(name)) == set(LIBRARIES[name])


@pytest.mark.parametrize("name", BASE)
def test_the_basic_libraries_speak_no_others(name: str) -> None:
    assert spoken_in(template_of(name)) == set()


def test_a_library_comes_with_those_that_it_speaks() -> None:
    found = "release database supervisor web inspection migrations".split()
    assert with_needs(["migrations"]) == (*BASE, *(name for name in LIBRARIES if name in found))


def test_every_library_is_in_the_table() -> None:
    files = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.sh")} - {"frame/wrap.sh"}
    assert files == {template_of(name) for name in (*BASE, *LIBRARIES)}


def test_no_function_is_defined_twice_in_any_script() -> None:
    templates = [*map(template_of, (*BASE, *LIBRARIES)), *(stage.template for stage in STAGES)]
    counts = Counter(name for template in templates for name in FUNCTION.findall(text_of(template)))
    assert [name for name, count in counts.items() if count > 1] == []


def test_the_table_holds_every_stage_of_the_module() -> None:
    assert {one for one in vars(stages).values() if isinstance(one, Stage)} == OURS
