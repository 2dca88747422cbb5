"""The Celery application of a project is found, and tasks that nothing would run are told."""

import pytest
from roadie.errors import SettingsError
from roadie.project.completion import complete
from shops import project, settings, shop


@pytest.mark.parametrize("line", ["app = Celery('shop')", "import celery\napp = celery.Celery()"])
def test_a_celery_app_beside_the_settings_is_found(line):
    assert project(shop(**{"shop/celery.py": line})).celery.app == "shop.celery"
    nested = shop(**{"shop/conf/live.py": "", "shop/celery.py": line})
    assert project(nested, settings_module="shop.conf.live").celery.app == "shop.celery"


def test_a_celery_py_without_an_app_does_not_count():
    assert project(shop(**{"shop/celery.py": "x = 1"})).celery.app == ""


@pytest.mark.parametrize(
    "path",
    ["jobs/celery_app.py", "shop/jobs/tasks.py", "shop/celery_configuration.py", "shop/__init__.py"],
)
def test_a_celery_app_is_found_wherever_a_file_speaks_of_it(path):
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for folder in ("", "src/"):
        files = shop(folder, **{path: "from celery import Celery\napp = Celery('shop')"})
        assert project(files).celery.app == module


@pytest.mark.parametrize("path", ["src/shop/celery.py", "src/jobs/tasks.py"])
def test_a_celery_app_in_src_has_the_name_by_which_the_project_imports_it(path):
    files = shop("src/", **{path.removeprefix("src/"): "from celery import Celery\napp = Celery('shop')"})
    for name in ("manage.py", "requirements.txt"):
        files[name] = files.pop(f"src/{name}")
    module = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
    assert project(files).celery.app == module


SCHEDULED = {"shop/celery.py": "app = Celery('shop')", "shop/settings.py": "CELERY_BEAT_SCHEDULE = {'a': 1}"}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, ["nothing runs its tasks; write `celery: {beat: true}` in fabric.yaml"]),
        ({"celery": True}, ["nothing runs it; write `beat: true` under celery:"]),
        ({"celery": {"beat": True}}, []),
        ({"programs": {"worker": "celery -A shop worker -B"}}, []),
    ],
)
def test_tasks_that_nothing_would_run_are_told_beforehand(values, says):
    told = [one for one in project(shop(**SCHEDULED), **values).forewarnings if "nothing runs" in one]
    assert len(told) == len(says)
    assert all(part in one for part, one in zip(says, told, strict=True))


def test_celery_takes_the_app_that_is_found_and_is_refused_where_there_is_none():
    made = complete(settings(celery=True), project(shop(**SCHEDULED)))
    assert "--app shop.celery worker" in made.all_programs["celery"].command
    own = complete(settings(celery={"app": "jobs:app"}), project(shop(**SCHEDULED)))
    assert "--app jobs:app worker" in own.all_programs["celery"].command
    with pytest.raises(SettingsError, match="no Celery application is found in the project"):
        complete(settings(celery=True), project(shop()))
