"""The program of a slot, which Supervisor runs. It loads Django and Gunicorn while the release is laid out.

`python -m roadie_gunicorn SLOT APPLICATION OPTION...` starts with the environment of its own release, or of
the release that serves. Then it waits for files in the slot's folder. With `inspect`, it checks the release,
and writes the answers into the FIFO `answers`. With `serve`, it becomes Gunicorn.
"""

import gc
import os
import signal
import sys
import time
from contextlib import suppress
from importlib import import_module
from importlib.machinery import all_suffixes
from pathlib import Path

# What to load of Django for each class of workers: modules that need no settings. Gevent must patch before
# Django is loaded, so it is not here. A class that the project's gunicorn.conf.py names may have to as well.
DJANGO = {
    "sync": "django.core.handlers.wsgi",
    "gthread": "django.core.handlers.wsgi",
    "uvicorn_worker.UvicornWorker": "django.core.handlers.asgi",
}
GUNICORN = "gunicorn.app.wsgiapp", "gunicorn.arbiter"
SUFFIXES = tuple(all_suffixes())


def load_django(options):
    """Load what the check and each worker would otherwise load for themselves."""
    workers = options[options.index("--worker-class") + 1] if "--worker-class" in options else ""
    if workers in DJANGO:
        load(DJANGO[workers])


def load(*modules):
    """Import the modules if possible. If one fails, the error shows later, when the module is needed."""
    gc.disable()  # imports make no garbage, and to search for it would take an eighth of the time
    with suppress(Exception):
        for module in modules:
            import_module(module)
    gc.enable()
    gc.freeze()  # forks share the memory of objects that the collector does not touch


def await_release(slot, *modules):
    """Wait, and return False once the release may serve. In the process forked for the check, return True.

    Meanwhile load the modules. The check does not need them, and does not wait until they are loaded.
    """
    is_asked, soon = False, time.monotonic() + 60
    while True:
        may_serve = (slot / "serve").exists()
        if not is_asked and (slot / "inspect").exists():
            is_asked = True
            if fork_check(slot):
                return True
        if modules:
            load(*modules)
            modules = ()
            continue
        if may_serve:
            return False
        with suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        time.sleep(0.005 if time.monotonic() < soon else 0.1)


def fork_check(slot):
    """Fork a process for the check, in which this returns True, and one that reports how the check ended."""
    try:
        answers = os.open(slot / "answers", os.O_WRONLY | os.O_NONBLOCK)
        (slot / "answers").chmod(0)  # a process that Supervisor starts after this one must not check again
    except OSError:  # no stage waits for the check any more
        return False
    os.set_blocking(answers, True)
    teller = os.fork()
    if teller:
        os.write(answers, f"roadie:\tteller\t{teller}\n".encode())
        os.close(answers)
        return False
    if "LISTEN_PID" in os.environ:  # neither of the two processes serves, so neither keeps the slot's socket
        os.close(3)
    check = os.fork()
    if check:
        code = os.waitstatus_to_exitcode(os.waitpid(check, 0)[1])
        with suppress(OSError):  # the stage has all its answers and has closed the FIFO
            os.write(answers, f"\nroadie:\tended\t{code if code >= 0 else 128 - code}\n".encode())
        os._exit(0)  # always 0: this is a child of Gunicorn, to which some other exit codes have a meaning
    for stream in sys.stdout, sys.stderr:
        os.dup2(answers, stream.fileno())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return True


def look_after_children():
    """Reap the children that exist now until Gunicorn does it, so that none stays as a zombie.

    Ignoring SIGCHLD would also reap them, but would hide the exit codes of processes that the project starts.
    """
    children = set()
    with suppress(OSError):  # a kernel without this file
        children.update(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))

    def bury(*_):
        for child in [*children]:
            try:
                is_over = os.waitpid(child, os.WNOHANG)[0]
            except ChildProcessError:
                is_over = True
            if is_over:
                children.discard(child)

    signal.signal(signal.SIGCHLD, bury)
    bury()


def move(before, release):
    """Change paths and environment as if this process had started in the release."""
    virtualenv = Path(sys.prefix).with_name(Path(before, "venv").readlink().name)
    for name, value in os.environ.items():
        os.environ[name] = value.replace(before, release).replace(str(virtualenv), sys.prefix)
    sys.path[:] = [path.replace(before, release) for path in sys.path]
    os.chdir(os.environ["ROADIE_WORK_DIR"])
    if "gunicorn.config" in sys.modules:  # Gunicorn changes to the folder in which this was loaded
        sys.modules["gunicorn.config"].Chdir.default = os.environ["ROADIE_WORK_DIR"]


def has_own(release):
    """Whether the release has a module of the same name as one that was loaded from elsewhere."""
    loaded = {name.partition(".")[0] for name in sys.modules}
    folders = [Path(path) for path in sys.path if path.startswith(f"{release}/")]
    return any(module_of(path) in loaded for folder in folders for path in folder.iterdir())


def module_of(path):
    """The module name of a file or package; empty for others: a folder without __init__.py hides nothing."""
    is_one = (path / "__init__.py").exists() if path.is_dir() else path.name.endswith(SUFFIXES)
    return path.name.partition(".")[0] if is_one else ""


def check(order, *, anew):
    """Check the release as the file `order` says: its first line is a call, the others set variables."""
    gc.disable()  # the check is short; `inspect` enables it again before steps that may be long
    call, *variables = order.read_text("utf-8").splitlines()
    os.environ.update(one.split("=", 1) for one in variables)
    if anew:
        os.execv(sys.executable, [sys.executable, "-m", "roadie_start", call])
    for name in [*sys.modules]:  # a project may take a loaded gunicorn as the sign that it serves
        if name.partition(".")[0] == "gunicorn":
            del sys.modules[name]
    import_module("roadie_start").ask(call)


def main(slot, options):
    """Load, wait, and move to the release; then check it or serve it.

    If `serve` is there at the start, load nothing first: visitors already wait at the socket.
    """
    overlay, _, _ = os.environ["PYTHONPATH"].partition(os.pathsep)
    before, release = str(Path(overlay).parent), os.path.realpath(slot / "release")
    is_early, paths = before != release, sys.path[:]
    if is_early:  # do not load the modules of another release
        sys.path[:] = [path for path in paths if not path.startswith(f"{before}/")]
    if (slot / "serve").exists():
        is_for_check = await_release(slot)
    else:
        load_django(options)
        is_for_check = await_release(slot, *GUNICORN)
    os.environ["ROADIE_SLOT"] = str(slot)
    sys.path[:] = [*paths, *(path for path in sys.path if path not in paths)]
    if is_early:
        move(before, release)
    anew = is_early and has_own(release)
    if is_for_check:
        check(slot / "inspect", anew=anew)
        return
    look_after_children()
    if anew:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    else:
        import_module("roadie_serving").serve()


if __name__ == "__main__":
    main(Path(sys.argv.pop(1)), sys.argv)
