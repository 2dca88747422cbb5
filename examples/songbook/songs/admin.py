"""Whoever keeps the songbook adds songs and corrects them."""

from django.contrib import admin

from .models import Song


@admin.register(Song)
class Songs(admin.ModelAdmin):
    list_display = ["title", "origin"]
    search_fields = ["title", "text"]
