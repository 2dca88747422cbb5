"""Every stage of roadie, and the sequences of these stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..settings.databases import DATABASES
from ..settings.placed import IN_VIRTUALENV
from .stage import Sequence, Stage, always

if TYPE_CHECKING:  # `fab --list` needs the table only, and must stay quick.
    from ..project.project import Project
    from ..settings.schema import Settings
    from .stage import When


def _stage(
    place: str,
    summary: str,
    needs: tuple[str, ...] = (),
    when: When = always,
    role: str = "web",
    step: str = "",
) -> Stage:
    name = place.rpartition("/")[2]
    return Stage(name, summary, f"{place}.sh.j2", "root", needs, when, role, step)


def _database(kind: str) -> Stage:
    """The stage that makes the site's database, for sites with this kind of database."""

    def is_chosen(settings: Settings, project: Project | None) -> bool:
        return settings.database == kind

    summary = "Make the site's database and its user."
    needs = ("secrets", "database") if DATABASES[kind].is_provisioned else ()
    return _stage(f"{kind}/{kind}", summary, needs, is_chosen, role="db")


def _is_dumped(settings: Settings, project: Project | None) -> bool:
    return settings.dump_before_migrate


def _shares(settings: Settings, project: Project | None) -> bool:
    return bool(settings.shared)


def _builds(settings: Settings, project: Project | None) -> bool:
    return bool(settings.build)


def _has_files(settings: Settings, project: Project | None) -> bool:
    return any(not path.startswith(IN_VIRTUALENV) for path in settings.files)


def _is_watched(settings: Settings, project: Project | None) -> bool:
    return settings.watch > 0


def _knows_django(settings: Settings, project: Project | None) -> bool:
    return project is not None and project.django is not None


def _has_redis(settings: Settings, project: Project | None) -> bool:
    return bool(settings.redis)


def _has_once(settings: Settings, project: Project | None) -> bool:
    return bool(settings.once)


def _has_index_requirements(settings: Settings, project: Project | None) -> bool:
    """Whether all requirements come from an index, and none from folders of the project's code."""
    return project is None or not project.needs_tree


versions = _stage(
    "versions/versions",
    "See whether the project's Django runs with what the host has.",
    needs=("database", "virtualenv/pythons"),
    when=_knows_django,
    role="",
    step="packages",
)
packages = _stage(
    "packages/packages", "Install the Debian packages that the site needs.", needs=("nginx",), role=""
)
site = _stage("site/site", "Make the site's system users and folders.", needs=("secrets",), role="")
databases = {kind: _database(kind) for kind in DATABASES}
external = databases["external"]
mysql = databases["mysql"]
postgresql = databases["postgresql"]
sqlite = databases["sqlite"]
redis = _stage(
    "redis/redis", "Run a Redis of the site's own.", needs=("redis",), when=_has_redis, role="worker"
)
virtualenv = _stage(
    "virtualenv/virtualenv",
    "Build the virtualenv for the project's requirements.",
    needs=(
        "early-start",
        "virtualenv",
        *(f"virtualenv/{name}" for name in ("downloads", "pythons", "failures", "forms")),
    ),
    role="",
)
supervisor = _stage(
    "supervisor/supervisor", "Have Supervisor start the site at boot and after a crash.", role=""
)
nginx = _stage("nginx/nginx", "Serve the site through nginx.", needs=("nginx",))
tls = _stage("tls/tls", "Serve the site by https, with a certificate.", needs=("nginx", "tls"))
logrotate = _stage("logrotate/logrotate", "Rotate the logs of nginx and of roadie.", role="")

# The certificate comes last: if its authority refuses it, all else is ready.
PROVISION: Sequence = (
    packages,
    site,
    *databases.values(),
    redis,
    virtualenv,
    supervisor,
    nginx,
    logrotate,
    tls,
)

live = _stage("release/live", "Find the release that serves.", needs=("release",))
survey = _stage(
    "code/survey", "Tell what the host has, so that only what it lacks is sent.", needs=("release", "code")
)
outlook = _stage(
    "release/outlook", "Tell what a deploy would meet, and change nothing.", needs=("release", "database")
)
served = _stage("release/served", "End here if the release serves by now.", needs=("release",))
answers = _stage(
    "redis/answers", "Ask whether Redis answers.", needs=("redis",), when=_has_redis, step="build"
)
load = _stage(
    "early-start/load",
    "Have the release's process begin, which loads what every release needs.",
    needs=("release", "early-start", "virtualenv"),
    when=_has_index_requirements,
    step="build",
)
receive = _stage("code/receive", "Take in the code that the host lacks.", needs=("code",), step="build")
checkout = _stage(
    "code/checkout", "Lay out the code as a new release.", needs=("release", "code"), step="build"
)
build = _stage(
    "build/build",
    "Have the project's own commands make files of the release.",
    needs=("release/environment", "virtualenv"),
    when=_builds,
    step="build",
)
files = _stage(
    "code/files", "Write the files that are not in git.", needs=("code",), when=_has_files, step="build"
)
shared = _stage(
    "code/shared",
    "Link the folders that outlive releases.",
    needs=("code",),
    when=_shares,
    step="build",
)
secrets = _stage("secrets/secrets", "Hand over the secrets of the settings.", step="build")
environment = _stage(
    "release/environment",
    "Write the release's environment and settings.",
    needs=("release", "release/environment", "secrets"),
    step="build",
)
inspect = _stage(
    "inspection/inspect",
    "Check the project as it will run.",
    needs=("database", "gate", "inspection", "migrations"),
    step="build",
)
static = _stage("release/static", "Collect the static files.", needs=("release", "inspection"), step="build")
pending = _stage(
    "migrations/pending",
    "Ask what is to be applied.",
    needs=("database", "inspection", "migrations"),
    step="migrate",
)
dump = _stage(
    "database/dump",
    "Dump the database before it is migrated.",
    needs=("database", "migrations"),
    when=_is_dumped,
    step="migrate",
)
restore = _stage(
    "database/restore", "Bring the database back to a dump.", needs=("database", "web", "migrations")
)
migrate = _stage(
    "migrations/migrate",
    "Bring the database to the release's code.",
    needs=("release", "inspection", "migrations"),
    step="migrate",
)
put_right = _stage("migrations/put-right", "Forget a half done migration.", needs=("migrations",))
once = _stage(
    "once/once",
    "Run what runs one time for a site.",
    needs=("once",),
    when=_has_once,
    role="worker",
    step="migrate",
)
settle = _stage("once/settle", "Tell what has run one time.", needs=("once",))
start = _stage("web/start", "Start the release in the idle slot.", needs=("web", "early-start"), step="check")
gate = _stage(
    "gate/gate",
    "Ask the new release for a page before any visitor can.",
    needs=("web", "gate", "inspection"),
    step="check",
)
switch = _stage("web/switch", "Move the site to the new release.", needs=("release", "web"))
watch = _stage(
    "gate/watch",
    "Watch the new release; go back if it begins to fail.",
    needs=("release", "supervisor", "web", "gate", "inspection", "migrations"),
    when=_is_watched,
    step="switch",
)
programs = _stage(
    "programs/programs",
    "Replace the site's other programs by those of the new release.",
    needs=("programs",),
    role="worker",
)
cron = _stage(
    "cron/cron",
    "Have the periodic commands be those of the new release.",
    needs=("cron",),
    role="worker",
)
retire = _stage("web/retire", "Drain and stop the release before.", needs=("release", "web"), step="finish")
take_away = _stage(
    "migrations/take-away",
    "Apply the migrations that waited for the end of the release before.",
    needs=("database", "migrations", "web"),
    step="finish",
)
prune = _stage(
    "release/prune", "Remove what no release uses any more.", needs=("release", "code"), step="finish"
)
history = _stage("release/history", "Tell of the releases that the host has.", needs=("release", "database"))
back = _stage("release/back", "Find the release to go back to.", needs=("release", "migrations"))
warm = _stage(
    "gate/warm",
    "Start the older release before the database is changed for it.",
    needs=("web", "early-start", "gate", "inspection"),
    step="check",
)
way_back = _stage(
    "migrations/way-back",
    "Ask what becomes of the migrations that the older release does not know.",
    needs=("inspection", "migrations"),
    step="migrate",
)
unapply = _stage(
    "migrations/unapply",
    "Take back the migrations that the older release does not know.",
    needs=("database", "inspection", "migrations"),
    step="migrate",
)
leave = _stage("release/leave", "Mark the release that was left.", step="finish")

DEPLOY: Sequence = (
    answers,
    secrets,
    load,
    virtualenv,
    receive,
    checkout,
    build,
    files,
    shared,
    environment,
    inspect,
    static,
    dump,
    migrate,
    once,
    start,
    gate,
    switch,
    watch,
    programs,
    cron,
    retire,
    take_away,
    prune,
)

lock = _stage("lock/lock", "Hold the site back on purpose.")
unlock = _stage("lock/unlock", "Let go of the lock.")
doors = _stage("maintenance/doors", "Ask whether visitors see the site.")
close = _stage("maintenance/close", "Show every other visitor the maintenance page.")
reopen = _stage("maintenance/reopen", "Show the site again.")

status = _stage(
    "look/status",
    "Tell how the site fares.",
    needs=("release", "supervisor", "web", "database", "cron"),
    role="",
)
logs = _stage("look/logs", "Print lines of logs.", role="")

claim = _stage("removal/claim", "Make sure that the site is roadie's own.", needs=("programs",), role="")
unserve = _stage("removal/unserve", "Take the site out of nginx.", needs=("nginx", "removal"))
stop = _stage(
    "removal/stop", "Drain and stop the site's programs.", needs=("web", "programs", "cron", "redis"), role=""
)
clear = _stage("removal/clear", "Remove what a deploy makes again.", needs=("removal",), role="")
drop = _stage(
    "removal/drop",
    "Drop the site's database and its user.",
    needs=("database",),
    role="db",
)
erase = _stage("removal/erase", "Remove the site's data, logs and users.", needs=("removal",), role="")

SURVEY: Sequence = (versions, survey)
APPLY: Sequence = (live, pending, dump, migrate)
MIGRATE: Sequence = (*APPLY, take_away)
MIGRATE_PLAN: Sequence = (live, pending)
RESTORE: Sequence = (live, restore)
SETTLE: Sequence = (settle,)
PUT_RIGHT: Sequence = (put_right,)
FINISH: Sequence = (live, watch, programs, cron, retire, take_away, prune)
RESTART: Sequence = (live, start, gate, switch, programs, cron, retire, prune)
HISTORY: Sequence = (history,)
# These run after `back` and after the stages that change the database.
ROLLBACK: Sequence = (start, gate, switch, programs, cron, retire, take_away, prune, leave)
FINISH_ROLLBACK: Sequence = (live, programs, cron, retire, prune, leave)
LOCK: Sequence = (lock,)
UNLOCK: Sequence = (unlock,)
DOORS: Sequence = (doors,)
MAINTENANCE_ON: Sequence = (close,)
MAINTENANCE_OFF: Sequence = (reopen,)
STATUS: Sequence = (status,)
LOGS: Sequence = (logs,)
REMOVE: Sequence = (claim, unserve, stop, clear)
PURGE: Sequence = (*REMOVE, drop, erase)

#: the stages of roadie itself; nothing that a user's own stage defines may reach them
OURS = frozenset(one for one in [*vars().values(), *databases.values()] if isinstance(one, Stage))

_in_use: dict[str, Sequence] = {"bootstrap": PROVISION, "deploy": DEPLOY}


def use(*, bootstrap: Sequence | None = None, deploy: Sequence | None = None) -> None:
    """Have `bootstrap` or `deploy` run other stages than roadie's own.

    Example: `roadie.use(deploy=(*roadie.DEPLOY, warm_cache))`; call it at the top of the fabfile.
    """
    if bootstrap is not None:
        _in_use["bootstrap"] = tuple(bootstrap)
    if deploy is not None:
        _in_use["deploy"] = tuple(deploy)


def in_use(name: str) -> Sequence:
    """The stages that `bootstrap` or `deploy` runs."""
    return _in_use[name]
