"""Judges a certificate of the user's own before there is a connection: whether browsers would accept it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..errors import SettingsError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


def refuse_unfit(key: str, chain: str, domains: Iterable[str]) -> None:
    """Refuse a key and a chain of certificates, both PEM, that cannot serve these names now."""
    first, *others = _certificates(chain)
    if _public(key) != _der(first.public_key()):
        raise SettingsError(
            "tls.key: the key is not that of the first certificate in the file, which must be the site's; "
            "hand over a key and a certificate that belong together"
        )
    for domain in domains:
        if not any(_matches(domain, name) for name in _names(first)):
            raise SettingsError(
                f"tls.certificate: is not for {domain}; hand over one that is, or take it out of domain:"
            )
    _refuse_at_another_time(first)
    _refuse_broken(first, others)


def _certificates(chain: str) -> Sequence[Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(chain.encode())
    except ValueError:
        raise SettingsError(
            "tls.certificate: is no certificate in PEM; hand over the certificate of the site, and then "
            "those of its authority"
        ) from None


def _public(key: str) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    found = _KEY.search(key)  # Other texts may stand before the key, such as the parameters of a curve.
    try:
        return _der(load_pem_private_key(found[0].encode() if found else b"", None).public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The cause is left out, as it might quote the key.
        raise SettingsError(
            "tls.key: is no private key in PEM without a passphrase; hand over such a key"
        ) from None


def _der(key: object) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    found: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return found


def _names(one: Certificate) -> list[str]:
    from cryptography.x509 import DNSName, ExtensionNotFound, SubjectAlternativeName

    try:
        found = one.extensions.get_extension_for_class(SubjectAlternativeName)
    except ExtensionNotFound:
        return []  # Browsers do not look at the subject.
    return found.value.get_values_for_type(DNSName)


def _matches(domain: str, name: str) -> bool:
    """Whether browsers take a name of a certificate for this domain. A wildcard stands for one label."""
    domain, name = domain.lower(), name.lower()
    return domain == name or (name.startswith("*.") and domain.partition(".")[2] == name[2:])


def _refuse_at_another_time(one: Certificate) -> None:
    begin, end, now = one.not_valid_before_utc, one.not_valid_after_utc, datetime.now(UTC)
    if end < now:
        raise SettingsError(f"tls.certificate: ended at {end:%F %R} UTC; hand over a new one")
    if begin > now:
        raise SettingsError(
            f"tls.certificate: begins only at {begin:%F %R} UTC; hand over one that holds today"
        )


def _refuse_broken(first: Certificate, others: Sequence[Certificate]) -> None:
    """Refuse a certificate without the one of its authority, if it says where to fetch that one.

    A certificate of a private authority does not say this. All visitors may know that authority.
    """
    from cryptography.x509 import AuthorityInformationAccess, ExtensionNotFound
    from cryptography.x509.oid import AuthorityInformationAccessOID as Access

    if any(one.subject == first.issuer for one in (first, *others)):
        return
    try:
        access = first.extensions.get_extension_for_class(AuthorityInformationAccess)
    except ExtensionNotFound:
        return
    if any(one.access_method == Access.CA_ISSUERS for one in access.value):
        raise SettingsError(
            "tls.certificate: the certificate of its authority is missing "
            f"({first.issuer.rfc4514_string()}), so many visitors would be warned; have it come second in "
            "the file, as in the fullchain.pem of most authorities"
        )
