"""The functions that stages use look first and change only what differs. In a dry run they change nothing."""

import os

import pytest
from desk import eventually
from hypothesis import given
from hypothesis import strategies as st
from roadie.scripts.render import TEMPLATES
from shell import OWNER, Shell


@pytest.fixture
def shell(tmp_path):
    return Shell(tmp_path)


ENSURED = {
    "directory": (f'ensure_dir "${{P}}/x" 750 {OWNER}', "directory {}/x"),
    "file": (f'ensure_file "${{P}}/x" 640 {OWNER} text', "file {}/x"),
    "link": ('ensure_link "${P}/x" "${P}/state"', "link {}/x"),
    "link to nothing": ('ensure_link "${P}/x" nowhere', "link {}/x"),
    "nothing": (': >"${P}/state/y"; [[ -e ${P}/x ]] || ensure_absent "${P}/state/y"', "no {}/state/y"),
    "reload": ("ensure_applied 'reload of it' touch \"${P}/x\"", "reload of it"),
}


@pytest.mark.parametrize(("body", "what"), ENSURED.values(), ids=ENSURED)
def test_what_is_ensured_would_change_then_changes_then_is_ok(shell, body, what):
    named = what.format(shell.folder)
    assert shell.run(body, check=True) == [("would", named)]
    assert not shell.path("x").exists() and not shell.path("x").is_symlink()
    assert shell.run(body) == [("changed", named)]
    if "absent" not in body:
        assert shell.run(body) == shell.run(body, check=True) == [("ok", named)]


def test_modes_are_put_right_and_shown(shell):
    body = f'ensure_file "${{P}}/x" 640 {OWNER} text'
    shell.run(body)
    shell.path("x").chmod(0o666)
    assert shell.run(body) == [("changed", f"file {shell.path('x')}")]
    assert f"mode and owner 666 {OWNER}, should be 640 {OWNER}" in shell.detail
    assert shell.path("x").stat().st_mode & 0o777 == 0o640


def test_a_new_content_shows_as_a_diff_and_keeps_nothing(shell):
    for text in ("one\ntwo", "one\n2"):
        shell.run(f"ensure_file \"${{P}}/x\" 640 {OWNER} $'{text}'".replace("\n", "\\n"))
    assert "-two\n+2" in shell.detail
    assert not shell.path("backups").exists()


def test_an_edit_by_hand_is_kept_and_named(shell):
    body = f'ensure_file "${{P}}/x" 640 {OWNER} text'
    shell.run(body)
    shell.path("x").write_text("mine\n")
    told = shell.run(body)
    assert [verb for verb, _ in told] == ["kept", "changed"]
    [kept] = shell.path("backups").rglob("x.*")
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("mine\n", 0o600)
    assert shell.path("x").read_text() == "text\n"


def test_a_file_and_then_its_rename_are_on_disk_before_a_stage_goes_on(shell):
    shell.stub("sync", 'echo "sync $(ls "${P}/there") ${@: -1}" >>"${P}/synced"')
    shell.path("there").mkdir()
    shell.run(f"put_file {shell.path('there')}/file 600 {OWNER} text")
    there = shell.path("there")
    assert shell.path("synced").read_text().splitlines() == [
        f"sync file.roadie-new {there}/file.roadie-new",
        f"sync file {there}",
    ]


def test_a_file_that_roadie_did_not_write_is_kept_too(shell):
    shell.path("x").write_text("theirs\n")
    shell.run(f'ensure_file "${{P}}/x" 640 {OWNER} text')
    assert [kept.read_text() for kept in shell.path("backups").rglob("x.*")] == ["theirs\n"]


def test_a_cut_before_roadie_remembers_a_file_makes_no_edit_of_it(shell):
    shell.run(f'ensure_file "${{P}}/x" 640 {OWNER} text')
    for record in shell.path("state/files").iterdir():
        record.unlink()
    assert shell.run(f'ensure_file "${{P}}/x" 640 {OWNER} text')[0][0] == "ok"
    assert [verb for verb, _ in shell.run(f'ensure_file "${{P}}/x" 640 {OWNER} new')] == ["changed"]


@pytest.mark.parametrize(
    "body", [f'ensure_file "${{P}}/x" 640 {OWNER} t', f'ensure_dir "${{P}}/x" 750 {OWNER}']
)
def test_nothing_is_written_through_a_link(shell, body):
    shell.path("x").symlink_to(shell.path("state"))
    assert [verb for verb, _ in shell.run(body)] == ["failed"]
    assert (shell.code, shell.path("x").is_symlink()) == (6, True)


def test_a_secret_is_never_shown(shell):
    body = 'ensure_secret_file "${P}/x" 600 ' + OWNER
    for value in ("hush-1", "hush-2"):
        shell.run(f"{body} {value}")
        assert shell.path("x").read_text() == f"{value}\n"
        assert "hush" not in shell.log().read_text()
    assert not shell.path("backups").exists() and not shell.path("state/files").exists()


def test_a_reload_is_due_until_it_is_done(shell):
    hooked = f"""
      begin() {{ unapply reload; }}
      local before_change=begin
      ensure_file "${{P}}/x" 640 {OWNER} "$(cat "${{P}}/want")"
      ensure_applied reload test -e "${{P}}/works"
    """
    shell.path("want").write_text("1")
    shell.path("works").touch()
    shell.run(hooked)
    assert [verb for verb, _ in shell.run(hooked)] == ["ok", "ok"]
    shell.path("want").write_text("2")
    shell.path("works").unlink()
    assert [verb for verb, _ in shell.run(hooked)] == ["changed", "failed"]
    shell.path("works").touch()
    assert shell.run(hooked, check=True) == [("ok", f"file {shell.path('x')}"), ("would", "reload")]
    assert [verb for verb, _ in shell.run(hooked)] == ["ok", "changed"]


NOTED = {
    "of the release": ("release 2026-a", "/ answered 500; no visitor saw it", "/ answered 500"),
    "of a part": ("build of virtualenv x", "exit code 3; see above", "build of virtualenv x: exit code 3"),
}


@pytest.mark.parametrize(("what", "why", "noted"), NOTED.values(), ids=NOTED)
def test_a_failed_release_keeps_why_it_failed(shell, what, why, noted):
    shell.path("2026-a").mkdir()
    shell.run(f'release_dir="${{P}}/2026-a"\nfail "{what}" "{why}"')
    assert shell.path("2026-a/failed").read_text().partition(": ")[2] == f"{noted}\n"


def test_a_failure_tells_the_step_its_command_and_its_code_once(shell):
    assert shell.run('change "the thing" bash -c "exit 3"') == [("failed", "the thing")]
    assert (shell.code, "exit code 3" in shell.detail) == (6, True)
    assert shell.run("change_cuttable 'the thing' fail 'the part' 'it broke' 4") == [("failed", "the part")]
    assert (shell.code, shell.detail) == (4, "it broke")
    shell.run("change 'the thing' bash -c 'kill -KILL $$'")
    assert "out of memory" in shell.detail


def test_nothing_runs_after_a_failure_in_a_function(shell):
    shell.run('act_on() { false; touch "${P}/x"; }; change thing act_on; touch "${P}/x"')
    assert not shell.path("x").exists()


def test_the_cause_is_what_the_step_itself_said(shell):
    body = """
      change 'one' echo 'ERROR: of another step'
      step() { echo '  ERROR: first'; echo ERROR: second; echo ERROR: second; echo no more; }
      change 'two' step
      say fact cause "$(cause 'ERROR:')"
    """
    shell.run(body)
    assert shell.detail == "ERROR: first; ERROR: second"


SHOW = "Id={0}.service\nLoadState={1}\nActiveState={2}\nUnitFileState={3}\n\n"


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (("loaded", "active", "enabled"), [("ok", "service some")]),
        (("loaded", "inactive", "enabled"), [("changed", "service some")]),
        (("loaded", "active", "disabled"), [("changed", "service some")]),
        (("not-found", "inactive", ""), [("failed", "service some")]),
    ],
)
def test_a_service_runs_now_and_after_a_boot(shell, states, told):
    shell.stub(
        "systemctl",
        f'[[ $1 != show ]] || printf "{SHOW.format("some", *states)}"; echo "$@" >>"{shell.folder}/asked"',
    )
    assert shell.run("ensure_service some") == told
    assert ("enable --quiet --now -- some" in shell.path("asked").read_text()) == (told[0][0] == "changed")


def test_a_service_that_comes_with_its_package_is_no_change_of_the_plan(shell):
    shell.stub("systemctl", f'printf "{SHOW.format("some", "not-found", "inactive", "")}"')
    assert shell.run("ensure_service some", check=True) == []


def test_a_claim_is_known_again(shell):
    shell.path("state/sites").mkdir()
    shell.stub("chown", "")
    body = "ensure_claim guestbook site\nensure_claim 'database guestbook' database\n"
    assert [verb for verb, _ in shell.run(body)] == ["changed", "changed"]
    assert [verb for verb, _ in shell.run(body)] == ["ok", "ok"]
    assert shell.path("state/sites/guestbook").read_text() == "site\ndatabase\n"


def test_a_claim_is_refused_before_it_is_made(shell):
    shell.path("state/sites").mkdir()
    body = "refuse() { fail site 'somebody else has it'; }\nensure_claim guestbook site refuse"
    assert shell.run(body) == [("failed", "site")]
    assert not shell.path("state/sites/guestbook").exists()


@pytest.mark.parametrize(
    ("claimed", "kind", "told"),
    [
        ("", "postgresql", ""),
        ("database", "mysql", ""),
        ("database postgresql", "postgresql", ""),
        (
            "database",
            "postgresql",
            "data is in mysql on this host, and the settings or the project now say postgresql",
        ),
        ("database postgresql", "mysql", "write database: postgresql, or move the data"),
    ],
)
def test_a_site_keeps_its_kind_of_database(shell, claimed, kind, told):
    shell.path("state/sites").mkdir()
    shell.path("state/sites/guestbook").write_text(f"site\n{claimed}\ndomain a.example.org\n")
    own = "database" if kind == "mysql" else f"database {kind}"
    values = f"database_kind={kind} default_database=mysql database_claim='{own}'"
    found = shell.run(f"{values}\nrequire_same_database")
    assert (found, shell.code) == (([("failed", "database guestbook")], 2) if told else ([], 0))
    assert not told or told in shell.detail


HOLD = "put_memo \"${P}/state/held-guestbook\" 'until Monday'\n"


def test_who_is_locked_out_is_told_of_the_revision_too(shell):
    body = "revision=20261123T120000Z-0123abcd\ntake_lock\nbegin_stage static 'Collect.'\nexec sleep 60"
    with shell.begun(body, name="holder"):
        assert eventually(lambda: shell.events("holder"))
        shell.path("run/1.beat").write_text("")  # the file says that the run's controller is connected
        assert shell.run("take_lock") == [("waiting", "lock"), ("failed", "lock")]
    assert shell.code == 4
    assert "by ann (fab test of 20261123T120000Z-0123abcd, since 2" in shell.detail
    assert "at step static" in shell.detail


def test_a_lock_on_purpose_is_refused_at_once_and_never_waited_for(shell):
    shell.stub("chown", "")
    shell.run(HOLD)
    assert shell.run("wait_for_lock=600\ntake_lock") == [("failed", "lock")]
    assert (shell.code, "by ann since 2" in shell.detail) == (4, True)
    assert "UTC: until Monday; fab unlock lets go" in shell.detail
    assert not shell.path("run/guestbook.who").exists()


def test_a_tree_goes_and_what_its_links_lead_to_stays(shell):
    for name in ("x", "other"):
        (shell.path(name) / "deep").mkdir(parents=True)
    (shell.path("x") / "deep/link").symlink_to(shell.path("other"))
    shell.path("link").symlink_to(shell.path("other"))
    body = 'ensure_no_tree "${P}/x"; ensure_no_tree "${P}/link"'
    assert [verb for verb, _ in shell.run(body)] == ["changed", "changed"]
    assert [verb for verb, _ in shell.run(body)] == ["ok", "ok"]
    assert not shell.path("x").exists() and (shell.path("other") / "deep").is_dir()


def test_all_that_a_pattern_matches_goes_and_what_a_cut_run_half_wrote_too(shell):
    names = ("x.log", "x.log.1", "y", "y.roadie-new")
    for name in (*names, "x-eu.log"):
        shell.path(name).touch()
    told = shell.run('for name in "x.log*" y "none ann"; do ensure_no_place "${P}/${name}"; done')
    assert sorted(told) == [
        *(("changed", f"no {shell.folder}/{name}") for name in names),
        ("ok", f"no {shell.folder}/none"),
    ]
    assert shell.path("x-eu.log").exists() and not any(shell.path(name).exists() for name in names)


def test_what_a_user_can_write_goes_by_that_users_hand(shell):
    (shell.path("x") / "theirs").mkdir(parents=True)
    shell.stub("setpriv", 'echo "$1" >>"${0%/*}/../hands"; shift 4; [[ $1 != -- ]] || shift; exec "$@"')
    shell.run('ensure_no_place "${P}/x ann"')
    assert shell.path("hands").read_text() == "--reuid=ann\n" and not shell.path("x").exists()


def test_records_and_kept_edits_of_a_site_are_found_and_none_of_a_site_with_a_similar_name(shell):
    (shell.path("state") / "files").mkdir()
    mine, theirs = f"{shell.folder}/srv", f"{shell.folder}/srv-eu"
    for root in (mine, theirs):
        record = shell.path("state") / "files" / f"{root}/maintenance/page.html".replace("/", "%")
        record.touch()
        kept = shell.folder / f"backups{root}/maintenance/page.html.20261123T120000Z"
        kept.parent.mkdir(parents=True)
        kept.touch()
    shell.run('local traces; find_traces; say fact traces "$(printf "%s\\n" "${traces[@]}" | sort -u)"')
    found = shell.detail.split("\n")
    assert found == sorted(
        [
            *(f"{shell.folder}/backups{mine}{more}" for more in ("", "/maintenance")),
            f"{shell.folder}/state/files/{f'{mine}/maintenance/page.html'.replace('/', '%')}",
        ]
    )


@given(text=st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=60))
def test_whatever_is_said_arrives_as_it_was(tmp_path_factory, text):
    shell = Shell(tmp_path_factory.mktemp("said"))
    shell.path("text").write_text(text + ".")
    shell.run('local text; text=$(cat "${P}/text"); say fact "${text%.}" "${text%.}"')
    [event] = shell.events()
    assert (event.what, event.detail) == (text, text)


def test_a_run_that_ends_early_ends_in_order_once_however_it_ends(shell):
    hooked = 'last() { echo last >>"${P}/order"; false; }; before_end=last; '
    for ending in ("fail x why", "false", "cuttable fail x why", "stopping=1; stop_if_asked"):
        shell.run(hooked + ending)
        assert shell.path("order").read_text() == "last\n", ending
        shell.path("order").unlink()
    shell.run(hooked + "ok x")
    assert not shell.path("order").exists()


STOPPED_AT_THE_SECOND_TRY = """
. {templates}/supervisor/words.sh
supervisor_call() {{
  echo "$1" >>"${{P}}/calls"
  [[ $1 != removeProcessGroup || $(grep -c "$1" "${{P}}/calls") != 1 ]] ||
    echo '<fault><name>faultString</name><value><string>STILL_RUNNING: x</string>'
}}
change program stop_program x
"""


def test_a_program_that_came_back_while_it_was_stopped_is_stopped_again(shell):
    body = STOPPED_AT_THE_SECOND_TRY.format(templates=TEMPLATES)
    assert shell.run(body) == [("changed", "program")], shell.detail
    assert shell.path("calls").read_text().split() == 2 * [
        "stopProcessGroup",
        "getProcessInfo",
        "reloadConfig",
        "removeProcessGroup",
    ]


def test_a_step_that_must_be_whole_says_so_and_names_its_process(shell):
    body = (
        "step() { ls ${P}/run; }; change_whole thing step; change other step; begin_step last whole; fail x y"
    )
    shell.run(body)
    assert shell.log().read_text().count("1.whole") == 1 and not shell.path("run/1.whole").exists()
    details = [event.detail for event in shell.events() if event.verb == "doing"]
    assert [detail.partition(" ")[0] for detail in details] == ["whole", "atomic", "whole"]
    assert details[0].partition(" ")[2].isdigit()


def test_only_a_plain_file_is_read_and_no_more_than_a_part_of_it(shell):
    shell.path("plain").write_text("mine")
    shell.path("link").symlink_to(shell.path("plain"))
    with shell.path("huge").open("wb") as huge:
        huge.truncate(1 << 40)
    os.mkfifo(shell.path("fifo"))
    read = 'say fact "${name}" "$(text_of "${P}/${name}" || echo refused)"'
    huge = 'say fact huge "$(text_of "${P}/huge" | wc -c)"'
    shell.run(f"for name in plain link fifo none; do {read}; done; {huge}")
    told = {event.what: event.detail for event in shell.events()}
    assert told == {
        "plain": "mine",
        "link": "refused",
        "fifo": "refused",
        "none": "refused",
        "huge": "1048576",
    }


PRINTS_TOO_MUCH = """
print() {
  local i
  for ((i = 0; i < 400; i++)); do
    printf '%04000d\\n' "$i"
    [[ $i != 350 ]] || printf 'roadie:\\tapplied\\tx\\n'
  done
  echo the reason
}
print | (bounded) >"${P}/said"
"""


def test_what_a_program_prints_is_bounded_but_for_its_answers_and_its_last_words(shell):
    shell.run(PRINTS_TOO_MUCH)
    lines = shell.path("said").read_text().splitlines()
    assert lines[0] == "0" * 4000 and lines[200] == f"{200:04000}"
    assert (lines.count("roadie:\tapplied\tx"), lines[-1]) == (1, "the reason")
    assert len(lines) < 360
    shell.run('printf "one\\ntwo" | (bounded) >"${P}/said"')
    assert shell.path("said").read_text() == "one\ntwo"


def test_a_disk_that_is_read_only_is_named_with_every_failure(shell):
    body = "disk_is_locked && say fact locked; eval \"$(declare -f disk_is_locked | sed 's/-w/! -w/')\"\n"
    assert shell.run(f"{body}change step false") == [("failed", "step")]
    assert "is mounted read-only" in shell.detail
