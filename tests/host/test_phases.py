"""What a migration takes away goes only when no process of the release before lives, and nobody notices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import projects
import pytest
import standing
from cuts import Cut, Cuts, Turns, assert_deployed
from desk import Desk, browse
from faults import error_of
from roadie.throwaway import hosts as throwaway
from told import last_run
from visitors import Visitors

AWAY = "entries.0004_away"
WAIT = f"migrations that wait until the release before has ended: {AWAY}"
DUMP = "/var/backups/roadie/dumps/guestbook/*-before-drops-of-*"

OLD_MODELS = """

class Tag(models.Model):
    word = models.CharField(max_length=20)


class Note(models.Model):
    entry = models.ForeignKey(Entry, models.CASCADE)
    text = models.TextField()
"""
OLD_FIELDS = """    mood = models.CharField(max_length=20)
    kind = models.CharField(max_length=20, default="plain")
    tags = models.ManyToManyField("Tag")
    better = models.ForeignKey("self", models.CASCADE, null=True)
    first = models.ForeignKey("Tag", models.PROTECT, related_name="firsts")
    seal = models.BinaryField(default=b"it's")
"""
OLD_ADD = """

def tag():
    return Tag.objects.first() or Tag.objects.create(word="w")


def add(request):
    entry = Entry.objects.create(name="A", message="m", mood="glad", first=tag())
    Note.objects.create(entry=entry, text="n")
    entry.tags.add(tag())
    Entry.objects.filter(pk=entry.pk - 2).update(better=Entry.objects.filter(pk=entry.pk - 4).first())
    return HttpResponse(" ".join(one.kind.upper() for one in Entry.objects.all()[:5]))


def long(request):
    with transaction.atomic():
        Entry.objects.count()
        time.sleep(0.1)
        entry = Entry.objects.create(name="A", message="m", mood="glad", first=tag())
        Note.objects.create(entry=entry, text="n")
        entry.delete()
    return HttpResponse("PLAIN")
"""
NEW_ADD = """

def add(request):
    entry = Entry.objects.create(name="B", message="m")
    Entry.objects.filter(pk=entry.pk - 15).delete()
    return HttpResponse(f"{Entry.objects.count()} PLAIN")


def long(request):
    with transaction.atomic():
        Entry.objects.count()
        time.sleep(0.1)
        Entry.objects.create(name="B", message="m").delete()
    return HttpResponse("PLAIN")
"""
ADDS = """from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("entries", "0002_entry_photo")]
    operations = [
        migrations.CreateModel("Tag", [
            ("id", models.BigAutoField(primary_key=True)),
            ("word", models.CharField(max_length=20)),
        ]),
        migrations.CreateModel("Note", [
            ("id", models.BigAutoField(primary_key=True)),
            ("entry", models.ForeignKey("entries.Entry", models.CASCADE)),
            ("text", models.TextField()),
        ]),
        migrations.AddField("entry", "mood", models.CharField(max_length=20, default="x"), False),
        migrations.AddField("entry", "kind", models.CharField(max_length=20, default="plain")),
        migrations.AddField("entry", "tags", models.ManyToManyField("entries.Tag")),
        migrations.AddField("entry", "better", models.ForeignKey("self", models.CASCADE, null=True)),
        migrations.AddField("entry", "first", models.ForeignKey("entries.Tag", models.PROTECT), False),
        migrations.AddField("entry", "seal", models.BinaryField(default=b"it's")),
    ]
"""
TAKES = """from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("entries", "0003_more")]
    operations = [
        migrations.RemoveField("entry", "mood"),
        migrations.RemoveField("entry", "kind"),
        migrations.RemoveField("entry", "tags"),
        migrations.RemoveField("entry", "better"),
        migrations.RemoveField("entry", "first"),
        migrations.RemoveField("entry", "seal"),
        migrations.DeleteModel("Note"),
        migrations.DeleteModel("Tag"),
    ]
"""
ENDS_BEFORE = "[[ ${#postponed[@]} == 0 ]] || fail migrations 'the test ends the run here'\n"


@pytest.fixture(scope="module", params=["mysql", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk before a host whose guestbook uses columns and tables that the next commit takes away."""
    kind = request.param
    snapshot = standing.deployed() if kind == "mysql" else standing.with_postgresql()
    with throwaway.boot(f"phases-{kind[:2]}", snapshot=snapshot) as host:
        desk = Desk(projects.example("guestbook", tmp_path_factory.mktemp("desk") / "guestbook"), host)
        projects.settings(
            desk.project, app="guestbook", domain="guestbook.example.org", health="/healthz", database=kind
        )
        projects.commit(desk.project)
        if kind != "mysql":
            desk.does("bootstrap")
            desk.does("deploy")
        with_old_code(desk)
        desk.does("deploy")
        for _ in range(20):
            assert browse(host, "/add").status == 200
        yield desk


def with_old_code(site: Desk) -> None:
    """Commit code that uses what is to go."""
    (site.project / "entries/migrations/0003_more.py").write_text(ADDS)
    (site.project / "entries/migrations/0004_away.py").unlink(missing_ok=True)
    models = site.project / "entries/models.py"
    first, then = models.read_text().split("    class Meta:")
    models.write_text(f"{first}{OLD_FIELDS}\n    class Meta:{then}{OLD_MODELS}")
    views, urls = site.project / "entries/views.py", site.project / "entries/urls.py"
    old = views.read_text().replace("import Entry\n", "import Entry, Note, Tag\n")
    views.write_text(f"import time\n\nfrom django.db import transaction\n{old}{OLD_ADD}")
    both = '    path("add", views.add),\n    path("long", views.long),\n]\n'
    urls.write_text(urls.read_text().replace("]\n", both))
    projects.commit(site.project, "Old")
    projects.git(site.project, "tag", "-f", "old")


def with_new_code(site: Desk, healthy: bool = True) -> None:
    """Commit code that does not know what is to go, and the migration that takes it away."""
    projects.git(site.project, "checkout", "-q", "old", "--", "entries")
    (site.project / "entries/migrations/0004_away.py").write_text(TAKES)
    models, views = site.project / "entries/models.py", site.project / "entries/views.py"
    models.write_text(models.read_text().replace(OLD_FIELDS, "").replace(OLD_MODELS, ""))
    text = views.read_text().replace("import Entry, Note, Tag\n", "import Entry\n").replace(OLD_ADD, NEW_ADD)
    views.write_text(text if healthy else text.replace('HttpResponse("ok', '1 / HttpResponse("ok'))
    projects.commit(site.project, "New")


def own_take_away(site: Desk, text: str) -> None:
    """Have the stage that takes away be this one. An empty text brings roadie's own back."""
    own = site.project / "roadie-templates/migrations/take-away.sh.j2"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(text) if text else own.unlink()


def columns(site: Desk) -> set[str]:
    """The columns of the entries, and the tables of the app."""
    script = (
        "from django.db import connection as c; i = c.introspection; u = c.cursor(); "
        "print(*i.table_names(u), *(one.name for one in i.get_table_description(u, 'entries_entry')))"
    )
    return {*site.does("manage", f'shell -v 0 -c "{script}"').out.split()}


GOES = {"mood", "kind", "better_id", "first_id", "seal", "entries_note", "entries_tag", "entries_entry_tags"}


def test_what_goes_goes_after_the_release_before_and_no_request_fails(site: Desk) -> None:
    with_new_code(site)
    plan = site.fab("deploy", "--plan").out
    assert f"{AWAY}: drops entry.mood" in plan and "(after the switch)" in plan
    error_of(site.fab("deploy"), 6, AWAY, "entries_entry.kind", "--yes")
    assert columns(site) >= GOES and "AIN" in browse(site.host, "/add").body
    right = lambda status, body: status == 200 and "PLAIN" in body  # noqa: E731
    # MariaDB would end the transaction of "/long", had it to wait for a migration between its two halves.
    long = Visitors(site.host, "/long", right=right)
    with Visitors(site.host, "/add", right=right) as adding, long:
        done = site.does("deploy", "--yes")
    adding.assert_content()
    long.assert_content()
    assert WAIT in done.out and "which the release before still uses" not in done.out
    assert not columns(site) & GOES
    run = last_run(site.host)
    assert run.said("applied") == {("take-away", AWAY)}
    order = [what for _, what in run.in_order("changed")]
    stopped = next(at for at, what in enumerate(order) if what.endswith(" stopped"))
    dump = len(order) - order[::-1].index("dump of database guestbook")
    assert order.index("live") < stopped < dump
    assert ": 0 changed" in site.does("deploy").out


def test_a_rollback_afterwards_tells_what_is_lost_and_the_dump_has_it(site: Desk) -> None:
    told = error_of(site.fab("rollback"), 2, AWAY, "--restore-dump")
    assert "--migrations" in told
    site.does("rollback", "--restore-dump", "--yes")
    assert columns(site) >= GOES and "PLAIN" in browse(site.host, "/add").body


def test_before_the_second_phase_nothing_is_gone(site: Desk) -> None:
    with_new_code(site, healthy=False)
    told = error_of(site.fab("deploy", "--yes"), 6, "gate", f"nothing of the data is gone: {AWAY}")
    assert " still serves" in told and columns(site) >= GOES
    assert "PLAIN" in browse(site.host, "/add").body

    with_new_code(site)
    own_take_away(site, ENDS_BEFORE)
    error_of(site.fab("deploy", "--yes"), 6, "the test ends the run here")
    for _ in range(20):  # the new release deletes rows that others refer to
        assert " PLAIN" in browse(site.host, "/add").body
    assert f"waits until the release before has ended: {AWAY}" in site.does("status").out
    site.does("rollback")  # asks for no choice
    assert columns(site) >= GOES
    for _ in range(3):
        assert browse(site.host, "/add").body.startswith("PLAIN")


def test_a_deploy_of_nothing_new_ends_an_open_second_phase(site: Desk) -> None:
    projects.git(site.project, "commit", "-q", "--allow-empty", "-m", "Again")
    error_of(site.fab("deploy", "--yes"), 6, "the test ends the run here")
    own_take_away(site, "")
    assert columns(site) >= GOES
    assert f"applied  {AWAY}" in site.does("deploy").out
    assert not columns(site) & GOES
    assert ": 0 changed" in site.does("deploy").out


@pytest.mark.third(1)
def test_a_deploy_in_two_phases_may_be_cut_at_every_step(site: Desk, seed: int) -> None:
    site.does("rollback", "--restore-dump", "--yes")
    assert columns(site) >= GOES
    projects.git(site.project, "commit", "-q", "--allow-empty", "-m", "Cut")
    before = {path.name for path in (site.host.tree / "var/log/roadie").glob("*.log")}
    phases = {"migrate", "switch", "watch", "programs", "retire", "take-away", "prune"}
    spared = [one for one in last_run_stages() if one not in phases]
    turns = Turns(seed, (Cut.kill_worker, Cut.kill_controller, Cut.interrupt), spared)
    midst = {"take-away: migrations of RELEASE that take away": 0.05}
    right = lambda status, body: status == 200 and "PLAIN" in body  # noqa: E731
    with Visitors(site.host, "/add", right=right) as adding:
        Cuts(site, ("deploy", "--yes"), turns, midst=midst).all()
    turns.tell()
    assert not adding.failed, adding.failed[:5]
    assert not columns(site) & GOES
    assert_deployed(site)
    logs = [path for path in (site.host.tree / "var/log/roadie").glob("*.log") if path.name not in before]
    assert (
        sum(path.read_text("utf-8", "replace").count(f"\tapplied\ttake-away\t{AWAY}") for path in logs) <= 1
    )


def last_run_stages() -> list[str]:
    """The names of all stages of a deploy."""
    from roadie.scripts.stages import DEPLOY, SURVEY

    return [stage.name for stage in (*SURVEY, *DEPLOY)]


def test_a_squashed_migration_is_recorded_although_nothing_is_pending(site: Desk) -> None:
    folder: Path = site.project / "entries/migrations"
    parts = [path.stem for path in sorted(folder.glob("0*.py"))]
    replaces = f"    replaces = {[('entries', one) for one in parts]}\n"
    everything = (
        "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
        "    dependencies = []\n{}    operations = [migrations.CreateModel('Entry', [\n"
        "        ('id', models.BigAutoField(primary_key=True)), ('name', models.CharField(max_length=80)),\n"
        "        ('message', models.TextField(max_length=2000)), ('photo', models.FileField(blank=True)),\n"
        "        ('signed_at', models.DateTimeField(auto_now_add=True)),\n    ])]\n"
    )
    whole = folder / "0001_all.py"
    whole.write_text(everything.format(replaces))
    projects.commit(site.project, "Squash")
    assert "record of migrations" in site.does("deploy").out
    site.does("rollback")
    site.does("deploy")
    for one in parts:
        (folder / f"{one}.py").unlink()
    whole.write_text(everything.format(""))
    projects.commit(site.project, "Only the whole")
    site.does("deploy")
    assert browse(site.host, "/add").status == 200
