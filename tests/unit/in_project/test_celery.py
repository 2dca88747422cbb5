"""What a check of the release says of the project's Celery, if its broker cannot be spoken to."""

import importlib.util
import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import pytest
from roadie.scripts.render import TEMPLATES


def unfit(monkeypatch, url, error):
    """Why no worker would get a task, if a connection to this broker ends in this error."""

    @contextmanager
    def connection(**_):
        raise error
        yield

    conf = SimpleNamespace(broker_write_url=url, broker_url=None)
    app = SimpleNamespace(conf=conf, connection_for_write=connection)
    stubs = {
        "roadie_site": {"CELERY_APP": "shop.celery", "APP": "shop"},
        "roadie_start": {"answer": print},
        "celery.app.utils": {"find_app": lambda name: app},
    }
    for name, values in stubs.items():
        module = ModuleType(name)
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, name, module)
    spec = importlib.util.spec_from_file_location("roadie_celery", TEMPLATES / "in-project/celery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [*module.unfit()]


@pytest.mark.parametrize(
    ("url", "error", "says"),
    [
        (
            "redis+socket:///run/x.sock",
            ImportError("No module named 'packaging'"),
            '["kombu[redis]"] in fabric.yaml',
        ),
        ("sqs://", ImportError("No module named 'boto3'"), '["kombu[sqs]"] in fabric.yaml'),
        ("redis://localhost", OSError("refused"), "does not answer (OSError: refused); start it"),
    ],
)
def test_a_broker_whose_package_is_missing_is_told_from_one_that_is_silent(monkeypatch, url, error, says):
    [why] = unfit(monkeypatch, url, error)
    assert why.startswith(f"celery: the broker {url} ") and why.endswith(says)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:word@h:6379/0?password=word", "redis://h:6379/0"),
        ("amqp://me:word@a//;amqp://me:word@b//", "amqp://a//;amqp://b//"),
        (["amqp://me:word@a//", "amqp://me:word@b//"], "amqp://a//;amqp://b//"),
        ("sentinel://:word@a:26379;sentinel://:word@b:26379", "sentinel://a:26379;sentinel://b:26379"),
        ("sqs://me:wo/rd;word#word@", "sqs://"),
    ],
)
def test_no_broker_is_told_with_its_password(monkeypatch, url, shown):
    [why] = unfit(monkeypatch, url, OSError("refused"))
    assert why == f"celery: the broker {shown} does not answer (OSError: refused); start it"
