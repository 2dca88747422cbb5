"""What waits on a host goes by the time since its boot. The time of day may be set meanwhile."""

import re

from roadie.scripts.render import TEMPLATES
from shell import Shell

OF_THE_DAY = re.compile(r"(?:[$({]|[-+<>=] )(SECONDS|EPOCH[A-Z]+)")
# nginx writes the time of day into its log, so what reads that log needs the time of day too.
READS_THE_LOG = {"gate/watch.sh.j2": ["EPOCHREALTIME"]}


def test_no_stage_waits_by_the_time_of_day():
    found = {}
    for path in TEMPLATES.rglob("*.sh*"):
        if names := OF_THE_DAY.findall(path.read_text()):
            found[path.relative_to(TEMPLATES).as_posix()] = names
    assert found == READS_THE_LOG


def test_the_clock_goes_forward_whatever_the_time_of_day_does(tmp_path):
    body = 'before=${clock_ms}; SECONDS=-99999; sleep 0.1; read_clock; say ok "$((clock_ms - before >= 100))"'
    assert Shell(tmp_path).run(f"read_clock; {body}") == [("ok", "1")]
