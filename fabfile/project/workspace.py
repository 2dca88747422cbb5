"""What a command works on: settings, project and commit that belong together."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ..errors import SettingsError
from ..git.bundle import Commit, NoCommit, find_commit, tree_of
from ..git.trees import CommitTree, FolderTree
from ..settings.databases import DATABASES, DEFAULT, SERVICES
from ..settings.reading import Settings
from . import djangos, hashes, reading
from .completion import complete
from .places import NO_SECRET
from .project import Project
from .requirements import PINS

#: what roadie and Fabric read in the folder of the fabfile as it is here, and not from a commit
_READ_HERE = ("fabric.yaml", "fabric.yml", "fabric.json", "fabric.py", "fabfile.py", "fabfile/")


@dataclass(frozen=True)
class Workspace:
    """Settings and project, as every template gets them."""

    settings: Settings
    project: Project

    @property
    def values(self) -> dict[str, Any]:
        """The values that every template sees."""
        return {
            **values_of(self.settings),
            "project": self.project,
            "pins": PINS,
            "index": "",  # a task that builds knows it
            "virtualenv_files": {},  # a deploy knows them
            "no_secret": NO_SECRET,
            "django_minimums": djangos.minimums(),
            "hashed_pins": hashes.with_hashes(),
            "uv_sums": tuple(hashes.UV_PROGRAMS.values()),
        }


@dataclass(frozen=True)
class Committed(Workspace):
    """The settings and the project of one commit."""

    commit: Commit

    @cached_property
    def shipped_tree(self) -> str:
        """The tree that roadie sends to the host: only the files that the release needs."""
        folder = posixpath.normpath(posixpath.join(self.commit.prefix, self.project.ship_root))
        return tree_of(self.settings.root, self.commit, folder)

    @property
    def uncommitted(self) -> tuple[list[str], list[str]]:
        """The changed files that roadie reads on this machine, and those that a release lacks."""
        here = (*_READ_HERE, f"{self.settings.templates}/", *self.settings.files.values())
        own = tuple(f"{self.commit.prefix}{name}" for name in here)
        used = [path for path in self.commit.dirty if path.startswith(own)]
        return used, [path for path in self.commit.dirty if path not in used]


def at_head(settings: Settings) -> Workspace:
    """The project of the last commit; of the folder if there is no commit yet."""
    try:
        return _at_commit(settings, find_commit(settings.root))
    except NoCommit:
        project = reading.read(FolderTree(settings.root), settings)
        return Workspace(complete(settings, project), project)


def named(settings: Settings) -> Settings:
    """The settings with the site's name and its kind of database, for tasks that must work without a sound
    project. If the kind cannot be told then, the host tells if it has another one.
    """
    if settings.app and settings.database:
        return settings
    try:
        return at_head(settings).settings
    except SettingsError:
        if not settings.app:
            raise
        return replace(settings, database=settings.database or DEFAULT)


def values_of(settings: Settings) -> dict[str, Any]:
    """The values for templates of tasks that must work without a sound project."""
    database = DATABASES[settings.database]
    return {
        "settings": settings,
        "database": database,
        "database_name": database.names.format(app=settings.app),
        "database_user": database.users.format(app=settings.app),
        "default_database": DEFAULT,
        "database_services": SERVICES,
        "consent": settings.allow_data_loss,
        "certificate": {"key": "", "chain": "", "authority": ""},  # the tasks that set the site up know it
    }


def at_ref(settings: Settings, ref: str) -> Committed:
    """The project of the commit that `ref` names."""
    return _at_commit(settings, find_commit(settings.root, ref))


def _at_commit(settings: Settings, commit: Commit) -> Committed:
    tree = CommitTree(settings.root, commit.sha, commit.prefix)
    project = reading.read(tree, settings)
    reading.refuse_unsupported(tree, project)
    return Committed(complete(settings, project), project, commit)
