"""The `roadie` program: roadie's tasks without a fabfile, and `roadie init`, which writes a fabfile."""

from __future__ import annotations

from pathlib import Path

from invoke.collection import Collection

from . import __version__, console, ns
from .run import program
from .run.executor import Executor
from .settings.config import Config
from .tasks.beginning import init


class Program(program.Program):
    """Fabric's own program with roadie's tasks. It reads fabric.yaml in this folder or in one above."""

    def print_groups(self) -> None:
        """Show the tasks in their groups, and how to begin."""
        super().print_groups()
        console.say("Begin in the folder of your project: roadie init")

    def parse_collection(self) -> None:
        """Take roadie's tasks, and load the project's settings, which Fabric loads only with a fabfile."""
        super().parse_collection()
        self.config.set_project_location(str(_project_folder(Path.cwd())))
        self.config.load_project()


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


def _project_folder(start: Path) -> Path:
    """The nearest folder with a fabric.yaml, from here upwards."""
    names = [f"fabric.{suffix}" for suffix in ("yaml", "yml", "json", "py")]
    for folder in (start, *start.parents):
        if any((folder / name).is_file() for name in names):
            return folder
    return start
