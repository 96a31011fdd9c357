"""Who may open a line: asked before the connection is upgraded, and answered with an HTTP status when not."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit
from weakref import WeakKeyDictionary

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from devices.db import GONE, Pool
from devices.registry import Device, authenticate
from devices.wire import VERSIONS

log = structlog.get_logger()

RETRY_S = 5
FAILURES = 30  # wrong credentials of one address: 30 at once, then one every 2 s
DIALS = 30  # connections of one device: the same
REFILL_S = 2.0
REMEMBERED = 10_000


@dataclass(slots=True)
class Allowance:
    """So many at once per key, then one every 2 s."""

    most: int
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def left(self, key: str) -> float:
        """How many this key may still do now."""
        left, at = self._left.get(key, (float(self.most), 0.0))
        return min(float(self.most), left + (time.monotonic() - at) / REFILL_S)

    def spend(self, key: str) -> bool:
        """Take one; False when there was none."""
        left = self.left(key)
        if len(self._left) >= REMEMBERED and key not in self._left:
            self._left.clear()  # a flood of made-up names: better to forgive all than to grow
        self._left[key] = (max(left - 1, 0.0), time.monotonic())
        return left >= 1


class Doorway:
    """Checks an upgrade: subprotocol, origin, credential, rate. `admitted` tells who a connection is.

    `origin_of(host)` gives the hall's own origin for the Host header it was asked by.
    """

    def __init__(self, pool: Pool, origin_of: Callable[[str], str], *, dials: int = DIALS) -> None:
        self.draining = False
        self.admitted: WeakKeyDictionary[ServerConnection, Device] = WeakKeyDictionary()
        self._pool = pool
        self._origin_of = origin_of
        self._failures = Allowance(FAILURES)
        self._dials = Allowance(dials)

    async def check(self, connection: ServerConnection, request: Request) -> Response | None:
        """The websocket server's `process_request` for /devices/link: None lets it in."""
        headers = request.headers
        if self.draining:
            return _no(connection, 503, "The hall is being updated.", retry_s=RETRY_S)
        if not offers_version(headers):
            return _no(connection, 400, f"Offer one of these subprotocols: {', '.join(VERSIONS)}.")
        if not self._at_home(headers):
            return _no(connection, 403, "This page is not the hall's.")
        address = str(connection.remote_address[0]) if connection.remote_address else ""
        if self._failures.left(address) < 1:
            return _no(connection, 429, "Too many wrong credentials.", retry_s=30)
        try:
            device = await self._known(request)
        except GONE as away:
            log.warning("device not checked: the database is away", reason=repr(away))
            return _no(connection, 503, "The hall's record is away.", retry_s=RETRY_S)
        if device is None:
            self._failures.spend(address)
            log.warning("device refused", address=address)
            return _no(connection, 401, "Unknown or revoked device.")
        if not self._dials.spend(device.id):
            return _no(connection, 429, "Too many connections.", retry_s=30)
        self.admitted[connection] = device
        return None

    def _at_home(self, headers: Headers) -> bool:
        """An Origin must be the hall's own; only an agent, which shows a credential no page can, may have none."""
        origins = headers.get_all("Origin")
        if not origins:
            return "Authorization" in headers
        return origins == [self._origin_of(_one(headers, "Host"))]

    async def _known(self, request: Request) -> Device | None:
        credential = credential_of(request)
        if credential is None:
            return None
        async with self._pool.acquire() as db:
            return await authenticate(db, *credential)


def credential_of(request: Request) -> tuple[str, str] | None:
    """Device id and secret: from `Authorization: Device id:secret`, or a browser's cookie for `?device=id`."""
    authorization = _one(request.headers, "Authorization")
    if authorization:
        scheme, _, rest = authorization.partition(" ")
        device, colon, secret = rest.strip().partition(":")
        return (device, secret) if scheme.lower() == "device" and colon else None
    device = (parse_qs(urlsplit(request.path).query).get("device") or [""])[0]
    try:
        cookies = SimpleCookie("; ".join(request.headers.get_all("Cookie")))
    except CookieError:
        return None
    kept = cookies.get(f"__Host-device-{device}") or cookies.get(f"device-{device}")
    return (device, kept.value) if device and kept else None


def offers_version(headers: Headers) -> bool:
    """Whether the client speaks a version of ours."""
    offered = {word.strip() for line in headers.get_all("Sec-WebSocket-Protocol") for word in line.split(",")}
    return not offered.isdisjoint(VERSIONS)


def choose_version(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol:
    """The newest version both speak."""
    for version in VERSIONS:
        if version in offered:
            return Subprotocol(version)
    raise NegotiationError("no common version")


def _one(headers: Headers, name: str) -> str:
    """The value of a header that must not be doubled; empty when it is missing or doubled."""
    values = headers.get_all(name)
    return values[0] if len(values) == 1 else ""


def _no(connection: ServerConnection, status: int, text: str, retry_s: int | None = None) -> Response:
    response = connection.respond(status, text + "\n")
    if retry_s is not None:
        response.headers["Retry-After"] = str(retry_s)
    return response
