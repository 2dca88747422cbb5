"""Origin: where the value of a setting comes from. It decides what roadie's overlay sets."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Literal

from .assignments import UNREAD, WATCHED, Names
from .syntax import text_of

#: "absent": the project has no such setting. "startproject": the value is the one that startproject wrote.
#: "committed": a secret key stands in the text, so everyone who can read the repository knows the key.
#: "unread": the text does not tell; the overlay looks at the value itself. "own": the value is the project's.
Origin = Literal["absent", "startproject", "committed", "unread", "own"]
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


def origins_of(names: Names) -> Mapping[str, Origin]:
    """The origin of each setting that roadie's overlay and nginx depend on."""
    return {name: _origin(name, names) for name in WATCHED}


def _origin(name: str, names: Names) -> Origin:
    if name not in names:
        return "absent"
    value = names[name]
    if value is UNREAD:
        return "unread"
    if name == "SECRET_KEY" and (key := text_of(value)) is not None:
        return "startproject" if key.startswith("django-insecure-") else "committed"
    return "startproject" if value is not None and _is_startprojects(name, value) else "own"


def _is_startprojects(name: str, value: ast.expr) -> bool:
    return any(ast.dump(value) == _dump(source) for source in _STARTPROJECT.get(name, ()))


def _dump(source: str) -> str:
    return ast.dump(ast.parse(source, mode="eval").body)
