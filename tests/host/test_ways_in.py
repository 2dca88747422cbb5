"""A whole deploy by each way to reach a host: as root, through sudo, by an alias behind a jump host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import standing
from desk import Desk, browse
from projects import change_line, commit, example, settings
from roadie.throwaway import hosts as throwaway

INDEX = "entries/templates/entries/index.html"
ALIAS = """\
Host web1
  HostName {address}
  User root
  HostKeyAlias {name}
  ProxyJump jump

Host jump
  HostName {jump}
  HostKeyAlias {jump_name}
  User root

Host *
  IdentityFile {key}
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {known}
  GlobalKnownHostsFile /dev/null
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk before a host that serves the guestbook. Each test ships another title."""
    folder = tmp_path_factory.mktemp("ways")
    with throwaway.boot("ways", "trixie", standing.deployed("trixie")) as host:
        yield Desk(example("guestbook", folder / "guestbook"), host)


def ship_title(desk: Desk, title: str, **env: str) -> str:
    """Deploy another title. Return the page afterwards."""
    text = (desk.project / INDEX).read_text()
    change_line(desk.project / INDEX, text[text.index("<h1>") : text.index("</h1>")], f"<h1>{title}")
    commit(desk.project)
    done = desk.fab("deploy", env=env)
    assert done.code == 0, done.text
    return browse(desk.host).body


def test_a_user_whom_sudo_asks_for_nothing_deploys(site: Desk) -> None:
    site.host.add_user("ann", nopasswd=True)
    desk = replace(site, user="ann")
    assert "<h1>By Ann" in ship_title(desk, "By Ann")
    assert "0 changed" in desk.does("bootstrap").out
    assert desk.does("manage", "check").code == 0


def test_a_user_whom_sudo_asks_for_a_password_deploys(site: Desk) -> None:
    site.host.add_user("bob", password="correct horse")
    desk = replace(site, user="bob")
    assert "<h1>By Bob" in ship_title(desk, "By Bob", FABRIC_SUDO_PASSWORD="correct horse")
    logs = site.host.ssh("cat /var/log/roadie/*.log").stdout
    assert "correct horse" not in logs


def test_an_alias_behind_a_jump_host_is_deployed_to(site: Desk, tmp_path: Path) -> None:
    with throwaway.boot("jump") as jump:
        jump.put((site.host.state / "key.pub").read_text(), "/root/.ssh/authorized_keys")
        known = tmp_path / "known_hosts"
        known.write_text(site.host.known_hosts.read_text() + jump.known_hosts.read_text())
        config = tmp_path / "ssh_config"
        config.write_text(
            ALIAS.format(
                address=site.host.address,
                name=site.host.name,
                jump=jump.address,
                jump_name=jump.name,
                key=site.host.key,
                known=known,
            )
        )
        desk = replace(site, options=("-S", str(config), "-H", "web1"))
        assert "<h1>From afar" in ship_title(desk, "From afar")


def test_the_hosts_of_the_settings_need_no_option(site: Desk) -> None:
    settings(
        site.project,
        app="guestbook",
        domain="guestbook.example.org",
        health="/healthz",
        hosts=[f"root@{site.host.name}"],
    )
    desk = replace(site, options=("-S", str(site.host.ssh_config)))
    assert "<h1>By settings" in ship_title(desk, "By settings")


def test_secrets_come_from_a_command_and_a_file_and_show_nowhere(site: Desk) -> None:
    nasty = 'it\'s; $(id) "x" %s'
    (site.project.parent / "secret").write_text(nasty + "\nsecond line")
    settings(
        site.project,
        app="guestbook",
        domain="guestbook.example.org",
        health="/healthz",
        secrets={"FROM_COMMAND": {"command": "printf 'pa$1wor$D'"}, "FROM_FILE": {"file": "../secret"}},
    )
    done = site.does("deploy")
    show = "import os; print(ascii([os.environ['FROM_COMMAND'], os.environ['FROM_FILE']]))"
    told = site.does("manage", f'shell -c "{show}"').out
    assert ascii(["pa$1wor$D", nasty + "\nsecond line"]) in told
    where = "/srv/guestbook/shared/secrets.given"
    assert site.host.ssh(f"stat -c '%a %U:%G' {where}").stdout == "640 root:guestbook\n"
    logs = site.host.ssh("cat /var/log/roadie/*.log; ps axww").stdout
    assert "wor$D" not in done.text + logs and "second line" not in done.text + logs
    assert "serves already" in site.does("deploy").out
    (site.project.parent / "secret").write_text("rotated")
    site.does("deploy")
    assert "rotated" in site.does("manage", f'shell -c "{show}"').out
