"""A tree of files that a test writes down, in the place of a commit's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Files:
    """A tree made from texts by path, or from paths alone, whose files are empty."""

    def __init__(self, texts: Mapping[str, str] | Iterable[str]) -> None:
        self.texts = dict(texts) if isinstance(texts, Mapping) else dict.fromkeys(texts, "")

    def list(self) -> list[str]:
        """The paths of all files."""
        return sorted(self.texts)

    def read(self, path: str) -> str | None:
        """A file's text; None if there is no such file."""
        return self.texts.get(path)
