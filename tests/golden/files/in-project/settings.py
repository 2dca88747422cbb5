"""The settings of this release: guestbook.settings, made ready for production.

roadie writes this file at each deploy. It leaves out the settings that the project itself makes ready.
The settings under django: in fabric.yaml come last.
"""

from guestbook.settings import *

import os

import roadie_overlay as overlay

DEBUG = False
SECRET_KEY = os.environ["ROADIE_SECRET_KEY"]
ALLOWED_HOSTS = ['guestbook.example.org']
CSRF_TRUSTED_ORIGINS = [
    'https://guestbook.example.org',
    'http://guestbook.example.org',
]
# nginx sets this header to the scheme that the visitor used, whatever the visitor sent.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

DATABASES["default"] = overlay.database(os.environ["ROADIE_DATABASE_URL"])

STATIC_ROOT = os.environ["ROADIE_STATIC_ROOT"]
MEDIA_ROOT = overlay.lasting(MEDIA_ROOT, os.environ["ROADIE_MEDIA_ROOT"])

LOGGING = overlay.to_stderr({})
