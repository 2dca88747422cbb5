"""Host: one server. A script goes in, events come out."""

from __future__ import annotations

import gzip
import itertools
import secrets
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event as Flag
from threading import Lock

from fabric import Connection

from .. import console
from ..errors import Interrupted, RoadieError, Unreachable
from ..events import Event
from ..scripts.render import TEMPLATES
from . import terminal, transport
from .progress import Progress
from .session import Payload, Refused, Session, Silent

_LONGEST_WORDS = 2000
#: the level of gzip: a packed script is a third as large, which saves round trips on a slow link
_PACKING = 4

_passwords: dict[str, str] = {}
_passwords_lock = Lock()


@dataclass(frozen=True)
class Outcome:
    """How a script ended: its exit code, its events, and the last of what programs printed."""

    code: int
    events: list[Event]
    tail: list[str]


def wrap_script(mark: str) -> str:
    """The program that receives scripts on the host. A lost link does not kill the scripts that it runs."""
    return (TEMPLATES / "frame/wrap.sh").read_text().replace("@MARK@", mark)


class Host:
    """One server, by the name that the user gave. The connection is opened on first use and kept."""

    def __init__(self, connection: Connection, *, user: str | None = None, port: int | None = None) -> None:
        self.connection = connection
        name = str(connection.original_host)
        self.name = f"[{name}]:{port}" if port and ":" in name else f"{name}:{port}" if port else name
        #: the failure because of which later tasks of the same command leave this host out
        self.failure: Exception | None = None
        self._user = user
        self._port = port
        self._opening = Lock()
        self._refusal: Exception | None = None
        self._stopped = Flag()
        self._session: Session | None = None
        self._sudo_asks = False

    @property
    def address(self) -> str:
        """The host as the user wrote it: `name`, or `user@name`."""
        return f"{self._user}@{self.name}" if self._user else self.name

    def open(self) -> None:
        """Connect if there is no connection yet. Raises Unreachable with the reason."""
        console.wait_for(self._opening)
        try:
            if self._refusal:
                raise self._refusal
            transport.connect(self.connection, user=self._user, port=self._port)
        finally:
            self._opening.release()
            console.wake()

    def open_soon(self) -> None:
        """Begin to connect in the background. `open` waits for the connection, or says why there is none."""
        console.in_background(self._open_early)

    def _open_early(self) -> None:
        try:
            self.open()
        except Exception as error:
            self._refusal = error

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def stop(self) -> None:
        """Break off the running script, from any thread. `execute` then raises Interrupted at once."""
        self._stopped.set()
        session = self._session
        if session:
            with suppress(OSError, EOFError):  # the connection may be gone already
                session.close()

    def execute(
        self,
        script: str,
        payload: Payload = b"",
        on_event: Callable[[Event], None] | None = None,
        nonce: str = "",
        on_line: Callable[[str], None] | None = None,
        *,
        looks: bool = False,
    ) -> Outcome:
        """Carry out a script as root, and hand out its events as they come. Lines with `nonce` are events.

        `on_line` gets all other lines, which programs print. A script that only `looks` leaves no log on the
        host. All scripts for a host share one session. The host has the whole payload in a file before the
        script begins. Raises Unreachable if the link is lost, and Interrupted after `stop`.
        """
        progress = Progress(self.name, nonce, on_event, on_line)
        code = self._run(script, payload, "look" if looks else "run", progress)
        if self._stopped.is_set():
            raise Interrupted(f"{self.name}: stopped {progress.where()}")
        if code == -1:
            self.close()
            raise Unreachable(
                f"lost {self.name} {progress.where()}; what runs there finishes or stops by itself; "
                "run the same command again"
            )
        return Outcome(code, progress.events, list(progress.tail))

    def terminal(self, command: str | Sequence[str]) -> int:
        """Run a program as root in this terminal, or on our standard streams if they are no terminal.

        Returns the program's exit code.
        """
        self.open()
        self._leave_session()
        text = command if isinstance(command, str) else shlex.join(command)
        if terminal.is_whole():
            # In a terminal sudo asks for the password itself.
            words = _command(text) if self._logs_in_as_root else f"sudo -- {_command(text)}"
            channel = transport.open_session(self.connection, words, terminal.size())
        else:
            try:
                channel = self._become_root(_new_mark(), text).release()
            finally:
                self._session = None
        try:
            with console.aside():
                code = terminal.attach(channel)
        finally:
            channel.close()
        if code == -1:
            raise Unreachable(f"lost {self.name} in the middle of {text}; run it again")
        return code

    def _run(self, script: str, payload: Payload, kind: str, progress: Progress) -> int:
        """Send a script and take what it says. Returns its exit code; -1 if it was lost or stopped."""
        try:
            self.open()
            try:
                session, end = self._send(script, payload, kind)
                return self._listen(session, end, progress)
            except BaseException:
                self._end_session()
                raise
        except Silent:
            return -1
        except (OSError, EOFError, Unreachable):
            if not self._stopped.is_set():
                raise
            return -1

    def _send(self, script: str, payload: Payload, kind: str) -> tuple[Session, str]:
        """Send a script with its payload. Returns the session, and the token that precedes the exit code."""
        if not self._can_be_fed():
            self._end_session()
        session = self._session or self._open_session()
        data, end = packed(script), _new_end()
        head = f"ROADIE {session.mark} {kind} {_new_id()} {len(data)} {len(payload)} {end}\n"
        session.feed((head.encode(), data, payload))
        return session, end

    def _open_session(self) -> Session:
        mark = _new_mark()
        return self._become_root(mark, f"echo; echo {mark}\n{wrap_script(mark)}")

    def _listen(self, session: Session, end: str, progress: Progress) -> int:
        """Take the lines of a script until its end. Returns its exit code, or -1 if the host is lost."""
        for line in session.lines():
            line, is_over, code = line.partition(end)  # A program's last line may lack its newline.
            if line or not is_over:
                progress.take(line)
            if is_over:
                return int(code) if code.strip().isdecimal() else -1
        status = session.exit_code()
        self._end_session()
        return status or -1

    def _leave_session(self) -> None:
        """End the session so that another can be opened at once."""
        if self._session and self._can_be_fed():
            self._session.finish()
        self._end_session()

    def _can_be_fed(self) -> bool:
        return self._session is not None and self._session.is_open_on(self.connection.transport)

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session:
            with suppress(OSError, EOFError):  # the connection may be gone already
                session.close()

    def _become_root(self, mark: str, program: str) -> Session:
        """Run bash as root: directly, through sudo, or through sudo with a password."""
        if self._logs_in_as_root:
            return self._await_start(self._start("", mark, program))
        if not self._sudo_asks and self._known_password() is None:
            session = self._start("sudo -n --", mark, program)
            if self._has_started(session):
                return session
            self._sudo_asks = session.exit_code() == 1 and _asks_for_password(session)
            if not self._sudo_asks:
                raise self._refused(session)
            session.close()
        session = self._start(f"sudo -S -p {_prompt(mark)} --", mark, program)
        # Send only the password until sudo is done: sudo would take another line for a second try.
        session.send(f"{self._password()}\n".encode())
        return self._await_start(session)

    def _start(self, sudo: str, mark: str, program: str) -> Session:
        words = _command(f"echo {mark} >&2\n{program}")
        words = f"env LC_ALL=C {sudo} {words}" if sudo else words
        channel = transport.open_session(self.connection, words)
        session = Session(channel, mark=mark, prompt=_prompt(mark))
        self._session = session
        if self._stopped.is_set():
            session.close()
        return session

    def _await_start(self, session: Session) -> Session:
        try:
            if self._has_started(session):
                return session
        except Refused:
            session.close()
            self._forget_password()
            raise Unreachable(f"{self._who}: sudo refused the password") from None
        raise self._refused(session)

    def _has_started(self, session: Session) -> bool:
        try:
            return session.wait_for_start()
        except Silent:
            session.close()
            raise Unreachable(
                f"{self._who}: the login shell started no bash in time; it said last: "
                f"{session.last_words() or 'nothing'}; look at its start files on the host"
            ) from None

    def _refused(self, session: Session) -> RoadieError:
        """The error for a session that ended before our program ran as root."""
        code = session.exit_code()
        session.close()
        lines = itertools.chain(session.words, itertools.islice(session.all_lines(), 1000))
        said = [line[:_LONGEST_WORDS] for line in lines if line.strip()]
        words = said[-1] if said else f"exit code {code}"
        if code == -1 and not said:
            return Unreachable(f"lost {self.name} before anything ran; run the same command again")
        if self._logs_in_as_root:
            return Unreachable(f"{self._who}: the login shell does not run bash: {words}")
        cure = "log in as root, or allow this user to use sudo"
        if "tty" in words:
            cure = f"allow sudo without a terminal, in sudoers: Defaults:{self.connection.user} !requiretty"
        return Unreachable(f"{self._who}: sudo refused: {words}; {cure}")

    @property
    def _logs_in_as_root(self) -> bool:
        return bool(self.connection.user == "root")

    @property
    def _who(self) -> str:
        return f"{self.connection.user}@{self.name}"

    def _known_password(self) -> str | None:
        given = self.connection.config.sudo.password
        return _passwords.get(self.connection.user) if given is None else str(given)

    def _password(self) -> str:
        """sudo's password: from --prompt-for-sudo-password, or asked once for all hosts of a user."""
        with _passwords_lock:
            known = self._known_password()
            if known is None:
                if not console.is_interactive():
                    raise Unreachable(f"{self._who}: sudo wants a password; use --prompt-for-sudo-password")
                known = console.ask(f"sudo password of {self._who}: ", secret=True)
                _passwords[self.connection.user] = known
            return known

    def _forget_password(self) -> None:
        with suppress(KeyError):
            del _passwords[self.connection.user]


def _asks_for_password(session: Session) -> bool:
    """Whether sudo ended because it wants a password, and not because it wants a terminal."""
    said = [line for line in session.words if line.strip()]
    return not any("must have a tty" in line for line in said)


def packed(script: str) -> bytes:
    """A script as it is sent to the host."""
    return gzip.compress(script.encode(), _PACKING, mtime=0)


def _command(program: str) -> str:
    """The command that runs a program in bash under any login shell.

    In tcsh a quoted text may have no newline, and `!` is special even there. So bash gets the program with
    other characters in their places, and puts both back.
    """
    newline, bang = [each for each in "^@,;=:\x01\x02" if each not in program][:2]
    unfold = f'printf -v n "\\n"; printf -v e "\\41"; n=${{0//{newline}/$n}}; eval "${{n//{bang}/$e}}"'
    folded = program.replace("\n", newline).replace("!", bang)
    return f"bash -c {shlex.quote(unfold)} {shlex.quote(folded)}"


def _new_id() -> str:
    return secrets.token_hex(8)


def _new_end() -> str:
    return secrets.token_hex(16)


def _new_mark() -> str:
    return f"roadie-{secrets.token_hex(8)}"


def _prompt(mark: str) -> str:
    return f"P{mark}"
