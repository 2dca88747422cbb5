"""The tools that the bench compares: how each is started, and the virtualenvs they run from."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fabfile.throwaway import base_trees

ROOT = Path(__file__).parents[1]
PEERS_NEED = ("pyinfra==3.10", "fabric")


@dataclass(frozen=True)
class Tool:
    """One way to do the job. Tools of the same `place` share a host and a repository."""

    name: str
    place: str
    folder: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


FAST = {"RESTART": "hup", "MANAGE": "skip", "NODELAY": "1"}
BASH = Tool("bash", "scripts", "bash")
FABRIC_ONE = Tool("fabric-one", "scripts", "fabric-one", {"NODELAY": "1"})
FABRIC_FAST = Tool("fabric-fast", "scripts", "fabric-one", FAST)
PYINFRA = Tool("pyinfra", "pyinfra", "pyinfra")
ROADIE = Tool("roadie", "roadie")

ROADIE_TASKS = {
    "bootstrap": ("bootstrap",),
    "deploy": ("deploy",),
    "rollback": ("rollback",),
    "site": ("bootstrap", "deploy"),
}


def peers_virtualenv(given: str | None) -> Path:
    """Return the virtualenv of the other tools: the given one, or one that the bench makes and keeps."""
    if given:
        return Path(given).absolute()
    return _virtualenv("peers", " ".join(PEERS_NEED), PEERS_NEED)


def roadie_virtualenv() -> Path:
    """Return a virtualenv with roadie installed as users do. It is made anew when roadie's sources change."""
    sources = [path for name in ("fabfile", "templates") for path in sorted((ROOT / name).rglob("*"))]
    files = [path for path in sources if path.is_file() and "__pycache__" not in path.parts]
    digest = hashlib.sha256()
    for path in (*files, ROOT / "setup.py"):
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    with tempfile.TemporaryDirectory() as folder:  # built from a copy: a build leaves files in its folder
        for path in (*files, *(ROOT / name for name in ("setup.py", "pyproject.toml", "README.rst"))):
            copy = Path(folder, path.relative_to(ROOT))
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        return _virtualenv("roadie", digest.hexdigest(), (folder,))


def _virtualenv(name: str, made_of: str, requirements: Sequence[str]) -> Path:
    path = base_trees.cache().parent / "bench" / name
    stamp = path / "made-of"
    if not stamp.exists() or stamp.read_text() != made_of:
        print(f"Making the virtualenv {path}", file=sys.stderr)
        stamp.unlink(missing_ok=True)
        if not (path / "bin/pip").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", path], check=True, env=environment())
        pip: list[str | Path] = [path / "bin/python", "-m", "pip", "install", "-qq"]
        _quietly(*pip, *requirements)
        if name == "roadie":  # the version is the same, so pip would keep the older code
            _quietly(*pip, "--force-reinstall", "--no-deps", *requirements)
        stamp.write_text(made_of)
    return path


def _quietly(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, env=environment())


def environment(**values: object) -> dict[str, str]:
    """Return this process's environment without variables that would change how a tool works."""
    ours = ("ROADIE_", "VIRTUAL", "PYTHON")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {**kept, **{key: str(value) for key, value in values.items()}}
