"""Brings roadie's tasks and hosts together, hosts in parallel, and turns errors into exit codes.

A user's own tasks run as in stock Fabric.
"""

from __future__ import annotations

import queue
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import fabric
from fabric import Connection
from fabric.connection import derive_shorthand
from invoke.context import Context
from invoke.exceptions import Exit, Failure
from invoke.parser.argument import Argument
from invoke.tasks import Call, Task, task

from .. import console
from ..display.choose import FLAGS, choose
from ..display.current import showing
from ..errors import Interrupted, RoadieError, UsageError
from ..settings.config import Config

if TYPE_CHECKING:
    from ..settings.reading import Settings
    from ..ssh.host import Host

T = TypeVar("T")

#: the help of every `--wait`
WAIT = "seconds to wait for another run to end (0)"
MOST_AT_ONCE = 64
#: Fabric's options for `c.run`, which roadie's own tasks do not use, and what to do instead
_CANNOT = {
    "dry": "to see what would change, use fab plan, deploy --plan or migrate --plan",
    "command-timeout": "steps have time limits of their own, and Ctrl-C stops a run safely",
    "warn-only": "a run stops at its first failure",
    "hide": "send the output to a file with >",
    "echo": "the scripts are in roadie's templates/, and their logs in /var/log/roadie on the host",
    "pty": "fab manage has a terminal by itself",
}
_STOPPING = 0.6
_HOST_NAME = re.compile(r"[\w:%][\w.:%-]*")
_IN_BRACKETS = re.compile(r"(?:(?P<user>.+)@)?\[(?P<host>[^]]*:[^]]*)\](?::(?P<port>.*))?")


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
    program. With `takes_rest` all words that follow it are its one argument, but for the options of hosts.
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
        # This also stops a roadie task that a user's own task calls.
        if args and isinstance(args[0], Context) and args[0].config.run.dry:
            raise _cannot("dry")
        flags = {names[0]: kwargs.pop(names[0], False) for names in FLAGS}
        with showing(choose(**flags), self.name):
            return self._carry_out(*args, **kwargs)

    def _carry_out(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except KeyboardInterrupt:
            raise Interrupted("interrupted; run the same command again to go on") from None
        except (Exit, Failure) as error:
            if _command.is_debugged and isinstance(error, RoadieError):
                traceback.print_exc()
            raise
        except Exception as error:
            if _command.is_debugged:
                traceback.print_exc()
            raise RoadieError(_unexpected(self.name, error)) from error

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """The arguments of the task on the command line."""
        help = dict(self.help)
        arguments = super().get_arguments(ignore_unknown_help)
        self.help = help  # Invoke takes out what it has used.
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
    # Invoke gives short flags in order of declaration, so a new option would change other options' flags.
    return task(*body, **{"klass": RoadieTask, "auto_shortflags": False, **options})


@dataclass
class _Command:
    """The state that all tasks of one command line share: its hosts, with one connection to each."""

    #: the hosts of -H, which win over those of the settings
    named: Sequence[str] = ()
    is_debugged: bool = False
    hosts: dict[str, Host] = field(default_factory=dict)
    adopted: dict[int, Host] = field(default_factory=dict)

    def host(self, address: str, config: Any) -> Host:
        """The host with this address, `[user@]host[:port]`: the same object each time."""
        from ..ssh import transport  # late: this import costs half of the time that `fab --list` may take
        from ..ssh.host import Host

        spelled = _spelled(address)
        connection = Connection(**spelled, config=transport.without_ssh_config(config))
        made = Host(connection, user=spelled["user"], port=spelled["port"])
        return self.hosts.setdefault(made.name, made)

    def adopt(self, c: Connection) -> Host:
        """The host of a Connection that the user made."""
        from ..ssh.host import Host

        if id(c) not in self.adopted:
            user, port = self._spelled_for(c)
            self.adopted[id(c)] = Host(c, user=user, port=port)
        return self.adopted[id(c)]

    def goes_on(self) -> bool:
        """Whether only some hosts failed, so that the next tasks go on with the others."""
        failures = [host.failure is not None for host in self.hosts.values()]
        return any(failures) and not all(failures)

    def close(self) -> None:
        """Close every connection that is not the user's own."""
        for host in self.hosts.values():
            host.close()
        if self.hosts or self.adopted:
            from ..ssh import transport

            transport.close_gateways()

    def _spelled_for(self, c: Connection) -> tuple[str | None, int | None]:
        # With -H, stock Fabric made the Connection, and its user may come from ssh_config.
        for address in self.named:
            spelled = _spelled(address)
            if spelled["host"] == c.original_host and spelled["user"] in (None, c.user):
                return spelled["user"], spelled["port"]
        return None, None


_command = _Command()


def hosts_of(c: Context, settings: Settings | None = None) -> list[Host]:
    """The hosts of a task: that of its Connection, else those of -H, else those of the settings.

    A host that failed in an earlier task of the same command is left out.
    """
    if isinstance(c, Connection):
        return [_command.adopt(c)]
    addresses: Iterable[str] = _command.named
    if not addresses:
        from ..settings.reading import read

        addresses = (settings or read(c)).hosts
    hosts = {host.name: host for host in (_command.host(each, c.config) for each in addresses)}
    if not hosts:
        raise UsageError("no host given: -H web1, or `hosts: [web1]` in fabric.yaml")
    return [host for host in hosts.values() if host.failure is None]


def named_hosts() -> Sequence[str]:
    """The hosts of -H, as they were written."""
    return _command.named


def forgive(kind: type[Exception]) -> None:
    """Have the hosts that failed for this reason take part in later tasks again."""
    for host in (*_command.hosts.values(), *_command.adopted.values()):
        if isinstance(host.failure, kind):
            host.failure = None


def in_parallel(hosts: Sequence[Host], work: Callable[[Host], T]) -> list[T | Exception]:
    """Do the work for every host at the same time; its result, or the exception it raised.

    A host whose work raised is left out of later tasks. On Ctrl-C all of it is stopped first.
    """
    results: list[T | Exception] = [RoadieError(f"{host.name}: was not reached") for host in hosts]
    jobs: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(len(hosts)):
        jobs.put(index)
    ended: list[bool] = []

    def labour() -> None:
        try:
            while True:
                index = jobs.get_nowait()
                try:
                    results[index] = work(hosts[index])
                except Exception as error:
                    results[index] = hosts[index].failure = error
        except queue.Empty:
            pass
        finally:
            ended.append(True)
            console.wake()

    count = min(len(hosts), MOST_AT_ONCE)
    workers: list[threading.Thread] = []
    try:
        workers += (console.in_background(labour) for _ in range(count))
        console.serve_until(lambda: len(ended) == count)
    except KeyboardInterrupt:
        _stop(hosts, workers)
        raise
    return results


def install() -> None:
    """Make the `fab` that imports roadie use this executor."""
    main = sys.modules.get("fabric.main")
    program = getattr(main, "program", None)
    if program and program.executor_class is fabric.Executor:
        program.executor_class = Executor
    config = getattr(program, "config", None)
    if type(config) is fabric.Config:
        # This object exists already. It reads fabric.yaml after the fabfile is loaded, so just after this.
        object.__setattr__(config, "__class__", Config)


class Executor(fabric.Executor):  # type: ignore[misc]
    """Calls roadie's tasks once for all hosts, and everything else as Fabric does."""

    def execute(self, *tasks: Any) -> Any:
        """Run the tasks of a command line."""
        with _one_command(self.core):
            calls = self.normalize(tasks)
            if not any(_is_ours(call) for call in self.expand_calls(calls)):
                return super().execute(*tasks)
            if missing := _missing_file(self.config):
                raise UsageError(f"-f {missing}: no such file")
            for key in self.core[0].args.identity.value or ():
                if not Path(key).expanduser().exists():
                    raise UsageError(f"-i {key}: no such file")
            for option in _CANNOT:
                if option in self.core[0].args and self.core[0].args[option].value:
                    raise _cannot(option)
            if self.config.run.dry:
                raise _cannot("dry")
            return self._execute(calls)

    def expand_calls(self, calls: Sequence[Any], apply_hosts: bool = True) -> list[Any]:
        """Give every call its hosts, except for roadie's own tasks, which find their hosts when they run."""
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
        """Like Invoke's own, but roadie's tasks go on with the hosts that did not fail."""
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
                if not (_is_ours(call) and _command.goes_on()):
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


@contextmanager
def _one_command(core: Any) -> Iterator[None]:
    global _command
    named = core[0].args.hosts.value or ""
    _command = _Command(
        named=[each.strip() for each in named.split(",") if each.strip()],
        is_debugged=bool(core[0].args.debug.value),
    )
    try:
        yield
    finally:
        _command.close()
        _command = _Command()


def _is_ours(call: Any) -> bool:
    return isinstance(call.task if isinstance(call, Call) else call, RoadieTask)


def _cannot(option: str) -> UsageError:
    return UsageError(f"--{option}: roadie's tasks cannot obey it, so nothing was done; {_CANNOT[option]}")


def _missing_file(config: Any) -> str | None:
    """The file of -f if it does not exist. Invoke ignores that, and other settings would apply."""
    return config._runtime_path if config._runtime_path and not config._runtime_found else None


def _spelled(address: str) -> dict[str, Any]:
    in_brackets = _IN_BRACKETS.fullmatch(address)  # Fabric does not know these.
    try:
        spelled: dict[str, Any] = in_brackets.groupdict() if in_brackets else derive_shorthand(address)
        spelled["port"] = int(spelled["port"]) if spelled["port"] else None
    except ValueError:
        raise UsageError(f"host {address!r}: the port is no number; write [user@]host[:port]") from None
    if not _HOST_NAME.fullmatch(spelled["host"] or "") or len(address.split()) > 1:
        several = ", and commas between several" if len(address.split()) > 1 else ""
        raise UsageError(f"host {address!r}: no name of a host; write [user@]host[:port]{several}")
    return spelled


def _stop(hosts: Sequence[Host], workers: Sequence[threading.Thread]) -> None:
    """Close every channel, and wait a moment for the last words of the threads that used them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        closing = [console.in_background(host.stop) for host in hosts]
        for each in (*closing, *workers):
            each.join(_STOPPING / (len(closing) + len(workers)))
    finally:
        signal.signal(signal.SIGINT, before)


def _unexpected(name: str, error: Exception) -> str:
    said = str(error).strip().splitlines()
    what = f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
    return f"roadie {name}: unexpected {what}; run with --debug for the traceback"
