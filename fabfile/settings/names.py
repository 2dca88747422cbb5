"""What a site, its domains, its hosts and its paths may be called."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from .kinds import CONTROL, Kind, Wrong, checked, meant, shown

ROLES = ("web", "worker", "db")

# Names that belong to others: users and groups of Debian and of the packages on a site's host, folders
# below /run, /srv and /var/log, databases, and nginx sites.
_RESERVED = frozenset(
    """
    root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody
    adm tty disk kmem dialout fax voice cdrom floppy tape sudo audio dip operator src shadow utmp video
    sasl plugdev staff users nogroup input sgx kvm render crontab netdev messagebus dbus avahi polkitd
    systemd systemd-network systemd-resolve systemd-timesync systemd-journal systemd-coredump
    systemd-oom sshd ssh ssl-cert ntp chrony postfix postdrop exim debian-exim syslog rsyslog uuidd
    tcpdump landscape pollinate lxd docker _apt apt bind dnsmasq statd ftp http https tss usbmux
    mysql mysqld mariadb postgres postgresql template0 template1 redis valkey rabbitmq memcache memcached epmd
    nginx apache apache2 supervisor supervisord gunicorn celery certbot letsencrypt authorities fail2ban
    admin administrator guest ubuntu debian vagrant wheel
    host lock log user shm udev mount initctl network credentials motd cryptsetup private journal
    installer fsck sysstat unattended-upgrades roadie default test innodb information_schema
    performance_schema localhost tmp home etc usr var srv opt dev proc boot lib run
    """.split()
)
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_USER = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*\$?"
_HOST = r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_IPV6 = r"[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9_.-]+)?"
_URL_PATH = r"/([A-Za-z0-9._~-]+/)+"


def _app(name: str) -> str:
    # roadie also makes a user `<name>-build`, and a user name on Linux has 32 characters at most.
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,25}", name, re.ASCII):
        raise Wrong(
            "must be 1 to 26 small letters, digits, '-' or '_', a letter first, "
            f"not {shown(name)}; for example 'guestbook'"
        )
    if name in _RESERVED or name.startswith("systemd-"):
        raise Wrong(f"{name!r} belongs to the system; choose another name, for example 'my-{name[:23]}'")
    if name.endswith("-build"):
        raise Wrong(f"{name!r} is what roadie calls the user that builds another site; leave '-build' out")
    return name


def _domain(given: str) -> str:
    name = given.lower()
    if name.startswith("*."):
        return f"*.{_below(name)}"
    if "://" in name or name.startswith("//"):
        bare = urlsplit(name).netloc.rpartition("@")[2].partition(":")[0]
        raise Wrong(
            f"{name!r} is an address; write only the name" + (f": {bare}" if _is_domain(bare) else "")
        )
    bare, colon, port = name.rpartition(":")
    if colon and port.isdigit() and _is_domain(bare):
        raise Wrong(f"{name!r} has a port; write only the name: {bare}")
    if not name.isascii():
        raise Wrong(f"{shown(name)} is not ASCII; write it as DNS has it{_punycode(name)}")
    if not _is_domain(name):
        raise Wrong(f"must be a host name such as www.example.org, not {shown(given)}{_fault(name)}")
    return name


def _below(wildcard: str) -> str:
    """The domain in a wildcard such as *.example.org."""
    bare = wildcard.removeprefix("*.")
    if not _is_domain(bare) or "." not in bare:
        raise Wrong(f"{shown(wildcard)} is no wildcard that a site can have; write one such as *.example.org")
    return bare


def _fault(name: str) -> str:
    """The cure for a name that is no domain; empty if the name does not tell what is meant."""
    bare = name.rstrip(".").rpartition("@")[2].partition("/")[0]
    if len(parts := re.split(r"[\s,;]+", name)) > 1 and all(map(_is_domain, parts)):
        return f"; write several names as a list: [{', '.join(parts)}]"
    if bare != name and _is_domain(bare):
        return f"; write only the name: {bare}"
    if "_" in name:
        return "; no '_' may stand in it"
    return "; a part between dots has 63 letters at most" if max(map(len, name.split("."))) > 63 else ""


def _is_domain(name: str) -> bool:
    return len(name) <= 253 and all(re.fullmatch(_LABEL, label) for label in name.split("."))


def _punycode(name: str) -> str:
    # Python's IDNA is that of 2003. These letters have another form today.
    try:
        hint = "" if set("ßς\u200c\u200d") & set(name) else name.encode("idna").decode("ascii")
    except UnicodeError:
        hint = ""
    return f": {hint}" if _is_domain(hint) else ", xn--..."


def _host(address: str) -> str:
    if "://" in address:
        raise Wrong(f"{shown(address)} is an address; write only [user@]host[:port]")
    user, at, _ = address.rpartition("@")
    host, port = host_and_port(address)
    named = re.fullmatch(_HOST, host) or re.fullmatch(_IPV6, host)
    if not named or (at and not re.fullmatch(_USER, user)) or not 1 <= port <= 65535:
        raise Wrong(f"must be a host such as web1.example.org or admin@web1:2222, not {shown(address)}")
    return address


def host_and_port(address: str) -> tuple[str, int]:
    """The host in `user@host:port` and its port. An IPv6 address stands in brackets if a port follows."""
    host = address.rpartition("@")[2].lower()
    if bracketed := re.fullmatch(r"\[([^]]*:[^]]*)\](?::([0-9]{1,5}))?", host):
        return bracketed[1], int(bracketed[2] or 22)
    if host.count(":") > 1:
        return host, 22
    host, colon, port = host.partition(":")
    if not colon:
        return host, 22
    return host, int(port) if re.fullmatch(r"[0-9]{1,5}", port) else 0


def _role(role: str) -> str:
    if role not in ROLES:
        raise Wrong(f"{shown(role)} is no role ({meant(role, ROLES) or 'roles are ' + ', '.join(ROLES)})")
    return role


def _url_path(path: str) -> str:
    if not re.fullmatch(_URL_PATH, path) or {".", ".."} & set(path.split("/")):
        raise Wrong(f"must be a path that begins and ends with '/', such as /static/, not {shown(path)}")
    return path


def _page(path: str) -> str:
    if not re.fullmatch(r"/[!-~]*", path, re.ASCII) or "#" in path:
        raise Wrong(f"must be a path that begins with '/', such as /healthz, not {shown(path)}")
    return path


def _network(text: str) -> str:
    from ipaddress import ip_network  # late: few commands need it

    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise Wrong(
            f"must be an address such as 203.0.113.7, or a network such as 2001:db8::/32, not {shown(text)}"
        ) from None
    return str(network if network.num_addresses > 1 else network.network_address)


def _inside(path: str) -> str:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not path or path[0] in "/~-" or ".." in parts or "\\" in path or re.search(CONTROL, path):
        raise Wrong(f"must be a path from the folder of fabric.yaml down, not {shown(path)}")
    return "/".join(parts) or "."


def _folder(path: str) -> str:
    if not path or re.search(CONTROL, path):
        raise Wrong(f"must be a folder, not {shown(path)}")
    return path


def _python(text: str) -> str:
    found = re.fullmatch(r"(?:python)?(3(?:\.\d+)?)|(/[\w./+-]+)", text, re.ASCII)
    if not found:
        raise Wrong(
            f"must be a Python such as python3, 3.12 or /opt/python/bin/python3.13, not {shown(text)}"
        )
    return found[2] or f"python{found[1]}"


PYTHON: Kind[str] = checked('a Python such as python3, "3.12" (in quotes) or a path', _python)
APP: Kind[str] = checked("a name of 1 to 26 small letters, digits, '-' and '_', a letter first", _app)
DOMAIN: Kind[str] = checked("a host name such as www.example.org", _domain)
HOST: Kind[str] = checked("a host such as web1.example.org or admin@web1:2222", _host)
ROLE: Kind[str] = checked("one of " + ", ".join(ROLES), _role)
URL_PATH: Kind[str] = checked("a path that begins and ends with '/'", _url_path)
PAGE: Kind[str] = checked("a path that begins with '/'", _page)
NETWORK: Kind[str] = checked("an address or a network such as 203.0.113.0/24", _network)
INSIDE: Kind[str] = checked("a path from the folder of fabric.yaml down", _inside)
FOLDER: Kind[str] = checked("a folder", _folder)
