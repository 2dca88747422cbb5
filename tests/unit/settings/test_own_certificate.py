"""A certificate of one's own is refused before there is a connection, if browsers would refuse it later."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import AuthorityInformationAccessOID as Access
from cryptography.x509.oid import NameOID
from roadie.errors import SettingsError
from roadie.settings.own_certificate import refuse_unfit

NAMES = ("www.example.org", "example.org")
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def certificate(
    *names: str,
    issuer: str = "x",
    begin: datetime = NOW - DAY,
    end: datetime = NOW + DAY,
    fetch: bool = False,
) -> str:
    """Make a certificate; with `fetch` it says where to fetch that of its issuer."""
    made = x509.CertificateBuilder(named(issuer), named("x"), KEY.public_key(), 7, begin, end)
    if names:
        made = made.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
        )
    place = x509.UniformResourceIdentifier("http://ca.example.org/ca.der")
    if fetch:
        made = made.add_extension(
            x509.AuthorityInformationAccess([x509.AccessDescription(Access.CA_ISSUERS, place)]),
            critical=False,
        )
    return made.sign(KEY, SHA256()).public_bytes(Encoding.PEM).decode()


def text(key: ec.EllipticCurvePrivateKey, password: bytes = b"") -> str:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, lock).decode()


PARAMETERS = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"


@pytest.mark.parametrize(
    ("key", "chain"),
    [
        (text(KEY), certificate(*NAMES)),
        (f"{PARAMETERS}{text(KEY)}", certificate(*NAMES)),
        (text(KEY), certificate("*.example.org", "EXAMPLE.org")),
        (text(KEY), certificate(*NAMES, issuer="an authority of my own")),
        (text(KEY), certificate(*NAMES, issuer="x", fetch=True) + certificate()),
    ],
)
def test_one_that_browsers_take_passes(key: str, chain: str) -> None:
    refuse_unfit(key, chain, NAMES)


@pytest.mark.parametrize(
    ("key", "chain", "says"),
    [
        (text(OTHER), certificate(*NAMES), "tls.key: the key is not that of the first certificate"),
        (text(KEY, b"word"), certificate(*NAMES), "tls.key: is no private key in PEM without a passphrase"),
        ("a key", certificate(*NAMES), "tls.key: is no private key in PEM"),
        (text(KEY), "a chain", "tls.certificate: is no certificate in PEM"),
        (text(KEY), certificate(), "tls.certificate: is not for www.example.org"),
        (text(KEY), certificate("*.org", "example.org"), "is not for www.example.org"),
        (text(KEY), certificate(*NAMES, begin=NOW - 2 * DAY, end=NOW - DAY), "ended at 20"),
        (text(KEY), certificate(*NAMES, begin=NOW + DAY, end=NOW + 2 * DAY), "begins only at 20"),
        (
            text(KEY),
            certificate(*NAMES, issuer="An Authority", fetch=True),
            r"the certificate of its authority is missing (CN=An Authority)",
        ),
    ],
)
def test_one_that_browsers_refuse_is_refused_with_the_cure(key: str, chain: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        refuse_unfit(key, chain, NAMES)
    said = str(refused.value)
    assert says in said and ("hand over" in said or "have it come second" in said)
    assert "\n" not in said and not re.search(r"PRIVATE|MH", said)
