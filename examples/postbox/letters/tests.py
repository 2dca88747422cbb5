"""What a visitor may count on."""

from django.test import TestCase
from postbox.celery import app

from .models import Count, Letter
from .tasks import count


class Postbox(TestCase):
    def setUp(self):
        app.conf.task_always_eager = True

    def test_an_empty_box_says_so(self):
        self.assertContains(self.client.get("/"), "The box is empty")

    def test_a_letter_is_delivered_once(self):
        self.assertRedirects(self.client.post("/", {"text": "Dear Ada"}), "/")
        self.assertEqual(Letter.objects.get().deliveries, 1)
        self.assertContains(self.client.get("/"), "Dear Ada (delivered)")

    def test_the_postman_counts(self):
        Letter.objects.create(text="Dear Ada")
        count.delay()
        self.assertEqual(Count.objects.get().letters, 1)
        self.assertContains(self.client.get("/"), "The postman counted 1.")

    def test_the_box_is_well(self):
        self.assertEqual(self.client.get("/healthz").status_code, 200)
