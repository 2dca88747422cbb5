"""A deploy says which changed files it uses, and which it leaves out."""

import projects
from roadie.project.workspace import at_ref
from roadie.settings.reading import load
from roadie.tasks import shipping


def test_settings_that_are_not_committed_are_used_and_other_files_do_not_ship(tmp_path, capsys):
    folder = projects.startproject(tmp_path / "mysite")
    values = {"domain": "www.example.org"}
    projects.settings(folder, **values)
    projects.commit(folder)
    projects.settings(folder, **values, env={"MAIL_HOST": "localhost"})
    with (folder / "mysite/urls.py").open("a") as file:
        file.write("# more\n")
    shipping._warn_of_dirty_tree(at_ref(load(values, "fabric.yaml", folder), "HEAD"))
    said = capsys.readouterr()
    told = (said.out + said.err).splitlines()
    assert len(told) == 2
    assert told[0].endswith("fabric.yaml: used as it is here, uncommitted")
    assert told[1].endswith("1 changed file is not committed and does not ship: mysite/urls.py")
