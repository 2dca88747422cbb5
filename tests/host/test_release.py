"""The parts of a release besides its code: static files, settings, the program. Also `fab migrate` alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import standing
from desk import Desk, browse
from invoke.util import yaml
from projects import commit, example, settings
from roadie.throwaway import hosts as throwaway
from told import last_run

CSS = "entries/static/entries/style.css"
HASHED = """
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
"""
EVIL = '''
"""Leaves whatever could make root, or nginx, open something that is not the app's to show."""

import os
import subprocess
import sys
from pathlib import Path

static = Path(os.environ["ROADIE_STATIC_ROOT"])
(static / "shadow").symlink_to("/etc/shadow")
(static / "etc").symlink_to("/etc")
(static / "secrets").symlink_to("/srv/guestbook/shared/secrets")
(static / "one").write_text("1")
os.link(static / "one", static / "two")
os.mkfifo(static / "fifo")
(static / "suid").write_text("#!/bin/sh")
(static / "suid").chmod(0o6777)
(static / "a\\n..\\nb.0123456789ab.css").write_text("")
SWAP = """
import os, time
os.chdir(%r)
while True:
    try:
        os.rename("admin", "away")
        os.symlink("/etc", "admin")
        os.unlink("admin")
        os.rename("away", "admin")
    except OSError:
        time.sleep(0.001)
"""
subprocess.Popen([sys.executable, "-c", SWAP % str(static)], start_new_session=True, stdin=subprocess.DEVNULL)
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk before a host that serves the guestbook. All tests of this file use this host, in order."""
    with throwaway.boot("release", "trixie", standing.deployed("trixie")) as host:
        yield Desk(example("guestbook", tmp_path_factory.mktemp("desk") / "guestbook"), host)


def said(site: Desk, command: str) -> str:
    return site.host.ssh(f"cd /srv/guestbook && {command}").stdout.strip()


def deploys(site: Desk) -> str:
    commit(site.project)
    return site.does("deploy").out


def configure(site: Desk, **values: object) -> None:
    known = yaml.safe_load((site.project / "fabric.yaml").read_text())["roadie"]
    settings(site.project, **{**known, **values})


def add(site: Desk, path: str, text: str) -> None:
    with (site.project / path).open("a") as file:
        file.write(f"{text}\n")


def test_unchanged_static_files_are_those_of_the_release_before(site: Desk) -> None:
    add(site, "entries/views.py", "# more")
    before = said(site, "stat -c '%i %Y' live/static/entries/style.css")
    deploys(site)
    assert said(site, "stat -c '%i %Y' live/static/entries/style.css") == before
    add(site, CSS, "a { color: red }")
    deploys(site)
    assert "color: red" in browse(site.host, "/static/entries/style.css").body


def test_a_page_of_the_release_before_keeps_its_hashed_files(site: Desk) -> None:
    add(site, "guestbook/settings.py", HASHED)
    deploys(site)
    [old] = said(site, "find -L live/static -name 'style.*.css' -printf '/static/%P\\n'").split()
    assert old in browse(site.host).body and browse(site.host, old).status == 200
    add(site, CSS, "a { color: blue }")
    deploys(site)
    assert old not in browse(site.host).body
    assert "color: red" in browse(site.host, old).body


def test_what_the_app_made_comes_into_roots_hands_as_plain_files(site: Desk) -> None:
    (site.project / "evil.py").write_text(EVIL)
    configure(site, post_build="python evil.py")
    try:
        deploys(site)
        odd = "find -L live/static releases/*/static shared/static"
        assert said(site, f"{odd} ! -type f ! -type d -o -type l -o -perm /7022 -o ! -user root") == ""
        names = set(said(site, "find live/static/ -printf '%P\\0'").split("\0"))
        assert {"suid", "a\n..\nb.0123456789ab.css"} <= names
        assert not {"shadow", "etc", "secrets", "fifo"} & names
        assert said(site, "pgrep -u guestbook-build || echo none") == "none"
    finally:
        site.host.ssh("pkill -KILL -u guestbook -f os.chdir", check=False)


def test_files_committed_in_static_root_are_served_with_all_others(site: Desk) -> None:
    configure(site, post_build=[])
    add(site, "guestbook/settings.py", f"{HASHED.replace('Manifest', '')}\nSTATIC_ROOT = BASE_DIR / 'assets'")
    own = site.project / "assets/entries"
    own.mkdir(parents=True)
    (own / "built.css").write_text("built { }")
    deploys(site)
    assert browse(site.host, "/static/entries/built.css").body == "built { }"
    assert browse(site.host, "/static/admin/css/base.css").status == 200


def test_gunicorn_takes_the_projects_own_configuration_over_roadies_defaults(site: Desk) -> None:
    add(site, "gunicorn.conf.py", "threads = 3\n\n\ndef when_ready(server):\n    print('ready by mine')")
    deploys(site)
    command = said(site, "grep ^command live/program.conf")
    assert "--threads" not in command and "--workers 2 --worker-class gthread" in command
    assert "ready by mine" in said(site, "cat /var/log/guestbook/*.log")


def test_a_value_of_any_characters_reaches_the_site(site: Desk) -> None:
    value = 'it\'s "$HOME" `id` %s \\ #; é\n next'
    configure(site, env={"ODD": value})
    deploys(site)
    found = site.does("manage", "shell -v 0 -c 'import os; print(ascii(os.environ[\"ODD\"]))'").out
    assert found.strip() == ascii(value)


def test_migrate_alone_applies_what_the_serving_release_lacks(site: Desk) -> None:
    site.does("manage", "migrate entries 0001")
    done = site.does("migrate")
    assert "applied  entries.0002_entry_photo" in done.out
    assert last_run(site.host).said("applied") == {("migrate", "entries.0002_entry_photo")}
    assert "0 changed" in site.does("migrate").out
    assert said(site, "cat live/release/migrations").endswith("entries.0002_entry_photo")
