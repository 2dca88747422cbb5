"""The commits by which two commits differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .bundle import GitFailed, git

_SHA = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True)
class Difference:
    """The commits that a deploy brings and those that it takes back, each as (sha, subject), newest first."""

    new: tuple[tuple[str, str], ...]
    gone: tuple[tuple[str, str], ...]


def difference(root: Path, before: str, after: str) -> Difference | None:
    """The commits by which two commits differ; None if the first, which may be a short name, is not here."""
    if not _SHA.fullmatch(before):
        return None
    try:
        return Difference(_between(root, before, after), _between(root, after, before))
    except GitFailed:
        return None


def _between(root: Path, start: str, end: str) -> tuple[tuple[str, str], ...]:
    told = git(
        root, "log", "--no-show-signature", "--encoding=UTF-8", "--format=%H%x09%s", f"{start}..{end}", "--"
    )
    lines = told.decode("utf-8", "replace").splitlines()
    return tuple((sha, subject) for sha, _, subject in (line.partition("\t") for line in lines))
