"""Which names a settings module assigns, and to which values. The text is parsed, and never run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from copy import deepcopy

from ..errors import SettingsError
from .source import Code
from .syntax import absolute, last_name, takes_all

#: Each name with the expression that is its value. None means that only running the code would show the
#: value. UNREAD means that the name may have any value, or none.
Names = dict[str, ast.expr | None]
UNREAD = ast.expr()
#: Tells whether the test of an `if` is true; None if the text does not tell.
Truth = Callable[[ast.expr], bool | None]
#: the settings that roadie's overlay and nginx depend on
WATCHED = tuple(
    """
    DEBUG SECRET_KEY ALLOWED_HOSTS CSRF_TRUSTED_ORIGINS DATABASES LOGGING CACHES STORAGES
    STATIC_URL STATIC_ROOT STATICFILES_STORAGE MEDIA_URL MEDIA_ROOT EMAIL_BACKEND ADMINS
    SECURE_PROXY_SSL_HEADER SECURE_SSL_REDIRECT SECURE_HSTS_SECONDS USE_X_FORWARDED_HOST
    SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE PREPEND_WWW
    """.split()
)
#: the settings whose values a call can change in place, such as `ALLOWED_HOSTS.append(...)`
_MUTABLE = {"ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DATABASES", "LOGGING", "CACHES", "STORAGES", "ADMINS"}
#: the calls that can set any name
_ANYTHING = {"globals", "locals", "vars", "setattr", "exec", "include"}
#: stands for all names if a statement may change any of them
_ANY = "any name"
#: the calls whose result sets any name: `settings = dynaconf.DjangoDynaconf(__name__)`
_LOADERS = {"globals", "locals", "DjangoDynaconf"}
_BLOCKS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def assigned_in(code: Code, module: str, truth: Truth = lambda test: None) -> Names:
    """The names that a module assigns at its top level, also by `import *`. The last value counts.

    If `truth` knows the test of an `if`, only the branch that Python would run counts.
    """
    return _Reading(code, frozenset(), truth).module(module)


class _Reading:
    """One walk through the settings. `seen` are the modules on the way: modules may import each other."""

    def __init__(self, code: Code, seen: frozenset[str], truth: Truth) -> None:
        self.code = code
        self.seen = seen
        self.truth = truth

    def module(self, module: str) -> Names:
        """The names that a module assigns."""
        path = self.code.path(module)
        names: Names = {}
        if not path or module in self.seen:
            return names
        inner = _Reading(self.code, self.seen | {module}, self.truth)
        package = self.code.package(module)
        try:
            body = self.code.parse(path).body
        except SettingsError:
            if self.seen or self.code.is_for_newer:  # a newer Python may be able to parse the file
                return dict.fromkeys(WATCHED, UNREAD)
            raise
        for statement in inner.run(body, names):
            names.update(inner.statement(statement, package))
        return names

    def run(self, statements: list[ast.stmt], names: Names) -> Iterator[ast.stmt]:
        """The statements that Python would run. `names` has the values so far, for the tests of `if`."""
        for each in statements:
            if isinstance(each, ast.If) and (truth := self.truth(_filled(each.test, names))) is not None:
                yield from self.run(each.body if truth else each.orelse, names)
            else:
                yield each

    def statement(self, node: ast.stmt, package: str) -> Names:
        """The names that a statement at the top level sets, and their values."""
        if isinstance(node, ast.Assign) and _sets_any(node.value):
            return {**dict.fromkeys(WATCHED, UNREAD), **dict.fromkeys(self.touched(node, package))}
        if isinstance(node, ast.Assign) and all(isinstance(one, ast.Name) for one in node.targets):
            return {one.id: node.value for one in node.targets if isinstance(one, ast.Name)}
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            return {node.target.id: node.value} if node.value else {}
        if isinstance(node, ast.ImportFrom):
            return self.imported(node, package)
        touched = {*self.touched(node, package)}
        names: Names = dict.fromkeys(WATCHED, UNREAD) if _ANY in touched else {}
        return {**names, **dict.fromkeys(touched - {_ANY})}

    def imported(self, node: ast.ImportFrom, package: str) -> Names:
        """The names that a statement imports."""
        source = absolute(node, package)
        if takes_all(node):
            is_ours = node.level or self.code.has(source.partition(".")[0])
            # roadie cannot read an installed package, which may set any name.
            return self.module(source) if is_ours else dict.fromkeys(WATCHED, UNREAD)
        wanted = {alias.asname or alias.name: alias.name for alias in node.names}
        found = self.module(source) if wanted.keys() & {*WATCHED} else {}
        return {name: found.get(original) for name, original in wanted.items()}

    def touched(self, node: ast.AST, package: str) -> Iterator[str]:
        """The names that a statement may change although its text does not show the new value."""
        if isinstance(node, _BLOCKS):
            yield getattr(node, "name", "")
            if _is_configuration(node):
                yield _ANY
            return
        if isinstance(node, ast.ImportFrom):
            # Mostly this is `try: from local_settings import *`. A module outside the tree adds nothing.
            yield from self.module(absolute(node, package)).keys()
            yield from (alias.asname or alias.name for alias in node.names)
        if isinstance(node, ast.Name | ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            yield from _changed({_base(node)})
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            yield from _changed({_base(call.func), *map(_base, call.args)} & (_MUTABLE | _ANYTHING))
        for child in ast.iter_child_nodes(node):
            yield from self.touched(child, package)


def _filled(test: ast.expr, names: Names) -> ast.expr:
    """The test with the values of names in the places of these names."""
    filled = _Filled(names).visit(deepcopy(test))
    return filled if isinstance(filled, ast.expr) else test


class _Filled(ast.NodeTransformer):
    """Replaces names by their values, but for values that a call may have changed in place."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self._names.get(node.id)
        if value is None or value is UNREAD or isinstance(value, ast.List | ast.Dict | ast.Set):
            return node
        return value


def _base(node: ast.expr) -> str:
    """The first part of a name such as `os.environ["DEBUG"]`; empty if the expression is no name."""
    while isinstance(node, ast.Subscript | ast.Attribute | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _sets_any(value: ast.expr) -> bool:
    """Whether an expression calls one of the loaders."""
    calls = (each for each in ast.walk(value) if isinstance(each, ast.Call))
    return any(last_name(each.func) in _LOADERS for each in calls)


def _changed(bases: set[str]) -> set[str]:
    """The names that may change when these targets are assigned or called."""
    return {*bases, _ANY} if bases & _ANYTHING else bases


def configurations(code: ast.Module) -> list[str]:
    """The classes of django-configurations in a module, each of which is the whole settings."""
    found: list[str] = []
    for node in code.body:
        if isinstance(node, ast.ClassDef):
            bases = {getattr(base, "id", "") for base in node.bases}
            if _is_configuration(node) or bases & {*found}:
                found.append(node.name)
    return found


def _is_configuration(node: ast.AST) -> bool:
    """Whether this class belongs to django-configurations, where a class is the whole settings."""
    return isinstance(node, ast.ClassDef) and any("Configuration" in ast.dump(base) for base in node.bases)
