"""A place for a site on a host, to which a test ships code by single stages."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import fabric
import projects
import scripts
from roadie.errors import Interrupted
from roadie.events import Event
from roadie.git.bundle import Pack, find_commit, pack
from roadie.project.project import Project
from roadie.release.record import NewRelease
from roadie.scripts import stages
from roadie.scripts.render import render
from roadie.scripts.stage import Stage
from roadie.ssh.host import Host, Outcome
from roadie.throwaway.hosts import ThrowawayHost

SHIP = (stages.receive, stages.checkout)


@dataclass
class Site:
    """The guestbook's place on a host, and the repository that it is deployed from."""

    host: ThrowawayHost
    repo: Path
    sent: int = 0
    count: int = 0

    def __post_init__(self) -> None:
        config = fabric.Config(overrides={"ssh_config_path": str(self.host.ssh_config)})
        self.link = Host(fabric.Connection(self.host.name, config=config))

    def run(self, *steps: Stage, release: NewRelease = scripts.RELEASE, **chosen: object) -> list[Event]:
        outcome = self.attempt(*steps, release=release, **chosen)
        assert outcome.code == 0, (outcome.events[-3:], outcome.tail[-10:])
        return outcome.events

    def attempt(
        self,
        *steps: Stage,
        release: NewRelease = scripts.RELEASE,
        project: Project | None = None,
        on_event: Callable[[Event], None] = lambda event: None,
        **chosen: object,
    ) -> Outcome:
        """Run the steps. If `receive` is one of them, send the code that the host lacks with them."""
        values = {**scripts.values(**chosen), "release": release, "stages": steps}
        if project:
            values["project"] = project
        run = {**scripts.RUN, "locks": steps != stages.SURVEY}
        script = render("frame/stage.sh.j2", None, {**values, "run": run})
        payload = self.lacking(release) if stages.receive in steps else b""
        self.sent = len(payload)
        return self.link.execute(script, payload, on_event, run["nonce"])

    def lacking(self, release: NewRelease) -> bytes | Pack:
        """Return a pack of the release's code that the host lacks, by the host's own survey."""
        return pack(self.repo, release.tree, self.survey(release).get("tree", []))

    def survey(self, release: NewRelease = scripts.RELEASE) -> dict[str, list[str]]:
        """Return the facts that the host tells before a deploy of this release."""
        facts: dict[str, list[str]] = {}
        for event in self.run(*stages.SURVEY, release=release):
            if event.verb == "fact":
                facts.setdefault(event.what, []).append(event.detail)
        return facts

    def ask(self, fingerprint: str) -> dict[str, list[str]]:
        """Return the facts about the serving release that the host tells a release with this fingerprint."""
        facts = self.survey(replace(scripts.RELEASE, fingerprint=fingerprint))
        return {what: facts[what] for what in facts if what not in ("tree", "nginx")}

    def trees(self) -> list[str]:
        """Return the trees that the host's store has."""
        ask = "git --git-dir=/srv/guestbook/repo.git for-each-ref --format='%(objectname)' refs/roadie/trees"
        return self.host.ssh(ask, check=False).stdout.split()  # fails if there is no store

    def release(self) -> NewRelease:
        """Return a new release of HEAD."""
        commit = find_commit(self.repo)
        self.count += 1
        name = f"20261123T1200{self.count:02}Z-{commit.sha[:8]}"
        return NewRelease(
            name, commit.sha, commit.tree, fingerprint=f"of {name}", record=json.dumps({"id": name})
        )

    def ship(self) -> str:
        """Bring HEAD to the host as a release. Return the release's folder there."""
        release = self.release()
        self.run(*SHIP, release=release)
        return f"/srv/guestbook/releases/{release.id}"

    def ship_and_end(self, what: str, wait: float, how: str) -> None:
        """Ship HEAD, but stop the run or kill its script `wait` seconds after it began this change."""
        other = Site(self.host, self.repo)
        kill = "pkill -KILL -f '^bash [/]run/roadie'"
        timer = threading.Timer(
            wait, other.link.stop if how == "stop" else lambda: self.host.ssh(kill, check=False)
        )

        def cut(event: Event) -> None:
            if event.verb == "doing" and event.what.startswith(what):
                timer.start()

        with suppress(Interrupted):
            other.attempt(*SHIP, release=self.release(), on_event=cut)
        timer.cancel()
        if timer.ident:
            timer.join()
        other.link.close()
        if how == "stop":
            self.host.ssh("while pgrep -f '^bash [/]run/roadie' >/dev/null; do sleep 0.05; done")

    def serve(self, folder: str, colour: str = "blue") -> str:
        """Set the links that say that a release serves. No process serves."""
        name = folder.rpartition("/")[2]
        self.host.ssh(
            f"cd /srv/guestbook && mkdir -p slots/{colour} venvs/v-{name} && "
            f"readlink live/release | sed 's,.*/,,' >{folder}/previous; "
            f"date | tee {folder}/switched >{folder}/settled; "
            f"for at in {folder} slots/{colour}; do ln -sfn ../../venvs/v-{name} $at/venv; done; "
            f"ln -sfn ../../releases/{name} slots/{colour}/release && ln -sfn slots/{colour} live"
        )
        return folder

    def files(self, folder: str) -> dict[str, list[str]]:
        """Return the files in a folder: name -> mode, owner, kind, inode."""
        told = self.host.ssh(f"find {folder} -printf '%P\\t%m\\t%u:%g\\t%y\\t%i\\0'").stdout
        rows = [row.split("\t") for row in told.split("\0") if row]
        return {name: facts for name, *facts in rows}

    def read(self, path: str) -> str:
        return self.host.ssh(f"cat '{path}'").stdout

    def change(self, path: str, text: str) -> None:
        (self.repo / path).parent.mkdir(parents=True, exist_ok=True)
        (self.repo / path).write_text(text)
        projects.commit(self.repo)
