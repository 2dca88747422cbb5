"""The variables of the environment that the text of settings reads, and what it does without them."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from .words import Code, absolute, last_name, text_of

#: how python-decouple and django-environ are called by nearly all projects
_READERS = ("env", "config")
_KINDS = frozenset(
    "str bool int float list tuple dict json url db db_url cache cache_url email email_url path".split()
)
#: files of a project that these read beside the environment
_FILES = (".env", "settings.ini")


@dataclass(frozen=True)
class Variable:
    """A variable that an expression reads, and its default there; None if there is no default."""

    name: str
    default: ast.expr | None


def variables(node: ast.AST) -> list[Variable]:
    """The variables that a piece of code reads."""
    return [found for each in ast.walk(node) if (found := _variable(each))]


def read_at_once(code: Code, module: str, is_set: Collection[str]) -> frozenset[str]:
    """The variables that a settings module reads in any case when it is imported, without a default.

    `is_set` are the variables that will be there. They decide which branch of an `if` counts.
    """
    known = {*is_set, *_in_files(code), *_in_schemas(code, module)}
    return frozenset(one for one in _needed(code, module, known, set()) if one not in known)


def _needed(code: Code, module: str, known: Collection[str], seen: set[str]) -> Iterator[str]:
    for package, node in _statements(code, module, seen):
        for each in _run(node, known):
            if isinstance(each, ast.ImportFrom):
                yield from _needed(code, absolute(each, package), known, seen)
            elif isinstance(each, ast.Assign | ast.AnnAssign | ast.Expr) and each.value:
                read = (_variable(part) for part in _evaluated(each.value))
                yield from (one.name for one in read if one and not one.default)


def _run(node: ast.stmt, known: Collection[str]) -> Iterator[ast.stmt]:
    """The statement, or those of the branch that an `if` takes without the variables that nothing sets."""
    if not isinstance(node, ast.If):
        yield node
    elif (truth := _truth(node.test, known)) is not None:
        for each in node.body if truth else node.orelse:
            yield from _run(each, known)


def _truth(test: ast.expr, known: Collection[str]) -> bool | None:
    """What a test comes to that only asks whether a variable is set; None if it asks something else."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _truth(test.operand, known)
        return None if inner is None else not inner
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.In) and _is_environ(test.comparators[0]):
        name = text_of(test.left)
        return None if name is None else name in known
    found = _variable(test)
    if not found or found.name in known or not isinstance(found.default, ast.Constant):
        return None
    return bool(found.default.value)


def _statements(code: Code, module: str, seen: set[str]) -> Iterator[tuple[str, ast.stmt]]:
    """The statements of a module with the package that it is in; of each module once."""
    path = code.path(module)
    if path and path not in seen:
        seen.add(path)
        package = code.package(module)
        yield from ((package, node) for node in code.parse(path).body)


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of an expression that are evaluated in any case."""
    yield node
    if isinstance(node, ast.BoolOp):
        yield from _evaluated(node.values[0])
    elif isinstance(node, ast.IfExp):
        yield from _evaluated(node.test)
    elif not isinstance(node, ast.Lambda | ast.ListComp | ast.DictComp | ast.SetComp | ast.GeneratorExp):
        for child in ast.iter_child_nodes(node):
            yield from _evaluated(child)


def _variable(node: ast.AST) -> Variable | None:
    if isinstance(node, ast.Subscript) and _is_environ(node.value):
        name, default = text_of(node.slice), None
    elif isinstance(node, ast.Call) and node.args and _reads(node.func):
        given = [word.value for word in node.keywords if word.arg == "default"] + node.args[1:2]
        name, default = text_of(node.args[0]), given[0] if given else _nothing(node.func)
    else:
        return None
    return Variable(name, default) if name else None


def _reads(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        is_get = function.attr == "get" and _is_environ(function.value)
        return is_get or function.attr == "getenv" or (_is_reader(function.value) and function.attr in _KINDS)
    return _is_reader(function) or getattr(function, "id", "") == "getenv"


def _nothing(function: ast.expr) -> ast.expr | None:
    """The default of a call that names none: os.environ.get and os.getenv give None."""
    return ast.Constant(None) if last_name(function) in ("get", "getenv") else None


def _is_reader(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in _READERS


def _is_environ(node: ast.expr) -> bool:
    return last_name(node) == "environ"


def _in_files(code: Code) -> Iterator[str]:
    for path in code.tree.list():
        if posixpath.basename(path) in _FILES:
            text = code.tree.read(path) or ""
            yield from re.findall(r"(?m)^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", text)


def _in_schemas(code: Code, module: str) -> Iterator[str]:
    """The variables to which `environ.Env(DEBUG=(bool, False))` gives a default."""
    seen: set[str] = set()
    modules = [module]
    while modules:
        for package, node in _statements(code, modules.pop(), seen):
            if isinstance(node, ast.ImportFrom):
                modules.append(absolute(node, package))
            for each in ast.walk(node):
                if isinstance(each, ast.Call) and last_name(each.func) == "Env":
                    yield from (word.arg for word in each.keywords if word.arg)
