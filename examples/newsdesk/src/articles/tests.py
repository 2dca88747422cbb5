"""What readers and editors may count on."""

from datetime import timedelta
from io import StringIO

from django.core.management import call_command
from django.test import TestCase
from django.utils import timezone

from .models import Article, Section


def article(slug, **more):
    return Article.objects.create(slug=slug, headline=f"News of {slug}", body="...", **more)


class Newsdesk(TestCase):
    def test_an_empty_front_page_says_so(self):
        self.assertContains(self.client.get("/"), "No news today")

    def test_readers_see_what_is_published(self):
        article("rain", is_published=True)
        article("snow")
        page = self.client.get("/")
        self.assertContains(page, "News of rain")
        self.assertNotContains(page, "News of snow")

    def test_an_article_has_a_page_once_published(self):
        self.assertContains(self.client.get(article("rain", is_published=True).get_absolute_url()), "rain")
        self.assertEqual(self.client.get(article("snow").get_absolute_url()).status_code, 404)

    def test_what_is_due_is_published(self):
        article("now")
        article("later", due_at=timezone.now() + timedelta(hours=1))
        said = StringIO()
        call_command("publish_due", stdout=said)
        self.assertEqual(said.getvalue(), "published 1\n")
        self.assertEqual(self.client.get("/status/").json(), {"published": 1})

    def test_the_front_page_is_a_section_from_the_start(self):
        self.assertTrue(Section.objects.filter(name="Front page").exists())

    def test_assets_are_served_from_their_own_place(self):
        self.assertContains(self.client.get("/"), "/assets/newsdesk.css")
