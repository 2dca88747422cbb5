"""Of two runs for one site at the same time, one works. The other is told who works, or waits."""

import pytest
from cuts import Door, assert_deployed
from desk import Done, browse
from faults import error_of
from projects import git, retitle


@pytest.mark.parametrize("first", ["deploy", "bootstrap"])
def test_of_two_runs_at_once_one_works_and_the_other_is_told(deployed, desk, first):
    one, other = deployed, desk(deployed.host)
    retitle(one.project, "One")
    retitle(other.project, "Other")
    deployed.host.ssh("rm /etc/nginx/conf.d/roadie.conf")  # so that bootstrap has something to do
    door = Door(one)
    with door.guarded(), one.started(first) as process:
        step = door.next(process)
        for words in ("deploy", "bootstrap", "migrate", "restart"):
            error_of(other.fab(words), 4, "locked by ", f"fab {first}", ", since ", f"at step {step.stage}")
        waited = wait_for(process, door, other, "deploy")
        assert waited.code == 0, waited.text
    assert "<h1>Other</h1>" in browse(deployed.host).body
    assert_deployed(other)


def test_a_deploy_that_waited_for_one_of_the_same_code_has_nothing_left_to_do(deployed, desk):
    one, other = deployed, desk(deployed.host)
    retitle(one.project, "Same")
    retitle(other.project, "Same")
    door, _ = Door(one), Door(other)  # both desks need the same code, so both get the door
    with door.guarded(), one.started("deploy") as process:
        door.next(process)
        waited = wait_for(process, door, other, "deploy")
    assert waited.code == 0 and "0 changed: release " in waited.out, waited.text


def test_a_rollback_that_waited_for_a_deploy_goes_back_from_no_other_release_than_it_saw(deployed, desk):
    one, other = deployed, desk(deployed.host)
    retitle(one.project, "Second")
    one.does("deploy")
    git(one.project, "revert", "--no-edit", "HEAD")
    door = Door(one)
    with door.guarded(), one.started("deploy") as process:
        door.next(process)
        waited = wait_for(process, door, other, "rollback")
    release = one.host.ssh("basename $(readlink -f /srv/guestbook/live/release)").stdout.strip()
    says = (f"another run has switched to {release} meanwhile", f"{release} still serves")
    error_of(waited, 6, *says)
    assert "<h1>Guestbook</h1>" in browse(deployed.host).body


def wait_for(process, door, other, task):
    """Have another desk wait for the run at the door, and let that run go on. Return how the other ended."""
    with other.started(task, "--wait", "120") as patient:
        assert any("waiting" in line for line in patient.stdout)
        door.open()
        assert process.communicate(timeout=120) and process.returncode == 0
        out, err = patient.communicate(timeout=120)
    return Done(patient.returncode, out, err)
