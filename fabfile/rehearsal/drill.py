"""Drill: the steps of a rehearsal. Bootstrap, deploy, a broken deploy, a rollback and a reboot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from fabric import Connection
from invoke.context import Context

from ..display import current as display
from ..errors import RoadieError, StageFailed
from ..project.workspace import Committed
from ..ssh.transport import without_ssh_config
from ..tasks.past import rollback
from ..tasks.provision import bootstrap
from ..tasks.shipping import deploy
from ..throwaway.hosts import ThrowawayHost
from .browser import Browser, Page
from .sabotage import broken_commit, changed_commit

NAME = "rehearse"
PATIENCE = 60.0

say = partial(display.tell, NAME)


@dataclass(frozen=True)
class Drill:
    """One rehearsal of a project on a host. Any failure is raised."""

    c: Context
    host: ThrowawayHost
    work: Committed

    def perform(self, *, is_quick: bool) -> None:
        """Go through all steps, and print each step with its result."""
        began = time.monotonic()
        with self._connection() as connection:
            say(f"fab bootstrap, on {self.host.name} at {self.host.address}")
            bootstrap(connection)
            say("fab deploy")
            deploy(connection)
        page = self._show_pages()
        if not is_quick:
            self._deploy_broken_commit(page)
            self._roll_back(page)
            self._reboot(page)
        say(f"all of it went as it should, in {time.monotonic() - began:.0f} s")

    @cached_property
    def browser(self) -> Browser:
        """Asks the host for the site's pages."""
        settings = self.work.settings
        return Browser(self.host.address, settings.domain[0], "https" if settings.tls else "http")

    def _show_pages(self) -> Page:
        """Print the first page, one of its static files, and the admin. Returns the first page."""
        first, admin = self.browser.get("/"), self.browser.get("/admin/")
        static_url = self.work.settings.static_url
        static = first.link_below(static_url) or admin.link_below(static_url)
        for page in (first, *([self.browser.get(static)] if static else []), admin):
            say(f"  {page.status or '---'} {page.path}  {page.words}")
        if not 0 < first.status < 500:
            raise StageFailed(f"{self.host.name}: / answers {first.status or 'nothing'}: {first.words}")
        return first

    def _deploy_broken_commit(self, page: Page) -> None:
        """Deploy a broken commit, which must be refused, while a visitor asks for the first page."""
        say("fab deploy, of a commit that is broken on purpose")
        with broken_commit(self.work) as (root, commit), self._visits(page):
            try:
                with self._connection(root) as connection:
                    deploy(connection, ref=commit)
            except StageFailed as refusal:
                say(f"refused, as it should be: {refusal}")
            else:
                raise RoadieError(f"{self.host.name}: a commit that is broken on purpose was not refused")

    def _roll_back(self, page: Page) -> None:
        say("fab deploy, of a changed comment, and fab rollback")
        with changed_commit(self.work) as (root, commit), self._visits(page):
            with self._connection(root) as connection:
                deploy(connection, ref=commit)
            with self._connection() as connection:
                rollback(connection)

    @contextmanager
    def _visits(self, page: Page) -> Iterator[None]:
        """Ask for the first page again and again. Each answer must have the status of the page."""
        with self.browser.asking("/") as statuses:
            yield
        wrong = [status for status in statuses if status != page.status]
        if wrong:
            raise RoadieError(
                f"{self.host.name}: meanwhile / answered {wrong[0]} instead of {page.status} "
                f"to {len(wrong)} of {len(statuses)} visits"
            )
        say(f"the site answered all {len(statuses)} visits meanwhile")

    def _reboot(self, page: Page) -> None:
        say("the host reboots")
        self.host.reboot()
        deadline = time.monotonic() + PATIENCE
        while (again := self.browser.get("/")).status != page.status:
            if time.monotonic() > deadline:
                raise RoadieError(f"{self.host.name}: rebooted, and / answers {again.status}: {again.words}")
            time.sleep(0.1)
        say(f"the site came back by itself: / answers {again.status}")

    def _connection(self, root: Path | None = None) -> Connection:
        """A connection with the settings of the task, or with those of the project in another folder.

        Only the ssh options of throwaway hosts apply.
        """
        config = without_ssh_config(self.c.config)
        config.load_ssh_configs = True
        config.ssh_config_path = str(self.host.ssh_config)
        config.authentication.identities = []
        config.connect_kwargs = {}
        config.gateway = None
        if root:
            config.set_project_location(str(root))
            config.load_project()
        return Connection(self.host.name, user="root", config=config)
