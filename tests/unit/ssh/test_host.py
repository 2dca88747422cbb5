"""A program passes through any login shell to bash unchanged."""

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st
from roadie.ssh.host import _command, wrap_script

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
