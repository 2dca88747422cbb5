#!/usr/bin/python3 -IS
"""enclose APP PROGRAM SECONDS COMMAND...: becomes the program, as the user of the site APP. From roadie.

Supervisor starts this as root. The program gets a control group of its own. All processes that the program
starts stay in that group, and can be ended with the program.

Only root can write into the folder of the sockets. So the program of a slot gets its socket from here, by
systemd's protocol: a descriptor 3 that listens already, LISTEN_FDS and LISTEN_PID.

A Supervisor that was killed leaves its programs running, and a program that crashed may leave processes.
These processes have SECONDS to finish. A program must not run twice, so it waits for their end. But the web
processes of a slot serve visitors, so they go on until the new ones can serve: see take_over.
"""

import grp
import os
import pwd
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

GROUPS = [
    Path(root, "system.slice/supervisor.service") for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
]
SLOTS = {"blue": "green", "green": "blue"}
# How many seconds to wait for a program that does not tell when it can serve. Neither a release of an earlier
# roadie nor a template of the user's own does.
UNTOLD = 10


def read(path):
    """The text of a file; empty if the file is gone."""
    with suppress(OSError):
        return path.read_text()
    return ""


def parent(pid):
    """The parent of a process; 0 if there is no such process."""
    fields = read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return int(fields[1]) if fields else 0


# ---- Control groups: PROGRAM.SUPERVISOR.PID, with the PIDs of Supervisor and of the program ----------------


def enter(name):
    """Make a control group for this process, and enter it."""
    for groups in GROUPS:
        if Path(groups, "cgroup.procs").exists():
            Path(groups, name).mkdir(exist_ok=True)
            Path(groups, name, "cgroup.procs").write_text(str(os.getpid()))
            return
    raise OSError("this host has none of version 2")


def left_by(program, but=""):
    """The program's groups with processes, except those of the Supervisor `but`. Removes empty groups."""
    found = []
    for group in [one for groups in GROUPS for one in groups.glob(f"{program}.*.*")]:
        supervisor, _, pid = group.name.removeprefix(f"{program}.").partition(".")
        if not (supervisor.isdigit() and pid.isdigit()) or supervisor == but:
            continue
        if processes_in(group):
            found.append(group)
        else:
            with suppress(OSError):  # somebody else has just removed it
                group.rmdir()
    return found


def processes_in(group):
    """The processes in a group."""
    return [int(pid) for pid in read(group / "cgroup.procs").split()]


def end(groups, seconds):
    """Tell the first processes of each group to end. After so many seconds, kill all that are left."""
    for group in groups:
        everybody = processes_in(group)
        for pid in everybody:
            if parent(pid) not in everybody:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while any(map(processes_in, groups)) and time.monotonic() < deadline:
        time.sleep(0.1)
    for group in filter(processes_in, groups):
        with suppress(OSError):  # the last process has just ended
            Path(group, "cgroup.kill").write_text("1")


# ---- The socket of a slot: the path leads to the socket of the process that serves, PATH.PID ---------------


def serve_in(app, slot, seconds):
    """Listen for the slot, and have this program take over from web processes that were left running."""
    path = Path(f"/run/{app}/{slot}.sock")
    mine = path.with_name(f"{path.name}.{os.getpid()}")
    left = left_by(f"{app}-{slot}")
    left_idle = left_by(f"{app}-{SLOTS[slot]}", but=str(os.getppid()))
    listen(app, path, mine)
    if not left:
        point(path, mine)
    if left or (left_idle and serves(app, slot)):
        program, supervisor, (told, tell) = os.getpid(), os.getppid(), os.pipe()
        if is_apart():
            os.close(3)
            os.close(tell)
            take_over(told, path, mine, left, lambda: parent(program) == supervisor)
            end(left, seconds)
            end(left_idle if serves(app, slot) else [], seconds)
            os._exit(0)
        os.close(told)
        os.set_inheritable(tell, True)
        os.environ["ROADIE_READY"] = str(tell)


def listen(app, path, mine):
    """Listen as descriptor 3. Only root, nginx and the site can connect."""
    path.parent.mkdir(exist_ok=True)
    os.chown(path.parent, 0, 0)
    path.parent.chmod(0o711)
    for old in path.parent.glob(f"{path.name}.*"):
        pid = old.name.removeprefix(f"{path.name}.").partition(".")[0]
        # If a program was killed, its workers may go on at the socket that the path leads to.
        if not Path("/proc", pid).exists() and path.resolve() != old:
            old.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(mine))
    os.chown(mine, pwd.getpwnam(app).pw_uid, grp.getgrnam("www-data").gr_gid)
    mine.chmod(0o660)
    server.listen(2048)
    descriptor = server.detach()
    if descriptor != 3:
        os.dup2(descriptor, 3)
        os.close(descriptor)
    os.set_inheritable(3, True)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))


def point(path, mine):
    """Lead the path to this socket by one rename, so that somebody listens there all the time."""
    new = mine.with_name(f"{mine.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(mine.name)
    new.replace(path)


def serves(app, slot):
    """Whether the site serves from this slot, and Supervisor is not to run the other one."""
    idle = Path(f"/etc/supervisor/conf.d/{app}-{SLOTS[slot]}.conf")
    return os.path.realpath(f"/srv/{app}/live") == f"/srv/{app}/slots/{slot}" and not idle.is_symlink()


def is_apart():
    """Fork a process that init adopts. Return True in it, and False in this one."""
    if os.fork() == 0:
        if os.fork() == 0:
            os.setsid()
            return True
        os._exit(0)
    os.wait()
    return False


def take_over(told, path, mine, left, is_there):
    """Lead the path to the new socket, once the program can serve or no older process is left.

    If the program or its Supervisor ends before that, the older processes go on, and this process ends.
    """
    deadline, has_told = time.monotonic() + UNTOLD, []
    while not has_told and any(map(processes_in, left)) and time.monotonic() < deadline:
        has_told = select.select([told], [], [], 0.05)[0]
    if (has_told and not os.read(told, 1)) or not is_there():
        mine.unlink(missing_ok=True)
        os._exit(0)
    point(path, mine)
    time.sleep(5)  # so that visitors in the queue of the older socket get their answers


# ---- The program -------------------------------------------------------------------------------------------


def main(app, program, seconds, *command):
    """Become the command, as the user of the site."""
    if os.getuid():
        sys.exit("roadie: this must start as root; take user= out of the template of the program")
    slot = program.removeprefix(f"{app}-")
    if slot in SLOTS:
        serve_in(app, slot, int(seconds))
    else:
        end(left_by(program), int(seconds))
    try:
        enter(f"{program}.{os.getppid()}.{os.getpid()}")
    except OSError as error:
        told = "what this program leaves behind does not end with it"
        print(f"roadie: no control group of its own ({error}): {told}", flush=True)
    user = [f"--reuid={app}", f"--regid={app}", "--init-groups", "--inh-caps=-all"]
    os.execv("/usr/bin/setpriv", ["setpriv", *user, "--", *command])


if __name__ == "__main__":
    main(*sys.argv[1:])
