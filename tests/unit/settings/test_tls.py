"""The setting `tls` is a word or a mapping, and a wrong one is refused with the place where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from roadie.errors import SettingsError
from roadie.settings.reading import load
from roadie.settings.secret_sources import resolve_certificate
from roadie.settings.sections import SecretSource
from roadie.settings.tls import Tls

OWN = {"by": "own", "certificate": "chain.pem", "key": {"command": "printf 'a key\n'"}}


def tls(value: object, root: Path = Path("/")) -> Tls:
    values: dict[str, Any] = {"domain": "www.example.org", "tls": value}
    return load(values, "fabric.yaml", root).tls


@pytest.mark.parametrize(
    ("value", "by", "hsts"),
    [
        ("letsencrypt", "letsencrypt", 3600),
        ("self-signed", "self-signed", 0),
        ("off", "off", 0),
        (False, "off", 0),  # what YAML makes of off
        ({"by": False}, "off", 0),
        (OWN, "own", 3600),
        ({**OWN, "hsts": 0}, "own", 0),
        ({"by": "self-signed", "hsts": 60}, "self-signed", 60),
        ({"by": "letsencrypt", "staging": True}, "letsencrypt", 0),
        ({"by": "letsencrypt", "staging": False, "email": "me@example.org"}, "letsencrypt", 3600),
    ],
)
def test_a_word_or_a_mapping_says_where_the_certificate_comes_from(value: object, by: str, hsts: int) -> None:
    found = tls(value)
    assert (found.by, found.hsts, bool(found)) == (by, hsts, by != "off")


def test_another_directory_can_be_named() -> None:
    assert "staging" in tls({"by": "letsencrypt", "staging": True}).directory
    named = {"by": "letsencrypt", "directory": "https://ca.example.org:14000/dir", "ca": "root.pem"}
    assert (tls(named).directory, tls(named).ca) == (named["directory"], "root.pem")


@pytest.mark.parametrize(
    ("value", "below", "says"),
    [
        (True, "", "must be one of the words letsencrypt, own, self-signed or off"),
        ("certbot", "", "must be one of the words"),
        ({"email": "me@example.org"}, "", "needs by: letsencrypt, own, self-signed or off"),
        ("own", "", "needs a certificate and its key"),
        ({**OWN, "key": 7}, ".key", "must be a file on this machine, or where it comes from"),
        ({**OWN, "key": {"comand": "x"}}, ".key.comand", "did you mean command?"),
        ({**OWN, "email": "me@example.org"}, ".email", "only by: letsencrypt has it"),
        ({"by": "letsencrypt", "stagin": True}, ".stagin", "did you mean staging?"),
        ({"by": "letsencrypt", "staging": "yes"}, ".staging", "must be true or false"),
        ({"by": "letsencrypt", "email": "-x"}, ".email", "must be an e-mail address"),
        ({"by": "letsencrypt", "directory": "http://a.org/"}, ".directory", "by https"),
        ({"by": "letsencrypt", "directory": "https://a.org/", "staging": True}, ".staging", "leave it"),
        ({"by": "letsencrypt", "hsts": -1}, ".hsts", "must be a whole number of seconds from 0"),
        (["off"], "", "must be one of the words"),
    ],
)
def test_a_wrong_one_is_refused_by_its_place(value: object, below: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        tls(value if value != "own" else {"by": "own"})
    assert str(refused.value).startswith(f"fabric.yaml, roadie.tls{below}: ")
    assert says in str(refused.value)


def test_a_certificate_comes_from_files_and_commands_and_is_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "chain.pem").write_text("a chain\n")
    settings = load({"domain": "www.example.org", "tls": OWN}, "fabric.yaml", tmp_path)
    found = resolve_certificate(settings, lambda name: "")
    assert {name: one.reveal() for name, one in found.items()} == {
        "key": "a key",
        "chain": "a chain",
        "authority": "",
    }
    assert "a key" not in f"{found}"
    (tmp_path / "chain.pem").unlink()
    with pytest.raises(SettingsError, match=r"chain of tls: .*chain\.pem cannot be read"):
        resolve_certificate(settings, lambda name: "")


def test_without_a_certificate_nothing_is_asked_for() -> None:
    assert tls("letsencrypt").key == SecretSource()


def test_no_authority_is_asked_for_a_wildcard() -> None:
    values: dict[str, Any] = {"domain": ["example.org", "*.example.org"], "tls": "letsencrypt"}
    with pytest.raises(SettingsError, match=r"roadie.tls: letsencrypt cannot have \*\.example\.org"):
        load(values, "fabric.yaml", Path("/"))
    assert load({**values, "tls": "self-signed"}, "fabric.yaml", Path("/")).tls
