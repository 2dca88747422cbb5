"""Every stage that roadie knows, and the sequences they make up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One named step towards a working site, and the script that takes it.

    `template` is looked for in the project's own `roadie-templates/` first, then in roadie's.
    `user` is "root" for a script in the words of lib.sh, or "app" (the default) for a plain
    bash script that runs as the site's own user, in the folder of manage.py once there is a release.
    """

    name: str
    summary: str
    template: str
    user: str = "app"


def _stage(place: str, summary: str) -> Stage:
    return Stage(place.rpartition("/")[2], summary, f"{place}.sh.j2", user="root")


Sequence = tuple[Stage, ...]

packages = _stage("packages/packages", "Install the Debian packages that the site needs.")
site = _stage("site/site", "Make the site's system users and folders.")
mysql = _stage("mysql/mysql", "Make the site's database and its user.")
virtualenv = _stage("virtualenv/virtualenv", "Build the virtualenv for the project's requirements.")
supervisor = _stage("supervisor/supervisor", "Have Supervisor start the site at boot and after a crash.")
nginx = _stage("nginx/nginx", "Serve the site through nginx.")
logrotate = _stage("logrotate/logrotate", "Rotate the logs of nginx and of roadie.")

PROVISION: Sequence = (packages, site, mysql, virtualenv, supervisor, nginx, logrotate)

live = _stage("release/live", "Find the release that serves.")
survey = _stage("code/survey", "Tell what the host has, so that only what it lacks is sent.")
load = _stage("early-start/load", "Have the release's process begin, which loads what every release needs.")
receive = _stage("code/receive", "Take in the code that the host lacks.")
checkout = _stage("code/checkout", "Lay out the code as a new release.")
secrets = _stage("secrets/secrets", "Hand over the secrets of the settings.")
environment = _stage("release/environment", "Write the release's environment and settings.")
prestart = _stage("web/prestart", "Begin the check; start the release beside it if it seems to need no more.")
inspect = _stage("inspection/inspect", "Check the project as it will run.")
static = _stage("release/static", "Collect the static files.")
pending = _stage("migrations/pending", "Ask what is to be applied.")
dump = _stage("database/dump", "Dump the database before it is migrated.")
restore = _stage("database/restore", "Bring the database back to a dump.")
migrate = _stage("migrations/migrate", "Bring the database to the release's code.")
start = _stage("web/start", "Start the release in the idle slot.")
gate = _stage("gate/gate", "Ask the new release for a page before any visitor can.")
switch = _stage("web/switch", "Move the site to the new release.")
watch = _stage("gate/watch", "Watch the new release; go back if it begins to fail.")
retire = _stage("web/retire", "Drain and stop the release before.")
prune = _stage("release/prune", "Remove what no release uses any more.")
links = _stage("virtualenv/links", "Lay out what the next virtualenv starts from.")
history = _stage("release/history", "Tell of the releases that the host has.")
back = _stage("release/back", "Find the release to go back to.")
warm = _stage("gate/warm", "Start the older release before the database is changed for it.")
unapply = _stage("migrations/unapply", "Take back the migrations that the older release does not know.")
leave = _stage("release/leave", "Mark the release that was left.")

DEPLOY: Sequence = (
    secrets,
    load,
    virtualenv,
    receive,
    checkout,
    environment,
    prestart,
    inspect,
    static,
    dump,
    migrate,
    start,
    gate,
    switch,
    watch,
    retire,
    links,
    prune,
)

lock = _stage("lock/lock", "Hold the site back on purpose.")
unlock = _stage("lock/unlock", "Let go of the lock.")
doors = _stage("maintenance/doors", "Ask whether visitors see the site.")
close = _stage("maintenance/close", "Show every other visitor the maintenance page.")
reopen = _stage("maintenance/reopen", "Show the site again.")

claim = _stage("removal/claim", "Make sure that the site is roadie's own.")
unserve = _stage("removal/unserve", "Take the site out of nginx.")
stop = _stage("removal/stop", "Drain and stop the site's programs.")
clear = _stage("removal/clear", "Remove what a deploy makes again.")
drop = _stage("removal/drop", "Drop the site's database and its user.")
erase = _stage("removal/erase", "Remove the site's data, logs and users.")

MIGRATE: Sequence = (live, pending, dump, migrate)
MIGRATE_PLAN: Sequence = (live, pending)
RESTORE: Sequence = (live, restore)
FINISH: Sequence = (live, watch, retire, prune)
RESTART: Sequence = (live, start, gate, switch, retire, prune)
HISTORY: Sequence = (history,)
# After `back`, and what has to be done for the database.
ROLLBACK: Sequence = (start, gate, switch, retire, prune, leave)
FINISH_ROLLBACK: Sequence = (live, retire, prune, leave)
LOCK: Sequence = (lock,)
UNLOCK: Sequence = (unlock,)
DOORS: Sequence = (doors,)
MAINTENANCE_ON: Sequence = (close,)
MAINTENANCE_OFF: Sequence = (reopen,)
REMOVE: Sequence = (claim, unserve, stop, clear)
PURGE: Sequence = (*REMOVE, drop, erase)

_in_use: dict[str, Sequence] = {"bootstrap": PROVISION, "deploy": DEPLOY}


def use(*, bootstrap: Sequence | None = None, deploy: Sequence | None = None) -> None:
    """Have `bootstrap` or `deploy` run other stages than roadie's own.

    For example `roadie.use(deploy=(*roadie.DEPLOY, warm_cache))`; call it at the top of the fabfile.
    """
    if bootstrap is not None:
        _in_use["bootstrap"] = tuple(bootstrap)
    if deploy is not None:
        _in_use["deploy"] = tuple(deploy)


def in_use(name: str) -> Sequence:
    """The stages that `bootstrap` or `deploy` runs."""
    return _in_use[name]
