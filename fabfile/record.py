"""A release: its name, what it is made of, and what is written down of it on the host."""

from __future__ import annotations

import getpass
import hashlib
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from .bundle import Commit
from .render import render
from .stages import environment, secrets, start, static, virtualenv
from .workspace import Committed

FORMAT = 1
_MAKES_IT = (virtualenv, secrets, environment, static, start)


@dataclass(frozen=True)
class Release:
    """One version of the project on its way to a host."""

    id: str
    commit: str
    tree: str
    fingerprint: str = ""
    record: str = ""


def make_release(work: Committed, values: Mapping[str, Any]) -> Release:
    """Name a release of this commit, rendered with these values.

    Equal fingerprints mean that nothing at all would differ.
    """
    now = datetime.now(UTC)
    bare = Release("0", "0", work.shipped_tree)
    release = replace(
        bare,
        id=f"{now:%Y%m%dT%H%M%SZ}-{work.commit.sha[:8]}",
        commit=work.commit.sha,
        fingerprint=_fingerprint(bare, work, values),
    )
    return replace(release, record=_record(release, work.commit, now))


def _fingerprint(bare: Release, work: Committed, values: Mapping[str, Any]) -> str:
    given = {**values, "release": bare}
    parts = [render(stage.template, work.settings.own_templates, given) for stage in _MAKES_IT]
    parts.append(bare.tree)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _record(release: Release, commit: Commit, now: datetime) -> str:
    return json.dumps(
        {
            "format": FORMAT,
            "id": release.id,
            "commit": commit.sha,
            "ref": commit.ref,
            "branch": commit.branch,
            "tree": release.tree,
            "subject": commit.subject,
            "author": commit.author,
            "dirty": list(commit.dirty),
            "who": getpass.getuser(),
            "from": socket.gethostname(),
            "made": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "fingerprint": release.fingerprint,
        },
        indent=2,
        ensure_ascii=False,
    )
