"""The environment, Django's settings, secrets and limits are read, or refused by their path."""

from pathlib import Path

import pytest
from given import refusal, settings


def test_the_environment_is_text():
    made = settings(env={"A": "it's $x\nand more", "B": True, "C": False, "D": 7, "E": ""})
    assert made.env == {"A": "it's $x\nand more", "B": "True", "C": "False", "D": "7", "E": ""}


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"A B": "x"}, "is no name of an environment variable"),
        ({"1A": "x"}, "is no name of an environment variable"),
        ({"A=B": "x"}, "is no name of an environment variable"),
        ({"é": "x"}, "is no name of an environment variable"),
        ({1: "x"}, "the name 1 must be text; put it in quotes"),
        ({"A": "x\0y"}, "roadie.env.A: has a NUL character"),
        ({"A": 1.10}, "roadie.env.A: is a number that YAML may have shortened; put it in quotes"),
        ({"A": None}, 'roadie.env.A: must be text, not nothing; put it in quotes ("" for an empty one)'),
        ({"A": ["hunter2"]}, "roadie.env.A: must be text, not a list"),
        ({"DJANGO_SETTINGS_MODULE": "x"}, "write it as `settings_module:`"),
        ({"SECRET_KEY": "hunter2"}, "roadie makes it on the host"),
        ({"DATABASE_URL": "hunter2"}, "roadie makes it on the host"),
    ],
)
def test_an_environment_that_cannot_be_is_refused_without_its_value(env, says):
    message = refusal(env=env)
    assert says in message
    assert "hunter2" not in message


def test_djangos_settings_are_plain_values():
    given = {"A": 1, "B_2": [1.5, None, True], "C": {"d": {"e": "f"}}}
    assert settings(django=given).django == given


@pytest.mark.parametrize(
    ("django", "says"),
    [
        ({"debug": False}, "roadie.django.debug: is no name of a Django setting; they are all in capitals"),
        ({"A B": 1}, "is no name of a Django setting"),
        ({"SECRET_KEY": "hunter2"}, "must not stand in a file"),
        ({"A": {"b": {1: 2}}}, "roadie.django.A.b: the name 1 must be text"),
        ({"A": [float("nan")]}, "roadie.django.A.0: must be text, a number"),
        ({"A": Path("x")}, "roadie.django.A: must be text, a number"),
    ],
)
def test_djangos_settings_that_cannot_be_are_refused(django, says):
    message = refusal(django=django)
    assert says in message
    assert "hunter2" not in message


def test_environment_names_keep_their_defaults_where_nothing_is_said():
    made = settings(env_names={"secret_key": "KEY", "database_url": [], "db_name": ["DB", "DB_NAME"]})
    assert made.env_names["secret_key"] == ("KEY",)
    assert made.env_names["database_url"] == ()
    assert made.env_names["db_name"] == ("DB", "DB_NAME")
    assert made.env_names["allowed_hosts"] == ("ALLOWED_HOSTS", "DJANGO_ALLOWED_HOSTS")


def test_one_environment_name_for_two_things_is_refused():
    assert "SECRET_KEY is secret_key already" in refusal(env_names={"db_password": "SECRET_KEY"})


def test_a_secret_says_where_it_comes_from():
    made = settings(
        secrets={"A": {"command": "pass show a"}, "B": {"file": "b"}, "C": {"prompt": True}}
    ).secrets
    assert (made["A"].command, made["B"].file, made["C"].prompt) == ("pass show a", "b", True)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            "hunter2",
            "must say its source: {command: ...}, {file: ...}, {env: ...} or {prompt: true}",
        ),
        ({}, "needs just one of command, file, env and prompt"),
        ({"command": "x", "file": "y"}, "needs just one of command, file, env and prompt"),
        ({"prompt": False}, "roadie.secrets.A.prompt: must be true"),
        ({"command": ["hunter2"]}, "roadie.secrets.A.command: must be text"),
        ({"file": ""}, "roadie.secrets.A.file: must be text"),
    ],
)
def test_a_secret_without_a_source_is_refused_unseen(source, says):
    message = refusal(secrets={"A": source})
    assert says in message
    assert "hunter2" not in message


def test_limits_are_off_until_they_are_set() -> None:
    off, some = settings().limits, settings(limits={"requests": "20/s"}).limits
    assert (off.requests, off.connections) == ("", 0)
    assert (some.rate, some.burst, some.connections) == ("20r/s", 20, 0)
    assert settings(limits={"connections": 5}).limits.connections == 5


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ("20/s", "limits: must be a mapping of limits, such as {requests: 20/s"),
        ({"request": "20/s"}, "limits.request: unknown (did you mean requests?)"),
        ({"requests": 20}, "limits.requests: must be a number of requests such as 20/s or 300/m, not 20"),
        ({"requests": "20/h"}, "limits.requests: must be a number of requests such as 20/s or 300/m"),
        ({"requests": "0/s"}, "limits.requests: must be a number of requests"),
        ({"burst": 5}, "limits.burst: needs requests beside it"),
        ({"connections": 0}, "limits.connections: must be a whole number of requests from 1 to 10000"),
    ],
)
def test_limits_that_cannot_be_are_refused(limits: object, says: str) -> None:
    assert says in refusal(limits=limits)
