"""What the record says of a command that runs one time, by the exit code that it ended with."""

from __future__ import annotations

from pathlib import Path

import pytest
from shell import Shell


@pytest.mark.parametrize(
    ("code", "told", "stands"),
    [
        (0, None, "done"),
        (1, "its command ended with exit code 1;", ""),
        (255, "its command ended with exit code 255;", ""),  # as sys.exit(-1) does
        (137, "its command was killed (exit code 137);", "begun"),
        (143, "its command was killed (exit code 143);", "begun"),
    ],
)
def test_only_a_killed_command_leaves_nobody_to_say_what_is_done(
    tmp_path: Path, code: int, told: str | None, stands: str
) -> None:
    shell = Shell(tmp_path, "once/words.sh")
    events = shell.run(f"once_file=$P/once\nin_release() {{ return {code}; }}\nrun_once data manage.py load")
    assert events == [("changed" if told is None else "failed", "once data")]
    assert told is None or shell.detail.startswith(told)
    assert [line.split("\t")[1] for line in shell.path("once").read_text().splitlines() if line] == (
        [stands] if stands else []
    )
