"""Program: `fab` with roadie's tasks. A user's own tasks are shown as in stock Fabric."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import Any

from fabric.main import Fab
from invoke.exceptions import Exit, ParseError
from invoke.parser import Parser
from invoke.tasks import Task
from invoke.util import helpline

from .. import console
from ..errors import UsageError
from .mistyped import Typed
from .task import Option, RoadieTask

#: the groups of `fab help` in their order, with their headings
GROUPS = {
    "daily": "Daily",
    "set-up": "Set-up",
    "data": "Data",
    "rehearsal": "Rehearsal",
    "stage": "One stage of bootstrap alone",
    "own": "Your own",
}
_HELP = "help"
_HOSTS = ("-H", "--hosts")


class Program(Fab):  # type: ignore[misc]
    """Fabric's own program, with `fab help`, and with each mistake explained in one line."""

    def core_args(self) -> list[Any]:
        """The options that stand before the tasks."""
        arguments: list[Any] = super().core_args()
        for each in arguments:
            each.__class__ = Option
        return arguments

    def parse_tasks(self) -> None:
        """Read the tasks and their options. A word that cannot be read is a usage error."""
        words = self.core.unparsed
        if words[:1] == [_HELP] and not self._task(_HELP):
            self.core.unparsed = []
            if not words[1:]:
                self.print_groups()
                raise Exit
            self.args.help.value = words[1]
        else:
            self.core.unparsed = self._with_rest(words)
        if mistake := self._typed(self.core.unparsed).single_dash(self._options_of(words)):
            raise mistake
        try:
            super().parse_tasks()
        except ParseError as error:
            name = error.context.name if error.context else None
            raise self._typed(words).explain(error, self._task(name) if name else None) from None

    def parse_cleanup(self) -> None:
        """Show help or the list of tasks if they are asked for."""
        name = self.args.help.value
        if isinstance(name, str) and name not in self.parser.contexts:
            raise self._typed(()).unknown_task(name)
        super().parse_cleanup()

    def no_tasks_given(self) -> None:
        """Show the tasks in their groups. Fabric would show only the options that stand before them."""
        if self.core.remainder:
            return
        if (named := self.args.hosts.value) and self._task(named):
            raise UsageError(f"-H {named}: a host is missing; write {self.binary} -H HOST {named}")
        self.print_groups()
        raise Exit

    def print_task_help(self, name: str) -> None:
        """Show the options and examples of a task of roadie's. Others are shown as in stock Fabric."""
        task = self._task(name)
        if not isinstance(task, RoadieTask):
            super().print_task_help(name)
            return
        options = [] if task.takes_rest else self.parser.contexts[name].help_tuples()
        takes = "COMMAND [its options]" if task.takes_rest else "[options]" if options else ""
        for line in (f"Usage: {self.binary} {name} {takes}".rstrip(), "", f"  {task.__doc__}", ""):
            console.say(line)
        if options:
            console.say("Options:")
            self.print_columns(options)
        console.say("Examples:")
        for line in task.examples:
            console.say(f"{self.leading_indent}{self.binary} {line}")

    def _typed(self, words: Sequence[str]) -> Typed:
        options = [name for one in self.core_args() for name in one.names if len(name) > 1]
        return Typed(words, self._names(), options, self.binary)

    def _options_of(self, words: Sequence[str]) -> set[str]:
        """The long options of roadie's tasks among these words."""
        tasks = [task for word in words if isinstance(task := self._task(word), RoadieTask)]
        return {name for task in tasks for one in task.get_arguments() for name in one.names}

    def _names(self) -> list[str]:
        return [name for pair in self.collection.task_names.items() for name in (pair[0], *pair[1])]

    def _task(self, name: str) -> Task[Any] | None:
        if name not in self._names():
            return None
        found: Task[Any] = self.collection[name]
        return found

    def _with_rest(self, words: Sequence[str]) -> list[str]:
        """The words, but all that follow a task such as `manage` are joined to one."""
        for place, word in enumerate(words):
            task = self._task(word)
            if getattr(task, "takes_rest", False) and self._is_whole(words[:place]):
                ours, rest = _split(words[place + 1 :])
                if not rest and {"-h", "--help"} & {*ours}:
                    self.args.help.value = word  # Invoke would take the flag for the argument.
                    return []
                if rest and len(rest[0].split()) < 2:
                    return [*words[:place], word, shlex.join([*rest, *self._after_dashes()]), *ours]
                break
        return list(words)

    def _is_whole(self, words: Sequence[str]) -> bool:
        """Whether a task can follow these words. It cannot if the last one is an option without its value."""
        try:
            Parser(initial=self.initial_context, contexts=self.collection.to_contexts()).parse_argv(
                list(words)
            )
        except ParseError:
            return False
        return True

    def _after_dashes(self) -> list[str]:
        if not self.core.remainder:
            return []
        self.core.remainder = ""  # Fabric would run these words as a command on the host.
        return list(self.argv[self.argv.index("--") :])

    def print_groups(self) -> None:
        """Show the tasks in their groups."""
        groups: dict[str, list[tuple[str, str | None]]] = {group: [] for group in GROUPS}
        for name in sorted(self.collection.task_names):
            task = self.collection[name]
            groups[getattr(task, "group", "own")].append((name, helpline(task)))
        for group, heading in GROUPS.items():
            if groups[group]:
                console.say(f"{heading}:")
                console.say("")
                self.print_columns(groups[group])
        console.say(f"{self.binary} help TASK shows a task's options and examples.")
        console.say(f"{self.binary} --help shows the options that stand before a task, such as -H HOST.")


def install() -> None:
    """Make the `fab` that imports roadie read its command line as this program does."""
    main = sys.modules.get("fabric.main")
    program = getattr(main, "program", None)
    if type(program) is Fab:
        # Fabric has made this object already. It loads the fabfile, and so roadie, before it reads the tasks.
        program.__class__ = Program


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split the words after a task into the options of `fab` and the rest, which begins with a plain word."""
    ours: list[str] = []
    rest: list[str] = []
    coming = iter(words)
    for word in coming:
        if word in _HOSTS:
            ours += [word, *([value] if (value := next(coming, None)) is not None else [])]
        elif word.startswith("--hosts=") or (word.startswith("-H") and word != "-H"):
            ours.append(word)
        else:
            (rest if rest or not word.startswith("-") else ours).append(word)
    return ours, rest
