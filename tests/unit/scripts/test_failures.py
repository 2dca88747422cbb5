"""Why requirements could not be installed: the package that a failure names is the one that failed."""

import pytest
from shell import Shell

UV = "error: Failed to download and build `{}`\n  cause: it failed [stderr]\n      error: no room\n"
PIP = (
    "      [1 lines of output]\n      error: no such program: npm\n      [end of output]\n"
    "  ERROR: Failed building wheel for shop\nERROR: Failed to build installable wheels (shop)\n"
)


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
    shell.run(f"step_output() {{ cat {tmp_path}/said; }}\nwith_wheel() {{ :; }}\nwhy_not_built")
    assert shell.code == 0
    assert shell.log().read_text().startswith(f"cannot build {named}: ")


def test_a_version_without_a_wheel_has_two_cures(tmp_path):
    (tmp_path / "said").write_text(UV.format("shop==2") + PIP)
    shell = Shell(tmp_path, "virtualenv/failures.sh")
    shell.run(f"step_output() {{ cat {tmp_path}/said; }}\nwith_wheel() {{ echo 3; }}\nwhy_not_built")
    assert "; shop 3 has a wheel for this Python, so require that, or name an older Python in python:; " in (
        shell.log().read_text()
    )
