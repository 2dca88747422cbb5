"""The band adds songs, and clears the votes for the next evening."""

from django.contrib import admin

from .models import Song


@admin.register(Song)
class Songs(admin.ModelAdmin):
    list_display = ["title", "origin", "votes"]
    search_fields = ["title", "origin"]
    actions = ["clear"]

    @admin.action(description="Clear the votes")
    def clear(self, request, songs):
        songs.update(votes=0)
