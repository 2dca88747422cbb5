"""Makes commits to try a deploy with: one that is broken on purpose, and one that works.

The project's own repository is only read.
"""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..git.bundle import git
from ..git.trees import CommitTree
from ..project.workspace import Committed

_RAISE = 'raise RuntimeError("broken on purpose by fab rehearse")'
_CALLED = {"wsgi": "def {}(environ, start_response)", "asgi": "async def {}(scope, receive, send)"}
_NOBODY = ("-c", "user.name=fab rehearse", "-c", "user.email=rehearse@localhost")


@contextmanager
def broken_commit(work: Committed) -> Iterator[tuple[Path, str]]:
    """A commit like that of `work`, but all of its pages fail.

    Yields the folder to deploy from, which lasts as long as the block, and the name of the commit.
    """
    with _commit_with(work, *_broken_file(work)) as made:
        yield made


@contextmanager
def changed_commit(work: Committed) -> Iterator[tuple[Path, str]]:
    """Like `broken_commit`, but the commit works: it changes only a comment."""
    path, text = _served_file(work)
    with _commit_with(work, path, f"{text}\n# changed by fab rehearse\n") as made:
        yield made


@contextmanager
def _commit_with(work: Committed, path: str, text: str) -> Iterator[tuple[Path, str]]:
    root = work.settings.root
    top = Path(_ask(root, "rev-parse", "--show-toplevel"))
    with TemporaryDirectory(prefix="roadie-rehearse-") as folder:
        copy = Path(folder, "copy")
        _make_repository(root, _inside(copy, top))
        _lay_links(root, copy)
        yield _inside(copy, root), _commit(work, _inside(copy, top), path, text)


def _make_repository(root: Path, copy: Path) -> None:
    """Make an empty repository that borrows the objects of another one, which may be shallow or partial."""
    copy.mkdir(parents=True)
    kind = _ask(root, "rev-parse", "--show-object-format")
    objects = root / _ask(root, "rev-parse", "--git-path", "objects")
    git(copy, "init", "--quiet", "--template=", f"--object-format={kind}")
    (copy / ".git/objects/info/alternates").write_text(f"{objects.resolve()}\n")
    shallow = root / _ask(root, "rev-parse", "--git-path", "shallow")
    if shallow.exists():
        shutil.copy(shallow, copy / ".git/shallow")


def _lay_links(root: Path, copy: Path) -> None:
    """Link the neighbours of each folder above the project, so that relative paths in settings still work."""
    way = (*root.parents, root)
    _inside(copy, root).mkdir(parents=True, exist_ok=True)
    for folder in way:
        for path in folder.iterdir():
            there = _inside(copy, path)
            if path not in way and not there.exists():
                there.symlink_to(path)


def _commit(work: Committed, copy: Path, path: str, text: str) -> str:
    git(copy, "read-tree", work.commit.sha)
    blob = git(copy, "hash-object", "-w", "--stdin", text=text).decode().strip()
    git(copy, "update-index", "--cacheinfo", f"100644,{blob},{path}")
    tree, parent = _ask(copy, "write-tree"), work.commit.sha
    return _ask(copy, *_NOBODY, "commit-tree", tree, "-p", parent, "-m", "For a rehearsal")


def _broken_file(work: Committed) -> tuple[str, str]:
    project, addition = work.project, _RAISE
    if project.wsgi_module:
        addition = f"{_CALLED[project.interface.kind].format(project.wsgi_callable)}:\n    {_RAISE}"
    path, text = _served_file(work)
    return path, f"{text}\n\n{addition}\n"


def _served_file(work: Committed) -> tuple[str, str]:
    """The path and the text of the module that Gunicorn serves, or of the settings if there is none."""
    project, tree = work.project, CommitTree(work.settings.root, work.commit.sha, work.commit.prefix)
    module = project.wsgi_module or project.settings_module
    base = posixpath.join(project.manage_dir, *module.split("."))
    path = next(path for path in (f"{base}.py", f"{base}/__init__.py") if path in tree.list())
    return posixpath.join(work.commit.prefix, path), str(tree.read(path))


def _inside(copy: Path, path: Path) -> Path:
    return copy / path.relative_to(path.anchor)


def _ask(folder: Path, *args: str) -> str:
    return os.fsdecode(git(folder, *args)).rstrip("\n")
