"""A new release's process begins before the release is there. It checks the release and then serves it."""

from __future__ import annotations

import json
from typing import Any

from desk import Desk, browse
from faults import append, serving
from invoke.util import yaml
from projects import change_line, commit, settings
from roadie.scripts.render import TEMPLATES
from told import last_run

INDEX = "entries/templates/entries/index.html"
STATIC = "entries/static/entries/note.txt"

# A page on which a process tells how it was started.
SELF = """
import json, os, sys
from django.http import HttpResponse

def told_of_itself(request):
    umask = os.umask(0)
    os.umask(umask)
    files = {name: str(getattr(module, "__file__", "")) for name, module in sys.modules.items()}
    ours = {name: path for name, path in files.items() if "/releases/" in path}
    told = {"cwd": os.getcwd(), "umask": umask, "path": sys.path, "argv": sys.argv, "flags": list(sys.flags)}
    told |= {"environment": dict(os.environ), "main": sys.modules["__main__"].__file__, "modules": ours}
    return HttpResponse(json.dumps(told))

urlpatterns.append(path("self", told_of_itself))
"""
OWN_STAGE = """
from roadie import *
from roadie.scripts import stages

own = Stage("own", "Do something.", "stages/own.sh.j2", user="root")
before = DEPLOY.index(stages.start)
use(deploy=(*DEPLOY[:before], own, *DEPLOY[before:]))
"""


def told_of_itself(desk: Desk) -> dict[str, Any]:
    """Return what the serving process tells about itself, with SLOT in place of its slot's name."""
    text = browse(desk.host, "/self").body.replace("green", "SLOT").replace("blue", "SLOT")
    found: dict[str, Any] = json.loads(text)
    return found


def slots(desk: Desk) -> set[str]:
    """Return the slots that have a program or a serving process."""
    found = desk.host.ssh("ls /etc/supervisor/conf.d; pgrep -a -f 'bind unix:'").stdout
    return {colour for colour in ("blue", "green") if colour in found}


def test_one_process_checks_the_release_and_serves_it(deployed: Desk) -> None:
    change_line(deployed.project / INDEX, "<h1>Guestbook</h1>", "<h1>Guests</h1>")
    commit(deployed.project)
    deployed.does("deploy")
    assert last_run(deployed.host).started() == ["load"]
    assert "<h1>Guests</h1>" in browse(deployed.host).body
    assert browse(deployed.host, "/static/entries/style.css").status == 200
    # roadie's own modules and their bytecode are hard links to the files of the release before.
    same = "find /srv/guestbook/live/release/overlay/ -name 'roadie_guard*' -links +1 | wc -l"
    assert deployed.host.ssh(same).stdout == "2\n"

    append(deployed.project / "requirements.txt", "toml==0.10.2")
    commit(deployed.project)
    deployed.does("deploy")
    assert last_run(deployed.host).started() == ["virtualenv"]

    (deployed.project / STATIC).write_text("note")
    commit(deployed.project)
    deployed.does("deploy")
    assert last_run(deployed.host).started() == ["load"]
    assert browse(deployed.host, "/static/entries/note.txt").body == "note"
    assert len(slots(deployed)) == 1

    before = serving(deployed.host)
    append(deployed.project / "guestbook/urls.py", "raise RuntimeError('no way')")
    commit(deployed.project)
    done = deployed.fab("deploy")
    assert (done.code, "no way" in done.last_line) == (6, True), done.text
    assert serving(deployed.host) == before
    assert len(slots(deployed)) == 1


def test_a_process_that_began_in_the_release_before_equals_one_that_began_in_its_own(deployed: Desk) -> None:
    append(deployed.project / "guestbook/urls.py", SELF)
    commit(deployed.project)
    deployed.does("deploy")
    change_line(deployed.project / INDEX, "<body>", "<body class=other>")
    commit(deployed.project)
    deployed.does("deploy")
    assert last_run(deployed.host).started() == ["load"]
    moved = told_of_itself(deployed)
    deployed.does("restart")
    assert moved == told_of_itself(deployed)
    assert {path.split("/releases/")[1].split("/")[0] for path in moved["modules"].values()} == {
        serving(deployed.host).release
    }


def test_a_process_begins_anew_if_its_environment_has_changed(deployed: Desk) -> None:
    before = serving(deployed.host).release
    known = yaml.safe_load((deployed.project / "fabric.yaml").read_text())["roadie"]
    settings(deployed.project, **known, env={"NEW_NAME": "new value"})
    append(deployed.project / "guestbook/urls.py", SELF)
    commit(deployed.project)
    deployed.does("deploy")
    assert last_run(deployed.host).started() == ["load", "inspect"]
    assert told_of_itself(deployed)["environment"]["NEW_NAME"] == "new value"
    assert serving(deployed.host).release != before


def test_a_program_of_the_projects_own_is_started_after_the_checks(deployed: Desk) -> None:
    template = (TEMPLATES / "web/program.supervisor.j2").read_text()
    ours = "-m roadie_gunicorn /srv/{{ settings.app }}/slots/@COLOUR@ "
    assert template.count(ours) == 1
    own = deployed.project / "roadie-templates/web/program.supervisor.j2"
    own.parent.mkdir(parents=True)
    own.write_text(template.replace(ours, "-m gunicorn "))
    append(deployed.project / "guestbook/urls.py", SELF)
    for content in "one", "two":
        change_line(deployed.project / INDEX, "<body", f"<body data-{content}")
        commit(deployed.project)
        deployed.does("deploy")
        assert f"data-{content}" in browse(deployed.host).body
        assert told_of_itself(deployed)["main"].endswith("/gunicorn/__main__.py")
    assert last_run(deployed.host).started() == ["start"]


def test_what_a_stage_of_the_projects_own_does_before_the_start_is_not_missed(deployed: Desk) -> None:
    (deployed.project / "fabfile.py").write_text(OWN_STAGE)
    own = deployed.project / "roadie-templates/stages/own.sh.j2"
    own.parent.mkdir(parents=True)
    own.write_text("printf '%s\\n' \"ADDED='value'\" >>\"${release_dir}/env\"\n")
    append(deployed.project / "guestbook/urls.py", SELF)
    commit(deployed.project)
    deployed.does("deploy")
    assert last_run(deployed.host).started() == ["load", "start"]
    assert told_of_itself(deployed)["environment"]["ADDED"] == "value"
