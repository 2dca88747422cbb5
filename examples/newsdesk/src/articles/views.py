"""What readers see: published articles only."""

from django.http import JsonResponse
from django.views.generic import DetailView, ListView

from .models import Article

PUBLISHED = Article.objects.filter(is_published=True).select_related("section")


class FrontPage(ListView):
    """The newest articles."""

    queryset = PUBLISHED
    paginate_by = 30


class ArticlePage(DetailView):
    """One article."""

    queryset = PUBLISHED


def status(request):
    """Answer with the number of articles to read."""
    return JsonResponse({"published": PUBLISHED.count()})
