"""The things that this machine gives a throwaway host: tools, locks, and a way to the network."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import RoadieError, UsageError

PACKAGES = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "nft": "nftables",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "mkfs.ext4": "e2fsprogs",
}
#: `su` alone leaves root without the sbin folders, where ip and nft may live
SEARCH_PATH = os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin"
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

_PIP_KEYS = ("cert", "proxy", "index-url", "extra-index-url", "trusted-host", "timeout")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.S)


def require() -> None:
    """Refuse, in one line, a machine that cannot boot a throwaway host."""
    if sys.platform != "linux":
        raise UsageError("A throwaway host needs Linux: run this in a Linux machine, as root.")
    if os.geteuid() != 0:
        raise UsageError("A throwaway host needs root: run this again as root.")
    missing = [tool for tool in PACKAGES if not shutil.which(tool, path=SEARCH_PATH)]
    if missing:
        packages = " ".join(sorted({PACKAGES[tool] for tool in missing}))
        raise UsageError(f"A throwaway host needs {', '.join(missing)}: run apt-get install {packages}")


def run(*command: str | Path, text: str | None = None, pass_fds: tuple[int, ...] = ()) -> str:
    """Run a command of this machine and return its output. A failure names the command's last words."""
    done = subprocess.run(
        command,
        input=text or "",
        capture_output=True,
        text=True,
        pass_fds=pass_fds,
        env={**os.environ, "PATH": SEARCH_PATH, "LC_ALL": "C.UTF-8"},
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise RoadieError(f"This machine: {command[0]} failed ({done.returncode}): {last}")
    return done.stdout


def unmount(place: Path) -> None:
    """Unmount a folder. A program that was just killed may keep it busy, so try for up to 5 s."""
    deadline = time.monotonic() + 5
    while True:
        try:
            run("umount", place)
            return
        except RoadieError as error:
            if "busy" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.1)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold a lock file of this machine. The kernel releases the lock when its last holder ends."""
    import fcntl  # absent on Windows, where the rest of the package may still be imported

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def nameservers() -> str:
    """Return a resolv.conf that works away from this machine's loopback."""
    text = Path("/etc/resolv.conf").read_text()
    behind = Path("/run/systemd/resolve/resolv.conf")
    return behind.read_text() if "nameserver 127." in text and behind.exists() else text


def own_certificates() -> list[str]:
    """Return the certificates that this machine trusts beyond those Debian ships."""
    bundle = Path(os.environ.get("SSL_CERT_FILE", CA_BUNDLE))
    shipped: set[str] = set()
    for path in Path("/usr/share/ca-certificates").glob("**/*.crt"):
        shipped.update(_certificates(path))
    return [pem for pem in _certificates(bundle) if pem not in shipped]


def apt_settings() -> str:
    """Return how this machine's apt reaches its mirrors: proxy, certificates, date checks."""
    settings = [
        f'Acquire::{scheme}::Proxy "{os.environ[f"{scheme}_proxy"]}";'
        for scheme in ("http", "https")
        if os.environ.get(f"{scheme}_proxy")
    ]
    if shutil.which("apt-config"):
        wanted = re.compile(r"Acquire::(https?::|Check-)(?!.*Auto)[^\n]*[^\"]\";$", re.M)
        settings += [found.group() for found in wanted.finditer(run("apt-config", "dump"))]
    return "".join(f"{line}\n" for line in settings)


def pip_settings() -> str:
    """Return a pip.conf with what this machine's pip needs to reach its index."""
    parser = configparser.RawConfigParser()
    home = Path.home()
    parser.read(["/etc/pip.conf", home / ".pip/pip.conf", home / ".config/pip/pip.conf"])
    found = dict(parser["global"]) if parser.has_section("global") else {}
    for key in _PIP_KEYS:
        found[key] = os.environ.get("PIP_" + key.upper().replace("-", "_"), found.get(key, ""))
    found["timeout"] = os.environ.get("PIP_DEFAULT_TIMEOUT", found["timeout"])
    found["cert"] = CA_BUNDLE if found["cert"] else ""
    for key in ("index-url", "extra-index-url"):  # A folder of this machine does not exist on the host.
        found[key] = " ".join(url for url in found[key].split() if url.startswith("http"))
    return "[global]\n" + "".join(f"{key} = {found[key]}\n" for key in _PIP_KEYS if found[key])


def _certificates(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return [pem.rstrip() + "\n" for pem in _PEM.findall(path.read_text("utf-8", "replace"))]
