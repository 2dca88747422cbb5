"""The manual of the settings is what the schema says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from roadie.settings import manual
from roadie.settings.reading import KEYS


def test_the_manual_is_what_the_schema_says():
    page = (Path(__file__).parents[3] / "docs/settings.rst").read_text("utf-8")
    assert page == manual.page(), "run: python -m roadie.settings.manual > docs/settings.rst"


def test_the_manual_is_printed_by_its_command():
    done = subprocess.run(
        [sys.executable, "-m", "roadie.settings.manual"], capture_output=True, text=True, check=True
    )
    assert done.stdout == manual.page()
    assert done.stderr == ""


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_has_its_lines_in_the_manual(key):
    assert re.search(rf"^``{key}``\n    \S.+ Default: \S.*\.\n\n    \S", manual.page(), re.M)
