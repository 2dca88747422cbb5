"""The front page, one page for each article, and a status page."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.FrontPage.as_view(), name="front-page"),
    path("status/", views.status, name="status"),
    path("<slug:slug>/", views.ArticlePage.as_view(), name="article"),
]
