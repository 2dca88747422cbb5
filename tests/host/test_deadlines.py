"""Nothing that a site, its builder, its database or a disk does has a run wait for ever, or hold the lock."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import projects
import pytest
import standing
from desk import Desk, eventually, is_serving
from faults import append, error_of
from roadie.throwaway import hosts as throwaway
from roadie.throwaway.hosts import ThrowawayHost
from test_migrations import migration
from within import inside

FREE = 15  # seconds from Ctrl-C until the next run may begin
LARGEST_LOG = 8_000_000
PIP = "/var/cache/roadie/guestbook/.config/pip"
LOCKS_A_TABLE = """
exec </dev/null >/dev/null 2>&1
. /srv/guestbook/shared/secrets
[[ ${DATABASE_URL} =~ :([^:@]+)@ ]]
export MYSQL_PWD=${BASH_REMATCH[1]}
mariadb -uguestbook guestbook -e 'LOCK TABLES entries_entry WRITE; SELECT SLEEP(300)' &
"""
LOCKS = "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(300%'"
PRINTS = "    for number in range({0}):\n        print('line', number)"
READ_ONLY = "mount --bind /srv /srv && mount -o remount,bind,ro /srv"
# The disk fails after the process that waits was told to check, and before that process looks.
FAILS_WHILE_ASKED = f"""
mkfifo() {{
  kill -STOP "${{slot_pid}}"
  command mkfifo "$@"
}}
mv() {{
  command mv "$@"
  [[ ${{!#}} != */inspect ]] || {{ {READ_ONLY} && kill -CONT "${{slot_pid}}"; }}
}}
"""


@pytest.fixture(scope="module")
def host() -> Iterator[ThrowawayHost]:
    """A host that serves the guestbook: all tests here go on with the same one."""
    with throwaway.boot("deadlines", snapshot=standing.deployed()) as booted:
        assert eventually(lambda: is_serving(booted), 30)
        yield booted


@contextmanager
def hanging(host: ThrowawayHost, name: str) -> Iterator[None]:
    """All processes of this name stand still as long as the block lasts."""
    inside(host, 'pkill -STOP -x "$1"', name)
    try:
        yield
    finally:
        inside(host, 'pkill -CONT -x "$1"', name)


@contextmanager
def locked_table(host: ThrowawayHost) -> Iterator[None]:
    """The site's own user holds a lock on the site's table as long as the block lasts."""

    def connections() -> str:
        return inside(host, 'mariadb -N -e "$1"', LOCKS).strip()

    inside(host, LOCKS_A_TABLE)
    try:
        assert eventually(connections)
        yield
    finally:
        inside(host, 'mariadb -e "KILL $1"', connections())


def is_free(host: ThrowawayHost) -> bool:
    """Whether the site's lock is free."""
    return inside(host, "flock -n /run/roadie/guestbook.lock echo free || :") == "free\n"


def is_at(host: ThrowawayHost, stage: str) -> bool:
    """Whether a run holds the lock and is at this stage."""
    step = inside(host, "cat /run/roadie/guestbook.step 2>/dev/null || :").strip()
    return step == stage and not is_free(host)


def largest_log(host: ThrowawayHost) -> int:
    """The size of the largest log of a run."""
    return max(path.stat().st_size for path in (host.tree / "var/log/roadie").glob("*.log"))


def test_ctrl_c_frees_the_lock_while_the_database_hangs(host, desk):
    with hanging(host, "mariadbd"), desk(host).started("bootstrap") as process:
        assert eventually(lambda: is_at(host, "mysql"), 60)
        time.sleep(1)  # until the person's side has heard what the run waits for
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert eventually(lambda: is_free(host), FREE), "the lock is held"
    assert (process.returncode, "'answer of the database' (mysql)" in err) == (130, True), err


@pytest.mark.third(2)
def test_a_database_that_does_not_answer_is_named(host, desk):
    with hanging(host, "mariadbd"):
        done = desk(host).fab("bootstrap", timeout=120)
        error_of(done, 6, ", mysql: answer of the database: there was no answer within 30 seconds")
        assert is_free(host)


@pytest.mark.third(0)
def test_a_lock_on_a_table_is_named_and_waited_for_a_while_only(host, desk):
    developer = desk(host)
    migration(developer, "0003_more", "migrations.RunSQL('CREATE TABLE more (id int)', 'DROP TABLE more')")
    with locked_table(host):
        done = developer.fab("deploy", timeout=300)
    error_of(done, 6, ", dump: ", "its file has not grown for 60 seconds", "of guestbook uses the database")
    assert "waits for a lock" in done.last_line and is_free(host)


@pytest.mark.third(1)
def test_a_migration_waits_for_the_lock_of_a_table_for_a_while_only(host, desk):
    developer = desk(host, dump_before_migrate=False)
    migration(developer, "0003_wide", "migrations.RunSQL('ALTER TABLE entries_entry ADD wide int', '')")
    with locked_table(host):
        done = developer.fab("deploy", timeout=300)
    error_of(done, 6, ", migrate: migration entries.0003_wide: ", "Lock wait timeout exceeded")
    assert is_free(host)


def test_a_release_that_prints_without_end_as_it_crashes_is_refused_in_time(host, desk):
    developer = desk(host, gate_timeout=10)
    crash = "    raise RuntimeError('too loud')"
    in_gunicorn = "import sys\nif 'gunicorn' in sys.modules:"
    append(developer.project / "guestbook/wsgi.py", in_gunicorn, PRINTS.format(2_000_000), crash)
    projects.commit(developer.project, "Loud")
    done = developer.fab("deploy", timeout=90)
    error_of(done, 6, ", gate: ")  # that it gave no answer, or why it crashed: whichever comes first
    assert (len(done.text) < 100_000, largest_log(host) < LARGEST_LOG, is_free(host)) == (True, True, True)


@pytest.mark.third(0)
def test_a_project_that_prints_without_end_in_its_check_does_not_fill_the_log(host, desk):
    developer = desk(host)
    in_check = "import sys\nif 'shell' in sys.argv:"
    end = "    raise RuntimeError('at last')"
    append(developer.project / "guestbook/settings.py", in_check, PRINTS.format(3_000_000), end)
    projects.commit(developer.project, "Chatty")
    done = developer.fab("deploy", timeout=300)
    error_of(done, 6, ", inspect: ", "RuntimeError: at last")
    assert (len(done.text) < 100_000, largest_log(host) < LARGEST_LOG, is_free(host)) == (True, True, True)


@pytest.mark.third(1)
def test_a_command_of_a_build_has_its_time_and_its_share_of_the_log(host, desk):
    developer = desk(host, build_timeout=40, post_build=["yes this is built", "sleep 600"])
    done = developer.fab("deploy", timeout=300)
    error_of(done, 6, ", static: post_build: yes", "it did not end within 40 seconds")
    assert (len(done.text) < 100_000, largest_log(host) < LARGEST_LOG, is_free(host)) == (True, True, True)


def test_a_build_ends_at_once_after_ctrl_c_and_the_next_deploy_begins_it_anew(host, desk):
    developer = desk(host, build=["test ! -e half.txt", "echo half >half.txt; sleep 984"])
    with developer.started("deploy") as process:
        assert eventually(lambda: inside(host, "pgrep -f '^sleep 984' || :"), 60)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, "breaks off" in err) == (130, True), err
    assert eventually(lambda: is_free(host), FREE), "the lock is held"
    assert eventually(lambda: not inside(host, "pgrep -f '^sleep 984' || :"), FREE)
    assert is_serving(host)
    again = desk(host, build=["test ! -e half.txt", "echo whole >whole.txt"])
    again.does("deploy")
    assert inside(host, "cd /srv/guestbook/live/release/code && cat whole.txt; ls half.txt || :") == "whole\n"


def test_a_disk_that_nobody_can_write_to_is_named(host, desk):
    developer = desk(host)
    projects.retitle(developer.project, "Read only")
    inside(host, READ_ONLY)
    try:
        done = developer.fab("deploy", timeout=120)
    finally:
        inside(host, "umount /srv")
    error_of(done, 6, "the disk of /srv/guestbook is mounted read-only")
    assert is_free(host)


@pytest.mark.third(2)
def test_a_disk_that_nobody_can_write_to_while_the_check_begins_is_named(host, desk):
    developer = desk(host)
    projects.own_frame(developer.project, FAILS_WHILE_ASKED)
    projects.retitle(developer.project, "Read only by now")
    try:
        done = developer.fab("deploy", timeout=180)
    finally:
        inside(host, "umount /srv || :")
    error_of(done, 6, ", inspect: ", "did not begin to within", "is mounted read-only")
    assert is_free(host)


@pytest.mark.parametrize("trap", ["mkfifo", "truncate -s 200M"])
def test_a_trap_among_the_settings_for_builds_is_named(host, desk, trap):
    developer = desk(host)
    append(developer.project / "requirements.txt", "sqlparse>=0.3.1")
    projects.commit(developer.project, "Build anew")
    inside(host, f"mkdir -p {PIP} && {trap} {PIP}/pip.conf && chown -R guestbook-build: {PIP}")
    try:
        done = developer.fab("deploy", timeout=90)
    finally:
        inside(host, f"rm -rf {PIP}")
    error_of(done, 6, ", virtualenv: /var/cache/roadie/guestbook/.config: not all of it is a plain file")
    assert is_free(host)


def interrupted(host: ThrowawayHost, developer: Desk, step: str) -> str:
    """What a person is told whose deploy is interrupted in the midst of this step."""
    projects.own_frame(developer.project, f"ensure_secret_file() {{ {step}; }}\n")
    projects.retitle(developer.project, step)
    with developer.started("deploy") as process:
        assert eventually(lambda: is_at(host, "secrets"), 60)
        time.sleep(1)  # until the person's side has heard of the step
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    return err


def test_a_change_that_hangs_is_killed_after_ctrl_c(host, desk):
    err = interrupted(host, desk(host), "change 'the house' sleep 987")
    assert "finishes 'the house' (secrets) by itself and then stops" in err
    assert eventually(lambda: is_free(host), FREE), "the lock is held"
    assert not inside(host, "pgrep -f '^sleep 987' || :")


def test_a_step_that_must_be_whole_goes_on_and_is_named_with_its_process(host, desk):
    err = interrupted(host, desk(host), "change_whole 'the house' sleep 987")
    found = re.search(r"finishes 'the house' .*\(process (\d+) on the host\)", err)
    assert found and "bash /run/roadie/" in inside(host, 'tr "\\0" " " <"/proc/$1/cmdline"', found[1]), err
    time.sleep(FREE)
    assert not is_free(host)
    with desk(host).started("bootstrap") as process:  # it waits for the run that stops
        assert process.stdout and any(f"as process {found[1]}" in line for line in process.stdout)
    inside(host, "pkill -f '^sleep 987'")
    assert eventually(lambda: is_free(host), FREE)


def test_a_run_that_fails_ends_the_command_of_its_step_and_its_clock(host, desk):
    developer = desk(host)
    full_run = "note_cuttable() { [[ ${doing} != 'the house' || -z ${cuttable_pid} ]]; }"
    step = "ensure_secret_file() { change_within 986 'the house' sleep 987; }"
    projects.own_frame(developer.project, f"{full_run}\n{step}\n")
    projects.retitle(developer.project, "No room for a note")
    error_of(developer.fab("deploy"), 6, ", secrets: the house: ")
    assert inside(host, "pgrep -a -f '^sleep 98[67]' || :") == ""
