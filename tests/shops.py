"""A small project by its files, and what is read off it."""

from pathlib import Path

import pytest
from roadie.errors import SettingsError
from roadie.project.reading import read
from roadie.settings.reading import load
from trees import Files

MANAGE = """\
import os
if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", {})
    from django.core.management import execute_from_command_line
"""


def shop(folder="", **others):
    """Return the files of a small project in a folder, by path. A file with None is left out."""
    files = {
        "manage.py": MANAGE.format("'shop.settings'"),
        "shop/__init__.py": "",
        "shop/settings.py": "WSGI_APPLICATION = 'shop.wsgi.application'\n",
        "shop/wsgi.py": "",
        "requirements.txt": "Django==5.2\n",
        **others,
    }
    return {f"{folder}{path}": text for path, text in files.items() if text is not None}


def settings(root="/home/me/corner-shop", **values):
    return load({"domain": "www.example.org", **values}, "fabric.yaml", Path(root))


def project(files, **values):
    return read(Files(files), settings(**values))


def refusal(files, **values):
    with pytest.raises(SettingsError) as caught:
        project(files, **values)
    assert "\n" not in str(caught.value)
    return str(caught.value)
