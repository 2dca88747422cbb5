"""Celery beside a site: its tasks are done once, over deploys, a rollback, kills and a reboot."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator

import pytest
import standing
from desk import Desk, browse, eventually
from faults import error_of, serving
from lasting import Hearing
from postbox import DOMAIN, Postbox, hurried
from projects import commit, settings
from roadie.throwaway.hosts import ThrowawayHost

ANY = ssl.create_default_context()
ANY.check_hostname, ANY.verify_mode = False, ssl.CERT_NONE
SERVICE_RESTART = 1012
CELERY = {"beat": True, "workers": {"celery": {"concurrency": 2}}}


def is_well(host: ThrowawayHost) -> bool:
    """Whether the site says, by https, that all of it works."""
    return browse(host, "/healthz", DOMAIN, trusted=ANY).status == 200


@pytest.fixture
def postbox(suite: str, desk: Callable[..., Desk]) -> Iterator[Postbox]:
    """A desk with the postbox, and a host that has only packages."""
    with standing.booted(standing.packaged(suite), suite) as host:
        yield hurried(desk(host, project="postbox"), celery=CELERY, tls="self-signed")


@pytest.mark.third(1)
def test_tasks_are_done_once_over_deploys_kills_and_a_reboot(postbox: Postbox) -> None:
    host, desk = postbox.host, postbox.desk
    desk.does("bootstrap")
    assert "0 changed" in desk.does("bootstrap").out
    assert (
        host.ssh("systemctl is-active redis-server; ss -Hltn '( sport = :6379 )'", check=False).stdout
        == "inactive\n"
    )
    assert host.ssh("stat -c '%a %U' /run/redis-postbox/redis.sock").stdout == "700 postbox\n"
    desk.does("deploy")
    first = serving(host, "postbox").release
    assert browse(host, "/", DOMAIN, trusted=ANY).status == 200
    assert is_well(host)

    postbox.post("over-deploys", 100, 1)
    with Hearing(host, "/deliveries", DOMAIN, ANY) as hearing:
        assert eventually(lambda: hearing.heard), hearing.failed
        for version in ("one", "two"):
            postbox.ship(version)
        desk.does("rollback")
        assert eventually(lambda: hearing.are_open), hearing.failed
        assert hearing.closed == {SERVICE_RESTART: 3}
        postbox.assert_each_once("over-deploys", 100)
        heard = len(hearing.heard)
        postbox.post("after-all", 1)
        assert eventually(lambda: len(hearing.heard) > heard)
    assert hearing.failed == []
    assert len(hearing.heard) == len({*hearing.heard})
    postbox.assert_one_beat()
    assert_the_moment_of_a_stop_is_safe(postbox)
    live = host.ssh("readlink -f /srv/postbox/live/release").stdout.strip()
    assert live != first
    assert live in host.ssh("cat /proc/$(pgrep -o -u postbox -f ' worker ')/environ | tr '\\0' '\\n'").stdout

    for victim in (" worker ", " beat "):
        host.ssh(f"pkill -KILL -o -u postbox -f 'python -m celery .*{victim}'")
        postbox.post(f"after{victim.strip()}", 2)
        postbox.assert_each_once(f"after{victim.strip()}", 2)
        assert eventually(lambda words=victim: postbox.processes(words) == 1, 30)
    host.ssh("supervisorctl stop postbox.celery:*")
    postbox.post("in-redis", 20)
    host.ssh("systemctl kill -s KILL redis-server@postbox")
    assert eventually(lambda: is_well(host))
    host.ssh("supervisorctl start postbox.celery:*")
    postbox.assert_each_once("in-redis", 20)
    postbox.post("over-supervisor", 10, 1)
    host.ssh("pkill -KILL supervisord")
    postbox.assert_each_once("over-supervisor", 10)
    assert eventually(lambda: postbox.processes(" worker ") == postbox.processes(" beat ") == 1, 60)
    postbox.assert_one_beat()

    before = serving(host, "postbox")
    host.ssh("systemctl stop redis-server@postbox")
    postbox.commit("while Redis is down")
    error_of(desk.fab("deploy"), 6, "Redis of postbox: it does not answer", "fab redis", "still serves")
    assert serving(host, "postbox").release == before.release
    desk.does("redis")
    postbox.post("over-reboot", 10, 1)
    host.reboot()
    assert eventually(lambda: is_well(host), 60)
    postbox.assert_each_once("over-reboot", 10)
    postbox.assert_one_beat()

    desk.does("remove", "--yes")
    left = "pgrep -u postbox -a; systemctl is-active redis-server@postbox; ls /etc/supervisor/conf.d/postbox*"
    assert host.ssh(left, check=False).stdout == "inactive\n"
    desk.does("bootstrap")
    desk.does("deploy")
    postbox.assert_each_once("over-reboot", 10)
    desk.does("remove", "--purge", "--confirm", "postbox")
    assert (
        host.ssh(f"{left}; ls -d /etc/systemd/system/*postbox* /srv/postbox", check=False).stdout
        == "inactive\n"
    )

    known = json.loads((desk.project / "fabric.yaml").read_text())["roadie"]
    settings(desk.project, **{**known, "packages": ["redis-server"]})
    commit(desk.project, "A Redis at a port")
    desk.does("packages")
    assert host.ssh("redis-cli ping").stdout == "PONG\n"


def assert_the_moment_of_a_stop_is_safe(postbox: Postbox) -> None:
    """Stop a worker after one of its processes has got a task, and before the process has begun the task.

    The other process is in the midst of a task, and the deploy says so.
    """
    host = postbox.host
    host.ssh("supervisorctl stop postbox.beat:*")  # its tasks would take the place of the short one
    postbox.post("long", 1, 20)
    assert eventually(lambda: len(postbox.busy()) == 1)
    (busy,) = postbox.busy()
    both = f"$(pgrep -P $(ps -o ppid= -p {busy}))"
    host.ssh(f"kill -STOP {both}")
    postbox.post("short", 1)
    postbox.commit("three")
    says = "it finishes 1 running: letters.tasks.deliver (1)"
    with postbox.desk.started("deploy") as process:
        assert eventually(lambda: says in host.ssh("cat /var/log/roadie/*").stdout, 120)
        host.ssh(f"kill -CONT {both}")
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    assert says in out
    for text in ("long", "short"):
        postbox.assert_each_once(text, 1)


@pytest.mark.third(2)
@pytest.mark.parametrize("suite", ["bookworm"])
def test_no_task_is_lost_on_postgresql(suite: str, desk: Callable[..., Desk]) -> None:
    with standing.booted(standing.with_postgresql(suite), suite) as host:
        postbox = hurried(desk(host, project="postbox"), database="postgresql")
        postbox.desk.does("bootstrap")
        postbox.desk.does("deploy")
        postbox.post("over-deploys", 60, 1)
        postbox.ship("one")
        postbox.desk.does("rollback")
        host.ssh("pkill -KILL supervisord")
        postbox.assert_each_once("over-deploys", 60)
        postbox.assert_one_beat()
