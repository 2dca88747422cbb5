"""Signals all processes of a user: of the uid, from a uid that only this process has, with such as KILL."""

import os
import signal
import sys

uid, me = map(int, sys.argv[1:3])
os.setgroups([])
os.setresuid(me, uid, me)
os.kill(-1, signal.Signals[f"SIG{sys.argv[3]}"])
