"""What a singer may count on."""

from django.contrib.staticfiles import finders
from django.test import TestCase

from .models import Song


class Songbook(TestCase):
    def found(self, words):
        return [song.title for song in self.client.get("/", {"q": words}).context["songs"]]

    def test_all_songs_are_on_the_first_page(self):
        self.assertContains(self.client.get("/"), "Scarborough Fair")

    def test_a_song_has_its_chords_above_the_words(self):
        page = self.client.get(Song.objects.get(title="Greensleeves").get_absolute_url())
        self.assertContains(page, "<span>A</span><span><b>Am</b>las, my love, you </span>")
        self.assertContains(page, "Am G E")

    def test_words_of_the_text_are_found(self):
        self.assertEqual(self.found("parsley thyme"), ["Scarborough Fair"])
        self.assertEqual(self.found("banj"), ["Oh! Susanna"])

    def test_a_change_is_found_too(self):
        song = Song.objects.get(title="Amazing Grace")
        song.text = song.text.replace("sound", "trumpet")
        song.save()
        self.assertEqual((self.found("trumpet"), self.found("wretched")), (["Amazing Grace"], []))
        song.delete()
        self.assertEqual(self.found("trumpet"), [])

    def test_any_characters_may_be_searched(self):
        for words in ('"', "NEAR(", "a* -b", "ünïcode", "%s"):
            self.assertEqual(self.client.get("/", {"q": words}).status_code, 200, words)

    def test_the_health_page_answers(self):
        self.assertContains(self.client.get("/healthz"), "ok")

    def test_the_style_sheet_is_found(self):
        self.assertIsNotNone(finders.find("songs/style.css"))
