"""What a command works on: the settings and the project that belong together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from invoke.context import Context

from .bundle import Commit, find_commit
from .project import Project
from .project import read as read_project
from .settings import Settings
from .settings import read as read_settings
from .trees import CommitTree, FolderTree, Tree


@dataclass(frozen=True)
class Workspace:
    """Settings and project, as every template gets them."""

    settings: Settings
    project: Project
    tree: Tree
    commit: Commit | None

    @property
    def values(self) -> dict[str, Any]:
        """The values that every template sees."""
        return {"settings": self.settings, "project": self.project}


def at_head(c: Context) -> Workspace:
    """The project as the last commit has it; as the folder has it where there is no commit yet."""
    settings = read_settings(c)
    try:
        return at_commit(settings, find_commit(settings.root, "HEAD"))
    except NoCommit:
        tree = FolderTree(settings.root)
        project = read_project(tree, settings)
        return Workspace(settings.for_project(project), project, tree, None)


def at_commit(settings: Settings, commit: Commit) -> Workspace:
    """The project as this commit has it."""
    tree = CommitTree(settings.root, commit)
    project = read_project(tree, settings)
    return Workspace(settings.for_project(project), project, tree, commit)
