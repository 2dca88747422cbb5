"""Outlook: what a deploy would do to one host, as far as it can be known beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..git.commits import Difference, difference
from ..git.trees import CommitTree
from ..project import migrations, requirements
from ..project.workspace import Committed
from .history import parse_record
from .record import NewRelease, differences

#: at most so many commits are listed
_MOST = 10
#: the sentences of `nginx_told`
NGINX_LACKS = "nginx does not serve this site yet, so no visitor reaches it; run: fab bootstrap"
NGINX_DIFFERS = "nginx has other settings for this site than these; fab plan shows them, fab nginx sets them"
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def nginx_told(facts: Mapping[str, Sequence[str]], wanted: str) -> str:
    """A sentence if nginx does not have the settings with the checksum `wanted` for this site; else empty."""
    if facts.get("nginx") in (None, [wanted]):
        return ""
    return NGINX_DIFFERS if facts["nginx"][0] else NGINX_LACKS


def counted(commits: Difference | None) -> list[str]:
    """How many commits a deploy brings, and how many it takes back; empty if that cannot be known."""
    if commits is None:
        return []
    new, gone = _count(len(commits.new), "commit"), _count(len(commits.gone), "commit")
    return [part for part in (new, f"{gone} taken back" if gone else "") if part]


@dataclass(frozen=True)
class Outlook:
    """What a deploy of this release would do to a host with these facts."""

    work: Committed
    release: NewRelease
    #: from the survey, and from the stages that told what they would do
    facts: Mapping[str, Sequence[str]]
    #: the names of the stages that would run
    stages: Sequence[str]
    #: whether the virtualenv is built anew
    builds: bool = False
    #: what nginx lacks: see `nginx_told`
    nginx: str = ""
    #: whether the deploy applies migrations
    migrate: bool = True

    @property
    def served(self) -> str:
        """The name of the release that serves, if it equals the new one; else empty."""
        return self._fact("served")

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """What the release that serves has on record: commit, subject, who, when."""
        return parse_record(self._fact("record"))

    @cached_property
    def commits(self) -> Difference | None:
        """The commits that the deploy brings; None if the commit that serves is not in this repository."""
        before = str(self.record.get("commit", ""))
        return difference(self.work.settings.root, before, self.release.commit)

    @property
    def parts(self) -> list[str]:
        """The parts in which the new release differs from the one that serves."""
        return differences(self.release.fingerprint, self._fact("fingerprint"))

    @cached_property
    def variables(self) -> list[tuple[str, str]]:
        """How the environment changes: (added, removed or changed; name)."""
        return sorted(
            {(how, name) for told in self._facts("variable") for how, _, name in [told.partition(" ")]}
        )

    @cached_property
    def requirements(self) -> list[tuple[str, str, str]]:
        """How the requirements change: (added, removed or changed; package; the lines)."""
        if not self._fact("live"):
            return []
        told = (text.partition("\n") for text in self._facts("requirements"))
        now = requirements.lines_by_package({path: text for path, _, text in told})
        then = requirements.lines_by_package(self.work.project.requirements.files)
        return [
            *(("added", name, then[name]) for name in sorted(then.keys() - now.keys())),
            *(("removed", name, now[name]) for name in sorted(now.keys() - then.keys())),
            *(
                ("changed", name, f"{now[name]} -> {then[name]}")
                for name in sorted(now.keys() & then.keys())
                if now[name] != then[name]
            ),
        ]

    @property
    def is_database_known(self) -> bool:
        """Whether the database told which migrations it has, or that it is empty."""
        return "applied" in self.facts or "empty" in self.facts

    @cached_property
    def pending(self) -> list[migrations.Migration]:
        """The migrations of the project's own apps that the database lacks."""
        if not self.is_database_known:
            return []
        return migrations.lacking(self._tree, self.work.project.ship_root, self._applied)

    @cached_property
    def waiting(self) -> frozenset[str]:
        """The names of the pending migrations that the deploy would apply after the switch."""
        is_phased = self.work.settings.phased_migrations and self._fact("live") and self._applied
        return migrations.waiting(self.pending) if is_phased and "take-away" in self.stages else frozenset()

    @property
    def others_pending(self) -> list[str]:
        """The migrations of packages that the release that serves knows and that the database lacks."""
        if not self.is_database_known:
            return []
        own = migrations.apps(self._tree, self.work.project.ship_root)
        lacking = {*self._fact("knows").split()} - self._applied
        return sorted(name for name in lacking if name.partition(".")[0] not in own)

    @property
    def losses(self) -> list[str]:
        """What the migrations delete. An empty database has nothing to lose."""
        return [f"{one.full_name} {loss}" for one in self.pending if self._applied for loss in one.losses]

    def is_new_app(self, app: str) -> bool:
        """Whether the release that serves knows no migration of an app. The app may not be installed."""
        known = {name.partition(".")[0] for name in self._fact("knows").split()}
        return bool(known) and app not in known

    def data(self) -> dict[str, Any]:
        """All of it, for a program."""
        return {
            "serves": self._fact("live"),
            "serves_commit": self.record.get("commit", ""),
            "commit": self.release.commit,
            "commits": self.commits and _listed(self.commits.new),
            "commits_gone": self.commits and _listed(self.commits.gone),
            "parts": self.parts,
            "dirty": list(self.work.commit.dirty),
            "environment": [{"how": how, "name": name} for how, name in self.variables],
            "requirements": [
                {"how": how, "package": name, "lines": lines} for how, name, lines in self.requirements
            ],
            "virtualenv": "new" if self.builds else "same",
            "build_here": list(self.work.settings.build_here),
            "build": list(self.work.settings.build),
            "files": [{"how": how, "path": path} for how, path in self._files],
            "shared": self._new_places,
            "migrations": [self._migration(one) for one in self.pending],
            "migrations_of_packages": self.others_pending,
            "database_known": self.is_database_known,
            "nginx_differs": bool(self.nginx),
            "stages": list(self.stages),
        }

    def _migration(self, one: migrations.Migration) -> dict[str, Any]:
        """A pending migration, for a program."""
        return {
            "name": one.full_name,
            "does": [step.text for step in one.steps],
            "dangers": [danger for step in one.steps for danger in step.dangers],
            "loses": list(one.losses) if self._applied else [],
            "waits": one.full_name in self.waiting,
        }

    def lines(self) -> list[str]:
        """All of it, for a person."""
        sections = {
            "commits": self._told_commits(),
            "environment": [f"{_SIGNS[how]} {name}" for how, name in self.variables],
            "requirements": [f"{_SIGNS[how]} {lines}" for how, _, lines in self.requirements],
            "virtualenv": ["built anew" if self.builds else "the same"],
            "build": [
                *(f"here: {line}" for line in self.work.settings.build_here),
                *(f"on the host: {line}" for line in self.work.settings.build),
            ],
            "files": [f"{_SIGNS[how]} {path}" for how, path in self._files],
            "shared": [f"+ {path}" for path in self._new_places],
            "migrations": self._told_migrations(),
            "nginx": self.told_nginx,
            "stages": [" ".join(self.stages)],
            "at the deploy": [
                "only then: Django's checks, static files, migrations of new packages, rows of tables"
            ],
        }
        return [
            f"{title if not at else '':<14}{line}"
            for title, told in sections.items()
            for at, line in enumerate(told)
        ]

    @property
    def _files(self) -> list[tuple[str, str]]:
        """How the files of `files:` differ from the release that serves: (added or changed; path)."""
        return [(how, path) for told in self._facts("file") for how, _, path in [told.partition(" ")]]

    @property
    def _new_places(self) -> list[str]:
        """The shared folders and files that the host does not have yet."""
        return list(self._facts("shared"))

    @property
    def told_nginx(self) -> list[str]:
        """A line if nginx serves the site by other settings or not at all. A deploy does not change that."""
        return [self.nginx] if self.nginx else []

    def summary(self) -> str:
        """All of it in a few words, for the last line."""
        count = len(self.pending) + len(self.others_pending)
        variables = " ".join(f"{_SIGNS[how]}{name}" for how, name in self.variables)
        told = [
            "the first release" if not self._fact("live") else "",
            *counted(self.commits),
            f"environment {variables}" if variables and self._fact("live") else "",
            _count(len(self.requirements), "requirement"),
            _count(count, "migration") if self.migrate else "",
        ]
        other = f"other {', '.join(self.parts) or 'processes'}"
        return ", ".join(part for part in told if part) or other

    def _told_commits(self) -> list[str]:
        live, commits, new = self._fact("live"), self.commits, self.release.commit[:8]
        if not live:
            return [f"first release: {new} {self.work.commit.subject}"]
        serves = f"{self.record.get('commit', '')[:8]} {self.record.get('subject', '')}".strip() or live
        if commits is None:
            return [f"{serves} serves, but is not in this repository; git fetch may bring it"]
        if not commits.new and not commits.gone:
            return [f"{new} serves already; what differs: {', '.join(self.parts) or 'processes'}"]
        told = [f"{serves} serves; {_count(len(commits.new), 'commit')} since:"] if commits.new else []
        told += [f"  {sha[:8]} {subject}" for sha, subject in commits.new[:_MOST]]
        told += [f"  and {len(commits.new) - _MOST} more"] if len(commits.new) > _MOST else []
        if commits.gone:
            told.append(f"taken back, as {new} lacks them: {_count(len(commits.gone), 'commit')}")
            told += [f"  {sha[:8]} {subject}" for sha, subject in commits.gone[:_MOST]]
        return told

    def _told_migrations(self) -> list[str]:
        if not self.is_database_known:
            return ["the database did not answer, so only the deploy can tell"]
        told = [] if self.migrate else ["left for later, as --no-migrate says:"]
        if not self._applied:
            return [*told, f"{_count(len(self.pending), 'migration')} of the project, into an empty database"]
        for one in self.pending:
            steps = "; ".join(step.text for step in one.steps) or "changes nothing in the database"
            unsure = " (if INSTALLED_APPS has this app)" if self.is_new_app(one.app) else ""
            after = " (after the switch)" if one.full_name in self.waiting else ""
            told.append(f"{'!' if one.losses else '+'} {one.full_name}{unsure}: {steps}{after}")
            dangers = dict.fromkeys(each for step in one.steps for each in step.dangers if not after)
            told += [f"    {danger}" for danger in dangers]
        told += [f"+ {name} (of a package)" for name in self.others_pending]
        if self.losses and self.migrate:
            told.append("content goes: if the table has rows, the deploy asks first, or needs --yes")
        return told

    @cached_property
    def _tree(self) -> CommitTree:
        commit = self.work.commit
        return CommitTree(self.work.settings.root, commit.sha, commit.prefix)

    @property
    def _applied(self) -> frozenset[str]:
        return frozenset(self._fact("applied").split())

    def _fact(self, name: str) -> str:
        return next(iter(reversed(self.facts.get(name, []))), "")

    def _facts(self, name: str) -> Sequence[str]:
        return self.facts.get(name, [])


def _listed(commits: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"commit": sha, "subject": subject} for sha, subject in commits]


def _count(number: int, noun: str) -> str:
    """The number with its noun; empty for 0."""
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""
