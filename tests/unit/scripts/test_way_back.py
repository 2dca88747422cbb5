"""What a rollback leaves on record if it ends while it takes migrations back."""

from __future__ import annotations

from pathlib import Path

import pytest
import scripts
from shell import Shell

STUBS = """
root=$P/srv no_dump=1
way_back=(shop.0003_b shop.0002_a)
dump_if_possible() { :; }
end_whole() { :; }
with_release() { say unapplied shop.0003_b; END; }
"""


@pytest.mark.parametrize("end", ["fail migrations 'no such column'", "kill -KILL $$"])
def test_a_deploy_looks_again_for_migrations_that_a_rollback_may_have_unapplied(
    tmp_path: Path, end: str
) -> None:
    shell = Shell(tmp_path, "migrations/words.sh")
    live = shell.path("srv") / "live/release"
    live.mkdir(parents=True)
    (shell.path("srv") / "releases").mkdir()
    shell.run(STUBS.replace("END", end) + scripts.text("migrations/unapply.sh.j2"))
    assert shell.code != 0 and ("unapplied", "shop.0003_b") in [(e.verb, e.what) for e in shell.events()]
    assert (live / "pending").read_text().split() == ["shop.0003_b", "shop.0002_a"]
