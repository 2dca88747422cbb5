"""What roadie tells about migrations before and while they are applied or taken back, on real Django."""

from __future__ import annotations

import shutil
import sqlite3

import pytest
from releases import on_sqlite, refused, said

MODELS = "from django.db import models\nclass Thing(models.Model):\n    name = models.TextField()\n"
MIGRATION = """
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [{dependencies}]
    atomic = {atomic}
    operations = [{operations}]
"""
CREATE = "migrations.CreateModel('Thing', [('id', models.AutoField(primary_key=True))])"
FAIL = "migrations.RunSQL('INSERT INTO nowhere VALUES (1)')"
FILL = "migrations.RunSQL('CREATE TABLE filled (n int)'), migrations.RunSQL('INSERT INTO filled VALUES (1)')"


@pytest.fixture
def things(tmp_path):
    """Makes a release with an app `things` that has these migrations."""

    def make(*migrations, atomic=True, whole=False):
        release = on_sqlite(tmp_path, "INSTALLED_APPS += ['things']", whole=whole)
        folder = release.folder / "code/things/migrations"
        folder.mkdir(parents=True)
        for path in folder, folder.parent:
            (path / "__init__.py").touch()
        before = ""
        for number, operations in enumerate(migrations, 1):
            text = MIGRATION.format(dependencies=before, operations=operations, atomic=atomic)
            (folder / f"000{number}_step.py").write_text(text)
            before = f"('things', '000{number}_step')"
        return release

    return make


def migrated(release):
    return release.answers("migrations.migrate()")


def fill(release, *apps):
    """Add a row to the table of each app's Thing."""
    [path] = release.folder.rglob("shop")
    with sqlite3.connect(path) as database:
        for app in apps:
            database.execute(f"INSERT INTO {app}_thing (name, kind) VALUES ('one', 1)")


def test_pending_migrations_are_named_and_then_applied_one_by_one(things):
    release = things(CREATE, FILL)
    pending = said(release, "pending")
    assert pending[-2:] == ["things.0001_step", "things.0002_step"]
    found = migrated(release)
    assert [value for key, value in found if key == "applied"] == pending
    assert found[-1][0] == "migrated"
    assert said(release, "pending") == []
    assert migrated(release) == [("migrated", "")]


def test_no_migration_begins_once_nobody_can_record_it(things):
    release = things(CREATE, FILL)
    found = release.answers("migrations.migrate()", ROADIE_RECORDED="0")  # /dev/null, which ends at once
    assert found == [("applying whole", "things.0001_step")]
    assert len(said(release, "pending")) == 2


def test_applying_does_what_djangos_own_command_does(things):
    release = things(whole=True)
    migrated(release)
    script = "from django.contrib.auth.models import Permission as P; print(P.objects.count())"
    assert int(release.python("manage.py", "shell", "-v", "0", "-c", script).stdout) > 10


@pytest.mark.parametrize(
    ("operations", "atomic", "half"),
    [
        (FAIL, True, ""),
        (f"{CREATE}, {FAIL}", True, ""),
        (f"{CREATE}, {FAIL}", False, "things.0002_step"),
        (f"{FILL}, {FAIL}", False, "things.0002_step"),
        (FAIL, False, ""),
    ],
)
def test_a_failing_migration_says_what_it_leaves_behind(things, operations, atomic, half):
    release = things("migrations.RunSQL('SELECT 1')", operations, atomic=atomic)
    found = dict(migrated(release))
    assert found["applied"] == "things.0001_step"
    assert found["applying whole" if atomic else "applying"] == "things.0002_step"
    assert found["half"] == half
    assert found["error"] == "OperationalError: no such table: nowhere"
    assert found["statement"] == "INSERT INTO nowhere VALUES (1)"
    assert "migrated" not in found


def test_a_migration_that_cannot_be_recorded_leaves_nothing_behind(things):
    """Django makes an index at the end, and records such a migration after the transaction of its steps."""
    keeps_out = (
        "CREATE TRIGGER full BEFORE INSERT ON django_migrations BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    fields = "[('id', models.AutoField(primary_key=True)), ('n', models.IntegerField(db_index=True))]"
    indexed = f"migrations.CreateModel('Thing', {fields})"
    release = things("migrations.RunSQL('SELECT 1')", f'{indexed}, migrations.RunSQL("{keeps_out}")')
    found = dict(migrated(release))
    assert (found["error"], found["half"]) == ("IntegrityError: full", "")
    [path] = release.folder.rglob("shop")
    with sqlite3.connect(path) as database:
        names = "SELECT name FROM sqlite_master WHERE name LIKE 'things%' OR name = 'full'"
        assert database.execute(names).fetchall() == []


def test_a_table_that_another_refers_to_may_be_made_anew(things):
    fields = "('id', models.AutoField(primary_key=True)), ('up', models.ForeignKey('Thing', models.CASCADE))"
    other = f"migrations.CreateModel('Other', [{fields}])"
    one, two = "INSERT INTO things_thing (id, kind) VALUES (1, 1)", "INSERT INTO things_other VALUES (1, 1)"
    release = things(
        f"{THING}, {other}",
        f"migrations.RunSQL({one!r}), migrations.RunSQL({two!r})",
        "migrations.AlterField('Thing', 'name', models.TextField(null=True))",
    )
    assert migrated(release)[-1] == ("migrated", "")


def test_a_failing_line_of_python_has_no_statement(things):
    found = dict(migrated(things("migrations.RunPython(lambda apps, editor: 1 / 0)")))
    assert (found["error"], found["statement"]) == ("ZeroDivisionError: division by zero", "")


def test_two_last_migrations_are_a_reason(things):
    release = things(CREATE)
    folder = release.folder / "code/things/migrations"
    (folder / "0001_other.py").write_text(MIGRATION.format(dependencies="", operations="", atomic=True))
    [reason] = refused(release)
    assert reason.startswith("app things ends in two migrations, ") and "makemigrations --merge" in reason


# ---- What they will do ------------------------------------------------------------------------------

THING = "migrations.CreateModel('Thing', [('id', models.AutoField(primary_key=True)), {}])".format(
    "('name', models.CharField(max_length=20, null=True)), ('kind', models.IntegerField(default=1))"
)
USED = "which the release before still uses"
GONE = f"{USED}, and its content is gone"
DANGERS = {
    "migrations.DeleteModel('Thing')": f"it drops the table things_thing, {GONE}",
    "migrations.RenameModel('Thing', 'Item')": f"it renames the table things_thing, {USED}",
    "migrations.AlterModelTable('Thing', 'items')": f"it renames the table things_thing, {USED}",
    "migrations.RemoveField('Thing', 'kind')": (f"it drops the column things_thing.kind, {GONE}"),
    "migrations.RenameField('Thing', 'kind', 'sort')": f"it renames the column things_thing.kind, {USED}",
    "migrations.AddField('Thing', 'mood', models.CharField(default='', max_length=9))": (
        "things_thing.mood is NOT NULL without db_default, so that the release before cannot insert into "
        "things_thing"
    ),
    "migrations.AddField('Thing', 'up', models.ForeignKey('Thing', models.CASCADE, null=True))": "",
    "migrations.AddField('Thing', 'all', models.ManyToManyField('Thing'))": "",
    "migrations.AlterField('Thing', 'name', models.CharField(max_length=20, default=''))": (
        "things_thing.name becomes NOT NULL, and rows without a value may exist or still be added"
    ),
    "migrations.AlterField('Thing', 'name', models.CharField(max_length=30, null=True))": "",
    "migrations.AlterField('Thing', 'name', models.CharField(max_length=9, null=True))": (
        "things_thing.name becomes another CharField, which values may not fit"
    ),
    "migrations.AlterField('Thing', 'kind', models.IntegerField(default=1, unique=True))": (
        "things_thing.kind becomes unique, which fails on rows that are equal in it"
    ),
    "migrations.AlterUniqueTogether('Thing', {('name', 'kind')})": (
        "name+kind becomes unique, which fails on rows of things_thing that are equal in it"
    ),
    "migrations.AlterUniqueTogether('Thing', None)": "",
    "migrations.AddField('Thing', 'up', models.ForeignKey('Thing', models.CASCADE, null=True)), "
    "migrations.AlterOrderWithRespectTo('Thing', 'up')": (
        "things_thing._order is NOT NULL, so that the release before cannot insert into things_thing"
    ),
    "migrations.AddConstraint('Thing', models.UniqueConstraint(fields=['name'], name='one'))": (
        "the constraint one fails on rows of things_thing that break it"
    ),
    "migrations.AlterModelOptions('Thing', {'managed': False}), migrations.DeleteModel('Thing')": "",
    "migrations.RunPython(print)": "RunPython print cannot be undone",
    "migrations.RunSQL('SELECT 1')": "RunSQL cannot be undone",
    "migrations.RunSQL('SELECT 1', '')": "",
    "migrations.SeparateDatabaseAndState([], [migrations.DeleteModel('Thing')])": "",
    "migrations.SeparateDatabaseAndState([migrations.DeleteModel('Thing')])": (
        f"it drops the table things_thing, {GONE}"
    ),
    "migrations.CreateModel('Other', [('id', models.AutoField(primary_key=True))]), "
    "migrations.AddField('Other', 'n', models.IntegerField(default=1))": "",
}


def test_every_danger_is_named_and_nothing_else(things):
    """One project has an app for each danger, because each start of Django takes long."""
    release = things(THING)
    code = release.folder / "code"
    names = [f"things{number}" for number in range(len(DANGERS))]
    for name in names:
        shutil.copytree(code / "things", code / name)
    settings = code / "mysite/settings.py"
    settings.write_text(f"{settings.read_text()}\nINSTALLED_APPS += {names}\n")
    migrated(release)
    fill(release, *names)
    for name, operations in zip(names, DANGERS, strict=True):
        text = MIGRATION.format(dependencies=f"('{name}', '0001_step')", operations=operations, atomic=True)
        (code / name / "migrations/0002_next.py").write_text(text)
    found = {}
    for line in said(release, "danger"):
        name, _, danger = line.partition(".0002_next ")
        found[name] = danger.replace(name, "things")
    expected = zip(names, DANGERS.values(), strict=True)
    assert found == {name: danger for name, danger in expected if danger}
    losses = {line.partition(".")[0] for line in said(release, "loss")}
    assert losses == {name for name, danger in zip(names, DANGERS.values(), strict=True) if GONE in danger}


def test_an_empty_table_has_no_content_to_lose(things):
    release = things(THING)
    migrated(release)
    text = MIGRATION.format(
        dependencies="('things', '0001_step')", operations="migrations.DeleteModel('Thing')", atomic=True
    )
    (release.folder / "code/things/migrations/0002_step.py").write_text(text)
    assert said(release, "danger") == [f"things.0002_step it drops the table things_thing, {USED}"]
    assert said(release, "loss") == []


def test_the_sql_is_told_and_what_cannot_be_told_stops_nothing(things):
    release = things(THING, "migrations.AddField('Thing', 'size', models.IntegerField(null=True))", CREATE)
    release.ask("migrations.migrate()")
    folder = release.folder / "code/things/migrations"
    text = MIGRATION.format(dependencies="('things', '0002_step')", operations=FILL, atomic=True)
    (folder / "0003_step.py").write_text(text)
    assert "things.0003_step INSERT INTO filled VALUES (1);" in said(release, "sql")
    own = (
        "type('Own', (migrations.RunSQL,), {'database_forwards': lambda self, app, editor, *states: "
        "editor.connection.cursor().execute('CREATE TABLE own (n int)')})('SELECT 1')"
    )
    text = MIGRATION.format(dependencies="('things', '0002_step')", operations=own, atomic=True)
    (folder / "0003_step.py").write_text(text)
    assert "it changes the database from Python" in said(release, "sql")[-1]
    assert said(release, "inspected") == ["passed"]


def test_a_large_table_is_told_once(things):
    release = things(THING)
    migrated(release)
    add = "migrations.AddField('Thing', 'size', models.IntegerField(null=True))"
    index = "migrations.AddIndex('Thing', models.Index(fields=['name'], name='by_name'))"
    text = MIGRATION.format(dependencies="('things', '0001_step')", operations=f"{add}, {index}", atomic=True)
    (release.folder / "code/things/migrations/0002_step.py").write_text(text)
    lint = release.folder / "overlay/roadie_lint.py"
    lint.write_text(lint.read_text().replace("BIG = 100_000", "BIG = 0"))
    [danger] = said(release, "danger")
    told = "things_thing with about {} rows, which may take long and hold up writes, and SQLite lets nobody"
    assert told.format(0) in danger
    fill(release, "things")
    assert told.format(1) in said(release, "danger")[0]


def test_a_view_of_what_goes_is_told(things):
    release = things(THING, "migrations.RunSQL('CREATE VIEW seen AS SELECT id, name FROM things_thing', '')")
    migrated(release)
    text = MIGRATION.format(
        dependencies="('things', '0002_step')",
        operations="migrations.RemoveField('Thing', 'kind'), migrations.RemoveField('Thing', 'name')",
        atomic=True,
    )
    (release.folder / "code/things/migrations/0003_step.py").write_text(text)
    [told] = [danger for danger in said(release, "danger") if " view " in danger]
    assert told == (
        "things.0003_step the view seen may read it, and SQLite may refuse the drop: "
        "first drop or change the view"
    )


def test_a_new_database_has_nothing_to_lose(things):
    assert said(things(THING, "migrations.DeleteModel('Thing')"), "danger") == []


# ---- Two phases -------------------------------------------------------------------------------------

NAME, KIND = "migrations.RemoveField('Thing', 'name')", "migrations.RemoveField('Thing', 'kind')"
ADD = "migrations.AddField('Thing', 'size', models.IntegerField(null=True))"
OPTIONS = "migrations.AlterModelOptions('Thing', {'ordering': ['id']})"
UNIQUE = "migrations.AddConstraint('Thing', models.UniqueConstraint(fields=['kind'], name='one'))"
CHECKED = (
    "migrations.AddConstraint('Thing', models.CheckConstraint(condition=models.Q(name='a'), name='one'))"
)
DROPS_CONSTRAINT = f"migrations.RemoveConstraint('Thing', 'one'), {NAME}"
AFTER = "type('When', (), {'name': 'AFTER_DEPLOY'})"
SAFE = f"migrations.RunSQL('SELECT 1', '')]; safe = type('Safe', (), {{'when': {AFTER}}}); rest = ["
STAGE = f"{NAME}]; stage = type('Stage', (), {{'name': 'PRE_DEPLOY'}}); rest = ["
# Three migrations, the numbers of those that wait, and why another one cannot.
WAITING = [
    ((THING, NAME, OPTIONS), "23", ""),
    ((THING, NAME, ADD), "", "things.0003_step depends on it and cannot wait"),
    ((THING, ADD, "migrations.DeleteModel('Thing')"), "3", ""),
    ((THING, f"{ADD}, {NAME}", ""), "", "it also does AddField; a removal in a migration of its own"),
    ((THING, KIND, ""), "", "SQLite would rebuild the table for that time"),
    ((f"{THING}, {CHECKED}", DROPS_CONSTRAINT, ""), "", "the new release may need RemoveConstraint one"),
    ((f"{THING}, {UNIQUE}", DROPS_CONSTRAINT, ""), "", "the new release may need RemoveConstraint one"),
    ((THING, SAFE, OPTIONS), "23", ""),
    ((THING, STAGE, ""), "", "the project marks it as one for before the switch"),
    ((THING, "migrations.DeleteModel('Thing')", ""), "", "maker.0002_step makes another table app9_thing"),
]
FIELDS = "[('id', models.AutoField(primary_key=True))]"
MAKES = f"migrations.CreateModel('Other', {FIELDS}, {{'db_table': 'app9_thing'}})"


def test_what_only_takes_away_waits_if_nothing_else_needs_it(things):
    """One project has an app for each case, because each start of Django takes long."""
    release = things(THING)
    code = release.folder / "code"
    cases = {f"app{number}": case for number, case in enumerate(WAITING)}
    settings = code / "mysite/settings.py"
    settings.write_text(f"{settings.read_text()}\nINSTALLED_APPS += {[*cases, 'maker']}\n")
    shutil.copytree(code / "things", code / "maker")

    def write(app, number, operations):
        before = f"('{app}', '000{number - 1}_step')" if number > 1 else ""
        text = operations.replace("'one'", f"'{app}'")
        text = MIGRATION.format(dependencies=before, operations=text, atomic=True)
        (code / app / f"migrations/000{number}_step.py").write_text(text)

    for app, ((first, _, _), _, _) in cases.items():
        shutil.copytree(code / "things", code / app)
        write(app, 1, first)
    migrated(release)
    for app, ((_, second, third), _, _) in cases.items():
        write(app, 2, second)
        write(app, 3, third)
    write("maker", 2, MAKES)
    found = release.answers("migrations.ask(True)")
    waits = [value for key, value in found if key == "postponed"]
    assert waits == [f"{app}.000{n}_step" for app, (_, numbers, _) in cases.items() for n in numbers]
    cannot = " it cannot wait until the release before has ended: "
    reasons = [value.split(cannot) for key, value in found if key == "danger" and cannot in value]
    for app, (_, _, reason) in cases.items():
        told = [text for name, text in reasons if name.startswith(app)]
        expected = reason.replace("things.", f"{app}.").replace("nstraint one", f"nstraint {app}")
        assert [text.startswith(expected) for text in told] == ([True] if reason else []), told
    assert "migrated" in dict(release.answers("migrations.migrate()", ROADIE_POSTPONED=" ".join(waits)))
    assert said(release, "pending") == waits


# ---- Taking back ------------------------------------------------------------------------------------

BOTH_WAYS = "migrations.RunSQL('CREATE TABLE {0} (n int)', 'DROP TABLE {0}')"


def taken_back(release, *names, call="unapply"):
    return release.answers(f"migrations.{call}()", ROADIE_UNAPPLY=" ".join(names))


def test_what_the_other_release_does_not_know_is_unapplied_newest_first(things):
    release = things(THING, BOTH_WAYS.format("a"), BOTH_WAYS.format("b"))
    migrated(release)
    names = ["things.0003_step", "things.0002_step"]
    assert taken_back(release, *sorted(names), call="way_back") == [("unapply", name) for name in names]
    found = taken_back(release, *sorted(names))
    assert [value for key, value in found if key == "unapplied"] == names
    assert said(release, "pending") == sorted(names)
    assert taken_back(release, *names) == []


def test_what_comes_back_empty_is_named(things):
    note = "migrations.AddField('Thing', 'note', models.TextField(default=''))"
    tags = "migrations.AddField('Thing', 'tags', models.ManyToManyField('things.Thing'))"
    inside = "migrations.SeparateDatabaseAndState([migrations.DeleteModel('Thing')])"
    only_state = "migrations.SeparateDatabaseAndState([], [migrations.DeleteModel('Thing')])"
    release = things(
        THING,
        f"{note}, {tags}",
        "migrations.RemoveField('Thing', 'note'), migrations.RemoveField('Thing', 'tags')",
        inside,
        only_state,
    )
    migrated(release)
    found = taken_back(release, *(f"things.000{n}_step" for n in range(1, 6)), call="way_back")
    assert [value for key, value in found if key == "empty"] == [
        "things.0004_step table things_thing",
        "things.0003_step column things_thing.note",
        "things.0003_step table of Thing.tags",
    ]


def test_nothing_is_unapplied_if_one_cannot_be_undone(things):
    inside = "migrations.SeparateDatabaseAndState([migrations.RunPython(print)])"
    release = things(THING, BOTH_WAYS.format("a"), "migrations.RunSQL('SELECT 1')", inside)
    migrated(release)
    found = taken_back(release, "things.0002_step", "things.0003_step", "things.0004_step")
    assert [value for key, value in found if key == "irreversible"] == [
        "things.0004_step (RunPython print)",
        "things.0003_step (RunSQL)",
    ]
    assert [key for key, _ in found if key.startswith("unapplying")] == []
    assert said(release, "pending") == []


def test_a_column_that_rows_would_lack_a_value_for_does_not_come_back(things):
    state = "migrations.AddField('Thing', 'size', models.IntegerField(default=1), preserve_default=False)"
    release = things(THING, state)
    migrated(release)
    text = MIGRATION.format(
        dependencies="('things', '0002_step')",
        operations="migrations.RemoveField('Thing', 'kind'), migrations.RemoveField('Thing', 'size')",
        atomic=True,
    )
    (release.folder / "code/things/migrations/0003_step.py").write_text(text)
    migrated(release)
    [path] = release.folder.rglob("shop")
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO things_thing (name) VALUES ('one')")
    found = taken_back(release, "things.0003_step")
    assert [value for key, value in found if key == "irreversible"] == [
        "things.0003_step (rows of things_thing would have no value for size, which is NOT NULL)"
    ]


def test_what_the_other_release_knows_stays(things):
    release = things(THING, BOTH_WAYS.format("a"), BOTH_WAYS.format("b"))
    migrated(release)
    [reason] = [value for key, value in taken_back(release, "things.0002_step") if key == "irreversible"]
    assert reason == "things.0003_step depends on things.0002_step and is to stay"
    assert said(release, "pending") == []


def test_a_failure_on_the_way_back_tells_what_it_left(things):
    release = things(THING, "migrations.RunSQL('CREATE TABLE a (n int)', 'DROP TABLE nowhere')")
    migrated(release)
    found = dict(taken_back(release, "things.0002_step"))
    assert found["unapplying whole"] == "things.0002_step"
    assert (found["half"], found["statement"]) == ("", "DROP TABLE nowhere")


@pytest.mark.parametrize(("also", "refusals"), [([], 0), (["things.0001_step"], 1)])
def test_a_squashed_migration_is_as_those_that_it_replaces(things, also, refusals):
    release = things(THING, BOTH_WAYS.format("a"))
    migrated(release)
    text = MIGRATION.format(dependencies="", operations=f"{THING}, {BOTH_WAYS.format('a')}", atomic=True)
    replaces = "    replaces = [('things', '0001_step'), ('things', '0002_step')]\n"
    (release.folder / "code/things/migrations/0004_all.py").write_text(text + replaces)
    assert (said(release, "unrecorded"), said(release, "pending")) == (["things.0004_all"], [])
    migrated(release)
    assert said(release, "unrecorded") == []
    keys = [key for key, _ in taken_back(release, "things.0004_all", *also)]
    assert (keys.count("irreversible"), keys.count("unapplied")) == (refusals, 0)
