"""A release starts beside its checks where it seems to need no more, and is called off where it does."""

from __future__ import annotations

from desk import Desk, browse
from faults import append, serving
from projects import change_line, commit
from told import last_run

INDEX = "entries/templates/entries/index.html"
STATIC = "entries/static/entries/note.txt"


def slots(desk: Desk) -> set[str]:
    """The slots that have a program, or a process that serves."""
    found = desk.host.ssh("ls /etc/supervisor/conf.d; pgrep -a -f 'bind unix:'").stdout
    return {colour for colour in ("blue", "green") if colour in found}


def test_where_only_code_changed_the_release_starts_beside_its_checks(deployed: Desk) -> None:
    change_line(deployed.project / INDEX, "<h1>Guestbook</h1>", "<h1>Guests</h1>")
    commit(deployed.project)
    deployed.does("deploy")
    assert last_run(deployed.host).started() == ["prestart"]
    assert "<h1>Guests</h1>" in browse(deployed.host).body
    assert browse(deployed.host, "/static/entries/style.css").status == 200

    append(deployed.project / "requirements.txt", "toml==0.10.2")
    commit(deployed.project)
    deployed.does("deploy")
    assert last_run(deployed.host).started() == ["prestart"]

    # A path that says nothing of static files, and is one.
    (deployed.project / STATIC).write_text("note")
    commit(deployed.project)
    deployed.does("deploy")
    assert last_run(deployed.host).started() == ["prestart", "start"]
    assert browse(deployed.host, "/static/entries/note.txt").body == "note"
    assert len(slots(deployed)) == 1

    before = serving(deployed.host)
    append(deployed.project / "guestbook/urls.py", "raise RuntimeError('no way')")
    commit(deployed.project)
    done = deployed.fab("deploy")
    assert (done.code, "no way" in done.last_line) == (6, True), done.text
    assert serving(deployed.host) == before
    assert len(slots(deployed)) == 1
