"""What a release is made of, so that a deploy does all that is new and nothing else."""

import projects
import pytest
from roadie.project.workspace import at_ref
from roadie.release.record import differences, make_release
from roadie.scripts import stages
from roadie.scripts.stage import Stage
from roadie.scripts.stages import DEPLOY
from roadie.settings.reading import load

OWN = Stage("warm", "Warm the cache.", "stages/warm.sh.j2")


@pytest.fixture
def fingerprint(tmp_path):
    """Returns the fingerprint of a release with these stages."""
    folder = projects.startproject(tmp_path / "mysite")
    script = folder / "roadie-templates/stages/warm.sh.j2"
    script.parent.mkdir(parents=True)

    def of(*sequence, text="true", **values):
        script.write_text(text)
        stages.use(deploy=sequence)
        work = at_ref(load({"domain": "a.org", **values}, "fabric.yaml", folder), "HEAD")
        return make_release(work, {**work.values, "secrets": {}}).fingerprint

    yield of
    stages.use(deploy=DEPLOY)


def test_a_stage_of_ones_own_is_a_part_of_the_release(fingerprint):
    bare, with_own, changed = (
        fingerprint(*DEPLOY),
        fingerprint(*DEPLOY, OWN),
        fingerprint(*DEPLOY, OWN, text="false"),
    )
    assert differences(with_own, bare) == ["your own stages"]
    assert differences(changed, with_own) == ["your own stages"]
    assert differences(bare, with_own) == ["your own stages"]
    assert differences(bare, bare) == differences(changed, changed) == []
    assert bare == fingerprint(*DEPLOY)


@pytest.mark.parametrize(
    "values",
    [
        {"env": {"MAIL_HOST": "localhost"}},
        {"env_names": {"debug": "MY_DEBUG"}},
        {"redis": True},
        {"domain": ["a.org", "b.org"]},
        {"tls": "self-signed"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_another_value_in_the_environment_is_another_release(fingerprint, values):
    assert "settings" in differences(fingerprint(*DEPLOY, **values), fingerprint(*DEPLOY))
