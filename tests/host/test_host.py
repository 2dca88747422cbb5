"""Scripts arrive whole and run as root, and their events come back."""

import hashlib
import os
import subprocess
import time

import pytest
import roadie.ssh.host
import thirds
from desk import eventually
from dialling import now, piped, since
from roadie.errors import Interrupted, Unreachable
from roadie.events import Event
from roadie.ssh import session
from roadie.ssh.host import Host
from scripted import LASTS, NONCE, begun, in_background, is_gone, say
from within import inside

SUITES = pytest.mark.parametrize("suite", thirds.SUITES)


@pytest.fixture
def host(with_users, suite):
    return with_users(suite)


# ---- What goes in and comes out -------------------------------------------------------------------


@SUITES
def test_a_script_runs_as_root_and_its_exit_code_comes_back(reach):
    outcome = reach().execute("id -un; echo to stderr >&2; exit 6")
    assert (outcome.code, outcome.tail) == (6, ["root", "to stderr"])


def test_events_are_told_from_what_programs_print(reach):
    heard = []
    forged = say("ok", "forged").replace(NONCE, "f" * 32)
    script = "echo raw\n" + say("stage", "nginx", "Serve.") + forged + say("ok", "file /x") + "echo more"
    outcome = reach().execute(script, on_event=heard.append, nonce=NONCE)
    assert (
        heard
        == outcome.events
        == [
            Event("stage", "test", "nginx", "Serve."),
            Event("ok", "test", "file /x"),
        ]
    )
    assert outcome.tail == [f"{'f' * 32}\tok\ttest\tforged\t", "more"]


def test_events_come_while_the_script_runs(reach, host):
    awaits = "timeout 20 bash -c 'until [[ -e /run/heard ]]; do sleep 0.05; done' || exit 1\n"
    heard = []

    def hear(event):
        host.ssh("touch /run/heard")
        heard.append(event.what)

    reach().execute(say("ok", "1") + awaits + say("ok", "2"), on_event=hear, nonce=NONCE)
    assert heard == ["1", "2"]


def test_a_look_leaves_no_log_and_its_lines_are_not_kept(reach, host):
    heard = []
    files = "find /var/log/roadie /run/roadie -type f"
    before = host.ssh(files, check=False).stdout
    script = (
        'echo "[$1]"\n'
        + say("line", "access", "1.0 text")
        + say("ok", "file /x")
        + "echo to stderr >&2; exit 6"
    )
    outcome = reach().execute(script, on_event=heard.append, nonce=NONCE, looks=True)
    assert (outcome.code, outcome.tail) == (6, ["[]", "to stderr"])
    assert [event.verb for event in heard] == ["line", "ok"] and outcome.events == heard[1:]
    assert host.ssh(files, check=False).stdout == before


def test_a_look_may_say_events_again_and_again_and_prints_as_fast_as_it_is_read(reach):
    heard = []
    script = (
        "for i in {1..2000}; do echo $i >>/proc/$$/fd/1; done; head -c 30000000 /dev/zero | tr '\\0' '\\n'\n"
    )
    outcome = reach().execute(script + say("ok", "end"), on_event=heard.append, nonce=NONCE, looks=True)
    assert (outcome.code, [event.what for event in heard]) == (0, ["end"])


@pytest.mark.parametrize("how", ["stop", "cut"])
def test_a_look_ends_with_its_command_and_with_its_link(reach, host, how):
    ours = reach()
    result = begun(ours, LASTS.format(4545), looks=True)
    if how == "stop":
        ours.stop()
    else:
        host.cut_link()
    try:
        error, _ = result()
        assert isinstance(error, Interrupted if how == "stop" else Unreachable)
    finally:
        host.mend_link()
    assert eventually(lambda: is_gone(host, "sleep 4545"), 20)


def test_a_last_line_needs_no_end(reach):
    outcome = reach().execute("echo one; " + say("ok", "x") + "printf 'two without an end'", nonce=NONCE)
    assert outcome.tail == ["one", "two without an end"]


def test_a_script_of_200_kilobytes_arrives_whole(reach):
    script = "".join(f"x{number}=$(({number} + 1)) # {'-' * 80}\n" for number in range(2000)) + "echo $x1999"
    assert len(script) > 200_000
    assert reach().execute(script).tail == ["2000"]


def test_a_script_may_hold_anything_that_bash_can_read(reach):
    script = (
        "printf '%s\\n' 'it''s \\ ! $x `y` ü €' \"$(printf 'a\\tb')\"; cat <<'END'\n'quoted' \"twice\"\nEND\n"
    )
    assert reach().execute(script).tail == ["its \\ ! $x `y` ü €", "a\tb", "'quoted' \"twice\""]


def test_nothing_that_a_script_starts_can_read_the_rest_of_it(reach):
    assert reach().execute('cat; read -r x; echo "[$x]"; head -c 5').tail == ["[]"]


def test_a_script_that_did_not_arrive_whole_does_not_run(reach, host, monkeypatch):
    packed = roadie.ssh.host.packed
    monkeypatch.setattr(roadie.ssh.host, "packed", lambda text: packed(text)[:-8] + bytes(8))
    assert reach().execute("touch /root/begun").code == 96
    assert host.ssh("ls /root/begun /run/roadie/*.sh", check=False).stdout == ""


# ---- A payload, which is there before its script begins -----------------------------------------------


def left_of_runs(host):
    """Return the files of runs that are not over."""
    return host.ssh("find /var/lib/roadie/incoming /run/roadie -type f 2>/dev/null || :").stdout


def has_begun_to_come(host):
    return host.ssh("cat /var/lib/roadie/incoming/* | head -c 9", check=False).stdout


class Slow:
    """A payload that takes a fifth of a second for each quarter of a megabyte."""

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, part):
        time.sleep(0.2)
        return bytes(min(part.stop, self.size) - part.start)


def test_a_payload_of_20_megabytes_lies_in_a_file_of_roots(reach):
    ours, data = reach(), os.urandom(20_000_000)
    outcome = ours.execute('sha256sum <"$2"; stat -c "%a %U" "$2"; ls /var/lib/roadie/incoming | wc -l', data)
    assert outcome.tail == [f"{hashlib.sha256(data).hexdigest()}  -", "600 root", "1"]
    assert ours.execute("ls /var/lib/roadie/incoming").tail == []


def test_an_upload_that_takes_longer_than_the_silence_allowed_is_let_be(reach, monkeypatch):
    monkeypatch.setattr(session, "SILENCE", 4)
    assert reach().execute('wc -c <"$2"', Slow(10_000_000)).tail == ["10000000"]


@SUITES
def test_a_run_that_is_stopped_while_its_payload_comes_never_begins(reach, host):
    ours = reach()
    result = in_background(lambda: ours.execute("touch /root/begun", Slow(100_000_000)))
    assert eventually(lambda: has_begun_to_come(host), 10)
    ours.stop()
    assert isinstance(result()[0], Interrupted)
    assert eventually(lambda: not left_of_runs(host), 5)
    assert not (host.tree / "root/begun").exists()


def test_a_link_that_dies_during_an_upload_lets_nothing_begin(reach, host):
    ours = reach()
    result = in_background(lambda: ours.execute("touch /root/begun", Slow(100_000_000)))
    assert eventually(lambda: has_begun_to_come(host), 10)
    host.cut_link()
    try:
        assert isinstance(result()[0], Unreachable)
    finally:
        host.mend_link()
    assert eventually(lambda: not left_of_runs(host), 25)
    assert not (host.tree / "root/begun").exists()


def test_a_payload_without_room_is_told_and_nothing_begins(reach, host):
    place, ours = "/var/lib/roadie/incoming", reach()
    host.ssh(f"mkdir -p {place} && mount -t tmpfs -o size=400k roadie {place}")
    try:
        outcome = ours.execute("touch /root/begun", bytes(3_000_000))
        assert (outcome.code, outcome.tail, left_of_runs(host)) == (97, [f"the disk of {place}"], "")
    finally:
        host.ssh(f"umount {place}")
    assert not (host.tree / "root/begun").exists()
    assert ours.execute('wc -c <"$2"', bytes(3_000_000)).tail == ["3000000"]


def test_output_of_50_megabytes_is_read_in_linear_time_and_little_memory(reach):
    ours = reach()
    began = time.monotonic()
    outcome = ours.execute("yes 'a line of some length' | head -c 50000000; echo; echo end")
    assert outcome.tail[-1] == "end"
    assert len(outcome.tail) == 40
    assert time.monotonic() - began < 20


def test_one_endless_line_is_no_trouble(reach):
    began = time.monotonic()
    outcome = reach().execute("head -c 40000000 /dev/zero | tr '\\0' x; echo; echo end")
    assert outcome.tail[-1] == "end"
    assert all(len(line) <= 2000 for line in outcome.tail)
    assert time.monotonic() - began < 20


def test_letters_of_several_bytes_are_never_cut(reach):
    text = "aé€😀" * 70
    outcome = reach().execute(f"for i in $(seq 300); do {say('ok', text)} done", nonce=NONCE)
    assert outcome.events == [Event("ok", "test", text)] * 300


def test_bytes_that_are_no_text_do_no_harm(reach):
    assert reach().execute("printf 'a\\377b\\n'").tail == ["a\ufffdb"]


@pytest.mark.parametrize(
    "banner", ["echo Welcome", "printf 'no end'", "echo b; echo roadie; echo ROADIE x 1 1"]
)
def test_what_a_login_shell_prints_is_not_taken_for_ours(reach, host, banner):
    host.put(f"{banner}; {{ {banner}; }} >&2\n", "/root/.bashrc")
    try:
        outcome = reach().execute(say("ok", "x") + "exit 3", nonce=NONCE)
        assert (outcome.code, outcome.events) == (3, [Event("ok", "test", "x")])
    finally:
        host.ssh("rm /root/.bashrc")


@pytest.mark.parametrize(
    "drip",
    [
        "while :; do echo wait; sleep 0.2; done >&2",
        "while :; do printf .; sleep 0.2; done >&2",
        "yes wait >&2",
        "while :; do echo wait; sleep 0.2; done",
    ],
)
@pytest.mark.parametrize("user", [None, "free"])
def test_a_login_shell_that_talks_without_end_is_not_waited_for(reach, host, monkeypatch, drip, user):
    monkeypatch.setattr(session, "START", 3)
    monkeypatch.setattr(session, "SILENCE", 5)
    file = f"/home/{user}/.bashrc" if user else "/root/.bashrc"
    host.put(f"{drip}\n", file)
    try:
        began = time.monotonic()
        with pytest.raises(
            Unreachable, match=r"web1: the login shell started no bash in time; it said last:"
        ):
            reach(user=user).execute("true")
        assert time.monotonic() - began < 20
    finally:
        inside(host, f"rm {file}; pkill -KILL -f 'printf -v [n]'; pkill -KILL -x yes || :")


def test_a_frame_that_hangs_is_noticed_though_the_login_shell_left_a_talker(reach, host, monkeypatch):
    monkeypatch.setattr(session, "SILENCE", 6)
    host.put("bash -c 'while :; do echo wait; sleep 0.2; done' >&2 &\n", "/root/.bashrc")
    try:
        ours = reach()
        result = begun(ours, LASTS.format(4849))
        inside(host, "pkill -STOP -f '[R]OADIE roadie-'")
        error, _ = result(30)
        assert isinstance(error, Unreachable) and str(error).startswith("lost web1 ")
    finally:
        inside(host, "rm /root/.bashrc; pkill -CONT -f '[R]OADIE roadie-'")
        left = "ls -A /run/roadie | grep -v :"
        assert eventually(lambda: host.ssh(left, check=False).stdout == "", 30)
        inside(host, "pkill -KILL -f 'echo [w]ait' || :")


@pytest.fixture
def login_shell(host):
    """Gives root another login shell until the test ends."""

    def give(shell):
        (path,) = (
            f"/{each}/{shell}" for each in ("usr/bin", "usr/sbin") if (host.tree / each / shell).exists()
        )
        subprocess.run(["sed", "-i", f"s|^\\(root:.*:\\).*|\\1{path}|", host.tree / "etc/passwd"], check=True)

    yield give
    give("bash")


def test_any_login_shell_will_do(reach, host, login_shell):
    host.ssh("apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qq install -y fish tcsh zsh")
    words = ["a!b", "!0", "it's", "^x^y", "two\nlines", "\\n", "$(id)"]
    for shell in ("dash", "fish", "tcsh", "zsh"):
        login_shell(shell)
        outcome = reach().execute("echo $! >/dev/null; echo fine")
        assert (outcome.code, outcome.tail) == (0, ["fine"]), shell
        done = piped(reach, ["printf", "[%s]", *words])
        assert done.stdout.decode() == "".join(f"[{word}]" for word in words), shell


def test_a_user_who_may_not_log_in_is_told_so(reach, login_shell):
    login_shell("nologin")
    with pytest.raises(Unreachable, match=r"^root@web1: the login shell does not run bash: This account"):
        reach().execute("true")


def test_runs_share_one_connection_and_one_session(reach, host):
    place = now(host)
    ours = reach()
    for code in (0, 7, 1):
        outcome = ours.execute(f"echo run {code}; exit {code}", os.urandom(100_000 * code))
        assert (outcome.code, outcome.tail) == (code, [f"run {code}"])
    accepted, started = since(host, place, "Accepted publickey|Starting session")
    assert accepted.startswith("Accepted") and started.startswith("Starting")
    assert host.ssh("ls -A /run/roadie /var/lib/roadie/incoming | grep -v :").stdout.split() == []


def test_a_frame_that_was_killed_is_a_host_that_was_lost(reach, host):
    ours = reach()
    result = begun(ours, LASTS.format(4848))
    host.ssh("pkill -KILL -o -f '[R]OADIE roadie-'")
    error, _ = result(20)
    assert isinstance(error, Unreachable)
    assert str(error).startswith("lost web1 ")
    assert eventually(lambda: is_gone(host, "sleep 4848"), 10)
    assert ours.execute("echo again").tail == ["again"]


def test_a_connection_that_its_user_closed_is_opened_anew(reach):
    ours = reach()
    ours.execute("true")
    ours.connection.close()
    assert ours.execute("echo again").tail == ["again"]


def test_a_host_object_can_be_made_of_a_users_own_connection(reach):
    ours = reach()
    assert Host(ours.connection).execute("id -un").tail == ["root"]
