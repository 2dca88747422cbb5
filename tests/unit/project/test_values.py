"""What the settings come to, as far as their text tells: what nginx may promise in Django's stead."""

from __future__ import annotations

from pathlib import Path

import projects
import pytest
from roadie.git.trees import FolderTree
from roadie.project.reading import read
from roadie.settings.reading import load

YEAR = "SECURE_HSTS_SECONDS = 31536000"


@pytest.mark.parametrize(
    ("lines", "values", "sent"),
    [
        ([], {"tls": "letsencrypt"}, "max-age=3600"),
        ([], {"tls": "self-signed"}, ""),
        ([], {}, ""),
        ([YEAR], {}, "max-age=31536000"),
        ([YEAR], {"tls": "letsencrypt"}, "max-age=31536000"),
        ([YEAR], {"tls": "letsencrypt", "overlay": ["SECURE_HSTS_SECONDS"]}, "max-age=3600"),
        ([YEAR], {"tls": "letsencrypt", "django": {"SECURE_HSTS_SECONDS": 60}}, "max-age=60"),
        (
            [YEAR, "SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True"],
            {"tls": "letsencrypt"},
            "max-age=31536000; includeSubDomains; preload",
        ),
        (["SECURE_HSTS_SECONDS = 0"], {"tls": "letsencrypt"}, ""),
        (["SECURE_HSTS_SECONDS = 60 * 60"], {"tls": "letsencrypt"}, ""),
        (["SECURE_HSTS_SECONDS = env.int('HSTS', default=60)"], {"tls": "letsencrypt"}, "max-age=60"),
        (
            ["SECURE_HSTS_SECONDS = env.int('HSTS', default=60)"],
            {"tls": "letsencrypt", "env": {"HSTS": 7}},
            "",
        ),
        (["if __file__:", f"    {YEAR}"], {"tls": "letsencrypt"}, ""),
        (["exec('')"], {"tls": "letsencrypt"}, ""),
        ([], {"tls": "letsencrypt", "overlay": False}, "max-age=3600"),
    ],
)
def test_nginx_promises_what_django_promises(
    tmp_path: Path, lines: list[str], values: dict[str, object], sent: str
) -> None:
    folder = projects.startproject(tmp_path / "mysite")
    path = folder / "mysite/settings.py"
    path.write_text("\n".join([path.read_text(), *lines, ""]))
    settings = load({"domain": "www.example.org", **values}, "fabric.yaml", folder)
    assert read(FolderTree(folder), settings).hsts == sent
