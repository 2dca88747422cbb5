from django.db import migrations

SONGS = {
    ("Amazing Grace", "John Newton, 1779"): """\
A[G]mazing grace, how [C]sweet the [G]sound
That saved a wretch like [D]me
I [G]once was lost, but [C]now am [G]found
Was [Em]blind, but [D]now I [G]see""",
    ("Greensleeves", "England, about 1580"): """\
A[Am]las, my love, you [G]do me wrong
To [Am]cast me off dis[E]courteously
For [Am]I have loved you [G]well and long
De[Am]lighting [E]in your [Am]company""",
    ("House of the Rising Sun", "New Orleans, nobody knows when"): """\
There [Am]is a [C]house in [D]New Or[F]leans
They [Am]call the [C]Rising [E7]Sun
And it's [Am]been the [C]ruin of [D]many a poor [F]girl
And [Am]me, oh [E7]Lord, for [Am]one""",
    ("Oh! Susanna", "Stephen Foster, 1848"): """\
I [G]come from Alabama with my banjo on my [D]knee
I'm [G]going to Louisiana, my true love [D]for to [G]see
[C]Oh! Susanna, [G]oh don't you cry for [D]me
I [G]come from Alabama with my banjo [D]on my [G]knee""",
    ("Scarborough Fair", "Yorkshire, from an older Scottish ballad"): """\
[Am]Are you going to [G]Scarborough [Am]Fair?
[C]Parsley, [Am]sage, rose[D]mary and [Am]thyme
Remember [C]me to one who lives [G]there
[Am]She once [G]was a true love of [Am]mine""",
    ("When the Saints Go Marching In", "A hymn of the American South"): """\
Oh when the [G]saints go marching in
Oh when the saints go marching [D]in
Oh Lord, I [G]want to be in that [C]number
When the [G]saints go [D]marching [G]in""",
}


def add(apps, schema_editor):
    song = apps.get_model("songs", "Song")
    for (title, origin), text in SONGS.items():
        song.objects.create(title=title, origin=origin, text=text)


class Migration(migrations.Migration):
    dependencies = [("songs", "0002_index")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
