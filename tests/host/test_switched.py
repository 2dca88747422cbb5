"""roadie says that a release served if the release did serve, wherever its switch was cut."""

from __future__ import annotations

from pathlib import Path

from desk import Desk, browse
from faults import serving
from projects import change_line, commit, own_frame
from within import assert_serves_once

BEFORE = "point_live() { kill -KILL $$; }"
AFTER = """eval "point_live_whole() $(declare -f point_live | tail -n +2)"
point_live() { point_live_whole "$@" && kill -KILL $$; }"""
INDEX = "entries/templates/entries/index.html"


def cut(desk: Desk, where: str, title: str) -> None:
    """Deploy another title, and kill the script on the host at its switch."""
    own = own_frame(desk.project, where)
    change_line(desk.project / INDEX, "</h1>", f" {title}</h1>")
    commit(desk.project, title)
    assert desk.fab("deploy").code == 6
    own.unlink()
    own.parent.rmdir()
    commit(desk.project, "Have it whole again")


def state_of(desk: Desk, title: str) -> str:
    (line,) = (each for each in desk.does("releases").out.splitlines() if f": {title}" in each)
    return line.split()[2]


def switched(desk: Desk) -> Path:
    return Path(f"{desk.host.tree}/srv/guestbook/releases/{serving(desk.host).release}/switched")


def test_a_release_whose_switch_was_cut_before_its_rename_never_served(deployed: Desk) -> None:
    before = serving(deployed.host).release
    cut(deployed, BEFORE, "Never")
    assert serving(deployed.host).release == before and state_of(deployed, "Never") == "unfinished"
    deployed.does("deploy")
    assert "Never" in browse(deployed.host).body
    assert ": Never" not in deployed.does("releases").out  # a release that never served is not kept
    deployed.does("rollback")
    assert serving(deployed.host).release == before


def test_a_release_whose_switch_was_cut_after_its_rename_is_told_of_by_the_next_run(deployed: Desk) -> None:
    before = serving(deployed.host).release
    cut(deployed, AFTER, "Serves")
    after = serving(deployed.host).release
    assert after != before and "Serves" in browse(deployed.host).body
    assert state_of(deployed, "Serves") == "serves" and not switched(deployed).exists()

    deployed.does("restart")
    made = deployed.host.ssh(f"date -r /srv/guestbook/releases/{after}/previous +%FT%H:%M").stdout.strip()
    assert switched(deployed).read_text().startswith(made.replace("T", " ")[:13])
    switched(deployed).unlink()  # as if the switch had just been cut
    deployed.does("rollback")
    assert serving(deployed.host).release == before and state_of(deployed, "Serves") == "bad"
    deployed.does("rollback", "--to", after)
    assert_serves_once(deployed.host)
