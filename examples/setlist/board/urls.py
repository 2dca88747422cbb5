"""The board's pages."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.board, name="board"),
    path("healthz", views.healthz, name="healthz"),
]
