"""A script carries the libraries that it needs and no others."""

import pytest
from roadie.scripts.libraries import NAMES, needed

TEXTS = {
    **dict.fromkeys(NAMES, ""),
    "frame/lib.sh": "said='' last=1\nsay() { # WHAT\n  said=$1\n}\n",
    "site/words.sh": "claim() {\n  say claimed\n}\n",
    "code/words.sh": "store=/srv\n  inner=1\ncheck_out() {\n  claim\n}\n",
}


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("echo hello\n", []),
        ("say hello\n", ["frame/lib.sh"]),
        ("trap 'say over' EXIT\n", ["frame/lib.sh"]),
        ("check_out\n", ["frame/lib.sh", "site/words.sh", "code/words.sh"]),
        ('echo "${store}"\n', ["frame/lib.sh", "site/words.sh", "code/words.sh"]),
        ("store=mine\n", []),
        ("((${#last} > 1))\n", ["frame/lib.sh"]),
        ('echo "${inner}"\n', []),
    ],
)
def test_what_a_script_names_comes_with_what_that_names(script, names):
    assert needed(script, TEXTS.__getitem__) == names
