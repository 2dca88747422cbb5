"""A release is more than its commit: what was built, shared, rendered and uploaded is there too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from desk import Desk, browse
from projects import change_line, commit, git, settings, startproject
from roadie.throwaway.hosts import ThrowawayHost
from within import inside

DOMAIN = "www.example.org"
PAGE = """
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse
from django.urls import path
from django.utils.translation import gettext, override


def home(request):
    hits = Path(settings.BASE_DIR, "hits/count.txt")
    if "hit" in request.GET:
        hits.write_text(f"{int(hits.read_text()) + 1}")
    built = Path(settings.BASE_DIR, "built.txt")
    with override("de"):
        lines = [gettext("home"), hits.read_text(), built.read_text(), settings.TITLE, settings.MAIL_KEY]
    return HttpResponse(" ".join(line.strip() for line in lines))


urlpatterns = [path("", home)]
"""
LINES = """
from .local_settings import *
LOCALE_PATHS = [BASE_DIR / "locale"]
STATIC_ROOT = BASE_DIR / "static"
MEDIA_URL = "/media/"
MEDIA_ROOT = BASE_DIR / "media"
"""
PO = """msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "home"
msgstr "Zuhause"
"""
BUILD = [
    "python manage.py compilemessages",
    "pwd >built.txt; id -un >>built.txt; ! cat ../env /srv/mysite/shared/secrets",
    'test "$(id -G)" = "$(id -g)"',
    'test "$DEBUG $ALLOWED_HOSTS $DB_NAME" = "False www.example.org mysite"',
    """test "$(python -c 'from rest import mail; print(mail.KEY)')" = no-secret-is-known-in-a-build""",
    'test "$MAIL_KEY" = no-secret-is-known-in-a-build; ln -s /etc/passwd leak; chmod 777 manage.py',
]


def project(folder: Path, **values: object) -> Path:
    made = startproject(folder)
    (made / "mysite/urls.py").write_text(PAGE)
    change_line(made / "mysite/settings.py", "USE_TZ = True\n", f"USE_TZ = True\n{LINES}")
    for name, text in (("media/default.jpg", "a picture\n"), ("static/css/site.css", "body {}\n")):
        (made / name).parent.mkdir(parents=True)
        (made / name).write_text(text)
    (made / "locale/de/LC_MESSAGES").mkdir(parents=True)
    (made / "locale/de/LC_MESSAGES/django.po").write_text(PO)
    (made / "hits").mkdir()
    (made / "hits/count.txt").write_text("40\n")
    (made / "deploy").mkdir()
    (made / "deploy/local_settings.py").write_text("MAIL_KEY = {{ secrets.MAIL_KEY }}\nTITLE = 'One'\n")
    (made / "deploy/mail.py").write_text("KEY = {{ secrets.MAIL_KEY }}\nTITLE = 'One'\n")
    (made / "deploy/.env").write_text("DOMAIN={{ settings.domain[0] }}\n")
    (made / ".gitignore").write_text("front/dist\nlocal.txt\n")
    (made / "local.txt").write_text("of this machine only")
    configure(made, **values)
    return made


def configure(folder: Path, **values: object) -> None:
    known = {
        "domain": DOMAIN,
        "packages": ["gettext"],
        "build": BUILD,
        "env_names": {"db_name": "DB_NAME"},
        "build_here": ["test ! -e local.txt", "mkdir -p front/dist && cksum <manage.py >front/dist/sum.txt"],
        "ship": ["front/dist"],
        "files": {
            "mysite/local_settings.py": "deploy/local_settings.py",
            "conf/.env": "deploy/.env",
            "venv/site-packages/rest/mail.py": "deploy/mail.py",
        },
        "shared": ["hits", "var/cache.db"],
        "secrets": {"MAIL_KEY": {"command": "printf ses; printf ame"}},
    }
    settings(folder, **{**known, **values})
    commit(folder, "Settings")


@pytest.mark.third(2)
def test_a_release_has_what_was_built_shared_and_uploaded(packaged, tmp_path):
    site = Desk(project(tmp_path / "mysite"), packaged.host)
    host = site.host
    site.does("bootstrap")
    site.does("deploy")
    first = current(host)
    assert home(host, "/?hit") == ["Zuhause", "41", f"{first}/code", "mysite-build", "One", "sesame"]
    modes = inside(host, f"cd {first}/code && stat -c '%n %A %U:%G' built.txt manage.py hits var/cache.db")
    assert modes.splitlines() == [
        "built.txt -rw-r----- root:mysite",
        "manage.py -rwxr-x--- root:mysite",
        "hits lrwxrwxrwx root:root",
        "var/cache.db lrwxrwxrwx root:root",
    ]
    there = inside(
        host, f"cd {first}/code && stat -c '%n %A %U:%G' mysite/local_settings.py conf/.env; cat conf/.env"
    )
    assert there.splitlines() == [
        "mysite/local_settings.py -rw-r----- root:mysite",
        "conf/.env -rw-r----- root:mysite",
        "DOMAIN=www.example.org",
    ]
    assert inside(
        host, "grep -rl sesame /var/log/roadie /var/log/mysite /srv/mysite/releases || true"
    ).split() == [f"{first}/code/mysite/local_settings.py"]
    inside(host, f"! test -e {first}/code/leak && cd /srv/mysite && test -d shared/project/var")
    assert browse(host, "/media/default.jpg", DOMAIN).body == "a picture\n"
    for name in ("css/site.css", "admin/css/base.css"):
        assert browse(host, f"/static/{name}", DOMAIN).status == 200, name

    assert in_virtualenv(host) == ["sesame", "One", "-rw-r-----", "root:mysite"]
    assert not inside(host, f"ls {first}/code/venv 2>/dev/null || true")

    made = inside(host, f"cat {first}/code/front/dist/sum.txt && cd {first}/code && ! ls local.txt")
    tree, commit_of = told_of(host, first)
    assert commit_of == git(site.project, "rev-parse", "HEAD")
    assert tree != git(site.project, "rev-parse", "HEAD^{tree}")
    done = site.does("deploy")
    assert "0 changed" in done.out and "build_here" not in done.text
    plan = site.fab("deploy", "--plan", "--ref", "HEAD").out
    assert "nothing to do" in plan

    inside(host, "echo mine >/srv/mysite/shared/media/default.jpg")
    change_line(site.project / "locale/de/LC_MESSAGES/django.po", "Zuhause", "Daheim")
    (site.project / "hits/count.txt").write_text("1\n")
    change_line(site.project / "deploy/local_settings.py", "One", "Two")
    change_line(site.project / "deploy/mail.py", "One", "Two")
    commit(site.project)
    plan = site.fab("deploy", "--plan").out
    assert "build         here: test ! -e local.txt" in plan and "on the host: python manage.py" in plan
    assert "~ mysite/local_settings.py" in plan and "conf/.env" not in plan and "Two" not in plan
    done = site.does("deploy")
    assert "uploads" not in done.out
    second = current(host)
    assert home(host, "/?hit") == ["Daheim", "42", f"{second}/code", "mysite-build", "Two", "sesame"]
    assert in_virtualenv(host)[1] == "Two"
    assert browse(host, "/media/default.jpg", DOMAIN).body == "mine\n"

    done = site.does("deploy", "-v", env={"ROADIE_WORKERS": "1"})
    assert "build of" in done.out and "ran" not in done.out
    assert home(host)[:2] == ["Daheim", "42"]

    configure(site.project, build=[*BUILD, "echo no such tool; exit 3"])
    done = site.fab("deploy")
    assert (
        done.code == 6 and "build: echo no such tool; exit 3: exit code 3; its last words" in done.last_line
    )
    assert "no such tool\n" in done.text
    assert home(host)[:2] == ["Daheim", "42"]
    look = "cd /var/cache/roadie; ls -d mysite.build mysite/home; supervisorctl status; true"
    left = inside(host, look)
    assert "mysite.build" not in left and "home" not in left
    assert len([line for line in left.splitlines() if "mysite-" in line]) == 1

    site.does("rollback", "--to", Path(first).name)
    assert home(host, "/?hit") == ["Zuhause", "43", f"{first}/code", "mysite-build", "One", "sesame"]
    assert in_virtualenv(host)[1] == "One"
    assert inside(host, "cat /srv/mysite/current/code/front/dist/sum.txt") == made.splitlines()[0] + "\n"


def in_virtualenv(host: ThrowawayHost) -> list[str]:
    """What the file in the virtualenv says to the site's user, and who may read it."""
    read = "from rest import mail; print(mail.KEY, mail.TITLE)"
    as_site = "setpriv --reuid=mysite --regid=mysite --clear-groups"
    look = "stat -c '%A %U:%G' /srv/mysite/live/venv/lib/python3.*/site-packages/rest/mail.py"
    return inside(host, f'cd / && {as_site} /srv/mysite/live/venv/bin/python -c "{read}" && {look}').split()


def told_of(host: ThrowawayHost, release: str) -> tuple[str, str]:
    record = json.loads(inside(host, f"cat {release}/release.json"))
    return record["tree"], record["commit"]


def current(host: ThrowawayHost) -> str:
    return inside(host, "readlink -f /srv/mysite/current").strip()


def home(host: ThrowawayHost, path: str = "/") -> list[str]:
    return browse(host, path, DOMAIN).body.split()
