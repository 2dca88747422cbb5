"""What a stage and a sequence of stages are, and which stages of a sequence a site's host runs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `fab --list` needs the stages only, and must stay quick.
    from ..project.project import Project
    from ..settings.schema import Settings

    #: Whether a stage has work to do for a site. The project is None for tasks that do not read it.
    When = Callable[[Settings, Project | None], bool]


def always(settings: Settings, project: Project | None) -> bool:
    """A stage of every site."""
    return True


@dataclass(frozen=True)
class Stage:
    """One named step towards a working site, and the script that takes it.

    `template` is looked for in the project's own `roadie-templates/` first, then in roadie's.
    `user` is "app" (the default) for a plain bash script. It runs as the site's user, in the folder of
    manage.py once there is a release. A script for "root" is written in the words of roadie's shell
    libraries, and `needs` names the libraries that it speaks besides the basic ones.
    A stage runs only for a site for which `when` is true, and only on hosts with its `role`: "web",
    "worker" or "db". An empty role means every host.
    At a terminal, consecutive stages of one `step` share a line. An empty step means the stage's own name.
    """

    name: str
    summary: str
    template: str
    user: str = "app"
    needs: tuple[str, ...] = ()
    when: When = always
    role: str = "web"
    step: str = ""

    def __post_init__(self) -> None:
        templates_of_stages.add(self.template)


#: the templates of all stages, of the user's own too, whether a sequence has them or not
templates_of_stages: set[str] = set()
Sequence = tuple[Stage, ...]


def applicable(
    sequence: Sequence, settings: Settings, project: Project | None, roles: Collection[str]
) -> Sequence:
    """The stages of a sequence that have work to do for this site, on a host with these roles."""
    return tuple(
        stage
        for stage in sequence
        if stage.when(settings, project) and (not stage.role or stage.role in roles)
    )
