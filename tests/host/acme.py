"""A certificate authority of its own on a throwaway host, with a DNS server that says what a test wants."""

from __future__ import annotations

import json

from roadie.throwaway.hosts import ThrowawayHost

DIRECTORY = "https://localhost:14000/dir"
#: the root that a test hands to roadie as `ca`, on the host
ROOT = "/root/acme/root.pem"
_CONFIG = {
    "pebble": {
        "listenAddress": "127.0.0.1:14000",
        "managementListenAddress": "127.0.0.1:15000",
        "certificate": "/root/acme/server.pem",
        "privateKey": "/root/acme/server.key",
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
}
_KEYS = """
cd /root/acme
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=root \
  -keyout root.key -out root.pem 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
  -keyout server.key -out server.csr 2>/dev/null
echo subjectAltName=DNS:localhost,IP:127.0.0.1 >names
openssl x509 -req -in server.csr -CA root.pem -CAkey root.key -days 30 -extfile names -out server.pem \
  2>/dev/null
"""
_ASK = "curl -s -f --cacert /root/acme/root.pem"


class Authority:
    """The authority of one host, which has the packages pebble and certbot. It begins to work at once."""

    def __init__(self, host: ThrowawayHost) -> None:
        self.host = host
        host.ssh("mkdir -p /root/acme")
        host.ssh(_KEYS)
        host.put(json.dumps(_CONFIG), "/root/acme/config.json")
        # Debian 12's knows no DNS by https.
        no_doh = "$(pebble-challtestsrv -help 2>&1 | grep -q -e -doh && printf %s -doh=)"
        host.ssh(
            "systemd-run -q --unit=dns pebble-challtestsrv -defaultIPv4 '' -defaultIPv6 '' -dns01 :53 "
            f"{no_doh} -http01 '' -https01 '' -tlsalpn01 '' -management 127.0.0.1:8055"
        )
        host.ssh("until curl -s http://127.0.0.1:8055/; do sleep 0.1; done", timeout=30)
        host.ssh("umount /etc/resolv.conf 2>/dev/null; rm -f /etc/resolv.conf", check=False)
        host.put("nameserver 127.0.0.1\n", "/etc/resolv.conf")
        self.start()

    def start(self, **environment: str) -> None:
        """Start the authority; the variables are Pebble's own, which make it fail on purpose."""
        given = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
        words = " ".join(f"--setenv={name}={value}" for name, value in {**given, **environment}.items())
        command = "pebble -config /root/acme/config.json -dnsserver 127.0.0.1:53"
        self.host.ssh("rm -rf /etc/letsencrypt/accounts")  # an authority that starts knows nobody
        self.host.ssh(f"systemd-run -q --unit=acme {words} {command}")
        self.host.ssh(f"until {_ASK} {DIRECTORY} >/dev/null; do sleep 0.1; done", timeout=30)

    def stop(self) -> None:
        """Have nobody answer at the address of the authority."""
        self.host.ssh("systemctl stop acme")

    def points(self, name: str, *addresses: str) -> None:
        """Have DNS lead a name to these addresses; without any, the name has none."""
        self._tell("clear-a", {"host": f"{name}."})
        if addresses:
            self._tell("add-a", {"host": f"{name}.", "addresses": addresses})

    def root_of_sites(self) -> str:
        """The root that the certificates of sites lead to."""
        return self.host.ssh(f"{_ASK} https://127.0.0.1:15000/roots/0").stdout

    def _tell(self, what: str, about: object) -> None:
        self.host.ssh(f"curl -s -f http://127.0.0.1:8055/{what} -d @-", text=json.dumps(about))
