"""fill.py [FROM TO]...: copies plain files that TO lacks. The path of a folder ends in `/`."""

import os
import shutil
import sys
from pathlib import Path


def fill(source, target):
    """Copy a file, or the files of a folder. Return how many were copied."""
    folder = target if target.endswith("/") else Path(target).parent
    Path(folder).mkdir(parents=True, exist_ok=True)
    return sum(map(copy, pairs(source, Path(target)))) if source.endswith("/") else copy((source, target))


def pairs(source, target):
    """Each file below a folder, and its place below the other folder."""
    for here, _, names in os.walk(source):
        folder = target / Path(here).relative_to(source)
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            yield Path(here, name), folder / name


def copy(pair):
    """Copy a plain file, if there is none yet. The copy gets its name only when all of it is there."""
    source, target = map(Path, pair)
    if source.is_symlink() or not source.is_file() or target.is_symlink() or target.exists():
        return False
    new = target.with_name(f"{target.name}.roadie-new")
    shutil.copyfile(source, new)
    new.rename(target)
    return True


words = iter(sys.argv[1:])
copied = sum(fill(source, target) for source, target in zip(words, words, strict=True))
if copied:
    print(f"{copied} files of the commit were copied, as the host had none of these names")
