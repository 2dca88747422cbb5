"""The list of songs, one song, and the page that says whether all of it works."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from .models import Song


def index(request):
    """Show all songs, or those that have the words that a visitor searches."""
    words = request.GET.get("q", "")
    songs = Song.search(words) if words else Song.objects.all()
    return render(request, "songs/index.html", {"songs": list(songs), "words": words})


def song(request, pk):
    """Show a song with its chords."""
    return render(request, "songs/song.html", {"song": get_object_or_404(Song, pk=pk)})


def healthz(request):
    """Answer 200 if the database has our index."""
    list(Song.search("health"))
    return HttpResponse("ok\n", content_type="text/plain")
