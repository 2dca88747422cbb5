"""Tree: the files of a project, in a folder or in a commit that is not checked out."""

from __future__ import annotations

import os
import posixpath
import subprocess
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from ..errors import UsageError

_IGNORED = {"node_modules", "__pycache__", "site-packages"}
_LFS = b"version https://git-lfs.github.com/spec/v1\n"
_LFS_SIZES = range(100, 1024)
#: how many blobs to ask git for at once: so many names fit into the smallest pipe, and neither side blocks
_AT_ONCE = 50


class Tree(Protocol):
    """Files by their paths below one folder, with `/` between the parts."""

    def list(self) -> Sequence[str]:
        """The paths of all files."""

    def read(self, path: str) -> str | None:
        """A file's text; None if there is no such file."""


class FolderTree:
    """The files of a folder that git knows or would add. Without git: those outside of tools' own folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths: list[str] | None = None

    def list(self) -> Sequence[str]:
        if self._paths is None:
            # Git still lists files whose removal is not committed.
            known = [path for path in self._known_to_git() if (self.folder / path).is_file()]
            self._paths = sorted(known or _walk(self.folder))
        return self._paths

    def read(self, path: str) -> str | None:
        try:
            return _text((self.folder / path).read_bytes())
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None

    def _known_to_git(self) -> Sequence[str]:
        argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        try:
            done = subprocess.run(argv, cwd=self.folder, capture_output=True, check=False)
        except FileNotFoundError:
            return []
        return [] if done.returncode else list(dict.fromkeys(_split(done.stdout)))


class CommitTree:
    """The files of a commit, read from git's objects. Paths start in the folder `prefix`."""

    def __init__(self, repo: Path, commit: str, prefix: str = "") -> None:
        self.repo = repo
        self.commit = commit
        folder = prefix.strip("/")
        self._entries = _entries(repo, f"{commit}:{folder}" if folder not in ("", ".") else commit)
        self._contents: subprocess.Popen[bytes] | None = None

    def list(self) -> Sequence[str]:
        return [path for path, entry in self._entries.items() if entry.mode.startswith("100")]

    def read(self, path: str) -> str | None:
        entry = self._entries.get(path)
        return _text(*self._blobs([entry.name])) if entry and entry.mode.startswith("100") else None

    def submodules(self, below: str = "") -> Sequence[str]:
        """The paths of submodules."""
        return [path for path, entry in self._below(below) if entry.mode == "160000"]

    def lfs_pointers(self, below: str = "") -> Sequence[str]:
        """The files that are pointers of Git LFS."""
        small = [
            path
            for path, entry in self._below(below)
            if entry.size in _LFS_SIZES and entry.mode.startswith("100")
        ]
        contents = self._blobs([self._entries[path].name for path in small])
        return [path for path, content in zip(small, contents, strict=True) if content.startswith(_LFS)]

    def stray_links(self, below: str = "") -> Sequence[str]:
        """The links that lead out of a folder. On a host each would lead to another file, or to none.

        Hidden links, such as `.editorconfig`, are left out: they are for tools, and no site needs them.
        """
        start = f"{below}/" if below else ""
        found = [(path, entry.name) for path, entry in self._below(below) if entry.mode == "120000"]
        targets = self._blobs([name for _, name in found])
        links = {
            path.removeprefix(start): os.fsdecode(target)
            for (path, _), target in zip(found, targets, strict=True)
        }
        seen = (path for path in links if not posixpath.basename(path).startswith("."))
        return [start + path for path in seen if _leads_out(path, links)]

    def _below(self, folder: str) -> Iterator[tuple[str, _Entry]]:
        start = f"{folder}/" if folder else ""
        return ((path, entry) for path, entry in self._entries.items() if path.startswith(start))

    def _blobs(self, names: Sequence[str]) -> Sequence[bytes]:
        """The contents of these blobs."""
        found: list[bytes] = []
        for place in range(0, len(names), _AT_ONCE):
            contents = self._contents or self._start_reading()
            assert contents.stdin and contents.stdout
            asked = names[place : place + _AT_ONCE]
            contents.stdin.write("".join(f"{name}\n" for name in asked).encode())
            contents.stdin.flush()
            found += [self._next_blob(contents.stdout, name) for name in asked]
        return found

    def _next_blob(self, answers: IO[bytes], name: str) -> bytes:
        header = answers.readline().split()
        if len(header) != 3:
            raise UsageError(
                f"commit {self.commit}: git lacks a part of it ({name}); `git fetch` it, then deploy"
            )
        return answers.read(int(header[2]) + 1)[:-1]

    def _start_reading(self) -> subprocess.Popen[bytes]:
        self._contents = subprocess.Popen(
            ["git", "-C", str(self.repo), "cat-file", "--batch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        weakref.finalize(self, _end, self._contents)
        return self._contents


class _Entry:
    """One line of `git ls-tree -l`."""

    __slots__ = ("mode", "name", "size")

    def __init__(self, mode: str, name: str, size: str) -> None:
        self.mode, self.name = mode, name
        self.size = int(size) if size.isdigit() else 0


def _entries(repo: Path, treeish: str) -> dict[str, _Entry]:
    argv = ["git", "-C", str(repo), "ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", treeish]
    try:
        done = subprocess.run(argv, capture_output=True, check=False)
    except FileNotFoundError:
        raise UsageError("git is not on this machine; install it (apt install git)") from None
    if done.returncode:
        raise UsageError(f"{repo}: git has no {treeish}; name a commit that it has")
    found = {}
    for line in _split(done.stdout):
        facts, _, path = line.partition("\t")
        mode, _, name, size = facts.split()
        found[path] = _Entry(mode, name, size)
    return found


def _leads_out(path: str, links: Mapping[str, str]) -> bool:
    """Whether a path leads out of its tree. Follows links on the way, as the kernel does."""
    here: list[str] = []
    ahead = path.split("/")
    for _ in range(1000):  # Links may lead in a circle.
        if not ahead:
            break
        step = ahead.pop(0)
        if step == ".." and not here:
            return True
        if step == "..":
            here.pop()
        elif step not in ("", "."):
            target = links.get("/".join([*here, step]))
            if target is None:
                here.append(step)
            elif target.startswith("/"):
                return True
            else:
                ahead = target.split("/") + ahead
    return False


def _walk(folder: Path) -> list[str]:
    found = []
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _is_ignored(Path(here, name))]
        found += [Path(here, name).relative_to(folder).as_posix() for name in files]
    return found


def _is_ignored(folder: Path) -> bool:
    return folder.name in _IGNORED or folder.name.startswith(".") or (folder / "pyvenv.cfg").exists()


def _split(output: bytes) -> list[str]:
    return [os.fsdecode(path) for path in output.split(b"\0") if path]


def _text(content: bytes) -> str:
    # Every byte of the file is kept, as the text may go into a hash.
    return content.decode("utf-8-sig", "surrogateescape")


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    process.wait()
