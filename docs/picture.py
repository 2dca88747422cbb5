"""Makes docs/run.svg: a real bootstrap, a deploy and a deploy that fails, as seen at a terminal.

`python docs/picture.py` boots a throwaway host and takes some minutes. Like `fab rehearse` it needs Linux
and root.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/host")]

from desk import Desk  # noqa: E402
from projects import commit, example, settings  # noqa: E402
from roadie.throwaway import hosts as throwaway  # noqa: E402
from terminals import Terminal  # noqa: E402

PICTURE = ROOT / "docs/run.svg"
COLUMNS = 92
#: rich has a picture load its fonts from the network, and readers of this picture have fonts of their own
LOADED_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.S)


def main() -> None:
    """Run the commands and write the picture."""
    with tempfile.TemporaryDirectory() as folder, throwaway.boot("picture") as host:
        desk = sit(Path(folder), host)
        paper = Console(record=True, width=COLUMNS, file=Path("/dev/null").open("w"), force_terminal=True)  # noqa: SIM115
        for words, code in (("bootstrap", 0), ("deploy", 0), ("deploy", 6)):
            if words == "deploy":
                change(desk, is_good=not code)
            draw(paper, f"fab {words}", desk.sees(words, columns=COLUMNS, code=code))
        PICTURE.write_text(LOADED_FONTS.sub("", paper.export_svg(title="fab")), "utf-8")


def sit(folder: Path, host: throwaway.ThrowawayHost) -> Desk:
    """Return a desk with a project, and with the host under the name web1."""
    project = example("guestbook", folder / "guestbook")
    settings(project, domain="guestbook.example.org", health="/")
    config = folder / "ssh_config"
    config.write_text(re.sub(r"^Host .*", "Host web1", host.ssh_config.read_text(), flags=re.M))
    commit(project, "A guestbook")
    return Desk(project, host, options=("-S", str(config), "-H", "root@web1"))


def change(desk: Desk, is_good: bool) -> None:
    """Commit a change of the first page: one that is good, or one that breaks the page."""
    views = desk.project / "entries/views.py"
    text = views.read_text()
    head = re.search(r"^def index\(request\):\n", text, re.M)
    assert head
    line = "    # the newest entry comes first\n" if is_good else "    per_page = 1 / 0\n"
    views.write_text(text[: head.end()] + line + text[head.end() :])
    commit(desk.project, "Newest first" if is_good else "Pages")


def draw(paper: Console, command: str, seen: Terminal) -> None:
    """Print a command and what its terminal shows."""
    paper.print(Text.assemble(("$ ", "green"), (command, "bold")))
    for line in seen.styled:
        paper.print(line)
    paper.print()


if __name__ == "__main__":
    main()
