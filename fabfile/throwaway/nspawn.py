"""The parts of one throwaway host: its network, its mounts and the processes in its container."""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

from ..errors import RoadieError
from . import disk, machine

SUBNET = "10.213.0.0/16"
SLOTS = 2**14
TABLE = "roadie_throwaway"

# The last chain keeps packets for a host whose link is cut from leaving by the default route.
_RULES = f"""
table ip {TABLE} {{ }}
flush table ip {TABLE}
table ip {TABLE} {{
  chain leave {{
    type nat hook postrouting priority srcnat
    ip saddr {SUBNET} ip daddr != {SUBNET} masquerade
  }}
  chain fit {{
    type filter hook forward priority filter
    tcp flags syn tcp option maxseg size set rt mtu
  }}
  chain stay {{
    type filter hook postrouting priority filter
    oifname != "roadie*" ip daddr {SUBNET} drop
  }}
}}
"""

_CGROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified")

# Each host gets a cgroup of its own: two systemds in one would kill each other's services.
# A `systemctl reboot` inside ends nspawn with 133, and it is started again.
_KEEPER = rf"""
state=$1 name=$2; shift 2
note() {{
  echo "$2 $(cut -d' ' -f22 "/proc/$2/stat")" >"$state/$1.new" && mv "$state/$1.new" "$state/$1"
}}
note keeper "$$"
for root in {" ".join(_CGROUPS)}; do
  [ -d /run/systemd/system ] && break
  [ -e "$root/cgroup.procs" ] || continue
  mkdir -p "$root/roadie-$name" && echo $$ >"$root/roadie-$name/cgroup.procs"
done
exec </dev/null >>"$state/console.log" 2>&1
while :; do
  "$@" &
  note nspawn "$!"
  wait "$!"
  [ "$?" -eq 133 ] || exit 0
done
"""


def addresses(slot: int) -> tuple[str, str]:
    """Return this machine's and the host's address in the host's own subnet."""
    first = f"10.213.{slot >> 6}"
    return f"{first}.{(slot & 63) * 4 + 1}", f"{first}.{(slot & 63) * 4 + 2}"


def slots_seen() -> set[int]:
    """Return the subnets that this machine has on some link, whoever put them there."""
    seen = re.findall(r"inet 10\.213\.(\d+)\.(\d+)/", machine.run("ip", "-o", "address"))
    return {(int(high) << 6) + int(low) // 4 for high, low in seen}


def open_network(name: str, slot: int) -> None:
    """Give a host a network namespace with a link to this machine, and by it to the world."""
    ours, theirs = addresses(slot)
    link = f"roadie{slot}"
    inside = ("ip", "-n", name)
    machine.run("nft", "-f", "-", text=_RULES)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    machine.run("ip", "netns", "add", name)
    machine.run(*f"ip link add {link} type veth peer name eth0 netns {name}".split())
    machine.run("ip", "address", "add", f"{ours}/30", "dev", link)
    machine.run("ip", "link", "set", link, "up")
    machine.run(*inside, "address", "add", f"{theirs}/30", "dev", "eth0")
    machine.run(*inside, "link", "set", "lo", "up")
    machine.run(*inside, "link", "set", "eth0", "up")
    machine.run(*inside, "route", "add", "default", "via", ours)


def set_link(slot: int, state: str) -> None:
    """Cut or mend this machine's end of the link; the host's end sees no more than silence."""
    machine.run("ip", "link", "set", f"roadie{slot}", state)


def close_network(name: str, slot: int) -> None:
    """Take away a host's link and namespace; nothing happens if they are gone."""
    if not Path("/run/netns", name).exists():
        return  # and the link of that number, if there is one, is another host's by now
    if Path(f"/sys/class/net/roadie{slot}").exists():
        machine.run("ip", "link", "delete", f"roadie{slot}")
    machine.run("ip", "netns", "delete", name)


def close_firewall() -> None:
    """Take away our nft table; nothing happens if it is gone."""
    machine.run("nft", "-f", "-", text=f"table ip {TABLE} {{ }}\ndelete table ip {TABLE}\n")


def make_storage(storage: Path, limit: str | None, image: Path | None) -> None:
    """Make the place for what a host writes; `limit` caps it, `image` puts it on a disk of its own."""
    storage.mkdir(parents=True)
    if limit:
        machine.run(*f"mount -t tmpfs -o size={limit},mode=0700 roadie".split(), storage)
    if image:
        disk.make(image, storage)


def mount(tree: Path, layers: tuple[Path, ...], upper: Path, syncs: bool) -> None:
    """Lay a host's own writable layer over the shared ones. Without `syncs` the host syncs nothing."""
    tree.mkdir(parents=True, exist_ok=True)
    upper.mkdir(exist_ok=True)
    upper.chmod(0o755)  # it becomes the mode of /
    work = upper.with_name("work")
    work.mkdir(exist_ok=True)
    lower = ":".join(map(str, layers))
    options = f"lowerdir={lower},upperdir={upper},workdir={work},redirect_dir=on,index=off"
    options += "" if syncs else ",volatile"
    machine.run("mount", "-t", "overlay", "-o", options, "roadie", tree)


def unmount(tree: Path, upper: Path, image: Path) -> None:
    """Take away a host's mounts and what it wrote; nothing happens if they are gone."""
    for path in (tree, upper.parent):
        if path.is_mount():
            machine.unmount(path)
    machine.run("rm", "-rf", "--one-file-system", upper.parent, image)


def start(state: Path, name: str, tree: Path) -> None:
    """Boot the tree as a container, in a session of its own that no Ctrl-C here reaches."""
    command = [
        *("systemd-nspawn", "--quiet", f"--directory={tree}", f"--machine={name}", "--boot"),
        *(f"--network-namespace-path=/run/netns/{name}", "--register=no", "--console=pipe"),
        *("--resolv-conf=off", "--link-journal=no", "--timezone=off"),
        *(() if Path("/run/systemd/system").exists() else ("--keep-unit",)),
    ]
    (state / "nspawn").unlink(missing_ok=True)
    machine.run("setsid", "--fork", "sh", "-c", _KEEPER, "roadie", state, name, *command)
    deadline = time.monotonic() + 10
    while not running(state):
        if time.monotonic() > deadline:
            raise RoadieError(f"{name}: systemd-nspawn did not start: {last_words(state)}")
        time.sleep(0.005)


def running(state: Path, process: str = "nspawn") -> int:
    """Return the process id of a host's nspawn or keeper, 0 if there is none."""
    try:
        pid, born = map(int, (state / process).read_text().split())
    except (OSError, ValueError):
        return 0
    return pid if birth(pid) == born else 0


def birth(pid: int) -> int:
    """Return when a process began, in ticks since boot: its id may be another's later on."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])


def stop(state: Path, name: str) -> None:
    """Shut a host down as its power button would, and see that nothing of it runs on."""
    if pid := running(state):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 60
        while running(state) and time.monotonic() < deadline:
            time.sleep(0.02)
    kill(state, name)


def kill(state: Path, name: str) -> None:
    """Kill a host's keeper, its nspawn, and all in the container, which would outlive nspawn."""
    deadline = time.monotonic() + 60
    while _kill_once(state, name):
        if time.monotonic() > deadline:
            raise RoadieError(f"{name}: its processes do not end")
        time.sleep(0.01)
    with suppress(OSError):  # nspawn takes it away itself, unless it was killed
        Path("/run/systemd/nspawn/propagate", name).rmdir()


def last_words(state: Path) -> str:
    """Return the end of a host's console."""
    console = state / "console.log"
    lines = console.read_text("utf-8", "replace").split("\n") if console.exists() else []
    return " / ".join(line.strip() for line in lines[-4:] if line.strip()) or "it said nothing"


def programs(name: str) -> str:
    """Return the names of what runs in a container, such as `systemd sshd`."""
    names = []
    for pid in _pids(name):
        with suppress(OSError):  # it may end as we look
            names.append(Path(f"/proc/{pid}/comm").read_text().strip())
    return " ".join(names)


def _pids(name: str) -> list[int]:
    if not Path("/run/netns", name).exists():
        return []
    return [int(pid) for pid in machine.run("ip", "netns", "pids", name).split()]


def _kill_once(state: Path, name: str) -> bool:
    """Send the signals once; tell whether anything is left, be it only a dying process's cgroup."""
    # The keeper first, or it might start nspawn again.
    pids = [pid for pid in (running(state, "keeper"), running(state), *_pids(name)) if pid]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(pids) or not all(_drop_cgroup(Path(root, f"roadie-{name}")) for root in _CGROUPS)


def _drop_cgroup(cgroup: Path) -> bool:
    try:
        for folder in sorted(cgroup.glob("**/"), reverse=True):
            folder.rmdir()
    except OSError:
        return False
    return True
