"""What a person, a pipe and a program see of the commands, on real hosts."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import standing
from desk import Desk, browse
from projects import commit
from roadie.throwaway import hosts as throwaway

WIDTHS = (60, 200)


@pytest.fixture(scope="module")
def host() -> Iterator[throwaway.ThrowawayHost]:
    with standing.booted(standing.deployed()) as host:
        yield host


@pytest.fixture
def site(host, desk) -> Desk:
    return desk(host)


def change(site: Desk, code: str = "", subject: str = "A line more") -> None:
    """Commit more code of the guestbook's views, which no other test has committed."""
    views = site.project / "entries/views.py"
    views.write_text(f"{views.read_text()}{code}# {uuid.uuid4()}\n")
    commit(site.project, subject)


def break_health(site: Desk) -> None:
    change(site, "healthz.__code__ = (lambda request: 1 / 0).__code__\n", "Broken")


def plain(lines: list[str]) -> list[str]:
    """Return the lines with one space where there are several, and N for seconds."""
    return [re.sub(r"\d+(\.\d)? s\b", "N s", " ".join(line.split())) for line in lines]


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_deploy_leaves_a_line_for_each_step_and_says_what_serves(site: Desk, columns: int) -> None:
    change(site)
    seen = site.sees("deploy", columns=columns)
    lines = plain(seen.lines)
    assert lines[0].startswith(f"guestbook → root@{site.host.name} (Debian 13, ")
    steps = [line for line in lines if line[0] in "✓!✗"]
    assert [line.split()[1] for line in steps] == ["build", "check", "switch", "finish"]
    assert steps[1] == "✓ check /healthz 200 N s"
    assert re.fullmatch(r"✓ switch [0-9a-f]{8} serves, watched N s N s", steps[2])
    assert re.search(
        r'http://guestbook.example.org/ serves [0-9a-f]{8} "A line more" · N s · undo: fab rollback$',
        " ".join(lines),
    )
    assert seen.cursor_is_shown and all(len(line) <= columns for line in seen.lines)


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_failing_deploy_shows_the_step_the_place_in_the_code_and_what_serves(
    site: Desk, columns: int
) -> None:
    break_health(site)
    seen = site.sees("deploy", columns=columns, code=6)
    text = " ".join(plain(seen.lines))
    assert "✗ check /healthz answered 500" in text
    assert re.search(r" entries/views.py:\d+ .*1 / 0\).*ZeroDivisionError: division by zero", text)
    assert seen.text.replace("\n", "").endswith("still serves") and "site-packages" not in text
    assert seen.cursor_is_shown


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_bootstrap_that_finds_all_in_order_says_so_and_what_to_do_next(site: Desk, columns: int) -> None:
    lines = plain(site.sees("bootstrap", columns=columns).lines)
    assert lines[-2:] == ["Ready in N s: 0 changed", "Next: fab deploy"]


def test_what_was_edited_by_hand_is_shown_under_its_step_and_v_lists_the_changes(site: Desk) -> None:
    file = "/etc/nginx/sites-available/guestbook.conf"
    site.host.ssh(f"echo '# by hand' >>{file}")
    seen = site.sees("nginx", "-v", columns=200)
    assert f"kept: {file} as /var/backups/roadie" in seen.text and "# by hand" in seen.text
    assert f"changed file {file}" in seen.text and "changes (-v lists them)" in seen.text


def test_the_screen_says_what_happens_from_the_first_moment_on(site: Desk) -> None:
    change(site)
    with site.at_a_terminal("deploy") as terminal:
        terminal.until("connecting to ", 20)
        terminal.until("the new release serves; .* Ctrl-C is safe")
        new = browse(site.host)
        terminal.type("\x03")
        assert terminal.end(30) == 130
    assert new.status == browse(site.host).status == 200
    assert "interrupted: " in terminal.text.replace("\n", "") and terminal.cursor_is_shown
    assert "Traceback" not in terminal.text and "Ctrl-C is safe" not in terminal.text
    site.does("deploy")


@pytest.mark.parametrize(
    "task", ["bootstrap", "plan", "deploy", "releases", "restart", "rollback", "lock", "unlock"]
)
def test_every_line_of_json_can_be_read(site: Desk, task: str) -> None:
    if task == "deploy":
        change(site)
    events: list[dict[str, Any]] = [json.loads(line) for line in site.does(task, "--json").out.splitlines()]
    assert {event["version"] for event in events} == {1}
    assert (events[0]["event"], events[0]["what"]) == ("begin", task)
    assert (events[-1]["event"], events[-1]["code"]) == ("end", 0)
    assert sum(event["event"] == "changed" for event in events) == events[-1]["changed"]


def test_a_failure_is_in_the_json_and_on_stderr(site: Desk) -> None:
    break_health(site)
    done = site.fab("deploy", "--json")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [event["event"] for event in events[-3:]] == ["failed", "failure", "end"]
    assert events[-1]["code"] == done.code == 6 and events[-1]["what"] == done.last_line


def test_a_quiet_deploy_that_goes_well_says_nothing_but_warnings(site: Desk) -> None:
    change(site)
    lines = site.does("deploy", "-q").text.splitlines()
    assert [line for line in lines if " warn " not in line] == []


def test_plain_lines_have_their_time_on_request_and_colours_on_request(site: Desk) -> None:
    change(site)
    lines = site.does("deploy", "--timestamps", env={"FORCE_COLOR": "1"}).out.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in lines)
    assert any("\x1b[33m" in line for line in lines)


def test_no_color_takes_only_the_colours(site: Desk) -> None:
    change(site)
    seen = site.sees("deploy", env={"NO_COLOR": "1"})
    assert "✓ check" in seen.text and not re.search(rb"\x1b\[[0-9;]*3[0-9]", seen.raw)


@pytest.mark.parametrize("env", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}])
def test_a_terminal_that_knows_ascii_only_gets_ascii(site: Desk, env: dict[str, str]) -> None:
    change(site, subject="Größe")
    seen = site.sees("deploy", env=env)
    assert "+ check " in seen.text and "-> root@" in seen.text
    if "PYTHONIOENCODING" in env:
        seen.raw.decode("ascii")
        assert r"Gr\xf6\xdfe" in seen.text


def test_a_pipe_that_knows_ascii_only_gets_every_letter(site: Desk) -> None:
    change(site, subject="Größe")
    for words in (("deploy",), ("releases",)):
        done = site.does(*words, env={"PYTHONIOENCODING": "ascii"})
        done.text.encode("ascii")
    assert r"Gr\xf6\xdfe" in done.out


# roadie keeps a site on one host today, so that its data is in one place. This stage has no data.
EVERYWHERE = """
from roadie import stages
from roadie.display import current
from roadie.run.command import hosts_of
from roadie.run.task import roadie_task

@roadie_task
def everywhere(c):
    from roadie.project.workspace import at_head
    from roadie.run.run import Run
    from roadie.settings.reading import read

    settings = read(c)
    hosts = hosts_of(c, settings)
    current.begin("guestbook", [host.address for host in hosts])
    report = Run((stages.logrotate,), at_head(settings).values, command="fab everywhere").on(hosts)
    report.summarise()
    report.raise_failure()
"""


def test_each_of_three_hosts_has_its_line(desk) -> None:
    with ExitStack() as stack:
        snapshot = standing.bootstrapped()
        hosts = [stack.enter_context(throwaway.boot(name, "trixie", snapshot)) for name in ("a", "b", "c")]
        site = desk(hosts[0])
        fabfile, config = site.project / "fabfile.py", site.project / "ssh_config"
        fabfile.write_text(fabfile.read_text() + EVERYWHERE)
        config.write_text("".join(host.ssh_config.read_text() for host in hosts))
        names = ",".join(f"root@{host.name}" for host in hosts)
        together = Desk(site.project, hosts[0], options=("-S", str(config), "-H", names))
        for host in hosts[:2]:
            host.ssh("rm /etc/logrotate.d/roadie")
        with together.at_a_terminal("everywhere", columns=120) as terminal:
            terminal.until(r"(connecting to [\s\S]*){3}", 20)
            assert terminal.end() == 0, terminal.text
        for host, count in zip(hosts, ("1 change ", "1 change ", "0 changed"), strict=True):
            assert re.search(rf"^{host.name} +Done in .*: {count}", terminal.text, re.M)
        for host in hosts[:2]:
            assert re.search(rf"^✓ {host.name} +logrotate +file /etc/logrotate.d/roadie", terminal.text, re.M)
        assert f"✓ {hosts[2].name}" not in terminal.text and terminal.cursor_is_shown
        lines = together.does("everywhere", "--json").out.splitlines()
        hosts_told = {json.loads(line)["host"] for line in lines if '"verdict"' in line}
        assert hosts_told == {host.name for host in hosts}
