"""The newsdesk's pages, and the desk of its editors."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("desk/", admin.site.urls),
    path("", include("articles.urls")),
]
