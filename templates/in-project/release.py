"""The check of a release before it may serve. It runs inside the project's own manage.py."""

import ast
import gc
import hashlib
import inspect as source
import os
import re
import shutil
import sys
from importlib import import_module
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import django
import roadie_guard as guard
import roadie_migrations as migrations
import roadie_overlay as overlay
import roadie_site as site
import roadie_start as start
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder
from django.core import checks
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command, get_commands
from django.db import Error, connections
from django.http.request import validate_host
from django.utils.encoding import force_bytes
from roadie_start import answer


def inspect(collect_into, static_before="", phased=False):
    """Judge the release, collect its static files, and name its pending migrations: see migrations.look()."""
    # WhiteNoise warns of a STATIC_ROOT that does not exist yet, as in a first release.
    Path(os.environ["ROADIE_STATIC_ROOT"]).mkdir(exist_ok=True)
    if site.SERVED_MODULE:
        import_module(site.SERVED_MODULE)
    reasons = [*_told(guard.unsafe()), *_told(_unserved()), *_told(_unknown_commands())]
    reasons += [] if reasons else [*_told(_known_key()), *_told(_to_https())]
    if not reasons:
        _static(collect_into, static_before)
        _uploads()
    reasons += _told(_checks())
    if site.CELERY_APP and not reasons:
        reasons += _told(import_module("roadie_celery").unfit())
    _warn_of_debug()
    _warn_of_mail()
    _warn_of_uploads()
    _warn_of_connection()
    _warn_of_secure_cookies()
    if not reasons:
        _collect_garbage()  # the look at migrations leaves a state of all models behind for each migration
        reasons += _told(migrations.look(phased))
    answer("inspected", "refused" if reasons else "passed")


def _collect_garbage():
    """Collect garbage from here on, but not among the objects that exist by now."""
    gc.freeze()
    gc.enable()


def _told(reasons):
    for reason in reasons:
        answer("refuse", reason)
        yield reason


def _unserved():
    """What visitors would miss, because the settings do not fit nginx or the folders of the site."""
    for name in site.DOMAIN:
        if not validate_host(name.replace("*", "any"), settings.ALLOWED_HOSTS):
            yield f"ALLOWED_HOSTS does not hold {name}; {guard.cure('ALLOWED_HOSTS', 'allowed_hosts')}"
    yield from _unserved_urls()
    yield from _lost_uploads()
    static = settings.STATIC_ROOT
    is_elsewhere = static != os.environ["ROADIE_STATIC_ROOT"] and _reads_static_root()
    if is_elsewhere and not overlay.holds_files(static):
        cure = guard.cure("STATIC_ROOT", "static_root")
        yield f"STATIC_ROOT is {static}, where no static files will be; {cure}"


def _unserved_urls():
    for key, ours in ("STATIC_URL", site.STATIC_URL), ("MEDIA_URL", site.MEDIA_URL):
        theirs = getattr(settings, key) or "/"
        if theirs != "/" and not urlsplit(theirs).netloc and theirs.rstrip("/") != ours.rstrip("/"):
            yield (
                f"{key} is {theirs}, but nginx serves {ours}; set {key.lower()}: {theirs} in fabric.yaml "
                "and run fab nginx"
            )


def _lost_uploads():
    uploads = _upload_folder()
    if uploads and overlay.lies_in_release(uploads):
        cure = guard.cure("MEDIA_ROOT", "media_root")
        yield f"uploads would go to {uploads} and be gone with the release; {cure}"
    if uploads and Path(os.path.realpath(uploads)).is_relative_to(site.SHARED):
        yield (
            f"uploads would go to {uploads}, which is under shared: in fabric.yaml; roadie keeps uploads by "
            "itself, where nginx serves them, so take that folder out of shared:"
        )


def _to_https():
    """The health pages that Django would redirect to https. The gate finds them too, but after migrations.

    On a site with https, a page redirects only if the project does not see nginx's X-Forwarded-Proto. Then it
    redirects for ever.
    """
    if not settings.SECURE_SSL_REDIRECT or SECURITY not in settings.MIDDLEWARE:
        return
    from django.core.handlers.wsgi import WSGIRequest
    from django.utils.module_loading import import_string

    middleware = import_string(SECURITY)(lambda request: None)
    cure = "set SECURE_SSL_REDIRECT: false under django: in fabric.yaml, or have https: tls: letsencrypt"
    told = f"this site is served over http; {cure}"
    if site.HTTPS:
        told = f"it was asked for by https; {WRONG_HEADER}"
    for page in site.HEALTH or ["/"]:
        asked = {"REQUEST_METHOD": "GET", "PATH_INFO": page.partition("?")[0], "wsgi.input": BytesIO()}
        asked |= {"HTTP_HOST": site.DOMAIN[0], "SERVER_PORT": "80", "HTTP_X_FORWARDED_PROTO": SCHEME}
        if answered := middleware.process_request(WSGIRequest(asked)):
            yield f"{page} redirects to {answered['Location']}, but {told}"


SCHEME = "https" if site.HTTPS else "http"
WRONG_HEADER = (
    "Django does not see that in the header X-Forwarded-Proto of nginx; "
    "write overlay: [SECURE_PROXY_SSL_HEADER] in fabric.yaml"
)
SECURITY = "django.middleware.security.SecurityMiddleware"


def _known_key():
    """The file of the release that holds the secret key: whoever can read the repository knows the key."""
    key = settings.SECRET_KEY
    names = "ROADIE_SECRET_KEY", *site.ENV_NAMES["secret_key"]
    if force_bytes(key) in (os.environb.get(name.encode()) for name in names):
        return
    spellings, code = {force_bytes(key), repr(key).lstrip("b")[1:-1].encode()}, overlay.RELEASE / "code"
    for folder, inner, names in os.walk(code):
        inner[:] = [one for one in inner if one != "node_modules"]
        for path in (Path(folder, name) for name in names if name.startswith(".env") or MAY_HAVE_KEY(name)):
            # A shared file may not be there yet. The files of `files:` are not in git.
            where = str(path.relative_to(code))
            if not path.is_file() or where in site.FILES or path.stat().st_size >= 1_000_000:
                continue
            content = path.read_bytes()
            if any(one in content for one in spellings):
                cure = guard.cure("SECRET_KEY", "secret_key")
                yield f"SECRET_KEY stands in {where}, which is in git; {cure}"
                return


MAY_HAVE_KEY = re.compile(r"[^.]+|.*\.(py|env|toml|ya?ml|ini|cfg|conf|json|txt|sh)", re.ASCII).fullmatch


def _unknown_commands():
    """The programs in fabric.yaml whose manage.py command no app of the project has."""
    for program, command in site.MANAGE_COMMANDS.items():
        if command not in get_commands():
            yield (
                f"the program {program} runs manage.py {command}, a command that no app of the project has "
                "(see programs:, cron: and once: in fabric.yaml)"
            )


def _uploads():
    """Name the project's own folder of uploads, if the commit has files there that the site lacks."""
    own, ours = _committed("MEDIA_ROOT"), os.environ["ROADIE_MEDIA_ROOT"]
    if own and str(settings.MEDIA_ROOT) == ours and any(_lacking(Path(own), Path(ours))):
        answer("uploads", own)


def _lacking(own, ours):
    """The files of one folder that the other one lacks, without hidden files such as .gitkeep."""
    for path in own.rglob("[!.]*"):
        if path.is_file() and not (ours / path.relative_to(own)).exists():
            yield path


def _upload_folder():
    """The folder of uploads; None if they go elsewhere."""
    storage = getattr(settings, "STORAGES", {}).get("default", {})
    if "FileSystemStorage" in storage.get("BACKEND", "FileSystemStorage"):
        return storage.get("OPTIONS", {}).get("location") or settings.MEDIA_ROOT
    return None


def _reads_static_root():
    """Whether the site reads STATIC_ROOT while it serves. Most sites leave that to nginx."""
    if not apps.is_installed("django.contrib.staticfiles"):
        return False
    from django.contrib.staticfiles.storage import staticfiles_storage

    return hasattr(staticfiles_storage, "read_manifest") or "whitenoise" in str(settings.MIDDLEWARE)


# The checks of `check --deploy` that ask for https. On a site without https, a project that follows them is
# refused, or nobody can log in.
_OF_HTTPS = {f"security.W{number:03}" for number in (4, 5, 8, 10, 11, 12, 15, 16, 17, 21)}
_NOT_ASKED = {*overlay.NOT_ASKED} if site.HTTPS else _OF_HTTPS


def _checks():
    """Run Django's checks and those of `check --deploy`. Report warnings; return the errors."""
    found = checks.run_checks(include_deployment_checks=True, databases=["default"])
    found = [one for one in found if not (one.is_silenced() or one.id in _NOT_ASKED)]
    warnings = [one for one in found if not one.is_serious()]
    if warnings:
        answer("check", "; ".join(sorted(f"{one.id}: {one.msg.partition('. ')[0]}" for one in warnings)))
    return [f"{one.obj or 'check'}: {one.msg} ({one.id})" for one in found if one.is_serious()]


def _warn_of_secure_cookies():
    """Report the cookies that browsers send only over https, except those that roadie has told already."""
    if site.HTTPS or site.HAS_PROXIES:
        return
    names = [name for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE") if getattr(settings, name)]
    names = [name for name in names if name not in site.COOKIES_TOLD]
    if names:
        answer("secure_cookies", " and ".join(names))


def _warn_of_debug():
    """Report where the project reads its own DEBUG before roadie turns it off."""
    if settings.DEBUG or not getattr(import_module(site.PROJECT_SETTINGS), "DEBUG", False):
        return
    places = sorted({place for module in list(sys.modules.values()) for place in _asks_for_debug(module)})
    if places:
        answer("debug", "; ".join(places))


def _warn_of_mail():
    """Report an e-mail backend that sends nothing, unless roadie has told it from the settings' text."""
    if not site.IS_READ and settings.EMAIL_BACKEND.startswith(NO_MAIL):
        answer("mail", settings.EMAIL_BACKEND)


NO_MAIL = tuple(f"django.core.mail.backends.{one}." for one in ("console", "dummy", "locmem", "filebased"))


def _warn_of_uploads():
    """Report a folder of uploads elsewhere on the host that the site's user cannot write."""
    uploads = _upload_folder()
    if uploads and not overlay.lies_in_release(uploads) and not os.access(uploads, os.W_OK):
        answer(
            "lost_uploads",
            f"{uploads}, where the site cannot write; {guard.cure('MEDIA_ROOT', 'media_root')}",
        )


def _asks_for_debug(module):
    path = getattr(module, "__file__", None) or ""
    if "DEBUG" in vars(module) and path.endswith(".py") and overlay.lies_in_release(path):
        for node in ast.walk(ast.parse(Path(path).read_bytes())):
            if isinstance(node, ast.Name) and node.id == "DEBUG" and isinstance(node.ctx, ast.Load):
                yield f"{os.path.relpath(path)}, line {node.lineno}"


def _warn_of_connection():
    """Report what the connection to MySQL cannot do, if nothing would fail at once for that."""
    connection = connections["default"]
    if connection.vendor != "mysql":
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT @@character_set_client, CONVERT_TZ('2000-01-01 00:00:00', 'UTC', 'Europe/Paris')"
            )
            charset, zoned = cursor.fetchone()
    except Error:
        return  # the look at migrations tells that the database does not answer
    if charset != "utf8mb4":
        answer(
            "database",
            f"the connection speaks {charset}, which has no emoji: a text with one is an error 500; "
            "set charset: utf8mb4 in the OPTIONS of DATABASES",
        )
    if settings.USE_TZ and not zoned:
        answer(
            "database",
            "knows no time zones, so a filter by day or month finds nothing; run fab mysql, which fills them",
        )


# ---- Static files -----------------------------------------------------------------------------------


def _static(into, before):
    """Collect the static files, unless the project ships them or they have not changed."""
    root = settings.STATIC_ROOT
    if _committed("STATIC_ROOT"):
        _find_committed()
    if root != os.environ["ROADIE_STATIC_ROOT"] and overlay.holds_files(root):
        answer("static", f"own {os.path.realpath(root)}")
    elif not site.COLLECTSTATIC or not apps.is_installed("django.contrib.staticfiles"):
        answer("static", "none")
    elif (digest := _digest()) and digest == before:
        answer("static", f"same {digest}")
    else:
        _collect(into)
        answer("static", f"collected {digest}")


def _collect(into):
    """Collect into this folder. From here on it is the STATIC_ROOT of this process."""
    # The import of django.test connects the signals by which storages learn of a new STATIC_ROOT.
    from django.test.utils import override_settings

    _collect_garbage()
    shutil.rmtree(into, ignore_errors=True)
    override_settings(STATIC_ROOT=into).enable()
    start.watch_no_more()
    call_command("collectstatic", interactive=False, verbosity=0)
    start.watch()


class Committed(FileSystemFinder):
    """Finds the files that the commit has in its STATIC_ROOT. It is the last finder, so the others win."""

    def __init__(self, *args, **kwargs):
        root = _committed("STATIC_ROOT")
        self.locations, self.storages = [("", root)], {root: FileSystemStorage(root)}


def _find_committed():
    from django.test.utils import override_settings

    override_settings(STATICFILES_FINDERS=[*settings.STATICFILES_FINDERS, f"{__name__}.Committed"]).enable()


def _committed(name):
    """The project's own folder of this name, if the release has files there and roadie set another."""
    own = getattr(import_module(site.PROJECT_SETTINGS), name, None)
    is_left = own and getattr(settings, name) != own and overlay.lies_in_release(own)
    return os.path.realpath(own) if is_left and overlay.holds_files(own) else ""


def _digest():
    """A hash of everything that collectstatic would use; empty if a finder cannot list its files."""
    from django.contrib.staticfiles.finders import get_finders
    from django.contrib.staticfiles.storage import staticfiles_storage

    storage = staticfiles_storage.__class__
    made_of = [django.VERSION, settings.STATIC_URL, getattr(settings, "STORAGES", ""), storage]
    made_of += [_looks(source.getsourcefile(cls)) for cls in storage.__mro__[:-1]]
    ignored = apps.get_app_config("staticfiles").ignore_patterns
    try:
        for finder in get_finders():
            for path, files in finder.list(ignored):
                made_of.append((getattr(files, "prefix", ""), path, _looks(files.path(path))))
    except NotImplementedError:
        return ""
    return hashlib.sha256(repr(made_of).encode()).hexdigest()


def _looks(path):
    """What tells versions of a file apart. In a virtualenv that is the content: a new one has new times."""
    if Path(path).is_relative_to(sys.prefix):
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    stat = Path(path).stat()
    return stat.st_size, stat.st_mtime_ns
