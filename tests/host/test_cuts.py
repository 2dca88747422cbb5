"""A run can be cut at any step: the host ends or finishes the step, and the same command again converges."""

import pytest
import standing
from cuts import QUICK_WAYS, Cuts, Turns, assert_nothing_changes, side_by_side

HOSTS = 4  # hosts at the same time, because a host needs long to notice a dead link


def test_a_bootstrap_may_be_cut_at_every_step(desk, seed):
    turns = Turns(seed)

    def cut():
        with standing.booted(standing.packaged()) as host:
            cuts = Cuts(desk(host), ("bootstrap",), turns)
            cuts.all()
            assert_nothing_changes(cuts.desk)

    side_by_side(cut, HOSTS)
    turns.tell()
    assert len(turns.taken) > 40


@pytest.mark.third(2)
def test_the_packages_may_be_cut_at_every_step(bare_host, desk, seed):
    turns = Turns(seed, QUICK_WAYS)
    cuts = Cuts(desk(bare_host), ("packages",), turns, midst={"packages: package nginx": 4})
    cuts.all()
    turns.tell()
    assert_nothing_changes(cuts.desk, "packages")
