"""Django's own minimum is known before anything is changed: of the database's server, and of Python."""

from __future__ import annotations

from faults import append, error_of
from projects import change_line, commit

OLD = "#!/bin/sh\necho 'mariadbd  Ver 10.6.18-MariaDB for debian-linux-gnu on x86_64'\n"


def test_a_server_that_is_too_old_is_named_before_anything_is_changed(deployed):
    host, desk = deployed.host, deployed
    change_line(desk.project / "requirements.txt", "Django==5.2.19", "Django>=6.1,<6.2")
    commit(desk.project)
    assert "MariaDB" not in desk.fab("deploy", "--plan").err
    host.put(OLD, "/usr/local/sbin/mariadbd")
    host.ssh("chmod +x /usr/local/sbin/mariadbd")
    before = host.ssh("find /srv/guestbook /var/lib/roadie -newermt @0 -printf '%p %C@\\n' | sort").stdout
    for words in (["plan"], ["bootstrap"], ["deploy", "--plan"], ["deploy"]):
        told = error_of(
            desk.fab(*words), 3, "Django>=6.1,<6.2: needs MariaDB 10.11 or newer", "MariaDB 10.6.18"
        )
        assert "require Django 6.0 or older" in told
    assert (
        host.ssh("find /srv/guestbook /var/lib/roadie -newermt @0 -printf '%p %C@\\n' | sort").stdout
        == before
    )
    append(desk.project / "fabric.yaml", "  python: /usr/bin/python3\n")
    change_line(desk.project / "requirements.txt", "Django>=6.1,<6.2", "Django==2.2.28")
    commit(desk.project)
    error_of(desk.fab("deploy"), 3, "Django 2.2.28: does not run on /usr/bin/python3", "3.11 in python:")
    change_line(desk.project / "fabric.yaml", "python: /usr/bin/python3", 'python: "3.13"')
    error_of(desk.fab("plan"), 2, "`python:` is 3.13, but Django 2.2.28 runs on Python 3.8 to 3.11")
