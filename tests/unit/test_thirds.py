"""A run of all tests has one third of what takes long. The three thirds together have all of it."""

from pathlib import Path

import pytest
import thirds
from cuts import Step, Turns

STEPS = [Step("run", "stage", f"step {number}", "cut") for number in range(20)]


def cut_in(third, monkeypatch, **options):
    """Return the steps that a run with this third cuts."""
    monkeypatch.setenv("TEST_THIRD", third)
    turns = Turns(7, **options)
    return {step.what for step in STEPS if turns.take(step, is_due=step is STEPS[5])}


def test_the_thirds_cut_every_step_and_some_steps_each_time(monkeypatch):
    parts = [cut_in(third, monkeypatch) for third in "012"]
    assert set().union(*parts) == cut_in("all", monkeypatch) == {step.what for step in STEPS}
    assert set.intersection(*parts) == {"step 5"}
    assert max(map(len, parts)) <= 8


def test_a_test_that_cuts_few_steps_cuts_as_many_in_a_third(monkeypatch):
    assert cut_in("1", monkeypatch, every=4) == cut_in("all", monkeypatch, every=4)


@pytest.mark.parametrize(
    ("said", "numbers"), [("0", {0, 3, 6}), ("2", {2, 5}), ("all", set(range(7))), ("", set(range(7)))]
)
def test_a_run_has_the_things_of_its_third(monkeypatch, said, numbers):
    monkeypatch.setenv("TEST_THIRD", said)
    assert {number for number in range(7) if thirds.has(number)} == numbers


def test_each_thing_has_its_turn_with_each_of_the_thirds(monkeypatch):
    for count in (2, 3):
        things, met = "abc"[:count], set()
        for commits in range(100, 100 + 3 * count):
            monkeypatch.setattr(thirds, "_commits", lambda commits=commits: commits)
            met.add((commits % thirds.COUNT, thirds.in_turn(things)))
            assert len({thirds.in_turn(things, shift) for shift in range(count)}) == count
        assert len(met) == 3 * count


def test_no_variable_for_the_tests_is_taken_for_a_setting():
    """Each fab that a test runs gets the variables of the tests too, and refuses an unknown ROADIE_<KEY>."""
    files = Path(thirds.__file__).parent.glob("*.py")
    assert [path.name for path in files if 'environ.get("ROADIE_' in path.read_text()] == []
