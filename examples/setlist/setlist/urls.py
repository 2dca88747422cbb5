"""The pages of the board, the admin, and static files while DEBUG is on."""

from django.contrib import admin
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("board.urls")),
    *staticfiles_urlpatterns(),
]
