"""What a release holds besides its commit is named by paths below fabric.yaml, each for one purpose."""

import pytest
from given import refusal, settings


def test_a_shared_path_is_written_in_one_way():
    assert settings(shared=["a/./b/", "c.d"]).shared == ("a/b", "c.d")
    assert settings(shared="index").shared == ("index",)


@pytest.mark.parametrize(
    ("paths", "says"),
    [
        (["/var/index"], "must be a path from the folder of fabric.yaml down, not '/var/index'"),
        (["~/index"], "must be a path from the folder of fabric.yaml down"),
        (["../index"], "must be a path from the folder of fabric.yaml down"),
        (["a/../../b"], "must be a path from the folder of fabric.yaml down"),
        (["a\nb"], "must be a path from the folder of fabric.yaml down"),
        (["."], "must be a path below the folder of fabric.yaml, not '.'"),
        ([".git/x"], "must be a path below the folder of fabric.yaml"),
        (["shop/views.py"], "shop/views.py is Python code, which belongs to a release"),
        (["a", "a/b"], "a/b lies in a, which is in the list too; leave one out"),
        (["a/b/c", "a-b", "a/b"], "a/b/c lies in a/b"),
        (["a", "a/"], "names 'a' twice"),
        ([7], "must be a path from the folder of fabric.yaml down, not 7"),
        ({"a": "b"}, "must be a list of paths, not a mapping"),
    ],
)
def test_a_shared_path_that_cannot_be_is_refused(paths, says):
    message = refusal(shared=paths)
    assert message.startswith("fabric.yaml, roadie.shared: ") and says in message


def test_paths_that_only_begin_alike_lie_apart():
    assert settings(shared=["a", "a-b", "a.b", "ab"]).shared == ("a", "a-b", "a.b", "ab")


@pytest.mark.parametrize("line", ["one\ntwo", " ", 7, {"a": "b"}])
def test_a_command_is_a_line(line):
    assert refusal(build=[line]).startswith("fabric.yaml, roadie.build: must be a line of shell")


def test_what_is_built_here_must_ship_and_the_other_way_round():
    assert "nothing of what it makes would travel; add `ship:`" in refusal(build_here=["make"])
    assert "add `build_here:`, which makes these" in refusal(ship=["dist"])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"shared": ["a"], "ship": ["a/b"]}, "a/b (ship:) lies in a (shared:); each place has one purpose"),
        ({"shared": ["a"], "ship": ["a"]}, "a is under shared: and ship:"),
        ({"shared": ["a"], "files": {"a/b": "t"}}, "a/b (files:) lies in a (shared:)"),
        ({"ship": ["a"], "files": {"a": "t"}}, "a is under ship: and files:"),
    ],
)
def test_each_place_has_one_purpose(values, says):
    given = {"build_here": ["make"], **values} if "ship" in values else values
    assert says in refusal(**given)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"../a": "t"}, "roadie.files.'../a': must be a path from the folder of fabric.yaml down"),
        ({"/etc/passwd": "t"}, "must be a path from the folder of fabric.yaml down"),
        ({"a": ""}, "roadie.files.a: must be the path of a template"),
        ({"a": 7}, "roadie.files.a: must be the path of a template"),
        (["a"], "roadie.files: must be a mapping of places in the project to templates"),
    ],
)
def test_a_file_that_cannot_be_is_refused(files, says):
    assert says in refusal(files=files)
