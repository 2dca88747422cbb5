"""Reads a Django project from its files, and never imports the project."""

from __future__ import annotations

import hashlib
import posixpath
import re
import sys

from ..errors import SettingsError
from ..git.trees import CommitTree, Tree
from ..settings.databases import DATABASES, DEFAULT, clients
from ..settings.reading import Settings
from ..settings.sections import OVERLAID
from . import djangos, local, modules, places, pythons, redis_urls, requirements
from .assignments import Names, assigned_in
from .celery import find_celery
from .celery import forewarnings as celery_forewarnings
from .choice import Choice
from .database import choose_database, url_scheme
from .forewarnings import forewarnings
from .interface import choose_interface, worker_class_of
from .origins import origins_of
from .production import refuse_developers
from .project import Project
from .requirements import Requirements
from .requirements_file import NoRequirements, candidates, near
from .source import Code
from .syntax import literal_of
from .values import by_https_only, hsts, read_values

# A settings package with such a name does not tell the project's name.
_GENERIC = frozenset(
    "config conf core project settings app apps src source code backend server django web website site main "
    "api".split()
)
_SUGGESTED = "Django>=5.2,<5.3"


def read(tree: Tree, settings: Settings) -> Project:
    """Read the project in a tree. Raises SettingsError if a fact is missing or cannot be told."""
    return _Reading(places.WithFiles(tree, settings), settings).project()


def faults(tree: Tree, settings: Settings) -> list[str]:
    """Why the project in a tree cannot be deployed: each reason that can be told without the others' cure."""
    try:
        read(tree, settings)
    except NoRequirements as error:
        return [str(error)]
    except SettingsError as error:
        found = [str(error)]
    else:
        return []
    if not settings.requirements:
        try:
            folder = _folder(tree, settings)
            candidates(tree, folder, (_SUGGESTED, *_suggested_driver(settings)))
        except SettingsError as error:
            found += [str(error)] if str(error) not in found else []
    return found


def _folder(tree: Tree, settings: Settings) -> str:
    """The folder of manage.py; the top folder if there is no manage.py at all."""
    if settings.project or any(posixpath.basename(path) == "manage.py" for path in tree.list()):
        return posixpath.dirname(modules.manage_py(tree, settings))
    return ""


def refuse_unsupported(tree: CommitTree, project: Project) -> None:
    """Refuse a commit that does not hold all of its files."""
    for path in tree.submodules(project.ship_root):
        raise SettingsError(f"{path}: submodules are not supported yet; commit its files themselves")
    for path in tree.lfs_pointers(project.ship_root):
        raise SettingsError(
            f"{path}: Git LFS is not supported yet, only a pointer would be deployed; "
            "commit the file itself (git lfs migrate export)"
        )
    for path in tree.stray_links(project.ship_root):
        raise SettingsError(
            f"{path}: this link leads out of {project.ship_root or 'the project'}, which is all that is "
            "deployed; commit what it leads to, or take the link out"
        )


class _Reading:
    """The parts of a project, each read after the parts that it depends on."""

    def __init__(self, tree: Tree, settings: Settings) -> None:
        self.tree, self.settings = tree, settings
        self.code, self.module, self.own_roots = _code(tree, settings)
        self.names = assigned_in(self.code, self.module)
        if not settings.settings_module:
            self._refuse_doubtful_settings()
        named, self.other_requirements = _requirements(self.code, self.module, settings)
        self.packages = named.packages
        self.database = choose_database(settings, self.code, self.module, self.names, named)
        self.interface = self._interface(named)
        self.application = self._application(self.interface.kind)
        worker_class = worker_class_of(settings, self.interface)
        self.required = named.completed(DATABASES[self.database.kind], worker_class)
        self.origins = {name: one for name, one in origins_of(self.names).items() if name in OVERLAID}
        self.values = read_values(self.code, self.module, self.origins, settings)
        self.celery = find_celery(self.code, self.module, self.names)
        self.django = djangos.django_of(self.required)
        self.pythons, self.python_told = self._pythons()

    def project(self) -> Project:
        """All of the parts."""
        wsgi, _, called = self.application.partition(":")
        editable_roots = [local.import_root(self.tree, place) for place in self.required.editable]
        rendered = places.rendered(self.settings)
        return Project(
            name=_name(self.module, self.settings),
            manage_dir=self.code.folder,
            ship_root=self._ship_root(),
            settings_module=self.module,
            wsgi_module=wsgi,
            wsgi_callable=called or "application",
            requirements=self.required,
            requirements_digest=_digest(self.required, self.settings),
            requirements_told=_told(self.required, self.other_requirements),
            pythons=self.pythons,
            python_told=self.python_told,
            build_packages=(*self.required.build_packages, *clients(self.database.kind, self.packages)),
            keeps_editable=bool(self.required.editable) and None not in editable_roots,
            import_roots=local.unique(one for one in (*self.own_roots, *editable_roots) if one is not None),
            django=self.django,
            origins=self.origins,
            static_url=self._url("STATIC_URL"),
            media_url=self._url("MEDIA_URL"),
            celery=self.celery,
            wants_redis=self._wants_redis(),
            database=self.database,
            database_scheme=url_scheme(self.settings, self.code, self.module, self.names, self.database.kind),
            interface=self.interface,
            leads_to_www="PREPEND_WWW" in self.names,
            own_names=_own_names(self.names),
            forewarnings=self._forewarnings(),
            cookies_told=by_https_only(self.values),
            hsts=hsts(self.values),
            rendered=rendered,
            has_virtualenv_files=len(rendered) < len(self.settings.files),
            shared=places.shared(self.tree, self.settings, list(self.required.files)),
        )

    def _refuse_doubtful_settings(self) -> None:
        """Refuse the settings that manage.py names, if others may be the ones for production."""
        wsgi, _, _ = self._application("wsgi").partition(":")
        modules.refuse_disagreement(self.code, wsgi, self.module)
        refuse_developers(self.code, self.module)

    def _application(self, kind: str) -> str:
        return modules.application(self.code, self.module, self.names, self.settings, kind)

    def _interface(self, required: Requirements) -> Choice:
        has_asgi = bool(modules.beside(self.code, self.module, "asgi"))
        return choose_interface(self.settings, self.names, required, has_asgi=has_asgi)

    def _pythons(self) -> tuple[tuple[str, ...], str]:
        """The versions of Python that the project accepts, and what says so."""
        folders = requirements.folders_of(self.required.path, self.code.folder)
        wanted = pythons.required(self.tree, folders)
        return djangos.pythons_for(self.django, wanted, self.settings.python)

    def _ship_root(self) -> str:
        return _common([self.code.folder, *self.required.folders, *places.folders(self.settings)])

    def _url(self, name: str) -> str | None:
        value = self.settings.django.get(name, literal_of(self.names.get(name)))
        return value if isinstance(value, str) else None

    def _wants_redis(self) -> bool:
        has_client = any("redis" in text for one in self.packages.items() for text in one)
        return has_client and not redis_urls.appends_number(self.code, self.module)

    def _forewarnings(self) -> tuple[str, ...]:
        return (
            *forewarnings(self.code, self.module, self.values, self.database.kind),
            *celery_forewarnings(self.celery, self.settings),
        )


def _code(tree: Tree, settings: Settings) -> tuple[Code, str, list[str]]:
    """The code from the folder of manage.py, its settings module, and the folders of its own packages."""
    folder = posixpath.dirname(modules.manage_py(tree, settings))
    is_for_newer = _is_for_newer(tree, folder)
    code = Code(tree, folder, is_for_newer=is_for_newer)
    module = settings.settings_module or modules.settings_module(code, folder)
    own_roots = _own_roots(code, module, settings)
    code = Code(tree, folder, *own_roots, is_for_newer=is_for_newer)
    modules.refuse_missing(
        code, module, said="`settings_module:`" if settings.settings_module else "manage.py"
    )
    return code, module, own_roots


def _requirements(code: Code, module: str, settings: Settings) -> tuple[Requirements, list[str]]:
    """The requirements that are installed, and the other files that could be."""
    named = [settings.requirements] if settings.requirements else []
    suggested = (_django(code, module), *_suggested_driver(settings))
    path, *others = named or candidates(code.tree, code.folder, suggested)
    return requirements.collect(code.tree, path).with_extra(settings.extra_requirements), others


def _digest(required: Requirements, settings: Settings) -> str:
    """A hash of all that decides what is installed. Another interpreter is another virtualenv."""
    index = settings.index if isinstance(settings.index, str) else ""  # a secret may change every hour
    own = " ".join(filter(None, [settings.python.removeprefix("python3"), index]))
    return hashlib.sha256(f"{required.digest} {own}".encode()).hexdigest() if own else required.digest


def _own_roots(code: Code, module: str, settings: Settings) -> list[str]:
    path = settings.requirements or next(iter(near(code.tree, code.folder)), "")
    top = requirements.working_folder(path)
    return local.own_roots(code, module, top, settings.extra_requirements)


def _told(required: Requirements, others: list[str]) -> str:
    """One line about the choice; empty where there was none."""
    others = [path for path in others if path not in required.files]
    if not required.form and not others:
        return ""
    instead = f"; `requirements:` names another: {', '.join(others)}" if others else ""
    return f"requirements: {required.told}{instead}"


def _is_for_newer(tree: Tree, folder: str) -> bool:
    """Whether the project takes no Python as old as the one that runs here."""
    wanted, path = pythons.required(tree, requirements.folders_of("", folder))
    here = f"3.{sys.version_info.minor}"
    return pythons.is_older(here, pythons.minors(wanted, path)) if wanted else False


def _django(code: Code, module: str) -> str:
    """The Django to suggest: the version that the first lines of the settings name."""
    text = code.tree.read(code.path(module) or "") or ""
    found = re.search(r"using Django (\d+)\.(\d+)", text)
    return f"Django>={found[1]}.{found[2]},<{found[1]}.{int(found[2]) + 1}" if found else _SUGGESTED


def _suggested_driver(settings: Settings) -> tuple[str, ...]:
    return DATABASES[settings.database or DEFAULT].pins


def _name(module: str, settings: Settings) -> str:
    package = module.partition(".")[0]
    name = settings.root.name if package in _GENERIC else package
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_").lstrip("0123456789-_")[:26].rstrip("-_")


def _own_names(names: Names) -> tuple[str, ...]:
    """The names that ALLOWED_HOSTS spells out."""
    value = literal_of(names.get("ALLOWED_HOSTS"))
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, (list, tuple)) else ()


def _common(folders: list[str]) -> str:
    return posixpath.commonpath([f"/{folder}" for folder in folders])[1:]
