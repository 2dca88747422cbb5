"""`build_here:` sees the commit alone, and what `ship:` names ships. Every fault is one line."""

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import projects
import pytest
from roadie.errors import UsageError
from roadie.git.bundle import pack
from roadie.project.workspace import at_ref
from roadie.release.built_here import build_here
from roadie.release.record import differences, make_release
from roadie.settings.reading import load

#: a command line that only this process of the tests starts
SLEEP = f"sleep 986.{os.getpid()}"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A project, whose exports lie in a folder of the test."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    folder = projects.startproject(tmp_path / "mysite")
    (folder / ".gitignore").write_text("static/dist\n")
    projects.commit(folder)
    return folder


def work(folder, *commands, ship=("static/dist",), **values):
    given = {"domain": "a.org", "build_here": [*commands], "ship": [*ship], **values}
    return at_ref(load(given, "fabric.yaml", folder), "HEAD")


def listing(folder, built):
    told = subprocess.run(
        ["git", "-C", str(folder), "ls-tree", "-r", built.tree],
        env={**os.environ, **built.environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {
        path: mode
        for mode, _, _, path in (line.replace("\t", " ").split(" ", 3) for line in told.splitlines())
    }


def refusal(folder, *commands, **values):
    told = []
    with pytest.raises(UsageError) as caught:
        build_here(work(folder, *commands, **values), told.append)
    assert "\n" not in str(caught.value)
    return str(caught.value), told


def test_what_is_built_ships_with_the_commit_and_nothing_else_does(site):
    (site / "secret.txt").write_text("not committed")
    (site / "mysite/urls.py").write_text("changed, and not committed")
    one = work(
        site,
        "test ! -e secret.txt && mkdir -p node_modules static/dist/img",
        "cp mysite/urls.py static/dist/app.js",
        "echo x >static/dist/img/a.png; chmod +x static/dist/app.js; ln -s img/a.png static/dist/b.png",
    )
    told = []
    built = build_here(one, told.append)
    assert told == [f"build_here: {line}" for line in one.settings.build_here]
    found = listing(site, built)
    assert found["static/dist/app.js"] == "100755" and found["static/dist/img/a.png"] == "100644"
    assert found["static/dist/b.png"] == "120000" and "manage.py" in found
    assert not [path for path in found if "node_modules" in path or "secret" in path]
    assert projects.git(site, "status", "--porcelain") == "M mysite/urls.py\n?? secret.txt"
    with pytest.raises(subprocess.CalledProcessError):
        projects.git(site, "cat-file", "-e", built.tree)


def test_a_host_gets_only_what_the_build_made_besides_the_commit(site, tmp_path):
    one = work(site, "mkdir -p static/dist && echo x >static/dist/app.js")
    built = build_here(one, print)
    host = tmp_path / "host"
    subprocess.run(["git", "init", "-q", "--bare", str(host)], check=True)
    for tree, have in ((one.shipped_tree, []), (built.tree, [one.shipped_tree])):
        sent = bytes(pack(site, tree, have, environment=built.environment)[:])
        subprocess.run(
            ["git", "-C", str(host), "index-pack", "--stdin", "--fix-thin"], input=sent, check=True
        )
    assert len(sent) < 500
    subprocess.run(["git", "-C", str(host), "rev-list", "--objects", "--quiet", built.tree], check=True)


def test_what_the_build_makes_takes_the_place_of_committed_files(site):
    (site / "static/dist").mkdir(parents=True)
    (site / "static/dist/old.js").write_text("old")
    projects.git(site, "add", "-f", "static/dist/old.js")
    projects.commit(site)
    found = listing(
        site,
        build_here(work(site, "rm -r static/dist; mkdir static/dist; echo x >static/dist/new.js"), print),
    )
    assert [path for path in found if path.startswith("static/")] == ["static/dist/new.js"]


def test_a_project_in_a_folder_of_its_repository_is_built_there(tmp_path):
    project = projects.startproject(tmp_path / "repo/sites/one")
    repo = tmp_path / "repo"
    (project / ".git").rename(repo / ".git")
    projects.commit(repo)
    one = work(project, "test -e manage.py; mkdir out && pwd >out/where", ship=["out"])
    found = listing(repo, build_here(one, print))
    assert {"manage.py", "out/where"} <= {*found}


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("true", "ship: static/dist: build_here made no such folder or file"),
        ("mkdir -p static/dist", "ship: static/dist: build_here left it empty"),
        (
            "mkdir -p static/dist; ln -s /etc/passwd static/dist/x",
            "the link dist/x leads out, to /etc/passwd",
        ),
        ("mkdir -p static/dist; ln -s ../../manage.py static/dist/x", "leads out, to ../../manage.py"),
        ("mkdir -p static; ln -s ../mysite static/dist", "the link dist leads out, to ../mysite"),
        ("mkdir -p static/dist; mkfifo static/dist/x", "ship: static/dist/x: is neither a file nor a link"),
        ("mkdir -p static/dist; truncate -s 600M static/dist/x", "has 600 MB, and 500 may ship"),
    ],
)
def test_what_cannot_ship_is_one_line_and_leaves_nothing(site, tmp_path, command, says):
    assert says in refusal(site, command)[0]
    assert [*(tmp_path / "tmp").iterdir()] == []


def test_a_command_that_fails_tells_its_last_words(site, tmp_path):
    why, told = refusal(site, "echo one; echo no such script >&2; exit 7", "touch never")
    assert why.endswith("exit code 7; its last words are above; nothing was sent")
    assert told[1:] == ["one", "no such script"]
    assert [*(tmp_path / "tmp").iterdir()] == []


def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(site):
    why, _ = refusal(site, f"{SLEEP} & echo $! >/proc/self/fd/1; wait", build_timeout=1)
    assert "did not end within 1 seconds" in why
    assert subprocess.run(["pgrep", "-f", f"^{SLEEP}$"], capture_output=True).stdout == b""


def test_ctrl_c_ends_the_command_and_removes_the_export(site, tmp_path):
    script = f"""
    import sys; sys.path[:0] = {sys.path!r}
    import test_built_here as here
    from pathlib import Path
    from roadie.release.built_here import build_here
    build_here(here.work(Path({str(site)!r}), "touch {tmp_path}/begun; {SLEEP}"), print)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
    )
    while not (tmp_path / "begun").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert "interrupted: build_here: " in err
    assert subprocess.run(["pgrep", "-f", f"^{SLEEP}$"], capture_output=True).stdout == b""
    assert [*(tmp_path / "tmp").iterdir()] == []


def test_the_same_commit_and_commands_are_the_same_release_without_a_build(site):
    def fingerprint(*commands, **values):
        one = work(site, *commands, **values)
        return make_release(one, {**one.values, "secrets": {}}).fingerprint

    first = fingerprint("npm ci", "npm run build")
    assert differences(fingerprint("npm ci", "npm run build"), first) == []
    assert differences(fingerprint("npm run build"), first) == ["build_here"]
    assert differences(fingerprint("npm ci", "npm run build", ship=["dist"]), first) == ["build_here"]
