"""Workspace: the settings, the project and the commit that a command works on."""

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

#: the files that roadie and Fabric read as they are in the folder of the fabfile, and not from a commit
_READ_HERE = ("fabric.yaml", "fabric.yml", "fabric.json", "fabric.py", "fabfile.py", "fabfile/")


@dataclass(frozen=True)
class Workspace:
    """The settings, completed by the project, and the project."""

    settings: Settings
    project: Project

    @property
    def values(self) -> dict[str, Any]:
        """The values that every template sees."""
        return {
            **values_of(self.settings),
            "project": self.project,
            "pins": PINS,
            # Tasks that build a virtualenv replace the next two.
            "index": "",
            "virtualenv_files": {},
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
    """The project of the last commit. If there is no commit yet: of the folder."""
    try:
        return _at_commit(settings, find_commit(settings.root))
    except NoCommit:
        project = reading.read(FolderTree(settings.root), settings)
        return Workspace(complete(settings, project), project)


def site_values(settings: Settings) -> dict[str, Any]:
    """The values for the templates of a task that needs no project, only the site's name and database."""
    return values_of(with_name_and_database(settings))


def with_name_and_database(settings: Settings) -> Settings:
    """The settings with the site's name and its kind of database.

    A project that cannot be read is no error if the settings have the name. Then the kind of database may be
    a wrong guess, and the host says so.
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
    """The values for templates that the settings alone decide."""
    database = DATABASES[settings.database]
    return {
        "settings": settings,
        "database": database,
        "database_name": database.names.format(app=settings.app),
        "database_user": database.users.format(app=settings.app),
        "default_database": DEFAULT,
        "database_services": SERVICES,
        "consent": settings.allow_data_loss,
        "certificate": {"key": "", "chain": "", "authority": ""},  # Tasks with the stage tls replace this.
    }


def at_ref(settings: Settings, ref: str) -> Committed:
    """The project of the commit that `ref` names."""
    return _at_commit(settings, find_commit(settings.root, ref))


def _at_commit(settings: Settings, commit: Commit) -> Committed:
    tree = CommitTree(settings.root, commit.sha, commit.prefix)
    project = reading.read(tree, settings)
    reading.refuse_unsupported(tree, project)
    return Committed(complete(settings, project), project, commit)
