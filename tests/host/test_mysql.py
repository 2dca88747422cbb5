"""What MySQL gets wrong without a word: emoji, time zones, collations. Django 5.1 meets all of them."""

from __future__ import annotations

import json

import pytest
from desk import Desk, browse
from projects import commit, settings, startproject

REQUIREMENTS = "Django==5.1.15\ndj-database-url==3.0.1\nmysqlclient==2.3.1\n"
MORE = """
import dj_database_url
DATABASES = {'default': dj_database_url.config()}
INSTALLED_APPS += ['mysite']
TIME_ZONE = 'Europe/Berlin'
"""
MODELS = """
from django.db import models


class Event(models.Model):
    title = models.CharField(max_length=50)
    at = models.DateTimeField()
"""
URLS = """
import json
from datetime import date, datetime, timezone

from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Concat, TruncDay
from django.http import HttpResponse
from django.urls import path

from mysite.models import Event


def page(request):
    Event.objects.all().delete()
    Event.objects.create(title="\U0001f600", at=datetime(2024, 5, 6, 23, 30, tzinfo=timezone.utc))
    events = Event.objects.annotate(key=Cast("id", CharField()), day=TruncDay("at"))
    found = {
        "emoji": [each.title for each in events],
        "that day": events.filter(at__date=date(2024, 5, 7)).count(),
        "days": [str(each.day.date()) for each in events],
        "same": events.exclude(title=F("key")).count(),
    }
    return HttpResponse(json.dumps(found))


urlpatterns = [path("", page)]
"""
RIGHT = {"emoji": ["\U0001f600"], "that day": 1, "days": ["2024-05-07"], "same": 1}


@pytest.mark.parametrize("suite", ["bookworm"])
def test_emoji_days_and_comparisons_are_right_for_an_older_django(packaged, tmp_path):
    host = packaged.host
    desk = Desk(startproject(tmp_path / "mysite", requirements=REQUIREMENTS), host)
    package = desk.project / "mysite"
    (package / "settings.py").write_text((package / "settings.py").read_text() + MORE)
    (package / "models.py").write_text(MODELS)
    (package / "urls.py").write_text(URLS)
    (package / "migrations").mkdir()
    (package / "migrations/__init__.py").touch()
    (package / "migrations/0001_initial.py").write_text(MIGRATION)
    settings(desk.project, domain="mysite.example.org")
    commit(desk.project)
    desk.does("bootstrap")
    # A name under env_names that is newer than the last bootstrap needs no second one.
    names = {"db_password": ["DB_PASS", "MYSQL_PASSWORD"], "database_url": ["DATABASE_URL", "MY_URL"]}
    settings(desk.project, domain="mysite.example.org", env_names=names)
    commit(desk.project)
    told = desk.does("deploy").text
    assert "emoji" not in told and "time zones" not in told
    assert json.loads(browse(host, "/", "mysite.example.org").body) == RIGHT
    assert host.ssh("grep -cE '^(DB_PASS|MYSQL_PASSWORD|MY_URL)=' /srv/mysite/shared/secrets").stdout == "3\n"
    assert "0 changed" in desk.does("bootstrap").out
    (package / "settings.py").write_text(
        (package / "settings.py").read_text() + "DATABASES['default']['OPTIONS']['charset'] = 'utf8mb3'\n"
    )
    commit(desk.project)
    host.ssh("mariadb -e 'DELETE FROM mysql.time_zone_name' && systemctl restart mariadb")
    told = desk.fab("deploy").text  # the gate refuses it, as this page has an emoji
    assert "the connection speaks utf8mb3" in told and "knows no time zones" in told


MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("title", models.CharField(max_length=50)),
                ("at", models.DateTimeField()),
            ],
        )
    ]
"""
