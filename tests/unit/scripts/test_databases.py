"""Only the kind's own folder of templates and the table of databases name a kind of database."""

import gzip
import re
from dataclasses import replace

import pytest
import scripts
from roadie.scripts import stages
from roadie.scripts.render import TEMPLATES, render
from roadie.settings.databases import DATABASES
from shell import Shell

SHARED = TEMPLATES / "database/words.sh"
EVERY_KIND = pytest.mark.parametrize("kind", DATABASES.values(), ids=DATABASES)
WORD_OF_A_KIND = re.compile(r"^#   (\w+)  +\S", re.M)
FUNCTION = re.compile(r"^([a-z_]\w*)\(\)", re.M)
WORD = re.compile(r"\w+")
VARIABLE = re.compile(r"(?<![^ \n])([a-z_]\w*)=")
# These run inside Django and use its own names for the kinds (the scheme of a URL, a connection's vendor),
# or name the libraries of any Python package.
SPEAK_OF_ALL_KINDS = {
    "frame/places.sh",
    "external/speak.py",
    "virtualenv/failures.sh",
    *(f"in-project/{name}.py" for name in ("overlay", "lint", "locks", "migrations", "phases", "release")),
}


def words_of_a_kind():
    """Return the words that each kind must define, by the list in the shared library."""
    return set(WORD_OF_A_KIND.findall(SHARED.read_text()))


def defined(path):
    """Return the functions and variables that a library defines."""
    text = path.read_text()
    lines = "\n".join(re.findall(r"^[a-z_]\w*=.*", text, re.M))
    return {*FUNCTION.findall(text), *VARIABLE.findall(lines)}


def others(kind):
    """Return the texts, by name, of all templates outside the kind's folder."""
    paths = (path for path in TEMPLATES.rglob("*") if path.is_file())
    texts = {str(path.relative_to(TEMPLATES)): path.read_text() for path in paths}
    return {name: text for name, text in texts.items() if not name.startswith(f"{kind.name}/")}


@EVERY_KIND
def test_a_kind_defines_each_word_that_the_others_speak(kind):
    assert len(words_of_a_kind()) > 10
    assert words_of_a_kind() - defined(TEMPLATES / kind.name / "words.sh") == set()
    assert words_of_a_kind() & defined(SHARED) == set()


@EVERY_KIND
def test_words_that_only_one_kind_has_are_spoken_in_its_folder_alone(kind):
    own = defined(TEMPLATES / kind.name / "words.sh") - words_of_a_kind()
    scripts = {name: text for name, text in others(kind).items() if name.endswith((".sh", ".sh.j2"))}
    # Two kinds may call a word of their own alike, as no script has both.
    also = {name: defined(TEMPLATES / name / "words.sh") for name in DATABASES}
    spoken = {
        (name, word)
        for name, text in scripts.items()
        for word in own & {*WORD.findall(text)} - also.get(name.partition("/")[0], set())
    }
    assert spoken == set()


@EVERY_KIND
def test_no_template_outside_its_folder_knows_a_kind(kind):
    facts = {kind.name, kind.socket, *kind.packages, *kind.services, *kind.drivers} - {""}
    texts = {name: text for name, text in others(kind).items() if name not in SPEAK_OF_ALL_KINDS}
    assert {(name, one) for name, text in texts.items() for one in facts if one in text.lower()} == set()


# ---- A new kind of database, with its own folder and entry

TOY = replace(DATABASES["mysql"], name="toy", packages=("toy-server",), socket="/run/toy", pins=())
TOY_WORDS = r"""
# The words for a toy: a folder, in which each file is a table. The frame sets database_socket.
no_answer="nobody reads ${database_socket}" database_errors='^toy: ' database_log='' loads_whole=

has_database_server() { [[ -d ${database_socket} ]]; }
server_version() { echo Toy 1; }
cannot_dump() { :; }
database_kb() { du -sk -- "${database_socket}" | cut -f 1; }
count_tables() { find "${database_socket}" -type f | wc -l; }
applied_now() { cat -- "${database_socket}/django_migrations"; }
empty_database() { rm -f -- "${database_socket}"/*; }
database_remains() { [[ ! -e ${database_socket} ]] || printf 'database %s' "${app}"; }
database_waits() { :; }
drop_database() { rm -r -- "${database_socket}"; }

say_database() {
  local table
  for table in "${database_socket}"/*; do printf 'TABLE %s %s\n' "${table##*/}" "$(<"${table}")"; done
  printf 'END\n'
}

vet_dump() { cat >/dev/null; }
tables_in_dump() { awk '/^TABLE/ { n++ } { last = $0 } END { if (last == "END") print n + 0 }'; }

load_dump() {
  local table row
  while read -r _ table row; do
    [[ ${row} != broken ]] || { echo 'toy: cannot take that row' && return 1; }
    [[ -z ${table} ]] || printf '%s\n' "${row}" >"${database_socket}/${table}"
  done
}
"""


class Toy:
    """A site in a test's folder, whose database is a toy."""

    def __init__(self, folder):
        self.tables, self.dump = folder / "database", folder / "dumps/1.sql.gz"
        self.tables.mkdir()
        self.own = folder / "own"
        (self.own / "toy").mkdir(parents=True)
        (self.own / "toy/words.sh").write_text(TOY_WORDS)
        self.shell = Shell(folder, "database/words.sh", self.own / "toy/words.sh")
        self.shell.stub("chown", "")

    def fill(self, **rows):
        for name, row in rows.items():
            (self.tables / name).write_text(f"{row}\n")

    def run(self, body):
        return self.shell.run(f'dump="{self.dump}"\n{body}')

    def holds(self):
        return {path.name: path.read_text().strip() for path in self.tables.iterdir()}


@pytest.fixture
def toy(tmp_path):
    return Toy(tmp_path)


DUMP = 'change dump dump_database "${dump}"'
RESTORE = 'change database restore_dump "${dump}"'


def test_a_script_has_the_words_of_the_sites_kind_and_of_no_other(toy):
    assert defined(toy.own / "toy/words.sh") == words_of_a_kind()
    values = {**scripts.values(), "run": scripts.RUN, "database": TOY, "default_database": TOY.name}
    for sequence in (stages.MIGRATE, stages.RESTORE, stages.PURGE, stages.HISTORY):
        script = render("frame/stage.sh.j2", toy.own, {**values, "stages": sequence})
        assert "The words for a toy" in script and "mysql" not in script.lower()
    assert "toy-server" in render("packages/packages.sh.j2", toy.own, values)


def test_a_database_of_another_kind_is_dumped_brought_back_and_dropped(toy):
    toy.fill(django_migrations="shop.0001_initial", shop_order="ten")
    before = toy.holds()
    assert toy.run(DUMP) == [("changed", "dump")]
    assert toy.dump.with_name("1.applied").read_text() == "shop.0001_initial\n"
    toy.fill(django_migrations="shop.0002_more", shop_order="none", shop_extra="")
    assert toy.run(RESTORE) == [("changed", "database")]
    assert toy.holds() == before
    toy.shell.path("state/sites").mkdir()
    drop = render(stages.drop.template, None, scripts.values())
    drop = f"database_claim='database toy'\nclaim 'database toy'\n{drop}"
    assert toy.run(drop) == [("changed", "no database guestbook")]
    assert not toy.tables.exists()
    assert toy.run(drop) == [("warn", "database guestbook")]


def test_a_dump_that_is_not_whole_leaves_a_database_of_another_kind_as_it_is(toy):
    toy.fill(shop_order="ten")
    toy.dump.parent.mkdir()
    toy.dump.write_bytes(gzip.compress(b"TABLE shop_order one\n"))
    assert toy.run(RESTORE) == [("failed", f"dump {toy.dump}")]
    assert toy.holds() == {"shop_order": "ten"}


def test_a_restore_that_breaks_off_is_told_in_the_words_of_the_kind_and_known_later(toy):
    toy.fill(shop_order="broken")
    toy.run(DUMP)
    assert toy.run(RESTORE)[-1] == ("failed", "database guestbook")
    assert (toy.shell.code, "(toy: cannot take that row)" in toy.shell.detail) == (7, True)
    assert toy.run("require_whole_database") == [("failed", "database guestbook")]
