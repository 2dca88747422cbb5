"""What Supervisor runs in a slot: Gunicorn. It loads itself and Django while the release is still on its way.

`python -m roadie_gunicorn SLOT APPLICATION OPTION...`, begun with the environment of the release that serves,
or with its own. A file `inspect` in the slot's folder asks for the release's check, whose answers go into
the FIFO `answers` there; a file `serve` has Gunicorn serve.
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

# What needs no settings, by the class of workers. Gevent has to patch before anything of Django is loaded,
# and so may a project whose own gunicorn.conf.py names the class.
DJANGO = {
    "sync": "django.core.handlers.wsgi",
    "gthread": "django.core.handlers.wsgi",
    "uvicorn_worker.UvicornWorker": "django.core.handlers.asgi",
}
GUNICORN = "gunicorn.app.wsgiapp", "gunicorn.arbiter"
SUFFIXES = tuple(all_suffixes())


def load_django(options):
    """Load what each worker, and the check, would otherwise load for itself."""
    workers = options[options.index("--worker-class") + 1] if "--worker-class" in options else ""
    if workers in DJANGO:
        load(DJANGO[workers])


def load(*modules):
    """Import them, if they can be; whatever is wrong will be told when they are needed."""
    gc.disable()  # what comes with imports stays: to look for garbage in it costs an eighth of the time
    with suppress(Exception):
        for module in modules:
            import_module(module)
    gc.enable()
    gc.freeze()  # what is never collected stays shared with the processes to come


def await_release(slot, *modules):
    """Return once the release may be served, False; or in a process for its check, True.

    Loads the modules meanwhile; the check, which needs none of them, does not wait for that.
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
    """Fork a process for the check, in which this returns True, and one that tells how that ended."""
    try:
        answers = os.open(slot / "answers", os.O_WRONLY | os.O_NONBLOCK)
        (slot / "answers").chmod(0)  # once only: not again by a process that Supervisor starts after this one
    except OSError:  # nobody asks any more
        return False
    os.set_blocking(answers, True)
    teller = os.fork()
    if teller:
        os.write(answers, f"roadie:\tteller\t{teller}\n".encode())
        os.close(answers)
        return False
    check = os.fork()
    if check:
        code = os.waitstatus_to_exitcode(os.waitpid(check, 0)[1])
        with suppress(OSError):  # all was heard that was asked for
            os.write(answers, f"\nroadie:\tended\t{code if code >= 0 else 128 - code}\n".encode())
        os._exit(0)  # whatever it was: to Gunicorn, whose child this is, other codes mean something
    for stream in sys.stdout, sys.stderr:
        os.dup2(answers, stream.fileno())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return True


def look_after_children():
    """Until Gunicorn does, have none of those that are there stay behind as a zombie.

    To ignore SIGCHLD would do too, but then whatever the project starts meanwhile has no exit code.
    """
    children = set()
    with suppress(OSError):  # of a kernel that does not tell
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
    """Be as a process that began in this release. Its environment differs in nothing but its folders."""
    virtualenv = Path(sys.prefix).with_name(Path(before, "venv").readlink().name)
    for name, value in os.environ.items():
        os.environ[name] = value.replace(before, release).replace(str(virtualenv), sys.prefix)
    sys.path[:] = [path.replace(before, release) for path in sys.path]
    os.chdir(os.environ["ROADIE_WORK_DIR"])
    if "gunicorn.config" in sys.modules:  # it goes back to where it was loaded
        sys.modules["gunicorn.config"].Chdir.default = os.environ["ROADIE_WORK_DIR"]


def has_own(release):
    """Whether the release has a module by the name of one that was loaded from elsewhere."""
    loaded = {name.partition(".")[0] for name in sys.modules}
    folders = [Path(path) for path in sys.path if path.startswith(f"{release}/")]
    return any(module_of(path) in loaded for folder in folders for path in folder.iterdir())


def module_of(path):
    """What a file or a folder is imported as; a folder that is no package comes after all that are one."""
    is_one = (path / "__init__.py").exists() if path.is_dir() else path.name.endswith(SUFFIXES)
    return path.name.partition(".")[0] if is_one else ""


def check(order, *, anew):
    """Ask the release what the file says: a call, and variables for its environment."""
    gc.disable()  # for the little while that it takes; `inspect` has it back where it may be long
    call, *variables = order.read_text("utf-8").splitlines()
    os.environ.update(one.split("=", 1) for one in variables)
    if anew:
        os.execv(sys.executable, [sys.executable, "-m", "roadie_start", call])
    for name in [*sys.modules]:  # by which projects tell whether they serve
        if name.partition(".")[0] == "gunicorn":
            del sys.modules[name]
    import_module("roadie_start").ask(call)


def main(slot, options):
    """Load, wait and move there; then check the release, or serve it.

    What may serve already is Gunicorn at once: visitors wait at its socket.
    """
    before, release = str(Path(os.environ["PYTHONPATH"]).parent), os.path.realpath(slot / "release")
    is_early, paths = before != release, sys.path[:]
    if is_early:  # the modules there are those of another release
        sys.path[:] = [path for path in paths if not path.startswith(f"{before}/")]
    if (slot / "serve").exists():
        is_for_check = await_release(slot)
    else:
        load_django(options)
        is_for_check = await_release(slot, *GUNICORN)
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
