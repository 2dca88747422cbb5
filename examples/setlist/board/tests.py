"""What a guest of the concert may count on."""

import json

from asgiref.testing import ApplicationCommunicator
from django.contrib.staticfiles import finders
from django.test import TestCase, TransactionTestCase

from .consumers import Votes
from .models import Song


class Board(TestCase):
    def test_the_band_knows_some_songs(self):
        self.assertContains(self.client.get("/"), "Whiskey in the Jar")

    def test_a_vote_counts_once_for_each_guest(self):
        song = Song.objects.get(title="John Henry")
        for _ in range(2):
            self.assertRedirects(self.client.post("/", {"song": song.title}), "/")
        song.refresh_from_db()
        self.assertEqual(song.votes, 1)
        self.client_class().post("/", {"song": song.title})
        self.assertEqual(Song.objects.first(), song)

    def test_a_song_that_nobody_knows_gets_no_vote(self):
        self.assertEqual(self.client.post("/", {"song": "Free Bird"}).status_code, 404)

    def test_the_health_page_answers(self):
        self.assertContains(self.client.get("/healthz"), "ok")

    def test_the_script_is_found(self):
        self.assertIsNotNone(finders.find("board/board.js"))


class Socket(TransactionTestCase):
    async def test_a_guest_hears_all_votes_first(self):
        song = await Song.objects.acreate(title="Oh! Susanna", votes=7)
        guest = ApplicationCommunicator(Votes.as_asgi(), {"type": "websocket", "path": "/votes"})
        await guest.send_input({"type": "websocket.connect"})
        self.assertEqual((await guest.receive_output())["type"], "websocket.accept")
        votes = json.loads((await guest.receive_output())["text"])
        self.assertEqual(votes[str(song.pk)], 7)
        await guest.send_input({"type": "websocket.disconnect", "code": 1000})
        await guest.wait()
