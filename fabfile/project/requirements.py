"""Requirements: what a project installs, and what roadie installs besides."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..errors import SettingsError
from ..git.trees import Tree
from ..settings.databases import Database
from . import forms, local
from .forms import Form

# What roadie installs in a second call of pip if the project lacks it. settings/databases.py has more.
PINS = {
    "gunicorn": "gunicorn==27.0.1",
    "uvicorn": "uvicorn==0.54.0",
    "uvicorn-worker": "uvicorn-worker==0.4.0",
    "websockets": "websockets==17.4",
    "gevent": "gevent==26.9.0",
    "packaging": "packaging>=20",  # Any version that the project's packages bring is good.
    "uv": "uv==0.13.9",  # uv takes a third of pip's time.
}
# Keys are parts of the worker class's name.
_FOR_WORKERS = {"uvicorn": ("uvicorn", "uvicorn-worker", "websockets"), "gevent": ("gevent", "packaging")}
# Other packages that make a pin needless.
_INSTEAD = {"websockets": ("wsproto",)}

# Packages that have no wheels for Linux, and what Debian must have to build them.
_BUILT_WITH = {
    "mysqlclient": ("default-libmysqlclient-dev | libmysqlclient-dev",),
    "psycopg2": ("libpq-dev",),
    "psycopg-c": ("libpq-dev",),
    "python-ldap": ("libldap-dev | libldap2-dev", "libsasl2-dev"),
    "pycairo": ("libcairo2-dev",),
    "pygraphviz": ("libgraphviz-dev",),
}
_INCLUDE = r"(-r|--requirement|-c|--constraint)(?:\s*=\s*|\s*)(\S.*)"
_NAME = r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?\s*(@|[<>=!~;]|$|--|\()"
_OPTION = r"(?:^|\s)(--?[A-Za-z][\w-]*)"


@dataclass(frozen=True)
class Requirements:
    """A requirements file with every file that it includes, and the packages that they name."""

    path: str
    #: the text of each file, by its path
    files: Mapping[str, str]
    #: the line of each package, by the package's name
    packages: Mapping[str, str]
    #: the paths in the tree from which requirements are installed
    local: tuple[str, ...]
    #: those of these paths whose own code is imported, and no copy of it
    editable: tuple[str, ...] = ()
    #: each pin that roadie may add, with the packages that each make the pin needless; see `completed`
    own_pins: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: the form of the file if it is not pip's own, and the command of its tool that tells what to install
    form: Form | None = None
    command: tuple[str, ...] = ()
    #: the groups and extras of the project that are not installed
    left: tuple[str, ...] = ()
    #: the requirements that the settings add
    extra: tuple[str, ...] = ()

    def with_extra(self, lines: tuple[str, ...]) -> Requirements:
        """These requirements and more lines. Paths in the lines start at the root of the tree."""
        more = {name: line for line in lines if (name := package_of(line))}
        places = {line: local.place_of(line) for line in lines if local.path_in(line) is not None}
        editable = [place for line, place in places.items() if local.is_editable(line)]
        return replace(
            self,
            packages={**self.packages, **more},
            local=local.unique([*self.local, *places.values()]),
            editable=local.unique([*self.editable, *editable]),
            extra=tuple(local.started_in(working_folder(self.path), line) for line in lines),
        )

    def completed(self, database: Database, worker_class: str = "") -> Requirements:
        """These requirements and what the database and the worker class need."""
        return replace(self, own_pins=_own_pins(database, worker_class.lower()))

    @property
    def folder(self) -> str:
        """The folder in which pip runs. Paths in the requirements start there."""
        return working_folder(self.path)

    @property
    def folders(self) -> list[str]:
        """All folders that the files and the requirements of the project's own lie in."""
        return [*map(posixpath.dirname, self.files), *self.local]

    @property
    def tool(self) -> str:
        """The tool that says on the host what to install; empty for pip's own form."""
        return self.form.tool if self.form else ""

    @property
    def pins(self) -> tuple[str, ...]:
        """The pins that roadie adds, as the project may lack their packages.

        The packages in another form than pip's are known only on the host, by the tool of the form.
        """
        named = {package_of(line) for line in self.extra} if self.form else {*self.packages}
        if re.match(r"uvicorn\s*\[[^\]]*standard", self.packages.get("uvicorn", "")):
            named.add("websockets")  # The extra `standard` requires this package.
        return tuple(pin for pin, instead in self.own_pins.items() if not instead & named)

    @property
    def needless(self) -> tuple[str, ...]:
        """For each of these pins, the packages that make it needless."""
        return tuple(" ".join(sorted(self.own_pins[pin])) for pin in self.pins)

    @property
    def told(self) -> str:
        """The file, the command of its form's tool, and the groups that are left out."""
        if not self.form:
            return self.path
        left = f", without {' '.join(self.left)}" if self.left else ""
        return f"{self.path}, by `{' '.join([*self.form.tool.split(), *self.command])}`{left}"

    @property
    def build_packages(self) -> tuple[str, ...]:
        """Debian's packages for building the project's packages that have no wheels."""
        names = [*self.packages, *("psycopg-c" for line in self.packages.values() if _asks_for_c(line))]
        return tuple(dict.fromkeys(one for name in names for one in _BUILT_WITH.get(name, ())))

    @property
    def options(self) -> tuple[str, ...]:
        """Every option of pip in the files."""
        lines = (line for text in self.files.values() for _, line in logical_lines(text))
        return tuple(sorted({option for line in lines for option in re.findall(_OPTION, line)}))

    @property
    def digest(self) -> str:
        """A hash of all lines that decide what pip installs; comments and empty lines do not count."""
        if self.form:
            lines = [[path, forms.decisive(path, text)] for path, text in self.files.items()]
            lines.append(["by", self.command])
        else:
            lines = [[path, [line for _, line in logical_lines(text)]] for path, text in self.files.items()]
        extra = [self.extra] if self.extra else []
        return hashlib.sha256(json.dumps([self.path, lines, self.pins, *extra]).encode()).hexdigest()


def collect(tree: Tree, path: str) -> Requirements:
    """Read a file of requirements, and the files that it includes."""
    if form := forms.form_of(path):
        return _collect_form(tree, path, form)
    files: dict[str, str] = {}
    packages: dict[str, str] = {}
    places: list[str] = []
    editable: list[str] = []
    for included, is_constraint, number, line in _lines(tree, path, files):
        if (place := local.path_in(line)) is not None:
            places.append(local.resolved(place, working_folder(path), f"{included}, line {number}"))
            editable += places[-1:] if local.is_editable(line) else []
        elif not is_constraint and (name := package_of(line)):
            packages.setdefault(name, line)
    return Requirements(path, files, packages, local.unique(places), local.unique(editable))


def _collect_form(tree: Tree, path: str, form: Form) -> Requirements:
    folder = posixpath.dirname(path)
    files = {path: read_file(tree, path, "")}
    for name in form.beside:
        files[posixpath.join(folder, name)] = read_file(tree, posixpath.join(folder, name), path)
    pyproject = posixpath.join(folder, "pyproject.toml")
    contents = forms.parsed(pyproject, files[pyproject]) if pyproject in files else {}
    chosen = forms.chosen(contents)
    if form.file == "uv.lock" and "[tool.uv.workspace]" in files[pyproject]:
        files.update(_workspace(tree, folder))
    packages: dict[str, str] = {}
    places: list[str] = []
    for name, line, place in form.facts(forms.parsed(path, files[path]), chosen):
        packages.setdefault(_normal(name), line)
        if place:
            places.append(local.resolved(place, folder, path))
    return Requirements(
        path,
        files,
        packages,
        local.unique(places),
        form=form,
        command=form.words(chosen),
        left=chosen.left,
    )


def _workspace(tree: Tree, folder: str) -> dict[str, str]:
    """Each pyproject.toml in the folders below. uv reads those of its workspace."""
    start = f"{folder}/" if folder else ""
    members = (path for path in tree.list() if path.startswith(start) and path.endswith("/pyproject.toml"))
    return {path: tree.read(path) or "" for path in members}


def folders_of(path: str, folder: str) -> list[str]:
    """The folder of the requirements, then the project's and those above."""
    return list(dict.fromkeys([posixpath.dirname(path), folder, *local.above(folder)]))


def lines_by_package(files: Mapping[str, str]) -> dict[str, str]:
    """The line of each package in these files, by the package's name. No line shows a user or a password.

    A line that names no package, such as an option, is its own name.
    """
    known = {path: form for path in files if (form := forms.form_of(path))}
    if known:
        locks = {path: form for path, form in known.items() if form.file != "pyproject.toml"}
        return _packages_of_forms(files, locks or known)
    texts = files.values()
    lines = [re.sub(r"://[^/@\s]*@", "://", line) for text in texts for _, line in logical_lines(text)]
    return {package_of(line) or line: line for line in lines}


def _packages_of_forms(files: Mapping[str, str], locks: Mapping[str, Form]) -> dict[str, str]:
    packages: dict[str, str] = {}
    for path, form in locks.items():
        pyproject = posixpath.join(posixpath.dirname(path), "pyproject.toml")
        try:
            contents = forms.parsed(pyproject, files[pyproject]) if pyproject in files else {}
            facts = form.facts(forms.parsed(path, files[path]), forms.chosen(contents))
            packages.update({_normal(name): line for name, line, _ in facts})
        except SettingsError:  # A host sends only the first MB of a file, which cannot be parsed.
            continue
    return packages


def working_folder(path: str) -> str:
    """The folder in which pip runs: that of the file, or the one above if the file is in `requirements/`."""
    folder = posixpath.dirname(path)
    return posixpath.dirname(folder) if posixpath.basename(folder) == "requirements" else folder


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines as pip joins them, each with the number of its first line."""
    parts: list[str] = []
    start = 1
    for number, line in enumerate([*text.splitlines(), ""], 1):
        line = re.sub(r"(^|\s+)#.*$", "", line)
        if not parts:
            start = number
        parts.append(line.removesuffix("\\"))
        if line.endswith("\\"):
            continue
        if joined := "".join(parts).strip():
            yield start, joined
        parts = []


def _own_pins(database: Database, worker_class: str) -> dict[str, frozenset[str]]:
    workers = [name for part, names in _FOR_WORKERS.items() if part in worker_class for name in names]
    return {
        PINS["gunicorn"]: frozenset(["gunicorn"]),
        **dict.fromkeys(database.pins, frozenset(database.drivers)),
        **{PINS[name]: frozenset([name, *_INSTEAD.get(name, ())]) for name in workers},
    }


def _lines(
    tree: Tree, path: str, files: dict[str, str], constraint: bool = False, origin: str = ""
) -> Iterator[tuple[str, bool, int, str]]:
    """Every line of a file and of the files that it includes: file, whether a constraint, number, line."""
    if path in files:
        return
    files[path] = text = read_file(tree, path, origin)
    for number, line in logical_lines(text):
        include = re.fullmatch(_INCLUDE, line)
        if not include:
            yield path, constraint, number, line
        elif "://" not in include[2]:
            where = f"{path}, line {number}"
            inner = local.resolved(include[2].strip("\"'"), posixpath.dirname(path), where)
            yield from _lines(tree, inner, files, constraint or include[1] in ("-c", "--constraint"), where)


def read_file(tree: Tree, path: str, origin: str) -> str:
    text = tree.read(path)
    if text is None:
        raise SettingsError(f"{origin or path}: no such file{f' {path}' if origin else ''}; is it committed?")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise SettingsError(f"{path}: is not UTF-8 (PowerShell's > writes UTF-16); save it as UTF-8")
    return text


def package_of(line: str) -> str:
    """The normalised name of the package that a line names."""
    found = re.match(_NAME, line) or re.search(r"[#&]egg=([A-Za-z0-9._-]+)", line)
    return _normal(found[1]) if found else ""


def _asks_for_c(line: str) -> bool:
    return re.match(r"psycopg\s*\[[^\]]*\bc\b[^\]]*\]", line) is not None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
