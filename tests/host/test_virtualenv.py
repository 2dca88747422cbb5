"""A virtualenv is complete or absent. The user who builds it cannot write to it afterwards."""

from __future__ import annotations

import io
import platform
import re
import tarfile
import zipfile

import pytest
from desk import browse, eventually
from invoke.util import yaml
from projects import commit, settings
from told import last_run

VENVS = "/srv/guestbook/venvs"
CACHE = "/var/cache/roadie/guestbook"
UV = "/usr/local/lib/roadie/uv-*"
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
trap = "/var/tmp/trap"
for path in set(re.findall("(/srv/guestbook/venvs/[^/]+/bin)/python", said)):
    if os.access(path, os.W_OK) and not os.path.lexists(trap):
        os.rename(path, trap)
        os.symlink(trap, path)
setup(name="evil", version="1.0", py_modules=[])
"""
# It changes all that it can reach of what a later build may use, and the settings of pip and uv there.
POISON = """
import os, pwd, re
from setuptools import setup
bad = "[global]\\nfind-links = /var/tmp/attacker\\n"
homes = {os.path.expanduser("~"), pwd.getpwuid(os.getuid()).pw_dir, "/var/cache/roadie/guestbook"}
for path in [os.path.join(home, ".config/pip/pip.conf") for home in homes]:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "w").write(bad)
    except OSError:
        pass
for top in [*homes, "/usr/local/lib/roadie"]:
    for folder, _, names in os.walk(top):
        for path in [os.path.join(folder, name) for name in names]:
            try:
                if path.endswith("six.py"):
                    open(path, "a").write("POISONED = 1\\n")
                elif path.endswith(".whl") and "/wheels/python" in path:
                    open(path, "w").write("")
                elif re.search("/uv(-[0-9.]+)?$", path) and not os.path.exists(path + ".real"):
                    os.rename(path, path + ".real")
                    open(path, "w").write('#!/bin/sh\\ntouch /var/tmp/uv-was-mine\\nexec "$0.real" "$@"\\n')
                    os.chmod(path, 0o755)
            except OSError:
                pass
setup(name="evil", version="1.0", py_modules=[])
"""
# It hands a process of the site's user a file of the virtualenv that it may still write to.
GIVER = """
import os, re, socket
from setuptools import setup
said = os.popen("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\\\0' '\\\\n'").read()
for folder in set(re.findall("(/srv/guestbook/venvs/[^/]+)/bin/python", said)):
    try:
        given = open(folder + "/bin/given", "w")
    except OSError:
        continue
    given.write("as built")
    given.flush()
    to = socket.socket(socket.AF_UNIX)
    to.connect("/var/tmp/gift")
    socket.send_fds(to, [b"x"], [given.fileno()])
setup(name="evil", version="1.0", py_modules=[])
"""
# The process of the site's user: it takes what it is given, and writes into it when it is told to.
TAKER = """
import os, socket, time
at = socket.socket(socket.AF_UNIX)
at.bind("/var/tmp/gift")
os.chmod("/var/tmp/gift", 0o777)
at.listen()
at.settimeout(0.1)
held = []
while True:
    try:
        held += socket.recv_fds(at.accept()[0], 1, 1)[1]
        open("/var/tmp/held", "w").close()
    except TimeoutError:
        pass
    if held and os.path.exists("/var/tmp/now"):
        for fd in held:
            os.pwrite(fd, b"as the app", 0)
        open("/var/tmp/written", "w").close()
        break
"""
# A package that counts how often it is built.
COUNTED = """
import sys
from setuptools import setup
if "bdist_wheel" in sys.argv:
    print("built", file=open("/var/tmp/builds", "a"))
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


def put_wheel(host, folder, name, version, files, tag="py3-none-any"):
    """Put a wheel of this package into a folder of the host."""
    out, about = io.BytesIO(), f"{name}-{version}.dist-info"
    with zipfile.ZipFile(out, "w") as wheel:
        for path, text in {
            **files,
            f"{about}/WHEEL": f"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: {tag}\n",
            f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{about}/RECORD": "",
        }.items():
            member = zipfile.ZipInfo(path)
            member.external_attr = 0o100755 << 16
            wheel.writestr(member, text)
    host.ssh(f"mkdir -p {folder}")
    (host.tree / folder[1:] / f"{name}-{version}-{tag}.whl").write_bytes(out.getvalue())


def require(desk, *lines):
    """Commit more lines of requirements to the project."""
    path = desk.project / "requirements.txt"
    path.write_text("\n".join([*path.read_text().split("\n"), *lines, ""]))
    commit(desk.project)


def known(project):
    """The settings of this project."""
    return yaml.safe_load((project / "fabric.yaml").read_text())["roadie"]


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
    return host.ssh(f"find {VENVS} {CACHE} -type f -links +1").stdout


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


@pytest.mark.third(0)
def test_where_uv_cannot_be_had_pip_does_it_and_that_is_remembered(bootstrapped):
    host = bootstrapped.host
    host.put("uv==0\n", "/etc/no-uv.txt")
    host.ssh("printf '[install]\\nconstraint = /etc/no-uv.txt\\n' >>/etc/pip.conf")
    host.ssh(f"rm -r {UV} {VENVS}/*/.complete")
    bootstrapped.does("bootstrap")
    assert installers(host) == {"pip"}
    host.ssh(f"sed -i '/^.install/,$d' /etc/pip.conf && rm {VENVS}/*/.complete")
    bootstrapped.does("bootstrap")
    assert installers(host) == {"pip"}
    host.ssh(f"touch -d '8 days ago' {CACHE}/no-uv-* && rm {VENVS}/*/.complete")
    bootstrapped.does("bootstrap")
    assert installers(host) == {"uv"}
    assert host.ssh(f"ls -d {CACHE}/*uv-* {UV}", check=False).stdout.count("uv-") == 1


def test_a_requirement_that_no_index_has_is_named_and_leaves_what_is_there(bootstrapped):
    host = bootstrapped.host
    before = venvs(host)
    require(bootstrapped, "no-such-thing-at-all==1.0")
    done = bootstrapped.fab("bootstrap")
    assert done.code == 6, done.text
    assert "requirements.txt: no index has no-such-thing-at-all==1.0 for this Python" in done.last_line
    assert len(done.last_line) < 250 and "Could not find a version" in done.err
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
    owners = host.ssh("stat -c %U /var/tmp/trap/*").stdout.split()
    assert set(owners) == {"guestbook-build"}


@pytest.mark.third(2)
def test_what_a_package_changes_while_it_is_built_reaches_no_later_build(bootstrapped):
    host, path = bootstrapped.host, bootstrapped.project / "requirements.txt"
    clean = path.read_text()
    put_wheel(host, "/var/tmp/attacker", "toml", "9.9", {"toml.py": ""})
    require(bootstrapped, "six==1.17.0")
    bootstrapped.does("bootstrap")
    require(bootstrapped, serve(host, POISON))
    bootstrapped.does("bootstrap")
    before = venvs(host)
    path.write_text(clean)
    require(bootstrapped, "six==1.17.0", "toml")
    bootstrapped.does("bootstrap")
    [made] = venvs(host) - before
    assert host.ssh(f"grep -rl POISONED {VENVS}/{made}", check=False).stdout == ""
    assert host.ssh("ls /var/tmp/uv-was-mine", check=False).stdout == ""
    assert host.ssh(f"find {CACHE} {UV} ! -user root", check=False).stdout == ""
    assert host.ssh(f"ls -d {VENVS}/{made}/lib/python3*/site-packages/toml-*").stdout.count("toml-9.9") == 0
    assert installers(host, made) == {"uv"}


def test_a_file_that_a_package_gives_away_while_it_is_built_is_not_the_one_that_root_takes(deployed):
    host = deployed.host
    before = venvs(host)
    host.put(TAKER, "/var/tmp/taker.py")
    host.ssh("systemd-run -q --unit=taker -p User=guestbook python3 /var/tmp/taker.py")
    assert eventually(lambda: host.ssh("ls /var/tmp/gift", check=False).stdout)
    require(deployed, serve(host, GIVER))
    deployed.does("bootstrap")
    [made] = venvs(host) - before
    host.ssh("ls /var/tmp/held && touch /var/tmp/now")
    assert eventually(lambda: host.ssh("ls /var/tmp/written", check=False).stdout)
    assert host.ssh(f"cat {VENVS}/{made}/bin/given").stdout == "as built"


def test_a_uv_of_another_hash_is_not_run(bootstrapped):
    host = bootstrapped.host
    touch = "#!/bin/sh\ntouch /var/tmp/uv-was-mine\n"
    tag = f"py3-none-manylinux_2_41_{platform.machine()}"  # pip prefers the newest
    put_wheel(host, "/var/tmp/mirror", "uv", "0.13.9", {"uv-0.13.9.data/scripts/uv": touch}, tag)
    host.ssh("printf '[install]\\nfind-links = /var/tmp/mirror\\n' >>/etc/pip.conf")
    host.ssh(f"rm -r {UV} {CACHE}/uv-* {VENVS}/*/.complete", check=False)
    bootstrapped.does("bootstrap")
    assert installers(host) == {"pip"}
    assert host.ssh("ls /var/tmp/uv-was-mine", check=False).stdout == ""


@pytest.mark.third(0)
def test_builds_get_the_proxies_of_the_host_and_the_app_does_not(deployed):
    host = deployed.host
    folder = host.tree / "root/http:/packages.invalid"
    folder.mkdir(parents=True)
    (folder / "evil-1.0.tar.gz").write_bytes(
        sdist('from setuptools import setup\nsetup(name="evil", version="1.0", py_modules=[])\n')
    )
    serve(host, "")  # http.server hands out the path of a whole address, as a proxy does
    for name, installer, *more in (("http_proxy", "uv"), ("export HTTP_PROXY", "pip", "six==1.17.0")):
        host.put(f'{name}="http://127.0.0.1:8099"\n', "/etc/environment")
        before = venvs(host)
        settings(deployed.project, **{**known(deployed.project), "installer": installer})
        require(deployed, "evil @ http://packages.invalid/evil-1.0.tar.gz", *more)
        deployed.does("deploy")
        [made] = venvs(host) - before
        assert installers(host, made) == {installer}
    assert "_proxy" not in host.ssh("cat /proc/$(pgrep -o -u guestbook)/environ").stdout.lower()


def test_settings_for_builds_that_a_package_may_have_written_are_refused_and_roots_own_are_used(bootstrapped):
    host, path = bootstrapped.host, f"{CACHE}/.config/pip/pip.conf"
    host.ssh(f"mkdir -p {CACHE}/.config/pip {CACHE}/.cache/uv && rm {VENVS}/*/.complete")
    host.put("[install]\nno-index = yes\n", path)
    host.ssh(f"chmod 700 {CACHE} && chown -R guestbook-build: {CACHE}")  # as an earlier roadie had it
    done = bootstrapped.fab("bootstrap")
    assert done.code == 6, done.text
    assert f"virtualenv: {CACHE}/.config: not all of it is a plain file of root's" in done.text
    host.ssh(f"chown -R root: {CACHE}/.config && chmod 600 {path}")
    done = bootstrapped.fab("bootstrap")
    assert done.code == 6 and "no index has " in done.last_line, done.text
    host.put("[install]\nretries = 4\n", path)
    bootstrapped.does("bootstrap")
    assert installers(host) == {"uv"}
    assert host.ssh(f"find {CACHE} ! -user root").stdout == ""


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_an_index_cannot_bring_another_file_in_the_place_of_a_pin_of_roadies(bootstrapped, installer):
    host = bootstrapped.host
    put_wheel(host, "/var/tmp/mirror", "mysqlclient", "2.3.1", {"MySQLdb/evil.py": ""})
    host.ssh("printf '[install]\\nfind-links = /var/tmp/mirror\\n' >>/etc/pip.conf")
    host.ssh(f"rm -rf {VENVS}/*/.complete {CACHE}/*")
    settings(bootstrapped.project, **{**known(bootstrapped.project), "installer": installer})
    commit(bootstrapped.project)
    bootstrapped.does("bootstrap")
    assert installers(host) == {installer}
    assert host.ssh(f"find {VENVS}/*/lib -path '*MySQLdb/evil.py'").stdout == ""


@pytest.mark.third(2)
def test_a_package_that_was_built_from_source_serves_the_next_virtualenv(bootstrapped):
    host, mirror = bootstrapped.host, bootstrapped.host.tree / "var/tmp/mirror"
    mirror.mkdir()
    (mirror / "evil-1.0.tar.gz").write_bytes(sdist(COUNTED))
    host.ssh("printf '[install]\\nfind-links = /var/tmp/mirror\\n' >>/etc/pip.conf")
    host.ssh("touch /var/tmp/builds && chmod 666 /var/tmp/builds")
    for more in ("evil==1.0", "six==1.17.0"):
        before = venvs(host)
        require(bootstrapped, more)
        bootstrapped.does("bootstrap")
        [made] = venvs(host) - before
        assert host.ssh(f"ls -d {VENVS}/{made}/lib/python3*/site-packages/evil-1.0.dist-info").stdout
        assert installers(host, made) == {"uv"}
        assert host.ssh("cat /var/tmp/builds").stdout == "built\n"


@pytest.mark.third(1)
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


def own_package(folder, name):
    """Write a package that reads a file of its folder, which no wheel of the package has."""
    (folder / name).mkdir(parents=True)
    (folder / name / "word").write_text(name)
    (folder / name / "__init__.py").write_text(
        "from pathlib import Path\nWORD = Path(__file__).with_name('word').read_text()\n"
    )


def test_packages_of_the_projects_own_are_imported_from_the_release(bootstrapped):
    host, project = bootstrapped.host, bootstrapped.project
    own_package(project / "greeting", "greeting")
    own_package(project / "libs/farewell/src", "farewell")
    setup = "from setuptools import setup\nsetup(name='greeting', version='7', packages=['greeting'])\n"
    (project / "greeting/setup.py").write_text(setup)
    (project / "libs/farewell/pyproject.toml").write_text(
        "[project]\nname = 'farewell'\nversion = '8'\ndependencies = ['six==1.17.0']\n"
    )
    settings(project, **known(project), extra_requirements=["-e ./libs/farewell"])
    require(bootstrapped, "-e ./greeting")
    assert "0 changed" in bootstrapped.does("bootstrap").out
    bootstrapped.does("deploy")
    asked = (
        "import farewell, greeting, six; from importlib.metadata import version; "
        "print(greeting.WORD, greeting.__file__, version('greeting'));"
        "print(farewell.WORD, farewell.__file__, version('farewell'))"
    )
    out = bootstrapped.does("manage", "shell", "-c", asked).out
    code = host.ssh("readlink -f /srv/guestbook/live/release/code").stdout.strip()
    assert f"greeting {code}/greeting/greeting/__init__.py 7\n" in out
    assert f"farewell {code}/libs/farewell/src/farewell/__init__.py 8\n" in out
    assert browse(host, "/healthz").status == 200


@pytest.mark.parametrize("suite", ["bookworm"])
def test_on_python_3_11_old_packages_find_setuptools(bootstrapped):
    assert bootstrapped.host.ssh(f"{VENVS}/*/bin/python -c 'import pkg_resources'").stderr == ""


def test_a_python_that_is_not_there_is_named(bootstrapped, desk):
    done = desk(bootstrapped.host, python="/opt/python/bin/python3.12").fab("bootstrap")
    assert (done.code, "/opt/python/bin/python3.12" in done.last_line) == (6, True), done.text
