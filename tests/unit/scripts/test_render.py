"""No value escapes its quoting, in any format. A project's own templates win over roadie's."""

from __future__ import annotations

import ast
import html
import json
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roadie.errors import SettingsError
from roadie.scripts import render

text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
nasty = st.one_of(
    text,
    st.sampled_from(
        ["'; id #", "$(id)", "`id`", "-x", "%(x)s", "a\nb", '"', "\\", "{{ 7 }}", "EOF\nid", "€"]
    ),
)


def quoted(tmp_path: Path, name: str, value: object) -> str:
    (tmp_path / name).write_text("{{ value }}")
    return render.render(name, tmp_path, {"value": value})


@given(st.lists(nasty, min_size=1, max_size=20))
@settings(max_examples=60)
def test_bash_reads_back_exactly_what_was_put_in(values: list[str]) -> None:
    script = "printf '%s\\0' " + render.shell(values)
    said = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout
    assert said.decode().split("\0")[:-1] == values


@given(nasty)
def test_python_reads_back_exactly_what_was_put_in(value: str) -> None:
    assert ast.literal_eval(render.python({"x": [value, 1, None, True]})) == {"x": [value, 1, None, True]}


@given(nasty)
def test_json_reads_back_exactly_what_was_put_in(value: str) -> None:
    assert json.loads(render.as_json(value)) == value


@given(nasty)
def test_supervisor_reads_back_what_was_put_in_or_it_is_refused(value: str) -> None:
    try:
        word = render.supervisor(value)
    except SettingsError:
        return
    assert "\n" not in word
    assert shlex.split(word % {}) == [value]


@given(nasty)
def test_nginx_gets_one_parameter_or_it_is_refused(value: str) -> None:
    try:
        word = render.nginx(value)
    except SettingsError:
        return
    assert not set(word) & set("\n\r\t$")
    if word.startswith('"'):
        assert read_back(word) == value
    else:
        assert not set(word) & set(" ;{}'\"#\\") and word == value


@given(nasty)
def test_a_mysql_option_gets_one_value_or_it_is_refused(value: str) -> None:
    try:
        word = render.cnf(value)
    except SettingsError:
        return
    assert "\n" not in word and read_back(word) == value


@given(nasty)
def test_a_file_without_quoting_gets_only_harmless_characters(value: str) -> None:
    try:
        assert render.plain(value) == value
    except SettingsError:
        return
    assert not set(value) & set(" \t\n;'\"$`\\|&<>(){}[]#*?!~")


def read_back(word: str) -> str:
    """Return the text that a reader of "..." with backslash escapes reads."""
    assert word[0] == word[-1] == '"'
    out, inner = [], iter(word[1:-1])
    for char in inner:
        assert char != '"'
        out.append(next(inner) if char == "\\" else char)
    return "".join(out)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x.sh.j2", "'a b'"),
        ("x.nginx.j2", '"a b"'),
        ("x.supervisor.j2", "'a b'"),
        ("x.cnf.j2", '"a b"'),
        ("x.py.j2", "'a b'"),
        ("x.json.j2", '"a b"'),
        ("x.html.j2", "a b"),
    ],
)
def test_the_name_of_a_template_decides_how_values_are_quoted(
    tmp_path: Path, name: str, expected: str
) -> None:
    assert quoted(tmp_path, name, "a b") == expected


def test_a_page_shows_a_text_and_runs_none(tmp_path: Path) -> None:
    text = "<script>alert('it')</script> & \"more\""
    shown = quoted(tmp_path, "x.html.j2", text)
    assert not set(shown) & set("<>'\"") and html.unescape(shown) == text


def test_a_format_without_quoting_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="only letters"):
        quoted(tmp_path, "x.tmpfiles.j2", "a b")


def test_a_template_inside_a_script_is_quoted_by_both_formats(tmp_path: Path) -> None:
    (tmp_path / "inner.nginx.j2").write_text("server_name {{ value }};\n")
    (tmp_path / "outer.sh.j2").write_text('printf %s {{ contents("inner.nginx.j2") }}')
    script = render.render("outer.sh.j2", tmp_path, {"value": 'it\'s; "x"'})
    said = subprocess.run(["bash", "-c", script], capture_output=True, check=True, text=True).stdout
    assert said == 'server_name "it\'s; \\"x\\"";\n'


def test_a_name_that_nothing_gives_is_refused_with_the_template_it_stands_in(tmp_path: Path) -> None:
    (tmp_path / "x.sh.j2").write_text("{{ nothing }}")
    with pytest.raises(SettingsError, match="x.sh.j2.*'nothing' is undefined"):
        render.render("x.sh.j2", tmp_path, {})


def test_an_own_template_of_the_same_name_wins(tmp_path: Path) -> None:
    (tmp_path / "nginx").mkdir()
    (tmp_path / "nginx" / "nginx.sh.j2").write_text("mine")
    assert render.render("nginx/nginx.sh.j2", tmp_path, {}) == "mine"


def test_a_value_is_never_read_as_a_template(tmp_path: Path) -> None:
    assert quoted(tmp_path, "x.sh.j2", "{{ 7 * 7 }}") == "'{{ 7 * 7 }}'"


def test_true_false_none_and_lists_are_what_a_script_can_test(tmp_path: Path) -> None:
    assert quoted(tmp_path, "x.sh.j2", [True, False, None, 3, "a b"]) == "1 '' '' 3 'a b'"
