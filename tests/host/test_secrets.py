"""From the first bootstrap on, no secret is in a command line, in the output of a run, or in its log."""

from __future__ import annotations

import re

from desk import browse
from onlooker import Onlooker
from within import inside

GIVEN = "handed-over-100%"
# Starts processes that live for 0.03 seconds, about as long as a client of MySQL.
BRIEFLY = 'for i in {1..40}; do bash -c "exec -a brief-$i sleep 0.03"; done'


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
