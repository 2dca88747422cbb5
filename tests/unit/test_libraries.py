"""A script carries the libraries that it needs and no others."""

import pytest
from roadie.libraries import NAMES, needed

TEXTS = {
    **dict.fromkeys(NAMES, ""),
    "lib.sh": "said='' last=1\nsay() { # WHAT\n  said=$1\n}\n",
    "site.sh": "claim() {\n  say claimed\n}\n",
    "code.sh": "store=/srv\n  inner=1\ncheck_out() {\n  claim\n}\n",
}


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("echo hello\n", []),
        ("say hello\n", ["lib.sh"]),
        ("trap 'say over' EXIT\n", ["lib.sh"]),
        ("check_out\n", ["lib.sh", "site.sh", "code.sh"]),
        ('echo "${store}"\n', ["lib.sh", "site.sh", "code.sh"]),
        ("store=mine\n", []),
        ("((${#last} > 1))\n", ["lib.sh"]),
        ('echo "${inner}"\n', []),
    ],
)
def test_what_a_script_names_comes_with_what_that_names(script, names):
    assert needed(script, TEXTS.__getitem__) == names
