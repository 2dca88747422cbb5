"""A project's files read the same from a folder and from a commit."""

import gc

import projects
import pytest
from roadie.errors import UsageError
from roadie.git.trees import CommitTree, FolderTree

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n".format("0a" * 32)
FILES = {
    "manage.py": "one\n",
    "a/b/c.py": "two\n",
    "a/names with späces.txt": "three\n",
    "a/bom.txt": "\ufefffour\n",
}


def write(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")


@pytest.fixture
def repo(tmp_path):
    write(tmp_path, {**FILES, ".gitignore": "*.pyc\n"})
    (tmp_path / "link.py").symlink_to("manage.py")
    projects.git_repo(tmp_path)
    return tmp_path


def test_a_folder_and_its_commit_hold_the_same(repo):
    for tree in (FolderTree(repo), CommitTree(repo, "HEAD")):
        assert {*FILES} <= {*tree.list()}
        assert [tree.read(path) for path in FILES] == ["one\n", "two\n", "three\n", "four\n"]
        assert tree.read("a") is None
        assert tree.read("nothing.py") is None
        assert tree.read("manage.py/x") is None


def test_a_commit_is_read_as_it_is_whatever_the_folder_holds(repo):
    tree = CommitTree(repo, projects.git(repo, "rev-parse", "HEAD"))
    write(repo, {"manage.py": "changed\n", "new.py": "new\n"})
    assert tree.read("manage.py") == "one\n"
    assert "new.py" not in tree.list()
    assert FolderTree(repo).read("manage.py") == "changed\n"
    assert "new.py" in FolderTree(repo).list()


def test_paths_may_start_from_a_folder_inside(repo):
    for tree in (FolderTree(repo / "a"), CommitTree(repo, "HEAD", "a"), CommitTree(repo, "HEAD", "a/")):
        assert "b/c.py" in tree.list()
        assert tree.read("b/c.py") == "two\n"
    assert "manage.py" in CommitTree(repo, "HEAD", ".").list()


def test_a_file_that_was_removed_is_gone_from_the_folder_only(repo):
    (repo / "manage.py").unlink()
    assert "manage.py" not in FolderTree(repo).list()
    assert "manage.py" in CommitTree(repo, "HEAD").list()


def test_links_are_no_files_of_a_commit(repo):
    assert "link.py" not in CommitTree(repo, "HEAD").list()
    assert CommitTree(repo, "HEAD").read("link.py") is None


def test_what_git_ignores_is_no_part_of_a_folder(repo):
    write(repo, {"a/x.pyc": ""})
    assert "a/x.pyc" not in FolderTree(repo).list()


def test_without_git_a_folder_is_walked_past_what_is_not_its_own(tmp_path):
    others = [
        ".git/x",
        "env/pyvenv.cfg",
        "env/lib/x.py",
        "node_modules/x.js",
        "a/__pycache__/x.pyc",
        ".tox/x",
    ]
    write(tmp_path, {**FILES, **dict.fromkeys(others, "")})
    assert {*FolderTree(tmp_path).list()} == {*FILES}


def test_text_that_is_not_utf_8_loses_nothing(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"caf\xe9")
    assert FolderTree(tmp_path).read("x.txt").encode("utf-8", "surrogateescape") == b"caf\xe9"


@pytest.mark.parametrize("commit", ["nothing", "--help", "HEAD:nothing"])
def test_a_commit_that_is_not_there_is_one_line(repo, commit):
    with pytest.raises(UsageError, match=f"git has no {commit}; name a commit that it has"):
        CommitTree(repo, commit)


def test_a_commit_that_git_does_not_have_whole_is_one_line(repo):
    tree = CommitTree(repo, "HEAD")
    blob = projects.git(repo, "rev-parse", "HEAD:manage.py")
    (repo / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(UsageError, match="git lacks a part of it"):
        tree.read("manage.py")


def test_git_ends_with_its_reader(repo):
    tree = CommitTree(repo, "HEAD")
    tree.read("manage.py")
    git = tree._contents
    del tree
    gc.collect()
    assert git.returncode == 0


def test_submodules_and_lfs_pointers_are_found_below_a_folder(repo):
    head = projects.git(repo, "rev-parse", "HEAD")
    write(repo, {"a/model.bin": LFS, "big.bin": LFS, "a/notes.txt": f"about LFS: {LFS}"})
    projects.git(repo, "add", "-A")
    projects.git(repo, "update-index", "--add", "--cacheinfo", f"160000,{head},lib/other")
    projects.git(repo, "commit", "-q", "-m", "Unsupported")
    tree = CommitTree(repo, "HEAD")
    assert tree.submodules() == ["lib/other"]
    assert tree.submodules("a") == tree.submodules("li") == []
    assert tree.lfs_pointers() == ["a/model.bin", "big.bin"]
    assert tree.lfs_pointers("a") == ["a/model.bin"]
    assert CommitTree(repo, "HEAD", "a").lfs_pointers() == ["model.bin"]
    assert "lib/other" not in tree.list()


def test_one_lfs_pointer_among_many_small_files_is_found(repo):
    write(repo, {f"{number}.txt": f"{number:0500}" for number in range(450)} | {"399.txt": LFS})
    projects.commit(repo)
    tree = CommitTree(repo, "HEAD")
    assert tree.lfs_pointers() == ["399.txt"]
    assert tree.read("449.txt") == f"{449:0500}"


@pytest.mark.parametrize(
    ("path", "target", "leads_out"),
    [
        ("link", "manage.py", False),
        ("link", "not there", False),
        ("link", "link", False),
        ("a/link", "../manage.py", False),
        ("a/link", "b/../../a/./b//c.py", False),
        ("link", "/etc/passwd", True),
        ("link", "../outside", True),
        ("a/link", "../../outside", True),
        ("a/link", "up/../../outside", True),
        ("a/b/link", "up/manage.py", False),
        ("a/b/link", "up/../outside", True),
        ("a/.editorconfig", "../../outside", False),
    ],
)
def test_a_link_that_leads_out_of_the_tree_is_found(tmp_path, path, target, leads_out):
    write(tmp_path, FILES)
    (tmp_path / "a/b/up").symlink_to("../..")
    (tmp_path / "a/up").symlink_to("b/../..")
    (tmp_path / path).symlink_to(target)
    projects.git_repo(tmp_path)
    assert CommitTree(tmp_path, "HEAD").stray_links() == ([path] if leads_out else [])


def test_a_link_may_lead_out_of_what_ships_though_not_out_of_the_commit(tmp_path):
    write(tmp_path, FILES)
    (tmp_path / "a/it's\na link").symlink_to("../manage.py")
    projects.git_repo(tmp_path)
    assert CommitTree(tmp_path, "HEAD").stray_links() == []
    assert CommitTree(tmp_path, "HEAD").stray_links("a") == ["a/it's\na link"]
