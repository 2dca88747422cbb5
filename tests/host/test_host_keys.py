"""A host key is taken exactly when OpenSSH takes it, and options that OpenSSH obeys are obeyed."""

import base64
import re
import shlex
import subprocess
from pathlib import Path

import fabric
import pytest
from desk import eventually
from dialling import PASSWORD, at_a_terminal, now, since
from roadie.errors import Unreachable, UsageError
from roadie.ssh import host_keys


@pytest.fixture(scope="module")
def host(with_users):
    return with_users("trixie")


LOGIN = "Accepted p|Failed|authenticating|Postponed"


def public_key(host, kind="ed25519"):
    """Return the host's own key of that kind: (kind, base64)."""
    return tuple((host.tree / f"etc/ssh/ssh_host_{kind}_key.pub").read_text().split()[:2])


OTHER_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


def known_cases():
    """Return cases by name: a text of known_hosts with {kind} {key} {address}, and how OpenSSH judges it."""
    right, wrong = "ssh-ed25519 {key}", f"ssh-ed25519 {OTHER_KEY}"
    return {
        "plain": (f"{{address}} {right}", True),
        "with others": (f"a,{{address}},b {right} a comment", True),
        "wildcard": (f"10.2* {right}", True),
        "question mark": (f"{{mask}} {right}", True),
        "negated": (f"!{{address}},10.* {right}", False),
        "after a broken line": (f"{{address}} ssh-ed25519\n\n# x\n{{address}} {right}", True),
        "after an authority": (f"@cert-authority * {right}\n{{address}} {right}", True),
        "only an authority": (f"@cert-authority * {right}", False),
        "two of a kind": (f"{{address}} {wrong}\n{{address}} {right}", True),
        "another kind only": ("{address} {ecdsa}", True),
        "a stale one of another kind": (f"{{address}} {{stale_rsa}}\n{{address}} {right}", True),
        "revoked": (f"{{address}} {right}\n@revoked * {right}", False),
        "changed": (f"{{address}} {wrong}", False),
        "unknown": (f"other {right}", False),
        "empty": ("", False),
        "of the name typed, not of its HostName": (f"web1 {right}", False),
        "for another port": (f"[{{address}}]:2222 {right}", False),
    }


@pytest.fixture(scope="module")
def stale_rsa(tmp_path_factory):
    key = tmp_path_factory.mktemp("rsa") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", key], check=True)
    return " ".join(Path(f"{key}.pub").read_text().split()[:2])


def filled(text, host, stale_rsa=""):
    return (
        text.format(
            address=host.address,
            mask=re.sub(r"\d$", "?", host.address),
            key=public_key(host)[1],
            ecdsa=" ".join(public_key(host, "ecdsa")),
            stale_rsa=stale_rsa,
        )
        + "\n"
    )


@pytest.mark.parametrize("case", known_cases())
def test_a_host_key_is_taken_exactly_when_openssh_takes_it(host, reach, stale_rsa, tmp_path, case):
    text, is_taken = known_cases()[case]
    ours = reach(known=filled(text, host, stale_rsa))
    options = ["-F", tmp_path / "ssh_config", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    theirs = subprocess.run(["ssh", *options, "web1", "true"], capture_output=True, check=False)
    assert (theirs.returncode == 0) is is_taken
    if is_taken:
        ours.open()
    else:
        with pytest.raises(Unreachable, match=r"^web1: its host key|^web1: ITS HOST KEY"):
            ours.open()


def test_an_unknown_key_is_refused_with_its_fingerprint_before_any_login(host, reach):
    place = now(host)
    kind, key = public_key(host)
    with pytest.raises(Unreachable) as caught:
        reach(known="").open()
    assert kind in str(caught.value)
    assert host_keys.fingerprint(base64.b64decode(key)) in str(caught.value)
    assert "ssh root@web1" in str(caught.value)
    (only,) = since(host, place, f"Connection from|{LOGIN}")
    assert only.startswith("Connection from")


def test_a_changed_key_is_a_hard_stop_that_says_how_to_forget_it(reach, host, tmp_path):
    place = now(host)
    known = filled(f"{{address}} ssh-ed25519 {OTHER_KEY}", host)
    for strict in ("ask", "accept-new", "no"):
        with pytest.raises(Unreachable, match="HAS CHANGED") as caught:
            reach(f"StrictHostKeyChecking {strict}", known=known).open()
    assert since(host, place, LOGIN) == []
    forget = str(caught.value).rpartition(": ")[2]
    subprocess.run(shlex.split(forget), check=True, capture_output=True)
    reach("StrictHostKeyChecking accept-new", known=False).open()


def test_accept_new_adds_one_line_and_leaves_the_rest(reach, host, tmp_path):
    before = "# my hosts\n@revoked old ssh-rsa AAAA\nother ssh-ed25519 AAAA"
    reach("StrictHostKeyChecking accept-new", known=before).open()
    text = (tmp_path / "known_hosts").read_text()
    assert text == f"{before}\n{host.address} {' '.join(public_key(host))}\n"
    reach("StrictHostKeyChecking yes", known=False).open()


def test_accept_new_hashes_the_name_where_openssh_would(reach, host, tmp_path):
    reach("StrictHostKeyChecking accept-new", "HashKnownHosts yes", known="").open()
    text = (tmp_path / "known_hosts").read_text()
    assert text.startswith("|1|")
    assert host.address not in text
    reach("StrictHostKeyChecking yes", known=False).open()


def test_an_alias_for_the_key_is_what_is_looked_up(reach, host):
    reach("HostKeyAlias cluster", known=f"cluster {' '.join(public_key(host))}\n").open()


def test_another_port_has_its_own_line(reach, host):
    host.ssh("systemd-run --quiet --unit sshd-2222 /usr/sbin/sshd -D -p 2222")
    line = f"[{host.address}]:2222 {' '.join(public_key(host))}\n"
    assert eventually(lambda: host.ssh("ss -ltn | grep -q :2222", check=False).returncode == 0)
    reach(known=line, port=2222).open()
    with pytest.raises(Unreachable, match="HAS CHANGED"):
        reach(known=f"[{host.address}]:2222 ssh-ed25519 {OTHER_KEY}\n", port=2222).open()


def test_a_connection_that_is_open_already_is_checked_before_anything_is_sent(reach, host):
    ours = reach(known=filled(f"{{address}} ssh-ed25519 {OTHER_KEY}", host))
    c = fabric.Connection(host.address, user="root", connect_kwargs={"key_filename": str(host.key)})
    c.open()  # stock Fabric accepts any host key
    ours.connection.host, ours.connection.client, ours.connection.transport = c.host, c.client, c.transport
    with pytest.raises(Unreachable, match="HAS CHANGED"):
        ours.execute("echo sent")


@pytest.mark.parametrize(("answer", "end"), [("yes", "['root']"), ("no", "was not accepted")])
def test_at_a_terminal_an_unknown_key_is_a_question(reach, host, tmp_path, answer, end):
    reach(known="")
    shown = at_a_terminal(reach, "print(host.execute('id -un').tail)", answer)
    assert "Trust it (yes/no)?" in shown
    assert end in shown
    kept = (tmp_path / "known_hosts").read_text()
    assert kept == (f"{host.address} {' '.join(public_key(host))}\n" if answer == "yes" else "")


@pytest.fixture
def revoked(host, tmp_path):
    """A file of revoked keys: the host's own as text or as a KRL, another's as a KRL, or no file at all."""

    def make(how):
        file, listed = tmp_path / "revoked keys", tmp_path / "listed.pub"
        kind, key = public_key(host) if how in ("text", "krl") else ("ssh-ed25519", OTHER_KEY)
        listed.write_text(f"# worn out\n{kind} {key} root@old\n")
        if how == "text":
            file.write_text(listed.read_text())
        elif how != "missing":
            subprocess.run(["ssh-keygen", "-qkf", file, listed], check=True)
        return f'RevokedHostKeys "{file}"'

    return make


@pytest.mark.parametrize("how", ["text", "krl", "missing"])
def test_a_revoked_host_key_is_refused_before_any_login_though_it_is_known(reach, host, revoked, how):
    place = now(host)
    with pytest.raises(Unreachable, match=r"^web1: its host key .*revoked .*; nothing was sent to it"):
        reach(revoked(how)).open()
    assert since(host, place, LOGIN) == []


def test_a_key_that_is_not_among_the_revoked_ones_is_trusted(reach, revoked):
    reach(revoked("another's krl")).open()


def test_the_revoked_key_of_a_jump_host_is_refused_too(reach, jump, second, tmp_path):
    worn = tmp_path / "worn"
    worn.write_text(" ".join(public_key(second)))
    lines = ["Host jump", f"RevokedHostKeys {worn}", *jump["lines"], "Host web1", "ProxyJump jump"]
    with pytest.raises(Unreachable, match=r"^the jump host jump: its host key .* is revoked by "):
        reach(*lines, known=jump["known"]).open()


def test_a_revoked_key_is_refused_on_a_connection_that_is_open_already(reach, host, revoked):
    ours = reach(revoked("krl"))
    c = fabric.Connection(host.address, user="root", connect_kwargs={"key_filename": str(host.key)})
    c.open()
    ours.connection.host, ours.connection.client, ours.connection.transport = c.host, c.client, c.transport
    with pytest.raises(Unreachable, match="is revoked by"):
        ours.execute("echo sent")


def test_a_known_hosts_file_with_a_space_in_its_name_is_read(reach, host, tmp_path):
    (tmp_path / "my hosts").write_text(f"@revoked * {' '.join(public_key(host))}\n")
    with pytest.raises(Unreachable, match="is revoked by"):
        reach(f'UserKnownHostsFile /no/such "{tmp_path}/my hosts" {tmp_path}/known_hosts').open()


@pytest.fixture(scope="module")
def many_keys(host):
    """The port of an sshd with host keys of every kind, and the known_hosts for them."""
    kinds = ("ed25519", "ecdsa", "rsa")
    make = "ssh-keygen -q -N '' -t {0} -f /etc/ssh/of_{0}"
    options = " ".join(f"-h /etc/ssh/of_{kind}" for kind in kinds)
    host.ssh(" && ".join(make.format(kind) for kind in kinds))
    host.ssh(f"systemd-run --quiet --unit sshd-2200 /usr/sbin/sshd -D -p 2200 {options}")
    assert eventually(lambda: host.ssh("ss -ltn | grep -q :2200", check=False).returncode == 0)
    keys = [(host.tree / f"etc/ssh/of_{kind}.pub").read_text() for kind in kinds]
    return {"port": 2200, "known": "".join(f"[{host.address}]:2200 {key}" for key in keys)}


@pytest.mark.parametrize(
    ("line", "ask", "answer"),
    [
        ("HostKeyAlgorithms ecdsa-sha2-nistp256", "host_key_type", "ecdsa-sha2-nistp256"),
        ("HostKeyAlgorithms rsa-sha2-256", "host_key_type", "rsa-sha2-256"),
        ("Ciphers aes256-gcm@openssh.com,chacha20-poly1305@openssh.com", "remote_cipher", None),
        ("MACs hmac-sha2-512\nCiphers aes256-ctr", "remote_mac", "hmac-sha2-512"),
        ("KexAlgorithms ecdh-sha2-nistp521", "preferred_kex", "('ecdh-sha2-nistp521',)"),
    ],
)
def test_only_the_algorithms_that_openssh_may_use_are_used(reach, many_keys, line, ask, answer):
    ours = reach(*line.split("\n"), **many_keys)
    ours.open()
    told = getattr(ours.connection.transport, ask)
    wanted = answer or line.split()[1].split(",")[0]
    assert wanted in str(getattr(told, "name", told))


@pytest.mark.parametrize(
    "line",
    [
        "Ciphers chacha20-poly1305@openssh.com",
        "MACs umac-128-etm@openssh.com",
        "KexAlgorithms sntrup761x25519-sha512@openssh.com",
        "HostKeyAlgorithms ssh-ed25519-cert-v01@openssh.com",
        "KnownHostsCommand /bin/true",
        "ProxyUseFdpass yes",
    ],
)
def test_an_option_that_cannot_be_obeyed_is_named_before_anything_is_sent(reach, host, line):
    place = now(host)
    keyword, value = line.split()
    with pytest.raises(UsageError, match=rf"^web1: .*{keyword}.*{value}"):
        reach(line).open()
    assert since(host, place, "Connection from") == []


def test_an_rsa_key_that_is_too_short_is_no_proof_of_a_host(reach, many_keys):
    lines = ["HostKeyAlgorithms rsa-sha2-512", "RequiredRSASize 4096"]
    with pytest.raises(Unreachable, match="its host key ssh-rsa .* is shorter than RequiredRSASize 4096"):
        reach(*lines, **many_keys).open()
    reach(lines[0], "RequiredRSASize 3072", **many_keys).open()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("PubkeyAcceptedAlgorithms rsa-sha2-512", "PubkeyAcceptedAlgorithms forbids ssh-ed25519"),
        ("PubkeyAuthentication no", "PubkeyAuthentication"),
        ("PreferredAuthentications password", "PreferredAuthentications"),
    ],
)
def test_a_key_that_openssh_would_not_offer_is_not_offered(reach, line, why):
    with pytest.raises(Unreachable, match=rf"tried: no key at all; not tried: .*/key \(.*{why}"):
        reach(line).open()


def test_a_password_that_openssh_would_not_send_is_not_sent(reach):
    kwargs = {"connect_kwargs": {"password": PASSWORD}}
    with pytest.raises(Unreachable, match=r"not tried: the login password \(.*PasswordAuthentication"):
        reach("PasswordAuthentication no", key="/no/such/key", user="asked", **kwargs).open()


def test_the_address_to_come_from_is_obeyed(reach):
    with pytest.raises(Unreachable, match="Cannot assign requested address"):
        reach("BindAddress 192.0.2.1").open()
