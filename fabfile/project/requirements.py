"""The requirements of a project: the files that they include, and the packages that they lack to run here."""

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

# What roadie adds in a second call of pip where the project lacks it. The drivers are with their databases.
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

NAMES = (
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/deploy.txt",
    "requirements.txt",
)
_BASES = (
    *(f"requirements{sign}{name}.txt" for name in ("production", "prod", "deploy") for sign in "-_"),
    "requirements/base.txt",
    "requirements/common.txt",
)
# Files that say what is required, but not in a form that can be installed, and what makes one.
_LACK = {
    "Pipfile": "run `pipenv lock`, and commit Pipfile.lock",
    "pyproject.toml": "write `dependencies` under [project], or commit the lock file of your tool",
}
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


class NoRequirements(SettingsError):
    """The project has no requirements file that roadie can install from; exit code 2."""


@dataclass(frozen=True)
class Requirements:
    """A requirements file with every file that it includes, and the packages that they name.

    `own_pins` has each pin that roadie may add, and the packages that each make it needless; see `completed`.
    A file that is not in pip's own form has a `form`, and `command` are the words with which its tool says
    what to install. `extra` are requirements of the settings. `local` are paths in the tree that requirements
    lie at, and `editable` those of them whose own code is to be imported.
    """

    path: str
    files: Mapping[str, str]
    packages: Mapping[str, str]
    local: tuple[str, ...]
    editable: tuple[str, ...] = ()
    own_pins: Mapping[str, frozenset[str]] = field(default_factory=dict)
    form: Form | None = None
    command: tuple[str, ...] = ()
    #: groups of the project that are not installed
    left: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    def with_extra(self, lines: tuple[str, ...]) -> Requirements:
        """The same, with more requirements, which come beside the files. Their paths start at the root."""
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
        """The same, with what the database and the worker class need."""
        return replace(self, own_pins=_own_pins(database, worker_class.lower()))

    @property
    def folder(self) -> str:
        """Where pip runs, as the paths in requirements start there."""
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
        """roadie's own requirement lines for the packages that the project may lack to run.

        Of another form than pip's, the host knows only later what it lacks.
        """
        named = {package_of(line) for line in self.extra} if self.form else {*self.packages}
        if re.match(r"uvicorn\s*\[[^\]]*standard", self.packages.get("uvicorn", "")):
            named.add("websockets")  # this extra brings it
        return tuple(pin for pin, instead in self.own_pins.items() if not instead & named)

    @property
    def needless(self) -> tuple[str, ...]:
        """For each of these pins, the packages that make it needless."""
        return tuple(" ".join(sorted(self.own_pins[pin])) for pin in self.pins)

    @property
    def told(self) -> str:
        """In which form the requirements are, and what is left out."""
        if not self.form:
            return self.path
        left = f", without {' '.join(self.left)}" if self.left else ""
        return f"{self.path}, by `{' '.join([*self.form.tool.split(), *self.command])}`{left}"

    @property
    def build_packages(self) -> tuple[str, ...]:
        """Debian's packages for what has to be built, as no wheel serves. roadie's own pins need others."""
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


def find(tree: Tree, folder: str, lines: tuple[str, ...]) -> str:
    """The requirements of the project in `folder`, or in the nearest folder above that has any.

    `lines` are the requirements to suggest where there is no file at all.
    """
    return found(tree, folder, lines)[0]


def found(tree: Tree, folder: str, lines: tuple[str, ...]) -> list[str]:
    """Every file that may have the requirements of the project in `folder`. The first one is installed."""
    if several := near(tree, folder):
        return several
    paths = frozenset(tree.list())
    folders = [folder, *local.above(folder)]
    for here in folders:
        for name, cure in _LACK.items():
            if (path := posixpath.join(here, name)) in paths and not _others(paths, folders):
                cure = _cure_of_poetry(tree, path) or cure
                raise NoRequirements(f"{path} alone says too little to install from: {cure}")
    raise NoRequirements(_none_at_all(paths, folder, lines))


def near(tree: Tree, folder: str) -> list[str]:
    """Such files in the folder and in those above, the nearest first."""
    paths = frozenset(tree.list())
    names = (*NAMES, *(form.file for form in forms.FORMS), *_BASES)
    places = [posixpath.join(here, name) for here in (folder, *local.above(folder)) for name in names]
    return [path for path in places if path in paths and _is_installable(tree, path)]


def _is_installable(tree: Tree, path: str) -> bool:
    """pyproject.toml mostly holds other things."""
    if posixpath.basename(path) != "pyproject.toml":
        return True
    return forms.has_dependencies(forms.parsed(path, _read(tree, path, "")))


def _cure_of_poetry(tree: Tree, path: str) -> str:
    text = _read(tree, path, "")
    return "run `poetry lock`, and commit poetry.lock" if "[tool.poetry.dependencies]" in text else ""


def collect(tree: Tree, path: str) -> Requirements:
    """Read requirements and all that they include."""
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
    files = {path: _read(tree, path, "")}
    for name in form.beside:
        files[posixpath.join(folder, name)] = _read(tree, posixpath.join(folder, name), path)
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
    """pyproject.toml of every folder below: uv asks those of a workspace."""
    start = f"{folder}/" if folder else ""
    members = (path for path in tree.list() if path.startswith(start) and path.endswith("/pyproject.toml"))
    return {path: tree.read(path) or "" for path in members}


def folders_of(path: str, folder: str) -> list[str]:
    """The folder of the requirements, then the project's and those above."""
    return list(dict.fromkeys([posixpath.dirname(path), folder, *local.above(folder)]))


def lines_by_package(files: Mapping[str, str]) -> dict[str, str]:
    """The line of each package in requirements, by path. A URL shows no user and no password.

    Lines that name no package, such as options, stand for themselves.
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
        except SettingsError:  # a host tells only the first MB
            continue
    return packages


def working_folder(path: str) -> str:
    """The folder in which pip runs, where paths in the file start: for `requirements/` the one above."""
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
    """Every line of a file and of the files it includes: file, whether a constraint, number, line."""
    if path in files:
        return
    files[path] = text = _read(tree, path, origin)
    for number, line in logical_lines(text):
        include = re.fullmatch(_INCLUDE, line)
        if not include:
            yield path, constraint, number, line
        elif "://" not in include[2]:
            where = f"{path}, line {number}"
            inner = local.resolved(include[2].strip("\"'"), posixpath.dirname(path), where)
            yield from _lines(tree, inner, files, constraint or include[1] in ("-c", "--constraint"), where)


def _read(tree: Tree, path: str, origin: str) -> str:
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


def _is_requirements(path: str, folders: list[str]) -> bool:
    place, name = posixpath.split(path)
    above, last = posixpath.split(place)
    named = name.startswith("requirements") and place in folders
    return name.endswith((".txt", ".pip")) and (named or (last == "requirements" and above in folders))


def _others(paths: frozenset[str], folders: list[str]) -> list[str]:
    """Requirements files whose names do not tell that they are for production."""
    return sorted(path for path in paths if _is_requirements(path, folders))


def _none_at_all(paths: frozenset[str], folder: str, lines: tuple[str, ...]) -> str:
    if others := _others(paths, [folder, *local.above(folder)]):
        return (
            f"no requirements file for production, only {', '.join(others[:4])}; "
            f"name the right one in fabric.yaml, for example `requirements: {others[0]}`"
        )
    return (
        f"no requirements file; write {posixpath.join(folder, 'requirements.txt')} with the lines "
        f"{' and '.join(map(repr, lines))}, and commit it"
    )
