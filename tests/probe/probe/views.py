"""Every answer says which release each of its parts comes from: code, folder, environment and so on."""

import asyncio
import hashlib
import os
import re
import sys
import time
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import JsonResponse, StreamingHttpResponse

from . import release
from .models import Entry

RELEASE = re.compile(r"/releases/([^/]+)")


def page(request):
    return answer(request)


def health(request):
    Entry.objects.exists()
    return answer(request)


def slow(request, seconds):
    time.sleep(seconds)
    return answer(request)


def entries(request):
    made = Entry.objects.create(number=request.GET["number"])
    return answer(request, stored=Entry.objects.get(pk=made.pk).number)


def uploads(request):
    return answer(request, sha1=hashlib.sha1(request.body).hexdigest())


def events(request):
    """An event stream that never ends."""
    return StreamingHttpResponse(ticks(), content_type="text/event-stream")


async def ticks():
    while True:
        yield f"data: {release.CODE}\n\n"
        await asyncio.sleep(0.5)


def answer(request, **more):
    here, environment = Path(__file__), os.environ
    places = {
        "code": here,
        "folder": Path.cwd(),
        "environment": environment["ROADIE_WORK_DIR"],
        "settings": environment["PYTHONPATH"],
        "static": settings.STATIC_ROOT,
    }
    releases = {name: RELEASE.search(str(path))[1] for name, path in places.items()}
    return JsonResponse(
        {
            "number": request.GET.get("number"),
            "address": request.META["REMOTE_ADDR"],
            "releases": releases,
            "virtualenvs": [sys.prefix, environment["VIRTUAL_ENV"], str(_virtualenv(releases["code"]))],
            "code": release.CODE,
            "six": version("six"),
            "word": environment["WORD"],
            "style": staticfiles_storage.stored_name("probe/style.css"),
            **more,
        }
    )


def _virtualenv(name):
    return Path("/srv/guestbook/releases", name, "venv").resolve()
