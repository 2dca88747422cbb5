"""uv gets the options of pip's configuration and of the project. Where uv cannot have them, pip installs."""

import ast
import runpy
import subprocess
import sys

import pytest
from roadie.scripts.render import TEMPLATES

ours = runpy.run_path(str(TEMPLATES / "virtualenv/with_uv.py"))
PipOnly = ours["PipOnly"]


def settings(tmp_path, *texts):
    """Write these texts to pip's configuration files, and return the configuration. The last file wins."""
    paths = [tmp_path / f"{number}.conf" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return ours["configured"]([*paths, tmp_path / "none.conf"])


def refusal(call, *args):
    with pytest.raises(PipOnly) as caught:
        call(*args)
    return str(caught.value)


def test_the_users_file_wins_over_the_hosts_and_install_over_global(tmp_path):
    found = settings(
        tmp_path,
        "[global]\nindex-url = https://a\ntimeout = 5\n[install]\npre = yes\n",
        "[global]\nindex_url = https://b\npre = no\n[list]\nformat = json\n",
    )
    assert found == {"index-url": "https://b", "timeout": "5", "pre": "yes"}


def test_an_index_and_its_password_reach_uv_by_its_environment_alone(tmp_path):
    index = "index-url = https://me:pw@a/simple\nextra-index-url =\n  https://b\n  https://c\n"
    asked = settings(tmp_path, f"[global]\n{index}trusted-host = b c\n")
    variables, arguments = ours["translated"](asked)
    assert variables == {
        "UV_DEFAULT_INDEX": "https://me:pw@a/simple",
        "UV_EXTRA_INDEX_URL": "https://b https://c",
        "UV_INSECURE_HOST": "b c",
    }
    assert arguments == []


def test_other_options_that_uv_has_are_translated(tmp_path):
    files = "find-links = /a /b\ncert = /c\n"
    asked = settings(
        tmp_path, f"[install]\nno-binary = lxml,pq\nno-index = true\npre = 0\nno-input = 1\n{files}"
    )
    variables, arguments = ours["translated"](asked)
    assert variables == {"UV_FIND_LINKS": "/a,/b", "SSL_CERT_FILE": "/c"}
    assert arguments == ["--no-binary=lxml", "--no-binary=pq", "--no-index"]


@pytest.mark.parametrize("text", ["user = yes", "no-build-isolation = 1", "pre = perhaps", "use-feature = x"])
def test_pip_installs_where_uv_lacks_an_option(tmp_path, text):
    asked = settings(tmp_path, f"[global]\n{text}\n")
    assert text.split()[0] in refusal(ours["translated"], asked)


def test_pip_installs_where_its_configuration_cannot_be_read(tmp_path):
    assert "cannot be read" in refusal(settings, tmp_path, "index-url = https://a\n")


def test_hashes_are_demanded_of_all_as_pip_does():
    assert ours["judge"](["-r", "-c", "--hash", "--index-url"], {}) == ["--require-hashes"]
    assert ours["judge"](["-e", "-f"], {}) == []


@pytest.mark.parametrize("option", ["--pre", "--config-settings", "--trusted-host", "-x"])
def test_pip_installs_where_uv_reads_an_option_of_the_requirements_otherwise(option):
    assert refusal(ours["judge"], [option], {})


def test_pip_installs_where_project_and_configuration_both_name_an_index():
    assert "index-url" in refusal(ours["judge"], ["-i"], {"index-url": "https://a"})


def become(uv, home, options, wheels=""):
    """Run with_uv.py with this program as uv."""
    script = TEMPLATES / "virtualenv/with_uv.py"
    argv = [sys.executable, "-I", "-S", script, uv, wheels, options, "-r", "a file"]
    return subprocess.run(argv, env={"HOME": str(home), "KEPT": "1"}, capture_output=True, text=True)


@pytest.fixture
def uv(tmp_path):
    """A program that prints its arguments and environment."""
    path = tmp_path / "uv"
    path.write_text(f"#!{sys.executable}\nimport os, sys\nprint([sys.argv[1:], dict(os.environ)])\n")
    path.chmod(0o755)
    return path


def test_uv_gets_the_variables_and_the_arguments(uv, tmp_path):
    (tmp_path / ".pip").mkdir()
    index = "https://me:p'w $x@a/simple"
    (tmp_path / ".pip/pip.conf").write_text(f"[global]\nindex-url = {index}\nno-binary = lxml\ncert = /c\n")
    arguments, environment = ast.literal_eval(become(uv, tmp_path, "--hash,").stdout)
    into = ["pip", "install", "--python", sys.executable]
    assert arguments == [*into, "--require-hashes", "--no-binary=lxml", "-r", "a file"]
    found = [environment[name] for name in ("KEPT", "UV_DEFAULT_INDEX", "SSL_CERT_FILE", "UV_LINK_MODE")]
    assert found == ["1", index, "/c", "copy"]


def test_where_only_pip_will_do_it_ends_with_3_and_says_why(uv, tmp_path):
    done = become(uv, tmp_path, "--pre,")
    assert (done.returncode, done.stdout) == (3, "pip installs here, not uv: the requirements have --pre\n")


def test_kept_wheels_are_one_more_place_to_find_packages_in(uv, tmp_path):
    (tmp_path / ".pip").mkdir()
    (tmp_path / ".pip/pip.conf").write_text("[global]\nfind-links = /a\n")
    _, environment = ast.literal_eval(become(uv, tmp_path, "", "/kept").stdout)
    assert environment["UV_FIND_LINKS"] == "/a,/kept"
