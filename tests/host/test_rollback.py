"""A rollback brings back a whole release. It needs only what the host has, and no network."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import standing
from browser_with_cookies import Browser
from desk import Desk, browse
from projects import change_line, commit, example, git
from roadie.throwaway import hosts as throwaway
from visitors import Visitors
from within import assert_serves_once, assert_tidy

REQUIREMENTS = "Django==5.2.19\n"
MIGRATION = '''"""Add a mood."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("entries", "0002_entry_photo")]
    operations = [
        migrations.AddField("entry", "mood", models.CharField(default="", db_default="", max_length=20))
    ]
'''
ONE_WAY = """from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("entries", "0003_entry_mood")]
    operations = [migrations.RunPython(lambda apps, editor: None)]
"""
NO_MOOD = """from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("entries", "0003_entry_mood")]
    operations = [migrations.RemoveField("entry", "mood")]
"""
MOOD_FIELD = '    mood = models.CharField(max_length=20, default="", db_default="")\n\n'
INDEX = "entries/templates/entries/index.html"
STYLE = "entries/static/entries/style.css"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk before a host whose site has had three releases, each with another title."""
    with throwaway.boot("site", "trixie", standing.deployed()) as host:
        desk = Desk(example("guestbook", tmp_path_factory.mktemp("desk") / "guestbook"), host)
        for title in ("Second", "Third"):
            write(desk, title)
            desk.does("deploy")
        yield desk


def write(desk: Desk, title: str) -> str:
    """Commit another title, stylesheet and value in the environment."""
    text = (desk.project / INDEX).read_text()
    (desk.project / INDEX).write_text(re.sub("<h1>[^<]*</h1>", f"<h1>{title}</h1>", text))
    style = desk.project / STYLE
    style.write_text(f"{style.read_text()}\n/* {title} */\n")
    (desk.project / "fabric.yaml").write_text(
        f"roadie: {{app: guestbook, domain: guestbook.example.org, watch: 1, env: {{TITLE: {title}}}}}\n"
    )
    return commit(desk.project, f"Call it {title}")


def title(desk: Desk) -> str:
    """Return the site's title. Check that page, stylesheet and process agree on the title."""
    (shown,) = re.findall("<h1>(.*)</h1>", browse(desk.host).body)
    style = browse(desk.host, "/static/entries/style.css").body
    assert f"/* {shown} */" in style or shown == "Guestbook"
    environment = desk.host.ssh("cat /proc/$(pgrep -o -u guestbook)/environ | tr '\\0' '\\n'").stdout
    assert f"TITLE={shown}\n" in environment or shown == "Guestbook"
    return shown


def live(desk: Desk) -> str:
    return desk.host.ssh("readlink -f /srv/guestbook/live/release").stdout.strip().rpartition("/")[2]


def test_a_rollback_takes_the_whole_release_back_and_no_visitor_notices(site: Desk) -> None:
    left = live(site)
    with Visitors(site.host) as visitors:
        done = site.does("rollback")
    visitors.assert_content()
    assert title(site) == "Second" and live(site) in done.out
    assert_serves_once(site.host)
    assert f"{left}  bad " in site.does("releases").out


def test_a_second_rollback_in_a_row_goes_further_back_until_there_is_no_more(site: Desk) -> None:
    site.does("rollback")
    assert title(site) == "Guestbook"
    done = site.fab("rollback")
    assert done.code == 2 and "no release served before" in done.last_line
    assert title(site) == "Guestbook"


def test_a_release_that_was_left_is_reached_by_its_name(site: Desk) -> None:
    third = site.does("releases").out.splitlines()[0].split()[1]
    assert site.does("rollback", "--to", third).code == 0
    assert title(site) == "Third" and live(site) == third
    assert f"{third}  serves " in site.does("releases").out
    assert "0 changed" in site.does("rollback", "--to", third).out
    done = site.fab("rollback", "--to", "20200101T000000Z-00000000")
    assert done.code == 2 and "fab releases" in done.last_line


def test_a_failed_deploy_in_between_loses_nothing(site: Desk) -> None:
    before = live(site)
    change_line(
        site.project / "entries/views.py", "from .forms", "import nothing_of_this_name\n\nfrom .forms"
    )
    commit(site.project)
    assert site.fab("deploy").code == 6
    assert re.search(r"failed .*inspect: ModuleNotFoundError", site.does("releases").out)
    assert live(site) == before
    site.does("rollback")
    assert title(site) == "Guestbook"  # not Second, because an earlier rollback left Second


def test_a_rollback_needs_no_network_and_no_sound_project_here(site: Desk) -> None:
    (site.project / "requirements.txt").unlink()
    commit(site.project)
    assert site.fab("deploy").code == 2
    site.host.ssh("ip route del default; echo 127.0.0.1 >/etc/resolv.conf")
    site.does("rollback", "--to", git(site.project, "rev-parse", "HEAD~3"))
    assert title(site) == "Second"


def test_migrations_in_between_are_named_and_taken_back_only_if_asked(site: Desk) -> None:
    (site.project / "requirements.txt").write_text(REQUIREMENTS)
    change_line(site.project / "entries/views.py", "import nothing_of_this_name\n\n", "")
    add_mood(site)
    site.does("deploy")
    assert sign(site, "before the way back")
    before = live(site)
    done = site.fab("rollback")
    assert done.code == 2 and "entries.0003_entry_mood" in done.last_line
    assert "--migrations" in done.last_line and live(site) == before
    assert "mood" in columns(site)
    site.does("rollback", "--migrations")
    assert title(site) == "Second" and "mood" not in columns(site)
    assert "before the way back" in browse(site.host).body
    site.does("rollback", "--to", before)
    assert title(site) == "Fourth" and live(site) == before and "mood" in columns(site)


def test_a_rollback_that_fails_after_it_took_migrations_back_says_so(site: Desk) -> None:
    code = f"/srv/guestbook/releases/{second(site)}/code/entries/urls.py"
    site.host.ssh(f"sed -i '1i raise RuntimeError' {code}")
    for _ in range(2):  # the second time the migrations are already taken back
        done = site.fab("rollback", "--migrations")
        assert done.code == 7 and "are unapplied: entries.0003_entry_mood" in done.last_line, done.text
        assert "mood" not in columns(site)
    site.host.ssh(f"sed -i 1d {code}")
    assert "applied  entries.0003_entry_mood" in site.does("deploy").out
    assert title(site) == "Fourth" and "mood" in columns(site)


def second(site: Desk) -> str:
    """Return the release with that title."""
    (line,) = (each for each in site.does("releases").out.splitlines() if "Call it Second" in each)
    return line.split()[1]


def test_migrations_that_are_kept_stay(site: Desk) -> None:
    site.does("rollback", "--keep-migrations")
    assert title(site) == "Second" and "mood" in columns(site)
    site.does("deploy")


def test_what_cannot_be_undone_is_named_and_the_dump_brings_it_back(site: Desk) -> None:
    (site.project / "entries/migrations/0004_one_way.py").write_text(ONE_WAY)
    write(site, "One way")
    site.does("deploy")
    before = live(site)
    done = site.fab("rollback", "--migrations")
    assert done.code == 6 and "entries.0004_one_way (" in done.text and live(site) == before
    assert "fab rollback --restore-dump" in done.last_line
    assert sign(site, "after the dump")
    site.does("rollback", "--restore-dump")
    assert title(site) == "Fourth"
    body = browse(site.host).body
    assert "before the way back" in body and "after the dump" not in body
    assert "0004_one_way" not in site.does("manage", "showmigrations entries").out


def test_what_comes_back_empty_is_named_with_the_dump_that_has_it(site: Desk) -> None:
    site.does("deploy", "--yes", "--ref", git(site.project, "rev-parse", "HEAD~1"))
    (site.project / "entries/migrations/0004_one_way.py").write_text(NO_MOOD)
    change_line(site.project / "entries/models.py", MOOD_FIELD, "")
    site.host.ssh("mariadb guestbook -e \"UPDATE entries_entry SET mood = 'merry'\"")
    before, dropping = live(site), (write(site, "No mood"), site.does("deploy", "--yes"))[1]
    assert "mood" not in columns(site), dropping.text
    emptied = "entries.0004_one_way: the column entries_entry.mood comes back empty; the dump "
    asked = site.fab("rollback")
    assert asked.code == 2 and "choose --migrations" in asked.last_line and emptied in asked.out
    assert "mood" not in columns(site)
    done = site.does("rollback", "--migrations")
    assert emptied in done.out and live(site) == before and "mood" in columns(site)
    (dump,) = {*re.findall(r"comes back empty; the dump (\S+) has", asked.out + done.out)}
    assert "merry" in site.host.ssh(f"gzip -dc {dump}").stdout
    assert (
        site.host.ssh("mariadb -N guestbook -e 'SELECT DISTINCT mood FROM entries_entry'").stdout.split()
        == []
    )


def add_mood(site: Desk) -> None:
    (site.project / "entries/migrations/0003_entry_mood.py").write_text(MIGRATION)
    change_line(
        site.project / "entries/models.py",
        "    class Meta:",
        f"{MOOD_FIELD}    class Meta:",
    )
    write(site, "Fourth")


def columns(site: Desk) -> str:
    return site.host.ssh("mariadb -N guestbook -e 'DESCRIBE entries_entry'").stdout


def sign(site: Desk, message: str) -> bool:
    return Browser(site.host).post("/", name="Ann", message=message).status == 302


def test_a_restart_is_the_same_release_in_new_processes(site: Desk) -> None:
    before, pid = live(site), site.host.ssh("pgrep -o -u guestbook").stdout
    with Visitors(site.host) as visitors:
        site.does("restart")
    visitors.assert_content()
    assert live(site) == before and site.host.ssh("pgrep -o -u guestbook").stdout != pid
    assert_serves_once(site.host)
    assert_tidy(site.host)
