"""The parts of a rehearsal: a visitor's browser, a commit broken on purpose, and refusals in one line."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import projects
import pytest
from desk import eventually
from invoke import Context
from roadie import rehearse
from roadie.errors import UsageError
from roadie.git.bundle import pack
from roadie.project.workspace import at_ref
from roadie.rehearsal import browser
from roadie.rehearsal import rehearse as rehearsal
from roadie.rehearsal.browser import Browser, Page
from roadie.rehearsal.sabotage import broken_commit
from roadie.settings.reading import load

ROOT = Path(__file__).parents[3]
PAGES = {
    "/": (200, "<title>Guests</title><style>p {}</style><p>Two &amp; more <a href='/static/a.css'>"),
    "/old/": (302, "/new/?a=1"),
    "/new/?a=1": (200, "new"),
    "/away/": (302, "http://elsewhere.example.org/"),
    "/round/": (302, "/round/"),
}


class Site(BaseHTTPRequestHandler):
    """A site that answers for one domain only, as nginx does."""

    def do_GET(self):
        status, text = PAGES.get(self.path, (404, "none"))
        if self.headers["Host"] != "guests.example.org":
            status, text = 421, "not here"
        self.send_response(status)
        if status == 302:
            self.send_header("Location", text)
        self.end_headers()
        self.wfile.write(b"" if status == 302 else text.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def visitor(monkeypatch):
    """A browser, and a site on this machine."""
    with HTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(browser, "PORT", server.server_port)
        yield Browser("127.0.0.1", "guests.example.org")
        server.shutdown()


def test_a_page_is_asked_for_by_the_sites_name(visitor):
    assert visitor.get("/").status == 200
    assert Browser("127.0.0.1", "other.example.org").get("/").status == 421


def test_a_page_tells_its_first_words_and_what_it_asks_for(visitor):
    page = visitor.get("/")
    assert page.words == "Guests Two & more"
    assert page.link_below("/static/") == "/static/a.css"
    assert page.link_below("/assets/") == ""


def test_redirects_are_followed_within_the_site(visitor):
    assert visitor.get("/old/") == Page("/new/?a=1", 200, "new")
    assert visitor.get("/away/").status == visitor.get("/round/").status == 302


def test_a_site_that_does_not_answer_is_status_0(visitor, monkeypatch):
    monkeypatch.setattr(browser, "PORT", 1)
    page = visitor.get("/")
    assert page.status == 0
    assert "refused" in page.body


def test_a_visitor_goes_on_asking(visitor):
    with visitor.asking("/") as statuses:
        assert eventually(lambda: len(statuses) > 1)
    assert set(statuses) == {200}


def settings(folder, example):
    of_newsdesk = {"project": "src", "settings_module": "config.settings.production"}
    more = of_newsdesk if example == "newsdesk" else {}
    return load({"domain": "www.example.org", **more}, "here", folder)


def clone(folder, kind):
    """Make a repository of another kind with the same commit: shallow, partial or a worktree."""
    projects.git(folder, "config", "uploadpack.allowFilter", "true")
    other = folder.with_name(f"{folder.name}-{kind}")
    options = {"shallow": ["--depth=1"], "partial": ["--filter=blob:none"], "worktree": []}[kind]
    if kind == "worktree":
        projects.git(folder, "worktree", "add", "-q", str(other))
    else:
        projects.git(folder, "clone", "-q", *options, f"file://{folder}", str(other))
    return other


@pytest.mark.parametrize("example", ["guestbook", "newsdesk", "setlist"])
@pytest.mark.parametrize("kind", ["", "shallow", "partial", "worktree"])
def test_a_broken_commit_follows_its_own_in_one_file_and_leaves_the_repository_alone(tmp_path, example, kind):
    folder = projects.example(example, tmp_path / example)
    projects.git(folder, "commit", "-q", "--allow-empty", "-m", "Second")
    folder = clone(folder, kind) if kind else folder
    work = at_ref(settings(folder, example), "HEAD")
    before = projects.git(folder, "count-objects", "-v")
    with broken_commit(work) as (root, commit):
        again = at_ref(settings(root, example), commit)
        apart = projects.git(root, "rev-list", "--left-right", "--count", f"{work.commit.sha}...{commit}")
        assert apart.split() == ["0", "1"]
        changed = projects.git(root, "diff", "--name-only", work.commit.sha, commit)
        assert changed.endswith("/asgi.py" if example == "setlist" else "/wsgi.py")
        text = projects.git(root, "show", f"{commit}:{changed}")
        assert "broken on purpose" in text
        assert text.count("async def application(scope, receive, send)") == (example == "setlist")
        assert again.commit.dirty == ()
        assert 0 < len(pack(root, again.shipped_tree, [work.shipped_tree])) < 1000
    assert not root.exists()
    assert projects.git(folder, "count-objects", "-v") == before
    assert projects.git(folder, "status", "--porcelain") == ""


def test_a_project_without_a_wsgi_module_is_broken_in_its_settings(tmp_path):
    folder = projects.startproject(tmp_path / "mysite")
    projects.change_line(folder / "mysite/settings.py", "WSGI_APPLICATION = 'mysite.wsgi.application'", "")
    (folder / "mysite/wsgi.py").unlink()
    projects.commit(folder)
    with broken_commit(at_ref(settings(folder, "guestbook"), "HEAD")) as (root, commit):
        text = projects.git(root, "show", f"{commit}:mysite/settings.py")
        assert text.endswith('raise RuntimeError("broken on purpose by fab rehearse")')


def test_settings_find_what_lies_beside_them_and_above(tmp_path):
    folder = projects.example("newsdesk", tmp_path / "repository")
    (folder / "secret").write_text("uncommitted")
    (tmp_path / "beside").write_text("outside of the repository")
    with broken_commit(at_ref(settings(folder, "newsdesk"), "HEAD")) as (root, _):
        assert settings(root, "newsdesk").own_templates.is_dir()
        assert (root / "secret").read_text() == "uncommitted"
        assert (root / "../beside").read_text() == "outside of the repository"


@pytest.mark.parametrize(("system", "user", "lack"), [("darwin", 0, "Linux"), ("linux", 1000, "root")])
def test_without_linux_or_root_one_line_says_so(monkeypatch, system, user, lack):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(UsageError, match=f"^A throwaway host needs {lack}: run this .*"):
        rehearse(Context())


def test_examples_try_says_what_it_lacks(tmp_path):
    (tmp_path / "uname").write_text("#!/bin/sh\necho Darwin\n")
    (tmp_path / "uname").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    command = [ROOT / "examples/try"]
    done = subprocess.run(
        command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "throwaway hosts need Linux; run this in a Debian machine, as root" in done.stderr


def test_what_was_typed_can_be_typed_again(monkeypatch, tmp_path):
    fab = tmp_path / "fab"
    fab.touch(mode=0o755)
    assert rehearsal._typed([str(fab), "rehearse", "--keep"]) == (str(fab), "")
    monkeypatch.setenv("PATH", str(tmp_path))
    typed = [str(fab), "-f", "stage 2.yaml", "roadie.rehearse"]
    assert rehearsal._typed(typed) == ("fab -f 'stage 2.yaml'", "roadie.")
    assert rehearsal._typed(["/usr/lib/fabric/__main__.py", "a-task-of-mine"]) == ("fab", "")
