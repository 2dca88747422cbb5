"""Ways to break the probe. A deploy must tell the developer of each, and visitors must not notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass

import projects
from faults import append
from probe import Probe, Truth
from within import inside

# One second after the first visitor came, Gunicorn's master is killed, and its workers end too.
DIES = """
def page(request):
    threading.Timer(1, os.kill, (os.getppid(), signal.SIGKILL)).start()
    return answer(request)"""
IN_GUNICORN = "import sys\nif 'gunicorn' in sys.modules:"
_FAILS = """from django.db import migrations


def fail(apps, schema_editor):
    raise ValueError("no such sum")


class Migration(migrations.Migration):
    dependencies = [("probe", "{before}")]
    operations = [migrations.RunPython(fail)]
"""


@dataclass(frozen=True)
class Break:
    """A fault of a release, and the words that the last line of its deploy must contain."""

    name: str
    bring_about: Callable[[Probe], object]
    says: tuple[str, ...]
    #: the release serves correctly until visitors come
    serves_a_while: bool = False
    #: whether the fault itself explains a visitor's failure, so that roadie is not to blame
    explains: Callable[[str], bool] = lambda failure: False
    repair: Callable[[Probe], object] = lambda probe: None

    @contextmanager
    def brought_about(self, probe: Probe) -> Iterator[Truth]:
        """Commit this fault to the project, and take the commit back when the block ends."""
        before, commit = copy(probe), projects.git(probe.folder, "rev-parse", "HEAD")
        probe.change_code()
        self.bring_about(probe)
        projects.commit(probe.folder, self.name)
        try:
            yield probe.truth
        finally:
            self.repair(probe)
            projects.git(probe.folder, "reset", "-q", "--hard", commit)
            vars(probe).update({**vars(before), "code": probe.code})


def _in(name: str, *lines: str) -> Callable[[Probe], object]:
    return lambda probe: append(probe.folder / name, *lines)


def _failing_migration(probe: Probe) -> None:
    text = _FAILS.format(before=probe.migration)
    (probe.folder / "probe/migrations/9999_fails.py").write_text(text)


def _hang(probe: Probe) -> None:
    probe.change_settings(gate_timeout=3)
    append(probe.folder / "probe/wsgi.py", IN_GUNICORN, "    __import__('time').sleep(3600)")


def _fill_disk(probe: Probe) -> None:
    """Leave room for the code but not for a large package. Fill the host's own disk, never this machine's."""
    assert probe.host.image.exists(), "a full disk needs a host with a disk of its own"
    append(probe.folder / "requirements.txt", "Babel==2.17.0")
    leave = "cd /srv && fallocate -l $(($(df --output=avail -B1 . | tail -n 1) - 24000000)) ballast"
    inside(probe.host, leave)


def _empty_disk(probe: Probe) -> None:
    inside(probe.host, "rm -f /srv/ballast")


BREAKS: tuple[Break, ...] = (
    Break("cannot be imported", _in("probe/views.py", "import nosuchmodule"), ("nosuchmodule",)),
    Break(
        "its health page fails",
        _in("probe/views.py", "def health(request):", "    1 / 0"),
        ("/health answered 500", "ZeroDivisionError"),
    ),
    Break(
        "hangs at start",
        _hang,
        ("gave no answer within",),
    ),
    Break("a migration fails", _failing_migration, ("9999_fails", "no such sum")),
    Break(
        "collectstatic fails",
        _in("probe/static/probe/style.css", "body { background: url('missing.png') }"),
        ("missing.png",),
    ),
    Break(
        "a requirement is missing", _in("requirements.txt", "roadie-no-such==1.0"), ("roadie-no-such==1.0",)
    ),
    Break(
        "the disk runs full half way",
        _fill_disk,
        ("No space left on device",),
        explains=lambda failure: (
            " upload, " in failure and "<title>500 Internal" in failure
        ),  # nginx has no room to store the upload
        repair=_empty_disk,
    ),
    Break(
        "dies while it is watched",
        _in("probe/views.py", "import signal", "import threading", DIES),
        ("it failed after the switch", "went back by itself"),
        serves_a_while=True,
        explains=lambda failure: True,  # a killed process cannot finish the answers that it had begun
    ),
)
