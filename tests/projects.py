"""Django projects for tests to deploy, each in git: unedited startprojects, and copies of the examples."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from roadie.scripts.render import TEMPLATES

TESTS = Path(__file__).parent
EXAMPLES = TESTS.parent / "examples"
# The files that `django-admin startproject` of Django 5.2 writes, with a placeholder for the project's name.
STARTPROJECT = TESTS / "startproject"
REQUIREMENTS = "Django==5.2.19\n"
FABFILE = "from roadie import *\n"


def startproject(folder: Path, name: str = "mysite", requirements: str = REQUIREMENTS) -> Path:
    """Make and commit an unedited startproject with a requirements file. `settings()` adds roadie's files."""
    for template in STARTPROJECT.rglob("*-tpl"):
        path = folder / str(template.relative_to(STARTPROJECT)).replace("project/", f"{name}/")
        path = path.with_name(path.name.removesuffix("-tpl"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template.read_text("utf-8").replace("{{ name }}", name), "utf-8")
        shutil.copymode(template, path)
    (folder / "requirements.txt").write_text(requirements)
    git_repo(folder)
    return folder


def example(name: str, folder: Path) -> Path:
    """Copy an example into a new git repository, and commit it."""
    leftovers = shutil.ignore_patterns("__pycache__", "*.sqlite3", "media", "*.log")
    shutil.copytree(EXAMPLES / name, folder, ignore=leftovers, dirs_exist_ok=True)
    git_repo(folder)
    return folder


def settings(folder: Path, **values: object) -> None:
    """Write the project's fabfile.py and fabric.yaml (as JSON, which is valid YAML). Commit nothing."""
    (folder / "fabfile.py").write_text(FABFILE)
    (folder / "fabric.yaml").write_text(json.dumps({"roadie": values}, indent=2))


def own_frame(folder: Path, words: str) -> Path:
    """Give the project its own frame, which has these lines of shell before `main`. Return its path."""
    whole = (TEMPLATES / "frame/stage.sh.j2").read_text()
    beginning = "\nmain() {\n"
    assert whole.count(beginning) == 1
    own = folder / "roadie-templates/frame/stage.sh.j2"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(whole.replace(beginning, f"\n{words}{beginning}"))
    return own


def git_repo(folder: Path) -> str:
    """Make the folder a git repository with all its files in one commit. Return the commit's hash."""
    git(folder, "init", "-q", "-b", "main")
    return commit(folder, "Start")


def commit(folder: Path, message: str = "Change") -> str:
    """Commit all changes. Return the commit's hash."""
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def change_line(path: Path, old: str, new: str) -> None:
    """Replace a text that must occur exactly once in a file."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {path}"
    path.write_text(text.replace(old, new), "utf-8")


def retitle(guestbook: Path, title: str) -> None:
    """Commit the guestbook with another title on its first page."""
    page = guestbook / "entries/templates/entries/index.html"
    change_line(page, "<h1>Guestbook</h1>", f"<h1>{title}</h1>")
    commit(guestbook, title)


def git(folder: Path, *args: str) -> str:
    """Run git in the folder as a made-up developer. Return its output."""
    known = {"user.name": "A developer", "user.email": "dev@example.org", "commit.gpgsign": "false"}
    options = [word for key, value in known.items() for word in ("-c", f"{key}={value}")]
    argv = ["git", "-C", str(folder), *options, *args]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
