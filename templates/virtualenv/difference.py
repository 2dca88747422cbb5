"""Tells how the last virtualenv differs from what the requirements come to now.

difference.py SITE_PACKAGES SETUPTOOLS: what they come to is read from standard input, as uv writes it;
SETUPTOOLS is the line in it that stands for Debian's own wheel. Prints `drop NAME` for what goes from the
folder, `script NAME` for what a package that stays has in bin, `add REQUIREMENT` for what comes. Ends with 3,
and a line that says why, where only a build from nothing will do. Root starts it: it only reads, and every
NAME is a plain one.
"""

import csv
import re
import sys
from collections import Counter, namedtuple
from pathlib import Path

FROM_NOTHING = 3
INFO, CACHE, BIN = ".dist-info", "__pycache__", "../../../bin/"
PINNED = re.compile(r"([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)==([A-Za-z0-9][A-Za-z0-9.!+_]*)")
NAME = re.compile(r"(?!\.\.?$)[^/\s][^/\n]*")


# What one has: its names are those in site-packages, its scripts those in bin. No dataclass: that takes 9 ms.
Package = namedtuple("Package", "version names scripts is_from_index is_elsewhere")


class FromNothing(Exception):
    """Something that would not come out as in a new virtualenv."""


def asked(resolved, setuptools):
    """The versions that the requirements come to, by name; that of Debian's setuptools is empty."""
    found = {}
    for line in resolved.split("\n"):
        if line and line == setuptools:
            found["setuptools"] = ""
        elif match := PINNED.fullmatch(line):
            found[match[1]] = match[2]
        elif line:
            raise FromNothing(f"{line} is no package of an index")
    return found


def installed(folder):
    """The packages in site-packages by name, which must have all that is there between them."""
    found = {}
    for info in folder.glob(f"*{INFO}"):
        name, _, version = info.name.removesuffix(INFO).rpartition("-")
        found[re.sub(r"[-_.]+", "-", name).lower()] = read(info, version)
    claimed = {name for package in found.values() for name in package.names}
    if strays := {path.name for path in folder.iterdir()} - claimed - {CACHE}:
        raise FromNothing(f"no package has {min(strays)}")
    return found


def read(info, version):
    """What a package's own list says of it."""
    names, scripts, is_elsewhere = {info.name}, set(), False
    with (info / "RECORD").open(encoding="utf-8", newline="") as record:
        for path, *_ in csv.reader(record):
            first = path.partition("/")[0]
            if path.startswith(BIN) and NAME.fullmatch(script := path.removeprefix(BIN)):
                scripts.add(script)
            elif not NAME.fullmatch(first):
                is_elsewhere = True
            elif first != CACHE:
                names.add(first)
    is_from_index = not (info / "direct_url.json").exists()
    return Package(version, names, scripts, is_from_index, is_elsewhere)


def difference(folder, there, wanted):
    """What goes, what stays and what comes, a line each."""
    for name, package in there.items():
        if not package.is_from_index and name != "setuptools":
            raise FromNothing(f"{name} is of no index")
    stays = {name for name, package in there.items() if is_as_wanted(package, wanted.get(name))}
    uses = Counter(name for package in there.values() for name in package.names)
    for name in sorted(there.keys() - stays):
        if there[name].is_elsewhere:
            raise FromNothing(f"{name} has files elsewhere")
        yield from (f"drop {path}" for path in sorted(dropped(folder, name, there[name], uses)))
    for name in sorted(stays):
        yield from (f"script {script}" for script in sorted(there[name].scripts))
    for name in sorted(wanted.keys() - stays):
        if not wanted[name]:
            raise FromNothing("setuptools is another")
        yield f"add {name}=={wanted[name]}"


def is_as_wanted(package, version):
    """Whether a package can stay; Debian's setuptools, of no index, is wanted without a version."""
    return version == (package.version if package.is_from_index else "")


def dropped(folder, name, package, uses):
    """What goes with a package, which must be its own, and the bytecode of its modules."""
    for entry in package.names:
        if uses[entry] > 1:
            raise FromNothing(f"{name} shares {entry}")
        yield entry
        if entry.endswith(".py"):
            stem = entry.removesuffix(".py")
            yield from (f"{CACHE}/{path.name}" for path in (folder / CACHE).glob(f"{stem}.*.pyc"))


def main(folder, setuptools):
    """Print the difference, or why there is none to tell."""
    resolved = ""
    try:
        there = installed(Path(folder))  # while uv still asks
        resolved = sys.stdin.read()
        lines = list(difference(Path(folder), there, asked(resolved, setuptools)))
    except (FromNothing, OSError, ValueError, csv.Error) as why:
        print(resolved, why, sep="\n")
        sys.exit(FROM_NOTHING)
    print("\n".join(lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
