"""Tests of how a plan is shown: folded at a terminal, a line each in a pipe."""

from __future__ import annotations

from roadie.events import Event
from roadie.run.changes import Change, folded, found

NEW = "--- /etc/a (now)\n+++ /etc/a\n@@ -0,0 +1,2 @@\n+one\n+two"
EDITED = "edited by hand\n--- /etc/b (now)\n+++ /etc/b\n@@ -1,2 +1,2 @@\n same\n-99m;\n+20m;\n--- a note"


def lines(*changes: Change, whole: bool = False) -> list[str]:
    return [line for _, lines in folded(changes, whole=whole) for line in lines]


def test_only_what_would_change_is_a_change() -> None:
    events = [Event("ok", "nginx", "file /etc/x"), Event("would", "nginx", "file /etc/a", NEW)]
    assert found(events) == [Change("nginx", "file /etc/a", NEW)]


def test_new_things_of_a_kind_are_one_line() -> None:
    packages = [Change("packages", f"package {name}") for name in "abcdef"]
    steps = [Change("packages", "package lists"), Change("packages", "package files")]
    folders = [Change("site", f"directory /srv/{name}", "mode 751, owner root:root") for name in "abcd"]
    user = Change("site", "user shop", "home /srv/shop, no login")
    assert lines(*steps, *packages, *folders, user) == [
        "+ packages     a b c d ... (6)",
        "+ directories  4 new",
        "+ users        shop",
    ]


def test_new_files_are_whole_only_if_asked_for() -> None:
    new = Change("nginx", "file /etc/a", NEW)
    assert lines(new) == ["+ files        /etc/a, 2 lines (--diff shows them)"]
    assert lines(new, whole=True) == ["+ files        /etc/a", "    +one", "    +two"]
    assert new.lines(whole=False) == ["nginx        would    file /etc/a (new, 2 lines)"]
    assert new.lines(whole=True)[1:] == [f"    {line}" for line in NEW.splitlines()]


def test_what_differs_is_shown_by_itself() -> None:
    file = Change("nginx", "file /etc/b", EDITED)
    folder = Change("site", "directory /srv/a", "mode and owner 777 root:root, should be 751 root:root")
    link = Change("nginx", "link /etc/c", "leads to /x, should lead to /y")
    assert lines(file, folder, link) == [
        "~ /etc/b  edited by hand",
        "    -99m;",
        "    +20m;",
        "    --- a note",
        "~ /srv/a  mode and owner 777 root:root, should be 751 root:root",
        "~ /etc/c  leads to /x, should lead to /y",
    ]
    assert "    -99m;" in file.lines(whole=False) and file.data()["new"] is False


def test_a_file_of_which_only_the_mode_differs_is_not_new() -> None:
    file = Change("site", "file /usr/x", "mode and owner 644 root:root, should be 755 root:root")
    assert lines(file) == ["~ /usr/x  mode and owner 644 root:root, should be 755 root:root"]


def test_all_else_is_one_line_a_stage() -> None:
    others = [
        Change("mysql", "service mariadb"),
        Change("mysql", "database shop"),
        Change("nginx", "no /etc/x"),
    ]
    assert lines(*others) == ["~ mysql        service mariadb, database shop", "~ nginx        no /etc/x"]
