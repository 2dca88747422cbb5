"""Code reaches a host whole. Only what the host lacks is sent. Code that no release uses is removed."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import projects
import pytest
import scripts
from desk import eventually
from roadie.release.record import NewRelease
from roadie.scripts import stages
from roadie.scripts.render import render
from roadie.throwaway import hosts as throwaway
from roadie.throwaway.hosts import ThrowawayHost
from shipped import SHIP, Site

STRANGE = [
    "a b.txt",
    "-x",
    'it\'s\na "file"',
    "né/ü.txt",
    "$(id)",
    "back\\slash",
    "deep/er/and/deeper.txt",
    "*",
]
# Listens as the program of a slot does: its path leads to a socket that bears its PID.
LISTENER = (
    "import os, socket, time; a = socket.socket(socket.AF_UNIX); mine = '{0}.' + str(os.getpid()); "
    "a.bind(mine); a.listen(); os.symlink(mine, '{0}'); time.sleep(600)"
)
PROGRAM = "/etc/supervisor/conf.d/guestbook-blue.conf"
FOLDERS = "find /srv /var/lib/roadie /etc -newermt '-1 hour' -printf '%p %T@ %C@\\n' | sort"


def prepare(host: ThrowawayHost) -> None:
    host.ssh("apt-get -q update && apt-get -q install -y --no-install-recommends git curl libpython3-stdlib")
    Site(host, host.tree).run(stages.site)


@pytest.fixture(scope="module")
def host() -> Iterator[ThrowawayHost]:
    with throwaway.boot("code", snapshot=throwaway.prepared("code", prepare)) as booted:
        yield booted


@pytest.fixture
def site(host: ThrowawayHost, tmp_path: Path) -> Iterator[Site]:
    """A site that has no release yet."""
    host.ssh("cd /srv/guestbook && rm -rf live slots/* releases/* venvs/* repo.git* /var/lib/roadie/incoming")
    repo = tmp_path / "project"
    repo.mkdir()
    (repo / "manage.py").write_text("import page\n")
    (repo / "page.py").write_text("TEXT = 'one'\n")
    projects.git_repo(repo)
    found = Site(host, repo)
    yield found
    found.link.close()


def test_a_host_that_was_not_set_up_says_so(site: Site) -> None:
    site.host.ssh("mv /var/lib/roadie/sites/guestbook /root/claim")
    outcome = site.attempt(*stages.SURVEY)
    site.host.ssh("mv /root/claim /var/lib/roadie/sites/guestbook")
    assert outcome.code == 6 and "run: fab bootstrap" in outcome.events[-1].detail


def test_a_run_for_a_release_that_serves_ends_and_changes_nothing(site: Site) -> None:
    name = site.serve(site.ship()).rpartition("/")[2]
    ours = f"of {name}"
    told = site.ask(ours)
    assert (told["live"], told["fingerprint"], "served" in told) == (
        [name],
        [ours],
        False,
    )
    site.host.ssh(f"mkdir -p /run/guestbook {PROGRAM.rpartition('/')[0]} && touch {PROGRAM}")
    listener = LISTENER.format("/run/guestbook/blue.sock")
    site.host.ssh(f'systemd-run --quiet --unit=listener python3 -c "{listener}"')
    try:
        assert eventually(lambda: "guestbook/blue" in site.host.ssh("ss -Hlx").stdout)
        before = site.host.ssh(FOLDERS).stdout
        assert "served" not in site.ask("of another")
        told = site.ask(ours)
        assert told["served"] == [name] and told["settled"] == ["yes"] and "pending" not in told
        assert site.host.ssh(FOLDERS).stdout == before
        site.host.ssh("cd /srv/guestbook/live/release && rm settled && echo entries.0003_mood >pending")
        told = site.ask(ours)
        assert told["settled"] == ["no"] and told["pending"] == ["entries.0003_mood"]
        site.host.ssh(f"rm {PROGRAM} && cd /srv/guestbook/live/release && rm pending && touch settled")
        assert site.ask(ours)["settled"] == ["no"]  # no Supervisor would start it again
        # A path that leads to nobody, or to somebody else: who listens serves no visitor.
        site.host.ssh("rm /run/guestbook/blue.sock")
        assert "served" not in site.ask(ours)
        site.host.ssh("ln -s /run/supervisor.sock /run/guestbook/blue.sock")
        assert "served" not in site.ask(ours)
    finally:
        site.host.ssh(f"systemctl stop listener; rm -rf {PROGRAM} /run/guestbook")


def test_a_first_release_holds_what_was_committed_for_the_app_to_read(site: Site) -> None:
    for name in STRANGE:
        site.change(name, f"text of {name}")
    (site.repo / "run me.sh").write_text("#!/bin/sh\n")
    (site.repo / "run me.sh").chmod(0o755)
    (site.repo / "né/link").symlink_to("../a b.txt")
    projects.commit(site.repo)
    folder = site.ship()
    files = site.files(f"{folder}/code")
    tracked = {name: facts for name, facts in files.items() if "__pycache__" not in name}
    assert {name for name, facts in tracked.items() if facts[2] != "d"} == {
        path
        for path in subprocess.run(
            ["git", "ls-files", "-z"], cwd=site.repo, capture_output=True, text=True
        ).stdout.split("\0")
        if path
    }
    assert {facts[1] for facts in files.values()} == {"root:guestbook"}
    modes = {facts[2]: set() for facts in files.values()}
    for name, facts in files.items():
        modes[facts[2]].add((name == "run me.sh", facts[0]))
    assert modes == {"d": {(False, "750")}, "f": {(False, "640"), (True, "750")}, "l": {(False, "777")}}
    assert site.read(f"{folder}/code/it'\\''s\na \"file\"") == 'text of it\'s\na "file"'
    assert site.read(f"{folder}/code/né/link") == "text of a b.txt"
    top = site.files(folder)
    assert top[""][:2] == ["751", "root:root"]
    assert top["release.json"][:2] == top["fingerprint"][:2] == ["640", "root:guestbook"]
    assert site.files("/srv/guestbook/repo.git")[""][:2] == ["700", "root:root"]
    as_app = "setpriv --reuid=guestbook --regid=guestbook --init-groups --"
    assert site.host.ssh(f"{as_app} cat {folder}/code/page.py").stdout == "TEXT = 'one'\n"
    assert site.host.ssh(f"{as_app} touch {folder}/code/page.py", check=False).returncode != 0


def test_a_changed_line_is_a_few_bytes_and_one_new_file(site: Site) -> None:
    for number in range(50):
        (site.repo / f"file{number}.txt").write_text(random.Random(number).randbytes(1000).hex())
    projects.commit(site.repo)
    first = site.serve(site.ship())
    assert site.sent > 50_000
    before = site.files(f"{first}/code")
    site.change("file7.txt", (site.repo / "file7.txt").read_text() + "one line\n")
    second = site.ship()
    assert site.sent < 1000
    after = site.files(f"{second}/code")
    assert {name for name, facts in after.items() if facts[2] == "f" and facts != before[name]} == {
        "file7.txt"
    }
    assert site.read(f"{second}/code/file7.txt") == (site.repo / "file7.txt").read_text()
    assert "one line" not in site.read(f"{first}/code/file7.txt")


def test_code_that_the_host_has_is_not_sent_again(site: Site) -> None:
    site.ship()
    again = site.ship()
    assert site.sent == 0 and site.read(f"{again}/code/page.py") == "TEXT = 'one'\n"


def test_files_come_go_and_change_their_kind(site: Site) -> None:
    site.change("gone/with/it.py", "x = 1\n")
    site.change("kind", "a file")
    site.change("other/file", "in a folder")
    (site.repo / "to").symlink_to("manage.py")
    projects.commit(site.repo)
    first = site.serve(site.ship())
    assert "gone/with/__pycache__" in site.files(f"{first}/code")
    projects.git(site.repo, "rm", "-rq", "gone", "kind", "other", "to")
    site.change("kind/file", "now in a folder")
    site.change("to/file", "no link any more")
    (site.repo / "other").symlink_to("kind")
    (site.repo / "page.py").chmod(0o755)
    projects.commit(site.repo)
    second = site.files(f"{site.ship()}/code")
    assert not {name for name in second if name.startswith("gone")}
    assert second["other"][2] == "l" and second["to"][2] == "d" and second["kind/file"][2] == "f"
    assert second["page.py"][0] == "750" and site.files(f"{first}/code")["page.py"][0] == "640"


def test_what_a_person_did_to_the_release_that_serves_stays_there(site: Site) -> None:
    site.change("other.py", "OTHER = 1\n")
    first = site.serve(site.ship())
    site.host.ssh(f"sleep 1; cd {first}/code && sed -i s/one/two/ page.py && echo '# by hand' >>manage.py")
    site.host.ssh(
        f"cd {first}/code && touch debug.log && mkdir .git -p notes && rm other.py && ln -s /etc/passwd oops"
    )
    second = site.ship()
    assert site.read(f"{second}/code/page.py") == "TEXT = 'one'\n"
    assert site.read(f"{second}/code/manage.py") == "import page\n"
    assert {name for name in site.files(f"{second}/code") if "__pycache__" not in name} == {
        "",
        "manage.py",
        "page.py",
        "other.py",
    }
    assert "two" in site.read(f"{first}/code/page.py") and "by hand" in site.read(f"{first}/code/manage.py")


def test_bytecode_is_there_and_always_that_of_the_code_beside_it(site: Site) -> None:
    shown = "cd {}/code && python3 -v -B -c 'import page; print(page.TEXT)' 2>&1"
    shown += " | grep -E '^(one|two)|page.*pyc matches'"
    site.change("broken.py", "def x(:\n")
    first = site.serve(site.ship())
    told = site.host.ssh(shown.format(first)).stdout
    assert "page.cpython" in told and told.endswith("one\n")
    # To Python, bytecode fits a source of the same size and time. Here both files have the same.
    site.host.ssh(f"touch -d '+1 hour' {first}/code/page.py")
    site.change("page.py", "TEXT = 'two'\n")
    second = site.ship()
    told = site.host.ssh(shown.format(second)).stdout
    assert "page.cpython" in told and told.endswith("two\n")
    assert site.files(f"{second}/code/__pycache__")[""][:2] == ["750", "root:guestbook"]
    assert site.host.ssh(shown.format(first)).stdout.endswith("one\n")


def test_no_bytecode_goes_where_a_link_of_the_project_leads(site: Site) -> None:
    site.host.ssh("mkdir -p /root/theirs && rm -f /root/theirs/*")
    site.change("linked/page.py", "TEXT = 'linked'\n")
    (site.repo / "linked/__pycache__").symlink_to("/root/theirs")
    projects.commit(site.repo)
    folder = site.ship()
    assert (
        site.host.ssh(f"ls /root/theirs; readlink {folder}/code/linked/__pycache__").stdout
        == "/root/theirs\n"
    )


def test_attributes_of_the_project_run_nothing_but_say_how_lines_end(site: Site) -> None:
    site.change(".gitattributes", "*.evil filter=evil\n*.bat text eol=crlf\n")
    site.change("x.evil", "as it is\n")
    site.change("x.bat", "dos\n")
    site.change("unix.txt", "a\r\nb\n")
    site.host.ssh("git config --system filter.evil.smudge 'touch /root/evil; cat'")
    site.host.ssh(
        "git config --global filter.evil.smudge 'touch /root/evil; cat';"
        "git config --global core.autocrlf true"
    )
    folder = site.ship()
    site.host.ssh("rm -f /root/.gitconfig /etc/gitconfig; test ! -e /root/evil")
    assert (
        site.host.ssh(f"cd {folder}/code && cat x.evil x.bat unix.txt | od -c | head").stdout.count("\\r")
        == 2
    )
    assert site.read(f"{folder}/code/x.evil") == "as it is\n"


def test_attributes_that_change_are_heeded_for_files_that_do_not(site: Site) -> None:
    site.change("x.bat", "dos\n")
    site.serve(site.ship())
    site.change(".gitattributes", "*.bat text eol=crlf\n")
    assert site.host.ssh(f"od -c {site.ship()}/code/x.bat").stdout.count("\\r") == 1


def test_a_project_below_the_root_of_what_ships_works_in_its_own_folder(site: Site) -> None:
    release = site.release()
    project = replace(scripts.values()["project"], manage_dir="web/it's here", ship_root="web")
    site.run(*SHIP, release=release, project=project)
    assert site.host.ssh(f"readlink /srv/guestbook/releases/{release.id}/work").stdout == "code/it's here\n"


def test_a_store_that_lost_an_object_is_filled_anew_by_the_next_run(site: Site) -> None:
    site.serve(site.ship())
    site.host.ssh("rm -f /srv/guestbook/repo.git/objects/pack/*")
    site.change("page.py", "TEXT = 'two'\n")
    outcome = site.attempt(*SHIP, release=site.release())
    failed = [event for event in outcome.events if event.verb == "failed"]
    assert outcome.code == 6 and len(failed) == 1 and "run the same command again" in failed[0].detail
    assert site.trees() == []
    assert site.read(f"{site.ship()}/code/page.py") == "TEXT = 'two'\n"


def test_a_store_that_has_the_tree_but_not_all_of_it_is_found_out(site: Site) -> None:
    site.change("deep/file.txt", "here")
    site.ship()
    blob = projects.git(site.repo, "rev-parse", "HEAD:deep/file.txt")
    site.host.ssh(
        "cd /srv/guestbook/repo.git && mv objects/pack/*.pack /root/a.pack && rm -f objects/pack/* && "
        f"git --git-dir=. unpack-objects -q </root/a.pack && rm objects/{blob[:2]}/{blob[2:]}"
    )
    outcome = site.attempt(*SHIP, release=site.release())
    assert outcome.code == 6 and "run the same command again" in outcome.events[-1].detail
    assert site.read(f"{site.ship()}/code/deep/file.txt") == "here"


def test_a_project_that_moves_to_longer_names_of_objects_gets_a_new_store(site: Site, tmp_path: Path) -> None:
    site.serve(site.ship())
    longer = tmp_path / "longer"
    projects.git(tmp_path, "init", "-q", "--object-format=sha256", str(longer))
    (longer / "page.py").write_text("TEXT = 'two'\n")
    projects.commit(longer)
    site.repo = longer
    folder = site.ship()
    assert site.read(f"{folder}/code/page.py") == "TEXT = 'two'\n" and len(site.trees()[0]) == 64
    assert {name for name in site.files(f"{folder}/code") if "__pycache__" not in name} == {"", "page.py"}


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_an_end_in_the_middle_leaves_nothing_that_the_next_run_trips_over(site: Site, how: str) -> None:
    for number in range(3000):
        path = site.repo / f"many/{number % 30}/{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))
    projects.commit(site.repo)
    for stage, wait in [("code", 0), ("code", 0.03), ("release", 0), ("release", 0.1), ("release", 0.3)]:
        site.ship_and_end(stage, wait, how)
    folder = site.serve(site.ship())
    site.run(stages.live, stages.prune)
    site.host.ssh("test -e /srv/guestbook/live/release/settled")
    assert len([name for name in site.files(f"{folder}/code/many") if name.endswith(".txt")]) == 3000
    assert ".new" not in site.host.ssh("ls /srv/guestbook/releases /srv/guestbook").stdout


def test_a_disk_without_room_is_told_before_anything_is_written(tmp_path: Path) -> None:
    repo = tmp_path / "project"
    repo.mkdir()
    (repo / "manage.py").write_text("")
    for number in range(30):
        (repo / f"{number}.bin").write_bytes(random.Random(number).randbytes(1 << 20))
    projects.git_repo(repo)
    with throwaway.boot("small", snapshot=throwaway.prepared("code", prepare), disk_limit="120M") as host:
        site = Site(host, repo)
        release = site.release()
        outcome = site.attempt(*SHIP, release=release)
        assert outcome.code == 6 and "needs about 161 MB, /srv/guestbook has" in outcome.events[-1].detail
        # Others may fill the disk after the check. Then the release is removed, and the reason is told.
        projects.git(repo, "rm", "-q", *(f"{number}.bin" for number in range(8, 30)))
        projects.commit(repo)
        release = site.release()
        site.run(stages.receive, release=release)
        host.ssh("fallocate -l $(($(df -B1 --output=avail /srv | tail -n 1) - 3000000)) /srv/filler")
        outcome = site.attempt(*SHIP, release=release)
        failed = [event for event in outcome.events if event.verb == "failed"]
        assert outcome.code == 6 and len(failed) == 1 and failed[0].what == f"release {release.id}"
        assert "full" in failed[0].detail or "No space left" in failed[0].detail
        assert host.ssh("ls /srv/guestbook/releases").stdout == ""
        host.ssh("rm /srv/filler")
        site.run(*SHIP, release=release)
        site.link.close()


def test_old_releases_go_and_with_them_virtualenvs_and_trees(site: Site) -> None:
    folders = []
    for number in range(6):
        site.change("page.py", f"TEXT = {number}\n")
        folders.append(site.serve(site.ship(), ("blue", "green")[number % 2]))
    never_served = site.ship()
    site.host.ssh("mkdir -p /srv/guestbook/releases/20250101T000000Z-0.gone/code /srv/guestbook/venvs/old")
    as_app = "setpriv --reuid=guestbook --regid=guestbook --clear-groups"
    stands_there = f"(cd {folders[1]}/code && exec {as_app} sleep 100) </dev/null >/dev/null 2>&1 & echo $!"
    pid = site.host.ssh(stands_there).stdout.strip()
    site.host.ssh(f"cd /var/lib/roadie/incoming && touch killed works && echo {pid} >/run/roadie/works.beat")
    latest = NewRelease(folders[-1].rpartition("/")[2], "", "")
    events = site.run(stages.live, stages.prune, release=latest, keep=3)
    kept = [f.rpartition("/")[2] for f in (folders[1], *folders[3:])]
    assert site.host.ssh("ls /srv/guestbook/releases").stdout.split() == kept
    assert site.host.ssh("ls /srv/guestbook/venvs").stdout.split() == [f"v-{name}" for name in kept]
    assert site.host.ssh("ls /var/lib/roadie/incoming").stdout.split() == ["works"]
    assert site.host.ssh("ls /srv/guestbook/repo.git/refs/roadie/trees").stdout.split() == kept
    gone = {event.what for event in events if event.verb == "changed"}
    assert f"old release {never_served.rpartition('/')[2]}" in gone and "old virtualenv old" in gone
    assert [
        e for e in site.run(stages.live, stages.prune, release=latest, keep=3) if e.verb == "changed"
    ] == []
    site.host.ssh(f"kill {pid}")
    events = site.run(stages.live, stages.prune, release=latest, keep=1)
    assert (
        site.host.ssh("ls /srv/guestbook/releases").stdout.split() == kept[-2:]
    )  # the live release, and the release that it replaced


def test_bad_releases_never_take_the_place_of_good_ones(site: Site) -> None:
    names = []
    for number in range(8):
        site.change("page.py", f"TEXT = {number}\n")
        names.append(site.serve(site.ship(), ("blue", "green")[number % 2]).rpartition("/")[2])
    site.host.ssh(f"cd /srv/guestbook/releases && touch {' '.join(f'{name}/bad' for name in names[3:7])}")
    site.run(stages.live, stages.prune, release=NewRelease(names[-1], "", ""), keep=2)
    kept = site.host.ssh("ls /srv/guestbook/releases").stdout.split()
    assert [name for name in kept if name not in names[3:7]] == [names[2], names[7]]
    assert [name for name in kept if name in names[3:7]] == names[5:7]


def test_objects_of_code_that_is_gone_leave_the_store_in_time(site: Site) -> None:
    site.change("large.bin", random.Random(1).randbytes(300_000).hex())
    site.serve(site.ship())
    (site.repo / "large.bin").unlink()
    for number in range(25):
        site.change("page.py", f"TEXT = {number}\n")
        folder = site.serve(site.ship(), ("blue", "green")[number % 2])
    site.run(stages.live, stages.prune, release=NewRelease(folder.rpartition("/")[2], "", ""), keep=2)
    assert int(site.host.ssh("du -sk /srv/guestbook/repo.git | cut -f1").stdout) < 300
    assert site.host.ssh("ls /srv/guestbook/repo.git/objects/pack/*.pack | wc -l").stdout.strip() == "1"
    site.change("page.py", "TEXT = 'last'\n")
    assert site.read(f"{site.ship()}/code/page.py") == "TEXT = 'last'\n" and site.sent < 400


def test_without_a_release_that_serves_there_is_nothing_to_work_on(site: Site) -> None:
    outcome = site.attempt(stages.live)
    assert outcome.code == 2 and "fab deploy" in outcome.events[-1].detail
    site.serve(site.ship())
    assert site.run(stages.live)[-1].verb == "ok"


def test_the_stages_of_code_run_to_their_end_in_a_dry_run_on_a_bare_host(site: Site) -> None:
    values = {**scripts.values(), "run": {**scripts.RUN, "dry_run": True, "locks": False}}
    bare = render("frame/stage.sh.j2", None, {**values, "stages": SHIP}).replace("/srv/", "/nowhere/")
    outcome = site.link.execute(bare, nonce=scripts.RUN["nonce"])
    assert outcome.code == 0
    assert [event.what.split()[0] for event in outcome.events if event.verb == "would"] == [
        "store",
        "code",
        "release",
    ]
