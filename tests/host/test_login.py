"""A person logs in as OpenSSH would log in, and a refusal names what to do."""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import fabric
import pytest
from desk import eventually
from dialling import PASSWORD, Dial, at_a_terminal, now, since
from invoke import Context
from roadie.errors import Unreachable
from roadie.run.command import hosts_of


@pytest.fixture(scope="module")
def host(with_users):
    return with_users("trixie")


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
    assert "hung up before any login; after failed logins sshd does so for a while" in str(caught.value)


def test_keys_do_not_leak_from_one_host_to_the_next(reach, keys, host):
    other = ["Host web2", f"HostName {host.address}", "User root", f"IdentityFile {keys}/wrong0"]
    reach.write("Match originalhost web1", f"IdentityFile {host.key}", *other, key="/no/such/key")
    config = fabric.Config(overrides={"ssh_config_path": str(reach.config)})
    web1, web2 = hosts_of(Context(config), SimpleNamespace(hosts=["web1", "web2"]))
    web1.open()
    with pytest.raises(Unreachable, match=r"refuses root; tried: \S+/wrong0;"):
        web2.open()
