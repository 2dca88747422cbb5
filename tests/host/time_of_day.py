"""Sets the time of day of a host, which has no clock of its own: all hosts share this machine's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from roadie.throwaway.hosts import ThrowawayHost

# What programs get from the C library, with the seconds in a file added. It stands in for clock_settime(2).
_SOURCE = r"""
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long seconds(void) {
  char text[32];
  long value = 0;
  int file = syscall(SYS_openat, AT_FDCWD, "/etc/time-of-day", O_RDONLY | O_CLOEXEC, 0);
  int size = file < 0 ? 0 : syscall(SYS_read, file, text, sizeof text);
  if (file >= 0) syscall(SYS_close, file);
  for (int i = size > 0 && text[0] == '-'; i < size && text[i] >= '0' && text[i] <= '9'; i++)
    value = value * 10 + text[i] - '0';
  return size > 0 && text[0] == '-' ? -value : value;
}

int clock_gettime(clockid_t which, struct timespec *now) {
  int code = syscall(SYS_clock_gettime, which, now);
  if (code == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += seconds();
  return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec read;
  clock_gettime(CLOCK_REALTIME, &read);
  now->tv_sec = read.tv_sec;
  now->tv_usec = read.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *now) {
  struct timespec read;
  clock_gettime(CLOCK_REALTIME, &read);
  if (now) *now = read.tv_sec;
  return read.tv_sec;
}
"""
_BUILD = "gcc -shared -fPIC -O1 -nostartfiles -o /opt/time-of-day.so /opt/time-of-day.c"


@contextmanager
def adjustable(host: ThrowawayHost) -> Iterator[None]:
    """Have each program that begins while the block lasts go by `set_forward`. The host must have gcc."""
    host.put(_SOURCE, "/opt/time-of-day.c")
    host.put("0\n", "/etc/time-of-day")
    host.ssh(f"{_BUILD} && echo /opt/time-of-day.so >/etc/ld.so.preload")
    try:
        yield
    finally:
        (host.tree / "etc/ld.so.preload").unlink()


def set_forward(host: ThrowawayHost, seconds: int) -> None:
    """Set the time of day so many seconds ahead of the right one; fewer than none set it back."""
    (host.tree / "etc/time-of-day.new").write_text(f"{seconds}\n")
    (host.tree / "etc/time-of-day.new").rename(host.tree / "etc/time-of-day")
