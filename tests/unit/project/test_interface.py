"""A project is served by the interface that it is made for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from roadie.errors import SettingsError
from roadie.project.completion import complete
from roadie.project.reading import read
from roadie.settings.reading import load
from trees import Files

MANAGE = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')  # of Django\n"
NAMED = "WSGI_APPLICATION = 'shop.wsgi.application'\nASGI_APPLICATION = 'shop.asgi.application'\n"


def small(**texts: str | None) -> Files:
    """The files of a small project. A file with None is left out."""
    whole = {
        "manage.py": MANAGE,
        "shop/__init__.py": "",
        "shop/wsgi.py": "",
        "requirements.txt": "Django",
    }
    return Files({path: text for path, text in {**whole, **texts}.items() if text is not None})


def served(
    requirements: str, *, text: str = "", asgi: str | None = "", **values: Any
) -> tuple[str, str, str]:
    """Return the interface, the worker class and the module that Gunicorn serves."""
    files = {"requirements.txt": requirements, "shop/settings.py": text, "shop/asgi.py": asgi}
    settings = load({"domain": "www.example.org", **values}, "fabric.yaml", Path("/home/me/shop"))
    project = read(small(**files), settings)
    done = complete(settings, project)
    return done.interface, done.worker_class, project.wsgi_module


ASGI, WSGI = ("asgi", "uvicorn", "shop.asgi"), ("wsgi", "gthread", "shop.wsgi")


@pytest.mark.parametrize(
    ("requirements", "options", "expected"),
    [
        ("Django", {}, WSGI),
        ("Django", {"text": NAMED}, WSGI),
        ("Django\nuvicorn", {}, WSGI),  # for development, perhaps
        ("channels[daphne]==4.2", {}, ASGI),
        ("Channels", {"text": NAMED}, ASGI),
        ("channels", {"asgi": None}, WSGI),
        ("uvicorn-worker", {}, ASGI),
        ("uvicorn[standard]", {"text": NAMED}, ASGI),
        ("daphne>=4", {"text": NAMED}, ASGI),
        ("hypercorn", {"text": NAMED}, ASGI),
        ("channels", {"interface": "wsgi"}, WSGI),
        ("Django", {"interface": "asgi"}, ASGI),
        ("channels", {"worker_class": "sync"}, ("wsgi", "sync", "shop.wsgi")),
        ("Django", {"worker_class": "uvicorn"}, ASGI),
        (
            "Django",
            {"worker_class": "shop.Worker", "interface": "asgi"},
            ("asgi", "shop.Worker", "shop.asgi"),
        ),
    ],
)
def test_the_project_or_the_settings_choose(
    requirements: str, options: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    assert served(requirements, **options) == expected


@pytest.mark.parametrize(("interface", "worker_class"), [("asgi", "gthread"), ("wsgi", "uvicorn")])
def test_a_worker_class_that_does_not_serve_the_interface_is_refused(
    interface: str, worker_class: str
) -> None:
    with pytest.raises(SettingsError, match="worker_class: .* does not serve"):
        served("Django", interface=interface, worker_class=worker_class)


def test_an_asgi_module_that_is_missing_is_told_as_that() -> None:
    with pytest.raises(SettingsError, match=r"asgi module shop.asgi:application.*`wsgi: mysite.asgi`"):
        served("channels", text=NAMED, asgi=None)


@pytest.mark.parametrize(("text", "leads"), [("", True), ("PREPEND_WWW = True", False)])
def test_nginx_leads_nobody_to_another_name_where_the_project_does(text: str, leads: bool) -> None:
    domain = ["example.org", "www.example.org"]
    settings = load({"domain": domain}, "fabric.yaml", Path("/home/me/shop"))
    done = complete(settings, read(small(**{"shop/settings.py": text}), settings))
    assert done.redirected == ({"www.example.org": "example.org"} if leads else {})
