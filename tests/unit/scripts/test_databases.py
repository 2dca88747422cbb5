"""A kind of database is a folder of templates and an entry in the table; nothing else names a kind."""

import re

import pytest
from roadie.scripts.render import TEMPLATES
from roadie.settings.databases import DATABASES

SHARED = TEMPLATES / "database/words.sh"
EVERY_KIND = pytest.mark.parametrize("kind", DATABASES.values(), ids=DATABASES)
WORD_OF_A_KIND = re.compile(r"^#   (\w+)  +\S", re.M)
FUNCTION = re.compile(r"^([a-z_]\w*)\(\)", re.M)
WORD = re.compile(r"\w+")
VARIABLE = re.compile(r"(?<![^ \n])([a-z_]\w*)=")
# What these run in is Django, which has its own names for the kinds: a URL's scheme, a connection's vendor.
SPEAK_DJANGOS_WORDS = {"in-project/overlay.py", "in-project/lint.py", "in-project/migrations.py"}


def words_of_a_kind():
    """The words that each kind has, as the list of them says."""
    return set(WORD_OF_A_KIND.findall(SHARED.read_text()))


def defined(path):
    """The functions and variables that a library defines."""
    text = path.read_text()
    lines = "\n".join(re.findall(r"^[a-z_]\w*=.*", text, re.M))
    return {*FUNCTION.findall(text), *VARIABLE.findall(lines)}


def others(kind):
    """The templates that are not those of a kind, by name, with their text."""
    paths = (path for path in TEMPLATES.rglob("*") if path.is_file())
    texts = {str(path.relative_to(TEMPLATES)): path.read_text() for path in paths}
    return {name: text for name, text in texts.items() if not name.startswith(f"{kind.name}/")}


@EVERY_KIND
def test_a_kind_defines_each_word_that_the_others_speak(kind):
    assert len(words_of_a_kind()) > 10
    assert words_of_a_kind() - defined(TEMPLATES / kind.name / "words.sh") == set()
    assert words_of_a_kind() & defined(SHARED) == set()


@EVERY_KIND
def test_words_that_only_one_kind_has_are_spoken_in_its_folder_alone(kind):
    own = defined(TEMPLATES / kind.name / "words.sh") - words_of_a_kind()
    scripts = {name: text for name, text in others(kind).items() if name.endswith((".sh", ".sh.j2"))}
    assert {(name, word) for name, text in scripts.items() for word in own & {*WORD.findall(text)}} == set()


@EVERY_KIND
def test_no_template_outside_its_folder_knows_a_kind(kind):
    facts = {kind.name, kind.socket, *kind.packages, *kind.services, *kind.drivers} - {""}
    texts = {name: text for name, text in others(kind).items() if name not in SPEAK_DJANGOS_WORDS}
    assert {(name, one) for name, text in texts.items() for one in facts if one in text.lower()} == set()
