"""`roadie init` says all that is wrong in one pass, asks what it cannot know, and never invents a name."""

import os
import pty
import subprocess
import sys

import projects
import pytest
from roadie.tasks import beginning

MAIN = "from roadie.cli import main; main()"


@pytest.fixture
def project(tmp_path):
    return projects.startproject(tmp_path / "mysite")


def init(folder, *argv):
    return subprocess.run(
        [sys.executable, "-c", MAIN, "init", *argv],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def init_at_a_terminal(folder, typed, *argv):
    """Run init in a terminal where a person has typed this ahead. Return the exit code and what is shown."""
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    argv = [sys.executable, "-c", MAIN, "init", *argv]
    done = subprocess.run(
        argv, cwd=folder, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    os.close(ours)
    os.close(theirs)
    return done.returncode, done.stdout


def test_it_reads_the_project_and_writes_two_short_files(project):
    done = init(project, "--domain", "WWW.Example.com")
    assert done.returncode == 0, done.stderr
    assert "ok  git      main at " in done.stdout
    assert "ok  project  mysite: mysite.settings, requirements.txt\n" in done.stdout
    assert "from roadie import *" in (project / "fabfile.py").read_text()
    written = (project / "fabric.yaml").read_text()
    assert "\n  domain: www.example.com\n  #" in written and "\n  tls: letsencrypt\n" in written
    assert "fab -H root@your.server plan" in done.stdout.splitlines()[-1]


def test_it_offers_celery_and_redis_to_a_project_that_has_them(tmp_path):
    folder = projects.example("postbox", tmp_path / "postbox")
    (folder / "fabric.yaml").unlink()
    (folder / "fabfile.py").unlink()
    projects.commit(folder)
    done = init(folder, "--domain", "postbox.example.org")
    assert "nothing runs its tasks" not in done.stdout + done.stderr
    written = (folder / "fabric.yaml").read_text()
    assert "\n  celery: {beat: true}\n" in written and "\n  redis: true\n" in written


def test_what_it_writes_is_a_fabfile_with_roadies_tasks(project):
    init(project, "--domain", "www.example.com")
    done = subprocess.run(
        [sys.executable, "-m", "fabric", "help"], cwd=project, capture_output=True, text=True, check=True
    )
    assert "  deploy " in done.stdout and "  bootstrap " in done.stdout


def test_the_host_of_the_command_line_is_asked_and_written(project):
    done = init(project, "--domain", "www.example.com", "-H", "root@127.0.0.1:1")
    assert "!   host     127.0.0.1: nothing listens at 127.0.0.1 port 1" in done.stdout
    assert 'hosts: ["root@127.0.0.1:1"]\n' in (project / "fabric.yaml").read_text()
    assert done.stdout.splitlines()[-1].endswith("then: fab plan")


@pytest.mark.parametrize("words", [(), ("--yes",)])
def test_without_a_name_and_a_terminal_it_refuses_and_writes_nothing(project, words):
    done = init(project, *words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "add --domain" in done.stderr
    assert not (project / "fabric.yaml").exists() and not (project / "fabfile.py").exists()


def test_enter_at_the_prompt_asks_again(project):
    code, shown = init_at_a_terminal(project, "\nhttps://www.shop.org/\nwww.shop.org\n\n")
    assert code == 0, shown
    assert shown.count("The name that visitors will type") == 3
    assert "is an address; write only the name: www.shop.org" in shown
    assert "domain: www.shop.org" in (project / "fabric.yaml").read_text()


def test_a_person_who_answers_nothing_gets_no_files(project):
    code, shown = init_at_a_terminal(project, "\x04" * 9)
    assert code == 2 and "nothing was written" in shown
    assert not (project / "fabric.yaml").exists()


def test_a_name_in_allowed_hosts_is_the_default(project):
    settings = project / "mysite/settings.py"
    projects.change_line(
        settings, "ALLOWED_HOSTS = []", "ALLOWED_HOSTS = ['localhost', '.shop.org', 'www.shop.org']"
    )
    projects.commit(project)
    code, shown = init_at_a_terminal(project, "\n\n")
    assert code == 0 and "[www.shop.org]" in shown
    assert "domain: www.shop.org" in (project / "fabric.yaml").read_text()
    (project / "fabric.yaml").unlink()
    assert init(project, "--yes").returncode == 0


def test_a_given_name_that_the_project_refuses_is_told(project):
    projects.change_line(project / "mysite/settings.py", "ALLOWED_HOSTS = []", "ALLOWED_HOSTS = ['shop.org']")
    projects.commit(project)
    told = "ALLOWED_HOSTS does not hold www.example.com"
    assert told in init(project, "--domain", "www.example.com", "--yes").stdout


def test_everything_that_is_wrong_is_said_in_one_pass(tmp_path):
    done = init(tmp_path, "--domain", "www.example.com")
    wrong = [line for line in done.stdout.splitlines() if line.startswith("! ")]
    assert [line.split()[1] for line in wrong] == ["git", "project", "project", "DNS"]
    for words in ("git init", "no manage.py", "no requirements file; write requirements.txt"):
        assert words in done.stdout
    assert "put right what has a ! above" in done.stdout.splitlines()[-1]


def test_files_that_are_here_and_not_committed_are_called_so(project):
    (project / "requirements.txt").rename(project / "kept")
    projects.commit(project)
    (project / "kept").rename(project / "requirements.txt")
    done = init(project, "--domain", "www.example.com")
    assert "it is in this folder: git add ., git commit" in done.stdout


def test_in_a_folder_below_it_writes_no_second_fabfile(project):
    init(project, "--domain", "www.example.com")
    done = init(project / "mysite")
    assert done.returncode == 0, done.stderr
    assert "../fabfile.py has roadie's tasks already; left as it is\n" in done.stdout
    assert not (project / "mysite/fabfile.py").exists()


def test_it_never_overwrites_and_says_which_lines_to_add(project):
    (project / "fabfile.py").write_text("import os\n")
    (project / "fabric.yaml").write_text("run: {echo: false}\n")
    done = init(project, "--domain", "www.example.com")
    assert "fabfile.py is there already; add this line to it: from roadie import *" in done.stdout
    assert "add these lines to it:\n    roadie:\n      domain: www.example.com\n" in done.stdout
    assert (project / "fabfile.py").read_text() == "import os\n"
    assert (project / "fabric.yaml").read_text() == "run: {echo: false}\n"


def test_what_is_there_already_stays(project):
    projects.settings(project, domain="mine.org")
    done = init(project)
    assert done.returncode == 0, done.stderr
    assert "fabfile.py has roadie's tasks already" in done.stdout
    assert "fabric.yaml has roadie's settings already" in done.stdout
    assert "DNS      mine.org" in done.stdout


@pytest.mark.parametrize(
    "domain",
    [
        "a b",
        "a; rm -rf /",
        "a'b.org",
        "-a.org",
        "localhost",
        "a..org",
        "x" * 254,
        "203.0.113.7",
        f"{'x' * 64}.org",
    ],
)
def test_it_takes_no_domain_that_is_none(tmp_path, domain):
    done = init(tmp_path, f"--domain={domain}")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("--domain: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("leads", "hosts", "well", "says"),
    [
        ({"1.2.3.4"}, {"1.2.3.4"}, True, "a.org is 1.2.3.4"),
        ({"1.2.3.4"}, {"1.2.3.5"}, False, "and not the host (1.2.3.5); point it there"),
        (set(), {"1.2.3.5"}, False, "has no address yet; point it at 1.2.3.5"),
        (set(), set(), False, "has no address yet; point it at your server"),
        ({"1.2.3.4"}, set(), True, "a.org is 1.2.3.4"),
    ],
)
def test_the_name_must_lead_to_the_host(leads, hosts, well, says):
    found = beginning._look_at_dns("a.org", leads, hosts)
    assert found[:2] == (well, "DNS") and says in found[2]


def with_production_beside(project):
    settings = project / "mysite/settings.py"
    base = settings.read_text()
    settings.unlink()
    (project / "mysite/settings").mkdir()
    for name in ("__init__", "dev", "production"):
        (project / f"mysite/settings/{name}.py").write_text("" if name == "__init__" else base)
    for path in (project / "manage.py", project / "mysite/wsgi.py"):
        projects.change_line(path, "mysite.settings", "mysite.settings.dev")
    projects.commit(project)


def test_settings_for_developers_beside_those_for_production_are_a_question(project):
    with_production_beside(project)
    code, shown = init_at_a_terminal(project, "mysite.other\n\nwww.shop.org\n\n")
    assert code == 0, shown
    assert "manage.py names mysite.settings.dev, and mysite.settings.production lies beside it" in shown
    assert "must be mysite.settings.production or mysite.settings.dev, not 'mysite.other'" in shown
    assert "  settings_module: mysite.settings.production\n" in (project / "fabric.yaml").read_text()


def test_where_nobody_can_be_asked_both_settings_are_named(project):
    with_production_beside(project)
    done = init(project, "--domain", "www.shop.org")
    assert "!   project  manage.py names mysite.settings.dev, " in done.stdout
    assert "`settings_module: mysite.settings.production`" in done.stdout
    assert "settings_module" not in (project / "fabric.yaml").read_text()
