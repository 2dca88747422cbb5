"""The schema of the settings: every key with its kind, its default and its lines in the manual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from .databases import DATABASES, DEFAULT
from .kinds import Kind, choice, several, size, switch, text, whole
from .names import APP, DOMAIN, FOLDER, INSIDE, NETWORK, PAGE, PYTHON, URL_PATH
from .placed import COMMANDS, FILES, SHARED, SHIP
from .processes import CELERY, CRON, ONCE, PROGRAMS, REDIS, Celery, Job, Program, Redis
from .sections import (
    DJANGO,
    ENV,
    ENV_NAMES,
    ENV_NAMES_KIND,
    HOSTS,
    INDEX,
    LIMITS,
    OVERLAY,
    SECRETS,
    Limits,
    Overlay,
    SecretSource,
)
from .tls import DEFAULT_IS, MANUAL, TLS, Tls

T = TypeVar("T")

_KINDS = ";\n        ".join(one.manual for one in DATABASES.values())
OWN_TEMPLATES = "roadie-templates"
_REQUIREMENT = r"[A-Za-z0-9][^\x00-\x1f]*"
_PACKAGE = r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?"


def setting(kind: Kind[T], default: T, manual: str, *, default_is: str = "") -> T:
    """A field of Settings. `default_is` describes the default where the value alone does not."""
    metadata = {"kind": kind, "manual": manual, "default_is": default_is}
    return field(default_factory=lambda: default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """The settings that the user wrote, checked. `root` is the folder of fabric.yaml, or of the fabfile."""

    root: Path

    domain: tuple[str, ...] = setting(
        several(DOMAIN, "a host name, or a list of them", least=1),
        (),
        """The names that visitors type, without https:// and without a path. The first one is the canonical
        name. Only this setting has no default. A later one may be a wildcard, such as ``"*.example.org"`` (in
        quotes), for every name below example.org.""",
        default_is="none: it must be set",
    )
    app: str = setting(
        APP,
        "",
        """The site's name on its hosts: its system user, its folder below /srv, its database and its
        programs. Do not change it after the first bootstrap: that would make a second site. It has at most
        26 characters, because Linux allows 32 for a user and roadie also makes a user <app>-build.""",
        default_is="the project's package, or the folder's name if that is called config or the like",
    )
    hosts: Mapping[str, tuple[str, ...]] = setting(
        HOSTS,
        {},
        """The hosts of the site: [web1.example.org], or with roles {web1: [web, worker, db]}. A host in a
        list has every role. Write names, addresses, aliases of ~/.ssh/config, or user@host:port. -H on the
        command line wins.""",
        default_is="none: name hosts with -H",
    )
    project: str = setting(
        INSIDE, "", "The folder of manage.py.", default_is="found, at most two folders down"
    )
    settings_module: str = setting(
        text("a module such as mysite.settings", r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"),
        "",
        "The settings module that runs in production.",
        default_is="what manage.py names",
    )
    wsgi: str = setting(
        text("a module such as mysite.wsgi", r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*)?"),
        "",
        """The module that Gunicorn serves, also if it is one for ASGI. Write a callable that is not called
        application after a colon.""",
        default_is="what WSGI_APPLICATION or ASGI_APPLICATION names, or wsgi.py or asgi.py beside the"
        " settings",
    )
    requirements: str = setting(
        INSIDE,
        "",
        """The requirements that production installs: a file for pip, uv.lock, pylock.toml, poetry.lock,
        Pipfile.lock, pdm.lock or pyproject.toml. The tool that owns a form reads it, on the host. Of groups
        and extras, those called production, prod or deploy are installed, and where pyproject.toml has
        groups and no project, also main and default.""",
        default_is="requirements/production.txt, prod.txt or deploy.txt, or requirements.txt, or one of the"
        " other forms in the order below, or requirements-production.txt or the like, or"
        " requirements/base.txt; in the folder of manage.py or above it",
    )
    extra_requirements: tuple[str, ...] = setting(
        several(text("a requirement such as psycopg[binary]", _REQUIREMENT), "a list of requirements"),
        (),
        """More requirements, beside the project's own: [sentry-sdk, "psycopg[binary]>=3.2"]. Each is a line
        as in a requirements file.""",
    )
    index: str | SecretSource = setting(
        INDEX,
        "",
        """The package index, as a URL. If the URL has a password or a token, say where it comes from, as
        under secrets: {command: pass show index}. Then no log, command line or file of the site shows it.
        Lines such as -i or --index-url in the project's files are left out. `default` only leaves these
        lines out: then the index is the one that pip on the host is configured for.""",
        default_is="what the project's files say, else what pip on the host is configured for",
    )
    python: str = setting(
        PYTHON,
        "python3",
        """The Python of the virtualenv: a version such as "3.12" (in quotes), or the path of an interpreter
        on the host. If the host has no such version, uv brings it. The default is the distribution's own, if
        the project takes it by requires-python or Pipfile.lock, and its Django runs on it; else the nearest
        that the project takes.""",
    )
    installer: str = setting(
        choice("uv", "pip"),
        "uv",
        """The program that installs the requirements. uv takes a third of pip's time. pip installs them if
        uv cannot be had, would do something else than pip, or fails.""",
    )
    packages: tuple[str, ...] = setting(
        several(text("a Debian package", rf"{_PACKAGE}( *\| *{_PACKAGE})*"), "a list of packages"),
        (),
        """Debian packages that the project needs besides those of roadie, such as libmagic1. A name that
        another package provides will do. Where names differ between releases of Debian, write alternatives:
        the first that the host can have is installed, as in [libgdal32 | libgdal36].""",
    )
    apt_lock_timeout: int = setting(
        whole(0, 7200, "seconds"),
        600,
        """How long to wait for another apt or dpkg to end. A new server often upgrades itself for some
        minutes after its first boot.""",
    )

    database: str = setting(
        choice(*DATABASES),
        "",
        f"""The kind of database: {_KINDS}.
        fab plan tells the kind and the reason. A site keeps its kind: see Another database in
        how-it-works.rst.""",
        default_is="the ENGINE or the URL in the project's settings, or the driver in its requirements; else"
        f" {DEFAULT}",
    )
    env: Mapping[str, str] = setting(
        ENV,
        {},
        """Plain values for the environment of the site's processes. Everyone who can read this file can
        read them, so write secrets under secrets. A value is the text that stands here: 01067, 22:30 and NO
        stay as they are. Only true and false become True and False.""",
    )
    env_names: Mapping[str, tuple[str, ...]] = setting(
        ENV_NAMES_KIND,
        ENV_NAMES,
        """The names of the environment variables in which the project looks for what roadie knows. A key that
        you leave out keeps its default. An empty list sets no variable.""",
        default_is="; ".join(f"{key}: {', '.join(names) or '(none)'}" for key, names in ENV_NAMES.items()),
    )
    secrets: Mapping[str, SecretSource] = setting(
        SECRETS,
        {},
        """Secret values for the environment. Each says where a deploy gets it:
        {MAIL_PASSWORD: {command: pass show mail}}, {file: path}, {env: NAME} or {prompt: true}. Commands
        run on your machine, in the folder of fabric.yaml. NAME is a variable of your machine, or of a
        pipeline. The secret key and the database's password need no entry: roadie makes them on the host.""",
    )
    django: Mapping[str, Any] = setting(
        DJANGO,
        {},
        """Django settings that win over the project's own and over those of the overlay:
        {SECURE_HSTS_SECONDS: 3600}.""",
    )
    overlay: Overlay = setting(
        OVERLAY,
        Overlay(),
        """Whether roadie sets for production the settings that the project leaves as startproject wrote them
        (DEBUG, ALLOWED_HOSTS, DATABASES, ...), and a SECRET_KEY that is in git. false leaves all settings to
        the project and its environment. A list names settings that roadie sets whatever the project says,
        besides the others: [DATABASES, SECRET_KEY]. It may name DEBUG, SECRET_KEY, ALLOWED_HOSTS,
        CSRF_TRUSTED_ORIGINS, SECURE_PROXY_SSL_HEADER, SESSION_COOKIE_SECURE, CSRF_COOKIE_SECURE,
        SECURE_HSTS_SECONDS, DATABASES, STATIC_URL, STATIC_ROOT, MEDIA_URL, MEDIA_ROOT and LOGGING.""",
        default_is="true",
    )

    static_url: str = setting(
        URL_PATH,
        "",
        "The URL path of static files, which nginx serves.",
        default_is="the project's STATIC_URL, or /static/",
    )
    media_url: str = setting(
        URL_PATH,
        "",
        "The URL path of uploads, which nginx serves.",
        default_is="the project's MEDIA_URL, or /media/",
    )
    collectstatic: bool = setting(
        switch(),
        True,
        """Whether a deploy collects static files, those that are committed in STATIC_ROOT among them. With
        false, or with a manifest in it, nginx serves the project's own STATIC_ROOT as it is.""",
    )
    build_here: tuple[str, ...] = setting(
        COMMANDS,
        (),
        """Commands that make files of the release on your machine: [npm ci, npm run build]. They run in a new
        folder, which has the files of the commit and nothing else, where fabric.yaml lies. What `ship` names
        travels to the hosts. A host that serves the same commit and commands is left alone, and nothing is
        built.""",
    )
    ship: tuple[str, ...] = setting(
        SHIP,
        (),
        """What the commands of build_here make for the release: folders and files, such as [static/dist].
        Each takes the place of what the commit has there.""",
    )
    build: tuple[str, ...] = setting(
        COMMANDS,
        (),
        """Commands that make files of the release on the host, before static files are collected:
        [python manage.py compilemessages]. They run in the folder of manage.py, in a copy of the code, as a
        user that knows no secret: where the settings read one, they find a placeholder. The release gets the
        files that they made or changed. The same code and commands are not built again.""",
    )
    post_build: tuple[str, ...] = setting(
        COMMANDS,
        (),
        """Commands that finish a build. They run after collectstatic, as the site's user, in the folder of
        manage.py: python manage.py compress.""",
    )
    build_timeout: int = setting(
        whole(1, 86400, "seconds"),
        3600,
        """How long each part of a build may take: the virtualenv, the check with collectstatic, each command
        of build_here, build and post_build, and each stage of your own.""",
    )
    files: Mapping[str, str] = setting(
        FILES,
        {},
        """Files of a release that are not in git, each made from a template:
        {mysite/local_settings.py: deploy/local_settings.py}. Templates lie on your machine, in the folder of
        fabric.yaml or elsewhere, and name values as {{ secrets.MAIL_PASSWORD }} and {{ settings.domain[0] }}.
        The ending of a template's name (before .j2) says how values are quoted: py, env, json, toml and yaml.
        Only root and the site's processes can read these files.""",
    )
    shared: tuple[str, ...] = setting(
        SHARED,
        (),
        """Folders and files of the project's own tree that outlive releases and that the site may write, such
        as a search index: [whoosh_index, data/state.json]. Paths start in the folder of fabric.yaml. In each
        release a link leads from there to /srv/<app>/shared/project. A path is a folder, unless the commit
        has a file there or the name has an ending. What the commit has there is copied where the host has
        nothing of that name yet. Uploads (MEDIA_ROOT) need no entry.""",
    )
    dump_before_migrate: bool = setting(
        switch(),
        True,
        """Whether roadie dumps the database before it applies migrations, into /var/backups/roadie/dumps on
        the host. Without pending migrations there is no dump.""",
    )
    phased_migrations: bool = setting(
        switch(),
        True,
        """Whether a deploy applies migrations that only drop columns or tables after the switch, once no
        process of the release before lives: see docs/migrations.rst. Otherwise a deploy applies all
        migrations before the switch.""",
    )
    allow_data_loss: bool = setting(
        switch(),
        False,
        """Whether roadie applies migrations that delete content, such as a column with its values, without
        asking. Otherwise it asks at a terminal, and elsewhere wants --yes.""",
    )
    tls: Tls = setting(TLS, Tls(), MANUAL, default_is=DEFAULT_IS)
    redirect_www: bool = setting(
        switch(),
        True,
        """Whether nginx leads visitors of www.example.org to example.org, if domain has both names, or the
        other way round: the one that stands first in domain stays. Other names are never led away. A project
        that sets PREPEND_WWW leads visitors itself, so nginx does not.""",
    )
    client_max_body_size: str = setting(
        size(),
        "20m",
        """The largest request that nginx accepts, in bytes or with k, m or g. Django's own limits do not
        cover files, and nginx's default of 1m is too small for a photo.""",
    )
    proxies: tuple[str, ...] = setting(
        several(NETWORK, "an address, or a list of addresses and networks"),
        (),
        """The addresses and networks of proxies before the host, such as a CDN or a balancer. From these, and
        from nobody else, nginx takes the visitor's address out of X-Forwarded-For: for the application
        (REMOTE_ADDR), its logs, limits and maintenance_allow. After a change, run fab nginx.""",
        default_is="none: whoever connects to nginx is the visitor",
    )
    limits: Limits = setting(
        LIMITS,
        Limits(),
        """What one address may take from the application: {requests: 20/s, burst: 40, connections: 20}.
        requests is a rate per second or minute (20/s, 300/m). burst says how many requests more may come at
        once (20 unless you set it). connections says how many requests may run at once. Beyond that nginx
        answers 429, and the application never sees the request. Static files and uploads have no limit.
        Behind a proxy or a CDN all visitors have its address, unless proxies names it. After a change, run
        fab nginx.""",
        default_is="none",
    )

    workers: int = setting(
        whole(1, 64),
        0,
        """The number of Gunicorn's worker processes. With two, one goes on while the other restarts. Each
        takes 50 to 150 MB, and twice that during a deploy.""",
        default_is="as many as cores, 2 to 8 (twice that and one more of class sync), while the host has"
        " 350 MB for each",
    )
    threads: int = setting(
        whole(1, 128),
        0,
        """The threads of each worker. Workers times threads requests run at once. Use 1 for code that is not
        thread-safe.""",
        default_is="4; 8 where memory allows only one worker",
    )
    interface: str = setting(
        choice("wsgi", "asgi"),
        "",
        """The interface of the application that Gunicorn serves: wsgi, or asgi for websockets and
        asynchronous views. The application is the one that WSGI_APPLICATION or ASGI_APPLICATION names, or
        wsgi.py or asgi.py beside the settings.""",
        default_is="asgi if the project requires channels or uvicorn-worker, or has ASGI_APPLICATION and"
        " requires daphne, uvicorn or hypercorn; else wsgi",
    )
    worker_class: str = setting(
        text("a worker class such as gthread", r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"),
        "",
        """Gunicorn's worker class. With gthread a slow client does not hold a whole process. uvicorn serves
        ASGI. roadie installs the packages that uvicorn and gevent need.""",
        default_is="gthread; uvicorn for asgi",
    )
    programs: Mapping[str, Program] = setting(
        PROGRAMS,
        {},
        """Commands of the project that run beside the site: {alerts: manage.py sendalerts}. Supervisor keeps
        each one running, with the release's code, environment and virtualenv. After a deploy has switched,
        each is told to stop (TERM), and starts again from the new release once it has stopped. It goes back
        with a rollback. It may take 60 seconds to stop, or as many as you write:
        {alerts: {command: manage.py sendalerts, stop_timeout: 600}}.""",
    )
    cron: Mapping[str, Job] = setting(
        CRON,
        {},
        """Commands of the project that run from time to time: {sessions: 0 4 * * * manage.py clearsessions}.
        The time is that of a crontab, or @hourly, @daily, @weekly or @monthly. systemd starts each command,
        as the site's user, from the release that serves then. A command that still runs is not started a
        second time. A time at which the host was off is made up for. `fab logs --of programs` has what the
        commands say.""",
    )
    once: Mapping[str, Program] = setting(
        ONCE,
        {},
        """Commands of the project that run one time for the site: {data: manage.py loaddata start, admin:
        manage.py createsuperuser --noinput}. A deploy runs each one that has not run yet, in this order,
        after migrations and before the release is asked for a page. The host records them. One that fails
        ends the deploy, and runs again with the next one. One that was cut is told, and not repeated: see
        `fab once`.""",
    )
    celery: Celery = setting(
        CELERY,
        Celery(),
        """Whether Celery runs the project's tasks: true for one worker, or a mapping. `app` is the module of
        the Celery application, `beat: true` runs the schedule, and `workers` has each worker by its name:
        {beat: true, workers: {celery: {concurrency: 2}, mail: {queues: [mail], pool: threads}}}. A
        deploy replaces them as it replaces `programs`. A worker takes no new task then, finishes those that
        run, and may take 600 seconds for that, or as many as its `stop_timeout` says: longer than the
        longest task. Longer tasks are lost. Beat runs once and no more.""",
        default_is="false; the application is found in the project",
    )
    redis: Redis = setting(
        REDIS,
        Redis(),
        """Whether the site has a Redis of its own, for queues and caches: an instance of Debian's unit, which
        only the site can reach, by a socket. It may hold 128m, or as much as you write: {memory: 256m}. What
        is queued there outlives a crash and a reboot. When memory is full, writes fail; nothing is thrown
        away. The project reads the addresses from REDIS_URL, CELERY_BROKER_URL and CACHE_URL (see
        env_names), each with a database of its own. Run fab bootstrap after you set it.""",
        default_is="false",
    )
    request_timeout: int = setting(
        whole(1, 3600, "seconds"),
        90,
        "How long a worker may be silent before Gunicorn replaces it (Gunicorn's --timeout).",
    )
    graceful_timeout: int = setting(
        whole(1, 3600, "seconds"),
        60,
        """How long running requests may take to end when a worker stops. Supervisor kills the worker ten
        seconds later.""",
    )
    proxy_read_timeout: int = setting(
        whole(1, 7200, "seconds"),
        120,
        """How long nginx waits for the site's answer. It must not be less than request_timeout: nginx would
        give up on requests that still run.""",
    )
    health: tuple[str, ...] = setting(
        several(PAGE, "a path, or a list of paths"),
        (),
        """Pages that must answer 2xx before a release gets a visitor. More than one is better: a status
        page may be well while every other page fails.""",
        default_is="/, where any answer below 500 will do but 400 and a redirect to https or elsewhere; the"
        " page to which redirects inside the site lead must be below 500 too",
    )
    gate_timeout: int = setting(
        whole(1, 600, "seconds"),
        30,
        """How long a new release may take until each of its workers has answered those pages. A project that
        starts slowly needs more than the default. The check of the release may take as long to start, but at
        least 60 seconds. Gunicorn ends a worker that starts for longer than request_timeout.""",
    )
    drain: int = setting(
        whole(0, 3600, "seconds"),
        30,
        "How long a deploy lets the old release finish its requests before it tells the release to stop.",
    )
    watch: int = setting(
        whole(0, 3600, "seconds"),
        5,
        """How long a deploy watches the new release after the switch. If it begins to fail (its program
        ends, its health pages fail, or a quarter of the visitors' requests, five at least, get a server
        error), the release before serves again at once. Only answers of the application count, and only if
        errors are twice as frequent as before. The new release stays if the release before fails at the
        same page: the cause is another one, such as the database. Errors that roadie does not get
        for the same page count only if they hit visitors of three networks, and a quarter of all
        networks. The watch ends after 1.5 seconds if all was right until then, and fewer than five
        requests would come in the whole time. 0 watches nothing.""",
    )
    watch_to_the_end: bool = setting(
        switch(),
        False,
        """Whether a deploy watches for the whole time of `watch`, however few visitors come. For a pipeline
        that wants the verdict more than the time.""",
    )
    keep: int = setting(
        whole(1, 100),
        5,
        """How many releases stay on the host, the one that serves among them. As many releases that were
        rolled back, or that failed after their switch, stay beside these.""",
    )
    maintenance_allow: tuple[str, ...] = setting(
        several(NETWORK, "an address, or a list of addresses and networks"),
        (),
        """The addresses and networks that still see the site while `fab maintenance on` shows a page to
        everybody else: [203.0.113.7, 2001:db8::/32], as nginx sees them.""",
    )
    templates: str = setting(
        FOLDER,
        OWN_TEMPLATES,
        "The folder whose templates replace roadie's templates of the same name.",
    )

    @property
    def redirected(self) -> dict[str, str]:
        """The names that nginx leads away from, each with the name that it leads to."""
        names = {name.removeprefix("www."): name for name in reversed(self.domain)}
        canonical = {name: names[name.removeprefix("www.")] for name in self.domain}
        return {name: to for name, to in canonical.items() if self.redirect_www and name != to}

    @property
    def served_names(self) -> tuple[str, ...]:
        """The names under which nginx serves the site itself."""
        return tuple(name for name in self.domain if name not in self.redirected)

    @property
    def own_templates(self) -> Path | None:
        """The folder of the user's templates, if there is one."""
        folder = self.root / Path(self.templates).expanduser()
        return folder if folder.is_dir() else None

    @property
    def url_secret(self) -> str:
        """The secret with the URL of the site's database, if the settings name one."""
        return next((name for name in self.env_names["database_url"] if name in self.secrets), "")

    @property
    def manage_commands(self) -> dict[str, str]:
        """The command of manage.py that each program runs, by the program's name."""
        commands = {**self.programs, **self.cron, **self.once}
        return {name: one.manage_command for name, one in commands.items() if one.manage_command}

    @property
    def jobs(self) -> tuple[str, ...]:
        """For each periodic command its name, and a text with its time and each of its words on a line."""
        texts = {name: "\n".join([job.when, *job.words]) for name, job in self.cron.items()}
        return tuple(part for one in texts.items() for part in one)

    @property
    def once_words(self) -> tuple[str, ...]:
        """For each command of `once` its name, and a text with each of its words on a line."""
        texts = {name: "\n".join(program.words) for name, program in self.once.items()}
        return tuple(part for one in texts.items() for part in one)

    @property
    def all_programs(self) -> dict[str, Program]:
        """Every program beside the web, in the order in which a deploy replaces them."""
        return {**self.programs, **self.celery.programs(self.app)}

    @property
    def start_seconds(self) -> int:
        """How many seconds the check of a release may take to start Django: 60, or what the gate allows."""
        return max(60, self.gate_timeout)

    @property
    def stop_timeout(self) -> int:
        """How many seconds Supervisor waits for Gunicorn: longer than Gunicorn waits for its requests."""
        return self.graceful_timeout + 10
