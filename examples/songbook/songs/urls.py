"""The songbook's pages."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.index, name="index"),
    path("songs/<int:pk>", views.song, name="song"),
    path("healthz", views.healthz, name="healthz"),
]
