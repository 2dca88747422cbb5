"""Runs a call of roadie_release in the project's shell; where a project hangs, it is ended and says where."""

import faulthandler
import runpy
import sys


def watch(seconds=60):
    """End this process, with a traceback, if it has not gone on by then."""
    faulthandler.dump_traceback_later(seconds, exit=True)


def watch_no_more():
    """What comes now may take its time."""
    faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    watch(*map(float, sys.argv[2:]))
    call = f"import roadie_release; roadie_release.{sys.argv[1]}"
    sys.argv = ["manage.py", "shell", "-v", "0", "-c", call]
    runpy.run_path("manage.py", run_name="__main__")
