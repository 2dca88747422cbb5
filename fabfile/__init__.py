"""roadie sets the stage for Django: tasks that provision Debian servers and deploy to them."""

from __future__ import annotations

from invoke.collection import Collection

from .rehearsal.rehearse import rehearse
from .run import executor, program
from .scripts import stages as stages
from .scripts.stage import Stage
from .scripts.stages import DEPLOY, PROVISION, use
from .tasks import provision
from .tasks.look import logs, status
from .tasks.operate import lock, maintenance, manage, once, restart, unlock
from .tasks.past import releases, rollback
from .tasks.provision import bootstrap, plan
from .tasks.removal import remove
from .tasks.shipping import deploy, migrate

__version__ = "0.1.0"

_OWN = (
    *(bootstrap, plan, deploy, migrate, rollback, releases, status, logs, manage, restart),
    *(once, lock, unlock, maintenance, remove, rehearse),
)
#: Every task by its name. Each provisioning stage is a task too.
_TASKS = {**{task.name: task for task in _OWN}, **provision.STAGE_TASKS}
globals().update(provision.STAGE_TASKS)

# Not in `__all__`: a Collection of this name in a fabfile would hide the fabfile's own tasks.
ns = Collection(**_TASKS)

__all__ = ["DEPLOY", "PROVISION", "Stage", "use", *_TASKS]

executor.install()
program.install()
