"""Settings as a user gives them, and the one line that refuses wrong ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from roadie.errors import SettingsError
from roadie.settings.reading import load
from roadie.settings.schema import Settings

DOMAIN = "www.example.org"


def settings(**values: Any) -> Settings:
    return load({"domain": DOMAIN, **values}, "fabric.yaml", Path("/project"))


def refusal(**values: Any) -> str:
    """Return the one line that refuses these values."""
    with pytest.raises(SettingsError) as caught:
        settings(**values)
    message = str(caught.value)
    assert caught.value.code == 2
    assert "\n" not in message
    return message
