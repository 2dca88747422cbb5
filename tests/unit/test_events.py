"""Events are told apart from the output of programs, whatever both contain."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roadie.events import VERBS, Event, parse
from roadie.scripts.render import TEMPLATES

_SAYS = re.compile(r"(?:^\s*|(?:&&|\|\||;|then|do|else|\{)\s+)say ([a-z]+) ", re.MULTILINE)
NONCE = "0123456789abcdef0123456789abcdef"


def test_a_line_without_the_nonce_is_a_programs_own() -> None:
    assert parse("changed\tnginx\tfile /etc/x\t", NONCE) is None
    assert parse("f" * 32 + "\tchanged\tnginx\tfile\t", NONCE) is None


def test_every_verb_that_a_script_says_is_known() -> None:
    files = [path for path in TEMPLATES.rglob("*") if path.is_file()]
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]
    code = [line.partition(" # ")[0] for line in lines if not line.lstrip().startswith(("#", "<##"))]
    said = {verb for line in code for verb in re.findall(r"(?:^|[;&|{(]|then|else|do)\s*say ([a-z]+) ", line)}
    assert {"ok", "warn", "fact", "loss"} <= said
    assert said - VERBS == set()


def test_an_event_is_found_behind_a_line_that_a_program_left_unended() -> None:
    assert parse(f"50% done{NONCE}\tok\tpackages\tgit\t", NONCE) == Event("ok", "packages", "git")


@pytest.mark.parametrize("line", ["\tok\ttoo\tfew", "\tnonsense\ta\tb\tc", "\tok\ta\tb\tc\td"])
def test_what_is_no_whole_event_is_not_taken_for_one(line: str) -> None:
    assert parse(NONCE + line, NONCE) is None


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=40), min_size=2, max_size=2
    )
)
@settings(max_examples=40)
def test_what_bash_says_python_reads(texts: list[str]) -> None:
    what, detail = texts
    script = f'. {TEMPLATES / "frame/lib.sh"}\nnonce={NONCE} stage=s\nsay changed "$1" "$2"'
    said = subprocess.run(["bash", "-c", script, "-", what, detail], capture_output=True, check=True)
    (line,) = said.stdout.decode().split("\n")[:-1]
    assert parse(line, NONCE) == Event("changed", "s", what, detail)


def test_lib_sh_is_where_the_tests_think() -> None:
    assert Path(TEMPLATES, "frame/lib.sh").is_file()


def test_every_verb_that_a_stage_says_is_known() -> None:
    comment = re.compile(r"<##.*?##>|(?m:(?:^|\s)#[^\n]*$)", re.DOTALL)
    texts = [comment.sub("", path.read_text()) for path in TEMPLATES.rglob("*.sh*")]
    said = {verb for text in texts for verb in _SAYS.findall(text)}
    assert {"loss", "changed", "fact"} <= said
    assert said - VERBS == set()
