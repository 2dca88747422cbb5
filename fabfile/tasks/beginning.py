"""`roadie init`: looks at the project, asks for what nothing here tells, and writes the first two files."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context

from .. import console
from ..display.current import result, tell
from ..errors import RoadieError, UsageError
from ..run.command import hosts_of, named_hosts
from ..run.parallel import in_parallel
from ..run.task import roadie_task

if TYPE_CHECKING:
    from ..git.trees import Tree
    from ..settings.reading import Settings
    from ..ssh.host import Host

#: one thing that was looked at: whether all is well, what it is, and a sentence
Finding = tuple[bool, str, str]

#: how often to ask until an answer can be used, and the seconds to wait for DNS
_TRIES, _PATIENCE = 5, 5
_OS = '. /etc/os-release && echo "$PRETTY_NAME"'


@dataclass(frozen=True)
class _Seen:
    """What a look at the project has told."""

    settings: Settings
    findings: list[Finding]
    #: the site's name, as far as the project tells it
    domain: str = ""
    #: the lines of fabric.yaml for what the project needs beside the web
    beside: str = ""


@roadie_task(
    group="set-up",
    examples=("init", "init --domain www.shop.org -H root@203.0.113.7 --yes"),
    help={
        "domain": "the name that visitors will type",
        "yes": "ask nothing: take what is given and what the project says",
    },
)
def init(c: Context, domain: str = "", yes: bool = False) -> None:
    """Look at this project, and write fabfile.py and fabric.yaml."""
    from ..settings.reading import Settings
    from . import first_files

    domain = _checked_domain(domain) if domain else ""
    known = first_files.settings_of(c)
    blank = Settings(root=Path.cwd(), domain=(domain,) if domain else ())
    seen = _look(known, blank, may_ask=not yes and console.is_interactive())
    settings = seen.settings
    for one in seen.findings:
        _tell(one)
    if not known:
        addresses = [_checked_host(each) for each in named_hosts()]
        domain = domain or _domain(seen.domain, may_ask=not yes)
        addresses = addresses or ([] if yes else _host())
        settings = replace(settings, domain=(domain,), hosts=dict.fromkeys(addresses, ()))
    reached = list(_reach(c, settings))
    for one in reached:
        _tell(one)
    written = first_files.write(settings, seen.beside, is_known=known is not None)
    host = "" if settings.hosts else f"-H {','.join(named_hosts()) or 'root@your.server'} "
    _tell_next([*seen.findings, *reached, *written], f"fab {host}plan")


def _look(known: Settings | None, blank: Settings, *, may_ask: bool) -> _Seen:
    """Look at git and at the project. A person may be asked which settings are for production."""
    from ..git.trees import FolderTree
    from ..project import reading
    from ..project.completion import complete
    from . import first_files

    settings = known or blank
    folder = FolderTree(settings.root)
    git, commit = _look_at_git(settings.root)
    tree = commit or folder
    if not known:
        settings = replace(settings, settings_module=_settings_module(tree, settings, may_ask))
    if faults := _faults(commit, folder, settings):
        return _Seen(settings, [git, *((False, "project", fault) for fault in faults)])
    project, findings = reading.read(tree, settings), [git]
    try:
        settings = complete(settings, project)
    except RoadieError as error:
        findings.append((False, "project", str(error)))
    what = f"{settings.app or project.name}: {project.settings_module}, {project.requirements.path}"
    findings.append((True, "project", what))
    beside = "" if known else first_files.lines_beside(project)
    findings += [(False, "settings", one) for one in project.forewarnings if not _is_cured(one, beside)]
    return _Seen(settings, findings, _first_domain(project.own_names), beside)


def _look_at_git(root: Path) -> tuple[Finding, Tree | None]:
    """What git says, and the files of the last commit, if there is one."""
    from ..git.bundle import find_commit
    from ..git.trees import CommitTree

    try:
        commit = find_commit(root)
    except RoadieError as error:
        return (False, "git", str(error)), None
    told = f"{commit.branch or 'HEAD'} at {commit.sha[:8]}, {commit.subject!r}"
    return (True, "git", told), CommitTree(root, commit.sha, commit.prefix)


def _faults(commit: Tree | None, folder: Tree, settings: Settings) -> list[str]:
    """Why the project cannot be deployed. Of a commit: also whether the folder has what the commit lacks."""
    from ..project import reading

    faults = reading.faults(commit or folder, settings)
    if commit and faults and not reading.faults(folder, settings):
        return [f"{fault} (it is in this folder: git add ., git commit)" for fault in faults]
    return faults


def _is_cured(forewarning: str, beside: str) -> bool:
    """Whether the lines that `init` writes are the cure of a forewarning."""
    cures = [f"`{line.strip()}`" for line in beside.splitlines() if "#" not in line]
    return any(cure in forewarning for cure in cures)


def _settings_module(tree: Tree, settings: Settings, may_ask: bool) -> str:
    """The settings module for production, if the project names two and a person can be asked which."""
    from ..project import reading
    from ..project.production import AmbiguousSettings

    try:
        reading.read(tree, settings)
    except AmbiguousSettings as error:
        if may_ask:
            choices = error.choices
            tell("", str(error).partition("; ")[0], kind="warn")
            question = f"The settings module for production, {' or '.join(choices)} [{choices[0]}]: "
            return _asked(question, lambda text: _one_of(text, choices), choices[0])
    except RoadieError:
        pass
    return ""


def _one_of(text: str, words: tuple[str, ...]) -> str:
    if text not in words:
        raise UsageError(f"--settings: must be {' or '.join(words)}, not {text!r}")
    return text


def _first_domain(names: tuple[str, ...]) -> str:
    """The first of these names that visitors can type; empty if there is none."""
    for name in names:
        try:
            return _checked_domain(name)
        except UsageError:
            continue
    return ""


def _domain(default: str, *, may_ask: bool) -> str:
    if default and not may_ask:
        return default
    if not may_ask or not console.is_interactive():
        raise UsageError("init: nobody can be asked for the site's name; add --domain and the name")
    hint = f" [{default}]" if default else ", such as www.shop.org"
    return _asked(f"The name that visitors will type{hint}: ", _checked_domain, default)


def _host() -> list[str]:
    if not console.is_interactive():
        return []
    question = "The server, such as root@203.0.113.7 (Enter: none yet): "
    return [found] if (found := _asked(question, lambda text: text and _checked_host(text))) else []


def _asked(question: str, check: Callable[[str], str], default: str = "") -> str:
    """The first answer that passes the check. An end of file is an empty answer, so the tries are limited."""
    for _ in range(_TRIES):
        answer = console.ask(question) or default
        try:
            return check(answer)
        except UsageError as error:
            why = str(error).partition(": ")[2] if answer else "nothing here tells the name; please type it"
            console.say(why, error=True)
    raise UsageError("init: no answer that could be used; nothing was written")


def _checked_domain(name: str) -> str:
    from ..settings.names import DOMAIN

    found = DOMAIN.of_option("--domain", name.strip())
    last = found.rpartition(".")[2]
    if last == found or last.isdigit() or found.startswith("*"):
        raise UsageError(f"--domain: {name!r} is no name that visitors can type; such as www.shop.org")
    return found


def _checked_host(address: str) -> str:
    from ..settings.names import HOST

    return HOST.of_option("host", address.strip())


def _reach(c: Context, settings: Settings) -> Iterator[Finding]:
    """What each host says, and where the site's name leads. All are asked at the same time."""
    hosts = hosts_of(c, settings) if settings.hosts or named_hosts() else []
    leads: set[str] = set()
    asking = console.in_background(lambda: leads.update(_addresses(settings.domain[0])))
    for host, said in zip(hosts, in_parallel(hosts, _greet), strict=True):
        yield not isinstance(said, Exception), "host", str(said).removeprefix(f"{host.name}: ")
    asking.join(_PATIENCE)
    of_hosts = {each for host in hosts for each in _addresses(host.connection.host)}
    yield _look_at_dns(settings.domain[0], leads, of_hosts)


def _greet(host: Host) -> str:
    """Log in, become root, and ask for the system's name."""
    outcome = host.execute(_OS)
    return f"{host.name} lets roadie in: {outcome.tail[-1] if outcome.tail else 'no /etc/os-release'}"


def _look_at_dns(domain: str, leads: set[str], hosts: set[str]) -> Finding:
    """Whether the addresses of the site's name are those of the hosts."""
    if not leads:
        where = f" at {', '.join(sorted(hosts))}" if hosts else " at your server"
        return False, "DNS", f"{domain} has no address yet; point it{where}"
    shown = f"{domain} is {', '.join(sorted(leads))}"
    if hosts and not leads & hosts:
        return False, "DNS", f"{shown}, and not the host ({', '.join(sorted(hosts))}); point it there"
    return True, "DNS", shown


def _addresses(name: str) -> set[str]:
    try:
        return {str(each[4][0]) for each in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return set()


def _tell(one: Finding) -> None:
    is_well, what, text = one
    data = {"ok": is_well, "text": text}
    result(what, "", data, [f"{'ok' if is_well else '!':<3} {what:<8} {text}"])


def _tell_next(findings: list[Finding], plan: str) -> None:
    if all(is_well for is_well, _, _ in findings):
        tell("", f"next: {plan} shows what fab bootstrap would do")
    else:
        tell("", f"next: put right what has a ! above, then: {plan}")
