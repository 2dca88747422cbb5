"""Why a release is refused, and what its check reports. Real Django runs here, in separate processes."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import django
import pytest
from releases import DOMAIN, SECRET_KEY, SQLITE, lay_out, on_sqlite, refused, said, startproject
from roadie.scripts.render import TEMPLATES, render

HASHED = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}


@pytest.fixture
def site(tmp_path):
    """Lay out a startproject on SQLite, with lines added to its settings. `whole` keeps Django's apps."""
    return partial(on_sqlite, tmp_path)


# ---- What may not serve -----------------------------------------------------------------------------


def test_an_unedited_startproject_may_serve(tmp_path):
    startproject(tmp_path)
    done = lay_out(tmp_path).serve()
    assert (done.returncode, done.stdout) == (0, "serves\n"), done.stderr


@pytest.mark.parametrize("has_own", [True, False])
def test_with_uvicorn_the_asgi_application_serves(tmp_path, has_own):
    path = startproject(tmp_path)
    if not has_own:
        (path.parent / "asgi.py").unlink()
    release = lay_out(tmp_path, worker_class="uvicorn")
    assert ("from mysite.asgi import application" in release.module("roadie_asgi")) == has_own
    assert release.serve("asgi").stdout == "serves\n"


def test_an_asgi_application_is_guarded_like_a_wsgi_one(site):
    assert site("DEBUG = bool(1)", worker_class="uvicorn").serve("asgi").returncode == 3


UNSAFE = {
    "DEBUG": (["DEBUG = bool(1)"], "DEBUG is on"),
    "an empty secret key": (["SECRET_KEY = str()"], "SECRET_KEY is empty"),
    "startproject's secret key": (["SECRET_KEY = str(SECRET_KEY)"], "SECRET_KEY is a placeholder"),
    "a short secret key": (["SECRET_KEY = 'change' + 'me'"], "SECRET_KEY is a placeholder"),
    "a dull secret key": (["SECRET_KEY = 'x' * 50"], "SECRET_KEY is a placeholder"),
    "another database": (["DATABASES['default']['NAME'] = 'other'"], "sqlite other instead of sqlite shop"),
}


@pytest.mark.parametrize(("lines", "reason"), UNSAFE.values(), ids=UNSAFE)
def test_what_is_unsafe_is_refused_by_the_check_and_by_the_server(site, lines, reason):
    release = site(*lines)
    assert [reason in one for one in refused(release)] == [True]
    done = release.serve()
    assert done.returncode == 3
    assert reason in done.stderr and done.stdout == ""


def test_every_reason_is_named(site):
    release = site("DEBUG = bool(1)", "SECRET_KEY = str()", "ALLOWED_HOSTS = ['a.example.org']")
    assert len(refused(release)) == 3
    assert release.serve().stderr.count("roadie refuses to serve:") == 2


def test_another_engine_is_refused(tmp_path):
    startproject(tmp_path, SQLITE)
    done = lay_out(tmp_path).serve()
    assert done.returncode == 3
    assert "the default database is sqlite shop instead of mysql mysite" in done.stderr


@pytest.mark.parametrize("overlay", [True, False])
def test_a_wsgi_module_that_assigns_other_settings_is_refused(site, tmp_path, overlay):
    release = site("SECRET_KEY = str('k' * 9 + SECRET_KEY[16:])", "DEBUG = bool()", overlay=overlay)
    code = release.folder / "code"
    (code / "mysite/other.py").write_text("from mysite.settings import *\n")
    wsgi = code / "mysite/wsgi.py"
    wsgi.write_text("import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'mysite.other'\n" + wsgi.read_text())
    ours = "roadie_settings" if overlay else "mysite.settings"
    expected = f"the settings are those of mysite.other instead of {ours}"
    done = release.serve()
    assert done.returncode == 3 and expected in done.stderr
    assert any(expected in one for one in refused(release))


@pytest.mark.parametrize("overlay", [True, False])
def test_a_wsgi_module_may_assign_the_settings_that_are_served(site, overlay):
    lines = "SECRET_KEY = str('k' * 9 + SECRET_KEY[16:])", "DEBUG = bool()", "ALLOWED_HOSTS = ['*']"
    release = site(*lines, overlay=overlay)
    wsgi = release.folder / "code/mysite/wsgi.py"
    wsgi.write_text(wsgi.read_text().replace("os.environ.setdefault(", "os.environ.__setitem__("))
    assert refused(release) == []
    assert release.serve().stdout == "serves\n"
    asks = "import os, roadie_wsgi; from django.conf import settings as s; "
    asks += "print(s.SETTINGS_MODULE == os.environ['DJANGO_SETTINGS_MODULE'])"
    assert release.python("-c", asks).stdout == "True\n"


def test_a_blank_in_the_environment_is_told_by_its_name(site):
    [reason] = refused(site("ALLOWED_HOSTS = ['a.example.org']", env_names={"allowed_hosts": "MY_HOSTS"}))
    assert reason == (
        f"ALLOWED_HOSTS does not hold {DOMAIN}; read it from the environment, where it is MY_HOSTS, "
        "or write overlay: [ALLOWED_HOSTS] in fabric.yaml"
    )


def test_a_value_without_a_name_in_the_environment_is_to_get_one(site):
    [reason] = refused(site("DEBUG = bool(1)", env_names={"debug": []}))
    assert reason == (
        "DEBUG is on; read it from the environment, by a name under env_names: debug, "
        "or write overlay: [DEBUG] in fabric.yaml"
    )


# ---- What is known to others ------------------------------------------------------------------------

KEY = "It's a \\long key, known to all"


@pytest.mark.parametrize(
    "name", ["mysite/other.py", ".env", ".env.production", "config/app.toml", "Makefile"]
)
def test_a_key_that_stands_in_a_committed_file_is_refused(site, name):
    release = site(f"import os; SECRET_KEY = os.environ.get('MY_KEY', {KEY!r}[:])")
    assert [one.partition(";")[0] for one in refused(release)] == [
        "SECRET_KEY stands in mysite/settings.py, which is in git"
    ]
    assert refused(release, MY_KEY="another long key that nobody knows") == []
    path = release.folder / "code" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("KEY = 'another long key that nobody knows'\n")
    [reason] = refused(release, MY_KEY="another long key that nobody knows")
    assert reason.startswith(f"SECRET_KEY stands in {name}, which is in git; read it from the environment, ")
    assert reason.endswith("or write overlay: [SECRET_KEY] in fabric.yaml")


def test_a_key_may_be_bytes(site):
    release = site(f"import os; SECRET_KEY = os.environ.get('MY_KEY', {KEY!r}).encode()")
    [reason] = refused(release)
    assert reason.startswith("SECRET_KEY stands in mysite/settings.py, which is in git")
    assert refused(release, MY_KEY="another long key that nobody knows") == []
    [reason] = refused(release, MY_KEY="short")
    assert reason.startswith("SECRET_KEY is a placeholder")


def test_a_key_that_fabric_yaml_gives_is_taken_although_it_is_known(site):
    release = site(f"import os; SECRET_KEY = os.environ.get('SECRET_KEY', {KEY!r})")
    assert refused(release, SECRET_KEY=KEY) == []


@pytest.mark.parametrize(
    ("health", "exempt", "pages"),
    [([], [], ["/"]), (["/up/", "/a/"], [], ["/up/", "/a/"]), (["/up/"], ["^up/"], [])],
)
def test_a_redirect_to_https_is_refused_before_migrations(site, health, exempt, pages):
    lines = "SECURE_SSL_REDIRECT = bool(1)", f"SECURE_REDIRECT_EXEMPT = {exempt}"
    assert [one.split(" ")[0] for one in refused(site(*lines, health=health, whole=True))] == pages


def test_with_https_only_a_redirect_that_never_ends_is_refused(site):
    lines = "SECURE_SSL_REDIRECT = True", "SECURE_PROXY_SSL_HEADER = 'HTTP_X_OTHER', 'on'"
    [reason] = refused(site(*lines, tls="self-signed", whole=True))
    assert reason.startswith("/ redirects to https://") and "overlay: [SECURE_PROXY_SSL_HEADER]" in reason


@pytest.mark.parametrize("line", ["", "SECURE_SSL_REDIRECT = True"])
def test_with_https_a_fresh_project_has_no_warning_left(site, line):
    release = site(line, tls="letsencrypt", whole=True)
    assert refused(release) == []
    assert said(release, "check") == said(release, "secure_cookies") == []


def test_an_email_backend_that_sends_nothing_is_told_if_the_text_did_not_tell(site):
    line = "EMAIL_BACKEND = 'django.core.mail.backends.console.EmailBackend'"
    assert said(site(line, "exec('')", SQLITE), "mail") == ["django.core.mail.backends.console.EmailBackend"]


@pytest.mark.parametrize("is_there", [True, False])
def test_uploads_to_a_folder_that_the_site_cannot_write_are_told(site, tmp_path, is_there):
    folder = tmp_path if is_there else tmp_path / "gone"
    told = said(site(f"MEDIA_ROOT = {str(folder)!r}"), "lost_uploads")
    assert [one.partition(",")[0] for one in told] == ([] if is_there else [str(folder)])


def test_settings_in_latin_1_that_ask_for_debug_are_read(site):
    release = site()
    path = release.folder / "code/mysite/settings.py"
    text = path.read_text() + "# Stra\xdfe\nif DEBUG:\n    pass\n"
    path.write_bytes(b"# -*- coding: latin-1 -*-\n" + text.encode("latin-1"))
    [place] = said(release, "debug")
    assert place.startswith("mysite/settings.py, line ")


# ---- What nginx would not serve ---------------------------------------------------------------------


def test_urls_that_nginx_does_not_serve_are_refused(site):
    release = site("STATIC_URL, MEDIA_URL = '/a/', 'm/'", static_url="/static/", media_url="/media/")
    static, media = refused(release)
    assert static.startswith(
        "STATIC_URL is /a/, but nginx serves /static/; set static_url: /a/ in fabric.yaml"
    )
    assert media.startswith("MEDIA_URL is /m/, but nginx serves /media/; set media_url: /m/ in fabric.yaml")


def test_urls_of_another_host_are_the_projects_own_affair(site):
    release = site("STATIC_URL = str('https://cdn.example.org/x/')")
    assert refused(release) == []


def test_uploads_into_the_release_are_refused(site):
    options = "'OPTIONS': {'location': BASE_DIR / 'up'}"
    storage = f"{{'BACKEND': 'django.core.files.storage.FileSystemStorage', {options}}}"
    [reason] = refused(site(f"STORAGES = {{'default': {storage}}}"))
    assert "code/up and be gone with the release" in reason


@pytest.mark.parametrize("reads", [True, False])
def test_a_static_root_that_the_site_reads_must_be_where_its_files_are(site, reads):
    lines = [f"STORAGES = {HASHED}"] if reads else []
    release = site(*lines, whole=True, django={"STATIC_ROOT": "/nonexistent/static"})
    reasons = refused(release)
    assert [one.partition(",")[0] for one in reasons] == ["STATIC_ROOT is /nonexistent/static"] * reads


# ---- What Django itself says ------------------------------------------------------------------------


def test_an_error_of_djangos_checks_is_a_reason_and_a_warning_is_not(site):
    lines = "TEMPLATES[0]['OPTIONS']['context_processors'] = []", "SECURE_CONTENT_TYPE_NOSNIFF = False"
    release = site(*lines, whole=True)
    assert any("admin.E402" in one for one in refused(release))
    [warning] = said(release, "check")
    assert "security.W006: Your SECURE_CONTENT_TYPE_NOSNIFF setting is not set to True" in warning


def test_nothing_is_advised_that_is_refused_where_nobody_serves_https(site):
    assert said(site("SECURE_HSTS_SECONDS = 0", whole=True), "check") == []


def test_a_redirect_that_no_middleware_makes_is_not_refused(site):
    assert refused(site("SECURE_SSL_REDIRECT = True", "MIDDLEWARE.pop(0)", whole=True)) == []


def test_cookies_for_https_only_are_told(site):
    release = site("SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = bool(1)")
    assert said(release, "secure_cookies") == ["SESSION_COOKIE_SECURE and CSRF_COOKIE_SECURE"]


def test_cookies_of_which_the_text_of_the_settings_tells_are_not_told_again(site):
    release = site("SESSION_COOKIE_SECURE = True", "CSRF_COOKIE_SECURE = bool(1)")
    assert said(release, "secure_cookies") == ["CSRF_COOKIE_SECURE"]


def test_cookies_for_https_only_are_right_behind_a_proxy(site):
    assert said(site("SESSION_COOKIE_SECURE = bool(1)", proxies=["192.0.2.1"]), "secure_cookies") == []


def test_what_acts_on_debug_before_it_is_off_is_told(site):
    release = site("if DEBUG:", "    INTERNAL_IPS = ['127.0.0.1']")
    settings, urls = (release.folder / f"code/mysite/{name}.py" for name in ("settings", "no_urls"))
    line = settings.read_text().splitlines().index("if DEBUG:") + 1
    urls.write_text("from .settings import DEBUG\nurlpatterns = []\nassert DEBUG\n")
    assert said(release, "debug") == [f"mysite/no_urls.py, line 3; mysite/settings.py, line {line}"]


@pytest.mark.parametrize("line", ["", "DEBUG = bool()\nif DEBUG: pass"])
def test_a_debug_that_is_off_or_never_asked_for_is_not_told(site, line):
    assert said(site(line), "debug") == []


def test_silenced_checks_are_silent(site):
    own = "SECURE_CONTENT_TYPE_NOSNIFF = False"
    release = site(own, "SILENCED_SYSTEM_CHECKS = [f'security.W0{n:02}' for n in range(30)]")
    assert said(release, "check") == []


def test_an_error_at_import_is_left_to_the_caller(site):
    release = site()
    (release.folder / "code/mysite/no_urls.py").write_text("import nothing_there\n")
    done = release.ask("release.inspect('collected')")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'nothing_there'"


def test_a_start_that_hangs_is_ended_and_says_where(site):
    done = site("import time; time.sleep(600)").ask("release.inspect('collected')", "5")
    assert done.returncode == 1
    assert done.stderr.startswith("Timeout (0:00:05)!")
    assert "mysite/settings.py" in done.stderr.splitlines()[2]


@pytest.mark.parametrize(("gate_timeout", "seconds"), [(30, 60), (200, 200)])
def test_a_slow_start_may_take_what_the_gate_allows(site, gate_timeout, seconds):
    assert f"START_SECONDS = {seconds}\n" in site(gate_timeout=gate_timeout).module("roadie_site")


def test_answers_are_heard_among_what_a_project_prints(site):
    release = site("print('roadie: hello', end='')", "import sys; sys.stdout.write('unended')")
    assert release.answers("release.inspect('collected')")[-1] == ("inspected", "passed")


# ---- Static files -----------------------------------------------------------------------------------


def test_static_files_are_collected_once_and_then_known_again(site):
    release = site(whole=True)
    [first] = said(release, "static")
    assert first.startswith("collected ")
    assert (release.root / "collected/admin/css/base.css").is_file()
    digest = first.split()[1]
    assert said(release, "static", f"release.inspect('{{}}', '{digest}')") == [f"same {digest}"]


def test_static_files_of_a_package_are_known_again_in_another_virtualenv(site):
    release = site(whole=True)
    digest = said(release, "static")[0].split()[1]
    path = Path(django.__file__).parent / "contrib/admin/static/admin/css/base.css"
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    os.utime(path, ns=(times[0], times[1] + 5_000_000_000))
    try:
        assert said(release, "static", f"release.inspect('{{}}', '{digest}')") == [f"same {digest}"]
    finally:
        os.utime(path, ns=times)


@pytest.mark.parametrize(
    "line",
    [
        "STATIC_URL = 'a/'",
        "STATICFILES_DIRS = [BASE_DIR / 'more']",
        f"STORAGES = {HASHED}",
    ],
)
def test_whatever_changes_the_static_files_has_them_collected_anew(site, line):
    release = site(whole=True)
    [before] = said(release, "static")
    settings = release.folder / "code/mysite/settings.py"
    settings.write_text(f"{settings.read_text()}\n{line}\n")
    (release.folder / "code/more").mkdir()
    (release.folder / "code/more/x.css").touch()
    (release.folder / "overlay/roadie_site.py").write_text(
        release.module("roadie_site").replace("STATIC_URL = '/static/'", "STATIC_URL = '/a/'")
        if "STATIC_URL" in line
        else release.module("roadie_site")
    )
    [after] = said(release, "static", f"release.inspect('{{}}', '{before.split()[1]}')")
    assert after.startswith("collected ") and after != before


def test_without_the_overlay_they_are_collected_too(site):
    release = site(
        "import os; STATIC_ROOT = BASE_DIR / 'out'; DEBUG = bool()",
        "ALLOWED_HOSTS = ['*']; SECRET_KEY = os.environ['ROADIE_SECRET_KEY']",
        overlay=False,
        whole=True,
    )
    assert [one.split()[0] for one in said(release, "static")] == ["collected"]
    assert (release.root / "collected/admin/css/base.css").is_file()
    assert not (release.folder / "code/out").exists()


def test_static_files_beside_a_committed_manifest_are_not_collected_over(site):
    release = site("STATIC_ROOT = BASE_DIR / 'assets'", whole=True)
    own = release.folder / "code/assets"
    own.mkdir()
    (own / "staticfiles.json").write_text('{"paths": {"app.css": "app.0123456789ab.css"}}')
    assert said(release, "static") == [f"own {own}"]
    assert not (release.root / "collected").exists()


@pytest.mark.parametrize("hashed", [False, True])
def test_committed_static_files_are_collected_with_all_others(site, hashed):
    lines = [f"STORAGES = {HASHED}"] if hashed else []
    release = site("STATIC_ROOT = BASE_DIR / 'assets'", *lines, whole=True)
    own = release.folder / "code/assets"
    for name in ("own.css", "admin/css/base.css"):
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_text("body {}")
    [first] = said(release, "static")
    assert first.startswith("collected ")
    collected = release.root / "collected"
    assert (collected / "own.css").read_text() == "body {}"
    assert len((collected / "admin/css/base.css").read_text()) > 100
    assert [*collected.glob("own.*.css")] != [] or not hashed
    (own / "own.css").write_text("body {margin: 0}")
    [after] = said(release, "static", f"release.inspect('{{}}', '{first.split()[1]}')")
    assert after.startswith("collected ") and after != first


# ---- Uploads ----------------------------------------------------------------------------------------


def test_committed_uploads_that_the_site_lacks_are_named(site):
    release = site("MEDIA_ROOT = BASE_DIR / 'media'", "MEDIA_URL = '/media/'")
    own = release.folder / "code/media"
    (own / "faces").mkdir(parents=True)
    (own / ".gitkeep").touch()
    assert said(release, "uploads") == []
    (own / "faces/default.jpg").touch()
    assert said(release, "uploads") == [str(own)]
    (release.media / "faces").mkdir(parents=True)
    (release.media / "faces/default.jpg").touch()
    assert said(release, "uploads") == []


def test_uploads_in_a_shared_folder_are_refused(site):
    release = site("MEDIA_ROOT = '/srv/shop/shared/project/media'", "MEDIA_URL = '/media/'")
    [reason] = refused(release)
    assert "take that folder out of shared:" in reason


# ---- What is collected --------------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "answer"), [("", "none"), ("STATIC_ROOT = BASE_DIR / 'assets'", "own")])
def test_collectstatic_false_collects_nothing(site, line, answer):
    release = site(line, collectstatic=False)
    (release.folder / "code/assets").mkdir()
    (release.folder / "code/assets/app.css").touch()
    assert [one.split()[0] for one in said(release, "static")] == [answer]


def test_a_module_that_asks_for_a_hashed_name_at_import_finds_it(site):
    release = site(f"STORAGES = {HASHED}", whole=True)
    urls = release.folder / "code/mysite/urls.py"
    urls.write_text(
        f"from django.templatetags.static import static\nstatic('admin/css/base.css')\n{urls.read_text()}"
    )
    assert said(release, "inspected") == ["passed"]


def test_the_folder_of_static_files_is_there_when_the_application_is_loaded(site):
    release = site(whole=True)
    wsgi = release.folder / "code/mysite/wsgi.py"
    is_there = "from pathlib import Path\nassert Path(settings.STATIC_ROOT).is_dir()\n"
    wsgi.write_text(f"{wsgi.read_text()}\nfrom django.conf import settings\n{is_there}")
    assert said(release, "inspected") == ["passed"]


# ---- The modules themselves -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["guard.py", "lint.py", "migrations.py", "overlay.py", "release.py", "start.py"]
)
def test_plain_modules_come_through_the_templates_unchanged(name):
    assert render(f"in-project/{name}", None, {}) == (TEMPLATES / "in-project" / name).read_text()


def test_no_secret_is_written_into_a_release(site):
    release = site()
    texts = [path.read_text() for path in (release.folder / "overlay").iterdir()]
    assert not [text for text in texts if SECRET_KEY in text]
