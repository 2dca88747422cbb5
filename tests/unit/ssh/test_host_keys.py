"""Host keys are judged as OpenSSH judges them."""

import base64
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest
from roadie.ssh import host_keys
from roadie.ssh.host_keys import Verdict

ED = "ssh-ed25519"
RSA = "ssh-rsa"
KEY, OTHER = b"the key of the host", b"another key"
HASHED = "|1|cmFuZG9tIHNhbHQgb2YgMjA=|"


def line(names, key=KEY, kind=ED):
    return f"{names} {kind} {base64.b64encode(key).decode()}\n"


@pytest.fixture
def known(tmp_path):
    """Judges a key by a known_hosts file with these lines."""

    def judge(*lines, name="web1", key=KEY, kind=ED):
        file = tmp_path / "known_hosts"
        file.write_text("".join(lines))
        return host_keys.judge([file], name, kind, key).verdict

    return judge


@pytest.mark.parametrize(
    "names", ["web1", "WEB1", "db1,web1", "web*", "w?b1", "*", "web1,10.0.0.1", "!db1,web*"]
)
def test_a_key_is_known_by_the_names_of_its_line(known, names):
    assert known(line(names)) is Verdict.KNOWN


@pytest.mark.parametrize("names", ["web", "web11", "web1.example.org", "!web1,web*", "[web1]:22", "db1"])
def test_a_line_of_another_name_says_nothing(known, names):
    assert known(line(names)) is Verdict.UNKNOWN


def test_another_key_of_the_same_host_is_a_change(known):
    assert known(line("web1"), key=OTHER) is Verdict.CHANGED


def test_a_key_of_another_kind_than_the_known_one_is_a_change(known):
    assert known(line("web1", kind=RSA)) is Verdict.CHANGED


def test_any_one_of_several_known_keys_will_do(known):
    assert known(line("web1", OTHER), line("web1", KEY)) is Verdict.KNOWN
    assert known(line("web1", KEY), line("web1", OTHER)) is Verdict.KNOWN


def test_a_revoked_key_is_refused_even_where_another_line_knows_it(known):
    assert known(line("web1"), "@revoked " + line("*")) is Verdict.REVOKED


def test_a_key_that_another_one_was_revoked_for_is_still_known(known):
    assert known(line("web1"), "@revoked " + line("*", OTHER)) is Verdict.KNOWN


def test_a_certificate_authority_makes_no_key_known(known):
    assert known("@cert-authority " + line("*")) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "broken",
    ["web1 ssh-ed25519 %%%\n", "web1\n", "web1 ssh-ed25519\n", "# web1\n", "\n", "|1|x|y z\n", "\xff\n"],
)
def test_a_broken_line_does_not_hide_the_others(known, broken):
    assert known(broken, line("web1")) is Verdict.KNOWN
    assert known(line("web1"), broken) is Verdict.KNOWN


def test_another_port_is_another_host(known):
    name = host_keys.name_of("web1", 2222)
    assert name == "[web1]:2222"
    assert known(line("[web1]:2222"), name=name) is Verdict.KNOWN
    assert known(line("[web1]:2222"), name=name, key=OTHER) is Verdict.CHANGED
    assert known(line("[web1]:2222")) is Verdict.UNKNOWN


def test_a_key_known_for_the_standard_port_is_taken_on_another_but_a_different_one_is_no_change(known):
    assert known(line("web1"), name="[web1]:2222") is Verdict.KNOWN
    assert known(line("web1"), name="[web1]:2222", key=OTHER) is Verdict.UNKNOWN


def test_an_alias_stands_for_name_and_port():
    assert host_keys.name_of("web1", 2222, "cluster") == "cluster"


def test_a_remembered_key_is_known_and_the_file_is_otherwise_left_alone(tmp_path):
    file = tmp_path / "known_hosts"
    file.write_text("# mine\n@revoked x ssh-rsa AAAA\nlast line without an end")
    host_keys.remember(file, "web1", ED, KEY, is_hashed=False)
    assert file.read_text().startswith("# mine\n@revoked x ssh-rsa AAAA\nlast line without an end\nweb1 ")
    assert host_keys.judge([file], "web1", ED, KEY).verdict is Verdict.KNOWN


def test_a_hashed_key_is_known_without_its_name_in_the_file(tmp_path):
    file = tmp_path / "new" / "known_hosts"
    host_keys.remember(file, "web1", ED, KEY, is_hashed=True)
    assert "web1" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert host_keys.judge([file], "web1", ED, KEY).verdict is Verdict.KNOWN
    assert host_keys.judge([file], "web2", ED, KEY).verdict is Verdict.UNKNOWN


def test_ssh_keygen_finds_what_was_remembered(tmp_path):
    file, key = tmp_path / "known_hosts", tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    blob = base64.b64decode(Path(f"{key}.pub").read_text().split()[1])
    host_keys.remember(file, "[web1]:2222", ED, blob, is_hashed=True)
    found = subprocess.run(
        ["ssh-keygen", "-f", file, "-l", "-F", "[web1]:2222"], capture_output=True, text=True, check=True
    )
    assert host_keys.fingerprint(blob) in found.stdout


def test_keys_remembered_at_the_same_time_all_arrive(tmp_path):
    file = tmp_path / "known_hosts"
    names = [f"web{number}" for number in range(40)]
    threads = [
        threading.Thread(target=host_keys.remember, args=(file, name, ED, KEY), kwargs={"is_hashed": False})
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(text.split()[0] for text in file.read_text().splitlines()) == sorted(names)


def test_the_kinds_known_for_a_host_are_told_also_for_another_port(tmp_path):
    file = tmp_path / "known_hosts"
    file.write_text(line("web1", kind=RSA) + line("web1") + line("db1", kind="ecdsa-sha2-nistp256"))
    assert host_keys.known_kinds([file], "web1") == [RSA, ED]
    assert host_keys.known_kinds([file], "[web1]:2222") == [RSA, ED]
    assert host_keys.known_kinds([file], "web2") == []


def test_a_changed_file_is_read_again(tmp_path):
    file = tmp_path / "known_hosts"
    file.write_text(line("web1", OTHER))
    assert host_keys.judge([file], "web1", ED, KEY).verdict is Verdict.CHANGED
    file.write_text(line("web1", KEY))
    os.utime(file, ns=(1, 1))
    assert host_keys.judge([file], "web1", ED, KEY).verdict is Verdict.KNOWN


def test_three_thousand_hashed_lines_are_read_fast(tmp_path):
    file = tmp_path / "known_hosts"
    for number in range(3000):
        salt = HASHED if number else ""
        with file.open("a") as known:
            known.write(line(f"{salt}{base64.b64encode(bytes(20)).decode()}" if salt else "web1"))
    began = time.thread_time()
    assert host_keys.judge([file], "web2", ED, KEY).verdict is Verdict.UNKNOWN
    assert time.thread_time() - began < 0.5


def test_no_file_knows_no_host(tmp_path):
    assert host_keys.judge([tmp_path / "none"], "web1", ED, KEY).verdict is Verdict.UNKNOWN
