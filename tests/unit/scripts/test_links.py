"""Root follows no link of a project or of a site, and runs nothing that a build made."""

import re

from roadie.scripts.render import TEMPLATES
from shell import Shell


def function(template, name):
    """The text of a function of a stage."""
    text = (TEMPLATES / template).read_text()
    return re.search(rf"^{name}\(\) {{.*?^}}$", text, re.M | re.S)[0]


def folder(path, **texts):
    for name, text in texts.items():
        file = path / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return path


def test_what_is_shared_stays_although_a_build_made_a_file_there(tmp_path):
    shared, before = folder(tmp_path / "shared", x="theirs"), folder(tmp_path / "before", made="1")
    (before / "overlaid").write_text("data/x\0made\0data\0")
    code = folder(tmp_path / "new/code", made="1")
    (code / "data").symlink_to(shared)
    shell = Shell(folder(tmp_path / "shell", a=""))
    shell.run(
        f"new={tmp_path}/new\n{function('code/checkout.sh.j2', 'remove_overlaid')}\nremove_overlaid {before}"
    )
    assert shell.code == 0
    assert [*code.iterdir()] == [] and (shared / "x").read_text() == "theirs"


def link_built(tmp_path):
    """The files of the new release, which takes over what the release before had built."""
    live, new = tmp_path / "live/release", tmp_path / "new"
    made = "".join(f"{path.relative_to(live / 'code')}\0" for path in sorted((live / "code").rglob("*.made")))
    (live / "built.made").write_text(made)
    words = [function("build/build.sh.j2", name) for name in ("move_built", "lies_in_shared", "link_built")]
    shell = Shell(folder(tmp_path / "shell", a=""))
    shell.run(
        f"root={tmp_path} release_dir={new} sum=1 in_group=(env) places=() shared_places=(data/) app=root\n"
        f"seal_py=$(<{TEMPLATES}/build/seal.py)\n" + "\n".join(words) + "\nlink_built"
    )
    assert shell.code == 0, shell.log().read_text()
    return {
        path.relative_to(new / "code").as_posix(): path.read_text()
        for path in (new / "code").rglob("*")
        if path.is_file()
    }


def test_built_files_are_taken_over_and_not_through_a_link_of_the_commit(tmp_path):
    outside = folder(tmp_path / "outside", **{"passwd.made": "the host's"})
    folder(tmp_path / "live/release/code", **{"dist__passwd.made": "evil", "a__b.made": "1"})
    folder(tmp_path / "new/code", a__c="2")
    (tmp_path / "new/code/dist").symlink_to(outside)
    assert link_built(tmp_path) == {"dist/passwd.made": "evil", "a/b.made": "1", "a/c": "2"}
    assert (outside / "passwd.made").read_text() == "the host's"
    assert (tmp_path / "new/built").exists()


def test_no_later_release_takes_over_what_was_built_in_a_shared_folder(tmp_path):
    folder(tmp_path / "live/release/code", **{"data__b.made": "1"})
    folder(tmp_path / "new/code", a="")
    assert link_built(tmp_path)["data/b.made"] == "1"
    assert not (tmp_path / "new/built").exists()


def test_nothing_is_written_to_the_desk_through_a_link(tmp_path):
    outside = folder(tmp_path / "outside", file="theirs")
    desk = folder(tmp_path / "desk", inner__a="1")
    (desk / "out").symlink_to(outside)
    (desk / "in").symlink_to("inner")
    (desk / "file").symlink_to(outside / "file")
    shell = Shell(folder(tmp_path / "shell", a=""), "virtualenv/words.sh")
    write = f'desk={desk}\nfor one in $PLACES; do clear_on_desk "{desk}/$one"; echo mine >"{desk}/$one"; done'
    shell.run(f"PLACES='file in/b new/c'\n{write}")
    assert shell.code == 0
    assert (desk / "file").read_text() == (desk / "inner/b").read_text() == (desk / "new/c").read_text()
    shell.run(f"PLACES=out/file\n{write}")
    assert shell.code == 6
    assert (outside / "file").read_text() == "theirs"


def test_only_the_build_user_and_the_site_run_the_python_of_a_virtualenv():
    texts = {path: path.read_text() for path in TEMPLATES.rglob("*.sh*")}
    named = {
        str(path.relative_to(TEMPLATES)) for path, text in texts.items() if "venv_dir}/bin/python" in text
    }
    assert named == {"virtualenv/words.sh", "virtualenv/forms.sh"}
