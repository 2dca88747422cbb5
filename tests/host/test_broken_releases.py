"""A broken release never serves: the release before goes on serving, and the developer is told why."""

import projects
import pytest
import standing
from desk import browse, eventually, is_serving
from faults import Fault, append, error_of, serving
from roadie.throwaway import hosts as throwaway
from visitors import Visitors

SETTINGS = {"app": "guestbook", "domain": "guestbook.example.org", "health": "/healthz"}
IN_GUNICORN = "import sys, time\nif 'gunicorn' in sys.modules:"
MANIFEST = """
STORAGES = {
    'default': {'BACKEND': 'django.core.files.storage.FileSystemStorage'},
    'staticfiles': {'BACKEND': 'django.contrib.staticfiles.storage.ManifestStaticFilesStorage'},
}
"""
FAULTS = []


def broken(stage, *says, **more):
    """Decorate a way to break the guestbook with the stage that refuses it and the words of the last line."""

    def add(breaks):
        FAULTS.append(Fault(breaks.__name__, breaks, (f", {stage}: ", *says), **more))
        return breaks

    return add


# ---- What does not start --------------------------------------------------------------------------


@broken("inspect", "No module named 'nosuchmodule' (guestbook/settings.py, line ")
def settings_that_cannot_be_imported(project):
    append(project / "guestbook/settings.py", "import nosuchmodule")


@broken("inspect", "RuntimeError: no application today (guestbook/wsgi.py, line ")
def wsgi_that_cannot_be_imported(project):
    append(project / "guestbook/wsgi.py", "raise RuntimeError('no application today')")


@broken("inspect", "entries.Entry.again", "fields.E30")
def a_system_check_that_fails(project):
    again = "    again = models.ForeignKey('nosuch.Model', models.CASCADE)"
    append(project / "entries/models.py", again)


@broken("inspect", "it ended with exit code 1, and said last: MY_VAR is missing")
def settings_that_end_it(project):
    append(project / "guestbook/settings.py", "import sys", "sys.exit('MY_VAR is missing')")


@broken("inspect", "Fatal Python error: ", "PYTHONUTF8", "; see /var/log/guestbook/web-")
def an_environment_that_python_refuses(project):
    projects.settings(project, **SETTINGS, env={"PYTHONUTF8": "yes"})


@broken("inspect", "AttributeError: module 'types' has no attribute")
def a_module_by_the_name_of_one_of_pythons_own(project):
    (project / "types.py").write_text("")


@broken("gate", "it ends as soon as it starts: Error: hook broken")
def a_hook_of_gunicorn_that_fails(project):
    hook = "def on_starting(server):\n    raise RuntimeError('hook broken')\n"
    (project / "gunicorn.conf.py").write_text(hook)


@broken("gate", "it ends as soon as it starts: RuntimeError: not in Gunicorn (guestbook/wsgi.py, line ")
def ends_as_soon_as_it_starts(project):
    append(project / "guestbook/wsgi.py", IN_GUNICORN, "    raise RuntimeError('not in Gunicorn')")


@broken("gate", "/healthz gave no answer within 2 seconds")
def hangs_at_start(project):
    append(project / "guestbook/wsgi.py", IN_GUNICORN, "    time.sleep(3600)")
    projects.settings(project, **SETTINGS, gate_timeout=2)


# The worker that loads the project first keeps all other workers out.
ONLY_ONE = "    lock = open(tempfile.gettempdir() + '/only-one', 'w')"


@broken("gate", "it ends as soon as it starts: BlockingIOError: ", "(guestbook/wsgi.py, line ")
def has_but_one_worker_that_starts(project):
    wait = "    time.sleep(2)\n    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)"
    append(project / "guestbook/wsgi.py", f"import fcntl, tempfile\n{IN_GUNICORN}", ONLY_ONE, wait)


@broken("gate", "only 1 of 2 workers answered /healthz within 4 seconds")
def has_a_worker_that_hangs_at_start(project):
    wait = "    fcntl.flock(lock, fcntl.LOCK_EX)"
    append(project / "guestbook/wsgi.py", f"import fcntl, tempfile\n{IN_GUNICORN}", ONLY_ONE, wait)
    projects.settings(project, **SETTINGS, gate_timeout=4)


# ---- What starts and must not serve ----------------------------------------------------------------


@broken("gate", "/healthz answered 500: ZeroDivisionError: division by zero (entries/views.py, line ")
def a_health_page_that_fails(project):
    projects.change_line(project / "entries/views.py", "Entry.objects.exists()", "1 / 0")


@broken(
    "inspect", "/healthz redirects to https://guestbook.example.org/healthz", "SECURE_SSL_REDIRECT: false"
)
def redirects_to_https(project):
    append(project / "guestbook/settings.py", "SECURE_SSL_REDIRECT = True")


@broken("inspect", "SECRET_KEY stands in guestbook/settings.py, which is in git", "overlay: [SECRET_KEY]")
def a_key_of_developers_as_the_default(project):
    append(
        project / "guestbook/settings.py",
        "import os",
        "SECRET_KEY = os.environ.get('GUESTBOOK_KEY', 'a long key for all developers of it')",
    )


VIEWS = """
from django.http import HttpResponseRedirect

def to(place):
    return lambda request: HttpResponseRedirect(place)

urlpatterns = [path("", to({!r})), path("home/", lambda request: 1 / 0), path("circle/", to("/circle/"))]
"""


def lead_to(project, place):
    append(project / "guestbook/urls.py", VIEWS.format(place))
    projects.settings(project, app="guestbook", domain="guestbook.example.org")


@broken("gate", "redirects to https://guestbook.example.org/, but", "SECURE_SSL_REDIRECT: false")
def redirects_to_https_by_itself(project):
    lead_to(project, "https://guestbook.example.org/")


@broken("gate", "/ redirects to http://guestbook.example.org/home/, which answered 500: ZeroDivisionError")
def leads_to_a_page_that_fails(project):
    lead_to(project, "/home/")


@broken("gate", "/ redirects in a circle, by way of http://guestbook.example.org/circle/")
def leads_in_a_circle(project):
    lead_to(project, "/circle/")


@broken("inspect", "ALLOWED_HOSTS does not hold guestbook.example.org")
def knows_other_hosts_only(project):
    settings = project / "guestbook/settings.py"
    projects.change_line(settings, "ALLOWED_HOSTS = []", "ALLOWED_HOSTS = ['example.com']")


@broken("inspect", "DEBUG is on")
def debug_by_its_own_word(project):
    settings = project / "guestbook/settings.py"
    projects.change_line(settings, "DEBUG = True", "import os\nDEBUG = os.environ.get('MODE') != 'live'")


@broken("inspect", "SECRET_KEY is a placeholder")
def an_if_debug_block(project):
    append(
        project / "guestbook/settings.py",
        "if DEBUG:",
        "    SECRET_KEY = 'django-insecure-mine'",
        "    ALLOWED_HOSTS = ['*']",
    )


@broken("gate", "it ends as soon as it starts: DEBUG is on", shows=("roadie refuses to serve: DEBUG is on",))
def debug_where_it_serves_only(project):
    settings = project / "guestbook/settings.py"
    projects.change_line(settings, "DEBUG = True", "import sys\nDEBUG = 'gunicorn' in sys.modules")


@broken("inspect", "the settings are those of guestbook.development", "os.environ.setdefault")
def a_wsgi_module_that_assigns_other_settings(project):
    (project / "guestbook/development.py").write_text("from .settings import *\n")
    old = "environ.setdefault('DJANGO_SETTINGS_MODULE', 'guestbook.settings')"
    new = "environ['DJANGO_SETTINGS_MODULE'] = 'guestbook.development'"
    projects.change_line(project / "guestbook/wsgi.py", old, new)


# ---- What cannot be built ---------------------------------------------------------------------------


@broken("virtualenv", "requirements.txt: no index has roadie-no-such==1.0 for this Python")
def a_requirement_that_is_nowhere(project):
    append(project / "requirements.txt", "roadie-no-such==1.0")


@broken("inspect", "The file 'entries/missing.png' could not be found", "(entries/style.css)")
def a_stylesheet_that_names_a_missing_file(project):
    append(project / "entries/static/entries/style.css", "body { background: url('missing.png'); }")
    append(project / "guestbook/settings.py", MANIFEST)


@broken("static", "post_build: ./compress: exit code 3", shows=("no compressor here",))
def a_command_after_collectstatic_that_fails(project):
    (project / "compress").write_text("#!/bin/sh\necho no compressor here >&2\nexit 3\n")
    (project / "compress").chmod(0o755)
    projects.settings(project, **SETTINGS, post_build=["./compress"])


# ---- Migrations ---------------------------------------------------------------------------------------


@broken("migrate", "entries.0003_early: ValueError: no such sum", "left nothing behind, and none was applied")
def a_migration_that_fails(project):
    migration(project, "0003_early", "migrations.RunPython(fail)")


def with_a_second_that_works(project, host):
    migration(project, "0004_second", "migrations.RunPython(work)", after="0003_first")


@broken(
    "migrate",
    "entries.0004_second: ",
    "applied before it: entries.0003_first",
    code=7,
    cure=with_a_second_that_works,
)
def a_migration_that_fails_after_another(project):
    migration(project, "0003_first", "migrations.RunPython(work)")
    migration(project, "0004_second", "migrations.RunPython(fail)", after="0003_first")


def with_the_table_taken_away(project, host):
    host.ssh("mariadb guestbook -e 'DROP TABLE half'")
    migration(project, "0003_half", "migrations.RunPython(work)")


@broken(
    "migrate",
    "entries.0003_half: ",
    "may be half applied",
    "by hand",
    code=7,
    cure=with_the_table_taken_away,
)
def a_migration_that_fails_half_way(project):
    create = "migrations.RunSQL('CREATE TABLE half (id int)')"
    migration(project, "0003_half", create, "migrations.RunPython(fail)")


@broken("gate", "/healthz answered 500", "its migrations stay applied: entries.0003_gate")
def a_health_page_that_fails_after_a_migration(project):
    migration(project, "0003_gate", "migrations.RunPython(work)")
    projects.change_line(project / "entries/views.py", "Entry.objects.exists()", "1 / 0")


def migration(project, name, *operations, after="0002_entry_photo"):
    (project / f"entries/migrations/{name}.py").write_text(
        "from django.db import migrations\n\n\n"
        "def work(apps, schema_editor):\n    pass\n\n\n"
        "def fail(apps, schema_editor):\n    raise ValueError('no such sum')\n\n\n"
        "class Migration(migrations.Migration):\n"
        f"    dependencies = [('entries', '{after}')]\n"
        f"    operations = [{', '.join(operations)}]\n"
    )


# ---- The tests ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def host():
    with throwaway.boot("broken", snapshot=standing.deployed()) as booted:
        assert eventually(lambda: is_serving(booted), 30)
        yield booted


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_broken_release_never_serves(host, desk, fault):
    developer = desk(host)
    before = serving(host)
    with Visitors(host) as visitors:
        fault.bring_about(developer.project)
        projects.commit(developer.project, str(fault))
        done = developer.fab("deploy")
        error_of(done, fault.code, f"{host.name}, ", *fault.says, f"{before.release} still serves")
        assert all(words in done.err for words in fault.shows), done.text
        assert serving(host) == before
        fault.cure(developer.project, host)
        deploys_again(developer, fault.name)
    visitors.assert_content()


def deploys_again(developer, text):
    index = developer.project / "entries/templates/entries/index.html"
    projects.change_line(index, "<h1>Guestbook</h1>", f"<h1>After {text}</h1>")
    projects.commit(developer.project, "Cure")
    developer.does("deploy")
    assert f"<h1>After {text}</h1>" in browse(developer.host).body
    assert len(serving(developer.host).masters) == 1
