"""What Gunicorn serves: the application of guestbook.wsgi, unless its settings are unsafe."""

import roadie_front
import roadie_guard

roadie_guard.keep_settings()
from guestbook.wsgi import application

roadie_guard.refuse_unsafe()
application = roadie_front.wsgi(application)
