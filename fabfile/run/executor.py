"""Executor: runs roadie's tasks once for all hosts, and a user's own tasks as stock Fabric does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fabric
from invoke.tasks import Call, Task

from .. import console
from ..errors import RoadieError, UsageError
from ..settings.config import Config
from .command import current, one_command
from .task import INSTEAD, RoadieTask, cannot_obey


def install() -> None:
    """Make the `fab` that imports roadie use this executor."""
    main = sys.modules.get("fabric.main")
    program = getattr(main, "program", None)
    if program and program.executor_class is fabric.Executor:
        program.executor_class = Executor
    config = getattr(program, "config", None)
    if type(config) is fabric.Config:
        # Fabric has made this object already. It reads fabric.yaml only after it has loaded the fabfile.
        object.__setattr__(config, "__class__", Config)


class Executor(fabric.Executor):  # type: ignore[misc]
    """Calls roadie's tasks once for all hosts, and everything else as Fabric does."""

    def execute(self, *tasks: Any) -> Any:
        """Run the tasks of a command line."""
        with one_command(self.core):
            calls = self.normalize(tasks)
            if not any(_is_ours(call) for call in self.expand_calls(calls)):
                return super().execute(*tasks)
            self._refuse_impossible()
            return self._execute(calls)

    def _refuse_impossible(self) -> None:
        """Refuse files that do not exist, and options of Fabric that roadie's tasks cannot obey."""
        if missing := _missing_file(self.config):
            raise UsageError(f"-f {missing}: no such file")
        arguments = self.core[0].args
        for key in arguments.identity.value or ():
            if not Path(key).expanduser().exists():
                raise UsageError(f"-i {key}: no such file")
        for option in INSTEAD:
            if option in arguments and arguments[option].value:
                raise cannot_obey(option)
        if self.config.run.dry:
            raise cannot_obey("dry")

    def expand_calls(self, calls: Sequence[Any], apply_hosts: bool = True) -> list[Any]:
        """Give every call its hosts. roadie's own tasks look for their hosts when they run."""
        if not any(_is_ours(call) for call in calls):
            return list(super().expand_calls(calls, apply_hosts))
        expanded: list[Any] = []
        for call in calls:
            if _is_ours(call):
                expanded.append(Call(call) if isinstance(call, Task) else call)
            else:
                expanded += super().expand_calls([call], apply_hosts)
        return expanded

    def _execute(self, direct: Sequence[Any]) -> dict[Any, Any]:
        """Run the calls as Invoke does. But roadie's tasks go on with the hosts that did not fail."""
        results: dict[Any, Any] = {}
        failure: RoadieError | None = None
        for call in self.expand_calls(direct):
            if failure and not _is_ours(call):
                break
            self.config.load_collection(self.collection.configuration(call.called_as))
            self.config.load_shell_env()
            try:
                result = call.task(call.make_context(self.config), *call.args, **call.kwargs)
            except RoadieError as error:
                if not (_is_ours(call) and current().goes_on()):
                    raise
                console.say(str(error), error=True)
                failure = failure or error
                continue
            if call in direct and call.autoprint:
                print(result)
            results[call.task] = result
        if failure:
            raise failure
        return results


def _is_ours(call: Any) -> bool:
    return isinstance(call.task if isinstance(call, Call) else call, RoadieTask)


def _missing_file(config: Any) -> str | None:
    """The file of -f if it does not exist. Invoke would go on with other settings."""
    return config._runtime_path if config._runtime_path and not config._runtime_found else None
