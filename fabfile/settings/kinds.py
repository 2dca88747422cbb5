"""Kind: which values a setting can have. A kind checks a value from YAML, and describes the right values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Generic, TypeVar

from ..errors import UsageError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# Patterns are compiled when they are first used, which keeps `fab --list` quick.
CONTROL = r"[\x00-\x1f\x7f]"
SWITCHES = {
    "yes": True,
    "true": True,
    "on": True,
    "1": True,
    "no": False,
    "false": False,
    "off": False,
    "0": False,
}


class Wrong(Exception):
    """Why a value is wrong, and the keys that lead from the setting to the value."""

    def __init__(self, why: str, *below: str) -> None:
        super().__init__(why)
        self.why = why
        self.below = below


@dataclass(frozen=True)
class Kind(Generic[T_co]):
    """The values that a setting accepts."""

    #: the values, in words
    says: str
    #: returns the value, or raises Wrong
    check: Callable[[Any], T_co]
    #: reads the value of an environment variable; None if no variable can hold such a value
    from_text: Callable[[str], object] | None = str

    def of_option(self, option: str, value: str) -> T_co:
        """The value of an option or an answer. Raises UsageError, which names the option, if it is wrong."""
        try:
            return self.check(value)
        except Wrong as wrong:
            raise UsageError(f"{option}: {wrong.why}") from None


def setting(kind: Kind[T], default: T, manual: str, *, default_is: str = "") -> T:
    """A field of the settings. `default_is` describes the default if the value alone does not tell."""
    metadata = {"kind": kind, "manual": manual, "default_is": default_is}
    return field(default_factory=lambda: default, metadata=metadata)


def shown(value: object) -> str:
    """A value as an error message shows it: in the words of YAML, and in one short line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, date):
        return f"the date {value}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...'"


def meant(word: object, known: Iterable[str], likeness: float = 0.6) -> str:
    """The question `did you mean ...?` for an unknown word; empty if no known word is similar."""
    near = nearest(word, known, likeness)
    return f"did you mean {near}?" if near else ""


def nearest(word: object, known: Iterable[str], likeness: float = 0.6) -> str:
    """The known word that is most like an unknown one; empty if none is similar."""
    import difflib

    return next(iter(difflib.get_close_matches(str(word).lower(), known, n=1, cutoff=likeness)), "")


def unknown(key: object, known: Iterable[str]) -> Wrong:
    """The error for a key that is none of the known ones."""
    words = tuple(known)
    return Wrong(f"unknown ({meant(key, words) or 'known are ' + ', '.join(words)})", str(key))


def whole(low: int, high: int, unit: str = "") -> Kind[int]:
    """A whole number within bounds."""
    says = f"a whole number{f' of {unit}' if unit else ''} from {low} to {high}"

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Wrong(f"must be {says}, not {shown(value)}")
        return value

    def from_text(text: str) -> object:
        return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else text

    return Kind(says, check, from_text)


def switch() -> Kind[bool]:
    """A yes or no."""

    def check(value: Any) -> bool:
        if not isinstance(value, bool):
            raise Wrong(f"must be true or false, not {shown(value)}")
        return value

    return Kind("true or false", check, lambda text: SWITCHES.get(text.lower(), text))


def text(says: str, pattern: str) -> Kind[str]:
    """A text that matches the whole of a pattern."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
            raise Wrong(f"must be {says}, not {shown(value)}")
        return value

    return Kind(says, check)


def choice(*words: str) -> Kind[str]:
    """One of these words."""
    says = f"the word {' or '.join(words)}"

    def check(value: Any) -> str:
        if value not in words:
            raise Wrong(f"must be {says}, not {shown(value)}")
        return str(value)

    return Kind(says, check)


def size() -> Kind[str]:
    """A size in bytes, or in kilo-, mega- or gigabytes, as nginx writes it."""
    says = "a size in bytes such as 20m (k, m or g)"

    def check(value: Any) -> str:
        digits = str(value).lower() if isinstance(value, (str, int)) else ""
        if not re.fullmatch(r"[0-9]{1,12}[kmg]?", digits):
            raise Wrong(f"must be {says}, not {shown(value)}")
        return digits

    return Kind(says, check)


def checked(says: str, check: Callable[[str], T]) -> Kind[T]:
    """A text that the given function checks and may rewrite."""

    def check_text(value: Any) -> T:
        if not isinstance(value, str):
            raise Wrong(f"must be {says}, not {shown(value)}")
        return check(value)

    return Kind(says, check_text)


def several(item: Kind[T], says: str, least: int = 0) -> Kind[tuple[T, ...]]:
    """A list without repeated items. A single item may stand without brackets."""

    def check(value: Any) -> tuple[T, ...]:
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, (list, tuple)):
            raise Wrong(f"must be {says}, not {shown(value)}")
        if len(value) < least:
            raise Wrong(f"must be {says}; at least {least} is needed")
        items = tuple(item.check(one) for one in value)
        for one in items:
            if items.count(one) > 1:
                raise Wrong(f"names {shown(one)} twice; leave one out")
        return items

    return Kind(says, check, comma_separated)


def comma_separated(text: str) -> object:
    """The items of a list in an environment variable."""
    return [part.strip() for part in text.split(",") if part.strip()]


def mapping(
    says: str, name: Callable[[str], str], item: Callable[[Any], T], known: Iterable[str] = ()
) -> Kind[dict[str, T]]:
    """A mapping whose names and items are checked. `known` limits the names."""
    words = tuple(known)

    def check(value: Any) -> dict[str, T]:
        if not isinstance(value, Mapping):
            raise Wrong(f"must be {says}, not {shown(value)}")
        return {_name(key): _item(key, one) for key, one in value.items()}

    def _name(key: object) -> str:
        if words and key not in words:
            raise unknown(key, words)
        if not isinstance(key, str):
            raise Wrong(f"the name {shown(key)} must be text; put it in quotes", str(key))
        return check_below(key, name, key)

    def _item(key: object, one: Any) -> T:
        return check_below(str(key), item, one)

    return Kind(says, check, None)


def keyed(says: str, kinds: Mapping[str, Kind[Any]]) -> Kind[dict[str, Any]]:
    """A mapping that has some of these keys, each with a kind of its own."""
    some = mapping(says, str, plain, known=kinds)

    def check(value: Any) -> dict[str, Any]:
        return {key: check_below(key, kinds[key].check, one) for key, one in some.check(value).items()}

    return Kind(says, check, None)


def check_below(key: str, check: Callable[[Any], T], value: Any) -> T:
    """Check the value of one key. An error names this key before the keys below it."""
    try:
        return check(value)
    except Wrong as wrong:
        raise Wrong(wrong.why, key, *wrong.below) from None


def plain(value: Any) -> Any:
    """A value that has only text, numbers, true, false, null, and lists and mappings of these."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, (list, tuple)):
        return [check_below(str(place), plain, one) for place, one in enumerate(value)]
    if isinstance(value, Mapping):
        return {_plain_key(key): check_below(str(key), plain, one) for key, one in value.items()}
    raise Wrong(f"must be text, a number, true, false, null, a list or a mapping, not {shown(value)}")


def _plain_key(key: object) -> str:
    if not isinstance(key, str):
        raise Wrong(f"the name {shown(key)} must be text; put it in quotes")
    return key
