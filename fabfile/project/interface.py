"""Chooses the interface of the project's application: WSGI or ASGI."""

from __future__ import annotations

from ..settings.reading import Settings
from .assignments import Names
from .choice import Choice
from .requirements import Requirements

SETTING = "ASGI_APPLICATION"
#: A project that requires one of these and has an ASGI application is served by ASGI.
_ASGI_ONLY = ("channels", "uvicorn-worker")
#: A project that requires one of these and sets ASGI_APPLICATION is served by ASGI.
_SERVERS = ("daphne", "uvicorn", "hypercorn")


def choose_interface(settings: Settings, names: Names, required: Requirements, *, has_asgi: bool) -> Choice:
    """The interface that the settings name, or the one that the project is for.

    `has_asgi` says whether there is an asgi.py beside the settings.
    """
    if settings.interface:
        return Choice(settings.interface, "as `interface:` says")
    if kind := interface_of(settings.worker_class):
        return Choice(kind, f"as `worker_class:` is {settings.worker_class}")
    is_named = SETTING in names
    found = [one for one in _ASGI_ONLY if one in required.packages and (is_named or has_asgi)]
    found += [one for one in _SERVERS if one in required.packages and is_named]
    if found:
        return Choice("asgi", f"as {required.path} has {found[0]}; `interface: wsgi` forces the other")
    return Choice("wsgi", "as the project names no server for ASGI; `interface: asgi` forces the other")


def interface_of(worker_class: str) -> str:
    """The interface of a worker class; empty for no class."""
    name = worker_class.lower()
    return "" if not name else "asgi" if name == "asgi" or "uvicorn" in name else "wsgi"


def worker_class_of(settings: Settings, interface: Choice) -> str:
    """Gunicorn's worker class: the one that the settings name, or the one for this interface."""
    return settings.worker_class or {"asgi": "uvicorn", "wsgi": "gthread"}[interface.kind]
