"""The command line: mistakes are one line that names the cure, and `fab help` shows all that there is."""

import fabric
import pytest
import roadie
from invoke import Collection
from roadie.run.executor import Executor
from roadie.run.program import GROUPS, Program
from roadie.run.task import RoadieTask, roadie_task
from roadie.settings.config import Config

told = []


@roadie_task(takes_rest=True, examples=("manage migrate",))
def manage(c, command):
    """Run manage.py."""
    told.append(command)


@roadie_task(examples=("deploy --ref v1.2",))
def deploy(c, ref="HEAD", wait=0, migrate=True):
    """Ship."""
    told.append(("deploy", ref, wait, migrate))


@fabric.task
def warm(c, url="/"):
    """Warm the cache."""
    told.append(("warm", url))


OURS = (*(task for name, task in roadie.ns.tasks.items() if name not in ("manage", "deploy")), manage, deploy)


@pytest.fixture
def fab(capsys):
    """Runs `fab` with roadie's tasks, these two of which only tell what they got, and a user's own task."""

    def run(*argv, tasks=(*OURS, warm)):
        told.clear()
        program = Program(
            namespace=Collection(*tasks), executor_class=Executor, config_class=Config, version="0"
        )
        try:
            program.run(["fab", *argv])
            code = 0
        except SystemExit as error:
            code = error.code
        found = capsys.readouterr()
        return code, found.out, found.err

    return run


TYPOS = {
    "letters swapped": ("depoly", "no task depoly; did you mean deploy? fab --list shows all"),
    "a letter missing": ("relases", "no task relases; did you mean releases?"),
    "a letter too many": ("rollbackk", "no task rollbackk; did you mean rollback?"),
    "a capital": ("Deploy", "no task Deploy; did you mean deploy?"),
    "no task at all": ("xyzzy", "no task xyzzy; fab --list shows all"),
    "after a good task": ("deploy relases", "no task relases; did you mean releases?"),
    "a word that is no value": ("deploy main", "no task main; fab --help deploy shows what deploy takes"),
    "a release for a word": (
        "rollback 6082d6a7",
        "no task 6082d6a7; fab --help rollback shows what rollback takes, such as fab rollback --to ",
    ),
    "a commit for a word": (
        "deploy v1.2",
        "no task v1.2; fab --help deploy shows what deploy takes, such as fab deploy --ref v1.2\n",
    ),
    "a command of manage.py": (
        "createsuperuser",
        "no task createsuperuser; it is a command of manage.py: fab manage createsuperuser\n",
    ),
    "a task for a host": ("-H deploy", "-H deploy: a host is missing; write fab -H HOST deploy\n"),
    "no such key": ("-i nowhere/key deploy", "-i nowhere/key: no such file\n"),
    "a word that is not on": ("maintenance of", "no task of; fab --help maintenance shows what"),
    "init of another program": ("init", "no task init; it is a command of the program roadie: roadie init"),
    "an option's letters": (
        "deploy --rfe x",
        "deploy: no option --rfe; did you mean --ref? fab --help deploy",
    ),
    "a negated option": ("deploy --no-migrat", "deploy: no option --no-migrat; did you mean --no-migrate?"),
    "an option of no task": ("deploy --xyzzy", "deploy: no option --xyzzy; fab --help deploy shows all"),
    "an option of another task": ("lock --wait 5", "lock: no option --wait; "),
    "a short option": ("lock -m x", "lock: no option -m; "),
    "one dash": ("deploy -ref v1", "no option -ref; did you mean --ref?"),
    "one dash and a value": ("deploy -ref=v1", "no option -ref; did you mean --ref?"),
    "an option before the task": ("--hots web1 deploy", "no option --hots; did you mean --hosts? fab --help"),
    "no value at the end": ("deploy --ref", "deploy: --ref needs a value after it; fab --help deploy shows"),
    "no value before an option": ("deploy --ref --wait 5", "deploy: --ref needs a value after it"),
    "no host": ("deploy --hosts", "deploy: --hosts needs a value after it"),
    "a value for a switch": ("deploy --migrate=no", "deploy: --migrate takes no value; write it alone, or"),
    "a word for a number": ("deploy --wait soon", "--wait soon: must be a whole number"),
    "a word for Fabric's number": ("deploy -t soon", "--connect-timeout soon: must be a whole number"),
    "nothing to run": ("manage", "manage: command is missing; for example: fab manage migrate"),
    "help for no task": ("help depoly", "no task depoly; did you mean deploy?"),
    "Fabric's help for no task": ("--help depoly", "no task depoly; did you mean deploy?"),
}


@pytest.mark.parametrize(("line", "says"), TYPOS.values(), ids=TYPOS)
def test_a_typo_is_one_line_that_names_the_cure(fab, line, says):
    code, out, err = fab(*line.split())
    assert (code, out, told) == (2, "", [])
    assert err.startswith(says) and err.count("\n") == 1, err


@pytest.mark.parametrize(
    ("line", "says"), [("warm --ulr x", "No idea what '--ulr' is!"), ("warm --url", "Flag")]
)
def test_an_option_of_a_users_own_task_is_told_as_in_stock_fabric(fab, line, says):
    code, _, err = fab(*line.split())
    assert code == 1 and err.startswith(says)


SHIPPED = ("deploy", "HEAD", 0, True)
SHIPPED_NAMED = ("deploy", "manage", 0, True)
MANAGED = {
    "one word": (["manage", "migrate"], ["migrate"]),
    "options": (["manage", "check", "--deploy", "--fail-level=ERROR"], ["check --deploy --fail-level=ERROR"]),
    "quoted": (["manage", "check --deploy"], ["check --deploy"]),
    "quoted, and another task": (["manage", "check --deploy", "deploy"], ["check --deploy", SHIPPED]),
    "names of tasks": (["manage", "dumpdata", "deploy", "warm"], ["dumpdata deploy warm"]),
    "short options of Fabric's": (["manage", "static", "-i", "x", "-v", "2"], ["static -i x -v 2"]),
    "help of the command": (["manage", "check", "--help"], ["check --help"]),
    "words with spaces": (["manage", "shell", "-c", "print(1 + 1)"], ["shell -c 'print(1 + 1)'"]),
    "hosts after the command": (["manage", "check", "-H", "web1", "--deploy"], ["check --deploy"]),
    "hosts before the command": (["manage", "--hosts=web1", "check"], ["check"]),
    "dashes": (["manage", "test", "--", "-k", "a b"], ["test -- -k 'a b'"]),
    "after another task": (["deploy", "--ref", "HEAD", "manage", "check"], [SHIPPED, "check"]),
    "after a value of its name": (["deploy", "--ref", "manage", "manage", "a"], [SHIPPED_NAMED, "a"]),
    "a value of another task": (["deploy", "--ref", "manage"], [SHIPPED_NAMED]),
    "roadie's own options first": (["manage", "--quiet", "check"], ["check"]),
}


@pytest.mark.parametrize(("argv", "got"), MANAGED.values(), ids=MANAGED)
def test_all_that_follows_manage_goes_to_manage_py(fab, argv, got):
    code, _, err = fab(*argv)
    assert (code, err) == (0, "")
    assert told == got


def test_help_has_the_tasks_in_groups(fab):
    code, out, _ = fab("help")
    assert code == 0
    headings = [line.removesuffix(":") for line in out.splitlines() if line.endswith(":")]
    assert headings == list(GROUPS.values())
    for name in (*roadie.ns.task_names, "warm"):
        assert f"\n  {name} " in out


@pytest.mark.parametrize("argv", [("help", "deploy"), ("--help", "deploy"), ("deploy", "--help")])
def test_help_of_a_task_has_its_options_and_examples(fab, argv):
    code, out, _ = fab(*argv)
    assert code == 0 and told == []
    assert out.startswith("Usage: fab deploy [options]\n")
    assert "--ref=STRING" in out and "\n  fab deploy --ref v1.2\n" in out


def test_help_of_a_task_that_takes_a_command(fab):
    for argv in (("manage", "--help"), ("help", "manage")):
        code, out, _ = fab(*argv)
        assert code == 0 and out.startswith("Usage: fab manage COMMAND [its options]\n")


def test_no_task_at_all_shows_the_groups_too(fab):
    assert fab() == fab("help")


def test_help_of_a_users_own_task_is_that_of_stock_fabric(fab):
    assert fab("help", "warm")[1].startswith("Usage: fab [--core-opts] warm [--options]")


def test_a_users_own_task_may_be_called_help(fab):
    @fabric.task(name="help")
    def own(c):
        """Help me."""
        told.append("mine")

    assert fab("help", tasks=(deploy, own))[0] == 0
    assert told == ["mine"]


def test_every_task_has_a_group_and_examples_of_itself():
    for name, task in roadie.ns.tasks.items():
        assert isinstance(task, RoadieTask)
        assert task.group in GROUPS
        assert task.examples and all(name in line.split() for line in task.examples)
