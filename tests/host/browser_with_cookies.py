"""A browser that keeps cookies, fills in forms and uploads files."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from urllib.parse import urlencode

from desk import Answer, browse
from roadie.throwaway.hosts import ThrowawayHost


class Browser:
    """One person's browser on one site of a host."""

    def __init__(self, host: ThrowawayHost, domain: str = "guestbook.example.org") -> None:
        self.host, self.domain = host, domain
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, None, {})

    def post(self, path: str, /, **fields: str) -> Answer:
        """Fill in the form of a page and send it."""
        body = urlencode({**fields, "csrfmiddlewaretoken": self._token(path)}).encode()
        return self._ask("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def upload(self, path: str, file: tuple[str, str, bytes], /, **fields: str) -> Answer:
        """Fill in the form of a page and send it with a file: its field, its name and its content."""
        field, filename, content = file
        edge = uuid.uuid4().hex
        body = b""
        for key, value in {**fields, "csrfmiddlewaretoken": self._token(path)}.items():
            body += f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        head = f'--{edge}\r\nContent-Disposition: form-data; name="{field}"; filename="{filename}"\r\n\r\n'
        body += head.encode() + content + f"\r\n--{edge}--\r\n".encode()
        return self._ask("POST", path, body, {"Content-Type": f"multipart/form-data; boundary={edge}"})

    def _token(self, path: str) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path).body)
        assert found, f"{path} has no form"
        return found[1]

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        cookies = "; ".join(f"{key}={value}" for key, value in self.cookies.items())
        sent = {**headers, "Origin": f"http://{self.domain}", **({"Cookie": cookies} if cookies else {})}
        answer = browse(self.host, path, self.domain, method, body, sent)
        for key, value in re.findall(r"(csrftoken|sessionid)=([^;]*)", answer.headers.get("set-cookie", "")):
            self.cookies[key] = value
        return answer
