"""Before a site's data is removed, a person types the site's name."""

from types import SimpleNamespace

import pytest
from roadie import console
from roadie.errors import UsageError
from roadie.tasks import removal

HOSTS = [SimpleNamespace(name="web1"), SimpleNamespace(name="web2")]


@pytest.fixture
def terminal(monkeypatch):
    """Lets a person at a terminal type this answer."""

    def type_in(answer):
        monkeypatch.setattr(console, "is_interactive", lambda: True)
        monkeypatch.setattr(console, "ask", lambda text: answer)

    return type_in


def test_whoever_types_the_name_knows_what_goes_and_where(terminal, capsys):
    terminal("guestbook")
    removal._confirm_purge("guestbook", "", HOSTS)
    said = capsys.readouterr().out
    assert all(words in said for words in ("database", "uploads", "guestbook on web1, web2", "for ever"))


@pytest.mark.parametrize("answer", ["", "yes", "y", "Guestbook"])
def test_any_other_answer_removes_nothing(terminal, answer):
    terminal(answer)
    with pytest.raises(UsageError, match="called guestbook, .*nothing was removed"):
        removal._confirm_purge("guestbook", "", HOSTS)


def test_a_removal_that_keeps_the_data_is_asked_for_too(terminal, capsys):
    terminal("guestbook")
    removal._confirm("guestbook", HOSTS)
    assert "takes guestbook off web1, web2" in capsys.readouterr().out
    terminal("yes")
    with pytest.raises(UsageError, match="called guestbook, not 'yes'; nothing was removed"):
        removal._confirm("guestbook", HOSTS)
