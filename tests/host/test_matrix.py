"""The life of a site for each shape of project in a matrix of pairs: from a bare host to a reboot."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path

import pytest
import standing
from browser_with_cookies import Browser
from desk import Desk, browse, eventually, is_serving
from faults import append
from matrix import DATABASES, FORMS, INTERFACES, SUITES, Row, rows
from projects import change_line, commit
from roadie.throwaway.hosts import ThrowawayHost
from test_sqlite import MOOD
from visitors import Visitors

ROWS = list(rows())
NAME = "café \U0001f600"
# The health page says how the application is called, which database it has, and which columns are there.
KNOWS_ITSELF = """
def healthz(request):
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_description(cursor, Entry._meta.db_table)
    words = [type(request).__name__, connection.vendor, *sorted(column.name for column in found)]
    return HttpResponse(" ".join(words))
"""
COLUMNS = "id message name photo signed_at"


def test_each_value_of_a_trait_meets_each_value_of_each_other_trait() -> None:
    traits = (DATABASES, INTERFACES, FORMS, SUITES)
    for (i, ones), (j, others) in combinations(enumerate(traits), 2):
        met = {(row.traits[i], row.traits[j]) for row in ROWS}
        assert set(product(ones, others)) - met <= {("oracles-mysql", "bookworm")}


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(
            row, marks=pytest.mark.third(number if row.database.third is None else row.database.third)
        )
        for number, row in enumerate(ROWS)
    ],
    ids=str,
)
def test_a_site_of_this_shape_lives(row: Row, tmp_path: Path) -> None:
    with standing.booted(row.database.snapshot(row.suite), row.suite) as host:
        row.database.make_by_hand(host)
        live(Desk(row.project(tmp_path / "guestbook"), host), row)


def live(desk: Desk, row: Row) -> None:
    """Let a site of this shape live: bootstrap, deploy, a migration and back, and a reboot."""
    host, project = desk.host, desk.project
    views = project / "entries/views.py"
    change_line(views, "\ndef healthz(", "\ndef was_healthz(")
    change_line(views, "\nfrom django.http", "\nfrom django.db import connection\nfrom django.http")
    append(views, KNOWS_ITSELF)
    commit(project, "Tell of itself")
    told = desk.does("bootstrap").text
    assert f"requirements: {row.form}" in told or row.form == "requirements.txt"
    assert re.search(r": 0 changed, [\d.]+ s\n$", desk.does("bootstrap").out)
    desk.does("deploy")
    kinds = f"{row.interface.upper()}Request {row.database.vendor}"
    assert browse(host, "/healthz").body == f"{kinds} {COLUMNS}"
    assert Browser(host).post("/", name=NAME, message="Lovely").status == 302
    assert_pages(host)

    (project / "entries/migrations/0003_entry_mood.py").write_text(MOOD)
    commit(project, "Mood")
    assert "applied  entries.0003_entry_mood" in visited(host, lambda: desk.does("deploy").text)
    assert browse(host, "/healthz").body == f"{kinds} {COLUMNS}".replace("name", "mood name")
    assert_pages(host)
    visited(host, lambda: desk.does("rollback", "--migrations").text)
    assert browse(host, "/healthz").body == f"{kinds} {COLUMNS}"
    assert_pages(host)

    host.reboot()
    assert eventually(lambda: is_serving(host), 60)
    assert_pages(host)
    assert ": 0 changed" in desk.does("bootstrap").out
    assert desk.fab("plan").code == 0


def visited(host: ThrowawayHost, work: Callable[[], str]) -> str:
    """Do some work while visitors come, who all get a right page. Return what the work tells."""
    with Visitors(host) as visitors:
        told = work()
    visitors.assert_content()
    return told


def assert_pages(host: ThrowawayHost) -> None:
    """Check the site's pages of each kind: with data, of the admin, and static."""
    assert NAME in browse(host).body
    assert "csrfmiddlewaretoken" in browse(host, "/admin/login/").body
    style = re.search(r'href="(/static/entries/style[^"]*)"', browse(host).body)
    assert style and browse(host, style[1]).status == 200
