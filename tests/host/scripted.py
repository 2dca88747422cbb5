"""Scripts that say events, and runs of them in the background."""

import threading
import time

NONCE = "0123456789abcdef" * 2
#: runs for so many seconds, and ends at once when it is told to
LASTS = "trap 'kill %1; exit 130' TERM; sleep {} & wait"


def say(verb, what, detail="", stage="test"):
    """Return a line of bash that says one event."""
    return f"printf '%s\\t%s\\t%s\\t%s\\t%s\\n' {NONCE} {verb} {stage} '{what}' '{detail}'\n"


def is_gone(host, word):
    """Return whether no process on the host has this text in its command line."""
    return host.ssh(f"pgrep -f '[{word[0]}]{word[1:]}'", check=False).returncode == 1


def in_background(work):
    """Run `work` in a thread. Return a function that waits and returns its result or error, and the time."""
    box = []

    def run():
        try:
            box.append(work())
        except Exception as error:
            box.append(error)
        box.append(time.monotonic())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def result(timeout=40):
        thread.join(timeout)
        assert not thread.is_alive()
        return box

    return result


def begun(ours, script, **options):
    """Run a script in the background, and wait for its first event. Return the same as `in_background`."""
    heard = threading.Event()
    whole = say("stage", "x") + script
    result = in_background(
        lambda: ours.execute(whole, on_event=lambda _: heard.set(), nonce=NONCE, **options)
    )
    assert heard.wait(20)
    return result
