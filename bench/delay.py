"""A second route to each host with a round-trip time: a pair of TUN links. This process delays their packets.

TCP runs from end to end, so the bench also measures Nagle's algorithm and delayed acknowledgements. A proxy
would hide these.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

# The address block that is reserved for network benchmarks (RFC 2544).
_BLOCK = "198.18"
_TUNSETIFF = 0x400454CA
_TUN_WITHOUT_HEADERS = 0x1001
_PR_SET_PDEATHSIG = 1


def addresses(slot: int) -> tuple[str, str]:
    """Return this machine's address and the host's address on the slow route."""
    first = f"{_BLOCK}.{slot >> 6}"
    return f"{first}.{(slot & 63) * 4 + 1}", f"{first}.{(slot & 63) * 4 + 2}"


@contextmanager
def slow_ways(hosts: Mapping[int, str], round_trip: float) -> Iterator[None]:
    """Provide the slow route to each host until the block ends. `hosts` maps slots to network namespaces."""
    pairs = [f"{slot}:{name}" for slot, name in hosts.items()]
    argv = [sys.executable, __file__, str(round_trip), *pairs]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            if not process.stdout or process.stdout.readline() != "ready\n":
                raise RuntimeError("cannot make the slow route to the hosts; see above")
            yield
        finally:
            process.kill()


@dataclass(frozen=True)
class _Direction:
    source: int
    target: int
    held: deque[tuple[float, bytes]] = field(default_factory=deque)


def _main(round_trip: str, *pairs: str) -> None:
    # The kernel removes the links when this process ends, and kills this process when its parent ends.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    directions = []
    for pair in pairs:
        slot, _, name = pair.partition(":")
        near, far = _link(int(slot), name)
        directions += [_Direction(near, far), _Direction(far, near)]
    os.nice(-10)
    print("ready", flush=True)
    _carry(directions, float(round_trip) / 2)


def _link(slot: int, namespace: str) -> tuple[int, int]:
    ours, theirs = addresses(slot)
    near, far = f"slow{slot}", f"slow{slot}far"
    files = _tun(near), _tun(far)
    for command in (
        f"ip link set {far} netns {namespace}",
        f"ip address add {ours}/30 dev {near}",
        f"ip link set {near} txqueuelen 10000 up",
        f"ip -n {namespace} address add {theirs}/30 dev {far}",
        f"ip -n {namespace} link set {far} txqueuelen 10000 up",
    ):
        subprocess.run(command.split(), check=True)
    return files


def _tun(name: str) -> int:
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TUN_WITHOUT_HEADERS))
    return file


def _carry(directions: list[_Direction], delay: float) -> None:
    by_source = {direction.source: direction for direction in directions}
    while True:
        due = [direction.held[0][0] for direction in directions if direction.held]
        wait = max(0.0, min(due) - time.monotonic()) if due else None
        for source in select.select(by_source, (), (), wait)[0]:
            by_source[source].held.append((time.monotonic() + delay, os.read(source, 65536)))
        now = time.monotonic()
        for direction in directions:
            while direction.held and direction.held[0][0] <= now:
                with suppress(OSError):  # the link is not up yet, or is down again
                    os.write(direction.target, direction.held.popleft()[1])


if __name__ == "__main__":
    _main(*sys.argv[1:])
