"""Somebody, or a time server, may set the time of day while a run works. The run goes on as before."""

from __future__ import annotations

from pathlib import Path

from chance import last_event
from desk import browse, eventually
from faults import append
from projects import commit
from time_of_day import adjustable, set_forward
from within import assert_serves_once, assert_tidy

YEAR = 365 * 24 * 3600


def test_a_deploy_goes_on_when_the_time_of_day_is_set(deployed, desk):
    host, made = deployed.host, desk(deployed.host, app="guestbook", watch=8, watch_to_the_end=True)
    with adjustable(host):
        for place, seconds in enumerate((-YEAR, 0, YEAR)):
            append(made.project / "guestbook/urls.py", f"# {place}")
            commit(made.project, "Change")
            with made.started("deploy") as process:
                assert eventually(lambda: "watch of" in last_event(host, Path()), 120)
                set_forward(host, seconds)
                out, err = process.communicate(timeout=90)
            assert process.returncode == 0, out + err
            assert browse(host).status == 200
        made.does("rollback")
        assert ": 0 changed" in made.does("bootstrap").out
    assert_tidy(host)
    assert_serves_once(host)
