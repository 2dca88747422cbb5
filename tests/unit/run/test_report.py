"""What a person sees of a run, and the run's exit code."""

from __future__ import annotations

import pytest
from roadie.errors import Degraded, Locked, StageFailed, Unreachable, UsageError
from roadie.events import Event
from roadie.run.report import HostReport, Report


def report(*events: Event, code: int = 0, host: str = "web1", details: bool = False) -> HostReport:
    made = HostReport(host, shows_details=details)
    for event in events:
        made.take(event)
    made.conclude(code, ["its last words"] if code else [])
    return made


def test_changes_are_shown_and_what_was_right_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    report(Event("ok", "nginx", "file /etc/a"), Event("changed", "nginx", "file /etc/b", "+secret detail"))
    out = capsys.readouterr().out
    assert "file /etc/b" in out and "/etc/a" not in out and "detail" not in out


def test_a_plan_shows_each_difference(capsys: pytest.CaptureFixture[str]) -> None:
    report(Event("would", "nginx", "file /etc/b", "-old\n+new"), details=True)
    assert "web1:     -old\nweb1:     +new\n" in capsys.readouterr().out


def test_a_plan_says_a_warning_once(capsys: pytest.CaptureFixture[str]) -> None:
    report(Event("warn", "pending", "migration a.0002", "it drops a table"), details=True)
    assert capsys.readouterr().out.count("it drops a table") == 1


def test_an_edit_made_by_hand_is_named_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    report(
        Event("doing", "nginx", "file /etc/b", "atomic"),
        Event("kept", "nginx", "/etc/b", "/var/backups/roadie/etc/b.1"),
        Event("changed", "nginx", "file /etc/b", "-by hand"),
    )
    out = capsys.readouterr().out
    assert "/etc/b as /var/backups/roadie/etc/b.1" in out and "-by hand" in out


def test_a_failure_names_host_stage_cause_and_what_still_serves(capsys: pytest.CaptureFixture[str]) -> None:
    failed = report(Event("failed", "gate", "release 2", "/ answered 500"), code=6)
    with pytest.raises(StageFailed, match="^web1, gate: release 2: / answered 500; 1 still serves$"):
        Report([failed]).raise_failure(lambda one: f"; {one.serving('1', '2')}")
    assert "its last words" in capsys.readouterr().err


def test_what_serves_after_a_failure_is_told_by_the_switches_that_the_host_told_of() -> None:
    began, done = Event("doing", "switch", "live", "atomic"), Event("changed", "switch", "live")
    assert report(code=6).serving("", "2") == "no release serves yet"
    assert report(Event("fact", "back", "live", "3"), code=6).serving("1", "2") == "3 still serves"
    assert report(began, done, code=6).serving("1", "2") == "release 2 serves"
    assert report(began, done, began, done, code=6).serving("1", "2") == "1 still serves"
    assert "1 serves, or 2" in report(began, code=5).serving("1", "2")


def test_the_gravest_of_several_failures_decides_the_exit_code() -> None:
    hosts = [report(code=6, host="a"), report(code=7, host="b"), report(code=4, host="c")]
    with pytest.raises(Degraded) as error:
        Report(hosts).raise_failure()
    assert error.value.code == 7


@pytest.mark.parametrize(
    ("code", "kind"), [(4, Locked), (5, Unreachable), (6, StageFailed), (99, StageFailed)]
)
def test_each_exit_code_of_a_script_has_its_error(code: int, kind: type[Exception]) -> None:
    assert type(report(code=code).error) is kind


def test_a_full_disk_is_named() -> None:
    one = report()
    one.conclude(97, ["the disk of /run"])
    assert "the disk of /run has no room" in str(one.error)


def test_what_had_begun_and_not_ended_is_known() -> None:
    begun = Event("doing", "migrate", "shop.0002", "atomic")
    assert report(Event("ok", "a", "b"), begun).unfinished() == begun
    assert report(begun, Event("changed", "migrate", "shop.0002")).unfinished() is None


def test_facts_keep_every_value_in_order() -> None:
    found = report(Event("fact", "survey", "tree", "a"), Event("fact", "survey", "tree", "b"))
    assert found.facts() == {"tree": ["a", "b"]}


def test_a_long_failure_is_cut_in_its_last_line_and_stands_whole_above(
    capsys: pytest.CaptureFixture[str],
) -> None:
    applied = ", ".join(f"shop.{number:04}_change_of_the_shop" for number in range(200))
    failed = report(
        Event("failed", "migrate", "shop.0200", f"no such column; applied before: {applied}; see x"), code=7
    )
    with pytest.raises(Degraded) as caught:
        Report([failed]).raise_failure()
    last = str(caught.value)
    assert last.startswith("web1, migrate: shop.0200: no such column; applied before: shop.0000")
    assert last.endswith(" ...; see x") and len(last) == 450
    above = capsys.readouterr().err
    assert "shop.0199_change_of_the_shop" in above and max(map(len, above.splitlines())) < 200


def test_a_task_that_lacks_a_release_was_used_wrongly() -> None:
    failed = report(Event("failed", "live", "release", "no release serves; run: fab deploy"), code=2)
    with pytest.raises(UsageError, match="^web1, live: release: no release serves; run: fab deploy$"):
        Report([failed]).raise_failure(lambda one: "; what served before still serves")
    assert type(report(code=2).error) is StageFailed
