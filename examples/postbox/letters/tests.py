"""What a visitor may count on."""

from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.contrib.staticfiles import finders
from django.test import TestCase, TransactionTestCase
from postbox.celery import app

from .consumers import Deliveries
from .models import Count, Letter
from .tasks import count, deliver


class Postbox(TestCase):
    def setUp(self):
        app.conf.task_always_eager = True

    def test_an_empty_box_says_so(self):
        self.assertContains(self.client.get("/"), "The box is empty")

    def test_a_letter_is_delivered_once(self):
        self.assertRedirects(self.client.post("/", {"text": "Dear Ada"}), "/")
        self.assertEqual(Letter.objects.get().deliveries, 1)
        self.assertContains(self.client.get("/"), "Dear Ada (<i>delivered</i>)")

    def test_the_postman_counts(self):
        Letter.objects.create(text="Dear Ada")
        count.delay()
        self.assertEqual(Count.objects.get().letters, 1)
        self.assertContains(self.client.get("/"), "The postman counted 1.")

    def test_the_box_is_well(self):
        self.assertEqual(self.client.get("/healthz").status_code, 200)

    def test_the_script_is_found(self):
        self.assertIsNotNone(finders.find("letters/letters.js"))


class Socket(TransactionTestCase):
    async def test_a_visitor_hears_of_a_delivery(self):
        letter = await Letter.objects.acreate(text="Dear Ada")
        visitor = ApplicationCommunicator(Deliveries.as_asgi(), {"type": "websocket", "path": "/deliveries"})
        await visitor.send_input({"type": "websocket.connect"})
        self.assertEqual((await visitor.receive_output())["type"], "websocket.accept")
        await sync_to_async(deliver)(letter.pk)
        self.assertEqual((await visitor.receive_output())["text"], str(letter.pk))
        await visitor.send_input({"type": "websocket.disconnect", "code": 1000})
        await visitor.wait()
