"""The power may fail after each command that changes a disk: roadie believes nothing half made, and converges."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import standing
from chance import answers
from cuts import Cut, Cuts, Turns, assert_deployed, assert_nothing_changes
from desk import Desk, eventually, is_serving
from probe import Probe
from roadie.throwaway import hosts as throwaway
from roadie.throwaway.hosts import ThrowawayHost
from within import inside

SNIPPET = Path(__file__).with_name("power.sh")
#: with ROADIE_CUT_ALL=1 the power fails after each command, else after every so manieth
ALL = bool(os.environ.get("ROADIE_CUT_ALL"))

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


def turns(seed: int, every: int) -> Turns:
    return Turns(seed, (Cut.cut_power,), every=1 if ALL else every)


def no_empty_record(host: ThrowawayHost) -> None:
    """Check that each record on the host holds what was written there."""
    assert not (empty := inside(host, EMPTY).splitlines()), empty


def cut(desk: Desk, taken: Turns, *words: str, check=no_empty_record) -> None:
    Cuts(desk, words, taken, snippet=SNIPPET, check=check).all()
    taken.tell()
    assert Cut.cut_power.__name__ in taken.taken.values()


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Probe]:
    """A probe that serves, on a host whose disk keeps only what was synced."""
    with throwaway.boot("power", snapshot=standing.probed(), own_disk=True) as host:
        assert eventually(lambda: is_serving(host), 30)
        made = Probe(tmp_path / "probe", host)
        made.change_settings(watch=0, keep=1)
        yield made


def test_the_power_may_fail_after_each_command_of_a_deploy(probe: Probe, seed: int) -> None:
    before = answers(probe.host)[1]
    probe.change_requirements()
    after = probe.change_schema()

    def check(host: ThrowawayHost) -> None:
        no_empty_record(host)
        assert eventually(lambda: is_serving(host), 30)
        assert answers(host, 3)[1] in (before, after)

    cut(probe.desk, turns(seed, 20), "deploy", check=check)
    assert answers(probe.host)[1] == after
    assert_deployed(probe.desk)


def test_the_power_may_fail_after_each_command_of_a_bootstrap(desk, seed: int) -> None:
    with throwaway.boot("power", snapshot=standing.packaged(), own_disk=True) as host:
        made = desk(host)
        cut(made, turns(seed, 20), "bootstrap")
        assert_nothing_changes(made)
