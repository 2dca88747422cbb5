"""Ctrl-C ends what tests start, also if a shell runs the tests in its background, where it ignores Ctrl-C."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
