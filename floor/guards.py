"""What every request passes: limits on what it may carry, and headers that keep a browser to the hall's own pages."""

import re
import time
from collections.abc import Iterable

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from floor import metrics

log = structlog.get_logger("web")

MOST_BYTES = 64 * 1024  # of a body; the largest thing anybody sends is a form
FILES = re.compile(r"/[a-z0-9-]+/matters/file")  # but a manager's spreadsheet
MOST_FILE_BYTES = 8 * 1024 * 1024 + MOST_BYTES
PHOTOS = re.compile(r"/[a-z0-9-]+/field/act")  # and the photo of a paper, in base64
MOST_PHOTO_BYTES = 1280 * 1024
SLOW_S = 1.0

PLAIN = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
# A dispenser's own page looks whether the hall is in reach before it sends the browser there; it can read nothing of it.
LOOKED_AT, LOOKED_AT_FROM = "/healthz", [*PLAIN[:-1], (b"cross-origin-resource-policy", b"cross-origin")]
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "connect-src 'self' {link}; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class Guards:
    """Pure ASGI, one wrapper around `send`: headers, the clock and the count of each request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = list(message.get("headers", ()))
                headers += LOOKED_AT_FROM if scope["path"] == LOOKED_AT else PLAIN
                if is_page(headers):
                    headers.append((b"content-security-policy", policy(scope)))
            await send(message)

        try:
            await self.app(scope, limited(scope, receive), guarded)
        finally:
            passed = time.perf_counter() - started
            metrics.note(scope, status, passed)
            if passed > SLOW_S and not scope.get("hall.streams"):
                route = metrics.route_of(scope)
                log.warning("slow", method=scope["method"], route=route, status=status, seconds=round(passed, 3))


def is_page(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers)


def policy(scope: Scope) -> bytes:
    """The content security policy of a page: itself, and the link it listens on."""
    host = header(scope, b"host").decode("latin-1")
    return CSP.format(link=scope["app"].state.settings.link_address(host)).encode("latin-1")


def header(scope: Scope, name: bytes) -> bytes:
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return b""


def most_of(path: str) -> int:
    """How many bytes a body may have there."""
    if FILES.fullmatch(path):
        return MOST_FILE_BYTES
    return MOST_PHOTO_BYTES if PHOTOS.fullmatch(path) else MOST_BYTES


def limited(scope: Scope, receive: Receive) -> Receive:
    """`receive` that stops with 413 once a body is past the limit, however its length was announced."""
    if scope["method"] in ("GET", "HEAD"):
        return receive
    seen = 0
    most = most_of(scope["path"])

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise HTTPException(413)
        return message

    return counted
