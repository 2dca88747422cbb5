"""Questions come one at a time. The thread that waits for the work asks them."""

import io
import shlex
import subprocess
import sys
import threading
import time

import pytest
from roadie import console


@pytest.fixture
def typed(monkeypatch):
    """Lets a person type these lines."""

    def type_(text):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return type_


def test_an_answer_comes_back(typed, capsys):
    typed("yes \n")
    assert console.ask("sure? ") == "yes"
    assert capsys.readouterr().err == "sure? "


def test_an_end_of_input_is_an_empty_answer(typed):
    typed("")
    assert console.ask("sure? ") == ""


def test_what_is_said_after_an_interrupted_question_has_its_own_line(monkeypatch, capsys):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.readline", interrupt, raising=False)
    with pytest.raises(KeyboardInterrupt):
        console.ask("sure? ")
    assert capsys.readouterr().err == "sure? \n"


def test_the_waiting_thread_asks_the_questions_of_background_threads(typed):
    typed("one\ntwo\n")
    answers, asked_by = [], []
    put = console._Question.put

    def note(question):
        asked_by.append(threading.current_thread())
        put(question)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console._Question, "put", note)
        for _ in range(2):
            console.in_background(lambda: answers.append(console.ask("? ")))
        console.serve_until(lambda: len(answers) == 2)
    assert sorted(answers) == ["one", "two"]
    assert set(asked_by) == {threading.current_thread()}


def test_a_lock_that_a_thread_holds_while_it_asks_can_be_waited_for(typed):
    typed("open\n")
    lock = threading.Lock()
    answers = []

    def work():
        try:
            answers.append(console.ask("? "))
        finally:
            lock.release()
            console.wake()

    lock.acquire()
    console.in_background(work)
    console.wait_for(lock)
    assert answers == ["open"]


def test_a_line_waits_for_the_answer(typed, capsys):
    asked, answered = threading.Event(), threading.Event()

    class Slow(io.StringIO):
        def readline(self, *args):
            asked.set()
            time.sleep(0.1)
            answered.set()
            return "x\n"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", Slow())
        asker = threading.Thread(target=console.ask, args=("? ",))
        asker.start()
        assert asked.wait(20)
        console.say("a line")
        is_answered = answered.is_set()
        asker.join()
    assert is_answered
    assert capsys.readouterr().out == "a line\n"


def test_a_reader_that_has_gone_breaks_off_nothing():
    program = "from roadie import console; [console.say('x' * 100) for _ in range(5000)]; raise SystemExit(5)"
    done = subprocess.run(
        f"{sys.executable} -c {shlex.quote(program)} | head -n 1; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (5, "x" * 100 + "\n", "")
