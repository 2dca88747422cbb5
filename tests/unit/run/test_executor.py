"""Roadie's tasks get their hosts and their exit codes; a user's own tasks run as in stock Fabric."""

import json
import sys
import threading
import time
from types import SimpleNamespace

import fabric
import pytest
from fabric import Connection
from fabric.main import Fab
from invoke import Collection, Context
from roadie.display import current as display
from roadie.display.choose import FLAGS
from roadie.errors import ConsentMissing, PlanFound, RoadieError, StageFailed, UsageError
from roadie.run.command import hosts_of
from roadie.run.consent import with_consent
from roadie.run.executor import Executor
from roadie.run.parallel import in_parallel
from roadie.run.task import RoadieTask, roadie_task
from roadie.settings.config import Config


def settings(*hosts):
    return SimpleNamespace(hosts=dict.fromkeys(hosts, ("web", "db")))


@pytest.fixture
def fab(capsys):
    """Runs `fab` with these tasks. Returns its exit code and output."""

    def run(tasks, *argv, executor=Executor):
        program = Fab(namespace=Collection(*tasks), executor_class=executor, config_class=Config, version="0")
        try:
            program.run(["fab", *argv])
            code = 0
        except SystemExit as error:
            code = error.code
        captured = capsys.readouterr()
        return SimpleNamespace(code=code, out=captured.out, err=captured.err)

    return run


@roadie_task
def show(c):
    """Print the hosts."""
    print([host.name for host in hosts_of(c, settings("s1", "s2"))])


@roadie_task
def show_again(c):
    """Print the hosts once more."""
    print("again", [host.name for host in hosts_of(c, settings())])


def raising(error):
    @roadie_task
    def broken(c):
        """Raise the error."""
        raise error

    return broken


@roadie_task
def fail_on_b(c):
    """Fail on host b only."""

    def work(host):
        if host.name == "b":
            raise StageFailed("b: broken")

    for result in in_parallel(hosts_of(c, settings()), work):
        if isinstance(result, Exception):
            raise result


@fabric.task
def own(c):
    """A user's own task."""
    print(type(c).__name__, getattr(c, "original_host", None), getattr(c, "user", None))


@fabric.task(hosts=["x", {"host": "y", "user": "me"}])
def own_with_hosts(c):
    print(c.original_host, c.user)


@fabric.task
def calls_ours(c):
    show(c)


def test_hosts_of_the_command_line_win_over_the_settings(fab):
    assert fab([show], "-H", "a,b", "show").out == "['a', 'b']\n"


def test_an_ipv6_address_may_stand_in_brackets_with_a_port(fab):
    given = "root@[fd77::2]:2222,[fd77::3],fd77::4"
    assert fab([show], "-H", given, "show").out == "['[fd77::2]:2222', 'fd77::3', 'fd77::4']\n"


def test_without_a_command_line_the_settings_have_the_hosts(fab):
    assert fab([show], "show").out == "['s1', 's2']\n"


def test_a_host_named_twice_is_one(fab):
    assert fab([show], "-H", " a, b,,a,root@a", "show").out == "['a', 'b']\n"


def test_ports_tell_hosts_apart(fab):
    assert fab([show], "-H", "a:2222,a:2223", "show").out == "['a:2222', 'a:2223']\n"


def test_hosts_may_follow_the_task(fab):
    assert fab([show], "show", "-H", "a").out == "['a']\n"


def test_no_host_at_all_is_a_usage_error(fab):
    done = fab([show_again], "show-again")
    assert (done.code, done.err) == (2, "no host given: -H web1, or `hosts: [web1]` in fabric.yaml\n")


@pytest.mark.parametrize("address", ["web1:http", "-oProxyCommand=x", "a b", "a;b", "@", "$(id)"])
def test_what_is_no_host_is_a_usage_error(fab, address):
    done = fab([show], f"--hosts={address}", "show")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert done.err.startswith(f"host '{address}': ")


def test_a_users_task_that_calls_ours_passes_its_host_on(fab):
    assert fab([calls_ours], "-H", "a,b", "calls-ours").out == "['a']\n['b']\n"


def test_a_users_task_without_a_host_has_ours_take_those_of_the_settings(fab):
    assert fab([calls_ours], "calls-ours").out == "['s1', 's2']\n"


def test_a_pre_task_of_ours_runs_once_for_all_hosts(fab):
    @fabric.task(pre=[show])
    def after(c):
        print(c.original_host)

    assert fab([after], "-H", "a,b", "after").out.splitlines() == ["['a', 'b']", "a", "b"]


@pytest.mark.parametrize(
    "argv",
    [
        ["own"],
        ["-H", "a,me@b", "own"],
        ["own-with-hosts"],
        ["-H", "z", "own-with-hosts"],
        ["-H", "a,b", "own", "own-with-hosts"],
        ["nonsense"],
        ["own", "--nonsense"],
        ["-H", "a", "own", "--", "rest"],
        ["--list"],
    ],
)
def test_a_users_own_tasks_run_as_in_stock_fabric(fab, argv):
    tasks = [own, own_with_hosts]
    try:
        stock = fab(tasks, *argv, executor=fabric.Executor)
    except Exception as error:
        with pytest.raises(type(error)):
            fab(tasks, *argv)
    else:
        assert fab(tasks, *argv) == stock


def test_a_users_own_tasks_beside_ours_still_run_per_host(fab):
    assert fab([show, own], "-H", "me@a,you@b", "own", "show", "own").out.splitlines() == [
        *(first := ["Connection a me", "Connection b you"]),
        "['a', 'b']",
        *first,
    ]


def test_each_error_has_its_exit_code_and_one_line(fab):
    done = fab([raising(StageFailed("web1, nginx: broken"))], "broken")
    assert (done.code, done.err) == (6, "web1, nginx: broken\n")
    assert fab([raising(PlanFound("2 to change"))], "broken").code == 10


def test_an_error_nobody_foresaw_is_one_line_without_debug(fab):
    done = fab([raising(ValueError("odd\nand long"))], "broken")
    assert (done.code, done.err) == (
        1,
        "roadie broken: unexpected ValueError: odd; run with --debug for the traceback\n",
    )


@pytest.mark.parametrize("error", [ValueError("odd"), UsageError("wrong")])
def test_debug_shows_where_an_error_came_from(fab, error):
    done = fab([raising(error)], "--debug", "broken")
    assert "Traceback" in done.err
    assert done.err.strip().splitlines()[-1].endswith(("odd; run with --debug for the traceback", "wrong"))


def test_ctrl_c_in_a_task_ends_with_130(fab):
    done = fab([raising(KeyboardInterrupt())], "broken")
    assert (done.code, done.err) == (130, "interrupted; run the same command again to go on\n")


def test_a_host_that_failed_is_left_out_of_the_tasks_that_follow(fab):
    done = fab([fail_on_b, show_again], "-H", "a,b,c", "fail-on-b", "show-again")
    assert done.code == 6
    assert done.out == "again ['a', 'c']\n"
    assert done.err.splitlines()[-1] == "b: broken"


def test_where_every_host_failed_nothing_follows(fab):
    done = fab([fail_on_b, show_again], "-H", "b", "fail-on-b", "show-again")
    assert (done.code, done.out) == (6, "")


def test_after_a_failure_no_task_of_the_user_runs(fab):
    done = fab([fail_on_b, own], "-H", "a,b", "fail-on-b", "own")
    assert (done.code, done.out) == (6, "")


def test_a_missing_settings_file_is_not_passed_over(fab):
    done = fab([show], "-f", "none.yaml", "show")
    assert (done.code, done.err) == (2, "-f none.yaml: no such file\n")


def test_one_host_object_serves_all_tasks_of_a_command(fab):
    seen = []

    @roadie_task
    def note(c):
        """Note the hosts."""
        seen.append(hosts_of(c, settings("a")))

    fab([note], "note", "note")
    assert seen[0][0] is seen[1][0]
    fab([note], "note")
    assert seen[2][0] is not seen[0][0]


def test_a_task_called_from_a_script_takes_its_connection():
    connection = Connection("a", user="me")
    assert [host.connection for host in hosts_of(connection)] == [connection]
    assert hosts_of(connection)[0] is hosts_of(connection)[0]


def test_a_task_called_from_a_script_with_a_plain_context_takes_the_hosts_of_the_settings():
    assert [host.name for host in hosts_of(Context(Config()), settings("a"))] == ["a"]


def test_short_flags_are_never_given_by_order_of_declaration():
    @roadie_task
    def flags(c, only="", other=""):
        """Take two options."""

    assert isinstance(flags, RoadieTask)
    own = [argument.names for argument in flags.get_arguments() if argument.names not in FLAGS]
    assert own == [("only",), ("other",)]


def hosts(*names):
    return [hosts_of(Connection(name))[0] for name in names]


def test_work_runs_at_the_same_time_and_results_keep_their_order():
    barrier = threading.Barrier(3, timeout=30)

    def work(host):
        barrier.wait()
        if host.name == "b":
            raise RoadieError("b: no")
        return host.name.upper()

    three = hosts("a", "b", "c")
    first, second, third = in_parallel(three, work)
    assert (first, str(second), third) == ("A", "b: no", "C")
    assert [host.failure is second for host in three] == [False, True, False]


def test_more_hosts_than_threads_are_all_served():
    many = hosts(*(f"h{number}" for number in range(200)))
    assert in_parallel(many, lambda host: host.name) == [host.name for host in many]


def test_waiting_for_the_work_adds_no_delay():
    one, took = hosts("a"), []
    for _ in range(20):
        began = time.perf_counter()
        in_parallel(one, lambda host: None)
        took.append(time.perf_counter() - began)
    assert min(took) < 0.025  # the other times may be longer, because the machine is busy


def test_installing_puts_the_executor_into_fab_but_not_over_another(monkeypatch):
    from roadie.run import executor

    class Other(fabric.Executor):
        pass

    for before, after in ((fabric.Executor, Executor), (Other, Other)):
        program = SimpleNamespace(executor_class=before, config=fabric.Config(lazy=True))
        monkeypatch.setitem(sys.modules, "fabric.main", SimpleNamespace(program=program))
        executor.install()
        assert program.executor_class is after
        assert type(program.config) is Config


@roadie_task
def tell_it(c):
    """Tell something."""
    display.tell("web1", "all is well", kind="good")
    display.result("state", "web1", {"up": True}, ["up"])


def test_every_task_takes_the_flags_of_its_display(fab):
    assert fab([tell_it], "tell-it").out == "web1: all is well\nweb1: up\n"
    assert fab([tell_it], "tell-it", "-q").out == "web1: up\n"
    assert "Z web1: up\n" in fab([tell_it], "tell-it", "--timestamps", "-v").out
    events = [json.loads(line)["event"] for line in fab([tell_it], "tell-it", "--json").out.splitlines()]
    assert events == ["told", "result", "end"]


def test_the_flags_are_no_arguments_of_a_task_that_is_called(capsys):
    tell_it(Context(), quiet=True)
    assert capsys.readouterr().out == "web1: up\n"


def test_an_error_of_a_task_is_the_last_line_of_its_json(fab):
    done = fab([raising(StageFailed("web1: no"))], "broken", "--json")
    end = json.loads(done.out.splitlines()[-1])
    assert (end["event"], end["code"], end["what"], done.code, done.err) == (
        "end",
        6,
        "web1: no",
        6,
        "web1: no\n",
    )


def test_a_host_that_only_lacked_consent_takes_part_in_the_second_try(fab, monkeypatch):
    monkeypatch.setattr("roadie.console.is_interactive", lambda: True)
    monkeypatch.setattr("roadie.console.ask", lambda question: "yes")

    @roadie_task
    def delete(c):
        """Delete something."""

        def attempt(agreed):
            hosts = hosts_of(c, settings("s1"))
            if not agreed:
                hosts[0].failure = ConsentMissing("s1: deletes something")
                raise hosts[0].failure
            print("deletes on", [host.name for host in hosts])

        with_consent(attempt, False)

    assert fab([delete], "delete").out == "deletes on ['s1']\n"
