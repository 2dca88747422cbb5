"""The guestbook's one page, and the page that says whether it works."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render

from .forms import EntryForm
from .models import Entry

PER_PAGE = 20


def index(request):
    """Show the entries and the form; take a signed form."""
    form = EntryForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("index")
    page = Paginator(Entry.objects.all(), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "entries/index.html", {"form": form, "page": page})


def healthz(request):
    """Answer 200 if the database has our table."""
    Entry.objects.exists()
    return HttpResponse("ok\n", content_type="text/plain")
