"""A release: its name, what it is made of, and what is written down of it on the host."""

from __future__ import annotations

import getpass
import hashlib
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from .bundle import Commit
from .render import render
from .settings import Settings
from .stages import environment, static, virtualenv

FORMAT = 1
_MAKES_IT = (virtualenv, environment, static)


@dataclass(frozen=True)
class Release:
    """One version of the project on its way to a host."""

    id: str
    commit: str
    tree: str
    fingerprint: str = ""
    record: str = ""


def make_release(commit: Commit, tree: str, settings: Settings, values: Mapping[str, Any]) -> Release:
    """Name a release of this commit; equal fingerprints mean that nothing at all would differ."""
    now = datetime.now(timezone.utc)
    bare = Release("0", commit.sha, tree)
    release = replace(
        bare,
        id=f"{now:%Y%m%dT%H%M%SZ}-{commit.sha[:8]}",
        fingerprint=_fingerprint(bare, settings, values),
    )
    return replace(release, record=_record(release, commit, now))


def _fingerprint(bare: Release, settings: Settings, values: Mapping[str, Any]) -> str:
    parts = [bare.tree]
    for stage in _MAKES_IT:
        given = {**values, "release": replace(bare, commit="0"), "run": {}, "stages": ()}
        parts.append(render(stage.template, settings.own_templates, given))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _record(release: Release, commit: Commit, now: datetime) -> str:
    return json.dumps(
        {
            "format": FORMAT,
            "id": release.id,
            "commit": commit.sha,
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
