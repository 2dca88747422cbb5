"""A command that fails is not taken for one that found nothing, where roadie would then remove too much."""

from __future__ import annotations

from pathlib import Path

import scripts
from shell import Shell

FAILS = "exit 137"  # as the kernel kills a program if memory is short


def test_a_failed_readlink_removes_no_virtualenv(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "release/words.sh", "code/words.sh")
    stage = scripts.text("release/prune.sh.j2")
    for name in "one", "two":
        (shell.path("srv") / f"releases/{name}/code").mkdir(parents=True)
        (shell.path("srv") / f"releases/{name}/switched").touch()
        (shell.path("srv") / f"releases/{name}/venv").symlink_to(f"../../venvs/{name}")
    for name in "one", "two", "old":
        (shell.path("srv") / f"venvs/{name}").mkdir(parents=True)
    shell.stub("git", "exit 0")
    shell.stub("readlink", FAILS)
    assert shell.run(stage)[-1][0] == "failed"
    assert {path.name for path in (shell.path("srv") / "venvs").iterdir()} == {"one", "two", "old"}
    (shell.path("bin") / "readlink").unlink()
    shell.run(stage)
    assert {path.name for path in (shell.path("srv") / "venvs").iterdir()} == {"one", "two"}


def test_a_supervisor_that_does_not_answer_is_not_one_without_programs(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "supervisor/words.sh", "programs/words.sh")
    shell.stub("curl", FAILS)
    stage = "find_running_programs; ok 'the programs'"
    assert shell.run(stage) == [("failed", "supervisor")]
    shell.stub("curl", "echo '<string>guestbook.alerts</string><string>other.alerts</string>'")
    assert shell.run('find_running_programs; ok "${running[*]}"') == [("ok", "guestbook.alerts")]
