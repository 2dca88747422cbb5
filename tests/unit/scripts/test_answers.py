"""The answers of a release's check reach the stage whole, however slowly they come."""

import random
import subprocess
import threading
import time

from roadie.scripts.render import TEMPLATES

#: reads answers with the library's own function, but with a time limit that runs out often
READ = """
stop_if_asked() { :; }
app=guestbook root=/nonexistent run_id=1 nonce=1
. <(sed 's/-t 0[.]5/-t 0.02/' "$1")
teller=$$
exec 6<&0
for ((i = 0; i < 150; i++)); do next_answer; printf '%s\\n' "${line}"; done
"""


def test_no_line_is_lost_or_joined_where_a_time_limit_runs_out() -> None:
    dice = random.Random(1)
    lines = [f"roadie:\tstatic\tcollected {number:064}" for number in range(150)]
    with subprocess.Popen(
        ["bash", "-c", READ, "read", TEMPLATES / "inspection/words.sh"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin and process.stdout
        told: list[str] = []
        said = process.stdout
        listener = threading.Thread(target=lambda: told.extend(said.read().decode().splitlines()))
        listener.start()
        for line in lines:
            # Unbuffered Python writes a line and its end separately.
            for part in (line, "\n"):
                process.stdin.write(part.encode())
                process.stdin.flush()
                time.sleep(dice.choice([0, 0.0195, 0.02, 0.0205]))
        listener.join(30)
        process.kill()  # if it has not ended in time
        listener.join()
    assert told == lines
