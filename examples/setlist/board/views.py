"""The board with the votes of its guests, and the page that says whether all of it works."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from .models import Song


def board(request):
    """Show the songs, those that most guests want first. Take one vote of each guest for a song."""
    chosen = request.session.get("chosen", [])
    if request.method == "POST":
        song = get_object_or_404(Song, title=request.POST.get("song"))
        if song.title not in chosen:
            song.vote()
            request.session["chosen"] = [*chosen, song.title]
        return redirect("board")
    return render(request, "board/board.html", {"songs": Song.objects.all(), "chosen": chosen})


def healthz(request):
    """Answer 200 if the database has our table."""
    Song.objects.exists()
    return HttpResponse("ok\n", content_type="text/plain")
