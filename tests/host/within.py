"""Asks a host, without its network, for its processes, its files and the logs of its runs."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

from desk import Answer
from roadie.throwaway import nspawn
from roadie.throwaway.hosts import ThrowawayHost
from visitors import Visitors

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET

# Prints locks that are held, files and processes of runs that are over, and half-installed packages.
LEFTOVERS = r"""
shopt -s nullglob
for lock in /run/roadie/*.lock; do flock -n "$lock" true || echo "held: $lock"; done
find /run/roadie /var/lib/roadie/incoming -type f 2>/dev/null |
  grep -vE '^/run/roadie/([a-z-]+[.](lock|who|step)|apt-at-work)$'
pgrep -a -u guestbook-build | sed 's/^/builds: /'
pgrep -a -r D,R,S,T -u guestbook | grep -v gunicorn | sed 's/^/runs: /'
# A process that has ended is a zombie until its parent has waited for it, so look a second time.
for pid in $(pgrep -r Z -u guestbook); do sleep 2; [[ ! -d /proc/$pid ]] || echo "zombie: $pid"; done
pgrep -a -f '^bash /run/roadie/' | sed 's/^/works: /'
ls /var/lib/dpkg/updates
dpkg --audit
"""

# A worker's parent is its master, which is also a Gunicorn. A Gunicorn with any other parent is a master.
# Only the site's processes count: root's `enclose` has the same words on its command line.
MASTERS = r"""
declare -A parent=()
for pid in $(pgrep -u guestbook -f '[-]m roadie_gunicorn '); do
  parent[$pid]=$(ps -o ppid= -p "$pid") || unset "parent[$pid]"
done
for pid in "${!parent[@]}"; do
  above=$((parent[$pid]))
  socket=$(tr '\0' ' ' </proc/$pid/cmdline | grep -o 'unix:[^ ]*')
  [[ -n ${parent[$above]-} ]] || echo "$(ps -o comm= -p "$above") $socket"
done | sort
"""

# Prints the type, mode, owner, size and link target of each file, and its time of last change (ctime), which
# nobody can set. Folders get no time, because a change in a folder shows in the paths. Left out are the
# kernel's files, the journal and the logs of roadie's runs.
FILES = r"""
find / -regextype egrep -regex '/(proc|sys|run|dev|var/log/(journal|roadie))' -prune -o \
  -type d -printf '%p\t%y %m %u:%g\n' -o -printf '%p\t%y %m %u:%g %s %C@ %l\n'
"""

# /proc/net is a link to the network files of the process that reads it. This mounts another link over
# /proc/net, which leads to the same files without if_inet6.
NO_IPV6 = r"""
mkdir /run/net
for path in /proc/self/net/*; do ln -s "$path" /run/net; done
rm /run/net/if_inet6
ln -s /run/net /run/link
exec python3 -c '
import ctypes
call = ctypes.CDLL(None, use_errno=True).syscall
here, clone, no_follow, from_descriptor = -100, 0x1, 0x100, 0x4
tree = call(428, here, b"/run/link", clone | no_follow)  # open_tree
assert tree >= 0 and call(429, tree, b"", here, b"/proc/net", from_descriptor) == 0  # move_mount
'
"""

SANDBOXED = r"""
filters() { sed -n 's/^Seccomp_filters:\s*//p' "/proc/$1/status"; }
for service in nginx supervisord; do
  [[ $(filters "$(cat "/run/${service}.pid")") == "$(filters 1)" ]] || echo "${service}"
done
"""

HALVES = r"""
find /srv /etc /usr/local /var/lib/roadie /var/cache/roadie /var/backups /run/guestbook /run/roadie -xdev \
  -regextype egrep -regex '.*([.](new|roadie-new|gone|build)|/[.]collected|apt-at-work)' 2>/dev/null || :
"""


def inside(host: ThrowawayHost, script: str, *args: str) -> str:
    """Run a script as root on the host, without its network. Return the script's output."""
    argv = [*entering(host), "bash", "-c", script, "inside", *args]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert not done.returncode, done.stderr
    return done.stdout


def entering(host: ThrowawayHost) -> list[str]:
    """Return the words that, before a command, run the command as root on the host without its network."""
    return ["nsenter", f"--target={init_of(host)}", *"--mount --pid --net --uts --ipc".split()]


def init_of(host: ThrowawayHost) -> int:
    """Return the process id of the host's init on this machine."""
    pid = nspawn.running(host.state)
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def files_of(host: ThrowawayHost, run: str) -> list[Path]:
    """Return a run's files in /run/roadie. There are none after the run is over."""
    return list(Path(f"/proc/{init_of(host)}/root/run/roadie").glob(f"{run}.*"))


def events_of(host: ThrowawayHost, run: str) -> list[list[str]]:
    """Return the events of a run from its log on the host: verb, stage, what, detail."""
    (log,) = (host.tree / "var/log/roadie").glob(f"*-{run[:8]}.log")
    lines = [line.split("\t") for line in log.read_text("utf-8", "replace").splitlines()]
    return [fields[1:] for fields in lines if len(fields) == 5 and len(fields[0]) == 32]


def files(host: ThrowawayHost) -> dict[str, str]:
    """Return every file and folder of the host with its facts (see FILES)."""
    return dict(line.split("\t", 1) for line in inside(host, FILES).splitlines())


def sandboxed(host: ThrowawayHost) -> list[str]:
    """Return the services whose running process has more filters of system calls than the host's init."""
    return inside(host, SANDBOXED).split()


def leftovers(host: ThrowawayHost) -> list[str]:
    """Return what a run left behind that no run may leave behind, however it ended."""
    return inside(host, LEFTOVERS).splitlines()


def waiting_scripts(host: ThrowawayHost) -> list[str]:
    """Return the scripts that arrived and did not begin: a script removes itself as soon as it begins."""
    return inside(host, "ls /run/roadie/*.sh 2>/dev/null || :").splitlines()


def masters(host: ThrowawayHost) -> list[str]:
    """Return each of Gunicorn's masters as "PARENT SOCKET"."""
    return inside(host, MASTERS).splitlines()


def without_ipv6(host: ThrowawayHost) -> None:
    """Make the host look as if its kernel had no IPv6, until the host boots again."""
    inside(host, NO_IPV6)
    assert inside(host, "ls /proc/net/unix; ls /proc/net/if_inet6 2>/dev/null || :") == "/proc/net/unix\n"


def halves(host: ThrowawayHost) -> list[str]:
    """Return half-made files. A run that was cut may leave some. A run that came to its end may not."""
    return inside(host, HALVES).splitlines()


def assert_tidy(host: ThrowawayHost) -> None:
    """Check that no lock is held, no run works, and every master is Supervisor's child."""
    assert not (left := leftovers(host)), left
    assert not (strays := [each for each in masters(host) if not each.startswith("supervisord ")]), strays


def assert_serves_once(host: ThrowawayHost) -> None:
    """Check that only the live slot has a Gunicorn master and a program."""
    live, current = inside(host, "cd /srv/guestbook && readlink live current").split()
    colour = live.removeprefix("slots/")
    found = masters(host)
    assert found == [f"supervisord unix:/run/guestbook/{colour}.sock"], (live, found)
    programs = inside(host, "cd /etc/supervisor/conf.d && ls").split()
    assert programs == [f"guestbook-{colour}.conf"], (live, programs)
    assert current == "live/release"


class Neighbours(Visitors):
    """Visitors who ask from the host's own network, so that a cut link does not affect them."""

    def _ask(self) -> Answer:
        enter_network(self.host)
        return super()._ask()


def enter_network(host: ThrowawayHost) -> None:
    """Move this thread into the host's network, for the rest of its life."""
    descriptor = os.open(Path("/run/netns", host.name), os.O_RDONLY | os.O_CLOEXEC)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, _NEW_NETWORK):
            raise OSError(ctypes.get_errno(), f"cannot enter the network of {host.name}")
    finally:
        os.close(descriptor)
