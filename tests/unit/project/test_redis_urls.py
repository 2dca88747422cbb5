"""What the text of settings tells of the Redis that a project looks for."""

from __future__ import annotations

import projects
import pytest
from roadie.git.trees import FolderTree
from roadie.project.reading import read
from roadie.settings.reading import load

SETS = "and nothing sets"
OWN = "for a Redis of the site's own write"
DEBIANS = "write packages: [redis-server] in fabric.yaml, for one at localhost:6379, and env:"
BROKERS = "B = env('CELERY_BROKER', 'redis://cache:6379/2')\nC = env('CELERY_RESULTS', f'redis://{H}/2')"
TOLD = {
    "the usual name": (
        "X = os.getenv('REDIS_URL', 'redis://localhost:6379')",
        {},
        f"REDIS_URL would say where Redis is, {SETS} it; {OWN} `redis: true` in fabric.yaml",
    ),
    "other names": (
        BROKERS,
        {},
        f"CELERY_BROKER, CELERY_RESULTS would say where Redis is, {SETS} them; {OWN} redis: true and "
        "env_names: {celery_broker_url: [CELERY_BROKER, CELERY_RESULTS]} in fabric.yaml",
    ),
    "one name more": (
        BROKERS,
        {"redis": "true", "env_names": {"celery_broker_url": "CELERY_BROKER"}},
        f"CELERY_RESULTS would say where Redis is, {SETS} it; {OWN} "
        "env_names: {celery_broker_url: [CELERY_RESULTS]} in fabric.yaml",
    ),
    "a host": (
        "X = env('REDIS_CACHE_HOST', 'redis')",
        {"redis": "true"},
        f"REDIS_CACHE_HOST would say where Redis is, {SETS} it; {DEBIANS} {{REDIS_CACHE_HOST: localhost}}",
    ),
    "a number": (
        "REDIS_URL = os.environ.get('REDIS_URL')\nX = REDIS_URL + '/1'",
        {"redis": "true"},
        "the settings append the number of a database to REDIS_URL, which the URL of a socket does not take; "
        f'instead of `redis: true` {DEBIANS} {{REDIS_URL: "redis://localhost:6379"}}',
    ),
}


def made(folder, lines, **values):
    projects.startproject(folder, requirements="Django==5.2.19\nredis==5\n")
    path = folder / "mysite/settings.py"
    path.write_text(f"{path.read_text()}\nimport os\n{lines}\n")
    values = {key: True if value == "true" else value for key, value in values.items()}
    return read(FolderTree(folder), load({"domain": "www.example.org", **values}, "fabric.yaml", folder))


@pytest.mark.parametrize("case", TOLD.values(), ids=TOLD)
def test_a_way_to_redis_that_leads_nowhere_is_told(case, tmp_path):
    lines, values, sentence = case
    assert [*made(tmp_path, lines, **values).forewarnings] == [sentence]


@pytest.mark.parametrize(
    ("lines", "values"),
    [
        ("X = os.getenv('REDIS_URL', 'redis://localhost')", {"redis": "true"}),
        (
            "X = os.getenv('REDIS_URL', 'redis://localhost')",
            {"env": {"REDIS_URL": "redis://cache.example.org"}},
        ),
        ("X = os.getenv('REDIS_HOST')", {}),
        ("X = os.getenv('REDIS_HOST', 'redis')", {"env": {"REDIS_HOST": "localhost"}}),
        ("X = os.getenv('REDIS_HOST', 'redis')\nY = os.getenv('CACHE_URL')", {"redis": "true"}),
        ("REDIS_URL = os.getenv('REDIS_URL')\nX = f'{REDIS_URL}/1'", {}),
        ("X = REDIS_HOST + '/1'", {"redis": "true"}),
    ],
)
def test_of_a_way_that_leads_to_redis_nothing_is_told(lines, values, tmp_path):
    assert made(tmp_path, lines, **values).forewarnings == ()


def test_a_redis_of_its_own_is_offered_only_to_a_project_that_can_speak_to_it(tmp_path):
    assert made(tmp_path / "one", "").wants_redis
    assert not made(tmp_path / "two", "REDIS_URL = os.getenv('REDIS_URL')\nX = f'{REDIS_URL}/1'").wants_redis
