"""Config: Fabric's layered configuration. A fault in one of its files is told in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import fabric
from invoke.config import AmbiguousMergeError
from invoke.exceptions import AmbiguousEnvVar, UncastableEnvVar, UnknownFileType

from ..errors import RoadieError, SettingsError
from . import strict_yaml

# Invoke's levels, in the order in which it merges them.
_LEVELS = "defaults collection system user project env runtime overrides modifications".split()


class Config(fabric.Config):  # type: ignore[misc]
    """Fabric's Config, with errors that a person can read."""

    def merge(self) -> None:
        """Merge all levels."""
        try:
            super().merge()
        except AmbiguousMergeError:
            # Invoke's message shows the values without their names.
            key = _clash([getattr(self, f"_{level}") for level in _LEVELS])
            raise SettingsError(
                f"the settings of Fabric: {key} is a mapping in one place and a plain value in another; "
                "write it the same way in every file"
            ) from None

    def load_shell_env(self) -> None:
        """Read the variables FABRIC_*. Invoke raises TypeError for a key that is no text."""
        try:
            super().load_shell_env()
        except (AmbiguousEnvVar, UncastableEnvVar, ValueError) as error:
            raise SettingsError(
                f"FABRIC_* in the environment: {_first_line(error)}; for roadie's settings use ROADIE_<KEY>"
            ) from None
        except TypeError:
            key = _not_text(self._config)
            raise SettingsError(
                f"the settings of Fabric: the name {key!r} must be text; put it in quotes"
            ) from None

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
        return _load(strict_yaml.load, path)

    _load_yml = _load_yaml

    def _load_json(self, path: str) -> Any:
        return _load(super()._load_json, path)

    def _load_py(self, path: str) -> Any:
        return _load(super()._load_py, path)


def _clash(levels: Sequence[Any], path: str = "") -> str:
    """The key that is a mapping on one level and another value on another level."""
    held = [level for level in levels if isinstance(level, Mapping)]
    for key in dict.fromkeys(key for level in held for key in level):
        values = [level[key] for level in held if key in level]
        mappings = [value for value in values if isinstance(value, Mapping)]
        if mappings and len(mappings) < len(values):
            return f"{path}{key}"
        if found := _clash(mappings, f"{path}{key}."):
            return found
    return ""


def _not_text(config: Mapping[Any, Any]) -> object:
    """The first key that YAML did not read as text: 5 and yes are examples."""
    for key, value in config.items():
        if not isinstance(key, str):
            return key
        if isinstance(value, Mapping) and (found := _not_text(value)) is not None:
            return found
    return None


def _load(load: Callable[[str], Any], path: str) -> Any:
    try:
        data = load(path)
    except (FileNotFoundError, RoadieError):
        raise
    except Exception as error:
        raise SettingsError(f"{_near(path)}{_where(error)}{strict_yaml.cure(error)}") from error
    if data is not None and not isinstance(data, dict):
        raise SettingsError(f"{_near(path)}: must be a mapping, with lines such as `roadie:`")
    return data


def _where(error: Exception) -> str:
    """The place and the problem of a YAML error, in one line."""
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
