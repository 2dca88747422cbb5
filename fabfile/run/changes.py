"""Change: one thing that a run would change on a host. Many of a kind are folded into one line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..events import Event

#: the kinds of things that are folded if they are new, each with its plural
_FOLDED = {
    "package": "packages",
    "file": "files",
    "directory": "directories",
    "link": "links",
    "user": "users",
}
#: a fold names at most so many things; it counts more
_NAMED = 3
_NAMED_PACKAGES = 4
_NEW_FILE = re.compile(r"^@@ -0,0 \+", re.M)
#: these only prepare the installation of packages
_STEPS = ("package lists", "package files")
_REMARK = ("mode and owner ", "edited by hand", "content differs", "leads to ", "is there with ")


@dataclass(frozen=True)
class Change:
    """One thing that a run would change on a host, such as `file /etc/nginx/conf.d/roadie.conf`."""

    stage: str
    what: str
    detail: str = ""

    @property
    def kind(self) -> str:
        """The kind of the thing; empty if the kind is not folded."""
        kind = self.what.partition(" ")[0]
        return kind if kind in _FOLDED and self.what not in _STEPS else ""

    @property
    def name(self) -> str:
        """The name of the thing, without its kind."""
        return self.what.partition(" ")[2]

    @property
    def is_other(self) -> bool:
        """Whether the change is shown by its stage alone, with the stage's other changes of this sort."""
        return not self.kind and self.what not in _STEPS

    @property
    def remarks(self) -> list[str]:
        """What is wrong with a thing that exists, besides its text."""
        return [line for line in self.detail.splitlines() if line.startswith(_REMARK)]

    @property
    def is_new(self) -> bool:
        """Whether the thing does not exist yet."""
        return (
            bool(self.kind)
            and not self.remarks
            and (self.kind != "file" or bool(_NEW_FILE.search(self.detail)))
        )

    @property
    def text(self) -> list[str]:
        """The lines of a new file, or the lines that differ, each with its sign."""
        _, _, body = self.detail.partition("\n@@ ")
        return [line for line in body.splitlines()[1:] if line.startswith(("-", "+"))]

    def data(self) -> dict[str, Any]:
        """The change for a program."""
        return {"stage": self.stage, "what": self.what, "new": self.is_new, "detail": self.detail}

    def lines(self, *, whole: bool) -> list[str]:
        """The change for a file or a pipe, with its difference. New files are shown only if `whole`."""
        size = (
            f" (new, {_lines(len(self.text))})" if self.kind == "file" and self.is_new and not whole else ""
        )
        detail = [] if size else [f"    {line}" for line in self.detail.splitlines()]
        return [f"{self.stage:<12} would    {self.what}{size}", *detail]


def found(events: Iterable[Event]) -> list[Change]:
    """The changes that a dry run has told."""
    return [Change(event.stage, event.what, event.detail) for event in events if event.verb == "would"]


def folded(changes: Sequence[Change], *, whole: bool) -> list[tuple[Change, list[str]]]:
    """Each change with its lines for a person at a terminal. The first change of a fold has all its lines."""
    shown: dict[int, list[str]] = {}
    for kind in _FOLDED:
        if new := [at for at, one in enumerate(changes) if one.kind == kind and one.is_new]:
            shown[new[0]] = _fold(kind, [changes[at] for at in new], whole=whole)
    for stage in dict.fromkeys(one.stage for one in changes):
        others = [at for at, one in enumerate(changes) if one.stage == stage and one.is_other]
        if others:
            told = ", ".join(changes[at].what for at in others)
            shown[others[0]] = [f"~ {stage:<12} {told}"]
    for at, one in enumerate(changes):
        if one.kind and not one.is_new:
            shown[at] = _differing(one)
    return [(one, shown.get(at, [])) for at, one in enumerate(changes)]


def _fold(kind: str, new: Sequence[Change], *, whole: bool) -> list[str]:
    title = f"+ {_FOLDED[kind]:<12} "
    if kind == "file" and whole:
        return [line for one in new for line in (title + one.name, *(f"    {text}" for text in one.text))]
    if kind == "file":
        count = sum(len(one.text) for one in new)
        return [f"{title}{_names(kind, new)}, {_lines(count)} (--diff shows them)"]
    return [title + _names(kind, new)]


def _names(kind: str, new: Sequence[Change]) -> str:
    """The names of new things of a kind; their number if there are many."""
    most = _NAMED_PACKAGES if kind == "package" else _NAMED
    names = " ".join(one.name for one in new[:most])
    if len(new) <= most:
        return names
    return f"{names} ... ({len(new)})" if kind == "package" else f"{len(new)} new"


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"


def _differing(one: Change) -> list[str]:
    """The lines of a thing that exists, but is not as it should be."""
    remarks = "; ".join(one.remarks)
    return [f"~ {one.name}{f'  {remarks}' if remarks else ''}", *(f"    {line}" for line in one.text)]
