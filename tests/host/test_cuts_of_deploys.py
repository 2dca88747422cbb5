"""A deploy or a rollback can be cut at any step: no visitor notices, and the same command again converges."""

import pytest
import standing
from cuts import Cuts, Turns, assert_deployed, side_by_side
from desk import browse
from projects import change_line, commit
from within import Neighbours, assert_serves_once, assert_tidy, halves

HOSTS = 2
INDEX = "entries/templates/entries/index.html"
MIGRATION = """from django.db import migrations

SLOW = [migrations.RunSQL(sql) for sql in ("CREATE TABLE half (id int)", "DO SLEEP(2)", "DROP TABLE half")]


class Migration(migrations.Migration):
    dependencies = [("entries", "0002_entry_photo")]
    operations = SLOW
"""


@pytest.fixture
def change(desk):
    """Commit a change of all that a deploy looks at. Its migration fails if it was ever cut halfway."""

    def make(host):
        made = desk(host, keep=1)
        folder = made.project
        change_line(folder / "requirements.txt", "Django==5.2.19\n", "Django==5.2.19\nsix==1.17.0\n")
        (folder / "entries/migrations/0003_slow.py").write_text(MIGRATION)
        style = folder / "entries/static/entries/style.css"
        style.write_text(style.read_text() + "\n/* new */\n")
        commit(folder, "Change everything")
        return made

    return make


def test_a_first_deploy_may_be_cut_at_every_step(desk, seed):
    turns = Turns(seed)
    with standing.booted(standing.bootstrapped()) as host:
        cuts = Cuts(desk(host), ("deploy",), turns)
        cuts.all()
        assert_deployed(cuts.desk)
    turns.tell()


def test_a_deploy_may_be_cut_at_every_step_and_no_visitor_notices(change, seed):
    turns = Turns(seed)

    def cut():
        with standing.booted(standing.deployed()) as host:
            cuts = Cuts(change(host), ("deploy",), turns, midst={"migrate: migrations of RELEASE": 1})
            with Neighbours(host) as visitors:
                cuts.all()
                assert_deployed(cuts.desk)
            visitors.assert_content()

    side_by_side(cut, HOSTS)
    turns.tell()


def test_a_rollback_may_be_cut_at_every_step_and_goes_back_once(desk, seed):
    turns = Turns(seed)
    with standing.booted(standing.deployed()) as host:
        made = desk(host, app="guestbook", watch=0)
        cuts = Cuts(made, ("rollback",), turns)
        for title in ("Second", "Third"):
            change_line(made.project / INDEX, "</h1>", f" {title}</h1>")
            commit(made.project, title)
            made.does("deploy")
        with Neighbours(host) as visitors:
            cuts.all()
            assert "<h1>Guestbook Second</h1>" in browse(host).body
            assert_serves_once(host)
            assert_tidy(host)
            assert not (half := halves(host)), half
        visitors.assert_content()
    turns.tell()
