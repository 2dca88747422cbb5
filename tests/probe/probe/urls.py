from django.urls import path

from . import views

urlpatterns = [
    path("", views.page),
    path("health", views.health),
    path("slow/<int:seconds>", views.slow),
    path("entries", views.entries),
    path("uploads", views.uploads),
    path("events", views.events),
]
