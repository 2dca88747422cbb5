"""Names of sites, domains, paths and hosts: those that can be are taken, others are refused."""

import re

import pytest
from given import refusal, settings
from roadie.errors import SettingsError
from roadie.settings.reading import check_topology, roles_of


@pytest.mark.parametrize("app", ["shop", "my-shop", "my_shop2", "a" * 26])
def test_an_app_may_be_called(app):
    assert settings(app=app).app == app


@pytest.mark.parametrize(
    "app",
    [
        *["it's", 'say "x"', "two words", "$(id)", "`id`", "a;b", "a/b", "..", "-rf", "a.b", "é", "a\n", "A"],
        *["", "1st", "_x", "a" * 27, "a%b", "x" * 200],
    ],
)
def test_an_app_of_other_characters_is_refused(app):
    assert "must be 1 to 26 small letters" in refusal(app=app)


@pytest.mark.parametrize(
    "app",
    "root mysql www-data daemon nobody sync backup sshd nginx supervisor redis postgres systemd-journal "
    "roadie default lock information_schema sudo".split(),
)
def test_an_app_may_not_be_called_what_is_the_systems(app):
    message = refusal(app=app)
    assert f"{app!r} belongs to the system; choose another name" in message
    suggested = re.search(r"example '(.+)'", message)[1]
    assert settings(app=suggested).app == suggested


def test_an_app_may_not_be_called_like_the_build_user_of_another():
    assert "leave '-build' out" in refusal(app="shop-build")


def test_domains_are_names_in_small_letters():
    given = ["WWW.Example.org", "example.org", "xn--bcher-kva.example", "localhost", "10.0.0.7"]
    assert settings(domain=given).domain == tuple(name.lower() for name in given)


@pytest.mark.parametrize(
    ("domain", "says"),
    [
        ("a; rm -rf /", "must be a host name such as www.example.org, not 'a; rm -rf /'"),
        ("$(id).org", "must be a host name"),
        ("a_b.org", "must be a host name"),
        ("-a.org", "must be a host name"),
        ("a..org", "must be a host name"),
        ("a.org.", "must be a host name"),
        ("a.org\n", "must be a host name"),
        ("a" * 64 + ".org", "must be a host name"),
        (".".join(["abc"] * 70), "must be a host name"),
        ("", "must be a host name"),
        ("*.org", "is no wildcard that a site can have; write one such as *.example.org"),
        ("https://a.org/x", "is an address; write only the name: a.org"),
        ("a.org:8000", "has a port; write only the name: a.org"),
        ("bücher.example", "is not ASCII; write it as DNS has it: xn--bcher-kva.example"),
        ("straße.example", "is not ASCII; write it as DNS has it, xn--..."),
        (["a.org", "A.org"], "names 'a.org' twice"),
    ],
)
def test_a_domain_that_is_none_is_refused(domain, says):
    message = refusal(domain=domain)
    assert message.startswith("fabric.yaml, roadie.domain: ")
    assert says in message


@pytest.mark.parametrize("path", ["/assets/", "/a/b-c/"])
def test_static_files_have_a_path(path):
    assert settings(static_url=path).static_url == path


@pytest.mark.parametrize(
    "path", ["static/", "/static", "/", "//x/", "/a/../b/", "/a b/", "/a;/", "https://cdn/"]
)
def test_a_path_that_nginx_cannot_serve_is_refused(path):
    assert "must be a path that begins and ends with '/'" in refusal(static_url=path)


@pytest.mark.parametrize("path", ["healthz", "/a b", "/a\n", "/a#b", "", "/é"])
def test_a_page_that_cannot_be_asked_for_is_refused(path):
    assert "must be a path that begins with '/'" in refusal(health=["/", path])


@pytest.mark.parametrize("path", ["..", "../x", "/srv/x", "a/../../b", "-x", "~/x", "a\nb", "", "a\\b"])
def test_a_folder_outside_is_refused(path):
    assert "must be a path from the folder of fabric.yaml down" in refusal(project=path)


def test_a_folder_is_written_in_any_way():
    assert [settings(project=path).project for path in ("src", "./src/", "src//a", ".")] == [
        "src",
        "src",
        "src/a",
        ".",
    ]


def test_a_host_in_a_list_has_every_role():
    made = settings(hosts=["root@web1.example.org:2222", "10.0.0.7", "2001:db8::1"])
    assert set(made.hosts.values()) == {("web", "worker", "db")}
    assert roles_of(settings(hosts={"admin@Web1": ["web"]}), "web1") == ("web",)
    assert roles_of(made, "unheard-of") == ("web", "worker", "db")


def test_an_ipv6_address_stands_in_brackets_if_a_port_follows():
    made = settings(hosts={"root@[FD77::2]:2222": ["web"], "[fd77::3]": ["web"], "fd77::4": ["web"]})
    assert roles_of(made, "[fd77::2]:2222") == roles_of(made, "fd77::3") == roles_of(made, "[fd77::4]")
    assert roles_of(made, "fd77::4") == ("web",)


@pytest.mark.parametrize(
    "host",
    ["-oProxyCommand=id", "a b", "a;b", "$(id)", "", "@web1", "a@", "web1:", "web1:0", "web1:99999", "a:b",
     "[::1]:99999", "[::1", "[web1]:22", "root@-x", "-l@web1", "a\n", "web1,web2"],
)  # fmt: skip
def test_a_host_that_is_none_is_refused(host):
    assert "must be a host such as web1.example.org or admin@web1:2222" in refusal(hosts=[host])
    assert "must be a host such as" in refusal(hosts={host: ["web"]})


def test_a_host_named_twice_is_refused():
    message = refusal(hosts=["web1", "root@WEB1:22"])
    assert "'web1' and 'root@WEB1:22' are one host" in message
    assert "names 'web1' twice" in refusal(hosts=["web1", "web1"])


def test_a_host_needs_a_role():
    assert "at least 1 is needed" in refusal(hosts={"web1": []})
    assert settings(hosts={"web1": "web"}).hosts == {"web1": ("web",)}


def test_a_database_on_each_of_two_hosts_is_refused():
    with pytest.raises(SettingsError, match=r"^hosts web1, web2: each would have a database of its own"):
        check_topology(settings(hosts=["web1", "web2"]), ["web1", "web2"])
    check_topology(settings(hosts=["web1", "web2"]), ["web1"])


def test_a_database_on_another_host_is_not_supported_yet():
    apart = settings(hosts={"web1": ["web"], "db1": ["db"]})
    with pytest.raises(SettingsError, match="not supported yet; use one host with every role"):
        check_topology(apart, list(apart.hosts))
    check_topology(settings(hosts={"web1": ["web", "db"]}), ["web1"])
