"""What runs inside the project's Python, as a module."""

from __future__ import annotations

import sys

import pytest
from roadie.scripts.render import TEMPLATES


@pytest.fixture
def overlay(tmp_path, monkeypatch):
    """The module `roadie_overlay`, imported from a release in tmp_path."""
    folder = tmp_path / "releases/1/overlay"
    folder.mkdir(parents=True)
    (folder / "roadie_overlay.py").write_text((TEMPLATES / "in-project/overlay.py").read_text())
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "roadie_overlay", raising=False)
    import roadie_overlay

    yield roadie_overlay
    del sys.modules["roadie_overlay"]
