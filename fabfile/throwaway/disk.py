"""A host's own disk: ext4 in a file. A power cut loses what was not synced."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

from . import machine

SIZE = "6G"  # the file is sparse and takes only what is written
_SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN
_NO_LOG_FLUSH = 2


def make(image: Path, place: Path) -> None:
    """Make an empty disk and mount it there."""
    machine.run("truncate", "-s", SIZE, image)
    machine.run("mkfs.ext4", "-q", "-F", "-m", "0", image)
    _mount(image, place)


def cut_off(place: Path) -> None:
    """Cut the disk off: nothing reaches it any more, and the kernel drops its unwritten data."""
    import fcntl  # absent on Windows, where the rest of the package may still be imported

    folder = os.open(place, os.O_RDONLY)
    try:
        fcntl.ioctl(folder, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
    finally:
        os.close(folder)


def come_back(image: Path, place: Path) -> None:
    """Mount the disk again with the data that had reached it, like a boot after a power cut."""
    machine.unmount(place)
    deadline = time.monotonic() + 5
    while machine.run("losetup", "--associated", image) and time.monotonic() < deadline:
        time.sleep(0.01)
    if machine.run("losetup", "--associated", image):
        # Another namespace still holds the dead mount. A new mount of the same file would join it.
        copy = image.with_suffix(".new")
        machine.run("cp", "--sparse=always", image, copy)
        copy.rename(image)
    _mount(image, place)


def _mount(image: Path, place: Path) -> None:
    # Without `commit`, ext4 itself would sync every five seconds, and a missing sync would mostly do no harm.
    machine.run("mount", "-o", "loop,noinit_itable,commit=300", image, place)
