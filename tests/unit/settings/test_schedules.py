"""The times of a crontab become the times of systemd."""

from __future__ import annotations

import pytest
from roadie.settings.kinds import Wrong
from roadie.settings.schedules import parted


@pytest.mark.parametrize(
    ("line", "when"),
    [
        ("0 4 * * * x", "*-*-* 4:0:00"),
        ("*/5 * * * * x", "*-*-* *:0/5:00"),
        ("5/10 * * * * x", "*-*-* *:5/10:00"),
        ("0 9-17/2 * * 1-5 x", "Mon,Tue,Wed,Thu,Fri *-*-* 9..17/2:0:00"),
        ("15,45 0 1 jan,JUL * x", "*-1,7-1 0:15,45:00"),
        ("0 0 * * 0 x", "Sun *-*-* 0:0:00"),
        ("0 0 * * 6-7 x", "Sat,Sun *-*-* 0:0:00"),
        ("0 0 */2 * mon x", "Mon *-*-1/2 0:0:00"),
        # systemd takes no step that leads out of the range.
        ("*/60 * * * * x", "*-*-* *:0:00"),
        ("0 */24 * * * x", "*-*-* 0:0:00"),
        ("5-50/46,59/7 * * 1/12 * x", "*-1-* *:5,59:00"),
        ("*/59 */23 * * * x", "*-*-* 0/23:0/59:00"),
        ("@hourly x", "*-*-* *:00:00"),
        ("@daily x", "*-*-* 00:00:00"),
        ("@weekly x", "Sun *-*-* 00:00:00"),
        ("@monthly x", "*-*-01 00:00:00"),
        ("@yearly x", "*-01-01 00:00:00"),
    ],
)
def test_a_time_of_a_crontab_is_one_of_systemd(line: str, when: str) -> None:
    assert parted(line) == (when, "x")


def test_a_command_stays_as_it_is() -> None:
    assert parted("0 4 * * *  manage.py mail --to 'a  b'")[1] == "manage.py mail --to 'a  b'"
    assert parted("@daily  manage.py mail ")[1] == "manage.py mail"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("0 4 * * *", "must be a time of five fields and a command"),
        ("manage.py clearsessions", "must be a time of five fields and a command"),
        ("@often x", "'@often' is no time; known are @hourly"),
        ("60 * * * * x", "'60' must be a number from 0 to 59"),
        ("* 24 * * * x", "'24' must be a number from 0 to 23"),
        ("* * 0 * * x", "'0' must be a number from 1 to 31"),
        ("* * * foo * x", "'foo' must be a number from 1 to 12"),
        ("* * * * 8 x", "'8' must be a number from 0 to 7"),
        ("9-5 * * * * x", "'9-5' ends before it begins"),
        ("*/0 * * * * x", "'*/0' has no step from 1 to 99"),
        ("0 0 1 * 1 x", "names days of the month and of the week; write two entries"),
    ],
)
def test_what_is_no_time_is_refused(line: str, says: str) -> None:
    with pytest.raises(Wrong) as caught:
        parted(line)
    assert says in caught.value.why
