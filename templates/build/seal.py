"""seal.py BUILT CODE RECORD GROUP [PATH]...: moves the new and changed plain files of BUILT to CODE.

Leaves out each PATH. Writes the paths to RECORD first. No other process writes in these folders by now.
"""

import os
import shutil
import sys
from filecmp import cmp
from glob import escape
from importlib.machinery import SourceFileLoader
from pathlib import Path

built, code, record = map(Path, sys.argv[1:4])
group, left_out = int(sys.argv[4]), {*map(Path, sys.argv[5:])}


def made():
    """The paths of the files that the build made or changed, without bytecode, which this program writes."""
    for here, folders, names in os.walk(built):
        folders[:] = [name for name in folders if name not in ("__pycache__", ".git")]
        for name in names:
            path = Path(here, name).relative_to(built)
            before = code / path
            if path in left_out:
                continue
            if before.is_symlink() or not before.is_file() or not cmp(built / path, before, shallow=False):
                yield path


def make_room(path):
    """Make the folders above a path of CODE. Remove whatever stands in the place of one, or of the path."""
    for folder in [*reversed(path.parents)][1:]:
        place = code / folder
        if place.is_symlink() or place.is_file():
            place.unlink()
        if not place.is_dir():
            place.mkdir(0o750)
    place = code / path
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)


def take(path):
    """Move one file into CODE, where the app may read and not write."""
    new, place = built / path, code / path
    is_program = new.stat().st_mode & 0o100
    os.chown(new, 0, group)
    new.chmod(0o750 if is_program else 0o640)
    make_room(path)
    new.rename(place)
    if path.suffix == ".py":
        compile_bytecode(place)


def compile_bytecode(place):
    """Write the bytecode beside a file, if the file compiles. None of its code runs.

    The commit may have a link in place of the folder for bytecode. Root must not write through that link.
    """
    cache = place.parent / "__pycache__"
    if cache.is_symlink():
        return
    try:
        for old in cache.glob(f"{escape(place.stem)}.*.pyc"):
            old.unlink()
        SourceFileLoader("", str(place)).get_code("")
    except Exception:
        return


found = sorted(made())
with record.open("ab") as file:
    file.writelines(os.fsencode(path) + b"\0" for path in found)
for path in found:
    take(path)
print(f"the build made or changed {len(found)} files")
