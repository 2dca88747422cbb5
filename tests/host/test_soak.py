"""Deploys under load, and cuts at random instants: small counts of what bench/soak does for hours."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from breaks import BREAKS
from chance import DISKS, Chance, Hit, answers, kills, last_event
from crowd import LIGHT, QUICK
from databases import in_turn
from desk import browse, eventually
from soak import CUT_SETTINGS, Releases, crowd_of, ground, refuse
from within import assert_serves_once, assert_tidy, inside, masters

SUPERVISOR = "pgrep -x supervisord || :"


@pytest.mark.third(0)
def test_no_visitor_notices_a_release_by_whatever_workers(seed):
    with ground(own_disk=True, database=in_turn(), watch=1) as probe, crowd_of(probe, QUICK) as crowd:
        releases = Releases(probe, crowd, random.Random(seed))
        for worker_class in ("sync", "gevent", "uvicorn", "gthread"):
            releases.take(("deploy",), probe.use_workers(worker_class, watch=1))
        releases.go_through({"environment": 1, "rollback": 1, "restart": 1})
        refuse(probe, crowd, random.Random(seed).choice(BREAKS[:-1]))
        assert_tidy(probe.host)
        assert_serves_once(probe.host)
    crowd.assert_content()


@pytest.mark.third(1)
def test_a_deploy_may_be_cut_at_any_instant(seed):
    dice = random.Random(seed)
    with ground(own_disk=True, database=in_turn(1), **CUT_SETTINGS) as probe:
        with crowd_of(probe, LIGHT) as crowd:
            chance = Chance(probe, dice, crowd=crowd)
            for way in (*dice.sample(kills(probe.database), 4), dice.choice(DISKS), Hit.link):
                chance.hit(way)
        crowd.assert_content()
        chance.crowd = None
        for way in (Hit.reboot, Hit.reboot, Hit.power, Hit.power, Hit.power):
            chance.hit(way)


@pytest.fixture(scope="module")
def probe():
    with ground("sync", workers=2, watch=0) as made:
        yield made


def test_a_run_after_one_that_was_killed_while_it_drained_loses_no_request(probe):
    with ThreadPoolExecutor(6) as crowd:
        waiting = [crowd.submit(browse, probe.host, "/slow/6") for _ in range(6)]
        probe.change_code()
        with hit_at("drain of", probe) as hit:
            hit.everything()
        probe.change_code()
        probe.desk.does("deploy")
        assert [each.result().status for each in waiting] == [200] * 6
    assert_serves_once(probe.host)


def test_a_supervisor_that_is_killed_in_the_watch_takes_no_way_back_with_it(probe):
    truth = probe.change_settings(watch=60)
    before = inside(probe.host, SUPERVISOR)
    with hit_at("watch of", probe) as hit:
        hit.script("STOP")  # the deploy stands still until the live slot has come back by itself
        hit.supervisor()
        assert eventually(lambda: inside(probe.host, SUPERVISOR) not in (before, ""))
        assert eventually(lambda: any(each.startswith("supervisord ") for each in masters(probe.host)))
        hit.script("CONT")
        out, err = hit.process.communicate(timeout=60)
    assert hit.process.returncode == 0, out + err
    assert "no longer watched" in out
    assert answers(probe.host)[1] == truth
    assert eventually(lambda: len(masters(probe.host)) == 1)
    assert_serves_once(probe.host)


@contextmanager
def hit_at(words, probe):
    """Start a deploy, and wait until its last event has these words."""
    with probe.desk.started("deploy") as process:
        assert eventually(lambda: words in last_event(probe.host, Path()), 60)
        yield Hit(probe, process, random.Random())
        process.communicate(timeout=60)
