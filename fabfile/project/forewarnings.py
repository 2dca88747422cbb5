"""Warns before a deploy of what it would refuse, and of what would go wrong, by the text of the settings."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator

from ..errors import SettingsError
from ..settings.databases import DATABASES
from ..settings.reading import Settings
from ..settings.sections import OF_REDIS
from . import redis_urls
from .assignments import configurations
from .database import is_worked_out, item_of, kinds_of_engine
from .likely import missing
from .production import DEVELOPERS, is_for_developers, rank
from .source import Code
from .syntax import literal_of, text_of
from .values import Values, by_https_only
from .variables import Variable, every_node, read_anywhere, read_at_once, variables

#: the settings that are often read from the environment, each with the name that env_names has for it
_MEANINGS = {
    "SECRET_KEY": "secret_key",
    "DEBUG": "debug",
    "ALLOWED_HOSTS": "allowed_hosts",
    "DATABASES": "database_url",
}
_PARTS = {"NAME": "db_name", "USER": "db_user", "PASSWORD": "db_password", "HOST": "db_socket"}
_OF_DATABASE = r"(\w+_)?(DB|DATABASE|POSTGRES|POSTGRESQL|PG|MYSQL|MARIADB|SQL)"
#: the names of variables that have the parts of a database
_SHAPES = {
    "db_name": re.compile(_OF_DATABASE + r"_?(NAME|DB|DATABASE)"),
    "db_user": re.compile(_OF_DATABASE + r"_?USER(NAME)?"),
    "db_password": re.compile(_OF_DATABASE + r"_?(PASSWORD|PASS|PWD)"),
    "db_socket": re.compile(_OF_DATABASE + r"_?(HOST|HOSTNAME|SERVER)"),
}
#: the ends of the names of variables that tell settings where they run
_STAGES = ("ENV", "ENV_TYPE", "ENVIRONMENT", "STAGE", "MODE", "CONFIGURATION")
#: the values in the environment by which DEBUG is off
_OFF = ("none", "false", "0", "no", "off", "")
_RANDOM = ("get_random_secret_key", "token_hex", "token_urlsafe", "token_bytes", "urandom", "uuid4")
_NO_MAIL = ("console", "dummy", "locmem", "filebased")


def forewarnings(code: Code, module: str, values: Values, kind: str) -> tuple[str, ...]:
    """A sentence for each thing that is known before there is a connection, with its cure.

    `kind` is the kind of the site's database.
    """
    warnings = _Warnings(values, kind, code.folder)
    read = read_anywhere(code, module)
    return (
        *_for_newer(code, module),
        *missing(code, filter(None, (text_of(each) for each in every_node(code, module)))),
        *_which_class(code, module, values.is_set),
        *_for_developers(module, values.settings),
        *_stages(read, values.is_set),
        *warnings.of_values(),
        *warnings.of_database_parts(read),
        *redis_urls.forewarnings(code, module, read, values.settings, values.is_set),
        *warnings.of_variables(read_at_once(code, module, values.there)),
    )


def _for_newer(code: Code, module: str) -> Iterator[str]:
    try:
        code.parse(code.path(module) or "")
    except SettingsError as error:
        where = str(error).partition(";")[0]
        yield f"{where}, so roadie cannot warn of anything in the settings; run fab with a newer Python"


def _which_class(code: Code, module: str, is_set: frozenset[str]) -> Iterator[str]:
    classes = configurations(code.peek(code.path(module) or ""))
    if classes and "DJANGO_CONFIGURATION" not in is_set:
        yield (
            f"the settings are one of the classes {', '.join(classes)}; write which one is for production in "
            f"fabric.yaml, for example env: {{DJANGO_CONFIGURATION: {min(reversed(classes), key=rank)}}}"
        )


def _for_developers(module: str, settings: Settings) -> Iterator[str]:
    if not settings.settings_module and is_for_developers(module):
        yield (
            f"manage.py names the settings {module}, which are for developers by their name; "
            "if others are for production, write `settings_module:` in fabric.yaml"
        )


def _stages(read: list[Variable], is_set: frozenset[str]) -> Iterator[str]:
    """Warn of a variable that tells the settings where they run, if its default is a word for development."""
    for one in dict.fromkeys((each.name, text_of(each.default)) for each in read):
        name, value = one
        if value and name not in is_set and value.lower() in DEVELOPERS and name.upper().endswith(_STAGES):
            yield (
                f"{name} is {value}, as nothing sets it; write what the settings call production "
                f"in fabric.yaml, for example env: {{{name}: production}}"
            )


class _Warnings:
    """Warnings about the values of a project's settings."""

    def __init__(self, values: Values, kind: str, folder: str) -> None:
        self.values, self.kind, self.folder = values, kind, folder
        self.settings, self.is_set, self.domains = values.settings, values.is_set, values.settings.domain
        #: the variables that a sentence has named already
        self.told: set[str] = set()

    def of_values(self) -> Iterator[str]:
        """Warn of values."""
        yield from self._secret_key()
        yield from self._random_key()
        lacking = {name: [*self._unset(name)] for name in _MEANINGS}
        yield from (each for several in lacking.values() for each in several)
        yield from self._hosts() if not lacking["ALLOWED_HOSTS"] else ()
        yield from self._database()
        yield from self._https()
        yield from self._mail()
        yield from self._uploads()

    def of_variables(self, needed: frozenset[str]) -> Iterator[str]:
        """Warn of the variables without which the settings fail, and which nothing sets."""
        of_redis = {name for key in OF_REDIS for name in self.settings.env_names[key]}
        if found := sorted(of_redis & needed):
            self.told |= of_redis
            yield (
                f"the settings read {', '.join(found)} from the environment, where nothing sets "
                f"{_them(found)}; for a Redis of the site's own write `redis: true` in fabric.yaml, else "
                f"{_them(found)} under env: or secrets:"
            )
        if lacking := sorted(needed - self.told):
            shown = ", ".join(lacking[:8]) + (f" and {len(lacking) - 8} more" if len(lacking) > 8 else "")
            yield (
                f"the settings read {shown} from the environment, where nothing sets {_them(lacking)}; write "
                f"{_them(lacking)} under env: or secrets: in fabric.yaml"
            )

    def _secret_key(self) -> Iterator[str]:
        if self.settings.overlay and self.values.origins["SECRET_KEY"] == "committed":
            yield (
                "SECRET_KEY stands in the repository, so it is no secret: the site gets the one that roadie "
                "makes on the host; to keep a key, name it under secrets: in fabric.yaml"
            )

    def _random_key(self) -> Iterator[str]:
        value = self.values.own("SECRET_KEY")
        if value and not variables(value) and any(f"{one}(" in ast.unparse(value) for one in _RANDOM):
            yield (
                "SECRET_KEY is made anew by each process, so that no session lasts; "
                "write overlay: [SECRET_KEY] in fabric.yaml"
            )

    def _unset(self, name: str) -> Iterator[str]:
        """Warn of a setting that is read from variables which nothing sets."""
        value = self.values.own(name)
        value = item_of(value, "default") or value
        read = variables(value) if value else []
        is_known = not read or (name == "DATABASES" and self._is_another_kind())
        is_known = is_known or any(one.name in self.is_set for one in read)
        if is_known or self._is_right_without(name, value, read):
            return
        cures = [self._names_of(name, value, read)]
        # Without a default the settings end with an error, before the overlay can set anything.
        cures += [f"overlay: [{name}]"] if all(one.default for one in read) else []
        if cure := " or ".join(filter(None, cures)):
            self.told |= {one.name for one in read}
            variable = ", ".join(one.name for one in read)
            yield f"{name} is read from {variable}, which nothing sets; write {cure} in fabric.yaml"

    def of_database_parts(self, read: list[Variable]) -> Iterator[str]:
        """Warn if variables that nothing sets have the parts of DATABASES, as their names tell."""
        value = self.values.own("DATABASES")
        is_called = isinstance(value, ast.Call) and not variables(value)
        is_told = value and not is_called and not is_worked_out(value, self.values.names)
        if "DATABASES" not in self.values.names or is_told or self.values.is_forced("DATABASES"):
            return
        found = {
            meaning: one for meaning, shape in _SHAPES.items() for one in read if shape.fullmatch(one.name)
        }
        known = {*self.settings.env_names["database_url"]} & {one.name for one in read}
        known |= self.is_set & {one.name for one in found.values()}
        if self.values.origins.get("DATABASES") == "own" and len(found) > 1 and not known:
            lines = ", ".join(f"{meaning}: {one.name}" for meaning, one in found.items())
            self.told |= {one.name for one in found.values()}
            yield (
                f"DATABASES is worked out from {', '.join(one.name for one in found.values())}, which "
                f"nothing sets; write env_names: {{{lines}}} or overlay: [DATABASES] in fabric.yaml"
            )

    def _is_right_without(self, name: str, value: ast.expr | None, read: list[Variable]) -> bool:
        """Whether a setting is right without its variables: DEBUG is off, or the hosts are right."""
        defaults = [literal_of(one.default) for one in read if one.default]
        if name == "DEBUG":
            is_off = len(defaults) == len(read) and all(str(one).lower() in _OFF for one in defaults)
            return is_off or not isinstance(value, ast.Call)
        if name != "ALLOWED_HOSTS":
            return False
        are_right = all(self._has(one, domain) for one in defaults for domain in self.domains)
        listed = _listed(value)
        are_listed = all(self._has(listed, domain) for domain in self.domains)
        return bool(defaults and are_right) or bool(listed and are_listed)

    def _names_of(self, name: str, value: ast.expr | None, read: list[Variable]) -> str:
        """The line for env_names, if the text tells what each of the variables means."""
        meant = {
            meaning: found[0].name
            for key, meaning in _PARTS.items()
            if (item := item_of(value, key)) and len(found := variables(item)) == 1
        }
        if not meant and len(read) == 1:
            meant = {_MEANINGS[name]: read[0].name}
        lines = ", ".join(f"{meaning}: {variable}" for meaning, variable in meant.items())
        return f"env_names: {{{lines}}}{self._engine(value)}" if lines else ""

    def _engine(self, value: ast.expr | None) -> str:
        """The line for the ENGINE of the database, if a variable without a default has it."""
        engine = item_of(value, "ENGINE")
        read = variables(engine) if engine else []
        backend = (
            "postgresql" if self.kind == "postgresql" else "mysql" if self.kind == "mysql" else "sqlite3"
        )
        is_open = len(read) == 1 and not read[0].default
        return f" and env: {{{read[0].name}: django.db.backends.{backend}}}" if is_open else ""

    def _hosts(self) -> Iterator[str]:
        hosts = self.values.value("ALLOWED_HOSTS")
        for domain in self.domains if hosts is not None and self.values.own("ALLOWED_HOSTS") else ():
            if not self._has(hosts, domain):
                yield (
                    f"ALLOWED_HOSTS does not hold {domain}, so a deploy would refuse the release; "
                    "add it there, or write overlay: [ALLOWED_HOSTS] in fabric.yaml"
                )

    def _has(self, hosts: object, domain: str) -> bool:
        several = hosts.split(",") if isinstance(hosts, str) else hosts
        return isinstance(several, list | tuple) and any(
            _matches(domain.replace("*", "any"), str(one)) for one in several
        )

    def _database(self) -> Iterator[str]:
        default = item_of(self.values.own("DATABASES"), "default")
        engine, name = text_of(item_of(default, "ENGINE")), text_of(item_of(default, "NAME"))
        if self._is_another_kind():
            yield (
                f"DATABASES has the engine {engine}, by what fabric.yaml sets, but the site's database is "
                f"{self.kind}; write overlay: [DATABASES], or set under env: what chooses the engine, in "
                "fabric.yaml"
            )
        elif default and engine and name and "sqlite" not in engine and not variables(default):
            yield (
                f"DATABASES names the database {name} itself, but the site's is the one that roadie makes; "
                "read it from DATABASE_URL there, or write overlay: [DATABASES] in fabric.yaml"
            )

    def _is_another_kind(self) -> bool:
        """Whether the ENGINE in the settings belongs to another kind of database than the site's."""
        engine = text_of(item_of(item_of(self.values.own("DATABASES"), "default"), "ENGINE"))
        kinds = kinds_of_engine(engine or "")
        return bool(kinds) and self.kind not in kinds and DATABASES[self.kind].is_provisioned

    def _https(self) -> Iterator[str]:
        if self.settings.tls:
            return
        if self.values.value("SECURE_SSL_REDIRECT") is True:
            yield (
                "SECURE_SSL_REDIRECT sends visitors to https, but this site is served over http, so a deploy "
                "would refuse the release; write `tls: letsencrypt` in fabric.yaml, or "
                "`django: {SECURE_SSL_REDIRECT: false}`"
            )
        if cookies := by_https_only(self.values):
            yield (
                f"nobody can log in over http, because of {' and '.join(cookies)}; write `tls: letsencrypt` "
                f"in fabric.yaml, or `overlay: [{', '.join(cookies)}]`, unless a proxy before the host "
                "speaks https"
            )

    def _mail(self) -> Iterator[str]:
        backend = self.values.value("EMAIL_BACKEND")
        if isinstance(backend, str) and any(f".{one}." in backend for one in _NO_MAIL):
            yield (
                f"EMAIL_BACKEND is {backend}, so the site sends no e-mail; for the real one write "
                "`django: {EMAIL_BACKEND: django.core.mail.backends.smtp.EmailBackend}` in fabric.yaml"
            )

    def _uploads(self) -> Iterator[str]:
        place = _below_base(self.values.own("MEDIA_ROOT"))
        path = posixpath.normpath(posixpath.join(self.folder, place))
        for shared in self.settings.shared if place else ():
            if f"{path}/".startswith(f"{shared}/"):
                yield (
                    f"MEDIA_ROOT is {path}, which is under shared: in fabric.yaml, so a deploy would refuse "
                    "the release; roadie keeps uploads by itself: take that folder out of shared:, and write "
                    "overlay: [MEDIA_ROOT] in fabric.yaml"
                )
        elsewhere = self.values.value("MEDIA_ROOT")
        if isinstance(elsewhere, str) and elsewhere.startswith("/"):
            yield (
                f"uploads go to {elsewhere}, which nginx does not serve; to have them where roadie "
                "keeps uploads, write overlay: [MEDIA_ROOT] in fabric.yaml"
            )


def _below_base(value: ast.expr | None) -> str:
    """The path below a folder such as BASE_DIR, if the expression joins texts to it."""
    nodes = [*ast.walk(value)] if value else []
    names = {node.id for node in nodes if isinstance(node, ast.Name)} - {"os", "str", "Path"}
    texts = [one for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    parts = [str(one.value) for one in sorted(texts, key=lambda one: (one.lineno, one.col_offset))]
    path = posixpath.normpath(posixpath.join(*parts)) if parts and len(names) == 1 else ""
    return "" if path.startswith(("/", "..")) else path


def _listed(value: ast.expr | None) -> list[str]:
    """The texts in a list, also if the code adds another list to it."""
    if isinstance(value, ast.BinOp):
        return _listed(value.left) + _listed(value.right)
    items = value.elts if isinstance(value, ast.List | ast.Tuple) else []
    return [text for one in items if (text := text_of(one))]


def _matches(domain: str, pattern: str) -> bool:
    """Whether an item of ALLOWED_HOSTS allows a domain, by Django's rules."""
    pattern = pattern.strip().lower()
    is_below = pattern.startswith(".") and (domain.endswith(pattern) or domain == pattern[1:])
    return pattern in ("*", domain) or is_below


def _them(several: list[str]) -> str:
    return "it" if len(several) == 1 else "them"
