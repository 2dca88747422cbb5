"""OpenSSH's rules for host keys: known, unknown, changed or revoked."""

from __future__ import annotations

import base64
import binascii
import fcntl
import hashlib
import hmac
import os
import secrets
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

SSH_PORT = 22
#: how a key revocation list (KRL) begins
_KRL = b"SSHKRL\n\0"


class Verdict(Enum):
    """The verdict of the known_hosts files on a host's key."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Line:
    """One line of a known_hosts file."""

    marker: str
    names: str
    kind: str
    key: bytes
    where: str

    def is_for(self, name: str) -> bool:
        """Whether this line is for that host. Lines may have hashes, wildcards and `!`."""
        if self.names.startswith("|1|"):
            return _is_hash_of(self.names, name)
        patterns = self.names.lower().split(",")
        if any(each[0] == "!" and _matches(each[1:], name) for each in patterns if each):
            return False
        return any(_matches(each, name) for each in patterns)


@dataclass(frozen=True)
class Finding:
    """A verdict, and the line that decided it (file:line)."""

    verdict: Verdict
    where: str = ""


def name_of(host: str, port: int, alias: str = "") -> str:
    """The name of a host in known_hosts files."""
    if alias:
        return alias.lower()
    return host.lower() if port == SSH_PORT else f"[{host.lower()}]:{port}"


def judge(files: Sequence[Path], name: str, kind: str, key: bytes) -> Finding:
    """Judge the key of a host by the known_hosts files."""
    finding = _judge(_lines_for(files, name), kind, key)
    if finding.verdict is Verdict.UNKNOWN and name.startswith("["):
        # Like OpenSSH: a key that is known for the standard port is accepted on another port too.
        bare = _judge(_lines_for(files, _without_port(name)), kind, key)
        if bare.verdict is not Verdict.CHANGED:
            return bare
    return finding


def known_kinds(files: Sequence[Path], name: str) -> list[str]:
    """The kinds of the known keys of a host. roadie asks the host for a key of these kinds first."""
    lines = list(_lines_for(files, name)) or list(_lines_for(files, _without_port(name)))
    return [line.kind for line in lines if not line.marker]


def remember(file: Path, name: str, kind: str, key: bytes, *, is_hashed: bool) -> None:
    """Append a host's key to a file. Other programs may append to the file at the same time."""
    names = _hash(name) if is_hashed else name
    line = f"{names} {kind} {base64.b64encode(key).decode()}\n".encode()
    if not file.parent.is_dir():
        file.parent.mkdir(mode=0o700, parents=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "r+b", buffering=0) as known:
        fcntl.flock(known, fcntl.LOCK_EX)
        size = known.seek(0, os.SEEK_END)
        if size and os.pread(known.fileno(), 1, size - 1) != b"\n":
            line = b"\n" + line
        known.write(line)


def fingerprint(key: bytes) -> str:
    """A key's fingerprint as OpenSSH prints it."""
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def signing(kind: str) -> set[str]:
    """The algorithms by which a kind of key signs."""
    if not kind.startswith("ssh-rsa"):
        return {kind}
    return {f"rsa-sha2-{bits}{kind.removeprefix('ssh-rsa')}" for bits in (256, 512)}


def rsa_bits(key: bytes) -> int:
    """The size of an RSA key in bits; 0 for other kinds."""
    kind, _, number, *_ = (*strings(key), b"", b"", b"")
    return int.from_bytes(number, "big").bit_length() if kind == b"ssh-rsa" else 0


def is_listed(file: Path, key: bytes) -> bool:
    """Whether a file of revoked keys, plain text or a KRL, has this key. Raises OSError if it cannot tell."""
    text = file.read_bytes()
    if not text.startswith(_KRL):
        return base64.b64encode(key) in text.split()
    blob = base64.b64encode(key)
    line = b"%s %s\n" % (next(strings(key)), blob)
    # ssh-keygen knows the format. Its exit code is 0 for a key that is not revoked, 1 for a revoked one.
    asking = ["ssh-keygen", "-Qf", str(file), "/dev/stdin"]
    done = subprocess.run(asking, input=line, capture_output=True, timeout=20)
    if done.returncode not in (0, 1):
        raise OSError(0, done.stderr.decode("utf-8", "replace").strip() or "ssh-keygen -Qf failed")
    return done.returncode == 1


def strings(blob: bytes) -> Iterator[bytes]:
    """The strings of a public key or a certificate: in the SSH protocol the length stands before each."""
    while len(blob) > 4:
        end = 4 + int.from_bytes(blob[:4], "big")
        yield blob[4:end]
        blob = blob[end:]


def _judge(lines: Iterable[Line], kind: str, key: bytes) -> Finding:
    found = Finding(Verdict.UNKNOWN)
    for line in lines:
        is_same = line.kind == kind and line.key == key
        if line.marker == "@revoked" and is_same:
            return Finding(Verdict.REVOKED, line.where)
        if not line.marker and is_same:
            found = Finding(Verdict.KNOWN, line.where)
        elif not line.marker and found.verdict is Verdict.UNKNOWN:
            found = Finding(Verdict.CHANGED, line.where)
    return found


def _without_port(name: str) -> str:
    return name[1:].rpartition("]:")[0] if name.startswith("[") else name


def _lines_for(files: Iterable[Path], name: str) -> Iterator[Line]:
    for file in files:
        yield from (line for line in _load(file) if line.is_for(name))


def _load(file: Path) -> tuple[Line, ...]:
    try:
        state = file.stat()
    except OSError:
        return ()
    return _parse(file, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=32)
def _parse(file: Path, _changed_at: int, _size: int) -> tuple[Line, ...]:
    text = file.read_bytes().decode("utf-8", "replace")
    lines = (_line(each, f"{file}:{number}") for number, each in enumerate(text.splitlines(), 1))
    return tuple(line for line in lines if line)


def _line(text: str, where: str) -> Line | None:
    fields = text.split()
    marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
    # Paramiko cannot check host certificates, so a host with only a certificate authority is unknown.
    if len(fields) < 3 or fields[0].startswith("#") or marker == "@cert-authority":
        return None
    try:
        return Line(marker, fields[0], fields[1], base64.b64decode(fields[2]), where)
    except binascii.Error:
        return None


def _matches(pattern: str, name: str) -> bool:
    # Only * and ? are special to OpenSSH; the brackets of [host]:port are not.
    return fnmatchcase(name, pattern.replace("[", "[[]"))


def _hash(name: str) -> str:
    salt = secrets.token_bytes(20)
    parts = (base64.b64encode(each).decode() for each in (salt, _digest(salt, name)))
    return f"|1|{'|'.join(parts)}"


def _is_hash_of(hashed: str, name: str) -> bool:
    try:
        _, _, salt, digest = hashed.split("|")
        return _digest(base64.b64decode(salt), name) == base64.b64decode(digest)
    except ValueError:
        return False


def _digest(salt: bytes, name: str) -> bytes:
    return hmac.digest(salt, name.encode(), "sha1")
