"""What Gunicorn serves: the application of guestbook.wsgi, unless its settings are unsafe."""

import roadie_guard
from guestbook.wsgi import application

roadie_guard.refuse_unsafe()
