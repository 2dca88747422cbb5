"""The places that templates/frame/places.sh declares, as bash reads the file."""

from __future__ import annotations

import subprocess

from roadie.scripts.render import TEMPLATES

OF_SITE = ("made_again", "kept_until_purge")
ALL = (*OF_SITE, "host_places", "debians_places")
_ASK = """
app=$1 build_user=$1-build
. "$2/frame/places.sh"
declare -n list=$3
printf '%s\\n' "${list[@]}"
"""


def declared(app: str, *lists: str) -> dict[str, str]:
    """Return a site's paths in these lists of places.sh, each with the user who can write there."""
    entries = [entry for name in lists for entry in _ask(app, name)]
    return {path: user for path, _, user in (entry.partition(" ") for entry in entries)}


def _ask(app: str, name: str) -> list[str]:
    argv = ["bash", "-euc", _ASK, "ask", app, TEMPLATES, name]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
