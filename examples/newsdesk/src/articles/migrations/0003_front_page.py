"""Every article that has no section yet goes to the front page."""

from django.db import migrations


def to_the_front_page(apps, schema_editor):
    front, _ = apps.get_model("articles", "Section").objects.get_or_create(name="Front page")
    apps.get_model("articles", "Article").objects.filter(section=None).update(section=front)


class Migration(migrations.Migration):
    dependencies = [("articles", "0002_section")]

    operations = [migrations.RunPython(to_the_front_page, migrations.RunPython.noop)]
