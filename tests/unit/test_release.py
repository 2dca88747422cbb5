"""What a deploy that failed says of the site: which release serves now."""

import pytest
from roadie.events import Event
from roadie.record import Release
from roadie.release import _who_serves
from roadie.report import HostReport, Report


def moved(*stages):
    report = HostReport("web1")
    report.events += [Event("changed", stage, "live", "") for stage in stages]
    return Report([report])


@pytest.mark.parametrize(
    ("stages", "before", "serves"),
    [
        ((), "", "; no release serves yet"),
        ((), "old", "; old still serves"),
        (("switch",), "old", "; new serves already"),
        (("switch", "watch"), "old", "; old still serves"),
    ],
)
def test_a_failure_names_the_release_that_serves(stages, before, serves):
    assert _who_serves(moved(*stages), before, Release("new", "", "")) == serves
