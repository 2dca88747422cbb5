"""Pages go to Django, and websockets to the postbox."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "postbox.settings")
pages = get_asgi_application()

from letters.consumers import Deliveries  # noqa: E402 (the models are there only now)

sockets = URLRouter([path("deliveries", Deliveries.as_asgi())])
application = ProtocolTypeRouter({"http": pages, "websocket": AllowedHostsOriginValidator(sockets)})
