"""Entries in the admin, where moderators read, search and delete them."""

from django.contrib import admin

from .models import Entry


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    """The list that a moderator sees."""

    list_display = ["name", "signed_at", "photo"]
    search_fields = ["name", "message"]
    date_hierarchy = "signed_at"
