"""Work on existing releases can be cut at any step: migrate, restart, and a rollback across a migration."""

from __future__ import annotations

from collections.abc import Iterator

import projects
import pytest
import standing
from cuts import HARD_WAYS, Cuts, Turns
from desk import Desk
from roadie.throwaway import hosts as throwaway
from within import Neighbours, assert_serves_once, assert_tidy, halves, inside

# Applying this migration fails if an earlier try was cut halfway. So does taking it back.
MIGRATION = """from django.db import migrations

SLOW = ["CREATE TABLE half (id int)", "DO SLEEP(2)", "DROP TABLE half"]


class Migration(migrations.Migration):
    dependencies = [("entries", "0002_entry_photo")]
    operations = [migrations.RunSQL(SLOW, SLOW)]
"""
RECORDED = "mariadb -N guestbook -e \"SELECT name FROM django_migrations WHERE name = '0003_slow'\""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk before a host whose second release has a migration that is not applied yet."""
    with throwaway.boot("ways", "trixie", standing.deployed()) as host:
        desk = Desk(projects.example("guestbook", tmp_path_factory.mktemp("desk") / "guestbook"), host)
        projects.settings(desk.project, app="guestbook", domain="guestbook.example.org", watch=0)
        (desk.project / "entries/migrations/0003_slow.py").write_text(MIGRATION)
        projects.commit(desk.project)
        desk.does("deploy", "--no-migrate")
        yield desk


def cut(site: Desk, turns: Turns, *words: str, midst: str = "") -> None:
    """Cut the command at each of its steps, then let it end. No visitor may notice."""
    with Neighbours(site.host) as visitors:
        Cuts(site, words, turns, midst={midst: 1} if midst else {}).all()
        assert_serves_once(site.host)
        assert_tidy(site.host)
        assert not (half := halves(site.host)), half
    visitors.assert_content()
    turns.tell()


def is_applied(site: Desk) -> bool:
    return bool(inside(site.host, RECORDED))


def releases(site: Desk) -> list[str]:
    return inside(
        site.host, "ls /srv/guestbook/releases; basename $(readlink -f /srv/guestbook/live/release)"
    ).split()


def test_a_migrate_may_be_cut_at_every_step(site: Desk, seed: int) -> None:
    assert not is_applied(site)
    turns = Turns(seed, HARD_WAYS)
    cut(site, turns, "migrate", midst="migrate: migrations of RELEASE")
    assert is_applied(site) and {step.partition(":")[0] for step in turns.taken} == {
        "pending",
        "dump",
        "migrate",
    }
    assert " 0 changed" in site.does("migrate").out


def test_a_restart_may_be_cut_at_every_step(site: Desk, seed: int) -> None:
    before = releases(site)
    cut(site, Turns(seed, HARD_WAYS, spared=["prune"]), "restart")
    assert releases(site) == before


def test_a_rollback_across_a_migration_may_be_cut_at_every_step(site: Desk, seed: int) -> None:
    older, *_ = releases(site)
    turns = Turns(seed, HARD_WAYS, spared=["retire", "prune", "leave"])
    words = ("rollback", "--to", older, "--migrations")
    cut(site, turns, *words, midst="unapply: migrations that RELEASE does not know")
    # `switch` is not in this list: a run that is interrupted at the end of the gate may switch by itself.
    assert {"back", "warm", "unapply", "gate"} <= {step.partition(":")[0] for step in turns.taken}
    assert releases(site)[-1] == older and not is_applied(site)
    assert " 0 changed" in site.does(*words).out
