"""Stage: one named step. Also which stages of a sequence run on a host of a site."""

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
    """One named step towards a working site, and the script that takes it."""

    name: str
    summary: str
    #: a file in the project's own `roadie-templates/`, or else among roadie's templates
    template: str
    #: "app": a plain bash script, which runs as the site's user, in the folder of manage.py once there is a
    #: release. "root": a script in the words of roadie's shell libraries.
    user: str = "app"
    #: the libraries that a script for root speaks, besides the basic ones
    needs: tuple[str, ...] = ()
    #: whether a site needs this stage
    when: When = always
    #: the stage runs on hosts with this role: "web", "worker" or "db"; empty means on every host
    role: str = "web"
    #: at a terminal, consecutive stages of one step share a line; empty means the stage's own name
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
