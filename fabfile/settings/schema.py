"""All settings together, and what follows from several of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .processes import Program
from .project_keys import ProjectKeys
from .release_keys import ReleaseKeys
from .serving_keys import ServingKeys


@dataclass(frozen=True)
class Settings(ProjectKeys, ReleaseKeys, ServingKeys):
    """The settings that the user wrote, checked. `root` is the folder of fabric.yaml, or of the fabfile."""

    root: Path = field(kw_only=True)

    @property
    def redirected(self) -> dict[str, str]:
        """The names that nginx leads away from, each with the name that it leads to."""
        names = {name.removeprefix("www."): name for name in reversed(self.domain)}
        canonical = {name: names[name.removeprefix("www.")] for name in self.domain}
        return {name: to for name, to in canonical.items() if self.redirect_www and name != to}

    @property
    def served_names(self) -> tuple[str, ...]:
        """The names under which nginx serves the site itself."""
        return tuple(name for name in self.domain if name not in self.redirected)

    @property
    def nginx_app(self) -> str:
        """The site's name as a part of the names of nginx's variables, which have no `-`."""
        return self.app.replace("_", "__").replace("-", "_d")

    @property
    def own_templates(self) -> Path | None:
        """The folder of the user's templates, if there is one."""
        folder = self.root / Path(self.templates).expanduser()
        return folder if folder.is_dir() else None

    @property
    def url_secret(self) -> str:
        """The secret with the URL of the site's database, if the settings name one."""
        return next((name for name in self.env_names["database_url"] if name in self.secrets), "")

    @property
    def manage_commands(self) -> dict[str, str]:
        """The command of manage.py that each program runs, by the program's name."""
        commands = {**self.programs, **self.cron, **self.once}
        return {name: one.manage_command for name, one in commands.items() if one.manage_command}

    @property
    def jobs(self) -> tuple[str, ...]:
        """For each periodic command two texts: its name; and its time and its words, each on a line."""
        texts = {name: "\n".join([job.when, *job.words]) for name, job in self.cron.items()}
        return tuple(part for one in texts.items() for part in one)

    @property
    def once_words(self) -> tuple[str, ...]:
        """For each command of `once` two texts: its name; and its words, each on a line."""
        texts = {name: "\n".join(program.words) for name, program in self.once.items()}
        return tuple(part for one in texts.items() for part in one)

    @property
    def all_programs(self) -> dict[str, Program]:
        """Every program beside the web, in the order in which a deploy replaces them."""
        return {**self.programs, **self.celery.programs(self.app)}

    @property
    def start_seconds(self) -> int:
        """How many seconds the check of a release may take to start Django: 60, or what the gate allows."""
        return max(60, self.gate_timeout)

    @property
    def stop_timeout(self) -> int:
        """How many seconds Supervisor waits for Gunicorn: longer than Gunicorn waits for its requests."""
        return self.graceful_timeout + 10
