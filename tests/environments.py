"""Virtualenvs to install roadie into. They need no network, and each counts as a new one."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Environment:
    """A new virtualenv that sees the packages of the running one, but not its editable installs."""

    folder: Path

    def __post_init__(self) -> None:
        venv.create(self.folder, symlinks=True)
        ours = [path for path in sys.path if path.endswith("-packages")]
        [site] = self.folder.glob("lib/python*/site-packages")
        (site / "ours.pth").write_text("\n".join(ours))

    @property
    def python(self) -> Path:
        return self.folder / "bin/python"

    def run(self, *argv: str, cwd: Path) -> str:
        """Run the virtualenv's Python, which must succeed. Return its output."""
        return run(self.python, *argv, cwd=cwd)

    def pip(self, *args: str, cwd: Path) -> None:
        """Install packages that lie on this machine."""
        offline = ["--no-deps", "--no-index", "--no-build-isolation", "--quiet"]
        command = ["-m", "pip", "--python", self.python, "install", "--ignore-installed"]
        run(sys.executable, *command, *args, *offline, cwd=cwd)


def build(source: Path, folder: Path) -> str:
    """Build the sdist of a tree, and the wheel from that sdist. Return the output of the build."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def run(*argv: str | Path, cwd: Path) -> str:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
