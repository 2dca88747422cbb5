"""Reads a Django project from its files, and never imports the project."""

from __future__ import annotations

import hashlib
import posixpath
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..errors import SettingsError
from ..git.trees import CommitTree, Tree
from ..settings.databases import DATABASES, DEFAULT, clients
from ..settings.kinds import Kind, Wrong
from ..settings.names import APP, URL_PATH
from ..settings.reading import Settings, check_urls
from ..settings.sections import OVERLAID
from . import djangos, local, modules, places, pythons, redis_urls, requirements
from .celery import CeleryFound, find_celery, with_app
from .celery import forewarnings as celery_forewarnings
from .choice import Choice
from .database import choose, spelled
from .djangos import Django
from .forewarnings import forewarnings
from .interface import choose_interface
from .minds import refuse_developers
from .requirements import Requirements
from .values import by_https_only, hsts, values_of
from .words import Code, Names, Word, classify, literal

# A settings package with such a name does not tell the project's name.
_GENERIC = frozenset(
    "config conf core project settings app apps src source code backend server django web website site main "
    "api".split()
)
_SUGGESTED = "Django>=5.2,<5.3"


@dataclass(frozen=True)
class Project:
    """The facts about a project. Paths start at the root of the tree; "" is the root itself.

    `ship_root` is the smallest folder that holds everything a release needs. `requirements_digest` does not
    cover the project's own files; `needs_tree` says that requirements lie among them. An empty `wsgi_module`
    means Django's own application.
    """

    name: str
    manage_dir: str
    ship_root: str
    settings_module: str
    wsgi_module: str
    wsgi_callable: str
    requirements: Requirements
    requirements_digest: str
    #: which requirements are installed, and which files could be but are not
    requirements_told: str
    #: the versions of Python that the project takes, such as 3.12 (none means any), and what says so
    pythons: tuple[str, ...]
    python_told: str
    #: Debian's packages for requirements that have no wheels, and for dumps of a database elsewhere
    build_packages: tuple[str, ...]
    #: whether -e stays in requirements, as it is known where the modules of each such folder lie
    keeps_editable: bool
    #: the folders from which all programs import modules; those of Python have the folder of manage.py too
    import_roots: tuple[str, ...]
    #: the Django that its requirements name for certain
    django: Django | None
    words: Mapping[str, Word]
    static_url: str | None
    media_url: str | None
    celery: CeleryFound
    #: whether a requirement speaks to Redis
    wants_redis: bool
    database: Choice
    #: how the URL of the database begins
    database_scheme: str
    interface: Choice
    #: whether the project may lead visitors from example.org to www.example.org
    leads_to_www: bool
    #: the names that ALLOWED_HOSTS spells out
    own_names: tuple[str, ...] = ()
    #: what its text tells of a deploy: what would be refused or wrong, with the cure
    forewarnings: tuple[str, ...] = ()
    #: the settings that one of these sentences tells of, as nobody can log in with them
    cookies_told: tuple[str, ...] = ()
    #: what Django sends as Strict-Transport-Security; empty for nothing, and if the text does not tell
    hsts: str = ""
    #: the paths of `files:` in the code
    rendered: tuple[str, ...] = ()
    #: whether `files:` has others, in the virtualenv
    has_virtualenv_files: bool = False
    #: the paths of `shared:`, each with the word folder or file
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


def read(tree: Tree, settings: Settings) -> Project:
    """Read the project in a tree. Raises SettingsError if a fact is missing or cannot be told."""
    tree = places.WithFiles(tree, settings)
    code, module, own_roots = _code(tree, settings)
    names = code.names(module)
    if not settings.settings_module:
        wsgi, _, _ = modules.application(code, module, names, settings, "wsgi").partition(":")
        modules.refuse_two_minds(code, wsgi, module)
        refuse_developers(code, module)
    required, others = _requirements(code, module, settings)
    packages = required.packages
    database = choose(settings, code, module, names, required.path, packages)
    has_asgi = bool(modules.beside(code, module, "asgi"))
    interface = choose_interface(settings, names, required.path, packages, has_asgi=has_asgi)
    wsgi, _, called = modules.application(code, module, names, settings, interface.kind).partition(":")
    required = required.completed(DATABASES[database.kind], _worker_class(settings, interface))
    classified = classify(names)
    words = {name: word for name, word in classified.items() if name in OVERLAID}
    values = values_of(code, module, words, settings)
    celery = find_celery(code, module, names)
    wants_redis = any("redis" in line for one in packages.items() for line in one)
    django = djangos.of(required)
    takes_python = pythons.required(tree, requirements.folders_of(required.path, code.folder))
    taken, python_told = djangos.pythons_for(django, takes_python, settings.python)
    editable_roots = [local.import_root(tree, place) for place in required.editable]
    rendered = places.rendered(settings)
    return Project(
        name=_name(module, settings),
        manage_dir=code.folder,
        ship_root=_common([code.folder, *required.folders, *places.folders(settings)]),
        settings_module=module,
        wsgi_module=wsgi,
        wsgi_callable=called or "application",
        requirements=required,
        requirements_digest=_digest(required, settings),
        requirements_told=_told(required, others),
        pythons=taken,
        python_told=python_told,
        build_packages=(*required.build_packages, *clients(database.kind, packages)),
        keeps_editable=bool(required.editable) and None not in editable_roots,
        import_roots=local.unique(root for root in (*own_roots, *editable_roots) if root is not None),
        django=django,
        words=words,
        static_url=_url(names, settings, "STATIC_URL"),
        media_url=_url(names, settings, "MEDIA_URL"),
        celery=celery,
        wants_redis=wants_redis and not redis_urls.appends_number(code, module),
        database=database,
        database_scheme=spelled(settings, code, module, names, database.kind),
        interface=interface,
        leads_to_www=classified["PREPEND_WWW"] != "absent",
        own_names=_own_names(names),
        forewarnings=(
            *forewarnings(code, module, values, database.kind),
            *celery_forewarnings(celery, settings),
        ),
        cookies_told=by_https_only(values),
        hsts=hsts(values),
        rendered=rendered,
        has_virtualenv_files=len(rendered) < len(settings.files),
        shared=places.shared(tree, settings, list(required.files)),
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
    path, *others = named or requirements.found(code.tree, code.folder, suggested)
    return requirements.collect(code.tree, path).with_extra(settings.extra_requirements), others


def faults(tree: Tree, settings: Settings) -> list[str]:
    """Why the project in a tree cannot be deployed: each reason that can be told without the others' cure."""
    try:
        read(tree, settings)
    except requirements.NoRequirements as error:
        return [str(error)]
    except SettingsError as error:
        found = [str(error)]
    else:
        return []
    if not settings.requirements:
        try:
            folder = _folder(tree, settings)
            requirements.find(tree, folder, (_SUGGESTED, *_suggested_driver(settings)))
        except SettingsError as error:
            found += [str(error)] if str(error) not in found else []
    return found


def _folder(tree: Tree, settings: Settings) -> str:
    """The folder of manage.py; the top folder if there is no manage.py at all."""
    if settings.project or any(posixpath.basename(path) == "manage.py" for path in tree.list()):
        return posixpath.dirname(modules.manage_py(tree, settings))
    return ""


def complete(settings: Settings, project: Project) -> Settings:
    """The settings, completed by the project where the user wrote nothing."""
    app = settings.app or _allowed(APP, project.name, "the project's name", "app")
    done = replace(
        settings,
        app=app,
        database=settings.database or project.database.kind,
        static_url=settings.static_url or _served(project.static_url, "/static/"),
        media_url=settings.media_url or _served(project.media_url, "/media/"),
        redirect_www=settings.redirect_www and not project.leads_to_www,
        interface=project.interface.kind,
        worker_class=_worker_class(settings, project.interface),
    )
    if done.celery:
        done = replace(done, celery=with_app(done.celery, project.celery))
    check_urls(done, "the project's settings")
    if not (DATABASES[done.database].is_provisioned or done.url_secret):
        names = " or ".join(done.env_names["database_url"]) or "DATABASE_URL, and env_names: for it"
        raise SettingsError(
            f"`database: {done.database}` needs the URL of that database; name {names} under secrets:"
        )
    return done


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


def _digest(required: Requirements, settings: Settings) -> str:
    """A hash of all that decides what is installed. Another interpreter is another virtualenv."""
    index = settings.index if isinstance(settings.index, str) else ""  # a secret may change every hour
    own = " ".join(filter(None, [settings.python.removeprefix("python3"), index]))
    return hashlib.sha256(f"{required.digest} {own}".encode()).hexdigest() if own else required.digest


def _own_roots(code: Code, module: str, settings: Settings) -> list[str]:
    path = settings.requirements or next(iter(requirements.near(code.tree, code.folder)), "")
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


def _worker_class(settings: Settings, interface: Choice) -> str:
    return settings.worker_class or {"asgi": "uvicorn", "wsgi": "gthread"}[interface.kind]


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


def _allowed(kind: Kind[str], value: str, what: str, key: str) -> str:
    try:
        return kind.check(value)
    except Wrong as wrong:
        raise SettingsError(f"{what}: {wrong.why}; write `{key}:` in fabric.yaml") from None


def _url(names: Names, settings: Settings, name: str) -> str | None:
    value = settings.django.get(name, literal(names, name))
    return value if isinstance(value, str) else None


def _own_names(names: Names) -> tuple[str, ...]:
    value = literal(names, "ALLOWED_HOSTS")
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, (list, tuple)) else ()


def _served(url: str | None, default: str) -> str:
    """The path that nginx can serve, completed as Django does; the default if the URL is no path."""
    try:
        return URL_PATH.check(url if not url or url.startswith("/") or "://" in url else f"/{url}")
    except Wrong:
        return default


def _common(folders: list[str]) -> str:
    return posixpath.commonpath([f"/{folder}" for folder in folders])[1:]
