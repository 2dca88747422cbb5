"""Layers: roadie's part of Fabric's layered configuration, and the file that each setting comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invoke.config import Config, DataProxy

from ..errors import SettingsError

KEY = "roadie"
# Invoke's own names for its layers, the one that wins first.
_LAYERS = "modifications overrides runtime env project user system collection defaults".split()
_FILES = ("runtime", "project", "user", "system")


@dataclass(frozen=True)
class Layers:
    """What stands under `roadie:` in each layer."""

    #: each layer's name for people, and its part; the layer that wins comes first
    parts: tuple[tuple[str, Any], ...]
    merged: Any
    #: the folder of the project
    root: Path
    #: whether Fabric has loaded no file of a project
    is_bare: bool
    has_file: bool

    def origin(self, path: tuple[str, ...]) -> str:
        """The name of the layer that a setting comes from."""
        return next((name for name, part in self.parts if _holds(part, path)), "fabric.yaml")

    def unmerged(self, key: str) -> Any:
        """A setting from the layer that wins. Invoke would merge it with the mappings of other layers."""
        return next((part[key] for _, part in self.parts if _holds(part, (key,))), None)


def collect(config: Config) -> Layers:
    """The layers of a task's configuration."""
    runtime = getattr(config, "_runtime_path", None)
    if runtime and not getattr(config, "_runtime_found", None):
        # Invoke goes on without the file, and so with the settings of another site.
        raise SettingsError(f"-f {runtime}: no such file; name one that exists")
    prefix = getattr(config, "_project_prefix", None)
    return Layers(
        parts=tuple(_parts(config)),
        merged=_bare(config[KEY]) if KEY in config else None,
        root=Path(prefix or "").resolve(),
        is_bare=prefix is None and not runtime,
        # Invoke notes the last path that it tried, and takes a missing fabric.py for an empty one.
        has_file=bool(runtime) or Path(getattr(config, "_project_path", None) or "fabric.yaml").is_file(),
    )


def _parts(config: Config) -> Iterator[tuple[str, Any]]:
    for layer in _LAYERS:
        data = getattr(config, f"_{layer}", None)
        if isinstance(data, Mapping) and data.get(KEY) is not None:
            yield _name(config, layer), _bare(data[KEY])


def _name(config: Config, layer: str) -> str:
    if layer == "env":
        return "FABRIC_ROADIE_* in the environment"
    if layer not in _FILES:
        return "the fabfile"
    path = Path(getattr(config, f"_{layer}_path", None) or f"{config.prefix}.yaml")
    return path.name if layer == "project" else str(path)


def _bare(value: Any) -> Any:
    if isinstance(value, (Mapping, DataProxy)):
        return {key: _bare(value[key]) for key in value.keys()}  # noqa: SIM118 - a DataProxy is no Mapping
    return value


def _holds(part: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(part, Mapping) or key not in part:
            return False
        part = part[key]
    return True
