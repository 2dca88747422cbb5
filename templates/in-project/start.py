"""Runs a call of roadie's modules in the project's shell; a project that hangs is ended, and says where.

Each answer is a line `roadie:<tab>KEY<tab>VALUE` among whatever the project itself prints.
"""

import faulthandler
import runpy
import sys


def answer(key, value):
    """Tell the stage that asked."""
    print(f"roadie:\t{key}\t{' '.join(str(value).split())}", flush=True)


def watch(seconds=60):
    """End this process, with a traceback, if it has not gone on by then."""
    faulthandler.dump_traceback_later(seconds, exit=True)


def watch_no_more():
    """What comes now may take its time."""
    faulthandler.cancel_dump_traceback_later()


def ask(call, *seconds):
    """Run it as `manage.py shell` would."""
    watch(*map(float, seconds))
    module = f"roadie_{call.partition('.')[0]}"
    sys.argv = ["manage.py", "shell", "-v", "0", "-c", f"import {module}; roadie_{call}"]
    runpy.run_path("manage.py", run_name="__main__")


if __name__ == "__main__":
    ask(*sys.argv[1:])
