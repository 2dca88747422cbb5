"""Ctrl-C ends what tests start, also where a shell runs the tests in its background, and so has them ignore it."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
