"""Form: how a project writes its requirements, if not as a file for pip: in a lock file or pyproject.toml.

On the host, the tool of the form tells what is installed. This module reads only facts: which packages there
are, which folders of the project they need, and which Python.
"""

from __future__ import annotations

import json
import posixpath
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import SettingsError

#: groups and extras with these names are installed
_PRODUCTION = ("production", "prod", "deploy")
#: also groups with these names, if pyproject.toml has groups and no project
_ALL = (*_PRODUCTION, "main", "default")
#: the parts of pyproject.toml that decide what is installed
_DECIDES = {
    "project": ("name", "dependencies", "optional-dependencies", "requires-python"),
    "tool": ("uv", "poetry", "pdm"),
}

Facts = Callable[[Mapping[str, Any], "Chosen"], Iterator[tuple[str, str, str]]]


@dataclass(frozen=True)
class Chosen:
    """The groups and the extras of pyproject.toml that are installed."""

    #: the name of the project
    name: str
    groups: tuple[str, ...]
    extras: tuple[str, ...]
    #: the groups and extras that are not installed
    left: tuple[str, ...]


@dataclass(frozen=True)
class Form:
    """A form of requirements."""

    #: the name of a file in this form
    file: str
    #: the tool that reads the file on the host, and the words of its command
    tool: str
    command: tuple[str, ...]
    #: the files that the tool needs beside this one
    beside: tuple[str, ...]
    #: the options of the command that name a group and an extra; empty if there is none
    group: str
    extra: str
    #: tells each package in the file as (name, line, path in the project or nothing)
    facts: Facts

    def words(self, chosen: Chosen) -> tuple[str, ...]:
        """The command with the groups and extras that are installed."""
        if chosen.groups and "--prod" in self.command:  # pdm accepts either --prod or groups.
            return (*self.command[:1], *self.command[2:], "--group", ",".join(chosen.groups + chosen.extras))
        groups = (word for name in chosen.groups if self.group for word in (self.group, name))
        extras = (word for name in chosen.extras if self.extra for word in (self.extra, name))
        # uv accepts the name of a pyproject.toml only if there is a project in it. Groups need no name.
        command = (word for word in self.command if chosen.name or word != "pyproject.toml")
        return (*command, *groups, *extras)


def form_of(path: str) -> Form | None:
    """The form of a file, by its name; None for pip's own form."""
    name = posixpath.basename(path)
    name = "pylock.toml" if re.fullmatch(r"pylock\.[^.]+\.toml", name) else name
    return next((form for form in FORMS if form.file == name), None)


def parsed(path: str, text: str) -> Mapping[str, Any]:
    """The contents of a file of such a form, or of pyproject.toml."""
    try:
        found = json.loads(text) if path.endswith("Pipfile.lock") else tomllib.loads(text)
    except ValueError as error:
        raise SettingsError(f"{path}: cannot be read ({error}); commit a whole file") from None
    return found if isinstance(found, dict) else {}


def decisive(path: str, text: str) -> object:
    """The parts of a file that decide what is installed. Other parts of pyproject.toml change too often."""
    if posixpath.basename(path) != "pyproject.toml":
        return text
    found = parsed(path, text)
    parts = {top: {key: _table(found.get(top)).get(key) for key in keys} for top, keys in _DECIDES.items()}
    return json.loads(json.dumps([parts, found.get("dependency-groups")], default=str))


def chosen(pyproject: Mapping[str, Any]) -> Chosen:
    """Choose among the groups and extras of pyproject.toml."""
    project, poetry = _table(pyproject.get("project")), _table(_tool(pyproject, "poetry"))
    groups = [*_table(pyproject.get("dependency-groups")), *_table(poetry.get("group"))]
    extras = [*_table(project.get("optional-dependencies")), *_table(poetry.get("extras"))]
    mine = [name for name in groups if name in (_PRODUCTION if project or poetry else _ALL)]
    more = [name for name in extras if name in _PRODUCTION]
    left = [name for name in dict.fromkeys([*groups, *extras]) if name not in (*mine, *more)]
    name = str(project.get("name") or poetry.get("name") or "")
    return Chosen(name, tuple(mine), tuple(more), tuple(left))


def has_dependencies(pyproject: Mapping[str, Any]) -> bool:
    """Whether pyproject.toml has the requirements of a project (PEP 621), or only groups (PEP 735)."""
    is_listed = isinstance(_table(pyproject.get("project")).get("dependencies"), list)
    return is_listed or bool("project" not in pyproject and chosen(pyproject).groups)


def is_package(pyproject: Mapping[str, Any]) -> bool:
    """Whether the tool of pyproject.toml would install the project itself, with its modules."""
    uv, poetry = _table(_tool(pyproject, "uv")), _table(_tool(pyproject, "poetry"))
    said = uv.get("package", poetry.get("package-mode"))
    return said if isinstance(said, bool) else "build-system" in pyproject


def required_python(contents: Mapping[str, Any]) -> str:
    """The specifiers of the versions of Python that a file accepts; empty if it accepts any."""
    poetry = _table(_table(_tool(contents, "poetry")).get("dependencies"))
    lock = _table(_table(contents.get("_meta")).get("requires"))
    exact = lock.get("python_full_version") or lock.get("python_version")
    found = _table(contents.get("project")).get("requires-python") or contents.get("requires-python")
    found = found or poetry.get("python") or (f"=={exact}.*" if exact else "")
    return found if isinstance(found, str) else ""


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _tool(contents: Mapping[str, Any], name: str) -> object:
    return _table(contents.get("tool")).get(name)


def _rows(contents: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = contents.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _line(row: Mapping[str, Any]) -> str:
    return f"{row.get('name', '')}=={row.get('version', '')}".removesuffix("==")


def _of_uv(contents: Mapping[str, Any], chosen: Chosen) -> Iterator[tuple[str, str, str]]:
    """The packages in uv.lock that the project needs, directly or through other packages."""
    rows = {str(row.get("name")): row for row in _rows(contents, "package")}
    ahead, seen = [chosen.name], set[str]()
    while ahead:
        name = ahead.pop()
        if name in seen or name not in rows:
            continue
        seen.add(name)
        row, source = rows[name], _table(rows[name].get("source"))
        place = next((str(source[key]) for key in ("editable", "directory", "path") if key in source), "")
        if name != chosen.name:
            yield name, _line(row), place
        is_ours = name == chosen.name
        groups, extras = _table(row.get("dev-dependencies")), _table(row.get("optional-dependencies"))
        needs = _rows(row, "dependencies")
        needs += [one for group in chosen.groups if is_ours for one in _rows(groups, group)]
        needs += [one for extra in (chosen.extras if is_ours else extras) for one in _rows(extras, extra)]
        ahead += [str(one.get("name")) for one in needs]


def _of_pylock(contents: Mapping[str, Any], chosen: Chosen) -> Iterator[tuple[str, str, str]]:
    for row in _rows(contents, "packages"):
        place = _table(row.get("directory")).get("path") or _table(row.get("archive")).get("path")
        yield str(row.get("name")), _line(row), str(place or "")


def _of_poetry(contents: Mapping[str, Any], chosen: Chosen) -> Iterator[tuple[str, str, str]]:
    for row in _rows(contents, "package"):
        source = _table(row.get("source"))
        if {"main", *chosen.groups} & set(row.get("groups") or [row.get("category", "main")]):
            local = source.get("type") in ("directory", "file")
            yield str(row.get("name")), _line(row), str(source.get("url", "")) if local else ""


def _of_pdm(contents: Mapping[str, Any], chosen: Chosen) -> Iterator[tuple[str, str, str]]:
    for row in _rows(contents, "package"):
        if {"default", *chosen.groups, *chosen.extras} & set(row.get("groups") or ["default"]):
            yield str(row.get("name")), _line(row), str(row.get("path", ""))


def _of_pipenv(contents: Mapping[str, Any], chosen: Chosen) -> Iterator[tuple[str, str, str]]:
    for name, one in _table(contents.get("default")).items():
        row = _table(one)
        yield str(name), f"{name}{row.get('version', '')}", str(row.get("path") or row.get("file") or "")


def _of_pyproject(contents: Mapping[str, Any], chosen: Chosen) -> Iterator[tuple[str, str, str]]:
    project, groups = _table(contents.get("project")), _table(contents.get("dependency-groups"))
    extras = _table(project.get("optional-dependencies"))
    sources = _table(_table(_tool(contents, "uv")).get("sources"))
    lists = [project.get("dependencies"), *(groups[name] for name in chosen.groups if name in groups)]
    for lines in [*lists, *(extras[name] for name in chosen.extras if name in extras)]:
        for line in lines if isinstance(lines, list) else []:
            if isinstance(line, str) and (named := re.match(r"[A-Za-z0-9._-]+", line)):
                place = str(_table(sources.get(named[0])).get("path", ""))
                yield named[0], line, place


FORMS = (
    Form(
        "uv.lock",
        "uv",
        ("export", "--frozen", "--no-default-groups", "--no-emit-project", "--emit-index-url"),
        ("pyproject.toml",),
        "--group",
        "--extra",
        _of_uv,
    ),
    Form("pylock.toml", "uv pip", ("install",), (), "", "", _of_pylock),
    Form(
        "poetry.lock",
        "poetry",
        ("export", "--format", "requirements.txt"),
        ("pyproject.toml",),
        "--with",
        "--extras",
        _of_poetry,
    ),
    Form("Pipfile.lock", "pipenv", ("requirements", "--hash"), ("Pipfile",), "", "", _of_pipenv),
    Form(
        "pdm.lock",
        "pdm",
        ("export", "--prod", "--format", "requirements"),
        ("pyproject.toml",),
        "--group",
        "--group",
        _of_pdm,
    ),
    Form("pyproject.toml", "uv pip", ("compile", "pyproject.toml"), (), "--group", "--extra", _of_pyproject),
)
