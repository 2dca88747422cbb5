"""Restores Ctrl-C for tests that a shell runs in its background. Such a shell ignores Ctrl-C for them."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
