from django.db import migrations

# The index has no copy of the text. The triggers tell the index of each change.
MAKE = """
CREATE VIRTUAL TABLE songs_index USING fts5(title, text, content='songs_song', content_rowid='id');
CREATE TRIGGER songs_added AFTER INSERT ON songs_song BEGIN
  INSERT INTO songs_index(rowid, title, text) VALUES (new.id, new.title, new.text);
END;
CREATE TRIGGER songs_removed AFTER DELETE ON songs_song BEGIN
  INSERT INTO songs_index(songs_index, rowid, title, text) VALUES ('delete', old.id, old.title, old.text);
END;
CREATE TRIGGER songs_changed AFTER UPDATE ON songs_song BEGIN
  INSERT INTO songs_index(songs_index, rowid, title, text) VALUES ('delete', old.id, old.title, old.text);
  INSERT INTO songs_index(rowid, title, text) VALUES (new.id, new.title, new.text);
END;
"""
UNDO = """
DROP TRIGGER songs_added;
DROP TRIGGER songs_removed;
DROP TRIGGER songs_changed;
DROP TABLE songs_index;
"""


class Migration(migrations.Migration):
    dependencies = [("songs", "0001_initial")]
    operations = [migrations.RunSQL(MAKE, UNDO)]
