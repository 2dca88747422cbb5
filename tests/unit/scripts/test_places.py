"""Each place on a host is declared once, and no place belongs to two sites."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import places
import pytest
from roadie.scripts.render import TEMPLATES

# Each of these sites may be on one host with the site `shop`.
NEIGHBOURS = ("shop-eu", "shop_eu", "shops", "sho", "eu-shop", "shop-blue", "shop-eu-blue", "shop2")
# Texts that a `*` may stand for.
FILLINGS = ("", "x", "-x", "blue", ".1.gz")
SHELL = [path for path in sorted(TEMPLATES.rglob("*.sh*")) if path.name != "places.sh"]
OTHERS = [path for path in sorted(TEMPLATES.rglob("*")) if path.is_file() and ".sh" not in path.suffixes]
OF_A_SITE = re.compile(r"/(?:etc|run|srv|usr|var)/[^\s\"'`;,()]*\$\{app\}[^\s\"'`;,()]*")


def of_site(app: str) -> list[str]:
    return list(places.declared(app, *places.OF_SITE))


def clashes(mine: list[str], theirs: list[str]) -> set[tuple[str, str]]:
    """Return the pairs of one of my places and a path of theirs that my place matches or contains."""
    samples = [
        f"{place.replace('*', filling)}{more}"
        for place in theirs
        for filling in FILLINGS
        for more in ("", "/x")
    ]
    return {
        (place, one)
        for place in mine
        for one in samples
        if fnmatchcase(one, place) or one.startswith(f"{place}/")
    }


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_no_place_of_a_site_is_one_of_a_site_with_a_similar_name(neighbour: str) -> None:
    mine, theirs = of_site("shop"), of_site(neighbour)
    assert clashes(mine, theirs) == clashes(theirs, mine) == set()


def test_a_pattern_that_matches_the_files_of_another_site_would_be_found() -> None:
    assert clashes(["/etc/supervisor/conf.d/shop-*.conf"], of_site("shop-eu"))
    assert not clashes(["/etc/supervisor/conf.d/shop.*.conf"], ["/etc/supervisor/conf.d/shop-eu.*.conf"])


def test_no_place_is_declared_twice_and_none_of_the_host_is_one_of_a_site() -> None:
    declared = [place for name in places.ALL for place in places.declared("shop", name)]
    assert len(declared) == len(set(declared))
    assert not clashes(of_site("shop"), list(places.declared("shop", "host_places", "debians_places")))


@pytest.mark.parametrize("path", SHELL, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_shell_but_the_declaration_spells_a_place_of_a_site(path: Path) -> None:
    assert OF_A_SITE.findall(path.read_text()) == []


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_what_other_files_say_of_a_sites_places_is_declared(path: Path) -> None:
    """Files for nginx, Supervisor and systemd, and programs on the host, cannot read the declaration."""
    text = re.sub(r"\{\{ settings.app \}\}|\$1(?=/|\")", "${app}", path.read_text())
    found = {one.replace("${app}", "shop") for one in OF_A_SITE.findall(text)}
    found = {re.sub(r"\$\{(live|idle)\}", "blue", one) for one in found}
    assert found <= {one for place, one in clashes(of_site("shop"), list(found))}
