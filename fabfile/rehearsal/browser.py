"""Browser: asks a host for pages as a visitor does, at the host's address and under the site's name."""

from __future__ import annotations

import html
import http.client
import re
import socket
import ssl
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

PORT, SECURE_PORT = 80, 443
MOST_REDIRECTS = 5
_PAUSE = 0.1
_ENOUGH = 1 << 20
_UNSEEN = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    """The answer to a request. Status 0 means that there was none; `body` says why."""

    path: str
    status: int
    body: str
    leads_to: str = ""

    @property
    def words(self) -> str:
        """The first words that a reader sees."""
        return textwrap.shorten(html.unescape(_UNSEEN.sub(" ", self.body)), 72, placeholder=" ...")

    def link_below(self, url: str) -> str:
        """The first URL below this one that the page refers to; empty if there is none."""
        found = re.search(rf"""=["']?({re.escape(url)}[^"'\s>?#]+)""", self.body)
        return found[1] if found else ""


@dataclass(frozen=True)
class Browser:
    """A browser without a cache. It finds the site at the host's address, whatever DNS says."""

    address: str
    domain: str
    scheme: str = "http"

    def get(self, path: str = "/") -> Page:
        """The page that a visitor gets. Redirects within the site are followed."""
        page = self._ask(path)
        for _ in range(MOST_REDIRECTS):
            target = urlsplit(urljoin(f"{self.scheme}://{self.domain}{page.path}", page.leads_to))
            if not page.leads_to or (target.scheme, target.netloc) != (self.scheme, self.domain):
                break
            page = self._ask(target._replace(scheme="", netloc="", fragment="").geturl())
        return page

    @contextmanager
    def asking(self, path: str = "/") -> Iterator[list[int]]:
        """Ask for a page again and again while the block lasts. Yields the list of statuses."""
        statuses: list[int] = []
        is_over = threading.Event()

        def ask() -> None:
            while not is_over.wait(_PAUSE):
                statuses.append(self.get(path).status)

        visitor = threading.Thread(target=ask, daemon=True)
        visitor.start()
        try:
            yield statuses
        finally:
            is_over.set()
            visitor.join()

    def _ask(self, path: str) -> Page:
        connection = http.client.HTTPConnection(self.address, PORT, timeout=30)
        try:
            if self.scheme == "https":
                connection.sock = self._secured()
            connection.request("GET", path, headers={"Host": self.domain})
            answer = connection.getresponse()
            body = answer.read(_ENOUGH).decode("utf-8", "replace")
            return Page(path, answer.status, body, answer.getheader("Location", ""))
        except (OSError, http.client.HTTPException) as error:
            return Page(path, 0, f"no answer: {error}")
        finally:
            connection.close()

    def _secured(self) -> socket.socket:
        """A connection by TLS. Any certificate will do."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection((self.address, SECURE_PORT), timeout=30)
        return context.wrap_socket(plain, server_hostname=self.domain)
