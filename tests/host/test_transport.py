"""Connections follow OpenSSH's rules, scripts arrive whole, and no wait is endless."""

import base64
import os
import re
import shlex
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace

import fabric
import pytest
from desk import eventually
from dialling import FORGIVING, PASSWORD, Dial, at_a_terminal, boot_with_users, now, since
from invoke import Context
from roadie.errors import Unreachable, UsageError
from roadie.run.executor import hosts_of
from roadie.ssh import host_keys, transport
from roadie.throwaway import hosts as throwaway

LOGIN = "Accepted p|Failed|authenticating|Postponed"


@pytest.fixture(scope="module")
def host():
    with boot_with_users(throwaway, "transport") as booted:
        yield booted


@pytest.fixture(scope="module")
def second(host):
    with throwaway.boot("second") as booted:
        booted.ssh("cat >>/root/.ssh/authorized_keys", text=Path(f"{host.key}.pub").read_text())
        booted.put(FORGIVING, "/etc/ssh/sshd_config.d/10-tests.conf")
        booted.ssh("systemctl reload ssh")
        yield booted


@pytest.fixture
def reach(host, tmp_path):
    dial = Dial(host, tmp_path)
    yield dial
    dial.close()


def public_key(host, kind="ed25519"):
    """Return the host's own key of that kind: (kind, base64)."""
    return tuple((host.tree / f"etc/ssh/ssh_host_{kind}_key.pub").read_text().split()[:2])


# ---- Host keys ------------------------------------------------------------------------------------

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


# ---- What OpenSSH's options forbid -----------------------------------------------------------------


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


# ---- Logging in -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Keys that no host accepts, and a key for our hosts that has a passphrase."""
    folder = tmp_path_factory.mktemp("keys")
    for number in range(7):
        make_key(folder / f"wrong{number}")
    return folder


def make_key(path, passphrase="", kind="ed25519"):
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", path], check=True)
    return path


@pytest.fixture
def agent(tmp_path):
    """An ssh-agent. Call the fixture with the keys that the agent must hold."""
    socket = tmp_path / "agent"

    def hold(*paths):
        env = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        subprocess.run(["ssh-add", "-q", *paths], env=env, check=True)
        return f"IdentityAgent {socket}"

    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as process:
        try:
            assert eventually(socket.exists)
            yield hold
        finally:
            process.terminate()


def test_a_wrong_key_is_named_with_what_to_do(reach, keys):
    ours = reach(f"IdentityFile {keys}/wrong0")
    ours.connection.config.authentication.identities = [keys / "wrong1"]
    with pytest.raises(Unreachable) as caught:
        ours.open()
    assert str(caught.value) == (
        f"web1: the host refuses root; tried: {keys}/wrong1; "
        "name the right key with -i FILE, or put it into the agent"
    )


def test_keys_of_the_configuration_are_tried_until_one_fits(reach, keys):
    reach(f"IdentityFile {keys}/wrong0").open()


def test_a_missing_identity_file_is_passed_over(reach):
    reach("IdentityFile /no/such/key").open()


def test_too_many_wrong_keys_are_explained(reach, keys, agent):
    line = agent(*(keys / f"wrong{number}" for number in range(7)))
    with pytest.raises(Unreachable, match=r"the host hung up after \d keys .*-i FILE"):
        reach(line, key="/no/such/key").open()


def test_a_configured_key_goes_before_those_of_an_agent(reach, keys, agent, host):
    place = now(host)
    reach(agent(*(keys / f"wrong{number}" for number in range(7)))).open()
    assert len(since(host, place, "Failed|Accepted publickey")) == 1


def test_identities_only_leaves_the_agents_other_keys_alone(reach, keys, agent):
    ours = reach(agent(keys / "wrong0"), "IdentitiesOnly yes", user="free")
    ours.open()
    login = ours.connection.connect_kwargs["auth_strategy"]
    assert [label.rpartition("/")[2] for label in login.tried] == ["key"]


def test_an_agent_spares_the_passphrase_of_a_configured_key(reach, tmp_path, agent, host):
    key = make_key(tmp_path / "locked")
    host.ssh("cat >>/root/.ssh/authorized_keys", text=Path(f"{key}.pub").read_text())
    line = agent(key)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", key], check=True)
    ours = reach(line, "IdentitiesOnly yes", f"IdentityFile {key}")
    ours.open()
    assert "(agent)" in ours.connection.connect_kwargs["auth_strategy"].tried[0]


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_passphrase_of_the_command_line_unlocks_a_key(reach, tmp_path, host, kind):
    key = make_key(tmp_path / "locked", "sesame", kind)
    host.ssh("cat >>/root/.ssh/authorized_keys", text=Path(f"{key}.pub").read_text())
    kwargs = {"connect_kwargs": {"passphrase": "sesame"}}
    ours = reach(**kwargs)
    ours.connection.config.authentication.identities = [key]
    ours.open()
    assert ours.connection.connect_kwargs["auth_strategy"].tried == [str(key)]


def test_a_locked_key_without_a_terminal_says_so(reach, tmp_path):
    key = make_key(tmp_path / "locked", "sesame")
    ours = reach()
    ours.connection.config.authentication.identities = [key]
    with pytest.raises(Unreachable, match="not tried: .*locked .has a passphrase: ssh-add it"):
        ours.open()


def test_a_locked_key_at_a_terminal_is_a_question(reach, tmp_path, host):
    key = make_key(tmp_path / "locked", "sesame")
    host.ssh("cat >>/root/.ssh/authorized_keys", text=Path(f"{key}.pub").read_text())
    reach(key=key)
    shown = at_a_terminal(reach, "print(host.execute('id -un').tail)", "sesame")
    assert f"Passphrase of {key}: " in shown
    assert "['root']" in shown


def test_a_login_password_of_the_command_line_is_used(reach):
    reach(key="/no/such/key", user="asked", connect_kwargs={"password": PASSWORD}).open()


def test_a_login_password_is_asked_for_at_a_terminal_as_ssh_does(reach):
    reach(key="/no/such/key")
    shown = at_a_terminal(
        reach, "print(host.execute('id -un').tail)", "wrong", PASSWORD, PASSWORD, user="asked"
    )
    assert shown.count("asked@web1's password: ") == 2
    assert "sudo password of asked@web1: " in shown and "['root']" in shown
    assert PASSWORD not in shown


def test_a_person_who_knows_no_password_is_told_how_to_let_a_key_in(reach):
    reach(key="/no/such/key")
    shown = at_a_terminal(reach, "host.open()", "", user="asked")
    assert "refused: web1: the host refuses asked" in shown and "ssh-copy-id asked@web1" in shown


def test_without_a_terminal_the_way_by_a_password_is_named(reach):
    with pytest.raises(Unreachable, match=r"ssh-copy-id asked@web1; or use --prompt-for-login-password$"):
        reach(key="/no/such/key", user="asked").open()


@pytest.mark.parametrize("forbids", ["BatchMode yes", "PasswordAuthentication no"])
def test_nobody_is_asked_for_a_password_that_openssh_would_not_ask_for(reach, forbids):
    reach(forbids, key="/no/such/key")
    assert "password: " not in at_a_terminal(reach, "host.open()", user="asked")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_certificate_that_certificatefile_names_lets_in(reach, host, tmp_path, kind):
    authority, key = make_key(tmp_path / "authority"), make_key(tmp_path / "key", kind=kind)
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "me", "-n", "root", f"{key}.pub"], check=True)
    elsewhere = Path(f"{key}-cert.pub").rename(tmp_path / "elsewhere")
    host.put(Path(f"{authority}.pub").read_text(), "/etc/ssh/authority.pub")
    host.put("TrustedUserCAKeys /etc/ssh/authority.pub\n", "/etc/ssh/sshd_config.d/20-authority.conf")
    host.ssh("systemctl reload ssh")
    with pytest.raises(Unreachable, match="the host refuses root"):
        reach(key=key).open()
    reach(f"CertificateFile {elsewhere}", key=key).open()
    of_another = make_key(tmp_path / "another")
    with pytest.raises(Unreachable, match="the host refuses root"):
        reach(f"CertificateFile {elsewhere}", key=of_another).open()


def test_an_identity_of_the_command_line_that_is_no_file_is_named(reach):
    ours = reach(user="asked")
    ours.connection.config.authentication.identities = [Path("/no/such/key")]
    with pytest.raises(Unreachable, match=r"not tried: /no/such/key \(no such file\)"):
        ours.open()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["HostName no-such-name.invalid"], r"web1: the name no-such-name.invalid does not resolve"),
        (["Port 9"], r"web1: nothing listens at .* port 9"),
    ],
)
def test_a_host_that_cannot_be_reached_says_why(reach, lines, message):
    with pytest.raises(Unreachable, match=message):
        reach("Host web1", *(f"  {line}" for line in lines)).open()


def test_a_host_that_does_not_answer_says_so_in_time(reach, host):
    host.cut_link()
    try:
        with pytest.raises(Unreachable, match=r"web1: no answer from .* port 22 in 2 s"):
            reach("ConnectTimeout 2").open()
    finally:
        host.mend_link()


def test_a_host_that_hangs_up_on_whom_it_suspects_is_explained(bare_host, tmp_path):
    reach = Dial(bare_host, tmp_path)
    for _ in range(30):
        with pytest.raises(Unreachable) as caught:
            reach(known="").open()
        if "its host key is not known" not in str(caught.value):
            break
    assert "hung up before any login; after failed ones sshd does so for a while" in str(caught.value)


# ---- Ways there -----------------------------------------------------------------------------------


@pytest.fixture
def jump(host, second):
    """Return lines of ssh_config for the second host as `jump`, and a known_hosts for both hosts."""
    known = host.known_hosts.read_text() + second.known_hosts.read_text()
    return {"lines": ["Host jump", f"HostName {second.address}", "User root"], "known": known}


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


def test_keys_do_not_leak_from_one_host_to_the_next(reach, keys, host):
    other = ["Host web2", f"HostName {host.address}", "User root", f"IdentityFile {keys}/wrong0"]
    reach.write("Match originalhost web1", f"IdentityFile {host.key}", *other, key="/no/such/key")
    config = fabric.Config(overrides={"ssh_config_path": str(reach.config)})
    web1, web2 = hosts_of(Context(config), SimpleNamespace(hosts=["web1", "web2"]))
    web1.open()
    with pytest.raises(Unreachable, match=r"refuses root; tried: \S+/wrong0;"):
        web2.open()


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
