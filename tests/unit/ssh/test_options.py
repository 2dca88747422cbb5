"""roadie asks `ssh -G` about a host and understands the answer."""

import getpass
import socket
from pathlib import Path

import pytest
from roadie.errors import UsageError
from roadie.ssh import options as ssh_config
from roadie.ssh.options import Hop


@pytest.fixture
def asked(tmp_path):
    """Asks `ssh -G` about a host, with an ssh_config of these lines."""

    def ask(text, name="web1", user=None, port=None):
        file = tmp_path / "config"
        file.write_text(text)
        ssh_config.ask.cache_clear()
        return ssh_config.ask(name, user, port, str(file))

    return ask


def test_a_host_without_configuration_is_taken_at_its_word(asked):
    config = asked("", "web1.example.org")
    assert (config.hostname, config.port, config.user) == ("web1.example.org", 22, getpass.getuser())
    assert (config.strict, config.jumps, config.proxy_command, config.timeout) == ("ask", (), "", None)
    assert config.known_hosts[0] == Path.home() / ".ssh/known_hosts"
    assert not config.has_own_identities
    assert not config.identities_only


def test_an_alias_leads_to_its_host(asked):
    config = asked("Host web1\n HostName 10.1.2.3\n User deploy\n Port 2222\n ConnectTimeout 7\n")
    assert (config.name, config.hostname, config.user, config.port) == ("web1", "10.1.2.3", "deploy", 2222)
    assert config.timeout == 7


def test_what_is_spelled_out_wins(asked):
    config = asked("Host *\n User deploy\n Port 2222\n", user="root", port=22)
    assert (config.user, config.port) == ("root", 22)


def test_include_and_match_are_honoured(asked, tmp_path):
    (tmp_path / "more").write_text("Host web1\n HostName 10.9.9.9\n")
    config = asked(f"Include {tmp_path}/more\nMatch originalhost web1 user root\n Port 2022\n", user="root")
    assert (config.hostname, config.port) == ("10.9.9.9", 2022)


def test_identity_files_are_told_from_those_of_the_defaults(asked):
    config = asked("Host *\n IdentityFile ~/keys/%h_%r\n IdentityFile /k\n IdentitiesOnly yes\n", user="me")
    assert config.identity_files == (Path.home() / "keys/web1_me", Path("/k"))
    assert config.has_own_identities
    assert config.identities_only


def test_jumps_are_taken_apart(asked):
    config = asked("Host web1\n ProxyJump bastion,me@[::1]:2222,ssh://you@third:22\n")
    assert config.jumps == (
        Hop("bastion", None, None),
        Hop("::1", "me", 2222),
        Hop("third", "you", 22),
    )


def test_a_proxy_command_has_its_tokens_filled_in(asked):
    config = asked("Host web1\n ProxyCommand nc %h %p 100%% %r\n Port 99\n", user="me")
    assert config.proxy_command == "nc web1 99 100% me"


@pytest.mark.parametrize(
    ("word", "meaning"), [("yes", "yes"), ("no", "no"), ("ask", "ask"), ("accept-new", "accept-new")]
)
def test_strict_checking_has_one_word_for_each_meaning(asked, word, meaning):
    assert asked(f"StrictHostKeyChecking {word}\n").strict == meaning


def test_what_concerns_known_hosts_is_read(asked):
    config = asked(
        "UserKnownHostsFile /a /b\nGlobalKnownHostsFile none\nHashKnownHosts yes\nHostKeyAlias cluster\n"
    )
    assert config.known_hosts == (Path("/a"), Path("/b"))
    assert config.global_known_hosts == ()
    assert config.hashes_known_hosts
    assert config.key_alias == "cluster"


@pytest.mark.parametrize(
    ("line", "agent"),
    [("", ""), ("IdentityAgent none", "none"), ("IdentityAgent /a.sock", "/a.sock")],
)
def test_the_agent_is_that_of_the_environment_unless_said_otherwise(asked, line, agent):
    assert asked(f"{line}\n").agent == agent


def test_the_address_family_is_understood(asked):
    assert asked("AddressFamily inet\n").family == socket.AF_INET
    assert asked("").family == socket.AF_UNSPEC


def test_a_mistake_in_the_file_is_one_line(asked):
    with pytest.raises(UsageError, match=r"^web1: .*config: line 1: Bad configuration option: nonsense"):
        asked("Nonsense yes\n")


def test_a_missing_file_is_one_line():
    with pytest.raises(UsageError, match=r"^web1: Can't open user config file /none: .*ssh -G"):
        ssh_config.ask("web1", None, None, "/none")


def test_a_host_never_becomes_an_option():
    with pytest.raises(UsageError):
        ssh_config.ask("-oProxyCommand=true", None, None, "none")
