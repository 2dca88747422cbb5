"""The settings of this release: guestbook.settings, made ready for production.

roadie writes this file at each deploy. roadie_overlay.py says what becomes of each setting.
The settings under django: in fabric.yaml come last.
"""

from importlib import import_module

import roadie_overlay

# `import *` would take only what `__all__` names, where there is one. Django itself takes every setting.
own = vars(import_module('guestbook.settings'))
globals().update({name: value for name, value in own.items() if not name.startswith("_")})

roadie_overlay.make_ready(
    globals(),
    {
        'DEBUG': 'startproject',
        'SECRET_KEY': 'startproject',
        'ALLOWED_HOSTS': 'startproject',
        'CSRF_TRUSTED_ORIGINS': 'absent',
        'DATABASES': 'startproject',
        'LOGGING': 'absent',
        'STATIC_URL': 'startproject',
        'STATIC_ROOT': 'absent',
        'MEDIA_URL': 'own',
        'MEDIA_ROOT': 'own',
        'SECURE_PROXY_SSL_HEADER': 'absent',
        'SECURE_HSTS_SECONDS': 'absent',
        'SESSION_COOKIE_SECURE': 'absent',
        'CSRF_COOKIE_SECURE': 'absent',
    },
    forced=[],
    domains=['guestbook.example.org'],
    https=False,
    hsts=0,
    urls={"STATIC_URL": '/static/', "MEDIA_URL": '/media/'},
    # From fabric.yaml.
    django={},
)
