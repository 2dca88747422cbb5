"""Connections lead to the host as OpenSSH leads there: by jump hosts, proxy commands and aliases."""

import socket

import fabric
import pytest
from dialling import now, since
from roadie.errors import Unreachable, UsageError
from roadie.ssh import transport


@pytest.fixture(scope="module")
def host(with_users):
    return with_users("trixie")


# ---- Ways there -----------------------------------------------------------------------------------


def test_a_jump_host_leads_to_the_host(reach, jump, second):
    ours = reach(*jump["lines"], "Host web1", "ProxyJump jump", known=jump["known"])
    assert ours.execute("hostname").tail == [reach.host.name]
    assert ours.connection.gateway.host == second.address


def test_jump_hosts_are_shared_by_all_that_lie_behind_them(reach, jump, second):
    place = now(second)
    for _ in range(3):
        reach(*jump["lines"], "Host web1", "ProxyJump jump", known=jump["known"]).execute("true")
    assert len(since(second, place, "Accepted publickey")) == 1


def test_one_jump_host_after_the_other(reach, jump, host):
    lines = [*jump["lines"], "Host first", f"HostName {host.address}", "User free"]
    ours = reach(*lines, "Host web1", "ProxyJump first,jump", known=jump["known"])
    assert ours.execute("hostname").tail == [host.name]
    assert ours.connection.gateway.gateway.user == "free"


def test_a_jump_host_for_all_hosts_does_not_lead_through_itself(reach, jump):
    reach(*jump["lines"], "Host *", "ProxyJump jump", known=jump["known"]).open()


def test_jump_hosts_that_lead_in_a_circle_are_named(reach, jump):
    lines = ["Host a", "ProxyJump b", "Host b", "ProxyJump a", "Host web1", "ProxyJump a"]
    with pytest.raises(UsageError, match="leads in a circle"):
        reach(*lines).open()


def test_the_key_of_a_jump_host_is_checked_too(reach, jump, host):
    ours = reach(*jump["lines"], "Host web1", "ProxyJump jump", known=host.known_hosts.read_text())
    with pytest.raises(Unreachable, match="^the jump host jump: its host key is not known"):
        ours.open()


def test_a_host_that_the_jump_host_cannot_reach_is_explained(reach, jump):
    ours = reach(*jump["lines"], "Host web1", "ProxyJump jump", "Port 9", known=jump["known"])
    with pytest.raises(Unreachable, match=r"^web1: the jump host cannot reach .* port 9"):
        ours.open()


def test_a_proxy_command_leads_to_the_host(reach, jump):
    through = f"ProxyCommand ssh -F {reach.config} -W [%h]:%p jump"
    ours = reach(*jump["lines"], "Host web1", through, known=jump["known"])
    assert ours.execute("hostname").tail == [reach.host.name]


def test_an_alias_in_an_included_file_is_found(reach, tmp_path, host):
    (tmp_path / "more").write_text(f"Host web1\nHostName {host.address}\nUser free\n")
    ours = reach(f"Include {tmp_path}/more", "Host *")
    ours.open()
    assert (ours.connection.host, ours.connection.user) == (host.address, "free")


def test_a_gateway_of_the_users_own_is_opened_by_the_same_rules(reach, jump, second):
    ours = reach(*jump["lines"], known=jump["known"])
    config = ours.connection.config
    ours.connection.gateway = fabric.Connection("jump", config=config)
    assert ours.execute("hostname").tail == [reach.host.name]
    other = reach(*jump["lines"], known=reach.host.known_hosts.read_text())
    other.connection.gateway = fabric.Connection("jump", config=other.connection.config)
    with pytest.raises(Unreachable, match="its host key is not known"):
        other.open()


def test_the_user_that_is_spelled_out_wins(reach):
    ours = reach("Host *", "User free", user="asked")
    ours.open()
    assert ours.connection.user == "asked"
    ours = reach("Host *", "User free")
    ours.open()
    assert ours.connection.user == "free"


def test_a_connection_of_fabrics_own_making_keeps_its_user_and_port(reach):
    reach.write("Host *", "Port 9")
    config = fabric.Config(overrides={"ssh_config_path": str(reach.config)})
    c = fabric.Connection("web1", user="free", port=22, config=config)
    transport.connect(c)
    assert (c.user, c.port, c.is_connected) == ("free", 22, True)
    assert c.run("id -un", hide=True, in_stream=False).stdout == "free\n"
    c.close()


def test_a_connection_is_opened_once_and_tuned(reach):
    ours = reach()
    ours.open()
    transport_ = ours.connection.transport
    ours.open()
    assert ours.connection.transport is transport_
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY), (socket.SOL_SOCKET, socket.SO_KEEPALIVE)]
    assert all(transport_.sock.getsockopt(*option) for option in options)
    assert transport_.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 15_000


def test_what_the_host_says_is_acknowledged_at_once():
    # In a conversation Linux delays acknowledgements, and sshd would wait for them before it sends more.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = transport._dial(*listener.getsockname(), socket.AF_INET, 5)
        theirs = listener.accept()[0]
        with ours, theirs:
            for _ in range(3):
                theirs.sendall(b"ask")
                assert ours.recv(9) == b"ask"
                assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK) == 1
                ours.sendall(b"tell")
                theirs.recv(9)
