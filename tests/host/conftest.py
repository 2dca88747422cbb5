"""Hosts for the tests: fresh ones, and ones that boot from a snapshot, which is made once."""

import os
import random
from contextlib import ExitStack
from pathlib import Path

import pytest
import standing
import thirds
from desk import Desk
from dialling import FORGIVING, Dial, boot_with_users
from invoke.util import yaml
from projects import commit, example, settings
from roadie.errors import UsageError
from roadie.throwaway import hosts as throwaway
from roadie.throwaway.machine import require

# These files take longest, so they come first: at the end no core waits for one of them alone. Between two of
# them that cut runs comes one of another kind, as all of them together load the machine too much.
LONGEST = """
    matrix cuts celery host soak cuts_of_deploys forms postgresql cuts_of_ways_back rehearse virtualenv power
    external bootstrap oracles_mysql sqlite phases secrets nginx throwaway tls security removal watch
""".split()


def pytest_collection_modifyitems(config, items):
    """Leave out the tests of other thirds than this run's, and begin with the files that take longest."""
    places = {f"test_{name}": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))
    left_out = [
        item
        for item in items
        if not all(any(map(thirds.has, mark.args)) for mark in item.iter_markers("third"))
    ]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session", autouse=True)
def _clean_machine():
    """Remove the leftovers of dead processes before and after the tests. Skip where no host can boot."""
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
    """The Debian suite of a host. A test parametrizes `suite` to get another."""
    return "trixie"


@pytest.fixture
def seed():
    """The seed for a test's random choices. A failed test prints TEST_SEED=..., which repeats them."""
    seed = int(os.environ.get("TEST_SEED") or random.randrange(1000))
    print(f"TEST_SEED={seed}")
    return seed


@pytest.fixture
def bare_host(suite):
    """A fresh Debian server for one test."""
    with throwaway.boot("bare", suite) as host:
        yield host


@pytest.fixture
def desk(tmp_path):
    """Makes desks: `desk(host)` has a copy of an example, or a project of the test's own, to deploy there.

    Keyword arguments change settings of the project: `desk(host, keep=1)`.
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
    """A desk with the guestbook, and a host that has only the packages."""
    with standing.booted(standing.packaged(suite), suite) as host:
        yield desk(host)


@pytest.fixture
def bootstrapped(suite, desk):
    """A desk with the guestbook, and a host that is ready for it."""
    with standing.booted(standing.bootstrapped(suite), suite) as host:
        yield desk(host)


@pytest.fixture
def deployed(suite, desk):
    """A desk with the guestbook, and a host that serves it."""
    with standing.booted(standing.deployed(suite), suite) as host:
        yield desk(host)


@pytest.fixture(scope="session")
def with_users():
    """Returns the host with users of a Debian suite. All files share this host, and leave it as it was."""
    hosts = {}
    with ExitStack() as up:

        def of(suite):
            if suite not in hosts:
                hosts[suite] = up.enter_context(boot_with_users(throwaway, f"users-{suite}", suite))
            return hosts[suite]

        yield of


@pytest.fixture(scope="session")
def second(with_users):
    """A second host, which the keys of the first one open."""
    with throwaway.boot("second") as booted:
        key = Path(f"{with_users('trixie').key}.pub").read_text()
        booted.ssh("cat >>/root/.ssh/authorized_keys", text=key)
        booted.put(FORGIVING, "/etc/ssh/sshd_config.d/10-tests.conf")
        booted.ssh("systemctl reload ssh")
        yield booted


@pytest.fixture
def jump(host, second):
    """Lines of ssh_config for the second host as `jump`, and a known_hosts for both hosts."""
    known = host.known_hosts.read_text() + second.known_hosts.read_text()
    return {"lines": ["Host jump", f"HostName {second.address}", "User root"], "known": known}


@pytest.fixture
def reach(host, tmp_path):
    """Makes Host objects that lead to the host of the test."""
    dial = Dial(host, tmp_path)
    yield dial
    dial.close()
