"""Values of fabric.yaml for the modules beside this one."""

SETTINGS_MODULE = 'roadie_settings'
PROJECT_SETTINGS = 'guestbook.settings'
SERVED_MODULE = 'guestbook.wsgi'
APP = 'guestbook'
DOMAIN = ['guestbook.example.org']
HTTPS = False
DATABASE = 'mysql'
IS_PROVISIONED = True
DATABASE_NAME = 'guestbook'
HEALTH = []
STATIC_URL = '/static/'
MEDIA_URL = '/media/'
COLLECTSTATIC = True
# Whether the text of the settings tells what is in them.
IS_READ = True
# The cookies that browsers do not send by http, as far as roadie has told them from the text of the settings.
COOKIES_TOLD = []
HAS_PROXIES = False
START_SECONDS = 60
ENV_NAMES = {'secret_key': ('SECRET_KEY', 'DJANGO_SECRET_KEY'), 'database_url': ('DATABASE_URL',), 'allowed_hosts': ('ALLOWED_HOSTS', 'DJANGO_ALLOWED_HOSTS'), 'csrf_trusted_origins': ('CSRF_TRUSTED_ORIGINS', 'DJANGO_CSRF_TRUSTED_ORIGINS'), 'debug': ('DEBUG', 'DJANGO_DEBUG'), 'static_root': (), 'media_root': (), 'db_name': (), 'db_user': (), 'db_password': (), 'db_socket': (), 'redis_url': ('REDIS_URL',), 'celery_broker_url': ('CELERY_BROKER_URL',), 'cache_url': ('CACHE_URL',)}
MANAGE_COMMANDS = {'alerts': 'sendalerts', 'sessions': 'clearsessions', 'data': 'loaddata'}
CELERY_APP = 'shop.celery'
CELERY_WORKERS = ['celery']
FILES = []
SHARED = '/srv/guestbook/shared/project'
