"""nginx serves the site and nothing else, and a configuration that nginx refuses never stops it."""

from __future__ import annotations

import re
import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest
from browser_with_cookies import Browser
from desk import browse, eventually, is_up
from faults import error_of
from projects import commit
from told import last_run
from within import without_ipv6

ENABLED = "/etc/nginx/sites-enabled"
SITE_FILE = "/etc/nginx/sites-available/guestbook.conf"
OTHER = "server {{ listen 80{default}; server_name {name}; return 200 'of another'; }}\n"
NGINX_FILES = (
    "cd /etc/nginx && find . -type f -exec md5sum {} + | sort && find . -type l -printf '%p %l\\n' | sort"
)
# To nginx, a release is a link and a socket. This program listens at the socket and answers with the request.
ECHO = """
import http.server, os, socketserver, time
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(2 if self.path == "/slow" else 0)
        self.send_response(503 if self.path == "/own-503" else 200)
        self.send_header("X-Content-Type-Options", "own")
        if self.path == "/long":
            self.send_header("Content-Security-Policy", "img-src " + "https://cdn.example.org " * 700)
        self.end_headers()
        self.wfile.write(str(self.headers).encode())
    do_POST = do_GET
    def address_string(self):
        return "nginx"
server = socketserver.UnixStreamServer("/run/guestbook/blue.sock", Echo)
os.chmod("/run/guestbook/blue.sock", 0o777)
server.serve_forever()
"""


@pytest.fixture
def echo(bootstrapped):
    """A desk before a host whose site answers with the request that reached it."""
    host = bootstrapped.host
    host.put(ECHO, "/root/echo.py")
    host.ssh("systemd-run -q --unit=echo python3 /root/echo.py")
    host.ssh(
        "cd /srv/guestbook && mkdir -p slots/blue/release && ln -s /run/guestbook/blue.sock slots/blue/sock"
    )
    host.ssh("ln -s slots/blue /srv/guestbook/live")
    assert eventually(lambda: browse(host).status == 200)
    return bootstrapped


def refused(desk, host):
    """Run a bootstrap that nginx refuses. Check that its files are unchanged, and return the last line."""
    before = host.ssh(NGINX_FILES).stdout
    done = desk.fab("bootstrap")
    assert done.code == 6, done.text
    assert host.ssh(NGINX_FILES).stdout == before
    assert browse(host).status == 503
    return done.last_line


def test_a_file_of_another_that_nginx_refuses_is_named_and_ours_are_put_back(bootstrapped, desk):
    host = bootstrapped.host
    host.put("server { no_such_thing; }\n", f"{ENABLED}/other")
    changed = desk(host, client_max_body_size="7m")
    line = refused(changed, host)
    assert f"{ENABLED}/other:1" in line and "not this site's" in line
    host.ssh(f"rm {ENABLED}/other")
    changed.does("bootstrap")
    assert "client_max_body_size 7m;" in host.ssh("nginx -T 2>/dev/null").stdout
    assert re.search(r": 0 changed", changed.does("bootstrap").out)


def test_a_reload_that_nginx_gives_up_after_its_own_test_is_told(bootstrapped, desk):
    host = bootstrapped.host
    host.ssh("systemd-run -q --unit=taken python3 -m http.server 81")
    host.put("server { listen 81; }\n", "/etc/nginx/conf.d/other.conf")
    changed = desk(host, client_max_body_size="7m")
    done = changed.fab("nginx")
    assert done.code == 6 and "nginx goes on with its old configuration" in done.last_line
    assert "0.0.0.0:81" in done.last_line
    assert browse(host).status == 503
    host.ssh("systemctl stop taken")
    changed.does("nginx")
    assert ("nginx", "reload of nginx") in last_run(host).said("changed")


def test_a_template_of_the_users_own_that_nginx_refuses_is_named_and_put_back(bootstrapped):
    host, own = bootstrapped.host, bootstrapped.project / "roadie-templates/nginx/clients.nginx.j2"
    own.parent.mkdir(parents=True)
    own.write_text("send_timeout soon;\n")
    commit(bootstrapped.project)
    line = refused(bootstrapped, host)
    assert "send_timeout" in line and "/etc/nginx/snippets/roadie-clients.conf:1" in line
    own.write_text("send_timeout 20s;\n")
    commit(bootstrapped.project)
    bootstrapped.does("bootstrap")
    assert ("nginx", "reload of nginx") in last_run(host).said("changed")


def test_a_domain_that_another_file_serves_is_refused(bootstrapped, desk):
    host = bootstrapped.host
    host.put(OTHER.format(default="", name="taken.example.org"), f"{ENABLED}/other")
    changed = desk(host, domain=["guestbook.example.org", "taken.example.org"])
    line = refused(changed, host)
    assert "taken.example.org" in line and f"{ENABLED}/other" in line


def test_each_name_below_a_wildcard_is_the_sites(deployed, desk):
    host = deployed.host
    sat = desk(host, domain=["guestbook.example.org", "*.example.net"])
    sat.does("nginx")
    sat.does("deploy")
    assert browse(host, domain="any.example.net").status == 200
    assert "form" in Browser(host, "any.example.net").get("/").body
    assert Browser(host, "any.example.net").post("/", name="Ann", message="Hello").status == 302
    assert not is_up(host, "example.net")
    host.put("server { listen 80; server_name *.example.com; return 200; }\n", "/etc/nginx/conf.d/other.conf")
    greedy = desk(host, domain=["guestbook.example.org", "*.example.com"])
    error_of(
        greedy.fab("nginx"), 6, "the domain *.example.com is served by /etc/nginx/conf.d/other.conf already"
    )


def test_a_domain_may_be_long_and_anothers_size_of_nginx_tables_stays(bootstrapped, desk):
    host, domain = bootstrapped.host, f"{'x' * 60}.{'y' * 60}.example.org"
    longest = desk(host, domain=["guestbook.example.org", domain])
    longest.does("nginx")
    assert browse(host, domain=domain).status == 503
    host.put("server_names_hash_bucket_size 256;\n", "/etc/nginx/conf.d/mine.conf")
    longest.does("nginx")
    assert browse(host, domain=domain).status == 503


def test_somebody_elses_default_server_stays_the_default(packaged):
    host = packaged.host
    host.put(OTHER.format(default=" default_server", name="_"), f"{ENABLED}/other")
    host.ssh(f"rm {ENABLED}/default && systemctl reload nginx")
    assert f"{ENABLED}/other" in packaged.does("bootstrap").text
    assert browse(host, domain="unknown.example.org").body == "of another"
    assert browse(host).status == 503
    assert re.search(r": 0 changed", packaged.does("bootstrap").out)


def test_debians_default_site_stays_if_somebody_made_it_theirs(packaged):
    host = packaged.host
    host.ssh("sed -i 's/ =404/ =418/' /etc/nginx/sites-available/default && systemctl reload nginx")
    packaged.does("bootstrap")
    assert browse(host, "/nowhere", domain="unknown.example.org").status == 418
    assert browse(host).status == 503


OTHER_SETTINGS = "nginx has other settings for this site"


def test_on_a_host_without_ipv6_a_deploy_warns_of_other_settings_only_where_a_plan_finds_some(
    bootstrapped, desk
):
    host = bootstrapped.host
    without_ipv6(host)
    # The host was set up with these settings, and with IPv6.
    assert OTHER_SETTINGS not in bootstrapped.does("deploy").out
    assert bootstrapped.fab("plan").code == 10
    bootstrapped.does("nginx")
    assert "[::]" not in host.ssh("cat /etc/nginx/sites-enabled/*").stdout
    assert bootstrapped.fab("plan").code == 0
    assert OTHER_SETTINGS not in bootstrapped.does("deploy").out
    changed = desk(host, client_max_body_size="7m")
    assert OTHER_SETTINGS in changed.does("deploy").out
    changed.does("nginx")
    assert OTHER_SETTINGS not in changed.does("deploy").out
    host.ssh(f"sed -i 's/7m/9m/' {SITE_FILE}")
    assert OTHER_SETTINGS in changed.does("deploy").out  # because of the edit by hand
    changed.does("nginx")
    host.ssh("rm /var/lib/roadie/nginx-given-guestbook")  # an earlier roadie wrote no such file
    assert OTHER_SETTINGS not in changed.does("deploy").out
    assert re.search(r": 0 changed", changed.does("nginx").out)
    host.ssh("test -s /var/lib/roadie/nginx-given-guestbook")


def test_a_program_on_nginxs_port_is_named_before_anything_changes(bare_host, desk):
    for port, sat in (80, desk(bare_host)), (443, desk(bare_host, tls="self-signed")):
        code = f"import socket,time; s=socket.create_server(('',{port})); time.sleep(999)"
        bare_host.ssh(f'systemd-run -q --unit=taken python3 -c "{code}"')
        assert eventually(lambda port=port: bare_host.ssh(f"ss -Hltn sport = :{port}").stdout)
        for command in ("plan", "bootstrap"):
            done = sat.fab(command)
            assert done.code == 6 and f"port {port}" in done.last_line, done.text
            assert "python3 (process " in done.last_line
        assert last_run(bare_host).said("changed") == set()
        bare_host.ssh("systemctl stop taken")


def test_what_a_client_says_of_itself_does_not_reach_the_site(echo):
    lies = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Ssl", "X-Forwarded-Port")
    more = ("X-Forwarded-Protocol", "X-Real-IP", "Forwarded", "X_Forwarded_Ssl")
    seen = browse(echo.host, headers=dict.fromkeys((*lies, *more), "lie")).body
    assert "lie" not in seen
    assert "X-Forwarded-Proto: http\n" in seen and "Host: guestbook.example.org\n" in seen


def test_only_a_proxy_of_the_settings_says_who_the_visitor_is(echo, desk):
    host, forwarded = echo.host, {"X-Forwarded-For": "203.0.113.7, 198.51.100.9"}
    me = re.search(r"X-Real-IP: (\S+)", browse(host, headers=forwarded).body)[1]
    assert me not in ("203.0.113.7", "198.51.100.9")
    desk(host, proxies=["192.0.2.0/24"]).does("nginx")
    assert f"X-Real-IP: {me}\n" in browse(host, headers=forwarded).body
    desk(host, proxies=[me, "198.51.100.0/24"]).does("nginx")
    seen = browse(host, headers=forwarded).body
    assert "X-Real-IP: 203.0.113.7\n" in seen and "X-Forwarded-For: 203.0.113.7\n" in seen


def test_over_tls_only_a_proxy_says_by_which_scheme_a_visitor_came(echo, desk):
    host, by_https = echo.host, ssl.create_default_context()
    by_https.check_hostname, by_https.verify_mode = False, ssl.CERT_NONE
    me = re.search(r"X-Real-IP: (\S+)", browse(host).body)[1]
    sat = desk(host, tls="self-signed", proxies=[me])
    sat.does("nginx")
    sat.does("tls")
    for trusted in None, by_https:
        came = browse(host, headers={"X-Forwarded-Proto": "https"}, trusted=trusted)
        assert came.status == 200 and "X-Forwarded-Proto: https\n" in came.body
        came = browse(host, "/a", headers={"X-Forwarded-Proto": "http"}, trusted=trusted)
        assert (came.status, came.headers["location"]) == (308, "https://guestbook.example.org/a")
    assert [browse(host, trusted=trusted).status for trusted in (None, by_https)] == [308, 200]
    # The host itself is a visitor whom nobody named.
    forged = "curl -s -k -o /dev/stderr -w '%{http_code}' --connect-to ::127.0.0.1: -H X-Forwarded-Proto:"
    assert host.ssh(f"{forged}https http://guestbook.example.org/ 2>/dev/null").stdout == "308"
    seen = host.ssh(f"{forged}http https://guestbook.example.org/ 2>&1").stdout
    assert "X-Forwarded-Proto: https\n" in seen and seen.endswith("200")


def test_of_two_names_the_later_one_leads_to_the_first(echo, desk):
    host = echo.host
    names = ["guestbook.example.org", "www.guestbook.example.org", "other.example.org"]
    desk(host, domain=names).does("nginx")
    led = browse(host, "/a?b=c", domain=names[1], method="POST", body=b"a=b")
    assert (led.status, led.headers["location"]) == (308, "//guestbook.example.org/a?b=c")
    assert browse(host).status == browse(host, domain=names[2]).status == 200
    desk(host, domain=names, redirect_www=False).does("nginx")
    assert browse(host, domain=names[1]).status == 200


def test_an_answer_may_have_headers_of_16k(echo):
    answer = browse(echo.host, "/long")
    assert answer.status == 200 and len(answer.headers["content-security-policy"]) > 16000


def test_static_files_have_their_kinds_and_are_compressed(echo):
    host, zipped = echo.host, {"Accept-Encoding": "gzip"}
    host.ssh("cd /srv/guestbook/slots/blue && mkdir release/static && ln -s release/static static")
    host.ssh("cd /srv/guestbook/live/static && yes 'a { b: c }' | head -n 500 >a.css && cp a.css a.mjs")
    host.ssh(
        "cd /srv/guestbook/live/static && touch a.wasm a.webmanifest && echo {} >a.json && gzip -k a.json"
    )
    kinds = {"css": "text/css", "mjs": "text/javascript", "wasm": "application/wasm"}
    kinds["webmanifest"] = "application/manifest+json"
    for ending, kind in kinds.items():
        assert browse(host, f"/static/a.{ending}").headers["content-type"] == kind
    whole = browse(host, "/static/a.css")
    assert len(whole.body) > 5000 and whole.headers["vary"] == "Accept-Encoding"
    for name in "a.css", "a.mjs", "a.json":  # the last one is small, and was compressed beforehand
        answer = browse(host, f"/static/{name}", headers=zipped)
        assert answer.headers["content-encoding"] == "gzip" and len(answer.body) < 1000
    assert "duplicate extension" not in host.ssh("nginx -t 2>&1").stdout


def test_error_pages_and_headers_of_the_site_pass_through(echo):
    own = browse(echo.host, "/own-503")
    assert (own.status, "Host:" in own.body, own.headers["x-content-type-options"]) == (503, True, "own")
    echo.host.ssh("systemctl stop echo")
    gone = browse(echo.host, "/", method="POST", body=b"a=b")
    assert (gone.status, gone.headers["retry-after"]) == (503, "30")
    assert "Not available right now" in gone.body


def test_uploads_are_served_as_nothing_that_a_browser_runs(echo):
    host, media = echo.host, "/srv/guestbook/shared/media"
    names = [
        "photo.PNG",
        "page.html",
        "drawing.svg",
        "feed.xml",
        "page.html.",
        "x.xhtml",
        "none",
        "script.js",
    ]
    host.ssh(f"cd {media} && touch {' '.join(names)} && chown guestbook: * && ln -s /etc/hostname link.txt")
    host.ssh(f"ln -s /etc {media}/folder && chmod 755 {media}/..")
    assert "content-disposition" not in browse(host, "/media/photo.PNG").headers
    for name in names[1:]:
        headers = browse(host, f"/media/{name}").headers
        assert (headers["content-disposition"], headers["x-content-type-options"]) == (
            "attachment",
            "nosniff",
        )
    assert browse(host, "/media/link.txt").status in (403, 404)
    assert browse(host, "/media/folder/hostname").status in (403, 404)
    for path in ("/media../secrets", "/media/../secrets", "/media/%2e%2e/secrets", "/media/..%2fsecrets"):
        assert "SECRET_KEY" not in browse(host, path).body


def test_folders_are_never_an_error_of_the_server(echo):
    host = echo.host
    host.ssh("cd /srv/guestbook/slots/blue && mkdir -p release/static/css && ln -s release/static static")
    host.ssh("cd /srv/guestbook/shared/media && mkdir docs && ln -s docs link && echo docs >docs/index.html")
    host.ssh("echo css >/srv/guestbook/live/static/css/index.html")
    for path in ("/static/", "/static/none/", "/media/", "/media/link/", "/media/none/", "/static/%3f/"):
        assert browse(host, path).status in (403, 404), path
    assert browse(host, "/static/css/").body == "css\n"
    assert browse(host, "/media/docs/").body == "docs\n"


def test_limits_hold_for_one_address_and_not_for_static_files(echo, desk):
    host = echo.host
    host.ssh("cd /srv/guestbook/slots/blue && mkdir -p release/static && ln -s release/static static")
    host.ssh("echo new >/srv/guestbook/live/static/a.css")
    limits = {"requests": "1/m", "burst": 2, "connections": 20}
    desk(host, limits=limits).does("nginx")
    other = desk(host, app="other", domain="other.example.org", limits=limits)
    other.does("site")
    other.does("nginx")  # nginx would refuse a second zone of the same name
    answers = [browse(host) for _ in range(6)]
    assert [each.status for each in answers] == [200] * 3 + [429] * 3
    assert "Too many requests" in answers[-1].body and answers[-1].headers["retry-after"] == "30"
    assert {browse(host, "/static/a.css").status for _ in range(30)} == {200}
    assert browse(host, domain="other.example.org").status == 503


def test_only_so_many_requests_of_an_address_run_at_once(echo, desk):
    desk(echo.host, limits={"connections": 1}).does("nginx")
    assert {browse(echo.host).status for _ in range(5)} == {200}
    with ThreadPoolExecutor(3) as pool:
        found = sorted(each.status for each in pool.map(lambda _: browse(echo.host, "/slow"), range(3)))
    assert found == [200, 429, 429]


def test_roadie_asks_the_host_itself_through_no_proxy(deployed, desk):
    host = deployed.host
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        host.ssh(f"echo {name}=http://127.0.0.1:9/ >>/etc/environment")
    host.put("proxy = http://127.0.0.1:9/\nfail\n", "/root/.curlrc")
    assert "http_proxy=" in host.ssh("env").stdout
    site = desk(host, client_max_body_size="7m")
    site.does("nginx")
    site.does("restart")
    assert browse(host).status == 200


def test_static_files_of_an_older_page_are_still_there(echo):
    host = echo.host
    host.ssh("cd /srv/guestbook && mkdir slots/blue/release/static && ln -s release/static slots/blue/static")
    host.ssh("cd /srv/guestbook && echo new >live/static/a.css && echo old >shared/static/a.0123456789ab.css")
    plain, hashed = browse(host, "/static/a.css"), browse(host, "/static/a.0123456789ab.css")
    assert (plain.body, hashed.body) == ("new\n", "old\n")
    assert "cache-control" not in plain.headers and "immutable" in hashed.headers["cache-control"]
    assert plain.headers["content-type"] == hashed.headers["content-type"] == "text/css"
    assert browse(host, "/static/none.css").status == 404
    assert browse(host, "/.roadie/static/static/a.0123456789ab.css").status == 404
