"""A new release: its name, its fingerprint, and its record on the host."""

from __future__ import annotations

import getpass
import hashlib
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ..git.bundle import Commit
from ..project.workspace import Committed
from ..scripts.render import TEMPLATES, render
from ..scripts.stage import Stage
from ..scripts.stages import (
    OURS,
    build,
    environment,
    files,
    in_use,
    secrets,
    shared,
    static,
    virtualenv,
)

FORMAT = 1
# The parts of a release besides its code, each with the stages that make the part.
_PARTS: Mapping[str, tuple[Stage, ...]] = {
    "requirements": (virtualenv,),
    "build": (build,),
    "files": (files,),
    "shared folders": (shared,),
    "settings": (secrets, environment),
    "static files": (static,),
}
_OWN = "your own stages"
# The values of the environment, which every stage may read.
_VARIABLES = "release/variables.sh.j2"


@dataclass(frozen=True)
class NewRelease:
    """One version of the project on its way to a host."""

    id: str
    commit: str
    tree: str
    fingerprint: str = ""
    record: str = ""
    #: the first line of the commit's message
    subject: str = ""
    #: the tree of the commit, if `tree` also has what a build on this machine made
    source_tree: str = ""
    made: datetime = field(default_factory=lambda: datetime.now(UTC))


def make_release(work: Committed, values: Mapping[str, Any]) -> NewRelease:
    """Name a release of this commit, with these values.

    Releases with equal fingerprints are equal in everything; see `differences`.
    """
    bare = NewRelease("0", "0", work.shipped_tree)
    release = replace(
        bare,
        id=f"{bare.made:%Y%m%dT%H%M%SZ}-{work.commit.sha[:8]}",
        commit=work.commit.sha,
        subject=work.commit.subject,
        fingerprint=_fingerprint(bare, work, values),
    )
    return replace(release, record=_record(release, work.commit))


def with_built(release: NewRelease, work: Committed, tree: str) -> NewRelease:
    """The release with a tree that also has what a build on this machine made."""
    more = replace(release, tree=tree, source_tree=release.tree)
    return replace(more, record=_record(more, work.commit))


def _fingerprint(bare: NewRelease, work: Committed, values: Mapping[str, Any]) -> str:
    given = {**values, "release": bare}
    lines = [f"{bare.tree} code"]
    for part, stages in _PARTS.items():
        scripts = [
            render(stage.template, work.settings.own_templates, given)
            for stage in stages
            if stage.when(work.settings, work.project)
        ]
        if environment in stages:
            scripts.append(render(_VARIABLES, work.settings.own_templates, given))
        if scripts:
            made_by = "\0".join(scripts)
            lines.append(f"{hashlib.sha256(made_by.encode()).hexdigest()} {part}")
    if work.settings.build_here:
        made_by = repr((work.settings.build_here, work.settings.ship))
        lines.append(f"{hashlib.sha256(made_by.encode()).hexdigest()} build_here")
    own = [stage for stage in in_use("deploy") if stage not in OURS]
    if own:
        # The text and not the rendered script: a user's own stage may name values that only a run has.
        texts = "\0".join(f"{stage.name}\0{stage.user}\0{_text(stage, work)}" for stage in own)
        lines.append(f"{hashlib.sha256(texts.encode()).hexdigest()} {_OWN}")
    return "\n".join(lines)


def _text(stage: Stage, work: Committed) -> str:
    folders = [folder for folder in (work.settings.own_templates, TEMPLATES) if folder]
    paths = [folder / stage.template for folder in folders]
    return next((path.read_text("utf-8", "replace") for path in paths if path.is_file()), "")


def differences(fingerprint: str, other: str) -> list[str]:
    """The parts in which two releases differ, by their fingerprints."""
    ours, theirs = _sums(fingerprint), _sums(other)
    # A release has no line for a part that it does not have, such as stages of the user's own.
    return [part for part in {**ours, **theirs} if ours.get(part) != theirs.get(part)]


def _sums(fingerprint: str) -> dict[str, str]:
    """The checksum of each part."""
    lines = (line.partition(" ") for line in fingerprint.splitlines())
    return {part: one for one, _, part in lines}


def _record(release: NewRelease, commit: Commit) -> str:
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
            "made": f"{release.made:%Y-%m-%dT%H:%M:%SZ}",
            "fingerprint": release.fingerprint,
        },
        indent=2,
        ensure_ascii=False,
    )
