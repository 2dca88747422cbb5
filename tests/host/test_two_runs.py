"""Of two runs for one site at once, one works, and the other is told who does, or waits."""

import pytest
from cuts import Door, assert_deployed
from desk import browse
from faults import error_of
from projects import change_line, commit


def with_title(desk, title):
    """The desk, with a commit of another title."""
    index = desk.project / "entries/templates/entries/index.html"
    change_line(index, "<h1>Guestbook</h1>", f"<h1>{title}</h1>")
    commit(desk.project, title)
    return desk


@pytest.mark.parametrize("first", ["deploy", "bootstrap"])
def test_of_two_runs_at_once_one_works_and_the_other_is_told(deployed, desk, first):
    one, other = with_title(deployed, "One"), with_title(desk(deployed.host), "Other")
    deployed.host.ssh("rm /etc/nginx/conf.d/roadie.conf")  # for bootstrap to have something to do
    door = Door(one)
    with door.guarded(), one.started(first) as process:
        step = door.next(process)
        for words in ("deploy", "bootstrap", "migrate", "restart"):
            error_of(other.fab(words), 4, "locked by ", f"fab {first}", ", since ", f"at step {step.stage}")
        with other.started("deploy", "--wait", "120") as patient:
            assert "waiting" in patient.stdout.readline() + patient.stdout.readline()
            door.open()
            assert process.communicate(timeout=120) and process.returncode == 0
            out, err = patient.communicate(timeout=120)
            assert patient.returncode == 0, out + err
    assert "<h1>Other</h1>" in browse(deployed.host).body
    assert_deployed(other)
