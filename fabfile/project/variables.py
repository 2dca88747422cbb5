"""The variables of the environment that settings read, and the tests that depend on these variables."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .assignments import UNREAD
from .source import Code
from .syntax import absolute, last_name, literal_of, text_of

#: the variables of the environment that will be set, each with its value; None if nobody here knows it
Known = Mapping[str, str | None]

#: the names by which nearly all projects call python-decouple and django-environ
_READERS = ("env", "config")
_KINDS = frozenset(
    "str bool int float list tuple dict json url db db_url cache cache_url email email_url path".split()
)
#: the files of a project that these libraries read, besides the environment
_FILES = (".env", "settings.ini")


@dataclass(frozen=True)
class Variable:
    """A variable that an expression reads, and its default there; None if there is no default."""

    name: str
    default: ast.expr | None


def variables(node: ast.AST) -> list[Variable]:
    """The variables that a piece of code reads."""
    return [found for each in ast.walk(node) if (found := _variable(each))]


def known_to(code: Code, module: str, given: Known) -> Known:
    """The variables that will have a value: those given, and those that the project's own files give one."""
    return {**dict.fromkeys((*_in_files(code), *_in_schemas(code, module))), **given}


def read_at_once(code: Code, module: str, known: Known) -> frozenset[str]:
    """The unknown variables that a settings module always reads, without a default, when it is imported."""
    return frozenset(one for one in _needed(code, module, known, set()) if one not in known)


def read_anywhere(code: Code, module: str) -> list[Variable]:
    """The variables that a settings module reads, or a module from which it imports."""
    return [found for each in every_node(code, module) if (found := _variable(each))]


def _needed(code: Code, module: str, known: Known, seen: set[str]) -> Iterator[str]:
    for package, node in _statements(code, module, seen):
        for each in _run(node, known):
            if isinstance(each, ast.ImportFrom):
                yield from _needed(code, absolute(each, package), known, seen)
            elif isinstance(each, ast.Assign | ast.AnnAssign | ast.Expr) and each.value:
                read = (_variable(part) for part in _evaluated(each.value))
                yield from (one.name for one in read if one and not one.default)


def _run(node: ast.stmt, known: Known) -> Iterator[ast.stmt]:
    """The statement, or the statements of the branch of an `if` that Python runs."""
    if not isinstance(node, ast.If):
        yield node
    elif (truth := truth_of(node.test, known)) is not None:
        for each in node.body if truth else node.orelse:
            yield from _run(each, known)


def truth_of(test: ast.expr, known: Known) -> bool | None:
    """Whether a test is true with these variables; None if the text does not tell."""
    try:
        return bool(_outcome(test, known))
    except (_Untold, TypeError):  # `None in "abc"` is a TypeError
        return None


class _Untold(Exception):
    """Only running the code would show the value."""


def _outcome(node: ast.expr, known: Known) -> object:
    """The value of an expression of literals, variables of the environment, and comparisons of these."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _outcome(node.operand, known)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _compared(node, known)
    if found := _variable(node):
        return _value_of(found, node, known)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
        text = _outcome(node.func.value, known)
        if isinstance(text, str) and node.func.attr in ("lower", "upper", "strip"):
            return getattr(text, node.func.attr)()
    return _spelled_out(node)


def _compared(node: ast.Compare, known: Known) -> object:
    operator, right = node.ops[0], node.comparators[0]
    is_negated = isinstance(operator, ast.NotEq | ast.NotIn | ast.IsNot)
    if isinstance(operator, ast.In | ast.NotIn) and _is_environ(right):
        name = text_of(node.left)
        if name is None:
            raise _Untold
        return (name in known) is not is_negated
    one, other = _outcome(node.left, known), _outcome(right, known)
    if isinstance(operator, ast.Eq | ast.NotEq | ast.Is | ast.IsNot):
        return (one == other) is not is_negated
    if isinstance(operator, ast.In | ast.NotIn) and isinstance(other, tuple | list | str):
        return (one in other) is not is_negated
    raise _Untold


def _value_of(variable: Variable, node: ast.expr, known: Known) -> object:
    """The value of a variable, or its default if nothing sets it. Untold if the code converts the value."""
    if variable.name not in known:
        return _spelled_out(variable.default)
    text = known[variable.name]
    is_plain = isinstance(node, ast.Subscript) or last_name(getattr(node, "func", node)) in ("get", "getenv")
    if text is None or not is_plain:
        raise _Untold
    return text


def _spelled_out(node: ast.expr | None) -> object:
    if (value := literal_of(node, UNREAD)) is UNREAD:
        raise _Untold
    return value


def _statements(code: Code, module: str, seen: set[str]) -> Iterator[tuple[str, ast.stmt]]:
    """The statements of a module, each with the package of the module. A module that was `seen` has none."""
    path = code.path(module)
    if path and path not in seen:
        seen.add(path)
        package = code.package(module)
        yield from ((package, node) for node in code.peek(path).body)


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of an expression that Python always evaluates."""
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
        is_get = function.attr in ("get", "setdefault") and _is_environ(function.value)
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
    """The variables to which the code gives a value, as by `environ.Env(DEBUG=(bool, False))`."""
    for each in every_node(code, module):
        if isinstance(each, ast.Call) and last_name(each.func) == "Env":
            yield from (word.arg for word in each.keywords if word.arg)
        elif _gives_value(each) and (found := _variable(each)):
            yield found.name


def _gives_value(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return last_name(node.func) == "setdefault"
    return isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)


def every_node(code: Code, module: str) -> Iterator[ast.AST]:
    """All parts of a settings module, and of the modules from which it imports."""
    seen: set[str] = set()
    modules = [module]
    while modules:
        for package, node in _statements(code, modules.pop(), seen):
            if isinstance(node, ast.ImportFrom):
                modules.append(absolute(node, package))
            yield from ast.walk(node)
