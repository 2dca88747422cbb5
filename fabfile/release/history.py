"""History: the releases that a host has, and the release that a rollback goes to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import UsageError

_SHORTEST_SHA = 4
# A dump marks a migration that was half applied when the dump was made.
_HALF = "half "


@dataclass(frozen=True)
class Release:
    """One release that a host has, whether it ever served or not."""

    id: str
    #: its release.json: commit, subject, who, when
    record: Mapping[str, Any]
    #: when it first served, and the seconds that its deploy had taken by then; empty if it never served
    switched: str = ""
    took: str = ""
    #: the release that served before this one
    previous: str = ""
    #: why this release must not serve again
    bad: str = ""
    #: where its deploy failed
    failed: str = ""
    #: the migrations that its deploy applied
    applied: tuple[str, ...] = ()
    #: the migrations that its code knows; None if that was not written down
    known: frozenset[str] | None = None
    #: the squashed migrations that its code knows, each with the migrations that it replaces
    replaces: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """All releases of a host, the oldest first. `live` is the release that serves, or empty."""

    host: str
    releases: tuple[Release, ...]
    live: str
    #: a rollback that was cut: the release that it leaves, and the release that it goes to
    under_way: tuple[str, ...] = ()
    #: the migrations that the database records; None if the database did not answer
    applied: frozenset[str] | None = None
    #: the dumps of the database, the oldest first, each with the migrations that it records
    dumps: tuple[tuple[str, frozenset[str]], ...] = ()
    #: whether no process of `live` listens, so that visitors see an error
    is_down: bool = False

    def find(self, name: str) -> Release | None:
        """The release of this name, if it is still there."""
        return next((one for one in self.releases if one.id == name), None)

    def target(self, to: str = "") -> Release:
        """The release to go back to: the one that served before, or the newest that `to` names.

        `to` is a release, or the beginning of its name or of its commit. A release that a rollback left, or
        that failed after its switch, must be named. Raises UsageError if there is no such release.
        """
        serving = self.find(self.live)
        if not serving:
            raise UsageError(f"{self.host}: no release serves; run: fab deploy")
        if to:
            return self._named(to)
        if len(self.under_way) > 1 and self.under_way[1] == self.live:
            return serving
        return self._before(serving)

    def state(self, one: Release) -> str:
        """One word for what became of a release."""
        if one.id == self.live:
            return "down" if self.is_down else "serves"
        if one.bad:
            return "bad"
        if one.switched:
            serving = self.find(self.live)
            return "before" if serving and serving.previous == one.id else "served"
        return "failed" if one.failed else "unfinished"

    def unknown_to(self, target: Release) -> tuple[str, ...]:
        """The migrations in the database that the code of a release does not know.

        Raises UsageError if the release has no record of the migrations that its code knows.
        """
        applied = self._applied() & self._knowable()
        if applied and target.known is None:
            raise UsageError(
                f"{self.host}: {target.id} has no record of the migrations that it knows; deploy its commit "
                f"instead: fab deploy --ref {target.record.get('commit', '')[:8]}"
            )
        return tuple(sorted(applied - self._understood_by(target)))

    def has_pending_for(self, target: Release) -> bool:
        """Whether the database lacks migrations that the code of a release knows."""
        return self.applied is not None and not (target.known or frozenset()) <= self.applied

    def release_that_knows(self, names: Sequence[str]) -> Release | None:
        """A release whose code knows all these migrations: the one that serves, else the newest."""
        serving = self.find(self.live)
        candidates = [*([serving] if serving else []), *reversed(self.releases)]
        return next((one for one in candidates if one.known and set(names) <= one.known), None)

    def dump_for(self, target: Release) -> str:
        """The newest dump that has only migrations which a release knows, and none that is half applied."""
        known = self._understood_by(target)
        for path, names in reversed(self.dumps):
            if not {name for name in names if name.startswith(_HALF)} and names & self._knowable() <= known:
                return path
        return ""

    def lacks_migrations(self, dump: str, target: Release) -> bool:
        """Whether a dump lacks migrations that the code of a release knows."""
        return not (target.known or frozenset()) <= dict(self.dumps).get(dump, frozenset())

    def _understood_by(self, target: Release) -> frozenset[str]:
        """The migrations that a release knows, and the squashed ones that replace nothing else."""
        known = target.known or frozenset()
        squashed = ((name, parts) for one in self.releases for name, parts in one.replaces.items())
        return known | {name for name, parts in squashed if parts <= known}

    def _applied(self) -> frozenset[str]:
        """The migrations that the database records; if it did not answer, those that the releases record."""
        if self.applied is not None:
            return self.applied
        serving = self.find(self.live)
        told = frozenset(name for one in self.releases for name in one.applied)
        return told | ((serving and serving.known) or frozenset())

    def _knowable(self) -> frozenset[str]:
        """The migrations that any release here knows. The database may record others, from long ago."""
        return frozenset(name for one in self.releases for name in (*(one.known or ()), *one.applied))

    def _named(self, to: str) -> Release:
        found = [one for one in self.releases if to == one.id] or self._with_commit(to)
        if not found:
            found = [one for one in self.releases if one.id.startswith(to)]
            if len(found) > 1:
                raise UsageError(f"{self.host}: {len(found)} releases begin with {to}; give more of its name")
        if len({one.record.get("commit") for one in found}) > 1:
            raise UsageError(f"{self.host}: several commits begin with {to}; give more of its name")
        served = [one for one in found if one.switched or one.id == self.live]
        if served:
            return next((one for one in reversed(served) if one.id != self.live), served[-1])
        if found:
            why = f" ({found[-1].failed})" if found[-1].failed else ""
            raise UsageError(
                f"{self.host}: {found[-1].id} never served{why}; ship its commit with fab deploy --ref"
            )
        raise UsageError(f"{self.host}: there is no release {to} here; see fab releases")

    def _with_commit(self, sha: str) -> list[Release]:
        if len(sha) < _SHORTEST_SHA:
            return []
        return [one for one in self.releases if str(one.record.get("commit", "")).startswith(sha)]

    def _before(self, one: Release) -> Release:
        seen = {one.id}
        while one.previous and one.previous not in seen:
            seen.add(one.previous)
            before = self.find(one.previous)
            if not before:
                raise UsageError(
                    f"{self.host}: {one.previous}, which served before, is removed by now (see keep:); "
                    "name another with --to, or ship its commit with fab deploy --ref"
                )
            if not before.bad:
                return before
            one = before
        left = [each.id for each in self.releases if each.bad and each.switched and each.id != self.live]
        hint = f"; to go to one that was left: fab rollback --to {left[-1]}" if left else ""
        raise UsageError(
            f"{self.host}: no release served before {self.live}; there is none to go back to{hint}"
        )


def read(host: str, facts: Mapping[str, Sequence[str]]) -> History:
    """The history of a host, from the facts of the stage `history`."""
    names = facts.get("release", [])
    columns = {part: facts.get(part, [""] * len(names)) for part in _PARTS}
    rows = [{part: column[at] for part, column in columns.items()} for at in range(len(names))]
    return History(
        host=host,
        releases=tuple(_release(name, row) for name, row in zip(names, rows, strict=True)),
        live=next(iter(facts.get("live", [])), ""),
        under_way=tuple(next(iter(facts.get("rollback", [])), "").split()),
        applied=frozenset(facts["applied"][0].splitlines()) if "applied" in facts else None,
        dumps=tuple(
            (path, frozenset(names.splitlines()))
            for path, names in zip(facts.get("dumps", []), facts.get("dumped", []), strict=True)
        ),
        is_down="down" in facts,
    )


_PARTS = "release.json switched took previous bad failed migrations knows replaces".split()


def _release(name: str, row: Mapping[str, str]) -> Release:
    return Release(
        id=name,
        record=parse_record(row["release.json"]),
        switched=row["switched"],
        took=row["took"],
        previous=row["previous"],
        bad=row["bad"],
        failed=row["failed"],
        applied=tuple(row["migrations"].split()),
        known=frozenset(row["knows"].split()) if row["knows"] else None,
        replaces={
            name: frozenset(parts)
            for name, *parts in map(str.split, filter(None, row["replaces"].splitlines()))
        },
    )


def parse_record(text: str) -> Mapping[str, Any]:
    """A release.json; empty if it cannot be read."""
    try:
        record = json.loads(text)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
