"""What runs beside the web is read, or refused by the path of what is wrong."""

import pytest
from given import refusal, settings


def test_a_program_is_a_command_or_a_command_with_its_time_to_stop() -> None:
    found = settings(
        programs={
            "alerts": "manage.py sendalerts 'a b'",
            "queue": {"command": "celery worker", "stop_timeout": 9},
        }
    )
    alerts, other = found.programs["alerts"], found.programs["queue"]
    assert alerts.words == ("python", "manage.py", "sendalerts", "a b")
    assert (alerts.stop_timeout, other.stop_timeout) == (60, 9)
    assert other.words == ("celery", "worker")
    assert found.manage_commands == {"alerts": "sendalerts"}


@pytest.mark.parametrize(
    ("name", "program", "says"),
    [
        ("Alerts", "manage.py x", "programs.Alerts: must be 1 to 31 small letters"),
        ("blue", "manage.py x", "programs.blue: is what roadie calls the site's own web processes"),
        ("a", "manage.py", "programs.a: names no command"),
        ("a", " ", "programs.a: names no command"),
        ("a", "manage.py 'x", 'programs.a: "manage.py \'x": no closing quotation'),
        ("a", ["manage.py"], "programs.a: must be a command in one line"),
        ("a", "manage.py x\nmanage.py y", "programs.a: must be a command in one line"),
        ("a", {"comand": "x"}, "programs.a.comand: unknown (did you mean command?)"),
        ("a", {"stop_timeout": 9}, "programs.a: must be a command in one line"),
        ("a", {"command": "x", "stop_timeout": 0}, "programs.a: must be a whole number of seconds from 1"),
    ],
)
def test_a_program_that_cannot_be_is_refused(name: str, program: object, says: str) -> None:
    assert says in refusal(programs={name: program})


def test_celery_is_off_until_it_is_set_and_one_worker_then() -> None:
    assert settings().all_programs == {}
    assert [*settings(celery=True).all_programs] == ["celery"]
    found = settings(app="shop", programs={"alerts": "manage.py x"}, celery={"app": "shop", "beat": True})
    assert [*found.all_programs] == ["alerts", "celery", "beat"]
    assert "celery.shop@%h" in found.all_programs["celery"].command
    assert found.all_programs["celery"].stop_timeout == 600


def test_a_worker_has_its_own_queues_and_numbers() -> None:
    worker = {"queues": ["mail", "low"], "concurrency": 2, "max_tasks_per_child": 9, "stop_timeout": 30}
    [program] = settings(celery={"app": "shop", "workers": {"mail": worker}}).all_programs.values()
    assert program.command.endswith("--queues mail,low --concurrency 2 --max-tasks-per-child 9")
    assert program.stop_timeout == 30


@pytest.mark.parametrize(
    ("celery", "says"),
    [
        ("yes please", "celery: must be true, false, or a mapping"),
        ({"worker": {}}, "celery.worker: unknown (did you mean workers?)"),
        ({"beat": "on"}, "celery.beat: must be true or false"),
        ({"app": "my site"}, "celery.app: must be a module such as mysite.celery"),
        ({"workers": {}}, "celery: names neither workers nor beat"),
        ({"workers": {"beat": {}}}, "celery.workers.beat: is what roadie calls Celery's beat"),
        ({"workers": {"web": {}}}, "celery.workers.web: is what roadie calls the site's own web processes"),
        ({"workers": {"a": {"queue": "x"}}}, "celery.workers.a.queue: unknown (did you mean queues?)"),
        ({"workers": {"a": {"queues": "a b"}}}, "celery.workers.a.queues: must be a queue such as mail"),
        ({"workers": {"a": {"concurrency": 0}}}, "celery.workers.a.concurrency: must be a whole number"),
    ],
)
def test_a_celery_that_cannot_be_is_refused(celery: object, says: str) -> None:
    assert says in refusal(celery=celery)


def test_a_program_and_a_worker_of_one_name_are_refused() -> None:
    text = refusal(celery=True, programs={"celery": "celery -A shop worker"})
    assert "programs.celery: Celery has a program celery too" in text


def test_redis_is_off_until_it_is_set() -> None:
    assert not settings().redis
    assert settings(redis=True).redis.bytes == 128 * 2**20
    assert settings(redis={"memory": "1g"}).redis.bytes == 2**30


@pytest.mark.parametrize(
    ("redis", "says"),
    [
        ("localhost", "redis: must be true, false, or a mapping such as {memory: 256m}"),
        ({"size": "1g"}, "redis.size: unknown"),
        ({"memory": "much"}, "redis.memory: must be a size in bytes"),
        ({"memory": "5k"}, "redis.memory: must be at least 1m"),
    ],
)
def test_a_redis_that_cannot_be_is_refused(redis: object, says: str) -> None:
    assert says in refusal(redis=redis)


def test_a_periodic_command_has_a_time_and_its_words() -> None:
    found = settings(cron={"mail": "*/5 * * * * manage.py mail 'a b'", "out": "@daily ./out.sh"})
    assert found.jobs[:2] == ("mail", "*-*-* *:0/5:00\npython\nmanage.py\nmail\na b")
    assert found.manage_commands == {"mail": "mail"}


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ({"mail": "manage.py mail"}, "cron.mail: must be a time of five fields and a command"),
        ({"mail": ["0 4 * * *"]}, "cron.mail: must be a time and a command in one line"),
        ({"mail": "0 4 * * * manage.py"}, "cron.mail: names no command"),
        ({"Mail": "@daily x"}, "cron.Mail: must be 1 to 31 small letters"),
    ],
)
def test_a_periodic_command_that_cannot_be_is_refused(cron: object, says: str) -> None:
    assert says in refusal(cron=cron)


def test_a_program_and_a_periodic_command_of_one_name_are_refused() -> None:
    assert "cron.a: a program has this name" in refusal(cron={"a": "@daily x"}, programs={"a": "y"})
