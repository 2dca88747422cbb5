"""The editors' desk."""

from django.contrib import admin

from .models import Article, Section

admin.site.register(Section)


@admin.register(Article)
class ArticleAdmin(admin.ModelAdmin):
    """The list that an editor works on."""

    list_display = ["headline", "section", "due_at", "is_published"]
    list_filter = ["section", "is_published"]
    prepopulated_fields = {"slug": ["headline"]}
