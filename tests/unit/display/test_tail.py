"""Of a program's last words, those that matter."""

from __future__ import annotations

from roadie.display.tail import what_matters

TRACEBACK = """\
--- /var/log/shop/web-blue.log, since the start
[INFO] Booting worker
Internal Server Error: /
Traceback (most recent call last):
  File "/srv/shop/venvs/ab/lib/python3.13/site-packages/django/core/handlers/exception.py", line 55, in inner
    response = get_response(request)
  File "/srv/shop/releases/20261129T092427Z-b628d5a6/code/shop/urls.py", line 6, in <lambda>
    path("", lambda r: HttpResponse(1 / 0)),
                                    ~~^~~
ZeroDivisionError: division by zero
---"""


def test_of_a_traceback_the_projects_own_lines_and_the_error_matter() -> None:
    assert what_matters(TRACEBACK.splitlines()) == [
        'shop/urls.py:6   path("", lambda r: HttpResponse(1 / 0)),',
        "ZeroDivisionError: division by zero",
    ]


def test_without_a_traceback_the_last_lines_matter() -> None:
    lines = [f"line {number}" for number in range(40)]
    assert what_matters(lines) == lines[-8:]
    assert what_matters([]) == []
