"""The commit to ship, and the bytes that a host lacks of it. roadie only reads the repository."""

from __future__ import annotations

import difflib
import os
import re
import signal
import subprocess
import tempfile
import weakref
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from ..errors import Interrupted, RoadieError, UsageError

#: a pack of at most so many bytes is held in memory
SMALL = 4 << 20
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_FORMAT = "--format=%T%n%an <%ae>%n%s"
# A git hook or alias sets these variables, and they name another repository than the project's.
_NOT_OURS = frozenset(
    "GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX GIT_NAMESPACE GIT_COMMON_DIR"
    " GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES".split()
)
#: the environment of every git
OURS = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
}


class NoCommit(UsageError):
    """The project lies in no git repository, or in one without a commit; exit code 2."""


class GitFailed(RoadieError):
    """A command of git failed here; its last words are the message."""


@dataclass(frozen=True)
class Commit:
    """One commit, with what a release records of it."""

    sha: str
    #: the tree of the whole commit, of which a release may have only a part
    tree: str
    subject: str
    author: str
    branch: str = ""
    ref: str = "HEAD"
    #: the project's folder in the repository, such as `sites/one/`
    prefix: str = ""
    #: the folder in which this commit is checked out, if there is one
    folder: Path | None = None

    @cached_property
    def dirty(self) -> tuple[str, ...]:
        """The changed files that are not committed, and so do not ship. The first use asks git."""
        return _dirty(self.folder) if self.folder else ()


class Pack:
    """A pack in a nameless file, because it may be too large for memory. It is sliced like bytes."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile(prefix="roadie-")  # noqa: SIM115, the file lives as long as this object
        weakref.finalize(self, self.file.close)

    def __len__(self) -> int:
        return os.fstat(self.file.fileno()).st_size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(len(self))
        return os.pread(self.file.fileno(), max(stop - start, 0), start)


def find_commit(root: Path, ref: str = "HEAD") -> Commit:
    """Find the commit that `ref` names in the repository of the folder `root`.

    Raises NoCommit if nothing is committed yet. Raises UsageError if the ref names nothing, something that is
    no commit, or two commits.
    """
    if not ref.strip() or not ref.isprintable():
        raise UsageError(f"--ref {ref!r} names nothing; give a branch, a tag or a commit")
    named, head = _resolve(root, ref)
    if len(set(named.values())) != 1:
        raise _no_single_commit(root, ref, named)
    sha = next(iter(named.values()))
    told = git(root, "log", "-1", "--no-show-signature", "--encoding=UTF-8", _FORMAT, sha, "--")
    tree, author, subject = map(_clean, told.split(b"\n")[:3])
    prefix, checked_out = _place(root, head)
    branch = checked_out if ref == "HEAD" else _branch(ref, named)
    folder = root if sha == head else None
    return Commit(sha, tree, subject, author, branch, ref, prefix, folder)


def tree_of(root: Path, commit: Commit, folder: str = "") -> str:
    """Find the tree of one folder of a commit, named from the top of the repository."""
    if folder in ("", "."):
        return commit.tree
    told = git(root, "ls-tree", "-d", "-z", "--full-tree", commit.sha, "--", folder)
    if not told:
        raise UsageError(f"{commit.ref} ({commit.sha[:8]}) has no folder {folder}; is it committed?")
    return told.split()[2].decode()


def pack(
    root: Path, tree: str, have: Iterable[str], also: str = "", environment: Mapping[str, str] = OURS
) -> bytes | Pack:
    """Pack the objects of a tree that a host lacks if it has the trees `have`; b"" if it lacks none.

    If `also` names another tree, the pack has the objects of that tree too. `environment` is one in which git
    finds both trees. The pack is thin: it may hold only the differences from objects that the host has. Git
    compares with the first trees of `have` before the others.
    """
    theirs = [sha for sha in have if _SHA.fullmatch(sha)]
    if tree in theirs:
        return b""
    trees = [tree, *([also] if also else [])]
    try:
        made = _pack(root, trees, _known(root, theirs), environment)
    except GitFailed:
        if not theirs:
            raise
        # A partial clone may lack the objects that git compares with.
        made = _pack(root, trees, [], environment)
    return made if len(made) > SMALL else made[:]


def git(
    root: Path,
    *args: str,
    text: str = "",
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
    environment: Mapping[str, str] = OURS,
) -> bytes:
    """Run git in `root`, with `text` or a file as its input, and return its output.

    Raises UsageError if git refuses to read the folder, Interrupted if Ctrl-C ended git, and GitFailed if
    git fails.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    given: dict[str, Any] = {"stdin": stdin} if stdin else {"input": os.fsencode(text)}
    try:
        done = subprocess.run(
            # With this option git warns of no name that is a branch and a tag, not even of HEAD.
            ["git", "-C", str(root), "-c", "core.warnAmbiguousRefs=false", *args],
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**kept, **environment},
            **given,
        )
    except FileNotFoundError:
        raise UsageError("git is not installed here; install it: roadie ships commits") from None
    if done.returncode == -signal.SIGINT:  # The terminal sends Ctrl-C to git as well.
        raise Interrupted(f"{root}: git {args[0]} was interrupted; run the same command again")
    if done.returncode:
        raise _explain(root, args[0], done.stderr)
    return done.stdout or b""


def _explain(root: Path, command: str, stderr: bytes) -> RoadieError:
    said = [_clean(line) for line in stderr.splitlines() if line.strip()] or ["no word of why"]
    text = "\n".join(said)
    if "not a git repository" in text:
        return NoCommit(
            f"{root}: not in a git repository; run: git init, git add ., git commit "
            "(db.sqlite3 and the like belong in .gitignore)"
        )
    if found := re.search("dubious ownership in repository at '(.+)'", text):
        return UsageError(
            f"{found[1]}: belongs to another user, so git will not read it; if you trust it, run: "
            f"git config --global --add safe.directory '{found[1]}'"
        )
    why = next((line for line in said if line.startswith(("fatal:", "error:"))), said[-1])
    return GitFailed(f"{root}: git {command} failed: {why.partition(': ')[2] or why}")


def _resolve(root: Path, ref: str) -> tuple[dict[str, str], str]:
    """The full names that a ref may mean, each with its commit; and the commit of HEAD."""
    kinds = () if ref == "HEAD" else ("refs/heads/", "refs/tags/", "refs/remotes/")
    names = [*(f"{kind}{ref}" for kind in kinds), ref, "HEAD"]
    # The names go to standard input, so that git cannot take one for an option.
    asked = "".join(f"{name}^{{commit}}\n" for name in names)
    told = git(root, "cat-file", "--batch-check=%(objectname)", text=asked).decode("utf-8", "replace")
    found = [line if _SHA.fullmatch(line) else "" for line in told.splitlines()]
    return {name: sha for name, sha in zip(names[:-1], found, strict=False) if sha}, found[-1]


def _no_single_commit(root: Path, ref: str, named: Mapping[str, str]) -> UsageError:
    if named:
        both = " and ".join(f"{name} ({sha[:8]})" for name, sha in named.items())
        return UsageError(f"--ref {ref} is {both}; give the one you mean by its full name")
    if ref == "HEAD":
        return NoCommit(f"{root}: nothing is committed yet; run: git add ., git commit")
    refs = git(root, "for-each-ref", "--format=%(refname:lstrip=2)").decode("utf-8", "replace").split()
    near = [name for name in refs if name.endswith(f"/{ref}")] or difflib.get_close_matches(ref, refs)
    hint = f"did you mean {near[0]}?" if near else "is it fetched?"
    return UsageError(f"--ref {ref}: no branch, tag or commit of that name here; {hint}")


def _place(root: Path, head: str) -> tuple[str, str]:
    """The place of a folder in its repository, and the branch that is checked out, if there is one."""
    asked = ("--symbolic-full-name", "HEAD") if head else ()  # Git fails if there is no commit yet.
    told = git(root, "rev-parse", "--show-prefix", *asked).removesuffix(b"\n")
    prefix, _, name = told.rpartition(b"\n") if head else (told, b"", b"")
    branch = _clean(name)
    return os.fsdecode(prefix), "" if branch == "HEAD" else branch.removeprefix("refs/heads/")


def _branch(ref: str, known: Container[str]) -> str:
    """The branch that a ref means; empty if the ref means no branch."""
    full = ref if ref.startswith("refs/heads/") else f"refs/heads/{ref}"
    return full.removeprefix("refs/heads/") if full in known else ""


def _dirty(root: Path) -> tuple[str, ...]:
    told = git(root, "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal", "--", ".")
    return tuple(_clean(line[3:]) for line in told.split(b"\0") if line)


def _known(root: Path, trees: list[str]) -> list[str]:
    """Those of the trees that this repository has."""
    told = git(
        root,
        "cat-file",
        "--batch-check=%(objecttype) %(objectname)",
        text="".join(f"{sha}\n" for sha in trees),
        environment={**OURS, "GIT_NO_LAZY_FETCH": "1"},
    )
    return [line.split()[1].decode() for line in told.splitlines() if line.startswith(b"tree ")]


def _pack(root: Path, trees: list[str], known: list[str], environment: Mapping[str, str]) -> Pack:
    made = Pack()
    with tempfile.TemporaryFile(prefix="roadie-") as wanted:
        # Git does not send a tree after a "-", but it may send other objects as differences from that tree.
        # `pack-objects --thin` compares with commits only, so a changed line would cost its whole file.
        wanted.write("".join(f"-{sha}\n" for sha in known).encode())
        wanted.flush()
        listed = ("rev-list", "--objects", *trees, *(f"^{sha}" for sha in known), "--")
        git(root, *listed, stdout=wanted, environment=environment)
        wanted.seek(0)
        packed = ("pack-objects", "-q", "--stdout", "--delta-base-offset")
        git(root, *packed, stdin=wanted, stdout=made.file, environment=environment)
    return made


def _clean(text: bytes) -> str:
    """The text as one line that can be printed and written as UTF-8."""
    line = text.decode("utf-8", "backslashreplace").strip()
    return "".join(char if char.isprintable() else "?" for char in line)
