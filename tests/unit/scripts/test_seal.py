"""Root moves into a release what a build made: plain files only, and nowhere else than into the release."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from roadie.scripts.render import TEMPLATES

SEAL = TEMPLATES / "build/seal.py"
FILL = TEMPLATES / "words/fill.py"


def write(folder, **texts):
    for name, text in texts.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def places(tmp_path):
    for name in ("built", "code", "outside"):
        (tmp_path / name).mkdir()
    return tmp_path / "built", tmp_path / "code", tmp_path / "record"


def seal(places, *left_out):
    built, code, record = places
    argv = [sys.executable, "-I", "-S", SEAL, built, code, record, str(os.getgid()), *left_out]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return sorted(record.read_text().split("\0")[:-1])


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


def test_what_is_new_or_other_is_taken_and_the_rest_stays(places):
    built, code, _ = places
    write(code, same="1", changed="1", gone="1", a__b="1")
    write(built, same="1", changed="2", a__b="1", a__c__new="3")
    kept = (code / "same").stat().st_ino
    assert seal(places) == ["a/c/new", "changed"]
    assert files_of(code) == {"same": "1", "changed": "2", "gone": "1", "a/b": "1", "a/c/new": "3"}
    assert (code / "same").stat().st_ino == kept


def test_a_hard_link_of_the_release_before_stays_as_it_is(places):
    built, code, record = places
    write(code, file="1")
    before = record.with_name("before")
    before.hardlink_to(code / "file")
    write(built, file="2")
    seal(places)
    assert (before.read_text(), (code / "file").read_text()) == ("1", "2")


def test_programs_stay_programs_and_nobody_else_may_write_or_read(places):
    built, code, _ = places
    write(built, tool="1", text="1")
    (built / "tool").chmod(0o4777)
    (built / "text").chmod(0o666)
    seal(places)
    modes = {name: (code / name).stat().st_mode & 0o7777 for name in ("tool", "text")}
    assert modes == {"tool": 0o750, "text": 0o640}


def test_no_link_of_the_release_is_written_through(places):
    built, code, record = places
    outside = record.with_name("outside")
    write(outside, file="theirs")
    (code / "folder").symlink_to(outside)
    (code / "file").symlink_to(outside / "file")
    write(built, folder__file="mine", file="mine")
    seal(places)
    assert files_of(outside) == {"file": "theirs"}
    assert files_of(code) == {"folder/file": "mine", "file": "mine"}


def test_a_file_and_a_folder_may_change_places(places):
    built, code, _ = places
    write(code, one="file", two__inner="file")
    write(built, one__inner="new", two="new")
    seal(places)
    assert files_of(code) == {"one/inner": "new", "two": "new"}


def test_bytecode_git_and_rendered_files_are_left_out(places):
    built, code, _ = places
    (built / "__pycache__").mkdir()
    (built / "__pycache__/a.pyc").write_text("")
    (built / ".git").mkdir()
    (built / ".git/config").write_text("")
    write(built, made="1", mysite__local="secret")
    (built / "made.py").write_text("A = 1\n")
    assert seal(places, "mysite/local") == ["made", "made.py"]
    assert [path.name for path in (code / "__pycache__").iterdir()] != ["a.pyc"]


def test_bytecode_is_neither_written_nor_read_through_a_link_of_the_commit(places):
    built, code, record = places
    outside = record.with_name("outside")
    (code / "app").mkdir()
    (code / "app/__pycache__").symlink_to(outside)
    (code / "__pycache__").mkdir()
    old = code / f"__pycache__/made.{sys.implementation.cache_tag}.pyc"
    old.symlink_to("/dev/zero")
    write(built, app__x="1")
    for name in ("made.py", "app/views.py"):
        (built / name).write_text("A = 1\n")
    seal(places)
    assert [*outside.iterdir()] == []
    assert old.is_file() and not old.is_symlink()


def fill(*pairs):
    done = subprocess.run([sys.executable, "-I", "-S", FILL, *pairs], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_only_what_is_lacking_is_copied(tmp_path):
    commit, shared = tmp_path / "commit", tmp_path / "shared"
    write(commit, index__a="1", index__deep__b="1", state="1")
    write(shared, index__a="theirs")
    (commit / "index/link").symlink_to("/etc/hosts")
    (shared / "index/deep").mkdir()
    (shared / "index/deep/b").symlink_to("/nowhere")
    pairs = [
        f"{folder}/{name}" for name in ("index/", "state", "none/", "sub/none") for folder in (commit, shared)
    ]
    assert "1 files" in fill(*pairs)
    assert (shared / "index/a").read_text() == "theirs" and (shared / "state").read_text() == "1"
    assert (shared / "index/deep/b").is_symlink() and not (shared / "index/link").exists()
    assert Path(shared, "none").is_dir() and Path(shared, "sub").is_dir()
    assert fill(*pairs) == ""
