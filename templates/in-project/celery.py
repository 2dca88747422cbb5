"""What roadie asks of the project's Celery: whether tasks would reach a worker, and which tasks run."""

import re
from socket import gethostname

import roadie_site as site
from roadie_start import answer

PATIENCE = 5  # seconds


def application():
    """The project's application."""
    from celery.app.utils import find_app

    return find_app(site.CELERY_APP)


def unfit():
    """Why no worker would get a task; nothing if workers would."""
    try:
        app = application()
        urls = app.conf.broker_write_url or app.conf.broker_url or "amqp://"
        url = ";".join(urls) if isinstance(urls, (list, tuple)) else str(urls)
    except Exception as error:  # whatever the project does while it is imported
        yield f"celery: the application {site.CELERY_APP} cannot be had ({type(error).__name__}: {error})"
        return
    if url.startswith("memory:"):
        yield (
            "celery: the broker is memory://, which no worker can reach; for a Redis of the site's own write "
            "redis: true, and have the settings read CELERY_BROKER_URL"
        )
        return
    try:
        with app.connection_for_write(connect_timeout=PATIENCE) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=PATIENCE)
    except ImportError as error:
        kind = url.partition(":")[0].partition("+")[0]
        yield (
            f"celery: the broker {shown(url)} needs a package that is not installed ({error}); "
            f'write extra_requirements: ["kombu[{kind}]"] in fabric.yaml'
        )
    except Exception as error:  # each transport has errors of its own
        yield f"celery: the broker {shown(url)} does not answer ({type(error).__name__}: {error}); start it"


def shown(url):
    """One address, or several, without users, passwords and options. kombu itself masks only the first."""
    return ";".join(re.sub(r"(?s)(?<=://).*@|\?.*", "", one) for one in re.split(r";(?=[\w+.-]+://)", url))


def running():
    """Name each task that runs, with the worker that runs it. This ends once all workers have answered."""
    nodes = {f"{name}.{site.APP}@{gethostname()}": name for name in site.CELERY_WORKERS}
    found = application().control.inspect([*nodes], timeout=PATIENCE).active() if nodes else None
    for node, tasks in (found or {}).items():
        for task in tasks:
            answer("task", f"{task['id']} {nodes[node]} {task['name']}")
