"""Explains mistakes on the command line: Invoke's errors, in words that name the cure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from invoke.exceptions import ParseError

from ..errors import UsageError
from ..settings.kinds import meant, nearest
from .task import RoadieTask

#: how alike a task must be to be suggested; with less, `main` would be like `manage`
_LIKENESS = 0.7
#: commands of Django that people type as if they were tasks
_DJANGOS = frozenset(
    "changepassword check collectstatic createsuperuser dbshell dumpdata loaddata makemigrations "
    "sendtestemail shell showmigrations test".split()
)
_UNKNOWN = re.compile(r"No idea what (?P<word>'.*'|\".*\") is!", re.DOTALL)
_NO_VALUE = re.compile(r"Flag (?P<flag>--?\S+) needed value")
_MISSING = re.compile(r"did not receive required positional arguments: (?P<names>.*)")


@dataclass(frozen=True)
class Typed:
    """What was typed, and what can be typed."""

    words: Sequence[str]
    tasks: Sequence[str]
    #: the options that stand before a task
    options: Sequence[str]
    program: str

    def explain(self, error: ParseError, task: Any) -> Exception:
        """Invoke's error as a UsageError. An error about an option of a user's own task stays as it is."""
        said, is_theirs = str(error), task is not None and not isinstance(task, RoadieTask)
        name = error.context.name or "" if error.context else ""
        if unknown := _UNKNOWN.fullmatch(said):
            word = unknown["word"][1:-1]
            if not word.startswith("-"):
                example = "" if is_theirs else _with_a_value(task)
                return self._not_a_value(word, name) or self.unknown_task(
                    word, "" if is_theirs else name, example
                )
            if not is_theirs:
                return self._unknown_option(word, name, error.context)
        if is_theirs:
            return error
        where = f"{name}: " if name else ""
        if no_value := _NO_VALUE.match(said):
            return UsageError(f"{where}{no_value['flag']} needs a value after it; {self._see(name)}")
        if missing := _MISSING.search(said):
            what = missing["names"].replace("'", "")
            return UsageError(f"{where}{what} is missing; for example: {self.program} {task.examples[0]}")
        return UsageError(f"{where}{said}; {self._see(name)}")

    def unknown_task(self, word: str, after: str = "", example: str = "") -> UsageError:
        """The error for a word that is no task. `after` is the task before it, with an example of it."""
        if word == "init" and self.program == "fab":
            return UsageError("no task init; it is a command of the program roadie: roadie init")
        hint = meant(word, self.tasks, _LIKENESS)
        if not hint and word in _DJANGOS and "manage" in self.tasks:
            return UsageError(f"no task {word}; it is a command of manage.py: {self.program} manage {word}")
        if after and not hint:
            such = f", such as {self.program} {example}" if example else ""
            return UsageError(f"no task {word}; {self.program} --help {after} shows what {after} takes{such}")
        return UsageError(f"no task {word}; {f'{hint} ' if hint else ''}{self.program} --list shows all")

    def single_dash(self, options: Iterable[str]) -> UsageError | None:
        """The error for `-ref`, which Invoke would read as -r, -e and -f."""
        for word in self.words:
            option = word.partition("=")[0]
            if len(option) > 2 and option[1] != "-" and option[1:] in options:
                return UsageError(f"no option {option}; did you mean -{option}?")
        return None

    def _not_a_value(self, word: str, name: str) -> UsageError | None:
        """The error for `--migrate=no`. Invoke takes the value for the name of a task."""
        for each in self.words:
            option, equals, value = each.partition("=")
            if option.startswith("-") and equals and value == word:
                where = f"{name}: " if name else ""
                return UsageError(f"{where}{option} takes no value; write it alone, or leave it out")
        return None

    def _unknown_option(self, word: str, name: str, context: Any) -> UsageError:
        # Invoke cuts `-xyz` into -x, -y and -z.
        whole = next((each for each in self.words if each.startswith(word)), word).partition("=")[0]
        known = [*self.options]
        if context:
            known += [name for one in context.args.values() for name in one.names]
            known += [flag.lstrip("-") for flag in context.inverse_flags]
        near = nearest(whole.lstrip("-"), known)
        hint = f"did you mean --{near}? " if near else ""
        where = f"{name}: " if name else ""
        return UsageError(f"{where}no option {whole}; {hint}{self._see(name)}")

    def _see(self, name: str) -> str:
        return f"{self.program} --help {name}".rstrip() + " shows all options"


def _with_a_value(task: Any) -> str:
    """The first example of a task that gives a value to an option; empty if there is none."""
    examples = getattr(task, "examples", ())
    return next((one for one in examples if re.search(r" --\S+ [^-]", one)), "")
