"""From the first bootstrap on, no secret is in a command line, in the output of a run, or in its log."""

from __future__ import annotations

import re

import pytest
from desk import browse
from onlooker import Onlooker
from projects import commit
from recorder import Recorder
from within import inside

GIVEN = "handed-over-100%"
# Starts processes that live for 0.03 seconds, about as long as a client of MySQL.
BRIEFLY = 'for i in {1..40}; do bash -c "exec -a brief-$i sleep 0.03"; done'


@pytest.mark.third(2)
def test_who_looks_at_every_process_during_the_first_bootstrap_and_deploy_sees_no_secret(packaged, desk):
    site = desk(packaged.host, secrets={"FROM_COMMAND": {"command": "printf 'handed-over-100%%'"}})
    with Onlooker(site.host) as onlooker:
        shown = site.does("bootstrap").text + site.does("deploy").text
        inside(site.host, BRIEFLY)
    assert browse(site.host).status == 200

    kept = inside(site.host, "cat /srv/guestbook/shared/secrets /srv/guestbook/shared/secrets.given")
    secrets = set(re.findall(r"'([^']{10,})'", kept)) | set(re.findall(r"://\w+:([^@]+)@", kept)) | {GIVEN}
    assert len(secrets) >= 4 and GIVEN in kept
    logs = inside(site.host, "cat /var/log/roadie/*.log /var/log/guestbook/*.log")
    for where in (onlooker.seen, shown, logs):
        assert [secret for secret in secrets if secret in where] == []

    # The onlooker must have looked often enough to see processes that live so briefly.
    for program in ("mariadb", "guestbook-build runs .*/pip install", "guestbook runs .*roadie_start"):
        assert re.search(program, onlooker.seen), program
    assert len(set(re.findall("brief-[0-9]+", onlooker.seen))) > 30


FABFILE = """
from roadie import *
own = Stage("own", "Use a secret.", "stages/own.sh.j2")
use(deploy=(*DEPLOY, own))
"""
OWN_STAGE = """
token={{ secrets.FROM_COMMAND }}
[[ ${#token} == 16 ]] && /usr/bin/env printf 'the own stage ran\n'
read -r left || echo "nothing to read"
"""
TASKS = """
deploy; deploy; releases; restart; migrate --plan; lock; unlock; maintenance on; maintenance off;
manage check; plan; rollback; remove --yes
"""


def test_no_program_has_a_secret_or_the_nonce_of_a_run_in_its_command_line_or_environment(packaged, desk):
    command = {"FROM_COMMAND": {"command": "printf 'handed-over-100%%'"}}
    site = desk(packaged.host, secrets=command, post_build=["true 'a post-build secret'"])
    (site.project / "fabfile.py").write_text(FABFILE)
    stage = site.project / "roadie-templates/stages/own.sh.j2"
    stage.parent.mkdir(parents=True)
    stage.write_text(OWN_STAGE)
    commit(site.project)
    recorder = Recorder(site.host)
    shown = site.does("bootstrap").text
    for task in TASKS.split(";"):
        shown += (done := site.fab(*task.split())).text
        assert done.code == 0 or task.split() == ["rollback"], done.text
    # A failure has roadie search the run's log for its cause.
    wrong = desk(packaged.host, packages=["no-such-package"])
    assert "no-such-package" in (done := wrong.fab("packages")).last_line, done.text

    logs = inside(site.host, "cat /var/log/roadie/*.log")
    assert "the own stage ran\nnothing to read\n" in logs
    kept = inside(site.host, "cat /srv/guestbook/shared/secrets /srv/guestbook/shared/secrets.given")
    secrets = set(re.findall(r"'([^']{10,})'", kept)) | set(re.findall(r"://\w+:([^@]+)@", kept)) | {GIVEN}
    nonces = set(re.findall(r"^([0-9a-f]{32})\t", logs, re.M))
    assert len(secrets) >= 4 and len(nonces) > 10
    users = {int(uid) for uid in inside(site.host, "id -u; id -u guestbook").split()}
    assert len(recorder.programs()) > 1000
    leaks = set()
    for program in recorder.programs():
        told = program.words + ("" if program.uid in users else program.environment)
        leaks |= {(each, program.words) for each in {*secrets, "a post-build secret"} if each in told}
        leaks |= {(each, program.words) for each in nonces if each in program.words + program.environment}
    assert leaks == set()
    assert [secret for secret in secrets if secret in shown + logs] == []
