"""The task that tries all commands on a throwaway host of this machine."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context

from ..display.current import tell
from ..errors import Interrupted, RoadieError
from ..run.task import roadie_task

if TYPE_CHECKING:
    from ..project.workspace import Committed
    from ..throwaway.hosts import ThrowawayHost

_TLS = "ROADIE_TLS"


@roadie_task(
    group="rehearsal",
    examples=("rehearse", "rehearse --quick --suite bookworm"),
    help={
        "suite": "the Debian to try: trixie or bookworm",
        "quick": "leave out the broken deploy, the rollback and the reboot",
        "keep": "leave the host up, to look around",
        "down": "take down the hosts that were kept",
    },
)
def rehearse(
    c: Context, suite: str = "trixie", quick: bool = False, keep: bool = False, down: bool = False
) -> None:
    """Try it all on a throwaway host of this machine."""
    from ..settings.reading import read
    from ..throwaway import hosts as throwaway
    from ..throwaway import machine
    from .drill import NAME

    machine.require()
    throwaway.clean()
    if down:
        _take_down(NAME)
        return
    with _self_signed() if read(c).tls else nullcontext():
        _rehearse(c, suite, quick, keep)


@contextmanager
def _self_signed() -> Iterator[None]:
    """Have the host make its own certificate, as no authority can reach the host."""
    before = os.environ.get(_TLS)
    os.environ[_TLS] = "self-signed"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_TLS]
        else:
            os.environ[_TLS] = before


def _rehearse(c: Context, suite: str, quick: bool, keep: bool) -> None:
    from ..project.workspace import at_ref
    from ..settings.reading import read
    from ..throwaway import hosts as throwaway
    from .drill import NAME, Drill

    work = at_ref(read(c), "HEAD")
    tell(NAME, f"boots a throwaway host with Debian {suite}; the first of it takes half a minute more")
    host = throwaway.boot(NAME, suite)
    is_kept = False
    try:
        Drill(c, host, work).perform(is_quick=quick)
        is_kept = keep
    except (KeyboardInterrupt, Interrupted):
        raise Interrupted(f"{NAME}: interrupted; its host is taken down") from None
    except RoadieError as error:
        is_kept = keep
        what = "stays up for a look" if keep else "is taken down; --keep leaves it up"
        raise type(error)(f"{error}; the throwaway host {what}") from error
    finally:
        if is_kept:
            _keep(host, work)
        else:
            with _undisturbed():
                host.down()


def _keep(host: ThrowawayHost, work: Committed) -> None:
    host.keep()
    config, (program, prefix) = shlex.quote(str(host.ssh_config)), _typed(sys.argv)
    folder, domain = shlex.quote(str(work.settings.root)), work.settings.domain[0]
    for line in (
        "",
        f"{host.name} stays up. To look around:",
        f"  {_visit(domain, host.address, is_secure=bool(work.settings.tls))}",
        f"  ssh -F {config} {host.name}",
        f"  cd {folder} && {program} -S {config} -H root@{host.name} {prefix}manage createsuperuser",
        "To take it down:",
        f"  cd {folder} && {program} {prefix}rehearse --down",
        "",
    ):
        tell("", line)


def _visit(domain: str, address: str, *, is_secure: bool) -> str:
    """The command that asks for the first page."""
    if is_secure:
        return f"curl --noproxy '*' -k --resolve {domain}:443:{address} https://{domain}/"
    return f"curl --noproxy '*' -H 'Host: {domain}' http://{address}/"


def _take_down(name: str) -> None:
    from ..throwaway import hosts as throwaway

    found = [host for host in throwaway.kept() if host.name.startswith(f"{name}-")]
    with _undisturbed():
        for host in found:
            host.down()
            tell("", f"{host.name} is taken down")
    if not found:
        tell("", "no host of a rehearsal is up here")


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore Ctrl-C, so that no host is left half taken down."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _typed(argv: Sequence[str]) -> tuple[str, str]:
    """The words to type for this program with its options, and the prefix of roadie's tasks in its list."""
    path = Path(argv[0])
    found = shutil.which(path.name)
    if path.name not in ("fab", "roadie"):
        program = "fab"
    else:
        program = path.name if found and path.samefile(found) else str(path.resolve())
    for place, word in enumerate(argv):
        prefix, _, task = word.rpartition(".")
        if task == "rehearse":
            return shlex.join([program, *argv[1:place]]), prefix and f"{prefix}."
    return shlex.quote(program), ""
