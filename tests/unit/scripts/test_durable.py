"""What must not be lost in a power cut is on disk before the next step begins."""

import re

import pytest
from roadie.scripts.render import TEMPLATES
from shell import OWNER, Shell

# Why a rename or a link in these files needs none of the words of frame/lib.sh that bring it to the disk.
THE_SWITCH_SYNCS = "nobody believes it before the switch, which first brings all of the site to the disk"
REASONS = {
    "code/checkout.sh.j2": THE_SWITCH_SYNCS,
    "release/environment.sh.j2": THE_SWITCH_SYNCS,
    "release/static.sh.j2": THE_SWITCH_SYNCS,
    "release/words.sh": THE_SWITCH_SYNCS,
    "web/words.sh": f"the slot: {THE_SWITCH_SYNCS}; the program file: reconcile makes it again at each boot",
    "on-host/certificate": "it syncs what it renames",
    "on-host/reconcile": "it runs at each boot",
    "early-start/words.sh": "a question to a process, which ends with the boot",
    "code/receive.sh.j2": "it syncs what it renames; without the rename, the next run makes the store again",
    "code/shared.sh.j2": THE_SWITCH_SYNCS,
    "code/words.sh": "the next run makes the store again",
    "release/prune.sh.j2": "it syncs by itself",
    "lock/lock.sh.j2": "the word that follows syncs the folder",
    "virtualenv/virtualenv.sh.j2": "a virtualenv without its mark, which is synced, is built again",
    "virtualenv/pythons.sh": "it syncs what it renames; without the rename, the next run fetches it again",
    "virtualenv/words.sh": "it syncs what it renames; without the rename, the next run fetches uv again",
}
CHANGE = re.compile(r"^(?!\s*#).*(?:^|[\s;&{(])(?:mv|ln) -", re.MULTILINE)


@pytest.fixture
def shell(tmp_path):
    """A shell whose `sync` notes each path, and what the file x holds by then."""
    made = Shell(tmp_path)
    made.stub("sync", 'printf "%s\\n" "${@: -2}" | sed "s|$|: $(cat "${P}/x")|" >>"${P}/synced"')
    return made


def test_an_edit_by_hand_is_on_disk_before_the_file_is_replaced(shell):
    shell.path("x").write_text("mine\n")
    shell.run(f'ensure_file "${{P}}/x" 640 {OWNER} text')
    synced = shell.path("synced").read_text().splitlines()
    [kept] = shell.path("backups").rglob("x.*")
    assert synced[:2] == [f"{kept}: mine", f"{kept.parent}: mine"]


def test_a_reload_is_due_on_disk_before_the_files_are_changed(shell):
    shell.path("x").touch()
    shell.run("ensure_applied 'reload of it' true")
    shell.path("synced").unlink(missing_ok=True)
    shell.run("unapply 'reload of it'")
    assert shell.path("synced").read_text().splitlines()[-1] == f"{shell.path('state/applied')}: "


def test_each_other_rename_and_link_may_be_lost_for_a_reason():
    found = set()
    for path in TEMPLATES.rglob("*"):
        name = path.relative_to(TEMPLATES).as_posix()
        if path.is_file() and not name.startswith("in-project/") and name != "frame/lib.sh":
            found |= {name} if CHANGE.search(path.read_text()) else set()
    assert found == set(REASONS)
