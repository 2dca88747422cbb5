"""What stands between nginx and the project's application.

A visitor reaches the application through a Unix socket, and a Unix socket knows no address. nginx writes the
visitor's address into the header `X-Real-IP`, over whatever a visitor sent in that header. Only nginx and the
site's user can connect to the socket.
"""


def wsgi(application):
    """The application, with the address of its visitor in REMOTE_ADDR."""

    def answer(environ, start_response):
        if not environ.get("REMOTE_ADDR"):
            environ["REMOTE_ADDR"] = environ.get("HTTP_X_REAL_IP", "")
        return application(environ, start_response)

    return answer


def asgi(application):
    """The application, with the address of its visitor in `client`, and the scheme that the visitor used."""

    async def answer(scope, receive, send):
        if "headers" in scope and not scope.get("client"):
            scope = {**scope, **_visitor(dict(scope["headers"]), scope)}
        await application(scope, receive, send)

    return answer


def _visitor(headers, scope):
    address, scheme = headers.get(b"x-real-ip", b"").decode("latin-1"), scope.get("scheme", "http")
    if headers.get(b"x-forwarded-proto") == b"https":
        scheme = {"http": "https", "ws": "wss"}.get(scheme, scheme)
    return {"client": (address, 0) if address else None, "scheme": scheme}
