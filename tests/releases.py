"""A release in a test's folder, laid out as a deploy lays it out. Django runs in it as on a host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import projects
from roadie.git.trees import FolderTree
from roadie.project.completion import complete
from roadie.project.reading import read
from roadie.project.workspace import values_of
from roadie.scripts.render import render
from roadie.settings import reading as settings
from roadie.settings.databases import DATABASES

DOMAIN = "www.example.org"
DATABASE_URL = "mysql://mysite:p%27w%25@localhost/mysite?unix_socket=/run/mysqld/mysqld.sock"
SECRET_KEY = "0123456789abcdef" * 4
# SQLite stands in for MySQL, because it needs no server.
SQLITE = "DATABASES = {'default': dict(ENGINE='django.db.backends.sqlite3', NAME='shop')}"
# No apps, so that Django starts faster in tests that need none.
BARE = ("INSTALLED_APPS, MIDDLEWARE, TEMPLATES, ROOT_URLCONF = [], [], [], 'mysite.no_urls'",)
MODULES = (
    *(
        f"in-project/{name}.py"
        for name in "overlay guard release migrations lint phases locks start serving front".split()
    ),
    "in-project/settings.py.j2",
    "in-project/site.py.j2",
    "early-start/gunicorn.py",
)


@dataclass(frozen=True)
class Release:
    """One release of a site below `root`. `env` is the environment of its processes."""

    root: Path
    env: Mapping[str, str]
    manage_dir: str = ""

    @property
    def folder(self) -> Path:
        return self.root / "releases/1"

    @property
    def static(self) -> Path:
        return self.folder / "static"

    @property
    def media(self) -> Path:
        return self.root / "shared/media"

    def module(self, name: str) -> str:
        return (self.folder / f"overlay/{name}.py").read_text()

    def python(self, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *argv],
            cwd=self.folder / "code" / self.manage_dir,
            env={**self.env, **env},
            capture_output=True,
            text=True,
        )

    def ask(self, call: str, *seconds: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Call a function of roadie's modules in the release, as stages do."""
        return self.python("-m", "roadie_start", call, *seconds, **env)

    def serve(self, interface: str = "wsgi") -> subprocess.CompletedProcess[str]:
        """Import the application, as a worker of Gunicorn does."""
        return self.python("-c", f"from roadie_{interface} import application; print('serves')")

    def settings(self, *names: str, **env: str) -> dict[str, Any]:
        """Return the final values of these Django settings."""
        ask = (
            "import json; from django.conf import settings; "
            f"print(json.dumps({{name: getattr(settings, name) for name in {names}}}, default=str))"
        )
        done = self.python("-c", ask, **env)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def answers(self, line: str, **env: str) -> list[tuple[str, str]]:
        """Return the (key, value) answers of roadie's modules to this call, in order."""
        lines = self.ask(line, **env).stdout.splitlines()
        found = [one.partition("roadie:\t")[2].split("\t") for one in lines if "roadie:\t" in one]
        return [(key, value) for key, value in found]


def lay_out(
    root: Path, *, env: Mapping[str, str] | None = None, database: str = "mysql", **chosen: Any
) -> Release:
    """Make a release of the project in root/releases/1/code, with these settings of roadie's."""
    folder = root / "releases/1"
    given = settings.load({"domain": DOMAIN, **chosen}, "fabric.yaml", folder / "code")
    found = read(FolderTree(folder / "code"), given)
    completed = complete(given, found)
    values = {
        **values_of(completed),
        "project": found,
        "database": replace(DATABASES["mysql"], name=database),
        "database_name": completed.app,
    }
    (folder / "overlay").mkdir()
    for path in MODULES:
        text = render(path, None, values)
        (folder / f"overlay/roadie_{Path(path).name.partition('.')[0]}.py").write_text(text)
    served = render("in-project/application.py.j2", None, values)
    (folder / f"overlay/roadie_{completed.interface}.py").write_text(served)
    release = Release(root, {}, found.manage_dir)
    has_overlay = completed.overlay or completed.django
    return replace(
        release,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(folder / "overlay"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "roadie_settings" if has_overlay else found.settings_module,
            "ROADIE_SECRET_KEY": SECRET_KEY,
            "ROADIE_DATABASE_URL": DATABASE_URL,
            "ROADIE_STATIC_ROOT": str(release.static),
            "ROADIE_MEDIA_ROOT": str(release.media),
            **(env or {}),
        },
    )


def startproject(root: Path, *more: str) -> Path:
    """Write a startproject as a release's code, with lines added to its settings. Return their path."""
    folder = root / "releases/1/code"
    projects.startproject(folder)
    path = folder / "mysite/settings.py"
    path.write_text("\n".join([path.read_text(), *more, ""]))
    return path


def on_sqlite(root: Path, *lines: str, whole: bool = False, **chosen: Any) -> Release:
    """Make a release of a startproject on SQLite, with lines added to its settings. `whole` keeps apps."""
    path = startproject(root, SQLITE, *(() if whole else BARE), *lines)
    (path.parent / "no_urls.py").write_text("urlpatterns = []\n")
    return lay_out(root, app="shop", database="sqlite", **chosen)


def said(release: Release, key: str, line: str = "release.inspect('{}')", **env: str) -> list[str]:
    """Return the answers of roadie's modules under this key."""
    into = release.root / "collected"
    return [value for found, value in release.answers(line.format(into), **env) if found == key]


def refused(release: Release, **env: str) -> list[str]:
    return said(release, "refuse", **env)
