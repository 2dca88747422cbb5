"""The power may fail after each command that changes a disk. Nothing half made is believed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import standing
from chance import answers
from cuts import Cut, Cuts, Door, Turns, assert_deployed, assert_nothing_changes
from databases import in_turn
from desk import Desk, eventually, is_serving
from probe import Probe
from roadie.throwaway import hosts as throwaway
from roadie.throwaway.hosts import ThrowawayHost
from within import assert_serves_once, halves, inside

SNIPPET = Path(__file__).with_name("power.sh")
#: with TEST_CUT_ALL=1 the power fails after each command, else after every so manieth
ALL = bool(os.environ.get("TEST_CUT_ALL"))

# Prints records that are empty although roadie never writes them so. The idle slot and a release that never
# served do not count, and neither does what still has another name: nobody reads them.
EMPTY = r"""
shopt -s nullglob
cd /srv/guestbook 2>/dev/null || exit 0
releases=()
for switched in releases/*/switched; do releases+=("${switched%/*}"); done
find /var/lib/roadie /var/backups /etc/{nginx,supervisor,systemd,logrotate.d,tmpfiles.d} /usr/local \
  shared/secrets maintenance live/ repo.git "${releases[@]}" -type f -size 0 -regextype egrep \
  ! -regex '.*([.](new|roadie-new)|/settled|/serve|/migrating-guestbook)' \
  ! -regex '.*/(applied|allow|code|static|objects|incoming)/.*' 2>/dev/null
:
"""

# Prints the migrations that wait for their record.
WAITING = "grep -l pipe_read $(pgrep -f 'roadie_start migrations[.]migrate' | sed 's|.*|/proc/&/wchan|') || :"
TABLE = "table_0002"


def turns(seed: int, every: int, *always: str) -> Turns:
    return Turns(seed, (Cut.cut_power,), every=1 if ALL else every, always=always)


def no_empty_record(host: ThrowawayHost) -> None:
    """Check that each record on the host holds what was written there."""
    assert not (empty := inside(host, EMPTY).splitlines()), empty


def cut(desk: Desk, taken: Turns, check: Callable[[ThrowawayHost], object], *words: str) -> None:
    """Cut the power after the commands of a run whose turn it is. Then let the run come to its end."""
    Cuts(desk, words, taken, snippet=SNIPPET, check=check).all()


@pytest.fixture
def probe(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Probe]:
    """A probe that serves, on a host whose disk keeps only what was synced. The host has no store of code."""
    database = getattr(request, "param", "mysql")
    with throwaway.boot("power", snapshot=standing.probed(database=database), own_disk=True) as host:
        assert eventually(lambda: is_serving(host), 30)
        made = Probe(tmp_path / "probe", host, database=database)
        made.change_settings(watch=0, keep=1)
        made.desk.does("deploy")
        host.ssh("rm -r /srv/guestbook/repo.git && sync")
        yield made


@pytest.mark.third(0, 2)
@pytest.mark.parametrize("probe", [in_turn(2)], indirect=True, ids=["the database whose turn it is"])
def test_the_power_may_fail_after_each_command_of_a_deploy_and_a_rollback(probe: Probe, seed: int) -> None:
    def check(host: ThrowawayHost) -> None:
        no_empty_record(host)
        assert eventually(lambda: is_serving(host), 30)
        assert answers(host, 3)[1] in (before, after)

    taken = turns(seed, 25, "receive: changed code", "migrate: mv", "switch: mv /srv/guestbook/live")
    before, _ = probe.truth, probe.change_requirements()
    after = probe.change_schema()
    cut(probe.desk, taken, check, "deploy")
    assert answers(probe.host)[1] == after
    assert_deployed(probe.desk)
    cut(probe.desk, taken, check, "rollback", "--migrations")
    cut(probe.desk, taken, check, "restart")
    assert answers(probe.host)[1] == before
    assert_serves_once(probe.host)
    assert not (half := halves(probe.host)), half
    taken.tell()


@pytest.mark.third(0)
def test_the_power_may_fail_after_each_command_of_a_bootstrap(desk, seed: int) -> None:
    def check(host: ThrowawayHost) -> None:
        no_empty_record(host)
        assert inside(host, 'grep -rlx "# mine" /etc/nginx /var/backups || :'), "an edit by hand is lost"

    taken = turns(seed, 40, "nginx: cp /var/lib/roadie/files/%etc%nginx%conf.d%roadie.conf")
    with throwaway.boot("power", snapshot=standing.packaged(), own_disk=True) as host:
        host.ssh("echo '# mine' >/etc/nginx/conf.d/roadie.conf && sync")
        made = desk(host)
        cut(made, taken, check, "bootstrap")
        assert_nothing_changes(made)
    taken.tell()


def test_a_migration_waits_until_its_record_is_on_disk(probe: Probe) -> None:
    probe.change_schema()
    door = Door(probe.desk, SNIPPET)
    with door.guarded(), probe.desk.started("deploy") as process:
        while (step := door.next(process)) and not step.name.startswith("migrate: mv"):
            door.let_in()
        assert step, "the run has ended without a record"
        assert eventually(lambda: inside(probe.host, WAITING), 10), "the migration did not wait"
        assert TABLE not in inside(probe.host, "mariadb -N guestbook -e 'SHOW TABLES'").split()
        probe.host.power_cut()
    probe.desk.does("deploy")
    assert_deployed(probe.desk)
