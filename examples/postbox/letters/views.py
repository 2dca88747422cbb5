"""The postbox's one page, and the page that says whether it works."""

from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import redirect, render

from .models import Letter
from .tasks import deliver

SHOWN = 20


def index(request):
    """Show the newest letters and the form; take a letter, and have it delivered."""
    if request.method == "POST":
        letter = Letter.objects.create(text=request.POST.get("text", "")[:2000])
        deliver.delay(letter.pk)
        return redirect("index")
    shown = {"letters": Letter.objects.all()[:SHOWN], "counted": cache.get("letters")}
    return render(request, "letters/index.html", shown)


def healthz(request):
    """Answer 200 if the database and the cache answer."""
    Letter.objects.exists()
    cache.get("letters")
    return HttpResponse("ok\n", content_type="text/plain")
