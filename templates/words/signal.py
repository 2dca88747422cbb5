"""Sends a signal, such as KILL, to all processes of a uid, from another uid that nobody else has."""

import os
import signal
import sys

uid, me = map(int, sys.argv[1:3])
os.setgroups([])
os.setresuid(me, uid, me)
os.kill(-1, signal.Signals[f"SIG{sys.argv[3]}"])
