"""A throwaway host under measurement. It is read from outside, so that no connection of the bench counts."""

from __future__ import annotations

import http.client
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fabfile.throwaway.hosts import ThrowawayHost

from . import delay

_POLL = 0.04
_CURSOR = "/run/roadie-bench.cursor"
# Starts roadie's program once more, beside the first, and prints how many microseconds it takes to answer.
_START = r"""
socket=/run/sample/bench.sock
command=$(sed -n "s|^command=||; s|unix:[^ ]*|unix:${socket}|p" /srv/sample/live/program.conf)
began=${EPOCHREALTIME/./}
setpriv --reuid=sample --regid=sample --init-groups -- ${command} >/dev/null 2>&1 &
for ((i = 0; i < 3000; i++)); do
  ! curl -sf -o /dev/null --unix-socket "${socket}" -H "Host: sample.example.org" http://localhost/ || break
  sleep 0.01
done
echo $((${EPOCHREALTIME/./} - began))
kill $!
wait $! || :
"""
# PSS counts a memory page that several processes share only once.
_MEMORY = r"""
for pid in $(pgrep -u sample -f gunicorn); do cat "/proc/${pid}/smaps_rollup"; done 2>/dev/null |
  awk '/^Pss:/ { kb += $2 } END { print kb + 0 }'
"""


@dataclass(frozen=True)
class Server:
    """A throwaway host: its addresses by round-trip time, and its counters."""

    host: ThrowawayHost

    def address(self, round_trip: int) -> str:
        """Return the address of sshd: the direct one for 0, else the one on the slow route."""
        return delay.addresses(self.host.slot)[1] if round_trip else self.host.address

    def ssh_config(self, folder: Path, round_trip: int) -> Path:
        """Write an ssh config that leads to the host by the route with this round-trip time."""
        path = folder / f"ssh_config-{self.host.name}-{round_trip}"
        ours = self.host.ssh_config.read_text()
        ours = ours.replace(f"HostName {self.host.address}", f"HostName {self.address(round_trip)}")
        path.write_text(f"{ours}  HostKeyAlias {self.host.name}\n")
        return path

    def cpu(self) -> float:
        """Return the processor seconds that all processes on the host have used."""
        text = (self._cgroup / "cpu.stat").read_text() if self._cgroup else ""
        found = re.search(r"^usage_usec (\d+)", text, re.M)
        return int(found[1]) / 1e6 if found else 0.0

    def connections(self) -> tuple[int, int]:
        """Return how many connections and sessions sshd has taken since the last call."""
        said = self._inside(
            f"journalctl --quiet --sync; journalctl --quiet --no-pager --output cat "
            f"--identifier sshd --identifier sshd-session --cursor-file {_CURSOR}"
        )
        return len(re.findall(r"^Accepted publickey", said, re.M)), len(
            re.findall(r"^Starting session", said, re.M)
        )

    def release(self) -> str:
        """Return the name of the release that serves. Only roadie's hosts have one."""
        return self._inside("basename $(readlink -f /srv/sample/live/release)").strip()

    def start_of_app(self) -> float:
        """Start the serving app once more, on another socket. Return the seconds until its first answer."""
        return float(self._inside(_START)) / 1e6

    def memory(self) -> float:
        """Return the MB that the site's processes hold."""
        return int(self._inside(_MEMORY)) / 1024

    def processes(self) -> Iterator[Path]:
        """Yield the folder in /proc of each process on the host."""
        ours = (Path("/proc", str(self._init), "ns/pid")).readlink()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended
                if (folder / "ns/pid").readlink() == ours:
                    yield folder

    def _inside(self, command: str) -> str:
        argv = ["nsenter", "--target", str(self._init), "--mount", "--pid", "--uts", "bash", "-c", command]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    @cached_property
    def _init(self) -> int:
        argv = ["ip", "netns", "pids", self.host.name]
        for pid in subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split():
            if re.search(r"^NSpid:.*\s1$", Path("/proc", pid, "status").read_text(), re.M):
                return int(pid)
        raise RuntimeError(f"{self.host.name} does not run")

    @cached_property
    def _cgroup(self) -> Path | None:
        """The host's cgroup in the v2 hierarchy, where cpu.stat counts without any controller."""
        own = re.search(r"^0::(/\S*)", Path(f"/proc/{self._init}/cgroup").read_text(), re.M)
        name = own[1].removesuffix("/init.scope") if own else ""
        folders = (Path(f"{root}{name}") for root in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup"))
        return next((path for path in folders if name and (path / "cpu.stat").exists()), None)


class Most:
    """The largest value of a figure, asked over and over until the block ends."""

    def __init__(self, ask: Callable[[], float]) -> None:
        self.value = 0.0
        self._ask = ask
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Most:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._leave.wait(0.25):
            self.value = max(self.value, self._ask())


class Visitor:
    """Asks for a page over and over until it shows a text, and notes the time."""

    def __init__(self, address: str, domain: str, text: str) -> None:
        self._address, self._domain, self._text = address, domain, text
        self._seen = 0.0
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def seen(self, timeout: float) -> float:
        """Wait at most `timeout` seconds. Return when the text was first seen, or 0 if it was not."""
        self._thread.join(timeout)
        self._leave.set()
        return self._seen

    def _watch(self) -> None:
        while not self._leave.wait(_POLL):
            if self._text in page(self._address, self._domain):
                self._seen = time.monotonic()
                return


def page(address: str, domain: str) -> str:
    """Return nginx's answer for `/`, or an empty text if there is none."""
    connection = http.client.HTTPConnection(address, 80, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": domain})
        return connection.getresponse().read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()
