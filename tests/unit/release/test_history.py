"""Which release a rollback goes back to, by what a host tells about its releases."""

from __future__ import annotations

import json

import pytest
from roadie.errors import UsageError
from roadie.release.history import History, read

A, B, C = "20260101T000000Z-aaaaaaaa", "20260102T000000Z-bbbbbbbb", "20260103T000000Z-cccccccc"
D = "20260104T000000Z-bbbbbbbb"


def release(name: str, previous: str = "", **parts: str) -> dict[str, str]:
    """Return what a host tells about a release that has served."""
    record = json.dumps({"commit": name[-8:] * 5, "subject": "A change"})
    return {"release": name, "release.json": record, "previous": previous, "switched": "then", **parts}


def history(*releases: dict[str, str], live: str, **told: list[str]) -> History:
    parts = "release release.json switched took previous bad failed migrations knows replaces".split()
    facts = {part: [one.get(part, "") for one in releases] for part in parts}
    return read("web1", {**facts, "live": [live], **told})


THREE = (release(A), release(B, A), release(C, B))
FAILED = (release(A, switched="", failed="gate: release"), release(B))


def test_the_way_back_goes_to_the_release_that_served_before() -> None:
    assert history(*THREE, live=C).target().id == B
    assert history(*THREE, live=B).target().id == A


def test_names_and_times_do_not_decide_what_was_before() -> None:
    assert history(release(A, C), release(C, B), release(B), live=A).target().id == C


def test_a_bad_release_is_passed_over_and_reached_by_its_name() -> None:
    past = history(release(A), release(B, A, bad="left"), release(C, B), live=C)
    assert past.target().id == A
    assert past.target(B).id == B


def test_with_nothing_before_the_way_to_a_release_that_was_left_is_told() -> None:
    past = history(release(A), release(B, A, bad="left"), live=A)
    with pytest.raises(UsageError, match=f"; to go to one that was left: fab rollback --to {B}$"):
        past.target()
    with pytest.raises(UsageError, match="none to go back to$"):
        history(release(A), live=A).target()


def test_a_rollback_that_was_cut_is_finished_and_goes_no_further() -> None:
    assert history(*THREE, live=B, rollback=[f"{C} {B} 1"]).target().id == B
    assert history(*THREE, live=C, rollback=[f"{C} {B} 1"]).target().id == B
    assert history(*THREE, live=A, rollback=[f"{C} {B} 1"]).live == A


def test_a_release_whose_run_was_cut_right_after_its_switch_has_served() -> None:
    past = history(release(A), release(B, A, switched=""), live=B)
    assert past.target(B).id == B and past.state(past.releases[1]) == "serves"
    assert past.target().id == A


def test_a_release_that_nobody_serves_is_down() -> None:
    past = history(*THREE, live=C, down=[C])
    assert [past.state(one) for one in past.releases] == ["served", "before", "down"]


@pytest.mark.parametrize(
    ("past", "to", "why"),
    [
        (history(live=""), "", "no release serves"),
        (history(release(A), live=A), "", "no release served before"),
        (history(release(C, B), live=C), "", "removed by now"),
        (history(*THREE, live=C), "9999", "there is no release 9999"),
        (history(*THREE, live=C), "2026", "3 releases begin with 2026"),
        (history(*FAILED, live=B), A, "never served (gate: release)"),
        (history(release(A, A), live=A), "", "no release served before"),
    ],
)
def test_a_refusal_to_go_back_says_why(past: History, to: str, why: str) -> None:
    with pytest.raises(UsageError) as refusal:
        past.target(to)
    assert why in str(refusal.value) and str(refusal.value).startswith("web1: ")


def test_a_commit_names_its_newest_release_that_does_not_serve() -> None:
    past = history(*THREE, release(D, C), live=D)
    assert past.target("bbbb").id == B
    assert past.target("cccccccccc").id == C
    assert history(*THREE, release(D, C), live=C).target("bbbbbbbb").id == D


def test_migrations_that_the_older_code_does_not_know_are_named() -> None:
    past = history(
        release(A, knows="app.0001"),
        release(B, A, knows="app.0001\napp.0002", migrations="app.0002"),
        release(C, B, switched="", migrations="app.0003", knows="app.0001\napp.0002\napp.0003"),
        live=B,
    )
    target = past.target()
    names = past.unknown_to(target)
    assert names == ("app.0002", "app.0003")
    knowing = past.release_that_knows(names)
    assert knowing and knowing.id == C
    assert past.unknown_to(past.target(B)) == ("app.0003",)


def test_the_database_decides_what_is_applied() -> None:
    past = history(
        release(A, knows="app.0001"),
        release(B, A, knows="app.0001\napp.0002", migrations="app.0002"),
        live=A,
        applied=["app.0001\ngone.0001"],
    )
    assert past.unknown_to(past.target(A)) == ()
    assert not past.has_pending_for(past.target(A)) and past.has_pending_for(past.target(B))


def test_a_squashed_migration_is_as_the_ones_that_it_replaces() -> None:
    known, told = "app.0001\napp.0002\napp.0001_all", "app.0001_all app.0001 app.0002"
    applied = [known]
    old, new = release(A, knows="app.0001\napp.0002"), release(B, A, knows=known, replaces=told)
    past = history(old, new, live=B, applied=applied, dumps=["/d"], dumped=[known])
    assert past.unknown_to(past.target()) == ()
    assert past.dump_for(past.target()) == "/d"
    older = history(release(A, knows="app.0001"), new, live=B, applied=applied)
    assert older.unknown_to(older.target()) == ("app.0001_all", "app.0002")


def test_a_dump_is_offered_if_the_release_knows_all_that_is_applied_in_it() -> None:
    two, three = release(A, knows="app.0001\napp.0002"), release(B, A, knows="app.0001\napp.0002\napp.0003")
    dumps = {"app.0001": "old", "app.0001\napp.0002\ngone.0001": "right", "app.0001\nhalf app.0002": "half"}
    dumps["app.0001\napp.0002\napp.0003"] = "new"
    past = history(two, three, live=B, dumps=[*dumps.values()], dumped=[*dumps])
    assert past.dump_for(past.target()) == "right"
    assert [past.lacks_migrations(dump, past.target()) for dump in ("right", "old")] == [False, True]
    assert history(two, three, live=B).dump_for(past.target()) == ""


def test_a_prefix_that_several_commits_share_is_refused() -> None:
    past = history(release(A), release("20260102T000000Z-aaaabbbb"), live=A)
    with pytest.raises(UsageError, match="several commits"):
        past.target("aaaa")


def test_a_release_of_which_nothing_is_known_is_no_target() -> None:
    past = history(release(A), release(B, A, knows="app.0001"), live=B)
    with pytest.raises(UsageError, match="fab deploy --ref aaaaaaaa"):
        past.unknown_to(past.target())


def test_what_became_of_a_release_is_one_word() -> None:
    rows = (
        release(A),
        release(B, A, bad="left for A"),
        release(D, switched="", failed="gate: release"),
        release("20260105T000000Z-dddddddd", switched=""),
        release(C, A),
    )
    past = history(*rows, live=C)
    assert [past.state(one) for one in past.releases] == ["before", "bad", "failed", "unfinished", "serves"]


def test_a_record_that_cannot_be_read_is_none() -> None:
    past = history(release(A, **{"release.json": "{"}), live=A)
    assert past.releases[0].record == {}
