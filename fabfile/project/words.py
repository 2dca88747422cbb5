"""What the text of a project's settings says. roadie parses the text and never imports it."""

from __future__ import annotations

import ast
import posixpath
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Literal

from ..errors import SettingsError
from ..git.trees import Tree

Word = Literal["absent", "startproject", "committed", "unread", "own"]
# The value of a name as written; None if only running the code would show the value; UNREAD if the name may
# have any value, or none.
Names = dict[str, ast.expr | None]
UNREAD = ast.expr()
# What a test comes to; None if the text does not tell.
Truth = Callable[[ast.expr], bool | None]

# The settings that roadie's overlay and nginx depend on.
WORDS = tuple(
    """
    DEBUG SECRET_KEY ALLOWED_HOSTS CSRF_TRUSTED_ORIGINS DATABASES LOGGING CACHES STORAGES
    STATIC_URL STATIC_ROOT STATICFILES_STORAGE MEDIA_URL MEDIA_ROOT EMAIL_BACKEND ADMINS
    SECURE_PROXY_SSL_HEADER SECURE_SSL_REDIRECT SECURE_HSTS_SECONDS USE_X_FORWARDED_HOST
    SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE PREPEND_WWW
    """.split()
)
_SQLITE = "{{'default': {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': {}}}}}"
# The values that `django-admin startproject` writes, for every Django since 1.8.
_STARTPROJECT = {
    "DEBUG": ("True",),
    "ALLOWED_HOSTS": ("[]",),
    "STATIC_URL": ("'static/'", "'/static/'"),
    "DATABASES": tuple(
        _SQLITE.format(name)
        for name in (
            "BASE_DIR / 'db.sqlite3'",
            "str(BASE_DIR / 'db.sqlite3')",
            "os.path.join(BASE_DIR, 'db.sqlite3')",
        )
    ),
}
# Values that a call can change in place, and calls that can set any name.
_MUTABLE = {"ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DATABASES", "LOGGING", "CACHES", "STORAGES", "ADMINS"}
_ANYTHING = {"globals", "locals", "vars", "setattr", "exec", "include"}
# Stands for every name, where a statement may change any.
_ANY = "any name"
_LOADERS = {"globals", "locals", "DjangoDynaconf"}
_BLOCKS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class Code:
    """The modules that Python would find from the folder of manage.py, and from more folders after it.

    If the code `is_for_newer` Pythons than the one that runs here, this one need not read all of its words.
    """

    def __init__(self, tree: Tree, folder: str, *more: str, is_for_newer: bool = False) -> None:
        self.tree = tree
        self.folder = folder
        self.is_for_newer = is_for_newer
        self._folders = (folder, *more)
        self._paths = frozenset(tree.list())
        self._parsed: dict[str, ast.Module] = {}

    def path(self, module: str) -> str | None:
        """The path of a module; None if the module is not the project's."""
        bases = (posixpath.join(folder, *module.split(".")) for folder in self._folders)
        near = (path for base in bases for path in (f"{base}/__init__.py", f"{base}.py"))
        return next((path for path in near if path in self._paths), None)

    def package(self, module: str) -> str:
        """The package from which a module's own imports start: the module itself, if it is a package."""
        is_package = (self.path(module) or "").endswith("/__init__.py")
        return module if is_package else module.rpartition(".")[0]

    def has(self, package: str) -> bool:
        """Whether the project has a module or package of this name, with or without __init__.py."""
        bases = tuple(posixpath.join(folder, package) for folder in self._folders)
        inside = tuple(f"{base}/" for base in bases)
        return any(f"{base}.py" in self._paths for base in bases) or any(
            path.startswith(inside) for path in self._paths
        )

    def parse(self, path: str) -> ast.Module:
        """The parsed text of a file. Whoever asks again gets the same tree, and must not change the tree."""
        if path in self._parsed:
            return self._parsed[path]
        try:
            self._parsed[path] = parsed(self.tree.read(path) or "")
        except (SyntaxError, ValueError) as error:
            line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise SettingsError(
                f"{path}{line}: is not Python as {version} reads it ({_reason(error)}); "
                "put it right, or run fab with a newer Python"
            ) from None
        return self._parsed[path]

    def peek(self, path: str) -> ast.Module:
        """The parsed text of a file that the settings import; nothing if only another Python can read it."""
        try:
            return self.parse(path)
        except SettingsError:
            return ast.Module([], [])

    def names(self, module: str, truth: Truth = lambda test: None) -> Names:
        """The names that a module assigns at its top level, `import *` followed. The last value counts.

        Of an `if` whose `truth` is known only the branch counts that it takes.
        """
        return _Reading(self, frozenset(), truth).module(module)


def classify(names: Names) -> Mapping[str, Word]:
    """For each of WORDS: whether the value is the project's own, startproject's, or absent.

    "committed" is a secret key that stands in the text: everyone who can read the repository knows the key.
    "unread" means that the text does not tell; the overlay goes by the value.
    """
    return {word: _word(word, names) for word in WORDS}


def parsed(text: str) -> ast.Module:
    """The parsed text of a file, as a tree gives it. Raises SyntaxError or ValueError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # The bytes: a file may name another coding than UTF-8 in its first lines.
        return ast.parse(text.encode("utf-8", "surrogateescape"))


def text_of(node: ast.AST | None) -> str | None:
    """The text that an expression spells out; None if it is something else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def last_name(node: ast.expr) -> str:
    """The last word of a name such as `os.environ`; empty if the expression is no name."""
    return str(getattr(node, "attr", getattr(node, "id", "")))


def takes_all(node: ast.ImportFrom) -> bool:
    """Whether an import takes all names: `from .base import *`."""
    return any(alias.name == "*" for alias in node.names)


def literal(names: Names, name: str) -> object:
    """The value of a name if the text spells it out; else None."""
    value = names.get(name)
    try:
        return ast.literal_eval(value) if value else None
    except ValueError:
        return None


def _word(word: str, names: Names) -> Word:
    if word not in names:
        return "absent"
    value = names[word]
    if value is UNREAD:
        return "unread"
    if word == "SECRET_KEY" and (key := text_of(value)) is not None:
        return "startproject" if key.startswith("django-insecure-") else "committed"
    return "startproject" if value is not None and _is_startprojects(word, value) else "own"


def _is_startprojects(word: str, value: ast.expr) -> bool:
    return any(ast.dump(value) == _dump(source) for source in _STARTPROJECT.get(word, ()))


def _dump(source: str) -> str:
    return ast.dump(ast.parse(source, mode="eval").body)


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, SyntaxError) else str(error)


class _Reading:
    """One walk through the settings. `seen` stops at modules that import each other."""

    def __init__(self, code: Code, seen: frozenset[str], truth: Truth) -> None:
        self.code = code
        self.seen = seen
        self.truth = truth

    def module(self, module: str) -> Names:
        path = self.code.path(module)
        names: Names = {}
        if not path or module in self.seen:
            return names
        inner = _Reading(self.code, self.seen | {module}, self.truth)
        package = self.code.package(module)
        try:
            body = self.code.parse(path).body
        except SettingsError:
            if self.seen or self.code.is_for_newer:  # another Python may read it
                return dict.fromkeys(WORDS, UNREAD)
            raise
        for statement in inner.run(body, names):
            names.update(inner.statement(statement, package))
        return names

    def run(self, statements: list[ast.stmt], names: Names) -> Iterator[ast.stmt]:
        """The statements that are run, by the values that the names have meanwhile."""
        for each in statements:
            if isinstance(each, ast.If) and (truth := self.truth(_filled(each.test, names))) is not None:
                yield from self.run(each.body if truth else each.orelse, names)
            else:
                yield each

    def statement(self, node: ast.stmt, package: str) -> Names:
        """The names that a statement at the top level sets, and their values."""
        if isinstance(node, ast.Assign) and _sets_any(node.value):
            return {**dict.fromkeys(WORDS, UNREAD), **dict.fromkeys(self.touched(node, package))}
        if isinstance(node, ast.Assign) and all(isinstance(one, ast.Name) for one in node.targets):
            return {one.id: node.value for one in node.targets if isinstance(one, ast.Name)}
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            return {node.target.id: node.value} if node.value else {}
        if isinstance(node, ast.ImportFrom):
            return self.imported(node, package)
        touched = {*self.touched(node, package)}
        names: Names = dict.fromkeys(WORDS, UNREAD) if _ANY in touched else {}
        return {**names, **dict.fromkeys(touched - {_ANY})}

    def imported(self, node: ast.ImportFrom, package: str) -> Names:
        source = absolute(node, package)
        if takes_all(node):
            is_ours = node.level or self.code.has(source.partition(".")[0])
            # A package of others may set any name.
            return self.module(source) if is_ours else dict.fromkeys(WORDS, UNREAD)
        wanted = {alias.asname or alias.name: alias.name for alias in node.names}
        found = self.module(source) if wanted.keys() & {*WORDS} else {}
        return {name: found.get(original) for name, original in wanted.items()}

    def touched(self, node: ast.AST, package: str) -> Iterator[str]:
        """The names that a statement may change without showing the new value in its text."""
        if isinstance(node, _BLOCKS):
            yield getattr(node, "name", "")
            if _is_configuration(node):
                yield _ANY
            return
        if isinstance(node, ast.ImportFrom):
            # Mostly this is `try: from local_settings import *`. A module outside the tree is not there.
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
    filled = _Filled(names).visit(deepcopy(test))
    return filled if isinstance(filled, ast.expr) else test


class _Filled(ast.NodeTransformer):
    """Puts the values of names in the places of these names, but no value that a call may change in place."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self._names.get(node.id)
        is_told = value is not None and not isinstance(value, ast.List | ast.Dict | ast.Set)
        return value if value and is_told and value is not UNREAD else node


def absolute(node: ast.ImportFrom, package: str) -> str:
    """The module that an import names, in a module of this package."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


def _base(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _sets_any(value: ast.expr) -> bool:
    """Whether an expression calls what may set any name: `settings = dynaconf.DjangoDynaconf(__name__)`."""
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
