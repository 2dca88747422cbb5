"""Under the overlay nothing that a project logs is lost or told twice. Real Django runs here."""

from __future__ import annotations

import pytest
import releases


@pytest.fixture
def logged(overlay, tmp_path):
    """Configures logging as Django would, logs to some loggers, and returns what came to stderr."""

    def log(config):
        script = f"""
import json, logging, logging.config, sys
from django.utils.log import DEFAULT_LOGGING
import django.conf
django.conf.settings.configure(DEBUG=False, SECRET_KEY="any")
django.setup()
import roadie_overlay
logging.config.dictConfig(DEFAULT_LOGGING)
logging.config.dictConfig(roadie_overlay.to_stderr({config!r}))
for name in ("django.request", "shop", "shop.cart", "other"):
    logging.getLogger(name).error("from %s", name)
"""
        folder = tmp_path / "releases/1"
        env = {"PYTHONPATH": str(folder / "overlay")}
        done = releases.Release(tmp_path, env)
        (folder / "code").mkdir(exist_ok=True)
        return done.python("-c", script).stderr

    return log


LOGGERS = ("django.request", "shop", "shop.cart", "other")


ONCE = dict.fromkeys(LOGGERS, 1)


CONSOLE = {"console": {"class": "logging.StreamHandler"}}


def test_without_settings_for_logging_everything_comes_to_stderr(logged):
    assert counts(logged({})) == ONCE


@pytest.mark.parametrize(
    "config",
    [
        {"handlers": CONSOLE, "root": {"handlers": ["console"]}},
        {"handlers": CONSOLE, "loggers": {"": {"handlers": ["console"]}}},
        {"handlers": CONSOLE, "loggers": {"shop": {"handlers": ["console"]}}},
        {"handlers": CONSOLE, "loggers": {"shop": {"handlers": ["console"], "propagate": False}}},
        {"handlers": CONSOLE, "loggers": {"django": {"handlers": ["console"]}, "shop": {"level": "INFO"}}},
        {
            "handlers": {"console": {**CONSOLE["console"], "filters": ["dev"]}},
            "filters": {"dev": {"()": "django.utils.log.RequireDebugTrue"}},
            "loggers": {"shop": {"handlers": ["console"]}},
        },
    ],
    ids=["root", "root by its empty name", "one logger", "one that keeps to itself", "django", "debug only"],
)
def test_nothing_is_told_twice_and_nothing_is_lost(logged, config):
    assert counts(logged({"version": 1, **config})) == ONCE


@pytest.mark.parametrize("path", ["{}/releases/1/code/logs/app.log", "app.log", "/nonexistent/app.log"])
def test_a_file_that_would_not_last_becomes_stderr(logged, tmp_path, path):
    handler = {
        "class": "logging.handlers.RotatingFileHandler",
        "filename": path.format(tmp_path),
        "maxBytes": 9,
        "formatter": "own",
    }
    config = {
        "version": 1,
        "formatters": {"own": {"format": "OWN %(message)s"}},
        "handlers": {"file": handler},
        "loggers": {"shop": {"handlers": ["file"]}},
    }
    said = logged(config)
    assert counts(said) == ONCE
    assert "OWN from shop" in said
    assert list(tmp_path.rglob("*.log")) == []


def test_a_file_that_lasts_stays_and_stderr_is_beside_it(logged, tmp_path):
    path = tmp_path / "app.log"
    handlers = {"file": {"class": "logging.FileHandler", "filename": str(path)}}
    said = logged({"version": 1, "handlers": handlers, "loggers": {"shop": {"handlers": ["file"]}}})
    assert counts(said) == ONCE
    assert counts(path.read_text())["shop.cart"] == 1


def test_a_console_beside_a_file_tells_once(logged):
    handlers = {**CONSOLE, "file": {"class": "logging.FileHandler", "filename": "a.log"}}
    handlers["more"] = {"class": "logging.FileHandler", "filename": "b.log"}
    loggers = {"shop": {"handlers": ["console", "file"]}, "other": {"handlers": ["file", "more"]}}
    assert counts(logged({"version": 1, "handlers": handlers, "loggers": loggers})) == ONCE


def test_the_projects_own_handlers_stay(overlay):
    mail = {"class": "django.utils.log.AdminEmailHandler", "level": "ERROR"}
    found = overlay.to_stderr({"version": 1, "handlers": {"mail": mail}, "root": {"handlers": ["mail"]}})
    assert found["handlers"]["mail"] == mail
    assert found["root"]["handlers"] == ["mail", "roadie"]


def counts(said):
    """Return how often each logger's record came."""
    lines = [line.rpartition("from ")[2] for line in said.splitlines()]
    return {name: lines.count(name) for name in LOGGERS}
