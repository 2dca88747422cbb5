"""A project whose first page needs data, which only a command of its own can load."""

import projects
from desk import browse
from faults import error_of


def test_data_can_be_loaded_before_the_first_release_serves(bootstrapped):
    views = bootstrapped.project / "entries/views.py"
    projects.change_line(views, "Entry.objects.exists()", "Entry.objects.get(name='first')")
    projects.commit(bootstrapped.project, "A page that needs an entry")
    says = "/healthz answered 500: entries.models.Entry.DoesNotExist", "load what it lacks with fab manage"
    told = error_of(bootstrapped.fab("deploy"), 6, *says, "its migrations stay applied: ", " more")
    assert told.count("0001_initial") <= 5

    load = "from entries.models import Entry; Entry.objects.create(name='first')"
    done = bootstrapped.does("manage", f'shell -c "{load}"')
    assert "no release serves yet; this is release " in done.text
    bootstrapped.does("deploy")
    assert browse(bootstrapped.host, "/healthz").status == 200
    assert "no release serves" not in bootstrapped.does("manage", "check").text
