"""The visitors of a test note every visitor who got no right page."""

import http.client
from types import SimpleNamespace

import pytest
import visitors
from desk import Answer, eventually
from visitors import Visitors
from within import Neighbours

HOST = SimpleNamespace(name="no-such-host", address="192.0.2.1")
PAGE = Answer(200, {}, "a page")
TROUBLES = [
    http.client.IncompleteRead(b"half"),
    http.client.BadStatusLine("no HTTP"),
    ConnectionResetError(),
    ValueError(),
]


def load(kind, *answers, monkeypatch):
    """Send visitors who get these answers one after another. An exception among the answers is raised."""
    coming = iter(answers)

    def browse(*where, trusted):
        answer = next(coming, PAGE)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(visitors, "browse", browse)
    with kind(HOST) as crowd:
        assert eventually(lambda: crowd.sent > len(answers))
    return crowd


def test_visitors_who_get_their_pages_are_content(monkeypatch):
    load(Visitors, monkeypatch=monkeypatch).assert_content()


@pytest.mark.parametrize("trouble", [*TROUBLES, Answer(503, {}, "")], ids=repr)
def test_one_who_does_not_is_heard_of(monkeypatch, trouble):
    crowd = load(Visitors, PAGE, trouble, monkeypatch=monkeypatch)
    crowd.assert_counted()
    with pytest.raises(AssertionError, match=r"^1 of "):
        crowd.assert_content()


def test_neighbours_who_never_came_are_not_content(monkeypatch):
    crowd = load(Neighbours, monkeypatch=monkeypatch)
    with pytest.raises(AssertionError, match="nobody got a right page: .*FileNotFoundError"):
        crowd.assert_content()
