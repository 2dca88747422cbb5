"""Runs the commands of `build_here:` on this machine, and makes the tree that ships."""

from __future__ import annotations

import os
import posixpath
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..errors import Interrupted, UsageError
from ..git.exports import Export
from ..project.workspace import Committed

_LAST_WORDS = 20
_LONGEST_LINE = 500


@dataclass(frozen=True)
class Built:
    """The tree that ships. Its objects exist as long as `export`."""

    tree: str
    export: Export

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment in which git finds the tree."""
        return self.export.environment


#: what was built by this command: a deploy begins again after a person has agreed to a loss of data
_built: dict[tuple[Path, str, tuple[str, ...], tuple[str, ...]], Built] = {}


def build_here(work: Committed, tell: Callable[[str], None]) -> Built:
    """Run the commands of `build_here:`, each after it is told, and make the tree that ships.

    Raises UsageError for a command that fails, and for a path of `ship:` that cannot travel. Raises
    Interrupted if Ctrl-C ended a command.
    """
    settings = work.settings
    key = (settings.root, work.commit.sha, settings.build_here, settings.ship)
    if key not in _built:
        _built[key] = _build(work, tell)
    return _built[key]


def _build(work: Committed, tell: Callable[[str], None]) -> Built:
    settings, prefix = work.settings, work.commit.prefix
    export = Export(settings.root, work.commit.tree)
    try:
        for line in settings.build_here:
            tell(f"build_here: {line}")
            _run(line, export.folder / prefix, settings.build_timeout, tell)
        tree = export.tree_with([posixpath.join(prefix, path) for path in settings.ship])
        folder = posixpath.normpath(posixpath.join(prefix, work.project.ship_root))
        return Built(export.tree_of(tree, "" if folder == "." else folder), export)
    except BaseException:
        export.close()
        raise


def _run(line: str, folder: Path, seconds: int, tell: Callable[[str], None]) -> None:
    with tempfile.TemporaryFile(prefix="roadie-") as said:
        # The command has a session of its own: Ctrl-C reaches roadie alone, which ends the whole session.
        process = subprocess.Popen(
            ["/bin/sh", "-c", line],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            _tell_last_words(said, tell)
            raise UsageError(
                f"build_here: {line}: did not end within {seconds} seconds (build_timeout); nothing was sent"
            ) from None
        except KeyboardInterrupt:
            raise Interrupted(
                f"interrupted: build_here: {line} was ended; nothing was sent; run the same command again"
            ) from None
        finally:
            _end(process)
        if code:
            _tell_last_words(said, tell)
            why = "its last words are above" if said.tell() else "it said nothing"
            raise UsageError(f"build_here: {line}: exit code {code}; {why}; nothing was sent")


def _end(process: subprocess.Popen[Any]) -> None:
    """End the command and every process in its session."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tell_last_words(said: IO[bytes], tell: Callable[[str], None]) -> None:
    said.seek(0)
    for line in deque(said, _LAST_WORDS):
        tell(line.decode("utf-8", "replace").rstrip()[:_LONGEST_LINE])
