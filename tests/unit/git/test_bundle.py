"""Which commit ships, and that a host gets only those bytes of the commit that it lacks."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from roadie.errors import Interrupted, UsageError
from roadie.git import bundle
from roadie.git.bundle import NoCommit, find_commit, pack, tree_of
from roadie.scripts.render import TEMPLATES

STRANGE = [
    "feat/ü x'y;$(id)",
    "-x",
    "--upload-pack=id",
    "it's",
    "a b",
    "`id`",
    "$HOME",
    "%(objectname)",
    "né",
]


@pytest.fixture(autouse=True)
def no_settings_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Ann\n\temail = ann@example.org\n")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "manage.py").write_text("print('one')\n")
    commit(folder, "Start")
    return folder


def git(folder: Path, *args: str, data: bytes = b"") -> str:
    argv = ["git", "-C", str(folder), *args]
    return subprocess.run(argv, input=data, capture_output=True, check=True).stdout.decode().strip()


def commit(folder: Path, message: str = "Change") -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def tree(folder: Path, ref: str = "HEAD") -> str:
    return git(folder, "rev-parse", f"{ref}^{{tree}}")


def refused(error: type[UsageError], match: str, root: Path, ref: str = "HEAD") -> None:
    with pytest.raises(error, match=match) as caught:
        find_commit(root, ref)
    assert "\n" not in str(caught.value)


class HostRepo:
    """A host's store, used by the host's own shell functions: it takes packs and checks out trees."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "repo.git"
        subprocess.run(["git", "init", "-q", "--bare", self.folder], check=True)

    def take(self, packed: bytes | bundle.Pack) -> None:
        self._run("repo_git index-pack --stdin --fix-thin", data=packed[:])

    def check_out(self, sha: str) -> dict[str, bytes]:
        """Check out a tree from this store alone. Return its files by name."""
        files = Path(tempfile.mkdtemp(dir=self.root))
        self._run(
            "GIT_WORK_TREE=$2 GIT_INDEX_FILE=$2.index repo_git read-tree --reset -u $3", str(files), sha
        )
        found = [path for path in files.rglob("*") if path.is_file()]
        return {str(path.relative_to(files)): path.read_bytes() for path in found}

    def _run(self, command: str, *words: str, data: bytes = b"") -> None:
        script = f'set -eu; root=$1; store=$1/repo.git; . "$0"; {command}'
        argv = ["bash", "-c", script, TEMPLATES / "code/words.sh", self.root, *words]
        subprocess.run(argv, input=data, capture_output=True, check=True)


@pytest.fixture
def host(tmp_path: Path) -> HostRepo:
    (tmp_path / "host").mkdir()
    return HostRepo(tmp_path / "host")


# ---- Which commit ------------------------------------------------------------------------------


def test_head_is_told_with_all_that_a_release_writes_down(repo: Path) -> None:
    sha = commit(repo, "Say it's done\n\nAt length.")
    found = find_commit(repo)
    assert (found.sha, found.tree, found.subject) == (sha, tree(repo), "Say it's done")
    assert (found.author, found.branch, found.ref) == ("Ann <ann@example.org>", "main", "HEAD")
    assert found.dirty == ()


def test_head_may_be_on_no_branch(repo: Path) -> None:
    git(repo, "checkout", "-q", "--detach")
    assert find_commit(repo).branch == ""


@pytest.mark.parametrize("ref", STRANGE)
def test_a_strange_name_finds_its_branch_or_is_one_clear_line(repo: Path, ref: str) -> None:
    made = subprocess.run(
        ["git", "-C", repo, "update-ref", "--stdin", "-z"],
        input=f"create refs/heads/{ref}\0{tip(repo)}\0".encode(),
        capture_output=True,
    )
    if made.returncode == 0:
        found = find_commit(repo, ref)
        assert (found.sha, found.branch, found.ref) == (tip(repo), ref, ref)
    else:
        refused(UsageError, "no branch, tag or commit", repo, ref)


def tip(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD")


@given(ref=st.text(max_size=30))
@hypothesis_settings(max_examples=40)
def test_no_name_whatever_does_more_than_name_a_commit(
    tmp_path_factory: pytest.TempPathFactory, ref: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    if not folder.exists():
        folder.mkdir()
        git(folder, "init", "-q")
        git(folder, "-c", "user.name=a", "-c", "user.email=a", "commit", "-q", "--allow-empty", "-m", "x")
    try:
        assert find_commit(folder, ref).sha == tip(folder)
    except UsageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("ref", ["", " ", "a\nb", "a\0b", "\x1b[31m", "\udcff"])
def test_a_name_that_git_could_not_hold_is_refused(repo: Path, ref: str) -> None:
    refused(UsageError, "names nothing", repo, ref)


def test_a_tag_and_a_branch_of_one_name_are_both_named(repo: Path) -> None:
    old, new = tip(repo), commit(repo)
    git(repo, "tag", "v1", old)
    git(repo, "branch", "v1", new)
    refused(UsageError, rf"refs/heads/v1 \({new[:8]}\) and refs/tags/v1 \({old[:8]}\)", repo, "v1")
    assert find_commit(repo, "refs/tags/v1").sha == old
    assert find_commit(repo, "refs/heads/v1").branch == "v1"


def test_a_tag_and_a_branch_that_agree_are_no_trouble(repo: Path) -> None:
    git(repo, "tag", "-a", "-m", "One", "v1")
    git(repo, "branch", "v1")
    assert find_commit(repo, "v1").sha == tip(repo)


def test_a_branch_named_like_a_commit_is_not_taken_for_it(repo: Path) -> None:
    old, new = tip(repo), commit(repo)
    git(repo, "update-ref", f"refs/heads/{old}", new)
    refused(UsageError, f"refs/heads/{old}", repo, old)


def test_a_name_that_is_only_on_the_remote_is_offered_in_full(repo: Path) -> None:
    git(repo, "update-ref", "refs/remotes/origin/feature", tip(repo))
    refused(UsageError, "did you mean origin/feature", repo, "feature")
    assert find_commit(repo, "origin/feature").sha == tip(repo)


def test_a_mistyped_name_is_put_right(repo: Path) -> None:
    refused(UsageError, "did you mean main", repo, "mian")


def test_what_is_no_commit_is_refused(repo: Path) -> None:
    refused(UsageError, "no branch, tag or commit", repo, tree(repo))


@pytest.mark.parametrize("ref", ["HEAD~1", "main@{0}", "v1", "v1^0"])
def test_what_git_understands_is_understood(repo: Path, ref: str) -> None:
    git(repo, "tag", "v1")
    first = tip(repo)
    if ref != "main@{0}":
        commit(repo)
    assert find_commit(repo, ref).sha == first


def test_a_dirty_tree_is_told_of_with_new_files_and_strange_names(repo: Path) -> None:
    (repo / ".gitignore").write_text("*.log\n")
    commit(repo)
    (repo / "manage.py").write_text("print('two')\n")
    (repo / "it's\nnew.py").write_text("")
    (repo / "x.log").write_text("")
    found = find_commit(repo)
    assert found.dirty == ("manage.py", "it's?new.py")
    commit(repo)
    assert found.dirty == ("manage.py", "it's?new.py") and find_commit(repo).dirty == ()


def test_another_commit_than_head_has_nothing_to_do_with_the_dirt(repo: Path) -> None:
    old = tip(repo)
    commit(repo)
    (repo / "manage.py").write_text("print('two')\n")
    assert find_commit(repo, old).dirty == ()
    assert find_commit(repo, "main").dirty == ("manage.py",)


def test_dirt_beside_the_project_is_none_of_its_business(repo: Path) -> None:
    (repo / "site").mkdir()
    (repo / "site" / "manage.py").write_text("")
    commit(repo)
    (repo / "notes.txt").write_text("")
    found = find_commit(repo / "site")
    assert (found.dirty, found.prefix, found.branch) == ((), "site/", "main")


def test_a_tag_by_the_name_of_head_leaves_folder_and_branch_as_they_are(repo: Path) -> None:
    (repo / "site").mkdir()
    (repo / "site" / "manage.py").write_text("")
    commit(repo)
    git(repo, "update-ref", "refs/tags/HEAD", "HEAD")
    found = find_commit(repo / "site")
    assert (found.prefix, found.branch) == ("site/", "main")


def test_a_branch_can_be_named_where_none_with_a_commit_is_checked_out(repo: Path) -> None:
    git(repo, "symbolic-ref", "HEAD", "refs/heads/unborn")
    found = find_commit(repo, "main")
    assert (found.prefix, found.branch) == ("", "main")


def test_a_folder_outside_git_holds_no_commit(tmp_path: Path) -> None:
    refused(NoCommit, "not in a git repository", tmp_path)


def test_a_repository_without_a_commit_holds_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    refused(NoCommit, "nothing is committed yet", tmp_path)


def test_a_bare_repository_is_refused_in_one_line(repo: Path, tmp_path: Path) -> None:
    git(repo, "clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    with pytest.raises(bundle.GitFailed, match="work tree"):
        print(find_commit(tmp_path / "bare.git").dirty)


def test_a_missing_git_is_told(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    refused(UsageError, "git is not installed", repo)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_someone_else_is_told_with_the_cure(repo: Path) -> None:
    for path in (repo, repo / ".git"):
        os.chown(path, 4321, 4321)
    refused(UsageError, "config --global --add safe.directory", repo)


def test_what_a_hook_leaves_in_the_environment_leads_nowhere_else(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "index"))
    assert find_commit(repo).subject == "Start"


def test_a_user_who_colours_and_signs_changes_nothing(repo: Path, tmp_path: Path) -> None:
    with (tmp_path / "gitconfig").open("a") as config:
        config.write(
            "[color]\n\tui = always\n[log]\n\tshowSignature = true\n[status]\n\tshowUntrackedFiles = no\n"
        )
    (repo / "new.py").write_text("")
    found = find_commit(repo)
    assert (found.subject, found.dirty) == ("Start", ("new.py",))


# ---- Which tree --------------------------------------------------------------------------------


def test_only_a_folder_of_the_commit_may_ship(repo: Path) -> None:
    inner = repo / "it's a\nsite"
    inner.mkdir()
    (inner / "manage.py").write_text("")
    commit(repo)
    found = find_commit(inner)
    assert tree_of(repo, found) == tree_of(inner, found, ".") == tree(repo)
    assert tree_of(inner, found, "it's a\nsite") == git(repo, "rev-parse", "HEAD:it's a\nsite")


@pytest.mark.parametrize("folder", ["nowhere", "manage.py", "-r", "*"])
def test_a_folder_that_is_not_committed_is_refused(repo: Path, folder: str) -> None:
    with pytest.raises(UsageError, match="has no folder"):
        tree_of(repo, find_commit(repo), folder)


# ---- Which bytes -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of 2,000 files in 40 folders. The files do not compress well."""
    folder = tmp_path_factory.mktemp("large")
    git(folder, "init", "-q")
    git(folder, "config", "user.name", "Ann")
    git(folder, "config", "user.email", "ann@example.org")
    chance = random.Random(1)
    for number in range(2000):
        path = folder / f"folder{number % 40}" / f"file{number}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{number}\n" + chance.randbytes(500).hex())
    commit(folder)
    with (folder / "folder7" / "file7.txt").open("a") as file:
        file.write("one line\n")
    commit(folder)
    return folder


def test_a_one_line_change_among_2000_files_is_a_few_hundred_bytes(large: Path, host: HostRepo) -> None:
    old, new = tree(large, "HEAD~1"), tree(large)
    whole = pack(large, old, [])
    host.take(whole)
    change = pack(large, new, [old])
    assert len(whole) > 1_000_000 and 0 < len(change) < 400
    host.take(change)
    files = host.check_out(new)
    assert len(files) == 2000 and files["folder7/file7.txt"].endswith(b"one line\n")


def test_the_nearest_tree_comes_first_and_the_others_help_too(large: Path) -> None:
    old, new = tree(large, "HEAD~1"), tree(large)
    far = [git(large, "rev-parse", f"HEAD:folder{number}") for number in range(12)]
    assert len(pack(large, new, [old, *far])) < 400


def test_history_is_never_sent(repo: Path, host: HostRepo) -> None:
    (repo / "secret.txt").write_text("committed by mistake")
    commit(repo)
    (repo / "secret.txt").unlink()
    commit(repo)
    host.take(pack(repo, tree(repo), []))
    told = git(host.folder, "cat-file", "--batch-check=%(objecttype)", "--batch-all-objects").split()
    assert sorted(told) == ["blob", "tree"]


def test_a_tree_that_the_host_has_costs_nothing(repo: Path) -> None:
    assert pack(repo, tree(repo), ["f" * 40, tree(repo)]) == b""


@pytest.mark.parametrize("said", ["f" * 40, "", "HEAD", "--all", "x\ny", "F" * 40])
def test_what_the_host_has_beyond_us_or_only_claims_is_passed_over(
    repo: Path, host: HostRepo, said: str
) -> None:
    host.take(pack(repo, tree(repo), [said]))
    assert host.check_out(tree(repo)) == {"manage.py": b"print('one')\n"}


def sent_before_a_change(repo: Path, host: HostRepo) -> str:
    """Send a tree to the host and return it. Then commit another manage.py, which the host lacks."""
    sent = tree(repo)
    host.take(pack(repo, sent, []))
    (repo / "manage.py").write_text("print('three')\n")
    commit(repo)
    return sent


def test_a_clone_of_depth_1_can_ship_onto_what_a_whole_one_sent(
    repo: Path, host: HostRepo, tmp_path: Path
) -> None:
    before = sent_before_a_change(repo, host)
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", repo.as_uri(), str(shallow))
    assert find_commit(shallow).tree == tree(repo)
    host.take(pack(shallow, tree(repo), [before]))
    assert host.check_out(tree(repo)) == {"manage.py": b"print('three')\n"}


def test_a_clone_without_old_blobs_ships_although_its_origin_is_gone(
    repo: Path, host: HostRepo, tmp_path: Path
) -> None:
    before = sent_before_a_change(repo, host)
    git(repo, "config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    git(tmp_path, "clone", "-q", "--filter=blob:none", repo.as_uri(), str(partial))
    repo.rename(tmp_path / "gone")
    for have in (before, "f" * 40):
        host.take(pack(partial, tree(partial), [have]))
    assert host.check_out(tree(partial)) == {"manage.py": b"print('three')\n"}


def test_a_repository_of_the_other_hash_ships_too(tmp_path: Path) -> None:
    folder = tmp_path / "sha256"
    git(tmp_path, "init", "-q", "--object-format=sha256", str(folder))
    (folder / "manage.py").write_text("")
    commit(folder)
    assert len(pack(folder, find_commit(folder).tree, ["f" * 40, "e" * 64])) > 0


def test_a_repository_that_lacks_an_object_is_told_in_one_line(repo: Path) -> None:
    blob = git(repo, "rev-parse", "HEAD:manage.py")
    (repo / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(bundle.GitFailed, match=f"rev-list failed: missing blob object '{blob}'"):
        pack(repo, tree(repo), [])


def test_a_pack_that_was_interrupted_is_not_tried_again(
    repo: Path, host: HostRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(repo)
    host.take(pack(repo, before, []))
    (repo / "new.txt").write_text("new")
    commit(repo)
    program, tried = tmp_path / "bin/git", tmp_path / "tried"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/bash\n[[ \" $* \" != *' pack-objects '* ]] || {{ echo 1 >>{tried}; kill -INT $$; }}\n"
        f'exec {shutil.which("git")} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    with pytest.raises(Interrupted, match="git pack-objects was interrupted"):
        pack(repo, tree(repo), [before])
    assert tried.read_text() == "1\n"


def test_a_large_pack_stays_on_disk_and_reads_like_bytes(repo: Path, host: HostRepo) -> None:
    content = random.Random(2).randbytes(bundle.SMALL + 1)
    (repo / "large.bin").write_bytes(content)
    commit(repo)
    packed = pack(repo, tree(repo), [])
    assert isinstance(packed, bundle.Pack) and packed[:4] == b"PACK"
    parts = [packed[start : start + 100_000] for start in range(0, len(packed), 100_000)]
    assert b"".join(parts) == packed[:] and packed[len(packed) :] == b""
    host.take(packed)
    assert host.check_out(tree(repo))["large.bin"] == content


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the memory used")
def test_a_pack_of_100_mb_takes_hardly_any_memory(repo: Path) -> None:
    chance = random.Random(3)
    with (repo / "large.bin").open("wb") as file:
        for _ in range(100):
            file.write(chance.randbytes(1 << 20))
    commit(repo)
    script = (
        "import re, sys; from pathlib import Path; from roadie.git.bundle import pack\n"
        "used = lambda: int(re.search('VmHWM:\\\\s+(\\\\d+)', Path('/proc/self/status').read_text())[1])\n"
        "before = used(); packed = pack(Path(sys.argv[1]), sys.argv[2], [])\n"
        "for start in range(0, len(packed), 1 << 18): packed[start : start + (1 << 18)]\n"
        "print(len(packed), used() - before)"
    )
    argv = [sys.executable, "-c", script, str(repo), tree(repo)]
    size, kilobytes = map(int, subprocess.run(argv, capture_output=True, check=True).stdout.split())
    assert size > 100_000_000 and kilobytes < 8_000


name = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12).filter(
    lambda text: text.lower() not in {".", "..", ".git"}
)


@given(files=st.dictionaries(name, st.binary(max_size=40), min_size=1, max_size=6))
@hypothesis_settings(max_examples=15)
def test_every_name_of_a_file_arrives(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("names")
    git(folder, "init", "-q")
    rows = b""
    for path, content in files.items():
        blob = git(folder, "hash-object", "-w", "--stdin", data=content)
        rows += b"100644 blob %s\t%s\0" % (blob.encode(), path.encode())
    made = git(folder, "mktree", "-z", data=rows)
    host = HostRepo(folder)
    host.take(pack(folder, made, []))
    assert host.check_out(made) == files
