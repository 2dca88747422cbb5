"""A site on MySQL of Oracle, which somebody installed before roadie came. It stays, and is not replaced."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
import standing
from browser_with_cookies import Browser
from desk import Desk, browse, eventually, is_serving
from faults import append, error_of
from projects import commit
from test_sqlite import MOOD, WRONG, migration
from told import last_run
from visitors import Visitors

FACTS = """
import json
from datetime import date, datetime, timezone
from django.db import connection
from django.db.models import CharField, F
from django.db.models.functions import Cast
from entries.models import Entry

Entry.objects.update(signed_at=datetime(2024, 5, 6, 23, 30, tzinfo=timezone.utc))
with connection.cursor() as cursor:
    cursor.execute("SELECT @@version_comment, @@collation_connection, @@collation_database, @@sql_mode")
    server, mine, tables, mode = cursor.fetchone()
    cursor.execute("SHOW GRANTS")
    grants = [row[0] for row in cursor.fetchall()]
print(json.dumps({
    "server": server, "collations": [mine, tables], "strict": "STRICT_TRANS_TABLES" in mode, "grants": grants,
    "same": Entry.objects.exclude(name=Cast("id", CharField())).count(),
    "that day": Entry.objects.filter(signed_at__date=date(2024, 5, 7)).count(),
}))
"""


def columns(host) -> str:
    return host.ssh("mysql -N guestbook -e 'DESCRIBE entries_entry' | cut -f 1 | paste -sd ,").stdout.strip()


@pytest.mark.third(0)
def test_a_site_lives_with_the_mysql_that_is_there(desk) -> None:
    with standing.booted(standing.with_mysql()) as host:
        sat = desk(host)
        append(sat.project / "guestbook/settings.py", "\nTIME_ZONE = 'Europe/Berlin'\n")
        commit(sat.project)
        its_life(sat)


def its_life(sat: Desk) -> None:
    host = sat.host
    sat.does("bootstrap")
    assert re.search(r": 0 changed, [\d.]+ s\n$", sat.does("bootstrap").out)
    assert sat.fab("plan").code == 0
    assert (
        host.ssh("dpkg-query -W -f '${Status} ${Package}\n' | grep -c '^install ok.* mariadb-s' || :").stdout
        == "0\n"
    )
    assert "emoji" not in sat.does("deploy").text
    assert Browser(host).post("/", name="Ann", message="caf\u00e9 \U0001f600").status == 302
    assert "caf\u00e9 \U0001f600" in browse(host).body
    host.put(FACTS, "/var/tmp/facts.py")
    said = sat.does("manage", "shell", "-c", "exec(open('/var/tmp/facts.py').read())").out
    facts = json.loads(said.splitlines()[-1])
    assert facts["collations"] == ["utf8mb4_0900_ai_ci"] * 2 and facts["strict"], facts
    assert (facts["same"], facts["that day"], len(facts["grants"])) == (1, 1, 2), facts
    assert "no answer" not in sat.does("status").text

    # ---- A migration, its dump, and both ways back
    migration(sat, "0003_entry_mood", MOOD)
    with Visitors(host) as visitors:
        sat.does("deploy")
        assert "mood" in columns(host)
        sat.does("rollback", "--migrations")
        assert "mood" not in columns(host)
        sat.does("deploy")
    visitors.assert_content()
    dump = host.ssh("cat /srv/guestbook/live/release/dump").stdout.strip()
    assert "\U0001f600" in gzip.decompress(Path(f"{host.tree}{dump}").read_bytes()).decode()
    Browser(host).post("/", name="Bob", message="later")
    sat.does("migrate", f"--restore-dump={dump}")
    assert "mood" not in columns(host)
    sat.does("migrate")
    assert "mood" in columns(host) and "later" not in browse(host).body

    # ---- Its rights come back, a half done migration is remembered, and a reboot changes nothing
    host.ssh("mysql", text="REVOKE ALL ON `guestbook`.* FROM guestbook@localhost")
    sat.does("bootstrap")
    assert ("mysql", "database user guestbook") in last_run(host).said("changed")
    migration(sat, "0004_wrong", WRONG)
    error_of(sat.fab("deploy"), 7, "entries.0004_wrong", "nowhere")
    assert browse(host).status == 200
    host.reboot()
    assert eventually(lambda: is_serving(host), 60)
    sat.does("remove", "--purge", "--confirm", "guestbook")
    assert host.ssh("mysql -N -e 'SHOW DATABASES' | grep -c guestbook || :").stdout == "0\n"
