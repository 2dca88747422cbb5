"""Fabric's layered configuration, which says in one line what is wrong with a file of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fabric
from invoke.config import AmbiguousMergeError
from invoke.exceptions import UnknownFileType

from .errors import RoadieError, SettingsError


class Config(fabric.Config):  # type: ignore[misc]
    """As Fabric's own, but for its errors."""

    def merge(self) -> None:
        """Lay all levels over each other."""
        try:
            super().merge()
        except AmbiguousMergeError as error:
            raise SettingsError(f"the settings of Fabric: {error}; one of two files is wrong") from None

    def load_ssh_config(self) -> None:
        """Read what Paramiko understands of OpenSSH's configuration."""
        try:
            super().load_ssh_config()
        except FileNotFoundError as error:
            raise SettingsError(f"-S {error.filename}: no such file") from None
        except Exception as error:
            raise SettingsError(f"ssh_config: {_first_line(error)}") from error

    def _load_file(self, prefix: str, absolute: bool = False, merge: bool = True) -> None:
        try:
            super()._load_file(prefix, absolute, merge)
        except UnknownFileType:
            raise SettingsError(f"{self._runtime_path}: must be a .yaml, .json or .py file") from None

    def _load_yaml(self, path: str) -> Any:
        return _load(super()._load_yaml, path)

    _load_yml = _load_yaml

    def _load_json(self, path: str) -> Any:
        return _load(super()._load_json, path)

    def _load_py(self, path: str) -> Any:
        return _load(super()._load_py, path)


def _load(load: Callable[[str], Any], path: str) -> Any:
    try:
        data = load(path)
    except (FileNotFoundError, RoadieError):
        raise
    except Exception as error:
        raise SettingsError(f"{_near(path)}{_where(error)}; put it right") from error
    if data is not None and not isinstance(data, dict):
        raise SettingsError(f"{_near(path)}: must be a mapping, with lines such as `roadie:`")
    return data


def _where(error: Exception) -> str:
    """A YAML error spans many lines; what a person needs is the place and the problem."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return f": {_first_line(error)}"
    problem = getattr(error, "problem", None) or "cannot be read"
    return f" line {mark.line + 1}, column {mark.column + 1}: {problem}"


def _first_line(error: Exception) -> str:
    said = str(error).strip().splitlines()
    return said[0] if said else type(error).__name__


def _near(path: str) -> Path:
    full = Path(path).absolute()
    return full.relative_to(Path.cwd()) if full.is_relative_to(Path.cwd()) else full
