"""Everything that roadie puts on a host is declared in templates/frame/places.sh, and goes when declared."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import places
from roadie.throwaway.hosts import ThrowawayHost
from within import inside

# Prints every file and folder with its facts. /run is named too, because it is a mount of its own.
LISTING = r"""
find / /run -xdev -regextype egrep -regex '/(proc|sys|dev)' -prune -o -printf '%p\t%y %u %s %C@\n'
"""
# The database's own files, and files that the system writes by itself.
OF_THE_SYSTEM = (
    "/var/lib/mysql",
    "/var/log/journal",
    "/var/lib/systemd",
    "/run/systemd",
    "/run/log",
    "/run/user",
)
USERS = re.compile(r"/etc/(passwd|group|shadow|gshadow)-?|/etc/\.pwd\.lock")
# It goes with the build that it was made for.
OF_A_BUILD = "/var/cache/roadie/guestbook/home"
# Only a site whose database is a file has the first, and only one with a Redis the second.
OF_SQLITE = "/srv/guestbook/shared/database"
OF_REDIS = "/srv/guestbook/shared/redis"
# Makes edits that a person may make, and files that a cut run may leave.
TRACES = """
echo '# mine' | tee -a /etc/tmpfiles.d/guestbook.conf >>/srv/guestbook/maintenance/page.html
touch /etc/nginx/sites-available/guestbook.conf.roadie-new
touch /var/lib/roadie/{restoring-guestbook,held-guestbook.mine}
"""


def listing(host: ThrowawayHost) -> dict[str, str]:
    return dict(line.split("\t", 1) for line in inside(host, LISTING).splitlines())


def beyond(found: set[str], *lists: str) -> list[str]:
    """Return the paths that are in no place of these lists."""
    declared = [*OF_THE_SYSTEM, *places.declared("guestbook", *lists)]
    return sorted(path for path in found if not any(_holds(place, path) for place in declared))


def _holds(place: str, path: str) -> bool:
    return fnmatchcase(path, place) or path.startswith(f"{place}/")


def changed(before: dict[str, str], now: dict[str, str]) -> set[str]:
    """Return the changed files in /etc and /usr, without the lists of users."""
    paths = {path for path in before if path.startswith(("/etc/", "/usr/")) and now.get(path) != before[path]}
    return {path for path in paths if now.get(path, "f")[0] != "d" and not USERS.fullmatch(path)}


def test_all_that_bootstrap_and_deploy_put_on_a_host_is_declared_and_goes_as_declared(packaged, desk):
    host = packaged.host
    sat = desk(host, programs={"sleeper": "sleep infinity"}, shared=["search_index"])
    before = listing(host)
    for words in ("bootstrap", "deploy", "lock", "unlock", "maintenance on"):
        sat.does(*words.split())
    there = listing(host)
    assert beyond({*there} - {*before} | changed(before, there), *places.ALL) == []
    writable = {
        path for path, what in there.items() if what.startswith(("d guestbook ", "d guestbook-build "))
    }
    users = {place: user for place, user in places.declared("guestbook", *places.OF_SITE).items() if user}
    for place in (OF_A_BUILD, OF_SQLITE, OF_REDIS):
        del users[place]
        assert place not in there
    assert [path for path in writable if not any(_holds(place, path) for place in users)] == []
    assert {place: there[place].split()[1] for place in users} == users

    inside(host, TRACES)
    sat.does("site")
    sat.does("maintenance", "on", "--message", "Again")
    sat.does("remove", "--yes")
    left = {*listing(host)} - {*before}
    assert beyond(left, "kept_until_purge", "host_places") == []
    assert {"/srv/guestbook/shared/secrets", "/var/lib/roadie/sites/guestbook"} < left
    assert [path for path in places.declared("guestbook", "made_again") if path in left] == []

    sat.does("remove", "--purge", "--confirm", "guestbook")
    left = {*listing(host)} - {*before}
    assert beyond(left, "host_places") == []
    # Locks are removed by the next boot, and logs of runs after a month.
    assert [path for path in left if "guestbook" in path and not path.startswith("/run/roadie/")] == []
