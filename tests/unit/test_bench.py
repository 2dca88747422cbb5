"""The bench starts, and its tables have the right sums. No measured figure is tested."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# In a separate process, because the bench imports the package as `fabfile` and the tests as `roadie`.
TABLES = """
import json, sys
from bench.rig import Reading, Run
from bench.table import tables
told = json.load(sys.stdin)
print(tables([Run(**run) for run in told["runs"]], [Reading(**one) for one in told["readings"]]))
"""


def python(*words, text="", **env):
    argv = [sys.executable, *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(argv, input=text, capture_output=True, text=True, cwd=ROOT, env=env)


def figures(measure, tool, walls, round_trip=0, **more):
    costs = {"cpu": 0.1, "rss": 40.0, "span": 1.0, "others": 0.5, "connections": 1, "sessions": 1, **more}
    names = {"measure": measure, "tool": tool, "round_trip": round_trip}
    return [{**names, "wall": wall, **costs} for wall in walls]


def printed(*runs, readings=()):
    told = {"runs": [run for few in runs for run in few], "readings": readings}
    done = python("-c", TABLES, text=json.dumps(told))
    assert done.returncode == 0, done.stderr
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


def test_it_wants_a_folder_of_peers():
    done = python("-m", "bench", PEERS="")
    assert done.returncode == 2
    assert "--peers" in done.stderr
    assert "has no job/packages.txt" in python("-m", "bench", "--peers", "/nowhere").stderr


def test_a_cell_has_the_median_its_spread_and_its_ratio():
    lines = printed(
        figures("converged", "bash", [0.4, 0.2, 0.3]), figures("converged", "roadie", [0.6, 0.5, 0.9])
    )
    assert "bash 0.30 [0.20-0.40] 1.00 - - - - 0.10 0.00 40 1 1 0.5" in lines
    assert "roadie 0.60 [0.50-0.90] 2.00 - - - - 0.10 0.00 40 1 1 0.5" in lines


def test_a_deploy_is_timed_until_the_new_code_answers():
    lines = printed(
        figures("line", "fabric-fast", [2.0], answers=1.0), figures("line", "roadie", [3.0], answers=1.2)
    )
    assert "roadie 1.20 [1.20-1.20] 1.20 3.00 - - - 0.10 0.00 40 1 1 0.5" in lines


def test_a_bound_is_judged_only_if_all_its_figures_are_there():
    runs = [figures("converged", tool, [wall], 100) for tool, wall in (("bash", 1.0), ("roadie", 1.2))]
    lines = printed(*runs)
    assert "converged, 100 ms: 1.15 x bash 1.2 1.15 missed" in lines
    assert "converged: sessions 1 1 held" in lines
    assert not any("pyinfra" in line or "fab --list" in line for line in lines)


def test_a_rollback_is_judged_by_the_start_of_the_app_beside_it():
    readings = [{"measure": "rollback", "what": "start of the app", "value": value} for value in (0.4, 0.9)]
    lines = printed(figures("rollback", "roadie", [3.0], answers=1.5), readings=readings)
    assert "fab rollback 1.50 [1.50-1.50]" in lines
    assert "the app alone, from its start 0.65 [0.40-0.90]" in lines
    assert "rollback: the app's start + 1.5 s 1.5 2.15 held" in lines


def test_a_deploy_under_load_stands_beside_a_quiet_time():
    told = {
        "p99, quiet": 9,
        "p99, deploy": 20,
        "failed, deploy": 1,
        "memory, both slots": 134.5,
        "saturation": 99,
    }
    readings = [{"measure": "switch", "what": what, "value": value} for what, value in told.items()]
    lines = printed(readings=readings)
    assert "p99 ms 9.00 [9.00-9.00] 20.00 [20.00-20.00]" in lines
    assert "MB of the site's processes - 134.50 [134.50-134.50]" in lines
    assert "switch: requests that failed 1 0 missed" in lines


def test_the_memory_of_a_host_stands_for_each_database():
    told = {"mysql, idle": 250, "mysql, deploy": 460, "postgresql, idle": 200, "postgresql, deploy": 300}
    told |= {"celery, mysql, idle": 400}
    lines = printed(
        readings=[{"measure": "memory", "what": what, "value": value} for what, value in told.items()]
    )
    assert "mysql 250.00 [250.00-250.00] 460.00 [460.00-460.00] -" in lines
    assert "celery, mysql 400.00 [400.00-400.00] - -" in lines
    assert "memory, mysql, deploy: 450 of the 512 MB of a small server 460 450 missed" in lines
    assert "memory, postgresql, deploy: 450 of the 512 MB of a small server 300 450 held" in lines
