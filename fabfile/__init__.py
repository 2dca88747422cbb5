"""roadie sets the stage for Django: tasks that provision Debian servers and deploy to them."""

from __future__ import annotations

from invoke.collection import Collection

__version__ = "0.1.0"

__all__: list[str] = []

# Outside `__all__`: a Collection of this name in a fabfile hides every task of its own.
ns = Collection()
