"""For each mistake of a person, `fab` prints one clear line and ends with the documented exit code."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import projects
import pytest

FAB = Path(sys.executable).parent / "fab"
LFS = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'4d7a' * 16}\nsize 12345\n"
STRANGE_BRANCH = "feat/ü-x'y;$(touch${IFS}pwned)"


@pytest.fixture(scope="module")
def listener():
    """A port that stands for an sshd. `visits` counts the connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = SimpleNamespace(address=f"root@127.0.0.1:{server.getsockname()[1]}", visits=0)

        def hang_up():
            while True:
                try:
                    visitor, _ = server.accept()
                except OSError:
                    return
                found.visits += 1
                visitor.close()

        threading.Thread(target=hang_up, daemon=True).start()
        yield found
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def good_project(tmp_path_factory):
    folder = projects.startproject(tmp_path_factory.mktemp("good") / "mysite")
    projects.settings(folder, domain="www.example.org")
    projects.commit(folder)
    return folder


@pytest.fixture
def project(good_project, tmp_path):
    """A project without a mistake, in a folder with a strange name."""
    return shutil.copytree(good_project, tmp_path / "it's my project")


@pytest.fixture
def fab(project, listener):
    """Runs the real `fab` in the project. `hosts` is the value of -H."""

    def run(*words, hosts=listener.address):
        where = ("-H", hosts) if hosts else ()
        known = {key: value for key, value in os.environ.items() if not key.startswith("ROADIE_")}
        done = subprocess.run(
            [FAB, *where, *words],
            cwd=project,
            env={**known, "HOME": str(project.parent)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert not list(project.rglob("pwned")), "some of what was given was run"
        return done

    return run


def assert_refused(done, code, *says):
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.endswith("\n"), done.stderr
    for words in says:
        assert words in done.stderr


def test_with_nothing_wrong_the_host_is_asked(fab, listener):
    before = listener.visits
    assert_refused(fab("deploy"), 5, "127.0.0.1: ", "hung up before any login")
    assert listener.visits == before + 1


WRONG_WORDS = {
    "an address that is none": (("maintenance", "on", "--allow", "mine"), "--allow: must be an address"),
    "a page for nobody": (("maintenance", "--message", "Soon"), "go with on"),
    "a message that paints the terminal": (
        ("lock", "--message", "a\x1b[31mb"),
        "--message: must be one line",
    ),
    "a removal that nobody confirms": (("remove",), "--yes"),
    "a dry run": (("--dry", "remove", "--yes"), "--dry: roadie's tasks cannot obey it"),
    "a dry rollback": (("--dry", "rollback"), "--dry: roadie's tasks cannot obey it"),
    "a dry deploy": (("--dry", "deploy"), "deploy --plan"),
    "a time limit": (("-T", "9", "deploy"), "--command-timeout: roadie's tasks cannot"),
    "failures that do not count": (("--warn-only", "deploy"), "--warn-only: roadie's"),
    "output that is hidden": (("--hide", "both", "deploy"), "--hide: roadie's"),
    "commands that are shown": (("-e", "deploy"), "--echo: roadie's"),
    "a terminal": (("--pty", "deploy"), "--pty: roadie's"),
    "a purge that nobody confirms": (("remove", "--purge"), "--confirm mysite"),
    "a purge of another site": (("remove", "--purge", "--confirm", "other"), "called mysite, not 'other'"),
    "a name for no purge": (("remove", "--confirm", "mysite"), "--confirm goes with --purge"),
}


@pytest.mark.parametrize(("words", "says"), WRONG_WORDS.values(), ids=WRONG_WORDS)
def test_wrong_words_are_refused_before_any_connection(fab, listener, words, says):
    before = listener.visits
    assert_refused(fab(*words), 2, says)
    assert listener.visits == before


@pytest.mark.parametrize("words", [("maintenance",), ("maintenance", "off"), ("maintenance", "unlock")])
def test_a_word_may_be_left_out(fab, words):
    assert_refused(fab(*words), 5, "hung up before any login")


# ---- Settings ---------------------------------------------------------------------------------------

WRONG_SETTINGS = {
    "unknown": ({"domian": "x"}, "roadie.domian: unknown setting (did you mean domain?)"),
    "wrong type": ({"workers": "many"}, "roadie.workers: must be a whole number", "'many'"),
    "domain that is a command": (
        {"domain": "a; rm -rf /"},
        "roadie.domain: must be a host name",
        "'a; rm -rf /'",
    ),
    "domain that runs one": ({"domain": "$(touch pwned)"}, "roadie.domain: must be a host name"),
    "no domain": ({"domain": None}, "roadie.domain: is not set"),
    "app with a quote": ({"app": "it's"}, "roadie.app: must be", '"it\'s"'),
    "app with a space": ({"app": "my site"}, "roadie.app: must be", "'my site'"),
    "app that runs a command": ({"app": "$(touch pwned)"}, "roadie.app: must be", "'$(touch pwned)'"),
    "app of two lines": ({"app": "a\nb"}, "roadie.app: must be", r"'a\nb'"),
    "app that is an option": ({"app": "-rf"}, "roadie.app: must be"),
    "app of nothing": ({"app": ""}, "roadie.app: must be"),
    "app root": ({"app": "root"}, "'root' belongs to the system", "'my-root'"),
    "app mysql": ({"app": "mysql"}, "'mysql' belongs to the system"),
    "app www-data": ({"app": "www-data"}, "'www-data' belongs to the system"),
}


@pytest.mark.parametrize(
    ("values", "says"), [(row[0], row[1:]) for row in WRONG_SETTINGS.values()], ids=WRONG_SETTINGS
)
def test_a_wrong_setting_is_refused_before_any_connection(fab, project, listener, values, says):
    before = listener.visits
    projects.settings(project, **{"domain": "www.example.org", **values})
    assert_refused(fab("deploy"), 2, "fabric.yaml, ", *says)
    assert listener.visits == before


MALFORMED = {
    "cut off": (b"roadie:\n  domain: [a\n  b: {\n", "line 3"),
    "with a tab": (b"roadie:\n\tdomain: a\n", "line 2"),
    "no mapping": (b"- roadie\n", "must be a mapping"),
    "no text": (b"roadie: {domain: \xff\xfe}", "byte 0xff"),
    "that runs Python": (b"roadie: !!python/object/apply:os.system ['touch pwned']\n", "line 1"),
}


@pytest.mark.parametrize(("text", "says"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_yaml_is_refused_before_any_connection(fab, project, listener, text, says):
    before = listener.visits
    (project / "fabric.yaml").write_bytes(text)
    assert_refused(fab("bootstrap"), 2, "fabric.yaml", says)
    assert listener.visits == before


# ---- Hosts ------------------------------------------------------------------------------------------

WRONG_HOSTS = {
    "none": ("", 2, "no host given: -H web1, or `hosts: [web1]` in fabric.yaml"),
    "two with a database each": (
        "a.invalid,b.invalid",
        2,
        "hosts a.invalid, b.invalid: each would have a database",
    ),
    "a space": ("web1 web2", 2, "host 'web1 web2': no name of a host", ", and commas between several"),
    "a space before the last user": ("a@web1 a@web2", 2, "host 'a@web1 a@web2': no name of a host"),
    "a command": ("$(touch pwned)", 2, "host '$(touch pwned)': no name of a host"),
    "unknown": ("no-such-host.invalid", 5, "no-such-host.invalid: the name ", "does not resolve", "spelling"),
    "nobody there": ("127.0.0.1:1", 5, "nothing listens at 127.0.0.1 port 1"),
}


@pytest.mark.parametrize("row", WRONG_HOSTS.values(), ids=WRONG_HOSTS)
def test_a_wrong_host_is_refused(fab, row):
    hosts, code, *says = row
    assert_refused(fab("deploy", hosts=hosts), code, *says)


def test_two_web_hosts_in_the_settings_are_refused(fab, project):
    projects.settings(project, domain="www.example.org", hosts=["web1.invalid", "web2.invalid"])
    assert_refused(fab("bootstrap", hosts=None), 2, "web1.invalid, web2.invalid: each would have a database")


# ---- What ships -------------------------------------------------------------------------------------

WRONG_REFS = [
    "nosuch",
    STRANGE_BRANCH,
    "--upload-pack=touch pwned",
    "HEAD;touch pwned",
    "HEAD:manage.py",
    "a..b",
    "",
    "\n",
]


@pytest.mark.parametrize("ref", WRONG_REFS)
def test_what_names_no_commit_is_refused(fab, ref):
    assert_refused(fab("deploy", f"--ref={ref}"), 2, "--ref ")


def test_a_branch_may_have_any_name_that_git_takes(fab, project):
    projects.git(project, "branch", STRANGE_BRANCH)
    assert_refused(fab("deploy", "--ref", STRANGE_BRANCH), 5, "hung up before any login")


def with_a_submodule(project):
    other = project.parent / "other"
    other.mkdir()
    projects.git_repo(other)
    projects.git(project, "-c", "protocol.file.allow=always", "submodule", "-q", "add", str(other), "theirs")


def with_a_pointer_of_lfs(project):
    (project / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (project / "mysite/data.bin").write_text(LFS)


def with_settings_that_are_no_python(project):
    (project / "mysite/settings.py").write_text("DEBUG = (\n")


def without(name):
    return lambda project: (project / name).unlink()


WRONG_PROJECTS = {
    "without requirements": (
        without("requirements.txt"),
        "no requirements file; write requirements.txt with the lines",
    ),
    "without manage.py": (without("manage.py"), "no manage.py of Django"),
    "with a submodule": (with_a_submodule, "theirs: submodules are not supported yet"),
    "with a pointer of LFS": (with_a_pointer_of_lfs, "mysite/data.bin: Git LFS is not supported yet"),
    "that is no Python": (with_settings_that_are_no_python, "mysite/settings.py, line 1: is not Python"),
}


@pytest.mark.parametrize(("breaks", "says"), WRONG_PROJECTS.values(), ids=WRONG_PROJECTS)
def test_a_project_that_cannot_ship_is_refused(fab, project, breaks, says):
    breaks(project)
    projects.commit(project)
    assert_refused(fab("deploy"), 2, says)


@pytest.mark.parametrize("git", [None, "init"])
def test_a_project_without_a_commit_is_refused_by_deploy_only(fab, project, git):
    shutil.rmtree(project / ".git")
    if git:
        projects.git(project, git, "-q")
    assert_refused(fab("deploy"), 2, "git commit")
    assert_refused(fab("bootstrap"), 5, "hung up before any login")


# ---- The command line -------------------------------------------------------------------------------

WRONG_WORDS = {
    "no task": (["deplyo"], 2, "no task deplyo; did you mean deploy? fab --list shows all"),
    "no option": (["deploy", "--rev=x"], 2, "deploy: no option --rev; did you mean --ref?"),
    "no number": (["deploy", "--wait=soon"], 2, "--wait soon: must be a whole number"),
    "no such file": (["-f", "nosuch.yaml", "deploy"], 2, "-f nosuch.yaml: no such file"),
}


@pytest.mark.parametrize(("words", "code", "says"), WRONG_WORDS.values(), ids=WRONG_WORDS)
def test_a_command_line_that_makes_no_sense_is_refused(fab, words, code, says):
    assert_refused(fab(*words), code, says)
