"""The manual of the settings, made from their schema.

`python -m roadie.settings.manual > docs/settings.rst` writes the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from .project_keys import ProjectKeys
from .release_keys import ReleaseKeys
from .schema import Settings
from .serving_keys import ServingKeys

PARTS: Mapping[str, type] = {
    "The project": ProjectKeys,
    "A release": ReleaseKeys,
    "The running site": ServingKeys,
}

HEAD = """\
Settings
========

.. Made from the code by `python -m roadie.settings.manual > docs/settings.rst`.
   Change fabfile/settings/project_keys.py, release_keys.py or serving_keys.py instead.

Settings stand in ``fabric.yaml`` beside the fabfile, under ``roadie:``. Only ``domain`` must be there::

    roadie:
      domain: guestbook.example.org
      hosts: [web1.example.org]

roadie refuses an unknown key and a wrong value before there is any connection. An empty key keeps its
default.

After a change run ``fab bootstrap``, and then ``fab deploy``. Both leave alone what does not differ. Many
settings need ``fab deploy`` only; ``fab plan`` shows whether ``fab bootstrap`` would change anything.

Fabric merges these files, and a later one wins: ``/etc/fabric.yaml``, ``~/.fabric.yaml``,
``fabric.yaml``, and the file given with ``-f``. Mappings are merged; ``hosts`` is not, so that
``fab -f staging.yaml deploy`` reaches the hosts of ``staging.yaml`` only. An environment variable wins over
all files: ``ROADIE_KEEP=3`` is ``keep: 3``. Lists are written with commas, and true and false as ``yes`` and
``no``. Settings that are mappings have no variable.
"""


def page() -> str:
    """docs/settings.rst, as the schema has it."""
    return "\n".join([HEAD, *(line for title, keys in PARTS.items() for line in _part(title, keys))])


def _part(title: str, keys: type) -> Iterator[str]:
    yield from (title, "-" * len(title), "")
    for key in fields(keys):
        yield from _entry(key)


def _entry(key: Field[Any]) -> Iterator[str]:
    yield f"``{key.name}``"
    yield f"    {_sentence(key.metadata['kind'].says)} Default: {_default(key)}."
    yield ""
    yield from (f"    {line.strip()}" for line in key.metadata["manual"].splitlines())
    yield ""


def _sentence(says: str) -> str:
    return f"{says[0].upper()}{says[1:]}."


def _default(key: Field[Any]) -> str:
    said: str = key.metadata["default_is"]
    return said or _literal(getattr(Settings(root=Path()), key.name))


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return f"``{str(value).lower()}``"
    return f"``{value}``" if value not in ((), {}) else "none"


if __name__ == "__main__":
    print(page(), end="")
