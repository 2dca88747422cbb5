"""The probe, which serves in place of the guestbook: each of its answers says which release it comes from."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import projects
from desk import Desk
from roadie.throwaway.hosts import ThrowawayHost

PROBE = projects.TESTS / "probe"
#: a sync worker serves one request at a time, so there must be more workers than slow requests at a time
WORKERS: Mapping[str, Mapping[str, Any]] = {
    "gthread": {"worker_class": "gthread", "workers": 2, "threads": 8},
    "sync": {"worker_class": "sync", "workers": 8},
    "gevent": {"worker_class": "gevent", "workers": 2},
    "uvicorn": {"worker_class": "uvicorn", "workers": 2},
}
_SIXES = ("1.16.0", "1.17.0")
_MIGRATION = """from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("probe", "{before}")]
    make, undo = "CREATE TABLE IF NOT EXISTS {name} (id int)", "DROP TABLE IF EXISTS {name}"
    operations = [migrations.RunSQL(make, undo)]
"""


@dataclass(frozen=True)
class Truth:
    """What every answer of one release must say."""

    code: str
    six: str
    word: str
    style: str

    @classmethod
    def told_by(cls, answer: Mapping[str, Any]) -> Truth:
        """Return what an answer says. Check that all of the answer comes from one release."""
        assert len(set(answer["releases"].values())) == 1, f"a mixture: {answer['releases']}"
        assert len(set(answer["virtualenvs"])) == 1, f"a mixture: {answer['virtualenvs']}"
        return cls(answer["code"], answer["six"], answer["word"], answer["style"])


@dataclass
class Probe:
    """The probe's project on a desk. Each change is committed. `truth` is what answers say after a deploy."""

    folder: Path
    host: ThrowawayHost
    settings: dict[str, Any] = field(default_factory=lambda: dict(WORKERS["gthread"]))
    code: int = 0
    word: int = 0
    six: str = _SIXES[0]
    migration: str = "0001_initial"
    more_requirements: str = ""
    database: str = "mysql"

    def __post_init__(self) -> None:
        shutil.copytree(PROBE, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        projects.git_repo(self.folder)
        self.change_code()

    @property
    def desk(self) -> Desk:
        return Desk(self.folder, self.host)

    @property
    def truth(self) -> Truth:
        digest = hashlib.md5(self._style.encode(), usedforsecurity=False).hexdigest()[:12]
        return Truth(str(self.code), self.six, str(self.word), f"probe/style.{digest}.css")

    def change_code(self) -> Truth:
        """Change one line of code and one of a stylesheet."""
        self.code += 1
        return self._commit(f"Code {self.code}")

    def change_requirements(self) -> Truth:
        """Switch to the other of two sets of requirements, and so to the other of two virtualenvs."""
        self.six = _SIXES[1 - _SIXES.index(self.six)]
        return self.change_code()

    def change_schema(self) -> Truth:
        """Add one more migration, which can be applied twice without harm."""
        name = f"{int(self.migration[:4]) + 1:04}_table"
        text = _MIGRATION.format(before=self.migration, name=f"table_{name[:4]}")
        (self.folder / f"probe/migrations/{name}.py").write_text(text)
        self.migration = name
        return self.change_code()

    def change_environment(self) -> Truth:
        """Change a value in env:, and no code."""
        self.word += 1
        return self._commit(f"Word {self.word}")

    def change_settings(self, **values: Any) -> Truth:
        """Change roadie's settings, and one line of code."""
        self.settings = {**self.settings, **values}
        return self.change_code()

    def leave_out_syncs(self) -> None:
        """Leave `sync` out of all deploys. A test of power cuts must then fail."""
        projects.own_frame(self.folder, "sync() { :; }")
        self.change_code()

    def use_workers(self, worker_class: str, **values: Any) -> Truth:
        """Use this class of workers from now on, with these settings of roadie's."""
        self.settings = {**WORKERS[worker_class], **values}
        return self.change_code()

    @property
    def _style(self) -> str:
        return f"/* {self.code} */\n"

    def _commit(self, message: str) -> Truth:
        (self.folder / "probe/release.py").write_text(f'CODE = "{self.code}"\n')
        (self.folder / "probe/static/probe/style.css").write_text(self._style)
        (self.folder / "requirements.txt").write_text(
            f"{projects.REQUIREMENTS}six=={self.six}\n{self.more_requirements}"
        )
        site = {"app": "guestbook", "domain": "guestbook.example.org", "health": "/health"}
        site["database"] = self.database
        values = {**site, "env": {"WORD": str(self.word)}, **self.settings}
        projects.settings(self.folder, **values)
        projects.commit(self.folder, message)
        return self.truth


def read(body: bytes) -> dict[str, Any]:
    """Read an answer of the probe."""
    found = json.loads(body)
    assert isinstance(found, dict)
    return found
