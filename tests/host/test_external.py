"""A site whose database is elsewhere: a secret has its URL, and roadie makes nothing there but migrations.

test_matrix.py has the rest of such a site's life: runs that change nothing, the way back, and a reboot.
"""

from __future__ import annotations

import projects
from browser_with_cookies import Browser
from desk import browse
from faults import append, error_of
from test_sqlite import MOOD

PASSWORD = "p%25w%2F'1"
URL = f"mysql://shop_user:{PASSWORD}@127.0.0.1:3306/shop?connect_timeout=10"
BY_HAND = """CREATE DATABASE shop CHARACTER SET utf8mb4;
CREATE USER shop_user@localhost IDENTIFIED BY 'p%w/\\'1';
GRANT ALL ON shop.* TO shop_user@localhost"""


def test_a_site_lives_with_a_database_elsewhere(packaged, desk) -> None:
    host = packaged.host
    host.ssh("systemctl enable -q --now mariadb; mariadb", text=BY_HAND)
    error_of(desk(host, database="external").fab("bootstrap"), 2, "external", "DATABASE_URL")
    sat = desk(host, database="external", secrets={"DATABASE_URL": {"file": "../url"}})
    (sat.project.parent / "url").write_text(URL)
    append(sat.project / "requirements.txt", "mysqlclient==2.3.1")
    projects.commit(sat.project)
    sat.does("bootstrap")
    told = sat.does("deploy").text
    assert PASSWORD not in told and "p%w" not in told
    assert browse(host).status == 200
    assert Browser(host).post("/", name="Ann", message="caf\u00e9 \U0001f600").status == 302
    assert "caf\u00e9 \U0001f600" in browse(host).body
    assert "entries_entry" in host.ssh("mariadb -N shop -e 'SHOW TABLES'").stdout
    assert host.ssh("mariadb -N -e \"SHOW DATABASES LIKE 'guestbook'\"").stdout == ""
    status = sat.does("status").text
    assert "no answer" not in status, status
    (sat.project / "entries/migrations/0003_entry_mood.py").write_text(MOOD)
    projects.commit(sat.project, "Mood")
    assert "applied  entries.0003_entry_mood" in sat.does("deploy").text
    error_of(sat.fab("migrate", "--restore-dump=/etc/passwd"), 2, "external")
    error_of(sat.fab("rollback"), 2, "entries.0003_entry_mood", "--migrations")
    (sat.project.parent / "url").write_text(URL.replace("/shop?", "/other?"))
    error_of(sat.fab("deploy"), 6, "other")
    assert browse(host).status == 200
    sat.does("remove", "--purge", "--confirm", "guestbook")
    assert "entries_entry" in host.ssh("mariadb -N shop -e 'SHOW TABLES'").stdout
