"""Export: a commit's files in a folder of their own, in which a build can make more files.

Nothing is written into the repository. New objects are in a folder that is removed with the export.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import UsageError
from .bundle import OURS, git

#: the most that may ship: a larger folder has the tools of the build, and not only its result
MOST_MB = 500


class Export:
    """The files of one tree in a new folder. The folder is removed by `close`, or with this object."""

    def __init__(self, root: Path, tree: str) -> None:
        self._place = TemporaryDirectory(prefix="roadie-")
        place = Path(self._place.name).resolve()
        self.folder, self._objects = place / "files", place / "objects"
        self.folder.mkdir()
        self._objects.mkdir()
        git_dir = Path(os.fsdecode(git(root, "rev-parse", "--absolute-git-dir").rstrip(b"\n")))
        theirs = os.fsdecode(git(root, "rev-parse", "--git-path", "objects").rstrip(b"\n"))
        #: the environment in which git also finds the new objects
        self.environment: Mapping[str, str] = {
            **OURS,
            "GIT_OBJECT_DIRECTORY": str(self._objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((root / theirs).resolve()),
        }
        self._in_folder = {
            **self.environment,
            "GIT_DIR": str(git_dir),
            "GIT_WORK_TREE": str(self.folder),
            "GIT_INDEX_FILE": str(place / "index"),
        }
        self._none = "0" * len(tree)
        self._git("read-tree", tree)
        self._git("checkout-index", "--all", "--force", "--quiet")

    def tree_with(self, paths: list[str]) -> str:
        """The tree of the commit, but with these files and folders as the build left them.

        Raises UsageError for a path that does not exist, is too large, or holds what a release cannot have.
        """
        lines = [line for path in paths for line in (*self._gone(path), *self._new(path))]
        self._git("update-index", "-z", "--index-info", text="".join(f"{line}\0" for line in lines))
        return self._git("write-tree").decode().strip()

    def tree_of(self, tree: str, folder: str) -> str:
        """The tree of one folder in a tree of `tree_with`."""
        return self._git("rev-parse", "--verify", f"{tree}:{folder}").decode().strip()

    def close(self) -> None:
        """Remove the folder."""
        self._place.cleanup()

    def _gone(self, path: str) -> Iterator[str]:
        """The lines that take the commit's own files at a path out of the index, by a name of zeros."""
        told = self._git("ls-files", "-z", "--", path)
        return (f"0 {self._none}\t{os.fsdecode(one)}" for one in told.split(b"\0") if one)

    def _new(self, path: str) -> Iterator[str]:
        """The lines that put the files at a path into the index."""
        links, files = _found(self.folder, path)
        names = self._git("hash-object", "-w", "--no-filters", "--stdin-paths", text="\n".join([*files, ""]))
        for (one, is_executable), name in zip(files.items(), names.decode().split(), strict=True):
            yield f"{'100755' if is_executable else '100644'} {name}\t{one}"
        for one, target in links.items():
            name = self._git("hash-object", "-w", "--stdin", text=target).decode().strip()
            yield f"120000 {name}\t{one}"

    def _git(self, *args: str, text: str = "") -> bytes:
        return git(
            self.folder, "-c", "core.hooksPath=/dev/null", *args, text=text, environment=self._in_folder
        )


def _found(top: Path, path: str) -> tuple[dict[str, str], dict[str, bool]]:
    """The links below a path with their targets, and the files with whether each is executable."""
    links, files, size = dict[str, str](), dict[str, bool](), 0
    if not os.path.lexists(top / path):
        raise UsageError(f"ship: {path}: build_here made no such folder or file; see what its commands make")
    for one in _walk(top / path):
        name, facts = one.relative_to(top).as_posix(), one.lstat()
        if "\n" in name:
            raise UsageError(
                f"ship: {name!r}: a name of two lines cannot travel; have the build choose another"
            )
        if stat.S_ISLNK(facts.st_mode):
            links[name] = _target(one, top / path)
        elif stat.S_ISREG(facts.st_mode):
            files[name], size = bool(facts.st_mode & 0o100), size + facts.st_size
        else:
            raise UsageError(f"ship: {name}: is neither a file nor a link; have the build leave it out")
    if not files:
        raise UsageError(f"ship: {path}: build_here left it empty; see what its commands make")
    if size > MOST_MB << 20:
        raise UsageError(
            f"ship: {path}: has {size >> 20} MB, and {MOST_MB} may ship; "
            "name what the build made, not its tools"
        )
    return links, files


def _walk(path: Path) -> Iterator[Path]:
    if path.is_symlink() or not path.is_dir():
        yield path
        return
    for here, folders, names in os.walk(path):
        folders[:] = [name for name in folders if name != ".git"]
        yield from (
            Path(here, name) for name in [*names, *folders] if Path(here, name).is_symlink() or name in names
        )


def _target(link: Path, within: Path) -> str:
    target = str(link.readlink())
    place = Path(os.path.realpath(within.parent), within.name)
    if target.startswith("/") or not Path(os.path.realpath(link)).is_relative_to(place):
        name = link.relative_to(within.parent).as_posix()
        raise UsageError(
            f"ship: the link {name} leads out, to {target}; have the build copy what it leads to"
        )
    return target
