"""The settings about the project: where it lies, what it requires, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .databases import DATABASES, DEFAULT
from .kinds import choice, setting, several, text, whole
from .names import APP, DOMAIN, FOLDER, INSIDE, PYTHON
from .sections import (
    DJANGO,
    ENV,
    ENV_NAMES,
    ENV_NAMES_KIND,
    HOSTS,
    INDEX,
    OVERLAY,
    SECRETS,
    Overlay,
    SecretSource,
)

OWN_TEMPLATES = "roadie-templates"
_KINDS = ";\n        ".join(one.manual for one in DATABASES.values())
_REQUIREMENT = r"((-e|--editable)[ =]+)?[A-Za-z0-9.][^\x00-\x1f]*"
_PACKAGE = r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?"


@dataclass(frozen=True)
class ProjectKeys:
    """The settings about the project."""

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
        """The host of the site: [web1.example.org]. Write a name, an address, an alias of ~/.ssh/config, or
        user@host:port. -H on the command line wins. Today a site has one host, and the host has every role,
        as {web1.example.org: [web, worker, db]} says.""",
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
        as in a requirements file. A path in it, as in "-e .[postgres]" or ./libs/greeting, starts in the
        folder of fabric.yaml. With -e, what is imported is the release's own code.""",
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

    templates: str = setting(
        FOLDER,
        OWN_TEMPLATES,
        "The folder whose templates replace roadie's templates of the same name.",
    )
