"""Settings for a developer's machine and for the tests."""

import os

os.environ.setdefault("DJANGO_DEBUG", "1")
os.environ.setdefault("DJANGO_SECRET_KEY", "only-for-work-on-this-machine")

from .base import *
