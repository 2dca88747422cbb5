DEBUG = True
SECRET_KEY = "django-insecure-probe"
ALLOWED_HOSTS = []
ROOT_URLCONF = "probe.urls"
WSGI_APPLICATION = "probe.wsgi.application"
ASGI_APPLICATION = "probe.asgi.application"
INSTALLED_APPS = ["django.contrib.staticfiles", "probe"]
# CommonMiddleware sets Content-Length, by which a client knows an incomplete answer.
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = None
STATIC_URL = "static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
