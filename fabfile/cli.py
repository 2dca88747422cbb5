"""The `roadie` program: the tasks without a fabfile, and `roadie init`, which writes one."""

from __future__ import annotations

import re
from pathlib import Path

from fabric.main import Fab
from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import ParseError

from . import __version__, console, ns
from .errors import UsageError
from .run.executor import Executor, roadie_task
from .settings.config import Config

FABFILE = '''\
"""Deployment. `fab --list` says what there is; tasks of your own go below."""

from roadie import *  # noqa: F403
'''
SETTINGS = """\
roadie:
  domain: {domain}
  # hosts: [root@{domain}]
"""
_PLACEHOLDER = "www.example.org"
_DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*")


class Program(Fab):  # type: ignore[misc]
    """Fabric's own program with roadie's tasks, and the fabric.yaml of the folder or one above."""

    def parse_collection(self) -> None:
        """Take roadie's tasks, and load the project's settings, which Fabric leaves out here."""
        super().parse_collection()
        self.config.set_project_location(str(_project_folder(Path.cwd())))
        self.config.load_project()

    def parse_tasks(self) -> None:
        """Read the command line. A word that cannot be read is a usage error."""
        try:
            super().parse_tasks()
        except ParseError as error:
            raise UsageError(str(error)) from None


@roadie_task(help={"domain": "the name that visitors will type"})
def init(c: Context, domain: str = "") -> None:
    """Write fabfile.py and fabric.yaml for the project in this folder."""
    if not domain and console.is_interactive() and not Path("fabric.yaml").exists():
        domain = console.ask(f"The name that visitors will type [{_PLACEHOLDER}]: ")
    domain = (domain or _PLACEHOLDER).strip().lower()
    if not _DOMAIN.fullmatch(domain):
        raise UsageError(f"--domain {domain!r}: no name of a site; write it like {_PLACEHOLDER}")
    _write(Path("fabfile.py"), FABFILE)
    _write(Path("fabric.yaml"), SETTINGS.format(domain=domain))
    console.say("next: fab -H root@your.server bootstrap, then fab -H root@your.server deploy")


def main() -> None:
    """Run the `roadie` program."""
    tasks = Collection("roadie", init)
    for name, task in ns.tasks.items():
        tasks.add_task(task, name)
    Program(
        name="roadie",
        binary="roadie",
        version=__version__,
        namespace=tasks,
        executor_class=Executor,
        config_class=Config,
    ).run()


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError:
        console.say(f"{path} is there already; left as it is")
    else:
        console.say(f"wrote {path}")


def _project_folder(start: Path) -> Path:
    """The nearest folder with a fabric.yaml, from here upwards."""
    names = [f"fabric.{suffix}" for suffix in ("yaml", "yml", "json", "py")]
    for folder in (start, *start.parents):
        if any((folder / name).is_file() for name in names):
            return folder
    return start
