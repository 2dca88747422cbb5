"""RoadieTask: one of roadie's own tasks. It is called once for all hosts."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any, overload

from invoke.context import Context
from invoke.exceptions import Exit, Failure
from invoke.parser.argument import Argument
from invoke.tasks import Task, task

from ..display.choose import FLAGS, choose
from ..display.current import showing
from ..errors import Interrupted, RoadieError, UsageError
from . import command

#: the help of every `--wait`
WAIT = "seconds to wait for another run to end (0)"
#: Fabric's options for `c.run`, which roadie's own tasks do not use, and what to do instead
INSTEAD = {
    "dry": "to see what would change, use fab plan, deploy --plan or migrate --plan",
    "command-timeout": "steps have time limits of their own, and Ctrl-C stops a run safely",
    "warn-only": "a run stops at its first failure",
    "hide": "send the output to a file with >",
    "echo": "the scripts are in roadie's templates/, and their logs in /var/log/roadie on the host",
    "pty": "fab manage has a terminal by itself",
}


def cannot_obey(option: str) -> UsageError:
    """The error for one of these options."""
    return UsageError(f"--{option}: roadie's tasks cannot obey it, so nothing was done; {INSTEAD[option]}")


class Option(Argument):
    """An option that refuses a wrong value in one line. Invoke's own ends in a traceback."""

    def set_value(self, value: Any, cast: bool = True) -> None:
        try:
            super().set_value(value, cast)
        except ValueError:
            raise UsageError(f"{self!r} {value}: must be a whole number") from None

    def __repr__(self) -> str:
        # Invoke quotes this in its errors.
        return f"--{max(self.names, key=len)}"


class RoadieTask(Task[Any]):
    """One of roadie's own tasks. It is called once for all hosts, and gets them from `hosts_of`.

    `group` is its heading in `fab help`. `examples` are commands for its help, without the name of the
    program. With `takes_rest` all words after the task are its one argument, except for the options of hosts.
    """

    def __init__(
        self,
        body: Callable[..., Any],
        *,
        group: str = "daily",
        examples: Sequence[str] = (),
        takes_rest: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(body, **options)
        self.group = group
        self.examples = tuple(examples)
        self.takes_rest = takes_rest

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # The executor does not see a task that a user's own task calls, so this looks here too.
        if args and isinstance(args[0], Context) and args[0].config.run.dry:
            raise cannot_obey("dry")
        flags = {names[0]: kwargs.pop(names[0], False) for names in FLAGS}
        with showing(choose(**flags), self.name):
            return self._carry_out(*args, **kwargs)

    def _carry_out(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except KeyboardInterrupt:
            raise Interrupted("interrupted; run the same command again to go on") from None
        except (Exit, Failure) as error:
            if command.current().is_debugged and isinstance(error, RoadieError):
                traceback.print_exc()
            raise
        except Exception as error:
            if command.current().is_debugged:
                traceback.print_exc()
            raise RoadieError(_unexpected(self.name, error)) from error

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """The arguments of the task on the command line."""
        help = dict(self.help)
        arguments = super().get_arguments(ignore_unknown_help)
        self.help = help  # Invoke removes the entries that it has used.
        for names, told in FLAGS.items():
            arguments.append(Argument(names=names, kind=bool, default=False, help=told))
        for each in arguments:
            each.__class__ = Option
        return arguments


@overload
def roadie_task(body: Callable[..., Any], /) -> RoadieTask: ...


@overload
def roadie_task(**options: Any) -> Callable[[Callable[..., Any]], RoadieTask]: ...


def roadie_task(*body: Callable[..., Any], **options: Any) -> Any:
    """Make a function one of roadie's own tasks. Takes the options of Invoke's `@task`."""
    # Invoke hands out short flags in the order of the options, so a new option would change those of others.
    return task(*body, **{"klass": RoadieTask, "auto_shortflags": False, **options})


def _unexpected(name: str, error: Exception) -> str:
    said = str(error).strip().splitlines()
    what = f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
    return f"roadie {name}: unexpected {what}; run with --debug for the traceback"
