"""Calls a function of roadie's modules in the project's shell. Ends a project that hangs, with a traceback.

Each answer is a line `roadie:<tab>KEY<tab>VALUE`. The project may print other lines in between.
"""

import faulthandler
import runpy
import sys

import roadie_site as site


def answer(key, value):
    """Send one answer to the stage that asked."""
    print(f"roadie:\t{key}\t{' '.join(str(value).split())}", flush=True)


def watch(seconds=site.START_SECONDS):
    """End this process with a traceback after so many seconds, unless watch_no_more() comes first."""
    faulthandler.dump_traceback_later(seconds, exit=True)


def watch_no_more():
    """Stop the watch: the next part may take long."""
    faulthandler.cancel_dump_traceback_later()


def ask(call, *seconds):
    """Run the call as `manage.py shell` would."""
    watch(*map(float, seconds))
    module = f"roadie_{call.partition('.')[0]}"
    sys.argv = ["manage.py", "shell", "-v", "0", "-c", f"import {module}; roadie_{call}"]
    runpy.run_path("manage.py", run_name="__main__")


if __name__ == "__main__":
    ask(*sys.argv[1:])
