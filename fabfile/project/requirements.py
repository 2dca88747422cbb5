"""The requirements of a project: the files that they include, and the packages that they lack to run here."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ..errors import SettingsError
from ..git.trees import Tree
from ..settings.databases import Database

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
_EXPORTS = {
    "uv.lock": "uv export --no-dev --no-emit-project -o requirements.txt",
    "poetry.lock": "poetry export -o requirements.txt",
    "Pipfile.lock": "pipenv requirements > requirements.txt",
    "Pipfile": "pipenv lock && pipenv requirements > requirements.txt",
}
_INCLUDE = r"(-r|--requirement|-c|--constraint)(?:\s*=\s*|\s*)(\S.*)"
_EDITABLE = r"(-e|--editable)(?:\s*=\s*|\s*)(\S.*)"
_FIND_LINKS = r"(-f|--find-links)(?:\s*=\s*|\s*)(\S.*)"
_NAME = r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(\[[^\]]*\])?\s*(@|[<>=!~;]|$|--|\()"
_ARCHIVE = r".*\.(whl|zip|tar\.(gz|bz2|xz))"
_OPTION = r"(?:^|\s)(--?[A-Za-z][\w-]*)"


class NoRequirements(SettingsError):
    """The project has no requirements file that roadie can install from; exit code 2."""


@dataclass(frozen=True)
class Requirements:
    """A requirements file with every file that it includes, and the packages that they name.

    `own_pins` has each pin that roadie may add, and the packages that each make it needless; see `completed`.
    """

    path: str
    files: Mapping[str, str]
    packages: Mapping[str, str]
    local: tuple[str, ...]
    own_pins: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def completed(self, database: Database, worker_class: str = "") -> Requirements:
        """The same, with what the database and the worker class need."""
        return replace(self, own_pins=_own_pins(database, worker_class.lower()))

    @property
    def pins(self) -> tuple[str, ...]:
        """roadie's own requirement lines for the packages that the project lacks to run."""
        named = {*self.packages}
        if re.match(r"uvicorn\s*\[[^\]]*standard", self.packages.get("uvicorn", "")):
            named.add("websockets")  # this extra brings it
        return tuple(pin for pin, instead in self.own_pins.items() if not instead & named)

    @property
    def options(self) -> tuple[str, ...]:
        """Every option of pip in the files."""
        lines = (line for text in self.files.values() for _, line in logical_lines(text))
        return tuple(sorted({option for line in lines for option in re.findall(_OPTION, line)}))

    @property
    def digest(self) -> str:
        """A hash of all lines that decide what pip installs; comments and empty lines do not count."""
        lines = [[path, [line for _, line in logical_lines(text)]] for path, text in self.files.items()]
        return hashlib.sha256(json.dumps([self.path, lines, self.pins]).encode()).hexdigest()


def find(tree: Tree, folder: str, lines: tuple[str, ...]) -> str:
    """The requirements file of the project in `folder`, or in the nearest folder above that has one.

    `lines` are the requirements to suggest where there is no file at all.
    """
    paths = frozenset(tree.list())
    folders = [folder, *_above(folder)]
    for here in folders:
        for name in NAMES:
            if posixpath.join(here, name) in paths:
                return posixpath.join(here, name)
    for here in folders:
        for name, export in _EXPORTS.items():
            if (lock := posixpath.join(here, name)) in paths:
                raise NoRequirements(
                    f"{lock}: roadie installs from a requirements file; run `{export}` and commit it"
                )
    raise NoRequirements(_none_at_all(paths, folder, lines))


def collect(tree: Tree, path: str) -> Requirements:
    """Read a requirements file and all that it includes."""
    files: dict[str, str] = {}
    packages: dict[str, str] = {}
    local: list[str] = []
    for included, is_constraint, number, line in _lines(tree, path, files):
        where = f"{included}, line {number}"
        if (place := _local_path(line)) is not None:
            local.append(_resolved(place, working_folder(path), where))
        elif not is_constraint and (name := _package(line)):
            packages.setdefault(name, line)
    return Requirements(path, files, packages, tuple(dict.fromkeys(local)))


def lines_by_package(texts: Iterable[str]) -> dict[str, str]:
    """The line of each package in the texts of requirements files. A URL shows no user and no password.

    Lines that name no package, such as options, stand for themselves.
    """
    lines = [re.sub(r"://[^/@\s]*@", "://", line) for text in texts for _, line in logical_lines(text)]
    return {_package(line) or line: line for line in lines}


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
    text = tree.read(path)
    if text is None:
        raise SettingsError(f"{origin or path}: no such file{f' {path}' if origin else ''}; is it committed?")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise SettingsError(f"{path}: is not UTF-8 (PowerShell's > writes UTF-16); save it as UTF-8")
    files[path] = text
    for number, line in logical_lines(text):
        include = re.fullmatch(_INCLUDE, line)
        if not include:
            yield path, constraint, number, line
        elif "://" not in include[2]:
            where = f"{path}, line {number}"
            inner = _resolved(include[2].strip("\"'"), posixpath.dirname(path), where)
            yield from _lines(tree, inner, files, constraint or include[1] in ("-c", "--constraint"), where)


def _resolved(path: str, folder: str, where: str) -> str:
    found = posixpath.normpath(posixpath.join(folder, path))
    if found.startswith(("../", "/")) or found == "..":
        raise SettingsError(
            f"{where}: {path} lies outside of what is deployed; move it into the project's folder"
        )
    return "" if found == "." else found


def _local_path(line: str) -> str | None:
    """The path in the project that a line installs from, if it names one."""
    editable = re.fullmatch(_EDITABLE, line) or re.fullmatch(_FIND_LINKS, line)
    spec = editable[2] if editable else line
    if found := re.search(r"(?:^|@\s*)file:(?://(?:localhost)?)?(\S*)", spec):
        spec = found[1]
    elif "://" in spec or (spec.startswith("-") and not editable):
        return None
    elif found := re.match(r"[A-Za-z0-9._-]+\s*(\[[^\]]*\])?\s*@\s*(\./\S+|\.\./\S+)", spec):
        spec = found[2]
    elif not editable and not _looks_like_path(spec):
        return None
    spec = re.split(r"\s+(?:;|--)|#", spec.strip("\"'"))[0]
    return re.sub(r"\[[^\]]*\]$", "", spec).strip() or "."


def _looks_like_path(spec: str) -> bool:
    first = re.split(r"[\s;]", spec)[0]
    return first.startswith((".", "/", "~")) or re.fullmatch(_ARCHIVE, first) is not None or "/" in first


def _package(line: str) -> str:
    """The normalised name of the package that a line names."""
    found = re.match(_NAME, line) or re.search(r"[#&]egg=([A-Za-z0-9._-]+)", line)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else ""


def _above(folder: str) -> list[str]:
    parts = folder.split("/") if folder else []
    return ["/".join(parts[:length]) for length in reversed(range(len(parts)))]


def _is_requirements(path: str, folders: list[str]) -> bool:
    place, name = posixpath.split(path)
    above, last = posixpath.split(place)
    named = name.startswith("requirements") and place in folders
    return name.endswith(".txt") and (named or (last == "requirements" and above in folders))


def _none_at_all(paths: frozenset[str], folder: str, lines: tuple[str, ...]) -> str:
    folders = [folder, *_above(folder)]
    others = sorted(path for path in paths if _is_requirements(path, folders))
    if others:
        return (
            f"no requirements file for production, only {', '.join(others[:4])}; "
            f"name the right one in fabric.yaml, for example `requirements: {others[0]}`"
        )
    if (pyproject := posixpath.join(folder, "pyproject.toml")) in paths or "pyproject.toml" in paths:
        pyproject = pyproject if pyproject in paths else "pyproject.toml"
        return (
            f"{pyproject}: roadie installs from a requirements file; "
            f"run `uv pip compile {pyproject} -o requirements.txt` and commit it"
        )
    return (
        f"no requirements file; write {posixpath.join(folder, 'requirements.txt')} with the lines "
        f"{' and '.join(map(repr, lines))}, and commit it"
    )
