"""Project: the facts about a Django project that roadie reads from the project's files."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import places
from .celery import CeleryFound
from .choice import Choice
from .djangos import Django
from .origins import Origin
from .requirements import Requirements


@dataclass(frozen=True)
class Project:
    """The facts about a project. Paths start at the root of the tree; "" is the root itself."""

    name: str
    #: the folder of manage.py
    manage_dir: str
    #: the smallest folder that holds everything a release needs
    ship_root: str
    settings_module: str
    #: the module that Gunicorn serves, and the callable in it; an empty module is Django's own application
    wsgi_module: str
    wsgi_callable: str
    requirements: Requirements
    #: a hash of all that decides what is installed, but for requirements among the project's own files
    requirements_digest: str
    #: which requirements are installed, and which files could be but are not
    requirements_told: str
    #: the versions of Python that the project accepts, such as 3.12 (none means any), and what says so
    pythons: tuple[str, ...]
    python_told: str
    #: Debian's packages for requirements that have no wheels, and for dumps of a database elsewhere
    build_packages: tuple[str, ...]
    #: whether roadie keeps -e in requirements: it does if the modules of each editable folder are found
    keeps_editable: bool
    #: the folders on Python's path, besides that of manage.py, for every program of the site
    import_roots: tuple[str, ...]
    #: the Django that the requirements name; None if they do not tell it for certain
    django: Django | None
    #: the origin of each setting that the overlay may set
    origins: Mapping[str, Origin]
    static_url: str | None
    media_url: str | None
    celery: CeleryFound
    #: whether a requirement is a client of Redis that works with roadie's Redis
    wants_redis: bool
    database: Choice
    #: how the URL of the database begins
    database_scheme: str
    interface: Choice
    #: whether the project may lead visitors from example.org to www.example.org
    leads_to_www: bool
    #: the names that ALLOWED_HOSTS spells out
    own_names: tuple[str, ...] = ()
    #: what a deploy would refuse or do wrong, as far as the text tells, each with its cure
    forewarnings: tuple[str, ...] = ()
    #: the settings because of which nobody can log in over http; a forewarning names them
    cookies_told: tuple[str, ...] = ()
    #: what Django sends as Strict-Transport-Security; empty if it sends nothing or the text does not tell
    hsts: str = ""
    #: the paths of `files:` in the code
    rendered: tuple[str, ...] = ()
    #: whether `files:` also has paths in the virtualenv
    has_virtualenv_files: bool = False
    #: each path of `shared:`, and whether it is a "folder" or a "file"
    shared: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs_tree(self) -> bool:
        """Whether requirements lie among the project's own files."""
        return bool(self.requirements.local)

    def in_code(self, path: str) -> str:
        """The place of a path in the code of a release."""
        return places.in_code(path, self.ship_root)

    @property
    def import_places(self) -> tuple[str, ...]:
        """The folders of `import_roots` in a release."""
        return tuple(posixpath.join("code", self.in_code(root)).rstrip("/") for root in self.import_roots)

    @property
    def rendered_places(self) -> tuple[str, ...]:
        """The paths of `files:` in the code of a release."""
        return tuple(map(self.in_code, self.rendered))

    @property
    def shared_places(self) -> tuple[str, ...]:
        """The shared paths in the code of a release; a `/` is the end of a folder."""
        return tuple(
            f"{self.in_code(path)}{'/' if kind == 'folder' else ''}" for path, kind in self.shared.items()
        )
