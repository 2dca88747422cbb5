"""The tasks that this project uses, and one stage of its own at the end of a deploy."""

from roadie import DEPLOY, Stage, bootstrap, deploy, manage, migrate, plan, use

__all__ = ["bootstrap", "deploy", "manage", "migrate", "plan"]

publish_due = Stage("publish-due", "Publish what is due.", "stages/publish-due.sh.j2")

use(deploy=(*DEPLOY, publish_due))
