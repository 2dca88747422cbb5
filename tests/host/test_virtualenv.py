"""A virtualenv is complete or absent. The user who builds it cannot write to it afterwards."""

from __future__ import annotations

import io
import re
import tarfile

import pytest
from desk import browse, eventually
from projects import commit
from told import last_run

VENVS = "/srv/guestbook/venvs"
# Attacks that a package could try during its build: to leave a process, to mark the virtualenv as complete,
# to leave itself a way back, to reach the virtualenv of the release before.
EVIL = """
import os, re, subprocess
from setuptools import setup
said = os.popen("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\\\0' '\\\\n'").read()
os.chdir(re.search("(/srv/guestbook/venvs/[^/]+)/bin/python", said)[1])
if not os.path.exists("bin/way-back"):
    os.symlink("/etc/passwd", ".complete")
    open("bin/way-back", "w").write("#!/bin/sh")
    os.chmod("bin/way-back", 0o6777)
    os.mkfifo("bin/pipe")
    stay = "while :; do echo x >>bin/still-here; done"
    quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.Popen(["setsid", "bash", "-c", stay], **quiet)
for path in ("/srv/guestbook/shared/secrets", "/var/lib/roadie/sites", "/run/roadie", "/var/log/roadie"):
    if os.access(path, os.R_OK):
        raise SystemExit("evil can read " + path)
for path in ("LAST", "LAST/bin/python", "LAST/lib"):
    if any(os.access(path, way) for way in (os.R_OK, os.W_OK, os.X_OK)):
        raise SystemExit("evil can reach " + path)
if os.getuid() == 0 or os.access("/srv/guestbook/venvs", os.W_OK):
    raise SystemExit("evil has root's rights")
setup(name="evil", version="1.0", py_modules=[])
"""
# A package that puts a link to its own folder in place of the virtualenv's folder of programs.
GREEDY = """
import os, re
from setuptools import setup
said = os.popen("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\\\0' '\\\\n'").read()
trap = os.path.expanduser("~/trap")
for path in set(re.findall("(/srv/guestbook/venvs/[^/]+/bin)/python", said)):
    if os.access(path, os.W_OK) and not os.path.lexists(trap):
        os.rename(path, trap)
        os.symlink(trap, path)
setup(name="evil", version="1.0", py_modules=[])
"""
BROKEN = "raise SystemExit('no headers of libmissing')"


def sdist(text):
    """Return a source distribution with this setup.py, as bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo("evil-1.0/setup.py")
        info.size = len(text.encode())
        tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def serve(host, text):
    """Serve that package on the host itself. Return the lines of requirements that ask for it."""
    (host.tree / "root/evil-1.0.tar.gz").write_bytes(sdist(text))
    host.ssh("systemd-run -q --unit=index python3 -m http.server -b 127.0.0.1 -d /root 8099")
    assert eventually(lambda: "LISTEN" in host.ssh("ss -Hltn sport = :8099").stdout)
    return "evil @ http://127.0.0.1:8099/evil-1.0.tar.gz"


def require(desk, *lines):
    """Commit more lines of requirements to the project."""
    path = desk.project / "requirements.txt"
    path.write_text("\n".join([*path.read_text().split("\n"), *lines, ""]))
    commit(desk.project)


def installers(host, virtualenv="*"):
    """Return the programs that installed the packages of virtualenvs."""
    return set(
        host.ssh(
            f"grep -h . {VENVS}/{virtualenv}/lib/python3*/site-packages/*.dist-info/INSTALLER"
        ).stdout.split()
    )


def contents(host, virtualenv):
    """Return a virtualenv's files with their modes, without the files that record an installation."""
    own = "INSTALLER|RECORD|REQUESTED|uv_build.json|uv_cache.json|direct_url.json"
    listed = host.ssh(
        f"cd {VENVS}/{virtualenv} && find . -printf '%M %u %g %P %l\\n' | grep -vE '/({own}) *$'"
    ).stdout
    return set(listed.splitlines())


def fingerprint(host, virtualenv):
    """Return one hash of the contents, times and modes of all files of a virtualenv."""
    files = f"find {VENVS}/{virtualenv} -type f"
    return host.ssh(
        f"{{ {files} -printf '%P %m %u %g %T@\\n'; {files} -exec sha256sum {{}} +; }} | sort | md5sum"
    ).stdout


def shared(host):
    """Return files that virtualenvs share, with each other or with a cache, by hard links."""
    return host.ssh(f"find {VENVS} /var/cache/roadie/guestbook -type f -links +1").stdout


def venvs(host):
    """Return the names of the virtualenvs and of everything else in their folder."""
    return set(host.ssh(f"ls {VENVS}").stdout.split())


def test_uv_builds_what_pip_would_and_keeps_no_hold_of_it(bootstrapped, desk):
    host = bootstrapped.host
    [made] = venvs(host)
    by_uv = contents(host, made)
    assert installers(host) == {"uv"}
    assert shared(host) == ""
    host.ssh(f"rm {VENVS}/{made}/.complete")
    desk(host, installer="pip").does("bootstrap")
    assert installers(host, made) == {"pip"}
    assert contents(host, made) ^ by_uv == set()


def test_where_uv_cannot_be_had_pip_does_it_and_that_is_remembered(bootstrapped):
    host = bootstrapped.host
    host.put("uv==0\n", "/etc/no-uv.txt")
    host.ssh("printf '[install]\\nconstraint = /etc/no-uv.txt\\n' >>/etc/pip.conf")
    host.ssh(f"cd /var/cache/roadie/guestbook && rm -r uv-* && rm {VENVS}/*/.complete")
    bootstrapped.does("bootstrap")
    assert installers(host) == {"pip"}
    host.ssh(f"sed -i '/^.install/,$d' /etc/pip.conf && rm {VENVS}/*/.complete")
    bootstrapped.does("bootstrap")
    assert installers(host) == {"pip"}
    host.ssh(f"touch -d '8 days ago' /var/cache/roadie/guestbook/no-uv-* && rm {VENVS}/*/.complete")
    bootstrapped.does("bootstrap")
    assert installers(host) == {"uv"}
    assert host.ssh("ls -d /var/cache/roadie/guestbook/*uv-*").stdout.count("uv-") == 1


def test_requirements_that_fail_are_told_in_pips_words_and_leave_what_is_there(bootstrapped):
    host = bootstrapped.host
    before = venvs(host)
    require(bootstrapped, "no-such-thing-at-all==1.0")
    done = bootstrapped.fab("bootstrap")
    assert done.code == 6, done.text
    assert "no-such-thing-at-all" in done.last_line and "requirements.txt: ERROR" in done.last_line
    [whole] = before
    assert host.ssh(f"{VENVS}/{whole}/bin/python -c 'import django, gunicorn, MySQLdb'").stderr == ""


def test_a_package_that_cannot_be_built_is_named_with_its_own_last_words(bootstrapped):
    require(bootstrapped, serve(bootstrapped.host, BROKEN))
    done = bootstrapped.fab("bootstrap")
    assert (done.code, "evil: no headers of libmissing" in done.last_line) == (6, True), done.text
    assert "packages:" in done.last_line


def test_what_a_package_does_while_it_is_built_ends_with_the_build(bootstrapped):
    host = bootstrapped.host
    [last] = venvs(host)
    before = fingerprint(host, last)
    require(bootstrapped, serve(host, EVIL.replace("LAST", f"{VENVS}/{last}")))
    bootstrapped.does("bootstrap")
    [made] = venvs(host) - {last}
    assert fingerprint(host, last) == before
    path = f"{VENVS}/{made}"
    assert host.ssh("pgrep -u guestbook-build -a", check=False).stdout == ""
    assert (
        host.ssh(f"test -e {path}/bin/way-back && ! test -L {path}/.complete && echo yes").stdout == "yes\n"
    )
    strange = r"! -user root -o ! -group guestbook -o ! -type l -perm /7027 -o ! -type f ! -type d ! -type l"
    assert host.ssh(f"find {path} {strange}").stdout == ""
    assert "0 changed" in bootstrapped.does("bootstrap").out


def test_a_build_that_was_cut_is_done_again(bootstrapped):
    host = bootstrapped.host
    host.ssh(f"rm {VENVS}/*/.complete && rm -r {VENVS}/*/lib/python3*/site-packages/django")
    bootstrapped.does("bootstrap")
    assert {stage for stage, _ in last_run(host).said("changed")} == {"virtualenv"}
    assert host.ssh(f"{VENVS}/*/bin/python -c 'import django'").stderr == ""


def test_a_build_that_is_killed_leaves_the_site_as_it_was(deployed):
    host = deployed.host
    require(deployed, "six==1.17.0")
    with deployed.started("bootstrap") as process:
        assert eventually(lambda: host.ssh("pgrep -u guestbook-build", check=False).stdout, 60)
        host.ssh("pkill -KILL -f '^bash /run/roadie/'")
        process.kill()
    assert browse(host, "/healthz").status == 200
    assert len(host.ssh(f"ls {VENVS}/*/.complete").stdout.split()) == 1
    deployed.does("bootstrap")
    assert len(host.ssh(f"ls {VENVS}/*/.complete").stdout.split()) == 2
    assert len(venvs(host)) == 2
    assert re.search(r": 0 changed", deployed.does("bootstrap").out)


def test_root_changes_nothing_behind_a_link_that_a_package_puts_in_place_of_a_folder(bootstrapped):
    host = bootstrapped.host
    require(bootstrapped, serve(host, GREEDY))
    bootstrapped.fab("bootstrap")
    owners = host.ssh("stat -c %U /var/cache/roadie/guestbook/trap/*").stdout.split()
    assert set(owners) == {"guestbook-build"}


def test_one_more_requirement_comes_to_a_virtualenv_that_has_nothing_of_the_last(deployed):
    host = deployed.host
    [last] = venvs(host)
    before = fingerprint(host, last)
    host.ssh(f"cp -al {VENVS}/{last} {VENVS}/{last}.links")  # an earlier roadie left such a copy
    require(deployed, "six==1.17.0")
    deployed.does("deploy")
    [made] = venvs(host) - {last}
    assert fingerprint(host, last) == before
    assert shared(host) == ""
    python = f"{VENVS}/{made}/bin/python"
    loud = host.ssh(f"{python} -B -v -c 'import django.forms, gunicorn.app.base, six'").stderr
    assert "six.py" in loud and not re.search(r"code object from '/srv[^']*\.py'", loud)
    assert (
        host.ssh(f"head -qn 1 {VENVS}/{made}/bin/{{django-admin,gunicorn}} | sort -u").stdout
        == f"#!{python}\n"
    )
    deployed.does("rollback")
    assert browse(host, "/healthz").status == 200
    deployed.does("deploy")
    host.ssh(f"rm -r {VENVS}/{last}")
    assert host.ssh(f"{python} -c 'import django, MySQLdb, six'").stderr == ""
    assert browse(host, "/healthz").status == 200


def test_a_package_of_the_projects_own_is_built_by_deploy_from_its_tree(bootstrapped):
    host, own = bootstrapped.host, bootstrapped.project / "greeting"
    (own / "greeting").mkdir(parents=True)
    (own / "greeting/__init__.py").write_text("HELLO = 'hello'\n")
    (own / "setup.py").write_text(
        "from setuptools import setup\nsetup(name='greeting', packages=['greeting'])\n"
    )
    require(bootstrapped, "-e ./greeting")
    before = venvs(host)
    assert "0 changed" in bootstrapped.does("bootstrap").out
    bootstrapped.does("deploy")
    [made] = venvs(host) - before or venvs(host)
    out = host.ssh(
        f"cd / && {VENVS}/{made}/bin/python -c 'import greeting; print(greeting.HELLO, greeting.__file__)'"
    ).stdout
    assert out.startswith(f"hello {VENVS}/{made}/lib/")
    assert browse(host, "/healthz").status == 200


@pytest.mark.parametrize("suite", ["bookworm"])
def test_on_python_3_11_old_packages_find_setuptools(bootstrapped):
    assert bootstrapped.host.ssh(f"{VENVS}/*/bin/python -c 'import pkg_resources'").stderr == ""


def test_a_python_that_is_not_there_is_named(bootstrapped, desk):
    done = desk(bootstrapped.host, python="/opt/python/bin/python3.12").fab("bootstrap")
    assert (done.code, "/opt/python/bin/python3.12" in done.last_line) == (6, True), done.text
