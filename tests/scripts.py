"""Renders scripts as a host gets them, for many kinds of settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from roadie.git.trees import FolderTree
from roadie.look.logs import Wanted
from roadie.project.completion import complete
from roadie.project.project import Project
from roadie.project.reading import read
from roadie.project.workspace import Workspace
from roadie.release.record import NewRelease
from roadie.scripts import stages
from roadie.scripts.render import render
from roadie.scripts.stage import Stage
from roadie.settings.reading import load
from roadie.tasks.past import Rollback

GUESTBOOK = Path(__file__).parents[1] / "examples" / "guestbook"
RELEASE = NewRelease(
    id="20261123T120000Z-0123abcd",
    commit="0123abcd" * 5,
    tree="89ef4567" * 5,
    fingerprint="f" * 64,
    record='{"id": "20261123T120000Z-0123abcd"}',
)
ROLLBACK = Rollback(
    serves="20261122T120000Z-4567cdef",
    unknown=("entries.0003_mood",),
    knows="20261122T120000Z-4567cdef",
    dump="/var/backups/roadie/dumps/guestbook/20261122T115900Z-before-20261122T120000Z-4567cdef.sql.gz",
)
RUN: Mapping[str, Any] = {
    "nonce": "0" * 32,
    "dry_run": False,
    "locks": True,
    "wait": 0,
    "who": "ann at desk",
    "command": "fab deploy",
}


def values(**chosen: Any) -> dict[str, Any]:
    """Return the values that a template gets for the guestbook with these settings."""
    given = {"app": "guestbook", "domain": "guestbook.example.org", **chosen}
    settings = load(given, "fabric.yaml", GUESTBOOK)
    settings = replace(settings, templates="/nonexistent")
    project = _guestbook(chosen.get("database", ""))
    return {
        **Workspace(complete(settings, project), project).values,
        "release": RELEASE,
        "files": {"guestbook/local_settings.py": "KEY = 'it is $(id)'\n", ".env": "A=1"},
        "virtualenv_files": {"site-packages/shop/local.py": "KEY = 'it is $(id)'\n"},
        "build_virtualenv_files": {"site-packages/shop/local.py": "KEY = 'none'\n"},
        "build_files": {"guestbook/local_settings.py": "KEY = 'none'\n", ".env": "A=1"},
        "put_right": "shop.0003_drop_note",
        "restore_dump": "20261123T120000Z-before-20261123T115900Z-0123abcd.sql.gz",
        "secrets": {"MAIL_PASSWORD": 'it\'s; $(id) `id` "x"'},
        "once": {"done": "data", "again": ""},
        "rollback": ROLLBACK,
        "run": RUN,
        "message": "It's <b>new</b> \\ $(id)",
        "addresses": ["203.0.113.7"],
        "purge": True,
        "logs": Wanted(of=("app", "nginx"), since="1764406800", grep="it's $(id)", follow=True),
        "stages": stages.DEPLOY,
    }


@cache
def _guestbook(database: str) -> Project:
    chosen = {"database": database} if database else {}
    settings = load({"domain": "guestbook.example.org", **chosen}, "fabric.yaml", GUESTBOOK)
    return read(FolderTree(GUESTBOOK), settings)


def script(stages: tuple[Stage, ...], *, run: Mapping[str, Any] = RUN, **chosen: Any) -> str:
    """Return the whole script of those of these stages that have work to do for such a site."""
    given = values(**chosen)
    kept = tuple(stage for stage in stages if stage.when(given["settings"], given["project"]))
    return render("frame/stage.sh.j2", None, {**given, "run": run, "stages": kept})


def text(template: str) -> str:
    """Render one template for a site with a program. Files that the template writes appear only by name."""
    kind = {"database": "postgresql"} if template.startswith("postgresql/") else {}
    seen = values(
        programs={"alerts": "manage.py sendalerts"},
        once={"data": "manage.py loaddata start"},
        cron={"sessions": "0 4 * * * manage.py clearsessions"},
        redis=True,
        celery={"app": "shop.celery", "beat": True},
        **kind,
    )
    return render(template, None, {**seen, "contents": "<text of {}>".format})
