from django.db import migrations

SONGS = {
    "Frankie and Johnny": "A quarrel in St. Louis, 1899",
    "Greensleeves": "England, about 1580",
    "House of the Rising Sun": "New Orleans, nobody knows when",
    "John Henry": "A tunnel in West Virginia, about 1870",
    "Scarborough Fair": "Yorkshire, from an older Scottish ballad",
    "St. James Infirmary": "New Orleans, from an English ballad",
    "Whiskey in the Jar": "Ireland, about 1650",
    "When the Saints Go Marching In": "A hymn of the American South",
}


def add(apps, schema_editor):
    song = apps.get_model("board", "Song")
    song.objects.bulk_create(song(title=title, origin=origin) for title, origin in SONGS.items())


class Migration(migrations.Migration):
    dependencies = [("board", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
