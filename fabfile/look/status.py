"""Status: how a site fares on a host. What its visitors get, what serves, and what may go wrong next."""

from __future__ import annotations

import posixpath
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import floor
from typing import Any

from ..release.history import parse_record
from .words import age, ago, commit_of, kilobytes, listed, subject_of, time_in

#: the least part of a disk that is free without a warning, in percent
_LEAST_FREE = 10
#: a certificate that holds for fewer days is warned of: certbot renews it when 30 of its 90 days are left
_LEAST_DAYS = 14
#: the symbol of each state
_MARKS = {"up": "●", "maintenance": "◐"}


@dataclass(frozen=True)
class Status:
    """The facts of the stage `status` on one host."""

    app: str
    domain: str
    facts: Mapping[str, Sequence[str]]

    @cached_property
    def state(self) -> str:
        """One word: up, down, maintenance, or "no release"."""
        if not self._fact("live"):
            return "no release"
        if self._fact("maintenance"):
            return "maintenance"
        is_served = 200 <= self.code < 500 and self.code != 400 and (self.days is None or self.days >= 0)
        return "up" if is_served else "down"

    @cached_property
    def code(self) -> int:
        """The status that a visitor gets; 0 if there is no answer."""
        return int(self._fact("answer").split()[0])

    @cached_property
    def milliseconds(self) -> int:
        """How long the answer took."""
        return round(float(self._fact("answer").split()[1]) * 1000)

    @cached_property
    def days(self) -> int | None:
        """For how many days the certificate holds that nginx shows; None without one."""
        end = _number(self._fact("certificate"))
        return None if end is None else floor((end - time.time()) / 86400)

    def trouble(self) -> str:
        """Why visitors do not get the site, and what to do next; empty if they get it, or in maintenance."""
        page, live = self._fact("page"), self._fact("live")
        if self.state == "no release":
            return "there is no release yet; run: fab deploy"
        if self.state != "down":
            return ""
        if self._fact("down"):
            return f"{live} should serve, but no process of it listens; see: fab logs; run: fab restart"
        if not self.code and self.milliseconds > 5000:
            return f"{page} gives no answer within {self.milliseconds // 1000} seconds; see: fab logs"
        if not self.code:
            return "nginx does not answer; see on the host: systemctl status nginx; or run: fab nginx"
        if (days := self.days) is not None and days < 0:
            return f"its certificate ended {-days} days ago; run: fab tls"
        if self.code == 400:
            return f"{page} answers 400: ALLOWED_HOSTS may not hold {self.domain}; see: fab logs"
        return f"{page} answers {self.code}; see: fab logs; to go back: fab rollback"

    @property
    def data(self) -> dict[str, Any]:
        """All of it, for a program. None stands for what could not be found out."""
        held, run = self._fact("held"), self._fact("run")
        return {
            "site": self.app,
            "domain": self.domain,
            "state": self.state,
            "answer": {"page": self._fact("page"), "status": self.code, "milliseconds": self.milliseconds},
            "trouble": self.trouble(),
            "certificate": {"days": self.days} if "certificate" in self.facts else None,
            "release": self._release,
            "workers": self._processes[0],
            "memory_kb": self._processes[1],
            "programs": self._programs,
            "cron": self._jobs,
            "answers": self._answers,
            "database": {"kb": _number(self._fact("database")), "error": self._fact("silent") or None},
            "dump": self._dump,
            "media_kb": _number(self._fact("media")),
            "disks": self._disks,
            "lock": {"held": held or None, "run": run or None},
            "maintenance": self._fact("maintenance") or None,
            "migrations": {
                "pending": self._fact("pending").split() if "pending" in self.facts else None,
                "half_applied": [*self.facts.get("half", ())],
                "half_loaded": self._fact("restoring") or None,
                "postponed": self._fact("postponed").split(),
            },
            "strays": {"count": int(self._fact("strays") or 0), "first": self._strays},
            "refused": self._refused,
        }

    def lines(self) -> list[str]:
        """All of it, for a person."""
        if self.state == "no release":
            first = f"{self.domain}  ○ {self.trouble()}"
        elif self.state == "down":
            first = f"{self.domain}  ○ down: {self.trouble()}"
        else:
            first = f"{self.domain}  {_MARKS[self.state]} {', '.join([self._head(), *self._serving()])}"
        return [first, *self._details(), *(f"! {one}" for one in self._warnings())]

    def _head(self) -> str:
        took = f"{self.code} in {self.milliseconds} ms"
        if self.state == "maintenance":
            return f"maintenance ({took}), {self._fact('maintenance')}; fab maintenance off ends it"
        return f"up, {took}"

    def _details(self) -> Iterator[str]:
        if self.state == "down":
            yield ", ".join(self._serving())
        yield self._answered()
        yield " · ".join([self._stored(), *self._room()])
        lock = self._fact("run") or (self._fact("held") and f"held back {self._fact('held')}")
        closed = "on" if self._fact("maintenance") else "off"
        certified = "" if self.days is None else f" · certificate for {self.days} days"
        yield f"lock {lock or 'none'} · maintenance {closed} · migrations {self._migrations()}{certified}"

    def _serving(self) -> Iterator[str]:
        if one := self._release:
            since = age(time.time() - one["since"]) if one["since"] else "?"
            yield f'{commit_of(one)} "{subject_of(one)}" by {one["who"] or "?"} for {since}'
        workers, memory = self._processes
        if workers is not None:
            yield f"{workers} worker{'' if workers == 1 else 's'}"
            yield kilobytes(memory or 0)
        for name, state in self._programs.items():
            if state == "RUNNING":
                yield f"{name} runs"

    def _answered(self) -> str:
        found = self._answers
        if not found:
            return "answers to visitors: not known, as nginx's log tells nothing"
        named = [f"{found[kind]} {kind}" for kind in _CLASSES if found[kind]]
        return f"answers to visitors in the last {age(found['seconds'])}: {listed(named) or 'none'}"

    def _stored(self) -> str:
        if self._fact("silent"):
            size = "does not answer"
        elif "database" in self.facts:
            size = kilobytes(_number(self._fact("database")) or 0)
        else:
            size = "not measured"
        dump = self._dump
        return f"database {size}, " + (f"dump {ago(dump['time'])}" if dump else "no dump")

    def _room(self) -> Iterator[str]:
        media = _number(self._fact("media"))
        yield f"media {'not measured' if media is None else kilobytes(media)}"
        if self._disks:
            first = self._disks[0]
            yield f"disk {first['path']} {first['free_percent']} % free"

    def _migrations(self) -> str:
        # Every command begins with a warning of a half applied migration, and with the cure.
        half = [f"half applied: {listed(self.facts['half'])}"] if "half" in self.facts else []
        if "pending" not in self.facts:
            return ", ".join([*half, "not known"])
        names = listed(self._fact("pending").split())
        return ", ".join([*half, f"pending: {names}" if names else "none pending"])

    def _warnings(self) -> Iterator[str]:
        yield from self._database_warnings()
        yield from self._certificate_warnings()
        yield from self._program_warnings()
        yield from self._disk_warnings()
        yield from self._stray_warnings()
        if refused := self._refused:
            what = f'{commit_of(refused)} "{subject_of(refused)}" by {refused["who"] or "?"}'
            more = f"fab logs --release {refused['id']}"
            yield f"the last deploy, {what}, does not serve: {refused['why']}; see: {more}"

    def _database_warnings(self) -> Iterator[str]:
        if file := self._fact("restoring"):
            yield f"a dump is half loaded; finish that: fab migrate --restore-dump {file}"
        if names := self._fact("postponed").split():
            yield f"waits until the release before has ended: {listed(names)}; fab deploy applies it then"
        if silent := self._fact("silent"):
            yield f"the database does not answer: {silent}; run: fab bootstrap"

    def _certificate_warnings(self) -> Iterator[str]:
        if self._fact("certificate") == "none":
            yield "the site answers by http, as it has no certificate yet; run: fab tls"
        if self.days is not None and 0 <= self.days < _LEAST_DAYS:
            yield (
                f"the certificate ends in {self.days} days, and certbot would have renewed it by now; run "
                "fab tls, or hand over a new one"
            )

    def _program_warnings(self) -> Iterator[str]:
        if self._fact("supervisor"):
            yield "Supervisor does not answer; see on the host: systemctl status supervisor"
        for name, state in self._programs.items():
            if state != "RUNNING":
                yield f"program {name} is {state.lower()}; see: fab logs --of programs"
        for name, job in self._jobs.items():
            if job["failed"]:
                when = f" {ago(job['ended'])}" if job["ended"] else ""
                yield f"cron {name} failed{when}: {job['failed']}; see: fab logs --of programs"

    def _disk_warnings(self) -> Iterator[str]:
        for disk in self._disks:
            if disk["free_percent"] < _LEAST_FREE:
                full = 100 - disk["free_percent"]
                yield f"the disk of {disk['path']} is {full} % full; see there: df -h; df -i"

    def _stray_warnings(self) -> Iterator[str]:
        for one in self._strays:
            yield (
                f"process {one['pid']} ({one['command'] or '?'}) of the site's user belongs to no program; "
                "the next deploy ends it"
            )
        rest = int(self._fact("strays") or 0) - len(self._strays)
        if rest > 0:
            yield f"{rest} more processes of the site's user belong to no program"

    @cached_property
    def _release(self) -> dict[str, Any] | None:
        name = self._fact("live")
        return (name and {**self._recorded(name), "since": _number(self._fact("since"))}) or None

    @cached_property
    def _refused(self) -> dict[str, Any] | None:
        name = self._fact("refused")
        return (name and {**self._recorded(name, -1), "why": self._fact("why")}) or None

    def _recorded(self, name: str, at: int = 0) -> dict[str, Any]:
        records = self.facts.get("record", ())
        record = parse_record(records[at]) if records else {}
        keys = ("commit", "subject", "who", "from", "branch")
        return {"id": name, **{key: record.get(key) for key in keys}}

    @cached_property
    def _processes(self) -> tuple[int | None, int | None]:
        workers, _, kb = self._fact("processes").partition(" ")
        return _number(workers), _number(kb)

    @cached_property
    def _programs(self) -> dict[str, str]:
        return dict(one.split(" ", 1) for one in self.facts.get("program", ()) if " " in one)

    @cached_property
    def _jobs(self) -> dict[str, dict[str, Any]]:
        """For each periodic command: its state by systemd, when its last run ended, and why that failed."""
        found = {}
        for one in self.facts.get("job", ()):
            name, *pairs = one.split()
            known = dict(pair.partition("=")[::2] for pair in pairs)
            state, result = known.get("ActiveState", ""), known.get("Result", "")
            why = f"exit code {known.get('ExecMainStatus')}" if result == "exit-code" else result
            found[name] = {
                "state": state,
                "ended": _number(known.get("ExecMainExitTimestamp", "").removeprefix("@")),
                "failed": why if state == "failed" else None,
            }
        return found

    @cached_property
    def _answers(self) -> dict[str, int] | None:
        found = self._fact("answers").split()
        numbers = dict(zip(("seconds", *_CLASSES), map(int, found), strict=False))
        return numbers if len(numbers) == 1 + len(_CLASSES) else None

    @cached_property
    def _dump(self) -> dict[str, Any] | None:
        size, _, path = self._fact("dump").partition(" ")
        when = time_in(posixpath.basename(path))
        return None if when is None else {"path": path, "time": int(when), "bytes": _number(size)}

    @cached_property
    def _disks(self) -> list[dict[str, Any]]:
        """The disks that the site needs, its own first. Each has the lesser share: room or inodes."""
        found = {}
        for line in self._fact("disks").splitlines()[1:]:
            fields = line.split(maxsplit=4)
            if len(fields) == 5:
                kb, size, inodes, all_inodes = map(_number, fields[:4])
                shares = [100 * (kb or 0) // size] if size else []
                shares += [100 * (inodes or 0) // all_inodes] if all_inodes else []
                found[fields[4]] = {
                    "path": fields[4],
                    "free_kb": kb,
                    "free_percent": min(shares, default=100),
                }
        return [*found.values()]

    @cached_property
    def _strays(self) -> list[dict[str, Any]]:
        found = []
        for one in self.facts.get("stray", ()):
            pid, _, command = one.partition(" ")
            found.append({"pid": _number(pid), "command": command.strip()})
        return found

    def _fact(self, name: str) -> str:
        return next(iter(self.facts.get(name, ())), "")


_CLASSES = ("2xx", "3xx", "4xx", "5xx")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
