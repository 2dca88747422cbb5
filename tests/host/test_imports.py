"""Each way to import roadie, and each way to add the user's own code, on a real host."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import standing
from desk import Desk, Done, browse, eventually
from environments import Environment, build
from faults import error_of, serving
from invoke.util import yaml
from projects import commit, example, git_repo, retitle, settings
from roadie.throwaway import hosts as throwaway
from roadie.throwaway.hosts import ThrowawayHost

ROOT = Path(__file__).parents[2]
FAB = (str(Path(sys.executable).parent / "fab"),)
NAMED = "from roadie import bootstrap, deploy, plan\n"
COLLECTION = "from invoke import Collection\nimport roadie\n\nns = Collection()\nns.add_collection(roadie)\n"


@dataclass(frozen=True)
class Seat:
    """A project and the command that deploys it, such as `fab`."""

    program: tuple[str, ...]
    project: Path
    host: ThrowawayHost

    def fab(self, *words: str, on_host: bool = True) -> Done:
        """Run the command, with -H unless the settings name the host."""
        where = ["-H", f"root@{self.host.name}"] if on_host else []
        argv = [*self.program, "-S", self.host.ssh_config, *where, *words]
        done = subprocess.run(
            argv, cwd=self.project, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def does(self, *words: str, on_host: bool = True) -> str:
        """Run the command, which must succeed. Return its output."""
        done = self.fab(*words, on_host=on_host)
        assert done.code == 0, done.text
        return done.out

    def write(self, templates: dict[str, str]) -> None:
        """Write and commit templates of the project's own."""
        for name, text in templates.items():
            path = self.project / "roadie-templates" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        commit(self.project)


@pytest.fixture(scope="module")
def host() -> Iterator[ThrowawayHost]:
    """A host that is ready for the guestbook. All tests of this file share this host."""
    with throwaway.boot("imports", snapshot=standing.bootstrapped()) as host:
        yield host


@pytest.fixture
def seat(host: ThrowawayHost, tmp_path: Path) -> Seat:
    """The guestbook without a fabfile, which a test writes, and the `fab` of the repository's virtualenv."""
    return Seat(FAB, example("guestbook", tmp_path / "guestbook"), host)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A virtualenv with roadie installed from a wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    source = copy_of_roadie(folder / "source")
    build(source, folder / "dist")
    environment = Environment(folder / "venv")
    [archive] = (folder / "dist").glob("*.whl")
    environment.pip(str(archive), cwd=folder)
    return environment


def copy_of_roadie(folder: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ["fabfile", "templates"]:
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ["setup.py", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.rst", "CHANGELOG.rst"]:
        shutil.copy(ROOT / name, folder)
    return folder


def assert_it_deploys(seat: Seat, title: str, prefix: str = "", project: str = ".") -> None:
    """Check that tasks are listed, bootstrap changes nothing, and a deploy puts this title on the page."""
    listed = seat.does("--list")
    assert {f"{prefix}bootstrap", f"{prefix}deploy"} <= set(listed.split())
    retitle(seat.project / project, title)
    assert " 0 changed" in seat.does(f"{prefix}bootstrap")
    seat.does(f"{prefix}deploy")
    assert f"<h1>{title}</h1>" in browse(seat.host).body


@pytest.mark.parametrize(
    ("title", "fabfile", "prefix"),
    [("star", "from roadie import *\n", ""), ("named", NAMED, ""), ("collection", COLLECTION, "roadie.")],
)
def test_a_fabfile_imports_roadie(seat: Seat, title: str, fabfile: str, prefix: str) -> None:
    (seat.project / "fabfile.py").write_text(fabfile)
    assert_it_deploys(seat, title, prefix)


def test_a_fabfile_imports_roadie_from_a_wheel(seat: Seat, wheel: Environment) -> None:
    assert_it_deploys(replace(seat, program=(str(wheel.python), "-m", "fabric")), "wheel")


def test_the_program_roadie_needs_no_fabfile(seat: Seat, wheel: Environment) -> None:
    (seat.project / "fabfile.py").unlink()
    assert_it_deploys(replace(seat, program=(str(wheel.folder / "bin/roadie"),)), "program")


def test_the_root_of_the_repository_is_a_fabfile(host: ThrowawayHost, tmp_path: Path) -> None:
    root = copy_of_roadie(tmp_path / "roadie")
    example("guestbook", root / "examples/guestbook")
    shutil.rmtree(root / "examples/guestbook/.git")
    known = yaml.safe_load((root / "examples/guestbook/fabric.yaml").read_text())["roadie"]
    git_repo(root)
    (root / "fabric.yaml").write_text(yaml.safe_dump({"roadie": {**known, "project": "examples/guestbook"}}))
    bare = Environment(tmp_path / "venv")
    seat = Seat((str(bare.python), "-m", "fabric"), root, host)
    seat.does("bootstrap")  # the requirements have another path here, so they need another virtualenv
    assert_it_deploys(seat, "root", project="examples/guestbook")


OWN_STAGES = """
from roadie import *

as_root = Stage("note", "Leave a note.", "stages/note.sh.j2", user="root")
as_app = Stage("tell", "Tell who and where.", "stages/tell.sh.j2")
use(bootstrap=(*PROVISION, as_root, as_app), deploy=(*DEPLOY, as_root, as_app))
"""
NOTE = """text={{ settings.env["NOTE"] }}

ensure_file /etc/note 644 root:root "${text}"
"""
TELL = """{ id -un; pwd; echo "${DJANGO_SETTINGS_MODULE-}"; } >"${HOME}/told"
[[ -z ${DJANGO_SETTINGS_MODULE-} ]] || python manage.py check
"""


def test_stages_of_the_users_own_run_as_root_and_as_the_app(seat: Seat) -> None:
    host = seat.host
    settings(seat.project, **{**known_settings(seat), "env": {"NOTE": "it's $HOME"}})
    (seat.project / "fabfile.py").write_text(OWN_STAGES)
    seat.write({"stages/note.sh.j2": NOTE, "stages/tell.sh.j2": TELL})

    planned = seat.fab("plan")
    assert planned.code == 10
    assert [line.split()[1:3] for line in planned.out.splitlines() if " would " in line] == [
        ["note", "would"],
        ["tell", "would"],
    ]
    assert host.ssh("ls /etc/note", check=False).returncode == 2

    assert " 1 changed" in seat.does("bootstrap")
    assert host.ssh("cat /etc/note; stat -c %U /etc/note").stdout == "it's $HOME\nroot\n"
    told = "/srv/guestbook/shared/home/told"
    assert host.ssh(f"cat {told}").stdout.split() == ["guestbook", "/srv/guestbook/shared/home"]
    assert " 0 changed" in seat.does("bootstrap")

    host.ssh("rm /etc/note")
    seat.does("deploy")
    code = host.ssh("readlink -f /srv/guestbook/live/release/work").stdout.strip()
    assert host.ssh(f"cat {told}").stdout.split() == ["guestbook", code, "roadie_settings"]
    assert host.ssh("cat /etc/note").stdout == "it's $HOME\n"

    # One more stage, and the same code: the deploy has something to do.
    host.ssh("rm /etc/note")
    (seat.project / "fabfile.py").write_text(
        f'{OWN_STAGES}as_app_again = Stage("again", "Tell again.", "stages/again.sh.j2")\n'
        "use(deploy=(*DEPLOY, as_root, as_app, as_app_again))\n"
    )
    (seat.project / "roadie-templates/stages/again.sh.j2").write_text("echo again >>~/told\n")
    assert "used as they are here, uncommitted" in seat.fab("deploy").out
    assert host.ssh(f"tail -n 1 {told}; cat /etc/note").stdout == "again\nit's $HOME\n"


def test_a_stage_of_the_users_own_can_refuse_a_release(seat: Seat) -> None:
    before = seat.host.ssh("readlink /srv/guestbook/live", check=False).stdout
    (seat.project / "fabfile.py").write_text(
        "from roadie import *\n\n"
        'smoke = Stage("smoke", "Try it.", "stages/smoke.sh.j2")\n'
        'where = [stage.name for stage in DEPLOY].index("start")\n'
        "use(deploy=(*DEPLOY[:where], smoke, *DEPLOY[where:]))\n"
    )
    seat.write({"stages/smoke.sh.j2": "echo no smoke >&2\nexit 3\n"})
    done = seat.fab("deploy")
    assert done.code == 6
    assert "smoke" in done.last_line and "exit code 3" in done.last_line
    assert "no smoke" in done.text
    assert seat.host.ssh("readlink /srv/guestbook/live", check=False).stdout == before
    assert browse(seat.host).status in (200, 503)


def test_a_stage_of_the_users_own_that_fails_after_the_switch_says_what_serves(seat: Seat) -> None:
    (seat.project / "fabfile.py").write_text(
        "from roadie import *\n\n"
        'smoke = Stage("smoke", "Try it.", "stages/smoke.sh.j2")\n'
        "use(deploy=(*DEPLOY, smoke))\n"
    )
    retitle(seat.project, "After the switch")
    seat.write({"stages/smoke.sh.j2": "echo no smoke >&2\nexit 3\n"})
    done = seat.fab("deploy")
    release = seat.host.ssh("basename $(readlink -f /srv/guestbook/live/release)").stdout.strip()
    said = error_of(done, 6, "smoke", "exit code 3", f"release {release} serves")
    assert "still serves" not in said and "no release" not in said
    assert "<h1>After the switch</h1>" in browse(seat.host).body


def test_a_stage_that_bash_cannot_read_is_told_before_anything_but_a_process_has_begun(seat: Seat) -> None:
    (seat.project / "fabfile.py").write_text(
        "from roadie import *\n\n"
        'smoke = Stage("smoke", "Try it.", "stages/smoke.sh.j2", user="root")\n'
        "use(deploy=(*DEPLOY, smoke))\n"
    )
    seat.write({"stages/smoke.sh.j2": "echo smoke\n"})
    seat.does("deploy")
    before = serving(seat.host)
    retitle(seat.project, "Broken")
    seat.write({"stages/smoke.sh.j2": "if then\n"})
    done = seat.fab("deploy")
    error_of(done, 6, "bash cannot read it", f"{before.release} still serves")
    assert "syntax error near unexpected token" in done.text
    assert serving(seat.host) == before


TAKES_NAMES = """
apply() { ok 'nothing'; }
reload_nginx() { ok 'nothing'; }
site_file=/nowhere

ensure_applied 'a note' true
"""
OWN_STAGE_BEFORE_NGINX = """
from roadie import *
from roadie.scripts import stages

own = Stage("own", "Take names.", "stages/own.sh.j2", user="root")
where = PROVISION.index(stages.nginx)
use(bootstrap=(*PROVISION[:where], own, *PROVISION[where:]))
"""


def test_names_in_a_stage_of_the_users_own_reach_no_other_stage(seat: Seat) -> None:
    ours = (ROOT / "templates/nginx/headers.nginx.j2").read_text()
    (seat.project / "fabfile.py").write_text(OWN_STAGE_BEFORE_NGINX)
    seat.write({"stages/own.sh.j2": TAKES_NAMES})
    seat.write({"nginx/headers.nginx.j2": f'{ours}add_header X-Own "stage" always;\n'})
    seat.does("bootstrap")
    assert eventually(lambda: browse(seat.host).headers.get("x-own") == "stage")
    shutil.rmtree(seat.project / "roadie-templates/nginx")
    seat.does("bootstrap")
    assert eventually(lambda: "x-own" not in browse(seat.host).headers)


def test_ctrl_c_ends_a_step_of_the_users_own_stage_at_once(seat: Seat) -> None:
    (seat.project / "fabfile.py").write_text(OWN_STAGE_BEFORE_NGINX)
    seat.write({"stages/own.sh.j2": "change_cuttable 'a long step' sleep 987\n"})
    sleeps = "pgrep -x -f 'sleep 987'"
    with Desk(seat.project, seat.host).started("bootstrap") as process:
        assert eventually(lambda: seat.host.ssh(sleeps, check=False).returncode == 0, 30)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "a long step" in err.strip().splitlines()[-1]
    assert eventually(lambda: seat.host.ssh(sleeps, check=False).returncode == 1)
    assert eventually(lambda: not seat.host.ssh("ls /run/roadie | grep -E 'beat|sh$' || true").stdout)


def test_a_template_of_the_users_own_wins_until_it_is_taken_away(seat: Seat) -> None:
    ours = (ROOT / "templates/nginx/headers.nginx.j2").read_text()
    seat.write({"nginx/headers.nginx.j2": f'{ours}add_header X-Whose "the user\'s" always;\n'})
    seat.does("bootstrap")
    # A reloaded nginx uses its new configuration only after a moment.
    assert eventually(lambda: browse(seat.host).headers.get("x-whose") == "the user's")
    shutil.rmtree(seat.project / "roadie-templates")
    seat.does("bootstrap")
    assert eventually(lambda: "x-whose" not in browse(seat.host).headers)


OWN_TASKS = """
from fabric import Connection, task
from roadie import deploy


@task
def ship(c):
    print("context", type(c).__name__)
    deploy(c)


@task
def ship_to(c, name):
    deploy(Connection(name, config=c.config))
"""


@pytest.mark.parametrize(
    ("title", "words", "context"),
    [
        ("of -H", ["-H", "root@HOST", "ship"], "context Connection"),
        ("of the settings", ["ship"], "context Context"),
        ("of its own", ["ship-to", "--name=HOST"], ""),
    ],
)
def test_a_task_of_the_users_own_calls_deploy(seat: Seat, title: str, words: list[str], context: str) -> None:
    settings(seat.project, **{**known_settings(seat), "hosts": [f"root@{seat.host.name}"]})
    (seat.project / "fabfile.py").write_text(OWN_TASKS)
    retitle(seat.project, title)
    out = seat.does(*[word.replace("HOST", seat.host.name) for word in words], on_host=False)
    assert context in out
    assert f"<h1>{title}</h1>" in browse(seat.host).body


OWN = """
from fabric import task


@task
def where(c):
    print(type(c).__name__)
    c.run("hostname")
"""


@pytest.mark.parametrize("on_host", [False, True], ids=["here", "with -H"])
def test_a_task_of_the_users_own_runs_as_in_stock_fabric(seat: Seat, on_host: bool) -> None:
    settings(seat.project, **{**known_settings(seat), "hosts": [f"root@{seat.host.name}", "elsewhere"]})
    (seat.project / "fabfile.py").write_text(OWN)
    stock = seat.does("where", on_host=on_host)
    (seat.project / "fabfile.py").write_text(f"{OWN}\n\nfrom roadie import *\n")
    assert "where" in seat.does("--list")
    assert seat.does("where", on_host=on_host) == stock
    name = seat.host.name if on_host else socket.gethostname()
    assert stock.split() == ["Connection" if on_host else "Context", name]


def known_settings(seat: Seat) -> dict[str, object]:
    known: dict[str, object] = yaml.safe_load((seat.project / "fabric.yaml").read_text())["roadie"]
    return known
