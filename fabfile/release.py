"""Tasks that ship releases: deploy, and migrate alone."""

from __future__ import annotations

from invoke.context import Context

from .errors import StageFailed
from .executor import hosts_of, roadie_task
from .report import HostReport, Report, say_line
from .stages import FINISH, MIGRATE, SURVEY, in_use


@roadie_task(help={"ref": "the commit, branch or tag to ship (HEAD)", "wait": "seconds to wait for another run"})
def deploy(c: Context, ref: str = "HEAD", wait: int = 0) -> None:
    """Ship a commit as a new release and switch to it."""
    from .bundle import find_commit, pack
    from .record import make_release
    from .runner import run_stages
    from .settings import read
    from .workspace import at_commit
