"""The pages for people render, their links lead somewhere, and what they name or show exists and is right."""

import re
from pathlib import Path

import docutils.core
import docutils.nodes
import pytest
import roadie
from roadie.errors import BY_CODE
from roadie.events import LINE, VERBS
from roadie.look.status import Status
from roadie.settings import strict_yaml
from roadie.settings.reading import KEYS, load

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.rst", ROOT / "CHANGELOG.rst", *sorted((ROOT / "docs").glob("*.rst"))]
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
# PyPI's rules: no included files and no raw HTML. Here even the mildest warning is an error.
AS_PYPI = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 1,
    "halt_level": 1,
    "_disable_config": True,
}
SETTING = re.compile(rf"(?:{'|'.join(KEYS)}):\s[^\n]+")
COMMAND = re.compile(r"\bfab(?: -[A-Za-z] \S+)* (?:roadie\.)?([a-z][\w-]*)")
PATH = re.compile(r"(?:fabfile|templates|tests|examples|docs)/[\w./-]*\w")
# Two words that follow "fab" in sentences, and a task of a reader's own.
NOT_OURS = {"saves", "says", "release", "help"}


def tree(page):
    return docutils.core.publish_doctree(page.read_text("utf-8"), str(page), settings_overrides=AS_PYPI)


@EVERY_PAGE
def test_a_page_renders_as_pypi_would(page):
    text = page.read_text("utf-8")
    assert docutils.core.publish_string(text, str(page), writer="html5", settings_overrides=AS_PYPI)


@EVERY_PAGE
def test_its_links_to_files_lead_somewhere(page):
    links = [node["refuri"] for node in tree(page).findall(docutils.nodes.reference) if "refuri" in node]
    assert [link for link in links if ":" not in link and not (page.parent / link).exists()] == []


@EVERY_PAGE
def test_the_files_of_ours_that_it_names_are_there(page):
    literals = [node.astext() for node in tree(page).findall(docutils.nodes.literal)]
    ours = [text for text in literals if not text.startswith(("roadie-", "/"))]
    named = {path for text in ours for path in PATH.findall(text)}
    assert {path for path in named if not (ROOT / path).exists()} == set()


@EVERY_PAGE
def test_the_tasks_that_it_names_are_there(page):
    named = set(COMMAND.findall(page.read_text("utf-8")))
    assert named - set(roadie.ns.task_names) - NOT_OURS == set()


@EVERY_PAGE
def test_its_examples_of_settings_are_taken(page, tmp_path):
    file = tmp_path / "fabric.yaml"
    for node in tree(page).findall(docutils.nodes.literal_block):
        if node.astext().startswith("roadie:"):
            file.write_text(node.astext(), "utf-8")
            values = {"domain": "www.example.org", **strict_yaml.load(file)["roadie"]}
            assert load(values, page.name, tmp_path)
    for node in tree(page).findall(docutils.nodes.literal):
        if SETTING.fullmatch(text := " ".join(node.astext().split())):
            file.write_text(f"roadie: {{{text}}}", "utf-8")
            [(key, value)] = strict_yaml.load(file)["roadie"].items()
            KEYS[key].metadata["kind"].check(value)


@pytest.mark.parametrize("name", ["README.rst", "docs/exit-codes.rst"])
def test_it_tells_every_exit_code(name):
    told = re.findall(r"^(?:``)?(\d+)(?:``$| +\S)", (ROOT / name).read_text("utf-8"), re.M)
    assert [int(code) for code in told] == [0, 1, *sorted(BY_CODE)]


def test_it_tells_every_event_and_every_field_of_status():
    page = (ROOT / "docs/output.rst").read_text("utf-8")
    fields = Status("shop", "www.shop.org", {"answer": ["200 0.1"]}).data
    known = {*re.findall(r"``(\w+)``", page)}
    assert {*VERBS, *fields} - {"fact", LINE} - known == set()
