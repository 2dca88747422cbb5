"""The settings about a release: how it is made, how the database follows, and when it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .kinds import setting, several, switch, whole
from .names import PAGE, URL_PATH
from .placed import COMMANDS, FILES, SHARED, SHIP


@dataclass(frozen=True)
class ReleaseKeys:
    """The settings about a release."""

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
        A path that begins with venv/ lies in the virtualenv, and the packages there lie in
        venv/site-packages, whatever Python: {venv/site-packages/graphite/local_settings.py: deploy/local.py}.
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
