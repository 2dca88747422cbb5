"""What the gate concludes from the answers of a release's workers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from roadie.scripts.render import TEMPLATES

HEAR = """
set -euo pipefail
run_id=1 workers=3 scheme=http
. <(sed "s#/run/roadie/#${2}/#" "$1")
late=''
hear_answers /health
count_workers /health
printf '%s|%s|%s' "${page_status}" "${page_location}" "${late}"
"""


def answer(status: str, *headers: str) -> str:
    """Return one answer as curl prints it: the headers, and then curl's own line about the answer."""
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status} X", *headers, "")) + f"roadie: {status} \n"


def heard(folder: Path, *answers: str) -> str:
    (folder / "1.answer").write_text("".join(answers))
    argv = ["bash", "-c", HEAR, "hear", TEMPLATES / "gate/words.sh", folder]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


ONE, TWO = "X-Roadie-Worker: 11 of 2", "x-roadie-worker: 12 of 2"


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([answer("200", ONE), answer("200", TWO)], "200||"),
        ([answer("200", ONE), answer("200", ONE)], "200||only 1 of 2 workers answered /health"),
        # A web program of the user's own does not name its workers.
        ([answer("200"), answer("200")], "200||"),
        ([answer("200", ONE), answer("500", TWO), answer("404", ONE)], "500||"),
        (["roadie: 302 http://www.example.org/a b\n"], "302|http://www.example.org/a b|"),
        (["roadie: 000 \n"], "000||"),
        ([], "||"),
    ],
)
def test_the_worst_answer_counts_and_each_worker_once(tmp_path: Path, answers: list[str], told: str) -> None:
    assert heard(tmp_path, *answers) == told


@pytest.mark.parametrize(
    "claim", ["1 of a[$(touch ran)]", "1 of 08", "1 of 99999", "$(touch ran) of 2", "1 of 2 + 2", ""]
)
def test_what_an_application_claims_is_no_more_than_a_number(tmp_path: Path, claim: str) -> None:
    assert heard(tmp_path, answer("200", f"X-Roadie-Worker: {claim}")) == "200||"
    assert not (tmp_path / "ran").exists() and not Path("ran").exists()


JUDGE = """
set -euo pipefail
run_id=1 workers=1 domains=(www.example.org) redirected=() scheme=$3
. <(sed "s#/run/roadie/#${2}/#" "$1")
health=(/a)
ask_page() { page_status=500 page_location='' page_url=http://www.example.org/b; }
hear_answers /a
judge_page /a
printf '%s|' "${refusal}"
follow /a
printf '%s' "${refusal}"
"""


@pytest.mark.parametrize(
    ("scheme", "header", "told"),
    [
        ("http", "/b", "http://www.example.org/b"),
        ("https", "/b", "https://www.example.org/b"),
        ("https", "b", "https://www.example.org/b"),
        ("https", "//www.example.org/b", "https://www.example.org/b"),
        ("https", "http://www.example.org/b", "http://www.example.org/b"),
        ("https", "https://www.example.org/b", "https://www.example.org/b"),
        ("http", "http://WWW.Example.org/b", "http://WWW.Example.org/b"),
    ],
)
def test_a_redirect_is_told_as_a_visitor_gets_it(tmp_path: Path, scheme: str, header: str, told: str) -> None:
    location = header if ":" in header else "http://www.example.org/b"  # as curl makes it whole
    found = answer("302", f"Location: {header}").replace("302 \n", f"302 {location}\n")
    (tmp_path / "1.answer").write_text(found)
    argv = ["bash", "-c", JUDGE, "judge", TEMPLATES / "gate/words.sh", tmp_path, scheme]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    end = f"{scheme}://www.example.org/b"
    assert done.stdout == (
        f"/a redirects to {told}, and health: asks for 2xx|/a redirects to {end}, which answered 500"
    )


COUNT = """
set -euo pipefail
. "$1"
gate_seconds=3
count_answers "${@:2}"
printf '%s good, %s slow, %s bad %s' "${good}" "${slow}" "${bad}" "${bad_page}"
"""


def logged(status: str, begun: str = "0.002", request: str = "GET /a HTTP/1.1", *, user: str = "-") -> str:
    """A line of nginx's log: for a request that came at 999, and ended at 1000."""
    return (
        f'192.0.2.1 - {user} [29/Nov/2026:03:01:09 +0000] "{request}" 500 7 "-" "a \\x22 500 0.1" '
        f"1000.000 1.000 {status} {begun}\n"
    )


@pytest.mark.parametrize(
    ("lines", "arguments", "told"),
    [
        ([logged("200"), logged("500"), logged("503"), logged("404")], ["0"], "3 good, 0 slow, 1 bad /a"),
        ([], ["0"], "0 good, 0 slow, 0 bad "),
        # What nginx answers itself: no application, none that could be reached, none that answered in time.
        ([logged("-", "-"), logged("502", "-"), logged("504", "-")], ["0"], "0 good, 0 slow, 0 bad "),
        ([logged("502"), logged("504")], ["0"], "0 good, 0 slow, 2 bad /a"),
        ([logged("500 : -", "0.001 : -"), logged("500, 500", "0.1, 0.1")], ["0"], "0 good, 0 slow, 0 bad "),
        # It came before the switch, so the release before answered it.
        ([logged("500")], ["999.001"], "0 good, 0 slow, 0 bad "),
        ([logged("500")], ["998.999"], "0 good, 0 slow, 1 bad /a"),
        ([logged("500")] * 9 + [logged("200")] * 3, ["0", "4"], "3 good, 0 slow, 1 bad /a"),
        (
            [logged("200", "1.500"), logged("200", "1.499"), logged("500", "2.0")],
            ["0"],
            "2 good, 1 slow, 1 bad /a",
        ),
        # The combined format, and half a line.
        ([logged("500").rpartition('"')[0] + '"\n'], ["0"], "0 good, 0 slow, 0 bad "),
        ([logged("500")[60:]], ["0"], "0 good, 0 slow, 0 bad "),
        ([logged("500", user='x\\x22 "'.replace('"', "\\x22"))], ["0"], "0 good, 0 slow, 1 bad /a"),
        ([logged("500", request="GET /\\x22$(id)`id` HTTP/1.1")], ["0"], '0 good, 0 slow, 1 bad /"$(id)`id`'),
        ([logged("500", request="GET http://other.example.org/ HTTP/1.1")], ["0"], "0 good, 0 slow, 1 bad "),
        ([logged("500", request="POST /a HTTP/1.1")], ["0"], "0 good, 0 slow, 1 bad "),
        ([logged("500", request="GET /b HTTP/1.1"), logged("200")], ["0"], "1 good, 0 slow, 1 bad /b"),
    ],
)
def test_only_answers_of_the_application_count(lines: list[str], arguments: list[str], told: str) -> None:
    argv = ["bash", "-c", COUNT, "count", TEMPLATES / "gate/words.sh", *arguments]
    done = subprocess.run(argv, input="".join(lines), capture_output=True, text=True, check=True)
    assert done.stdout == told


def test_no_request_to_the_host_itself_knows_a_proxy_or_a_curlrc() -> None:
    found = {path: path.read_text() for path in TEMPLATES.rglob("*") if path.is_file()}
    found = {path: text for path, text in found.items() if re.search(r"\bcurl [-\"]", text)}
    assert len(found) >= 3
    for path, text in found.items():
        assert not re.search(r"\bcurl (?!-q )[-\"]", text) and "--noproxy '*'" in text, path


def test_the_networks_of_visitors_are_counted_once(tmp_path: Path) -> None:
    addresses = [
        "192.0.2.1",
        "192.0.2.7",
        "198.51.100.3",
        "2001:db8:1::1",
        "2001:db8:1:2::1",
        "2001:db8:2::1",
    ]
    lines = [logged("500").replace("192.0.2.1", one) for one in addresses[:4]]
    lines += [logged("200").replace("192.0.2.1", one) for one in addresses[3:]]
    script = COUNT.replace("printf", "printf '%s hit, %s met' ${#hit[@]} ${#met[@]}; exit; printf")
    argv = ["bash", "-c", script, "count", TEMPLATES / "gate/words.sh", "0"]
    done = subprocess.run(argv, input="".join(lines), capture_output=True, text=True, check=True)
    assert done.stdout == "3 hit, 4 met"


HALTED = """
Traceback (most recent call last):
  File "/venv/lib/gunicorn/arbiter.py", line 683, in reap_workers
    raise HaltServer(reason, self.WORKER_BOOT_ERROR)
gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>
"""
REFUSED = """
[2026-11-29 15:21:10 +0000] [41] [ERROR] no broker today
[2026-11-29 15:21:10 +0000] [41] [ERROR] Application startup failed. Exiting.
"""
FAILED = """
Traceback (most recent call last):
  File "/venv/lib/django/apps/config.py", line 7, in create
ImportError: no such app
"""
WHY = """
set -euo pipefail
run_id=1 root=/srv/a work_dir=/srv/a program_log=$1/log log_start=0
. "$2/inspection/words.sh"
. "$2/gate/words.sh"
tell_log >/dev/null
printf %s "${error_said}"
"""


@pytest.mark.parametrize(
    ("log", "why"),
    [
        (f"{REFUSED}{HALTED}", "no broker today"),
        (f"{FAILED}{HALTED}", "ImportError: no such app"),
        (REFUSED, "no broker today"),
        (FAILED, "ImportError: no such app"),
    ],
)
def test_the_reason_of_an_application_is_told_and_not_that_gunicorn_ended(
    tmp_path: Path, log: str, why: str
) -> None:
    (tmp_path / "log").write_text(log)
    argv = ["bash", "-c", WHY, "why", tmp_path, TEMPLATES]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == why
