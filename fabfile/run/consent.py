"""The question before a command deletes content of the database."""

from __future__ import annotations

from collections.abc import Callable

from .. import console
from ..errors import ConsentMissing
from .command import forgive

YES = "agree to the loss, where the command would delete content of the database"


def with_consent(command: Callable[[bool], None], yes: bool) -> None:
    """Run a command. If it would delete data, ask at a terminal, and run the command again with consent.

    Raises ConsentMissing if nobody can be asked, or if the answer is not yes. Then nothing is deleted.
    """
    try:
        command(yes)
    except ConsentMissing as missing:
        if not console.is_interactive():
            raise
        console.say(f"{missing}", error=True)
        if console.ask("Type yes to delete this content and go on: ") != "yes":
            raise ConsentMissing("nothing was deleted, as the answer was not yes") from None
        forgive(ConsentMissing)
        command(True)
