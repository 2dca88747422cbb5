"""Writes down the command line and the environment of every program that begins on a host."""

from __future__ import annotations

import re
from dataclasses import dataclass

from roadie.throwaway.hosts import ThrowawayHost
from within import inside

# The loader runs this in every program before the program itself. Each program is one line, in one write.
NOTE = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char line[1 << 18];
static int size;

static void add(const char *text) {
    for (; *text && size < (int)sizeof line - 2; text++) line[size++] = *text == '\n' ? ' ' : *text;
    line[size++] = ' ';
}

__attribute__((constructor)) static void note(int count, char **words, char **variables) {
    char user[16];
    int file = open("/opt/began", O_WRONLY | O_APPEND | O_CLOEXEC);
    if (file < 0) return;
    snprintf(user, sizeof user, "%d", (int)geteuid());
    add(user);
    add("runs");
    while (*words) add(*words++);
    add("\t");
    while (*variables) add(*variables++);
    line[size++] = '\n';
    if (write(file, line, size) < 0) line[0] = 0;
    close(file);
}
"""
SET_UP = """
cat >/opt/note.c <<'END'
{note}
END
gcc -shared -fPIC -O1 -o /opt/note.so /opt/note.c
: >/opt/began
chmod 666 /opt/began
echo /opt/note.so >/etc/ld.so.preload
"""


@dataclass(frozen=True)
class Program:
    """A program that began: its user's number, its command line and its environment."""

    uid: int
    words: str
    environment: str


class Recorder:
    """Records from now on. The host must have gcc."""

    def __init__(self, host: ThrowawayHost) -> None:
        self._host = host
        inside(host, SET_UP.format(note=NOTE))

    def programs(self) -> list[Program]:
        """All that began so far."""
        text = (self._host.tree / "opt/began").read_text("utf-8", "replace")
        found = re.findall(r"^(\d+) runs (.*?)\t (.*)$", text, re.M)
        return [Program(int(uid), words, environment) for uid, words, environment in found]
