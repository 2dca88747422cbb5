"""Hosts for the tests: fresh ones, and ones that stand on a snapshot made once."""

import os

import pytest
import standing
from desk import Desk
from invoke.util import yaml
from projects import commit, example, settings
from roadie import throwaway
from roadie.errors import UsageError
from roadie.machine import require


@pytest.fixture(scope="session", autouse=True)
def _clean_machine():
    """Begin and end without what dead processes left; where no host can be, say why."""
    try:
        require()
    except UsageError as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    throwaway.clean()
    yield
    throwaway.clean()


@pytest.fixture
def suite():
    """The Debian that a host runs; a test parametrizes `suite` to have another."""
    return "trixie"


@pytest.fixture
def bare_host(suite):
    """A fresh Debian server of the test's own."""
    with throwaway.boot("bare", suite) as host:
        yield host


@pytest.fixture
def desk(tmp_path):
    """Sits down before a host, with a copy of an example or a project of the test's own.

    Settings given change those of the project: `desk(host, keep=1)`.
    """

    def sit(host, project="guestbook", user="root", **values):
        if isinstance(project, str):
            project = example(project, tmp_path / f"{project}-{len(list(tmp_path.iterdir()))}")
        if values:
            known = yaml.safe_load((project / "fabric.yaml").read_text())["roadie"]
            settings(project, **{**known, **values})
            commit(project, "Settings")
        return Desk(project, host, user)

    return sit


@pytest.fixture
def packaged(suite, desk):
    """A desk with the guestbook, before a host that has its packages and no more."""
    with throwaway.boot("packaged", suite, standing.packaged(suite)) as host:
        yield desk(host)


@pytest.fixture
def bootstrapped(suite, desk):
    """A desk with the guestbook, before a host that is ready for it."""
    with throwaway.boot("bootstrapped", suite, standing.bootstrapped(suite)) as host:
        yield desk(host)


@pytest.fixture
def deployed(suite, desk):
    """A desk with the guestbook, before a host that serves it."""
    with throwaway.boot("deployed", suite, standing.deployed(suite)) as host:
        yield desk(host)
