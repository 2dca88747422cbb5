"""Requirements in each form that a project may have, put in the place of a project's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

LOCKS = Path(__file__).parents[1] / "locks"
#: what tests/locks names in place of an index
NO_INDEX = "https://index.example.org/simple"


def lock(project: Path, form: str) -> None:
    """Replace the project's requirements by those of one form: uv, poetry, pipenv or pdm."""
    for path in project.glob("*"):
        if path.name in ("requirements.txt", "Pipfile") or path.suffix in (".toml", ".lock"):
            path.unlink()
    for path in (LOCKS / form).iterdir():
        shutil.copy(path, project)
    pipfile_lock = project / "Pipfile.lock"
    if pipfile_lock.exists():
        pipfile_lock.write_text(pipfile_lock.read_text().replace(NO_INDEX, pips_index()))


def pips_index() -> str:
    """Return the URL of the index that pip asks, as pip's own help has it."""
    argv = [sys.executable, "-m", "pip", "install", "--help"]
    told = subprocess.run(argv, env={**os.environ, "COLUMNS": "300"}, capture_output=True, text=True).stdout
    found = re.search(r"Python Package Index \(default (\S+)\)", told)
    assert found, told
    return found[1]
