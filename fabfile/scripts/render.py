"""Renders templates by Jinja2 to scripts and config files, and quotes every value for its format."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import SettingsError
from .libraries import templates_of, with_needs
from .stage import Sequence
from .stages import OURS

HERE = Path(__file__).resolve().parents[1]
TEMPLATES = next(path for path in (HERE / "templates", HERE.parent / "templates") if path.is_dir())
_PLAIN = re.compile(r"[\w./:@%+=,-]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


class _Verbatim(str):
    """A text that needs no quotes: roadie's own shell, or a checked name."""


def render(template: str, own_templates: Path | None, values: Mapping[str, Any]) -> str:
    """Render a template. A file of the same name below `own_templates` replaces roadie's.

    Raises SettingsError for a value that its format cannot hold, and for a broken template.
    """
    import jinja2

    try:
        text: str = _environment(own_templates).get_template(template).render(values)
    except jinja2.TemplateError as error:
        raise SettingsError(_where(error, template)) from error
    return text


def _where(error: Exception, template: str) -> str:
    name, line = getattr(error, "name", None) or template, getattr(error, "lineno", None)
    at = f" line {line}" if line else ""
    kind = "no such template" if type(error).__name__ == "TemplateNotFound" else str(error)
    return f"template {name}{at}: {kind}; put it right in the folder that `templates:` names"


@lru_cache(maxsize=4)
def _environment(own_templates: Path | None) -> Any:
    import jinja2

    folders = [own_templates, TEMPLATES] if own_templates else [TEMPLATES]
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        undefined=jinja2.StrictUndefined,
        finalize=jinja2.pass_context(_finalize),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # `${#name}` of bash must not begin a comment.
        comment_start_string="<##",
        comment_end_string="##>",
    )
    made.globals["contents"] = jinja2.pass_context(_contents)
    made.globals["libraries"] = jinja2.pass_context(_libraries)
    made.globals["roadies_own"] = OURS
    made.filters["name"] = _name
    return made


def _contents(context: Any, template: str) -> str:
    """The text of another file as one value, for a stage that writes it. Only `.j2` files are rendered."""
    environment = context.environment
    if not template.endswith(".j2"):
        return str(environment.loader.get_source(environment, template)[0])
    text: str = environment.get_template(template).render(context.get_all())
    return text


def _libraries(context: Any, stages: Sequence) -> _Verbatim:
    """The text of the libraries that these stages need."""
    environment = context.environment
    names = with_needs(name for stage in stages for name in stage.needs)
    paths = (path for name in names for path in templates_of(name, context["database"].name))
    return _Verbatim("\n".join(environment.loader.get_source(environment, path)[0] for path in paths))


def _name(value: object) -> _Verbatim:
    """A name of Python, the shell or the environment, dotted or not. A name needs no quotes."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise SettingsError(f"{value!r}: only a name, of letters, digits, `_` and dots, can stand here")
    return _Verbatim(value)


def _finalize(context: Any, value: object) -> str:
    if isinstance(value, _Verbatim):
        return value
    if isinstance(value, context.environment.undefined):
        str(value)  # This raises an error that names the unknown value. repr() would not.
    return _quoting(context.name)(value)


def _quoting(name: str) -> Callable[[object], str]:
    return _QUOTING.get(name.removesuffix(".j2").rpartition(".")[2], plain)


def shell(value: object) -> str:
    """One word of shell, or several for a list; True is 1, False and None are empty."""
    if isinstance(value, (list, tuple)):
        return " ".join(shell(item) for item in value)
    text = _text(value)
    if "\0" in text:
        raise SettingsError(f"{text!r}: a NUL character cannot be in a script; leave it out")
    return shlex.quote(text)


def plain(value: object) -> str:
    """A value for formats without quotes: only characters that are special in no format."""
    text = _text(value)
    if not _PLAIN.fullmatch(text):
        raise SettingsError(f"{text!r}: only letters, digits and ./:@%+=,_- can stand here")
    return text


def nginx(value: object) -> str:
    """One nginx parameter, or several for a list. nginx cannot escape a `$`, so it is refused."""
    if isinstance(value, (list, tuple)):
        return " ".join(nginx(item) for item in value)
    text = _text(value)
    if _PLAIN.fullmatch(text):
        return text
    if _CONTROL.search(text) or "$" in text:
        raise SettingsError(f"{text!r}: nginx cannot hold a `$` or a control character here")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def supervisor(value: object) -> str:
    """A word of a supervisor program: quoted as its parser (shlex) reads it, with `%` doubled."""
    if isinstance(value, (list, tuple)):
        return " ".join(supervisor(item) for item in value)
    text = _text(value)
    if _CONTROL.search(text) or " ;" in text:
        raise SettingsError(f"{text!r}: supervisor cannot hold ` ;` or a control character")
    return shlex.quote(text).replace("%", "%%")


def dotenv(value: object) -> str:
    """A value of a .env file. Inside quotes, libraries read backslashes and quotes in different ways."""
    text = _text(value)
    if _PLAIN.fullmatch(text) or not text:
        return text
    if _CONTROL.search(text) or {"'", "\\"} & {*text}:
        raise SettingsError(f"{text!r}: a .env file cannot hold a quote, a backslash or a control character")
    return f"'{text}'"


def cnf(value: object) -> str:
    """A value of a MySQL option file."""
    text = _text(value)
    if _CONTROL.search(text):
        raise SettingsError(f"{text!r}: a control character cannot be in a MySQL option")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def python(value: object) -> str:
    """A Python literal."""
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, Mapping):
        value = {str(key): item for key, item in value.items()}
    return repr(value)


def html(value: object) -> str:
    """A text inside an element or a quoted attribute."""
    from html import escape

    return escape(_text(value))


def as_json(value: object) -> str:
    """A JSON value."""
    return json.dumps(value, ensure_ascii=False)


def _text(value: object) -> str:
    if value is None or value is False:
        return ""
    return "1" if value is True else str(value)


_QUOTING: dict[str, Callable[[object], str]] = {
    "sh": shell,
    "nginx": nginx,
    "supervisor": supervisor,
    "cnf": cnf,
    "py": python,
    "json": as_json,
    "toml": as_json,
    "yaml": as_json,
    "yml": as_json,
    "env": dotenv,
    "html": html,
}
