"""roadie sets the stage for Django: tasks that provision Debian servers and deploy to them."""

from __future__ import annotations

from invoke.collection import Collection

from .rehearsal.rehearse import rehearse
from .run import executor
from .scripts import stages as stages
from .scripts.stages import DEPLOY, PROVISION, Stage, use
from .tasks import provision
from .tasks.operate import lock, maintenance, manage, restart, unlock
from .tasks.past import releases, rollback
from .tasks.provision import bootstrap, plan
from .tasks.removal import remove
from .tasks.shipping import deploy, migrate

__version__ = "0.1.0"

mysql, nginx, packages, supervisor, virtualenv = (
    provision.STAGE_TASKS[name] for name in ("mysql", "nginx", "packages", "supervisor", "virtualenv")
)
site, logrotate = provision.STAGE_TASKS["site"], provision.STAGE_TASKS["logrotate"]

# Not in `__all__`: a Collection of this name in a fabfile would hide the fabfile's own tasks.
ns = Collection()
for _task in (
    bootstrap,
    plan,
    *provision.STAGE_TASKS.values(),
    deploy,
    migrate,
    rollback,
    releases,
    manage,
    restart,
    lock,
    unlock,
    maintenance,
    remove,
    rehearse,
):
    ns.add_task(_task)

__all__ = [
    "DEPLOY",
    "PROVISION",
    "Stage",
    "bootstrap",
    "deploy",
    "lock",
    "logrotate",
    "maintenance",
    "manage",
    "migrate",
    "mysql",
    "nginx",
    "packages",
    "plan",
    "rehearse",
    "releases",
    "remove",
    "restart",
    "rollback",
    "site",
    "supervisor",
    "unlock",
    "use",
    "virtualenv",
]

executor.install()
