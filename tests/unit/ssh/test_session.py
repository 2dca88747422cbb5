"""A session reads the same lines however their bytes are cut, and notices a silent connection."""

import threading
import time
from contextlib import closing
from itertools import pairwise

import pytest
from desk import eventually
from hypothesis import given
from hypothesis import strategies as st
from roadie.ssh import session
from roadie.ssh.session import Refused, Session, Silent

MARK, PROMPT = "roadie-1", "P1"


class FakeChannel:
    """A channel that gives these pieces of output, and then ends."""

    def __init__(self, stdout=(), stderr=(), code=0, room=1 << 20):
        self.stdout = [piece for piece in stdout if piece]
        self.stderr = [piece for piece in stderr if piece]
        self.code = code
        self.out_window_size = room
        self.sent = b""
        self.closed = threading.Event()
        self.status_event = threading.Event()
        self.status_event.set()

    def settimeout(self, seconds):
        self.timeout = seconds

    def recv(self, size):
        return self.stdout.pop(0) if self.stdout else b""

    def recv_stderr(self, size):
        return self.stderr.pop(0) if self.stderr else b""

    def recv_stderr_ready(self):
        return bool(self.stderr)

    def recv_exit_status(self):
        return self.code

    def send(self, data):
        part = bytes(data[: min(len(data), self.out_window_size, 1000)])
        self.sent += part
        return len(part)

    def close(self):
        self.closed.set()


class MuteChannel(FakeChannel):
    """A channel that never gives any output and takes no input."""

    def __init__(self, **options):
        super().__init__(**options)
        self.tried = 0

    def recv(self, size):
        self.tried += 1
        time.sleep(0.01)
        raise TimeoutError

    recv_stderr = send = recv

    def recv_stderr_ready(self):
        return False


def opened(channel):
    return Session(channel, mark=MARK, prompt=PROMPT)


def cut(data, places):
    """Return the bytes, cut at those places."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]


@given(st.lists(st.text(st.characters(exclude_characters="\n"))), st.lists(st.integers(0, 1000)))
def test_lines_are_the_same_however_their_bytes_are_cut(lines, places):
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    channel = FakeChannel(cut(data, places))
    assert list(opened(channel).all_lines()) == data.decode().split("\n")[:-1]


def test_a_last_line_needs_no_end():
    assert list(opened(FakeChannel([b"one\ntw", b"o"])).all_lines()) == ["one", "two"]


def test_what_stands_before_the_mark_is_not_ours():
    channel = FakeChannel([b"Welcome\nno end", b"\nroadie-1\none\nroadie-1\ntwo\n"])
    assert list(opened(channel).lines()) == ["one", "roadie-1", "two"]


def test_a_line_without_an_end_is_handed_on_in_parts():
    pieces = [b"x" * (1 << 20)] * 40
    lines = list(opened(FakeChannel(pieces)).all_lines())
    assert "".join(lines) == "x" * (40 << 20)
    assert max(map(len, lines)) <= session._LONGEST_LINE + (1 << 20)


@pytest.mark.parametrize(
    "stderr",
    [
        b"roadie-1\n",
        b"banner\nroadie-1\n",
        b"no endroadie-1\n",
        b"P1roadie-1\n",
        b"lecture\n[sudo: P1] Password: \nroadie-1\nb\n",
    ],
)
def test_the_start_is_seen_whatever_is_said_before(stderr):
    for size in (1, 3, 100):
        pieces = [stderr[at : at + size] for at in range(0, len(stderr), size)]
        assert opened(FakeChannel(stderr=pieces)).wait_for_start()


def test_an_end_without_a_start_is_no_start_and_the_words_are_kept():
    it = opened(FakeChannel(stderr=[b"P1stranger is not", b" in the sudoers file.\n"], code=1))
    assert not it.wait_for_start()
    assert list(it.words) == ["stranger is not in the sudoers file."]
    assert it.exit_code() == 1


@pytest.mark.parametrize(
    "stderr", [b"P1Sorry, try again.\nP1", b"P1\nP1", b"[sudo: P1] Password: \nFailed\n[sudo: P1] Password: "]
)
def test_a_second_prompt_is_a_refusal(stderr):
    for size in (1, 100):
        pieces = [stderr[at : at + size] for at in range(0, len(stderr), size)]
        with pytest.raises(Refused):
            opened(FakeChannel(stderr=pieces)).wait_for_start()


@pytest.mark.parametrize("listen", [Session.wait_for_start, lambda it: list(it.all_lines())])
def test_silence_is_not_waited_on_for_ever(monkeypatch, listen):
    monkeypatch.setattr(session, "SILENCE", 0.1)
    with pytest.raises(Silent):
        listen(opened(MuteChannel()))


def test_all_of_the_input_is_sent_and_then_heartbeats(monkeypatch):
    monkeypatch.setattr(session, "HEARTBEAT", 0.01)
    channel = FakeChannel()
    with closing(opened(channel)) as it:
        it.feed((b"script", b"p" * 5000, bytearray(b"more")))
        assert eventually(lambda: channel.sent.endswith(b"\n\n"))
    assert channel.sent.rstrip(b"\n") == b"script" + b"p" * 5000 + b"more"
    assert channel.closed.is_set()


def test_closing_ends_what_waits_to_send():
    channel = MuteChannel(room=0)
    with closing(opened(channel)) as it:
        sender = threading.Thread(target=it.send, args=(b"x",))
        sender.start()
        assert eventually(lambda: channel.tried)
    sender.join(20)
    assert not sender.is_alive()
