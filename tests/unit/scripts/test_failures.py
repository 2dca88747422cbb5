"""Why requirements could not be installed: the package that a failure names is the one that failed."""

import pytest
from shell import Shell

UV = "error: Failed to download and build `{}`\n  cause: it failed [stderr]\n      error: no room\n"
PIP = (
    "      [1 lines of output]\n      error: no such program: npm\n      [end of output]\n"
    "  ERROR: Failed building wheel for shop\nERROR: Failed to build installable wheels (shop)\n"
)
KNOWN = "python_minor=python3.13 pythons=() build_home=/nowhere\n"


@pytest.mark.parametrize(
    ("output", "named"),
    [
        (UV.format("haystack==3.4.0"), "haystack==3.4.0"),
        (UV.format("haystack==3.4.0") + PIP, "shop"),
        (UV.format("shop==2") + PIP, "shop==2"),
        (PIP, "shop"),
        (PIP.replace("Failed building wheel for shop", "Failed to build 'shop' when getting"), "shop"),
    ],
)
def test_the_package_that_failed_last_is_named(tmp_path, output, named):
    (tmp_path / "said").write_text(output)
    shell = Shell(tmp_path, "virtualenv/failures.sh")
    shell.run(KNOWN + f"step_output() {{ cat {tmp_path}/said; }}\nwith_wheel() {{ :; }}\nwhy_not_built")
    assert shell.code == 0
    assert shell.log().read_text().startswith(f"cannot build {named}: ")


@pytest.mark.parametrize(
    ("wheels", "says"),
    [
        (
            "echo 3",
            'for Python 3.12, but none for 3.13, so write python: "3.12" in fabric.yaml, or require shop 3',
        ),
        (
            "[[ $1 == shop || $* == *3.10* ]] && echo 3",
            'write python: "3.10" in fabric.yaml, or require shop 3, which',
        ),
        ("[[ $* != *3.9* ]] || echo 2", 'so write python: "3.9" in fabric.yaml'),
        (
            "[[ $1 != shop ]] || echo 3",
            "shop 3 has a wheel for this Python, so require that; if it needs a library",
        ),
        (":", "; if it needs a library of Debian, name its -dev package in packages:"),
    ],
)
def test_a_version_without_a_wheel_has_the_cures_that_help(tmp_path, wheels, says):
    (tmp_path / "said").write_text(UV.format("shop==2") + PIP)
    shell = Shell(tmp_path, "virtualenv/failures.sh")
    shell.run(f"{KNOWN}step_output() {{ cat {tmp_path}/said; }}\nwith_wheel() {{ {wheels}; }}\nwhy_not_built")
    assert says in shell.log().read_text(), shell.log().read_text()
