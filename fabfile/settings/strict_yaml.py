"""YAML without surprises: refuses what YAML would lose, or would read in another sense than a person.

The values of `env:` are an exception: each is the text that is written there.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Any

from invoke import util

from .layers import KEY

#: Invoke's own copy of PyYAML, if it has one
yaml: Any = vars(util)["yaml"]

_STR, _NULL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"
_INT, _BOOL = "tag:yaml.org,2002:int", "tag:yaml.org,2002:bool"
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)")
#: the most values in a file: far more than settings need, as anchors within anchors can make billions
_MOST = 20_000
_LONGEST_NUMBER = 1000
#: the cure for an error of YAML, by a part of its message
_CURES = {
    "character '\\t'": "indent with spaces, not with tabs",
    "that cannot start any token": "put a value that begins with such a character in quotes",
    "end of stream": "close the quote that is open",
    "']'": "close the list with ]",
    "'}'": "close the mapping with }",
    "<block end>": "indent it as the lines before it",
    "mapping values": "put a text with ': ' in quotes, or indent the line as those before it",
    "another document": "keep one document, and take the line --- out",
    "constructor for the tag": "write plain values, without !!",
    "alias": "put a value that begins with * in quotes",
    "alphabetic or numeric": "put a value that begins with * or & in quotes",
    "':'": "write `name: value`, with a space after the colon",
    "unhashable key": "write a key as text",
    "unacceptable character": "take it out, or write it as \\x.. in double quotes",
}


class Refused(yaml.error.MarkedYAMLError):  # type: ignore[misc]
    """YAML would read a value in another sense than the person who wrote it. The problem names the cure."""


class NoText(Exception):
    """A file is not text that YAML can take. The message names the cure."""


def load(path: str) -> Any:
    """The data of a YAML file. Raises YAML's errors, and NoText for bytes that are not UTF-8."""
    loader = yaml.SafeLoader(_decoded(Path(path).read_bytes()))
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _Check().visit(node, ())
        return loader.construct_document(node)
    except RecursionError:
        raise NoText("its lists and mappings lie too deep in each other; write it flatter") from None
    finally:
        loader.dispose()


def cure(error: Exception) -> str:
    """The cure for an error of `load`, after a semicolon; empty if the error itself names the cure."""
    if isinstance(error, Refused | NoText):
        return ""
    said = f"{getattr(error, 'problem', None) or error}"
    return "; " + next((cure for part, cure in _CURES.items() if part in said), "put it right")


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise NoText("is UTF-16, as PowerShell's > writes it; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NoText(f"line {line} is not UTF-8 (byte 0x{data[error.start]:02x}); save it as UTF-8") from None


class _Check:
    """Checks every node of a file. A path has the keys that lead to a node."""

    def __init__(self) -> None:
        self.count = 0

    def visit(self, node: Any, path: tuple[str, ...]) -> None:
        self.count += 1
        if self.count > _MOST or len(path) > 50:
            problem = f"with its anchors filled in, the file has more than {_MOST} values; write it out"
            raise Refused(problem=problem, problem_mark=node.start_mark)
        if isinstance(node, yaml.MappingNode):
            self._check_keys(node)
            for key, value in node.value:
                self.visit(value, (*path, str(key.value)))
        elif isinstance(node, yaml.SequenceNode):
            for place, value in enumerate(node.value):
                self.visit(value, (*path, str(place)))
        elif path[:2] == (KEY, "env") and node.style is None:
            _take_as_written(node)
        elif path[:1] == (KEY,) and node.style is None:
            _check_plain(node, path)

    def _check_keys(self, node: Any) -> None:
        seen: dict[tuple[str, str], Any] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                first = seen.setdefault((key.tag, key.value), key)
                if first is not key:
                    line = first.start_mark.line + 1
                    problem = f"the key {key.value} is in line {line} already; leave one out"
                    raise Refused(problem=problem, problem_mark=key.start_mark)


def _take_as_written(node: Any) -> None:
    """Take 01067, 22:30, 1.10 and NO as text. Only true, false and an empty value keep their meaning."""
    if node.tag != _NULL and not (node.tag == _BOOL and node.value.lower() in ("true", "false")):
        node.tag = _STR


def _check_plain(node: Any, path: tuple[str, ...]) -> None:
    """Refuse a number that is not in plain decimal, and a word for yes or no where text is meant."""
    may_be_text = path[1:2] == ("django",)
    if node.tag == _INT and len(node.value) > _LONGEST_NUMBER:
        problem = f"a number of {len(node.value)} digits; if it is text, put it in quotes"
    elif node.tag == _INT and not _DECIMAL.fullmatch(node.value):
        read = yaml.SafeLoader("").construct_yaml_int(node)
        means = "put it in quotes" if may_be_text else f"write {read}, or what you mean in plain decimal"
        problem = f"{node.value} is the number {read} to YAML; {means}"
    elif node.tag == _BOOL and may_be_text and node.value.lower() not in ("true", "false"):
        read = "true" if yaml.SafeLoader("").construct_yaml_bool(node) else "false"
        problem = f"{node.value} is {read} to YAML; put it in quotes, or write {read}"
    else:
        return
    raise Refused(problem=f"{'.'.join(path)}: {problem}", problem_mark=node.start_mark)
