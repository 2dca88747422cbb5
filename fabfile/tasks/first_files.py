"""The two files that `roadie init` writes: a fabfile with roadie's tasks, and a short fabric.yaml."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context

from ..display.current import tell
from ..settings.layers import KEY
from ..settings.reading import Settings, read

if TYPE_CHECKING:
    from ..project.project import Project

FABFILE = '''\
"""Deployment. `fab help` says what there is; tasks of your own go below."""

from roadie import *  # noqa: F403
'''
LINE = "from roadie import *"
SETTINGS = """\
# What roadie has to know of this site. The project says the rest. `fab help` lists the commands.
roadie:
  # the name that visitors type; several are a list, and the first one is the canonical one
  domain: {domain}
  # the server: [user@]host[:port], or a name of ~/.ssh/config; -H on the command line wins
  {hosts}
  # https with a certificate of Let's Encrypt, to whose terms you agree by this line; off is http
  tls: letsencrypt
{settings_module}{beside}"""
_CELERY = """\
  # the project has a Celery application: a worker for its tasks{and_beat}
  celery: {value}
"""
_REDIS = """\
  # a Redis of the site's own, for queues and caches
  redis: true
"""
_NO_HOSTS = "# hosts: [root@your.server]"


def settings_of(c: Context) -> Settings | None:
    """The settings that are here already; None if there are none. Raises SettingsError if they are wrong."""
    return read(c) if KEY in c.config else None


def write(settings: Settings, beside: str = "", *, is_known: bool) -> Iterator[tuple[bool, str, str]]:
    """Write the files that are missing, and say of each other one which lines to add, if any."""
    yield from _write_fabfile(settings.root)
    if is_known:
        tell("", "fabric.yaml has roadie's settings already; left as it is")
        return
    module = settings.settings_module and f"  settings_module: {settings.settings_module}\n"
    text = SETTINGS.format(
        domain=settings.domain[0], hosts=_hosts(settings), settings_module=module, beside=beside
    )
    file = _first(settings.root, "fabric.yaml", "fabric.yml")
    if not file:
        _write(_shown(settings.root / "fabric.yaml"), text)
        return
    tell("", f"{file} is there already; add these lines to it:")
    for line in text.splitlines()[1:]:
        if not line.lstrip().startswith("#"):
            tell("", f"    {line}")
    yield False, str(file), "lacks the lines"


def lines_beside(project: Project) -> str:
    """The lines for what the project needs beside the web."""
    has_schedule = project.celery.has_schedule
    value, and_beat = ("{beat: true}", ", and beat for its schedule") if has_schedule else ("true", "")
    celery = _CELERY.format(value=value, and_beat=and_beat) if project.celery.app else ""
    return celery + (_REDIS if project.wants_redis else "")


def _write_fabfile(folder: Path) -> Iterator[tuple[bool, str, str]]:
    file = _first(folder, "fabfile.py", "fabfile/__init__.py")
    if not file:
        _write(_shown(folder / "fabfile.py"), FABFILE)
    elif _imports_roadie(file.read_bytes()):
        tell("", f"{file} has roadie's tasks already; left as it is")
    else:
        tell("", f"{file} is there already; add this line to it: {LINE}")
        yield False, str(file), "lacks the line"


def _first(folder: Path, *names: str) -> Path | None:
    """The first of these files that exists in the folder, as seen from here."""
    return next((_shown(folder / name) for name in names if (folder / name).exists()), None)


def _shown(path: Path) -> Path:
    return Path(os.path.relpath(path))


def _imports_roadie(source: bytes) -> bool:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return any(name.partition(".")[0] == KEY for name in names)


def _hosts(settings: Settings) -> str:
    if not settings.hosts:
        return _NO_HOSTS
    plain = (one if re.fullmatch(r"[A-Za-z][\w.@-]*", one) else json.dumps(one) for one in settings.hosts)
    return f"hosts: [{', '.join(plain)}]"


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    tell("", f"wrote {path}")
