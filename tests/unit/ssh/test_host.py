"""A program passes through any login shell to bash unchanged."""

import subprocess
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roadie.errors import Unreachable
from roadie.ssh.host import Host, _command, wrap_script
from roadie.ssh.progress import Progress

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\1\2"), max_size=80)


@settings(max_examples=40)
@given(TEXT)
def test_no_character_of_a_program_is_lost(text):
    command = _command(f"cat <<'a long END'\n{text}\na long END\n")
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True)
    assert done.stdout == f"{text}\n".encode()


@given(TEXT)
def test_no_login_shell_sees_a_newline_or_a_bang(text):
    assert not set("\n!") & set(_command(text))


def test_the_wrap_is_told_its_mark():
    assert '"ROADIE roadie-0123abcd run" |' in wrap_script("roadie-0123abcd")
    assert "@MARK@" not in wrap_script("roadie-0123abcd")


def listen(lines):
    """Have a host say these lines, of which those with the nonce `abc` are events."""
    host = Host(SimpleNamespace(original_host="liar"))
    return host._listen(SimpleNamespace(lines=lambda: lines), "END", Progress("liar", "abc"))


def test_a_host_that_says_events_without_end_fills_no_memory():
    endless = iter(lambda: f"abc\tok\tstage\t{'x' * 1_000_000}\t", "")
    with pytest.raises(Unreachable, match="liar: its script says too much"):
        listen(endless)


def test_an_exit_code_that_is_no_number_is_a_lost_host():
    assert listen(iter(["END 7"])) == 7
    assert listen(iter(["END 7; id"])) == -1
