"""What stays between builds: a kept wheel serves its own package only; a pin of roadie has its hashes."""

import hashlib

import pytest
from roadie.project import hashes
from roadie.project.requirements import PINS
from roadie.settings.databases import DATABASES
from shell import Shell

SPEAKS = ("virtualenv/words.sh", "virtualenv/downloads.sh")


def said(folder, body):
    shell = Shell(folder, *SPEAKS)
    shell.run(f"wheels={folder}/wheels cache={folder}\n{body}")
    assert shell.code == 0
    return shell.log().read_text().splitlines()


@pytest.mark.parametrize(
    ("package", "file", "is_one"),
    [
        ("mysqlclient==2.3.1", "mysqlclient-2.3.1-cp313-cp313-linux_x86_64.whl", True),
        ("zope-event==6.0", "zope.event-6.0-py3-none-any.whl", True),
        ("ruamel-yaml==1.0", "ruamel_yaml-1.0-1-py3-none-any.whl", True),
        ("torch==2.0+cpu", "Torch-2.0+cpu-py3-none-any.whl", True),
        ("a==1", "a_1_b-5-py3-none-any.whl", False),
        ("a==1", "a-1.5-py3-none-any.whl", False),
        ("a==1.5", "a-1-5-py3-none-any.whl", False),
        ("a==1", "aa-1-py3-none-any.whl", False),
    ],
)
def test_a_wheel_is_of_the_package_in_its_name(tmp_path, package, file, is_one):
    assert said(tmp_path, f"if is_wheel_of '{package}' '{file}'; then echo yes; fi") == ["yes"] * is_one


def test_every_pin_of_one_version_has_hashes():
    pins = {*PINS.values(), *(pin for one in DATABASES.values() for pin in one.pins)} - {PINS["uv"]}
    hashed = {line.split()[0] for line in hashes.with_hashes()}
    assert hashed == {pin for pin in pins if "==" in pin}
    assert all(" --hash=sha256:" in line for line in hashes.with_hashes())


def test_a_pin_takes_the_wheel_that_was_built_here_or_else_its_known_files(tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "a-1-py3-none-any.whl").write_text("built")
    lines = ["aa==1 --hash=sha256:00", "a==1 --hash=sha256:01 --hash=sha256:02"]
    listed = " ".join(f"'{line}'" for line in lines)
    body = f"pins=(a==1 aa==1 'b>=2') hashed_pins=({listed})\nwrite_pins\ncat {tmp_path}/pins.txt"
    built = hashlib.sha256(b"built").hexdigest()
    assert said(tmp_path, body) == [f"a==1 --hash=sha256:{built}", lines[0], "b>=2"]
    assert (tmp_path / "pins-with-hashes.txt").read_text().splitlines() == [lines[1], lines[0]]
