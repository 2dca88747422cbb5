"""What a machine needs for throwaway hosts, and what it hands on to them."""

import os
import sys
from pathlib import Path

import pytest
from roadie.errors import RoadieError, UsageError
from roadie.throwaway import hosts as throwaway
from roadie.throwaway import machine


def test_without_linux_one_line_says_so(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UsageError, match=r"^A throwaway host needs Linux: .*\.$") as refused:
        throwaway.boot("web")
    assert refused.value.code == 2


def test_without_root_one_line_says_so(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UsageError, match=r"^A throwaway host needs root: .*\.$"):
        throwaway.boot("web")


def test_missing_tools_are_named_with_the_packages_that_bring_them(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(machine, "PACKAGES", {"sh": "dash", "no-nft": "nft", "no-ip": "ip"})
    with pytest.raises(UsageError, match=r"needs no-nft, no-ip: run apt-get install ip nft$"):
        throwaway.boot("web")


def test_a_failing_command_is_told_with_its_last_words():
    with pytest.raises(RoadieError, match=r"sh failed \(3\): second$"):
        machine.run("sh", "-c", "echo first >&2; echo second >&2; exit 3")


def test_pip_reaches_its_index_as_ours_does_but_for_folders_of_this_machine(monkeypatch):
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(Path, "home", lambda: Path("/nonexistent"))
    monkeypatch.setenv("PIP_CERT", "/home/me/bundle.pem")
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example.org/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "file:///srv/wheels https://more.example.org/")
    settings = machine.pip_settings().splitlines()
    assert settings[0] == "[global]"
    assert "cert = /etc/ssl/certs/ca-certificates.crt" in settings
    assert "index-url = https://pip.example.org/simple" in settings
    assert "extra-index-url = https://more.example.org/" in settings


def test_a_proxy_of_this_machine_serves_apt_inside(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy.example.org:3128")
    assert 'Acquire::http::Proxy "http://proxy.example.org:3128";' in machine.apt_settings()


def test_only_certificates_that_debian_does_not_ship_are_ours(monkeypatch, tmp_path):
    pem = "-----BEGIN CERTIFICATE-----\nb3Vycw==\n-----END CERTIFICATE-----\n"
    bundle = tmp_path / "bundle.crt"
    shipped = "".join(p.read_text() for p in Path("/usr/share/ca-certificates").glob("**/*.crt"))
    bundle.write_text(shipped + pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert machine.own_certificates() == [pem]
