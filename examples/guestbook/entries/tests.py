"""What a visitor and a moderator may count on."""

from tempfile import TemporaryDirectory

from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import TestCase, override_settings

from .forms import LARGEST_PHOTO
from .models import Entry
from .views import PER_PAGE


def photo(name="cat.png", content=b"not really a picture"):
    return SimpleUploadedFile(name, content)


class Guestbook(TestCase):
    def setUp(self):
        media = TemporaryDirectory()
        self.addCleanup(media.cleanup)
        self.enterContext(override_settings(MEDIA_ROOT=media.name))

    def sign(self, **more):
        return self.client.post("/", {"name": "Ada", "message": "Lovely!", **more})

    def test_an_empty_guestbook_says_so(self):
        self.assertContains(self.client.get("/"), "Nobody has signed yet")

    def test_who_signs_is_seen(self):
        self.assertRedirects(self.sign(), "/")
        self.assertContains(self.client.get("/"), "Lovely!")

    def test_a_message_is_no_markup(self):
        self.sign(message="<script>alert(1)</script>")
        self.assertNotContains(self.client.get("/"), "<script>")

    def test_a_message_may_hold_any_character(self):
        self.sign(message="Grüße aus Köln 🎸")
        self.assertContains(self.client.get("/"), "Grüße aus Köln 🎸")

    def test_a_form_without_a_message_is_refused(self):
        self.assertContains(self.sign(message=""), "This field is required")
        self.assertFalse(Entry.objects.exists())

    def test_a_photo_is_shown(self):
        self.sign(photo=photo())
        url = Entry.objects.get().photo.url
        self.assertTrue(url.startswith("/media/photos/"))
        self.assertContains(self.client.get("/"), url)

    def test_a_page_is_no_photo(self):
        self.assertContains(self.sign(photo=photo("page.html")), "not allowed")

    def test_a_photo_may_not_be_too_large(self):
        large = photo(content=b"x" * (LARGEST_PHOTO + 1))
        self.assertContains(self.sign(photo=large), "at most 10 MB")

    def test_old_entries_are_on_later_pages(self):
        for number in range(PER_PAGE + 1):
            Entry.objects.create(name=f"Visitor {number}.", message="Hello")
        self.assertNotContains(self.client.get("/"), "Visitor 0.")
        self.assertContains(self.client.get("/?page=2"), "Visitor 0.")

    def test_the_health_page_answers(self):
        self.assertContains(self.client.get("/healthz"), "ok")

    def test_the_style_sheet_is_found(self):
        self.assertIsNotNone(finders.find("entries/style.css"))

    def test_a_moderator_can_take_an_entry_out(self):
        entry = Entry.objects.create(name="Spam", message="Buy!")
        self.client.force_login(User.objects.create_superuser("moderator"))
        self.assertContains(self.client.get("/admin/entries/entry/"), "Spam")
        self.client.post(f"/admin/entries/entry/{entry.pk}/delete/", {"post": "yes"})
        self.assertFalse(Entry.objects.exists())
