"""The front page, one page an article, and the page that says all is well."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.FrontPage.as_view(), name="front-page"),
    path("status/", views.status, name="status"),
    path("<slug:slug>/", views.ArticlePage.as_view(), name="article"),
]
