"""Tests of the commits between two, in real repositories."""

from __future__ import annotations

from pathlib import Path

from projects import commit, git, git_repo
from roadie.git.commits import difference


def test_commits_are_told_in_both_directions(tmp_path: Path) -> None:
    first = git_repo(tmp_path)
    second, third = commit(tmp_path, "Second: \t a tab"), commit(tmp_path, "Third")
    found = difference(tmp_path, first, third)
    assert found and [sha for sha, _ in found.new] == [third, second] and found.gone == ()
    assert found.new[0][1] == "Third" and found.new[1][1].startswith("Second:")
    git(tmp_path, "checkout", "-q", "-b", "other", first)
    other = commit(tmp_path, "Other")
    found = difference(tmp_path, third, other)
    assert found and [len(found.new), len(found.gone)] == [1, 2]


def test_a_commit_that_is_not_here_is_no_way(tmp_path: Path) -> None:
    here = git_repo(tmp_path)
    for unknown in ("f" * 40, "", "--all", "HEAD"):
        assert difference(tmp_path, unknown, here) is None
