"""What a stop ends at once, what it waits for, and what ends because it takes too long."""

import os
import signal
import subprocess
import time

import pytest
from desk import eventually
from shell import Shell


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)


@pytest.mark.parametrize(
    ("body", "verbs"),
    [
        ("change_cuttable step work 60", ["stopped"]),
        ("change step work 2; change next touch ${P}/y", ["changed", "stopped"]),
    ],
)
def test_a_stop_ends_what_may_be_cut_and_lets_the_rest_finish(shell, body, verbs):
    with shell.begun('work() { touch "${P}/works"; sleep "$1"; }\n' + body) as process:
        assert eventually(shell.path("works").exists)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 130
    assert [event.verb for event in shell.events() if event.verb != "doing"] == verbs
    assert not shell.path("y").exists()


@pytest.mark.parametrize(
    ("body", "code", "what", "why"),
    [
        ("change house false", 6, "house", "exit code 1;"),
        ("false", 6, "test", "false: exit code 1;"),
        ("fail house 'it burns' 7", 7, "house", "it burns"),
        ("local told; told=$(fail house 'it burns' 7)", 7, "house", "it burns"),
        ("change house eval '(exit 3)'", 6, "house", "exit code 3;"),
    ],
)
def test_what_fails_in_a_stage_of_the_users_own_is_told_once_and_by_its_name(shell, body, code, what, why):
    assert shell.run(f"own() {{\n{body}\n}}\nrun_apart own") == [("failed", what)]
    assert (shell.code, shell.detail[: len(why)]) == (code, why)


LATE = ("failed", "step")


@pytest.mark.parametrize(
    ("body", "told", "why"),
    [
        ("change_within 1 step sleep 60", LATE, "it did not end within 1 seconds"),
        ("change_within 30 step true", ("changed", "step"), ""),
        ("begin_step step cut; within 1 sleep 60", LATE, "it did not end within 1 seconds"),
        ("late_because=why; change_within 1 step sleep 60", LATE, "roadie ended it: a lock is held"),
        ("change_while_it_grows ${P}/grows 1 step sleep 60", LATE, "its file has not grown for 1 seconds"),
        ("change_while_it_grows ${P}/grows 1 step grow", ("changed", "step"), ""),
        (
            "answer_seconds=1; ask it 'a friend' sleep 60",
            ("failed", "answer of a friend"),
            "no answer within 1",
        ),
    ],
)
def test_whatever_takes_too_long_is_ended_and_named(shell, body, told, why):
    words = """
      why() { echo a lock is held; }
      grow() { for i in 1 2 3; do echo x >>"${P}/grows" && sleep 0.6; done; }
    """
    began = time.monotonic()
    assert shell.run(words + body) == [told]
    assert why in shell.detail and time.monotonic() - began < 20
    assert not [path.name for path in shell.path("run").iterdir() if path.suffix in (".late", ".whole")]


def test_an_answer_is_heard_with_its_code(shell):
    shell.run("ask it 'a friend' printf 'one\\ntwo\\n'; say fact it \"${it}\"")
    assert shell.detail == "one\ntwo"
    shell.run("code=0; ask it 'a friend' bash -c 'echo no; exit 3' || code=$?; say fact it \"${it} ${code}\"")
    assert shell.detail == "no 3"
    # Within a change, a stop waits until the change is finished.
    assert shell.run("step() { ask it 'a friend' echo yes; }; change thing step") == [("changed", "thing")]
    assert [event.detail for event in shell.events() if event.verb == "doing"] == ["atomic"]


def test_what_a_run_can_do_without_is_attempted_for_some_seconds(shell):
    told = 'attempt it {} || code=$?; say fact it "${{code:-0}} ${{#it}} ${{it:0:9}}"'
    for command, detail in (
        ("9 echo yes", "0 3 yes"),
        ("9 bash -c 'echo no; exit 3'", "3 2 no"),
        ("1 bash -c 'echo half; exec sleep 60'", "143 0 "),
    ):
        shell.run(told.format(command))
        assert (shell.code, shell.detail) == (0, detail), command
    shell.run('attempt it 9 yes || code=$?; say fact it "${#it}"; within 1 sleep 60')
    assert [event.detail for event in shell.events() if event.verb == "fact"] == ["65535"]
    assert (shell.code, shell.events()[-1].verb) == (6, "failed")  # only an attempt forgives


def at_work(shell):
    """Return the process ids of a run of this shell, and of what runs for it."""
    found = subprocess.run(["pgrep", "-f", f"^bash {shell.path('run.sh')}"], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def test_a_stop_ends_a_question_and_its_clock(shell):
    with shell.begun("ask it 'a friend' bash -c 'touch ${P}/asked; sleep 987'") as process:
        assert eventually(shell.path("asked").exists)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 130
        assert at_work(shell) == []


def test_a_stop_in_the_moment_when_a_clock_begins_ends_the_clock_too(shell):
    # `start_clock` calls `set +m` after the clock has begun, and before it knows the number of the clock.
    body = """
      times=0
      set() { builtin set "$@"; [[ $1 != +m ]] || ((++times < 2)) || kill -TERM $$; }
      within 983 sleep 984
    """
    shell.run(body)
    assert shell.code == 130 and at_work(shell) == []


def test_a_clock_ends_with_its_run_although_nobody_ends_the_clock(shell):
    with shell.begun("within 983 bash -c 'touch ${P}/asked; sleep 984'") as process:
        assert eventually(shell.path("asked").exists)
        command, clock = (int(pid) for pid in shell.path("run/1.cut").read_text().split())
        process.kill()
        process.wait()
        assert process.pid not in at_work(shell)
        os.killpg(-command, signal.SIGKILL)
        assert eventually(lambda: at_work(shell) == [], 10), clock
