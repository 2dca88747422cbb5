"""The application that a server for WSGI calls."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "songbook.settings")
application = get_wsgi_application()
