"""A site by https: certificates of an authority, of the user, and of the host itself; no request is lost."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import standing
import thirds
from acme import DIRECTORY, ROOT, Authority
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cuts import Cut, Cuts, Turns, assert_nothing_changes
from desk import browse, eventually
from projects import commit, settings, startproject
from roadie.throwaway import nspawn
from visitors import Visitors
from within import assert_tidy

NAME, WWW, OTHER = "guestbook.example.org", "www.guestbook.example.org", "other.example.org"
MYSITE = "mysite.example.org"
PEM = "/var/lib/roadie/tls/guestbook.pem"
STANDING = ["authorities.pem", "guestbook.ca", "guestbook.pem"]
MADE = "find /etc/letsencrypt /var/lib/roadie/tls -name '*guestbook*'"
LINEAGE = "/etc/letsencrypt/archive/roadie-guestbook"
# Has the timer's own service renew what is not due yet.
FORCED = (
    "[Service]\nExecStart=\nExecStart=/usr/bin/certbot -q renew --force-renewal --no-random-sleep-on-renew\n"
)
#: kills a script of bash before the command with this number
CUT = """set -T; trap '[[ $((++commands)) != "${AT}" ]] || kill -KILL "$$"' DEBUG\n"""
TOOL = "/usr/local/lib/roadie/certificate"
#: has the lineage name the certificate with this number, as a renewal does
NAMES = """
cd /etc/letsencrypt/live/roadie-guestbook
for f in privkey fullchain; do ln -sf {archive}/${{f}}{n}.pem ${{f}}.pem; done
"""
#: what certbot leaves that is killed in its first work for a site
HALF = "cd /etc/letsencrypt && rm -r live/roadie-guestbook && : >renewal/roadie-guestbook.conf"
# An authority that says to everybody that they came too often.
LIMIT = """
import http.server, json, ssl
BODY = json.dumps({"type": "urn:ietf:params:acme:error:rateLimited", "status": 429, "detail":
    "too many certificates (5) already issued, retry after 2030-01-01 12:00:00 UTC"}).encode()
class Limit(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(429)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)
    do_HEAD = do_POST = do_GET
server = http.server.HTTPServer(("127.0.0.1", 14000), Limit)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/root/acme/server.pem", "/root/acme/server.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


@pytest.fixture
def authority(suite):
    """An authority on a host that serves the guestbook by http. DNS knows no name yet."""
    with standing.booted(standing.with_authority(suite), suite) as host:
        yield Authority(host)


@contextmanager
def another_host(host):
    """Yield the address of another host, which answers at port 80."""

    class Another(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *_):
            pass

    address = nspawn.addresses(host.slot)[0]
    with ThreadingHTTPServer((address, 80), Another) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield address
        server.shutdown()


def trusting(root=None):
    """What a browser trusts: this root, or any certificate."""
    context = ssl.create_default_context(cadata=root)
    if root is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def shown(host, domain=NAME):
    """Return the certificate that nginx shows for a name, as PEM."""
    with (
        socket.create_connection((host.address, 443), timeout=10) as plain,
        trusting().wrap_socket(plain, server_hostname=domain) as secured,
    ):
        return ssl.DER_cert_to_PEM_cert(secured.getpeercert(binary_form=True))


@pytest.mark.parametrize("suite", thirds.turns("trixie", "bookworm"))
def test_an_authoritys_certificate_comes_and_is_renewed_and_no_request_is_lost(authority, desk):
    host = authority.host
    site = desk(host, domain=[NAME, WWW], tls={"by": "letsencrypt", "directory": DIRECTORY, "ca": "root.pem"})
    (site.project / "root.pem").write_text(host.ssh(f"cat {ROOT}").stdout)
    commit(site.project)

    # No name leads here: the site stays on http, and roadie says what DNS says.
    told = site.does("bootstrap").text
    assert f"none can be had for {NAME}: DNS has no address for {NAME}; the site goes on by http" in told
    assert browse(host).status == 200 and site.fab("plan").code == 0
    assert "the site answers by http, as it has no certificate yet; run: fab tls" in site.does("status").out
    authority.points(NAME, host.address)
    with another_host(host) as address:
        authority.points(WWW, address)
        assert f"DNS leads {WWW} to {address}, where another host answers" in site.does("tls").text
    authority.points(WWW, host.address)

    # The authority is away, or has had enough: one line says so.
    authority.stop()
    done = site.fab("tls")
    assert done.code == 6 and "Connection refused; the site goes on by http" in done.last_line
    host.put(LIMIT, "/root/limit.py")
    host.ssh("systemd-run -q --unit=limit python3 /root/limit.py")
    assert eventually(lambda: "14000" in host.ssh("ss -Hltn").stdout)
    done = site.fab("tls")
    assert done.code == 6 and "too many certificates (5) already issued, retry after" in done.last_line
    host.ssh("systemctl stop limit")
    authority.start()
    assert browse(host).status == 200

    # The certificate comes while visitors do.
    with Visitors(host, right=lambda status, body: status in (200, 308)) as visitors:
        site.does("bootstrap")
    visitors.assert_content()
    trusted = trusting(authority.root_of_sites())
    assert browse(host, trusted=trusted).status == 200
    assert re.search(r": 0 changed", site.does("bootstrap").out) and site.fab("plan").code == 0
    led = browse(host, "/a?b=c", method="POST", body=b"a=b")
    assert (led.status, led.headers["location"]) == (308, f"https://{NAME}/a?b=c")
    assert browse(host, domain=WWW).headers["location"] == f"https://{WWW}/"
    led = browse(host, "/a", domain=WWW, trusted=trusted)
    assert led.headers["location"] == f"//{NAME}/a"
    assert led.headers["strict-transport-security"] == "max-age=3600"
    for name in NAME, WWW:
        assert browse(host, "/.well-known/acme-challenge/none", domain=name).status == 404
    assert host.ssh(f"stat -c '%a %U:%G' {PEM}").stdout == "600 root:root\n"

    # A release knows that it is served by https.
    done = site.does("deploy")
    assert f"serves https://{NAME}/" in done.out and "check --deploy" not in done.text
    answer = browse(host, "/admin/login/", trusted=trusted)
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=3600"
    assert re.search(r"certificate for 18\d\d days", site.does("status").out)

    # A renewal by certbot's timer, under load.
    before = shown(host)
    host.put(FORCED, "/etc/systemd/system/certbot.service.d/test.conf")
    host.ssh("systemctl daemon-reload && systemctl is-enabled certbot.timer")
    with Visitors(host, trusted=trusted) as visitors:
        host.ssh("systemctl start certbot.service")
        assert eventually(lambda: shown(host) != before)
    visitors.assert_content()
    assert re.search(r": 0 changed", site.does("tls").out)

    # Another site of the host stays as it is, and has no certificate.
    other = desk(host, app="other", domain=OTHER)
    other.does("site")
    other.does("nginx")
    assert browse(host, domain=OTHER).status == 503
    with pytest.raises(ssl.SSLError):
        shown(host, OTHER)

    # A certificate that ended is told, and replaced.
    number = host.ssh(f"ls {LINEAGE} | grep -c privkey").stdout.strip()
    for name, text in zip(("privkey", "fullchain"), ended(NAME, WWW), strict=True):
        host.put(text, f"{LINEAGE}/{name}{number}.pem")
    host.ssh(f"cat {LINEAGE}/privkey{number}.pem {LINEAGE}/fullchain{number}.pem >{PEM}")
    host.ssh("systemctl reload nginx")
    assert eventually(lambda: "its certificate ended" in site.fab("status").out)
    site.does("tls")
    assert browse(host, trusted=trusted).status == 200

    # Off, and back.
    desk(host, domain=[NAME, WWW], tls="off").does("bootstrap")
    assert browse(host).status == 200
    assert host.ssh(MADE).stdout == ""
    site.does("bootstrap")
    assert browse(host, trusted=trusted).status == 200

    site.does("rollback")
    host.reboot()
    assert eventually(lambda: is_up(host, trusted), 30)

    site.does("remove", "--yes")
    assert host.ssh(MADE).stdout == ""
    with pytest.raises(ssl.SSLError):
        shown(host)
    assert browse(host, domain=OTHER).status == 503


@pytest.mark.parametrize("suite", thirds.turns("bookworm", "trixie"))
def test_a_certificate_and_its_renewal_may_be_cut_at_every_step(authority, desk, seed):
    host = authority.host
    authority.points(NAME, host.address)
    site = desk(host, tls={"by": "letsencrypt", "directory": DIRECTORY, "ca": "root.pem"})
    (site.project / "root.pem").write_text(host.ssh(f"cat {ROOT}").stdout)
    commit(site.project)
    site.does("nginx")
    trusted = trusting(authority.root_of_sites())

    def answers(host):
        assert browse(host).status == 200 or browse(host, trusted=trusted).status == 200
        assert_tidy(host)

    turns = Turns(seed, (Cut.kill_controller, Cut.kill_worker))
    Cuts(site, ("tls",), turns, check=answers).all()
    turns.tell()
    assert_nothing_changes(site, "tls")
    assert browse(host, trusted=trusted).status == 200
    host.ssh(HALF)
    site.does("tls")
    assert host.ssh("cd /etc/letsencrypt && ls -d live/*/ renewal/*").stdout.split() == [
        "live/roadie-guestbook/",
        "renewal/roadie-guestbook.conf",
    ]

    # What certbot calls after a renewal is killed at each of its commands. A later run of the timer finishes.
    host.put(FORCED, "/etc/systemd/system/certbot.service.d/test.conf")
    host.ssh("systemctl daemon-reload && systemctl start certbot.service")
    host.ssh("rm /etc/systemd/system/certbot.service.d/test.conf && systemctl daemon-reload")
    host.put(CUT, "/root/cut.sh")
    count = int(host.ssh(f"ls {LINEAGE} | grep -c privkey").stdout)
    assert count > 1
    for at in range(1 + seed % 3, 99, 3):
        host.ssh(NAMES.format(archive=LINEAGE, n=count - at % 2))
        cut = f"RENEWED_LINEAGE=/etc/letsencrypt/live/roadie-guestbook AT={at} BASH_ENV=/root/cut.sh"
        code = host.ssh(f"env {cut} {TOOL} guestbook", check=False).returncode
        answers(host)
        host.ssh("systemctl start certbot.service" if at < 4 else TOOL)
        wanted = leaf(host.ssh("cat /etc/letsencrypt/live/roadie-guestbook/fullchain.pem").stdout)
        assert eventually(lambda wanted=wanted: shown(host) == wanted), at
        assert host.ssh("ls /var/lib/roadie/tls").stdout.split() == STANDING
        if code == 0:
            break
    assert at > 6
    # The stage finishes it, too.
    host.ssh(f"touch {PEM.removesuffix('pem')}due")
    assert "changed" in site.does("tls").out
    assert_nothing_changes(site, "tls")


def is_up(host, trusted):
    try:
        return browse(host, trusted=trusted).status == 200
    except OSError:
        return False


def promises(host, path):
    """Return what each header Strict-Transport-Security says in the answer to a request by https."""
    asked = f"curl -s -k -o /dev/null -D - --connect-to ::127.0.0.1: https://{MYSITE}{path}"
    return re.findall(r"(?im)^strict-transport-security: (.+?)\r?$", host.ssh(asked).stdout)


def leaf(chain):
    """The first certificate of a chain, as `shown` returns it."""
    end = "-----END CERTIFICATE-----\n"
    return chain[: chain.index(end) + len(end)]


def ended(*domains):
    """Return a key and a certificate for these names that ended long ago."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    begin, end = datetime(2025, 1, 1), datetime(2025, 4, 1)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, end)
    names = x509.SubjectAlternativeName([x509.DNSName(one) for one in domains])
    old = built.add_extension(names, critical=False).sign(key, SHA256())
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode(), old.public_bytes(Encoding.PEM).decode()


def made(folder, name, *domains):
    """Make a key and a certificate for these names on this machine. Return the text of the key."""
    key, names = folder / f"{name}.key", ",".join(f"DNS:{one}" for one in domains)
    words = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=x".split()
    )
    words += ["-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(folder / f"{name}.pem")]
    subprocess.run(words, check=True, capture_output=True)
    return key.read_text()


def test_a_fresh_project_has_https_with_ones_own_certificate_and_nothing_is_left_to_say(
    bootstrapped, desk, tmp_path
):
    host, project = bootstrapped.host, startproject(tmp_path / "mysite")
    key, wrong = made(tmp_path, "right", MYSITE), made(tmp_path, "wrong", "wrong.example.org")
    known = {"app": "mysite", "domain": MYSITE}

    def site(**tls):
        settings(project, **known, tls=tls)
        commit(project)
        return desk(host, project)

    # The host's own certificate, and then the user's.
    self_signed = site(by="self-signed", hsts=60)
    self_signed.does("bootstrap")
    done = self_signed.does("deploy")
    assert "serves https://mysite.example.org/" in done.out and "warn" not in done.out, done.out
    assert browse(host, "/admin/login/", MYSITE, trusted=trusting()).status == 200
    found = self_signed.does("manage", "check", "--deploy").text
    assert "no issues" in found, found
    for path in "/admin/login/", "/static/admin/css/base.css", "/static/none", "/media/none", "/.roadie/none":
        assert promises(host, path) == ["max-age=60"], path
    self_signed.does("maintenance", "on")
    assert promises(host, "/") == ["max-age=60"]
    self_signed.does("maintenance", "off")
    assert "strict-transport-security" not in browse(host, "/", MYSITE).headers
    own = {"by": "own", "certificate": str(tmp_path / "right.pem")}
    done = site(**own, key=str(tmp_path / "wrong.key")).fab("plan")
    assert done.code == 2 and "the key is not that of the first certificate" in done.last_line
    for words in "plan", "bootstrap":
        done = site(**own, key={"env": "TLS_KEY"}).fab(words, env={"TLS_KEY": key})
        assert done.code == (10 if words == "plan" else 0), done.text
        assert key.splitlines()[1] not in done.text and wrong.splitlines()[1] not in done.text
    assert shown(host, MYSITE) == (tmp_path / "right.pem").read_text()
    assert key.splitlines()[1] not in host.ssh("cat /var/log/roadie/*").stdout
    again = site(**own, key={"env": "TLS_KEY"}).does("bootstrap", env={"TLS_KEY": key})
    assert re.search(r": 0 changed", again.out)

    # Old protocols are refused, and so is a certificate that nginx cannot take.
    old = trusting()
    with pytest.deprecated_call():
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        browse(host, "/", MYSITE, trusted=old)
    words = "openssl req -x509 -newkey rsa:1024 -nodes -days 9 -subj /CN=x -addext"
    words = [*words.split(), f"subjectAltName=DNS:{MYSITE}"]
    weak = tmp_path / "weak.key"
    subprocess.run([*words, "-keyout", weak, "-out", tmp_path / "weak.pem"], check=True, capture_output=True)
    done = site(by="own", certificate=str(tmp_path / "weak.pem"), key=str(weak)).fab("tls")
    assert done.code == 6 and "nginx cannot take it" in done.last_line, done.text
    host.ssh("nginx -t && systemctl restart nginx")
    assert shown(host, MYSITE) == (tmp_path / "right.pem").read_text()

    # A project that looks for https in another header would redirect for ever.
    path = project / "mysite/settings.py"
    lines = "SECURE_SSL_REDIRECT = True\nSECURE_PROXY_SSL_HEADER = ('HTTP_X_OTHER', 'on')\n"
    path.write_text(path.read_text() + lines)
    done = site(by="self-signed").fab("deploy")
    assert done.code == 6 and "overlay: [SECURE_PROXY_SSL_HEADER]" in done.last_line, done.text
    path.write_text(path.read_text().replace("SECURE_PROXY_SSL_HEADER = ('HTTP_X_OTHER', 'on')\n", ""))
    site(by="self-signed").does("deploy")

    # Off again: the site answers by http, and a release for https is told of before.
    off = site(by="off")
    assert "write `tls: letsencrypt` in fabric.yaml" in off.does("bootstrap").text
    assert browse(host, "/", MYSITE).headers["location"] == f"https://{MYSITE}/"  # as the project says
    host.ssh("test ! -e /var/lib/roadie/tls/mysite.pem")
    assert re.search(r": 0 changed", off.does("bootstrap").out)
