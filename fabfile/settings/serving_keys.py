"""The settings about the site as it runs: nginx, Gunicorn, and what runs beside the web."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .kinds import choice, setting, several, size, switch, text, whole
from .names import NETWORK
from .processes import CELERY, CRON, ONCE, PROGRAMS, REDIS, Celery, Job, Program, Redis
from .sections import LIMITS, Limits
from .tls import DEFAULT_IS, MANUAL, TLS, Tls


@dataclass(frozen=True)
class ServingKeys:
    """The settings about the site as it runs."""

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
        (REMOTE_ADDR), its logs, limits and maintenance_allow. X-Forwarded-Proto from there says by which
        scheme the visitor came.""",
        default_is="none: whoever connects to nginx is the visitor",
    )
    limits: Limits = setting(
        LIMITS,
        Limits(),
        """What one address may take from the application: {requests: 20/s, burst: 40, connections: 20}.
        requests is a rate per second or minute (20/s, 300/m). burst says how many requests more may come at
        once (20 unless you set it). connections says how many requests may run at once. Beyond that nginx
        answers 429, and the application never sees the request. Static files and uploads have no limit.
        Behind a proxy or a CDN all visitors have its address, unless proxies names it.""",
        default_is="none",
    )
    maintenance_allow: tuple[str, ...] = setting(
        several(NETWORK, "an address, or a list of addresses and networks"),
        (),
        """The addresses and networks that still see the site while `fab maintenance on` shows a page to
        everybody else: [203.0.113.7, 2001:db8::/32], as nginx sees them.""",
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
        The time is that of a crontab, or @hourly, @daily (@midnight), @weekly, @monthly, @yearly (@annually).
        systemd starts each command, as the site's user, from the release that serves then. A command that
        still runs is not started a second time. A time at which the host was off is made up for. `fab logs
        --of programs` has what the commands say.""",
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
        env_names), each with a database of its own.""",
        default_is="false",
    )
