"""Warns if the settings of a project would not find roadie's Redis."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..settings.reading import Settings
from ..settings.sections import OF_REDIS
from .source import Code
from .variables import Variable, every_node

_SCHEME = re.compile(r"rediss?://")
_HOST = re.compile(r"(\w+_)?REDIS(_\w+)?_HOST(NAME)?")
_OF_CELERY = re.compile(r"CELERY|BROKER")
#: the keys of env_names for the URL of Redis, each with its default variable
_KEYS = {"celery_broker_url": "CELERY_BROKER_URL", "redis_url": "REDIS_URL"}
_INSTEAD = "write packages: [redis-server] in fabric.yaml, for one at localhost:6379, and"


def forewarnings(
    code: Code, module: str, read: list[Variable], settings: Settings, is_set: frozenset[str]
) -> Iterator[str]:
    """A sentence for each way in which the settings look for Redis in vain, with its cure."""
    urls = [one.name for one in read if _SCHEME.match(_begin(one.default))]
    lacking = [name for name in dict.fromkeys(urls) if name not in is_set]
    for key, known in _KEYS.items():
        if names := [one for one in lacking if bool(_OF_CELERY.search(one)) is (key == "celery_broker_url")]:
            them = "it" if len(names) == 1 else "them"
            yield (
                f"{', '.join(names)} would say where Redis is, and nothing sets {them}; for a Redis of the "
                f"site's own write {_cure(key, names, known, settings)} in fabric.yaml"
            )
    hosts = [one.name for one in read if _HOST.fullmatch(one.name) and _begin(one.default)]
    ours = {*urls, *(name for key in OF_REDIS for name in settings.env_names[key])}
    if hosts and hosts[0] not in is_set and not ours & {one.name for one in read}:
        yield (
            f"{hosts[0]} would say where Redis is, and nothing sets it; {_INSTEAD} "
            f"env: {{{hosts[0]}: localhost}}"
        )
    if settings.redis and appends_number(code, module):
        yield (
            "the settings append the number of a database to REDIS_URL, which the URL of a socket does not "
            f'take; instead of `redis: true` {_INSTEAD} env: {{REDIS_URL: "redis://localhost:6379"}}'
        )


def _cure(key: str, names: list[str], known: str, settings: Settings) -> str:
    if {*names} <= {known}:
        return "`redis: true`"
    return f"{'' if settings.redis else 'redis: true and '}env_names: {{{key}: [{', '.join(names)}]}}"


def appends_number(code: Code, module: str) -> bool:
    """Whether the settings append the number of a database: `REDIS_URL + "/1"`."""
    return any(_is_appended(node) for node in every_node(code, module))


def _is_appended(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [node.left, node.right]
    elif isinstance(node, ast.JoinedStr):
        parts = [one.value if isinstance(one, ast.FormattedValue) else one for one in node.values[:2]]
    else:
        return False
    is_url = isinstance(parts[0], ast.Name) and parts[0].id == "REDIS_URL"
    return is_url and len(parts) > 1 and _begin(parts[1]).startswith("/")


def _begin(node: ast.expr | None) -> str:
    """The text with which an expression begins, if the expression spells it out."""
    if isinstance(node, ast.JoinedStr):
        node = node.values[0] if node.values else None
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
