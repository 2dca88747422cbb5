"""The command line of the bench. It sets up, measures, prints, and removes everything again."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from fabfile.errors import RoadieError
from fabfile.throwaway import machine

from .measures import NAMES, Bench
from .rig import Rig
from .table import tables
from .tools import ROOT, peers_virtualenv, roadie_virtualenv


def main() -> int:
    """Run the bench. Return 1 if a tool could not do its job."""
    options = _options()
    signal.signal(signal.SIGTERM, _end)
    machine.require()
    virtualenvs = {"peers": peers_virtualenv(options.venv), "roadie": roadie_virtualenv()}
    names = options.only or [name for name in NAMES if name != "cold"]
    rounds = options.rounds or (3 if options.quick else 7)
    began = os.getloadavg()
    with Rig(options.peers, virtualenvs, options.suite) as rig:
        bench = Bench(rig, rounds, options.quick)
        try:
            bench.take(names)
        finally:
            facts = _facts(virtualenvs, options.suite, rounds, began)
            print("\n".join([*(f"- {name}: {value}" for name, value in facts.items()), ""]))
            print(tables(bench.runs, bench.readings))
            if options.json:
                runs = [run.as_json() for run in bench.runs]
                readings = [reading.as_json() for reading in bench.readings]
                text = json.dumps({"facts": facts, "runs": runs, "readings": readings}, indent=1)
                options.json.write_text(text)
    for failure in bench.failures:
        print(failure, file=sys.stderr)
    return 1 if bench.failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    given = os.environ.get
    peers = given("PEERS")
    parser.add_argument(
        "--peers",
        type=_peers,
        default=peers,
        required=not peers,
        help="folder of the job and the other tools",
    )
    parser.add_argument("--only", action="append", choices=NAMES, help="take this measure; may be repeated")
    parser.add_argument("--quick", action="store_true", help="3 rounds, and no pyinfra")
    parser.add_argument("--rounds", type=int, help="how often each tool runs (7)")
    parser.add_argument("--suite", default="bookworm", help="Debian suite of the hosts (bookworm)")
    parser.add_argument("--venv", default=given("VENV"), help="a virtualenv that has pyinfra")
    parser.add_argument("--json", type=Path, help="write the figures of every run to this file")
    return parser.parse_args()


def _peers(text: str) -> Path:
    folder = Path(text).absolute()
    if not (folder / "job/packages.txt").is_file():
        raise argparse.ArgumentTypeError(f"{folder} has no job/packages.txt")
    return folder


def _facts(
    virtualenvs: dict[str, Path], suite: str, rounds: int, began: tuple[float, float, float]
) -> dict[str, str]:
    commit = machine.run("git", "-C", ROOT, "describe", "--always", "--dirty", "--exclude", "*").strip()
    ssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True).stderr.strip()
    return {
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "roadie": commit,
        "with roadie and fabric-one": _versions(virtualenvs["roadie"], ("fabric", "paramiko")),
        "with pyinfra": _versions(virtualenvs["peers"], ("pyinfra", "paramiko")),
        "machine": f"{os.cpu_count()} processors, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {ssh}",
        "hosts": f"Debian {suite}",
        "rounds": str(rounds),
        "load average": f"{began[0]:.1f} at the start, {os.getloadavg()[0]:.1f} at the end; "
        "`others` is how many processors everything else kept busy while a tool ran",
    }


def _versions(virtualenv: Path, names: tuple[str, ...]) -> str:
    code = (
        "import importlib.metadata as m, sys; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
    )
    return machine.run(virtualenv / "bin/python", "-c", code, *names).strip()


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RoadieError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
