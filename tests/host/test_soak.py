"""Releases under load, and cuts at random instants: small counts of what bench/soak does for hours."""

import random

from breaks import BREAKS
from chance import KILLS, Chance, Hit
from crowd import LIGHT, QUICK, Crowd
from probe import WORKERS
from soak import CUT_SETTINGS, Releases, ground, refuse
from within import assert_serves_once, assert_tidy


def test_no_visitor_notices_a_release_by_whatever_workers(seed):
    with ground(own_disk=True, watch=1) as probe, Crowd(probe.host, probe.truth, QUICK) as crowd:
        releases = Releases(probe, crowd, random.Random(seed))
        for worker_class in (*WORKERS, "gthread"):
            releases.take(("deploy",), probe.use_workers(worker_class, watch=1))
        releases.go_through({"environment": 1, "rollback": 1, "restart": 1})
        refuse(probe, crowd, random.Random(seed).choice(BREAKS[:-1]))
        assert_tidy(probe.host)
        assert_serves_once(probe.host)
    crowd.assert_content()


def test_a_deploy_may_be_cut_at_any_instant(seed):
    dice = random.Random(seed)
    with ground(own_disk=True, **CUT_SETTINGS) as probe:
        with Crowd(probe.host, probe.truth, LIGHT) as crowd:
            chance = Chance(probe, dice, crowd=crowd)
            for way in (*dice.sample(KILLS, 4), Hit.link):
                chance.hit(way)
        crowd.assert_content()
        chance.crowd = None
        for way in (Hit.reboot, Hit.reboot, Hit.power, Hit.power, Hit.power):
            chance.hit(way)
