"""Celery beside a site: its tasks are done once, over deploys, a rollback, kills and a reboot."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise

import pytest
import standing
from desk import Desk, browse, eventually
from faults import error_of, serving
from invoke.util import yaml
from projects import change_line, commit, settings
from roadie.throwaway.hosts import ThrowawayHost

DOMAIN = "postbox.example.org"
POST = """
from letters.models import Letter
from letters.tasks import deliver
for letter in [Letter.objects.create(text="{text}") for _ in range({count})]:
    deliver.delay(letter.pk, {seconds})
"""
TOLD = """
from django.db.models import Count
from letters.models import Letter
for one in Letter.objects.values("text", "deliveries").annotate(count=Count("pk")):
    print("letters", one["text"], one["deliveries"], one["count"])
"""


def manage(host: ThrowawayHost, code: str) -> str:
    """Run a piece of Python in the site's own Django."""
    return host.ssh("/usr/local/lib/roadie/manage postbox shell -v 0", text=code).stdout


def post(host: ThrowawayHost, text: str, count: int, seconds: float = 0) -> None:
    """Queue a task for each of so many new letters."""
    manage(host, POST.format(text=text, count=count, seconds=seconds))


def delivered(host: ThrowawayHost, text: str) -> dict[int, int]:
    """How many of these letters were delivered so many times."""
    lines = [line.split() for line in manage(host, TOLD).splitlines() if line.startswith("letters ")]
    return {int(times): int(count) for _, said, times, count in lines if said == text}


def assert_each_once(host: ThrowawayHost, text: str, count: int, seconds: float = 120) -> None:
    assert eventually(lambda: delivered(host, text) == {1: count}, seconds), delivered(host, text)


def ship(desk: Desk, version: str) -> None:
    """Deploy a release whose tasks differ from the ones before."""
    path = desk.project / "letters/tasks.py"
    path.write_text(f"{path.read_text()}\n# {version}\n")
    commit(desk.project, version)
    assert browse(desk.host, "/healthz", DOMAIN).status == 200
    desk.does("deploy")


def processes(host: ThrowawayHost, words: str) -> int:
    """How many first processes of such a program run."""
    found = host.ssh(
        f"pgrep -u postbox -f 'python -m celery .*{words}' -P $(cat /run/supervisord.pid) | wc -l"
    )
    return int(found.stdout)


def beats(host: ThrowawayHost) -> list[float]:
    """The times at which beat has sent its task."""
    lines = host.ssh("cat /var/log/postbox/beat.log*").stdout
    found = re.findall(r"\[([\d-]+ [\d:]+),(\d+): .*Sending due task postman", lines)
    return sorted(datetime.fromisoformat(f"{when}.{part}").timestamp() for when, part in found)


def assert_one_beat(host: ThrowawayHost) -> None:
    """Check that two beats never ran at the same time: then two ticks would be close to each other."""
    ticks = beats(host)
    gaps = [late - early for early, late in pairwise(ticks)]
    assert len(ticks) > 5
    assert min(gaps) > 0.5, sorted(gaps)[:5]
    assert processes(host, " beat ") == 1


def hurry(desk: Desk, **more: object) -> Desk:
    """Have the postman come every second, and add settings."""
    change_line(desk.project / "postbox/settings.py", '"schedule": 60', '"schedule": 1')
    known = yaml.safe_load((desk.project / "fabric.yaml").read_text())["roadie"]
    settings(desk.project, **{**known, **more})
    commit(desk.project, "A hurried postman")
    return desk


@pytest.fixture
def postbox(suite, desk):
    """A desk with the postbox, and a host that has only packages."""
    # Celery's pool `prefork` may run a task twice that it takes up at the very moment of a stop.
    celery = {"beat": True, "workers": {"celery": {"concurrency": 2, "pool": "threads"}}}
    with standing.booted(standing.packaged(suite), suite) as host:
        yield hurry(desk(host, project="postbox"), celery=celery, tls="off")


def test_tasks_are_done_once_over_deploys_kills_and_a_reboot(postbox: Desk) -> None:
    host = postbox.host
    postbox.does("bootstrap")
    assert "0 changed" in postbox.does("bootstrap").out
    assert (
        host.ssh("systemctl is-active redis-server; ss -Hltn '( sport = :6379 )'", check=False).stdout
        == "inactive\n"
    )
    assert host.ssh("stat -c '%a %U' /run/redis-postbox/redis.sock").stdout == "700 postbox\n"
    postbox.does("deploy")
    first = serving(host, "postbox").release
    assert browse(host, "/", DOMAIN).status == 200
    assert browse(host, "/healthz", DOMAIN).status == 200

    post(host, "over-deploys", 100, 1)
    for version in ("one", "two", "three"):
        ship(postbox, version)
    postbox.does("rollback")
    assert_each_once(host, "over-deploys", 100)
    assert_one_beat(host)
    live = host.ssh("readlink -f /srv/postbox/live/release").stdout.strip()
    assert live != first
    assert live in host.ssh("cat /proc/$(pgrep -o -u postbox -f ' worker ')/environ | tr '\\0' '\\n'").stdout

    for victim in (" worker ", " beat "):
        host.ssh(f"pkill -KILL -o -u postbox -f 'python -m celery .*{victim}'")
        post(host, f"after{victim.strip()}", 2)
        assert_each_once(host, f"after{victim.strip()}", 2)
        assert eventually(lambda words=victim: processes(host, words) == 1, 30)
    host.ssh("supervisorctl stop postbox.celery:*")
    post(host, "in-redis", 20)
    host.ssh("systemctl kill -s KILL redis-server@postbox")
    assert eventually(lambda: browse(host, "/healthz", DOMAIN).status == 200)
    host.ssh("supervisorctl start postbox.celery:*")
    assert_each_once(host, "in-redis", 20)
    post(host, "over-supervisor", 10, 1)
    host.ssh("pkill -KILL supervisord")
    assert_each_once(host, "over-supervisor", 10)
    assert eventually(lambda: processes(host, " worker ") == processes(host, " beat ") == 1, 60)
    assert_one_beat(host)

    before = serving(host, "postbox")
    host.ssh("systemctl stop redis-server@postbox")
    commit(postbox.project, "While Redis is down")
    error_of(postbox.fab("deploy"), 6, "Redis of postbox: it does not answer", "fab redis", "still serves")
    assert serving(host, "postbox").release == before.release
    postbox.does("redis")
    post(host, "over-reboot", 10, 1)
    host.reboot()
    assert eventually(lambda: browse(host, "/healthz", DOMAIN).status == 200, 60)
    assert_each_once(host, "over-reboot", 10)
    assert_one_beat(host)

    postbox.does("remove", "--yes")
    left = "pgrep -u postbox -a; systemctl is-active redis-server@postbox; ls /etc/supervisor/conf.d/postbox*"
    assert host.ssh(left, check=False).stdout == "inactive\n"
    postbox.does("bootstrap")
    postbox.does("deploy")
    assert_each_once(host, "over-reboot", 10)
    postbox.does("remove", "--purge", "--confirm", "postbox")
    assert (
        host.ssh(f"{left}; ls -d /etc/systemd/system/*postbox* /srv/postbox", check=False).stdout
        == "inactive\n"
    )


@pytest.mark.third(2)
@pytest.mark.parametrize("suite", ["bookworm"])
def test_no_task_is_lost_on_postgresql_with_processes(suite: str, desk: Callable[..., Desk]) -> None:
    with standing.booted(standing.with_postgresql(suite), suite) as host:
        postbox = hurry(desk(host, project="postbox"), database="postgresql", tls="off")
        postbox.does("bootstrap")
        postbox.does("deploy")
        post(host, "over-deploys", 60, 1)
        ship(postbox, "one")
        postbox.does("rollback")
        host.ssh("pkill -KILL supervisord")
        assert eventually(lambda: 0 not in delivered(host, "over-deploys"), 120), delivered(
            host, "over-deploys"
        )
        found = delivered(host, "over-deploys")
        assert sum(found.values()) == 60
        assert found[1] >= 57 and max(found) <= 2, found
        assert_one_beat(host)
