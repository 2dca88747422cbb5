"""Requirements in another form than pip's are installed by the tool that owns the form."""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path

import pytest
import standing
from desk import browse
from locked import LOCKS, lock, pips_index
from projects import commit
from projects import settings as write_settings
from test_virtualenv import VENVS, contents, known, venvs


def switch(desk, form):
    """Commit the requirements of one form in the place of the project's own."""
    lock(desk.project, form)
    commit(desk.project, form)


def installed(host, virtualenv):
    """Return the names and versions of the packages in a virtualenv."""
    folders = host.ssh(f"ls -d {VENVS}/{virtualenv}/lib/python3*/site-packages/*.dist-info").stdout.split()
    return {Path(folder).name.removesuffix(".dist-info").lower() for folder in folders}


@pytest.mark.third(1)
def test_each_form_is_installed_by_its_own_tool_and_what_it_pins_stays(bootstrapped):
    host, made = bootstrapped.host, {}
    for form, told in {
        "uv": "requirements: uv.lock, by `uv export",
        "poetry": "requirements: poetry.lock, by `poetry export",
        "pipenv": "requirements: Pipfile.lock, by `pipenv requirements",
        "pdm": "requirements: pdm.lock, by `pdm export",
    }.items():
        before = venvs(host)
        switch(bootstrapped, form)
        done = bootstrapped.does("bootstrap")
        assert told in done.text
        [made[form]] = venvs(host) - before
        has = installed(host, made[form])
        assert {"django-5.2.19", "gunicorn-23.0.0", "six-1.17.0", "mysqlclient-2.3.1"} <= has, (form, has)
        assert not any(name.startswith(("toml-", "poetry", "pdm", "pipenv")) for name in has), (form, has)
    assert ": 0 changed" in bootstrapped.does("bootstrap").out
    assert contents(host, made["uv"]) == contents(host, made["pdm"])
    assert host.ssh("find /var/cache/roadie/guestbook ! -user root").stdout == ""
    bootstrapped.does("deploy")
    assert browse(host, "/healthz").status == 200


@pytest.mark.third(0)
def test_pyproject_and_pylock_are_read_by_uv(bootstrapped):
    host, project = bootstrapped.host, bootstrapped.project
    text = (LOCKS / "uv/pyproject.toml").read_text()
    (project / "requirements.txt").unlink()
    (project / "pyproject.toml").write_text(text)
    commit(project)
    before = venvs(host)
    done = bootstrapped.does("bootstrap")
    assert "pyproject.toml, by `uv pip compile pyproject.toml --group prod`, without dev" in done.text
    [made] = venvs(host) - before
    assert {"gunicorn-23.0.0", "six-1.17.0", "mysqlclient-2.3.1"} <= installed(host, made)
    host.put("Django==5.2.19\ngunicorn==23.0.0\ndj-database-url\nsix==1.17.0\n", "/root/in.txt")
    uv = "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt /usr/local/lib/roadie/uv-0.13.9"
    locked = host.ssh(f"cd /root && {uv} pip compile -q --universal --format pylock.toml in.txt").stdout
    (project / "pyproject.toml").unlink()
    (project / "pylock.toml").write_text(locked)
    commit(project)
    before = venvs(host)
    bootstrapped.does("bootstrap")
    [made] = venvs(host) - before
    assert {"django-5.2.19", "gunicorn-23.0.0", "six-1.17.0", "mysqlclient-2.3.1"} <= installed(host, made)
    (project / "pylock.toml").write_text(locked.replace('name = "six"\nversion = "1.17.0"', "gone ="))
    commit(project)
    done = bootstrapped.fab("bootstrap")
    assert done.code != 0 and "pylock.toml: cannot be read" in done.last_line, done.text
    bootstrapped.does("deploy", "--ref", "HEAD~1")
    assert browse(host, "/healthz").status == 200


def offer_python(host):
    """Put a Python 3.11, that of Debian 12, into a mirror on the host, from which uv can bring it."""
    with standing.booted(standing.packaged("bookworm"), "bookworm") as other:
        other.ssh(
            "mkdir -p /root/a/python/{bin,lib} && cp /usr/bin/python3.11 /root/a/python/bin && "
            "cp -rL /usr/lib/python3.11 /root/a/python/lib; "
            "tar -C /root/a --exclude __pycache__ --exclude 'config-3.11*' -czf /root/python.tar.gz python"
        )
        archive = (other.tree / "root/python.tar.gz").read_bytes()
    host.ssh("mkdir -p /var/tmp/mirror")
    (host.tree / "var/tmp/mirror/python.tar.gz").write_bytes(archive)
    offered = {
        "name": "cpython",
        "arch": {"family": platform.machine(), "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": 3,
        "minor": 11,
        "patch": 2,
        "prerelease": "",
        "variant": None,
        "build": "20261101",
        "url": "file:///var/tmp/mirror/python.tar.gz",
        "sha256": hashlib.sha256(archive).hexdigest(),
    }
    listed = json.dumps({f"cpython-3.11.2-linux-{platform.machine()}-gnu": offered})
    host.put(listed, "/var/tmp/mirror/pythons.json")
    host.put("UV_PYTHON_DOWNLOADS_JSON_URL=/var/tmp/mirror/pythons.json\n", "/etc/environment")


@pytest.mark.third(2)
def test_a_python_that_the_distribution_lacks_is_brought_by_uv_and_told_before(bootstrapped):
    host, project = bootstrapped.host, bootstrapped.project
    (project / "requirements.txt").write_text("Django==5.2.19\nPyMySQL\n")  # nothing to build
    (project / "pyproject.toml").write_text('[project]\nname = "shop"\nrequires-python = ">=3.10,<3.12"\n')
    commit(project)
    done = bootstrapped.fab("bootstrap")
    assert (
        done.code == 6 and "virtualenv: Python 3.11: this host has none, and uv could not" in done.last_line
    )
    offer_python(host)
    planned = bootstrapped.fab("plan")
    assert "Python 3.11" in planned.out, planned.text
    assert "pyproject.toml requires >=3.10,<3.12, and the host has no such version" in planned.out
    bootstrapped.does("deploy")
    own = "/usr/local/lib/roadie/pythons/3.11/bin/python3.11"
    assert host.ssh("readlink -f /srv/guestbook/live/venv/bin/python").stdout.strip() == own
    assert host.ssh("find /usr/local/lib/roadie/pythons ! -user root -o -perm /022 ! -type l").stdout == ""
    assert browse(host, "/healthz").status == 200
    assert ": 0 changed" in bootstrapped.does("bootstrap").out


@pytest.mark.third(0)
def test_the_index_of_the_settings_wins_and_failures_name_their_cure(bootstrapped):
    host, project = bootstrapped.host, bootstrapped.project
    base = known(project)
    secret = pips_index().replace("//", "//token12345:secret12345@")

    def tried(*lines, **values):
        write_settings(project, **{**base, "database": "mysql", **values})
        (project / "requirements.txt").write_text(
            "\n".join(["-i https://unreachable.invalid/simple", *lines, ""])
        )
        commit(project)
        return bootstrapped.fab("bootstrap", env={"MY_INDEX": secret})

    done = tried("Django==5.2.19")
    assert (
        done.code == 6
        and "the package index https://unreachable.invalid/simple does not answer" in done.last_line
    )
    done = tried("Djanog==5.2.19", index={"env": "MY_INDEX"})
    assert (
        done.code == 6 and "no index has Djanog==5.2.19 for this Python; correct its name" in done.last_line
    )
    assert "12345" not in done.text
    places = "/var/log/roadie /var/cache/roadie /srv/guestbook /usr/local/lib/roadie"
    assert host.ssh(f"grep -rl secret12345 {places}", check=False).stdout == ""
    done = tried("Django==5.2.19", "psycopg2-binary==2.9.9", index="default")
    assert done.code == 6 and "cannot build psycopg2-binary==2.9.9: Error: pg_config" in done.last_line, (
        done.text
    )
    older = 'it has a wheel for Python 3.12, but none for 3.13, so write python: "3.12" in fabric.yaml, or '
    assert f"{older}require psycopg2-binary 2." in done.last_line and "libpq-dev" not in done.text
    done = tried("Django==5.2.19", "Pillow==5.3.0", index="default")
    assert done.code == 6 and "cannot build pillow==5.3.0: " in done.last_line.lower(), done.text
    assert "illow 1" in done.last_line and "has a wheel for this Python" in done.last_line
    assert len(done.last_line) <= 450 and "://" not in done.last_line
    before = venvs(host)
    done = tried("Django==5.2.19", "dj-database-url", index="default", extra_requirements=["six==1.17.0"])
    assert done.code == 0, done.text
    [made] = venvs(host) - before
    assert {"django-5.2.19", "six-1.17.0"} <= installed(host, made)
