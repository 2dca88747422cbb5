"""Secrets come from the sources in the settings, and never appear in output."""

import pytest
from roadie.errors import SettingsError
from roadie.settings.reading import load
from roadie.settings.secret_sources import Secret, resolve_secrets

VALUE = "hunter2 ' \" $x é"


def never(name):
    raise AssertionError(f"asked for {name}")


def resolve(root, ask=never, **sources):
    settings = load({"domain": "www.example.org", "secrets": sources}, "fabric.yaml", root)
    return {name: secret.reveal() for name, secret in resolve_secrets(settings, ask).items()}


def refusal(root, ask=never, **sources):
    with pytest.raises(SettingsError) as caught:
        resolve(root, ask, **sources)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_command_runs_in_the_folder_of_the_settings_and_its_last_line_end_goes(tmp_path):
    (tmp_path / "vault").write_text(f"{VALUE}\n")
    assert resolve(tmp_path, A={"command": "cat vault | cat"}) == {"A": VALUE}


def test_a_file_is_found_from_the_folder_of_the_settings(tmp_path):
    (tmp_path / "key").write_text("one\ntwo\r\n")
    assert resolve(tmp_path, A={"file": "key"}, B={"file": str(tmp_path / "key")}) == {
        "A": "one\ntwo",
        "B": "one\ntwo",
    }


def test_a_variable_of_a_pipeline_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("CI_KEY", f"{VALUE}\n")
    assert resolve(tmp_path, A={"env": "CI_KEY"}) == {"A": f"{VALUE}\n"}
    monkeypatch.setenv("CI_KEY", "")
    assert refusal(tmp_path, A={"env": "CI_KEY"}).startswith("secret A: came out empty")
    monkeypatch.delenv("CI_KEY")
    assert refusal(tmp_path, A={"env": "CI_KEY"}) == (
        "secret A: CI_KEY is not set in the environment of fab; export it, or have the pipeline set it"
    )


def test_what_is_to_be_typed_is_asked_for_by_name(tmp_path):
    assert resolve(tmp_path, ask=lambda name: f"{name}!", A={"prompt": True}) == {"A": "A!"}


def test_a_failing_command_is_one_line_and_its_output_is_not_shown(tmp_path, capfd):
    message = refusal(tmp_path, A={"command": "echo hunter2; echo locked >&2; exit 3"})
    assert (
        message == f"secret A: its command ended with exit status 3; run it yourself in {tmp_path} to see why"
    )
    assert capfd.readouterr() == ("", "locked\n")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "came out empty"),
        (b"\n", "came out empty"),
        (b"hunter2\0x", "holds a NUL character"),
        (b"hunter2\xff", "is not text in UTF-8; encode it: a key or a certificate as PEM, "),
    ],
)
def test_a_source_without_a_text_is_refused_unseen(tmp_path, content, says):
    (tmp_path / "key").write_bytes(content)
    message = refusal(tmp_path, A={"file": "key"})
    assert message.startswith(f"secret A: {says}")
    assert "hunter2" not in message


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert refusal(tmp_path, A={"file": "key"}).startswith(
        f"secret A: {tmp_path}/key cannot be read (No such file or directory)"
    )
    assert "Is a directory" in refusal(tmp_path, A={"file": "."})


def test_a_secret_shows_itself_nowhere():
    secret = Secret(VALUE)
    shown = f"{secret} {secret!r} {secret:>9} {[secret]} " + str({"a": secret})
    assert "hunter2" not in shown
    assert shown.startswith("*** *** *** [***] ")
    assert secret == Secret(VALUE) != Secret("other")
