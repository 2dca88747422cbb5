"""What commands, files, variables and a person hand over: secrets, the index's URL, a certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import console
from ..settings.databases import DATABASES

if TYPE_CHECKING:
    from ..settings.reading import Settings


def given_secrets(settings: Settings) -> dict[str, str]:
    """Every secret of the settings. A person is asked for those that have no other source."""
    if not settings.secrets:
        return {}
    from ..settings.secret_sources import resolve_secrets

    found = resolve_secrets(settings, lambda name: _ask(f"secret {name}"))
    given = {name: secret.reveal() for name, secret in found.items()}
    if not DATABASES[settings.database].is_provisioned:
        given["ROADIE_DATABASE_URL"] = given[settings.url_secret]
    return given


def given_index(settings: Settings) -> str:
    """The URL of the package index; empty if the settings name none."""
    if not settings.index:
        return ""
    from ..settings.secret_sources import resolve_index

    return resolve_index(settings, _ask).reveal()


def given_certificate(settings: Settings) -> dict[str, str]:
    """The certificate of the settings, its key, and the root of its authority; empty if they name none.

    Raises SettingsError for a certificate that browsers would not accept.
    """
    from ..settings.own_certificate import refuse_unfit
    from ..settings.secret_sources import resolve_certificate

    found = resolve_certificate(settings, _ask)
    given = {name: secret.reveal() for name, secret in found.items()}
    if settings.tls.by == "own":
        refuse_unfit(given["key"], given["chain"], settings.domain)
    return given


def _ask(what: str) -> str:
    return console.ask(f"{what}: ", secret=True)
