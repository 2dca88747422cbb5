"""Projects whose settings roadie cannot read, or that say something unsafe, on a real host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import standing
from desk import Desk, browse
from faults import error_of
from projects import REQUIREMENTS, change_line, commit, settings, startproject
from roadie.throwaway import hosts as throwaway
from roadie.throwaway.hosts import ThrowawayHost

DOMAIN = "mysite.example.org"
SPLIT = '''"""Settings of mysite."""

from split_settings.tools import include

include("parts/*.py")
'''
ASK = (
    "from django.conf import settings as s; "
    "print('came to', s.DEBUG, s.SECRET_KEY, s.DATABASES['default']['NAME'])"
)


@pytest.fixture(scope="module")
def host() -> Iterator[ThrowawayHost]:
    """A host that serves the guestbook."""
    with throwaway.boot("settings", "trixie", standing.deployed("trixie")) as host:
        yield host


def split(folder: Path) -> Path:
    """A startproject of which django-split-settings puts the settings together."""
    startproject(folder, requirements=f"{REQUIREMENTS}django-split-settings==1.3.2\n")
    text = (folder / "mysite/settings.py").read_text()
    (folder / "mysite/settings.py").unlink()
    parts = folder / "mysite/settings/parts"
    parts.mkdir(parents=True)
    place, below = (
        "Path(__file__).resolve().parent.parent",
        "Path(__file__).resolve().parent.parent.parent.parent",
    )
    (parts / "base.py").write_text(text.replace(place, below))
    (parts.parent / "__init__.py").write_text(SPLIT)
    return folder


def test_settings_in_parts_with_a_committed_key_and_a_database_of_their_own(
    host: ThrowawayHost, tmp_path: Path
) -> None:
    desk = Desk(split(tmp_path / "mysite"), host)
    settings(desk.project, domain=DOMAIN, database="mysql")
    commit(desk.project, "Settings")
    desk.does("bootstrap")
    desk.does("deploy")
    assert "csrfmiddlewaretoken" in browse(host, "/admin/login/", DOMAIN).body
    assert browse(host, "/static/admin/css/base.css", DOMAIN).status == 200
    before = came_to(desk)
    assert before[0] == "False" and len(before[1]) >= 50 and before[2] == "mysite"

    base = desk.project / "mysite/settings/parts/base.py"
    base.write_text(f"{base.read_text()}\nSECRET_KEY = 'a long key that is in git for everyone'\n")
    commit(desk.project, "A key of their own")
    error_of(
        desk.fab("deploy"),
        6,
        "SECRET_KEY stands in mysite/settings/parts/base.py, which is in git",
        "overlay: [SECRET_KEY]",
        "still serves",
    )

    base.write_text(
        f"{base.read_text()}\nDATABASES['default'] = {{**DATABASES['default'], 'NAME': '/srv/x'}}\n"
    )
    commit(desk.project, "A database of their own")
    settings(desk.project, domain=DOMAIN, database="mysql", overlay=["SECRET_KEY"])
    error_of(desk.fab("deploy"), 6, "the default database is sqlite /srv/x", "overlay: [DATABASES]")

    settings(desk.project, domain=DOMAIN, database="mysql", overlay=["SECRET_KEY", "DATABASES"])
    desk.does("deploy")
    assert came_to(desk) == before
    assert "csrfmiddlewaretoken" in browse(host, "/admin/login/", DOMAIN).body


def test_what_the_text_tells_is_said_by_a_plan_and_a_deploy(host: ThrowawayHost, tmp_path: Path) -> None:
    desk = Desk(startproject(tmp_path / "told", name="told"), host)
    path = desk.project / "told/settings.py"
    change_line(path, "ALLOWED_HOSTS = []", "ALLOWED_HOSTS = ['example.com']")
    change_line(path, "django-insecure-", "not-so-insecure-")
    settings(desk.project, domain="told.example.org", database="mysql", env={"ZIP": "01067"})
    text = (desk.project / "fabric.yaml").read_text().replace('"01067"', "01067")
    (desk.project / "fabric.yaml").write_text(text)
    commit(desk.project, "Settings")
    for words in (["plan"], ["deploy"]):
        done = desk.fab(*words)
        assert "SECRET_KEY stands in the repository, so it is no secret" in done.text
        assert "ALLOWED_HOSTS does not hold told.example.org, so a deploy would refuse" in done.text
    change_line(path, "'example.com'", "'told.example.org'")
    commit(desk.project, "Hosts")
    desk.does("bootstrap")
    desk.does("deploy")
    told = desk.does("manage", 'shell -c \'import os; print("zip", os.environ["ZIP"])\'')
    assert "zip 01067" in told.out
    assert "not-so-insecure" not in " ".join(came_to(desk))


def came_to(desk: Desk) -> list[str]:
    """Return DEBUG, the secret key and the name of the database, as the release that serves has them."""
    out = desk.does("manage", f'shell -c "{ASK}"').out
    return out.partition("came to ")[2].split()[:3]
