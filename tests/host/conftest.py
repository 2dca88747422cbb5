"""Hosts for the tests: fresh ones, and ones that stand on a snapshot made once."""

import os

import pytest
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


# Hosts that are further on follow here, each from throwaway.prepared(label, prepare, suite).
