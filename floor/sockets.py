"""The line between the hall and a page: mirrors of boards for staff, a ticket's place for a phone, nudges for the rest."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from weakref import WeakKeyDictionary

import msgspec
import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from devices import clock
from devices.fanout import Fanout, Outlet
from devices.gateway import send_away
from devices.wire import Close, Message, encode
from displays.feed import Feeds
from floor.database import Pool, Unavailable, acquire
from floor.nudges import Phones
from floor.pump import Pumps
from floor.settings import Settings
from floor.views import FEEDS, Turned, Watch, admit, is_own, still_good, token_of

PROTOCOL = "hall.page.v1"
ENDED = 4401  # the sign-in this page rode on is over
BEAT_S = 10.0  # a page that has heard nothing for 25 s says that it may be old
CHECK_S = 3.0  # an ended sign-in is dead everywhere within 5 s
SAYS_MOST = 60  # frames: a page has nothing to say, the hall listens only to notice that it has gone
PAGES_MOST = 10_000  # 13 KiB each

log = structlog.get_logger("pages")


class Pages:
    """All pages that are connected."""

    def __init__(self, settings: Settings, pool: Pool, pumps: Pumps, fanout: Fanout, phones: Phones) -> None:
        self.settings = settings
        self.pool = pool
        self.pumps = pumps
        self.fanout = fanout
        self.phones = phones
        self.draining = False
        self.admitted: WeakKeyDictionary[ServerConnection, Watch] = WeakKeyDictionary()
        self.open: dict[Outlet, Watch] = {}

    async def check(self, connection: ServerConnection, request: Request) -> Response | None:
        """Before the upgrade: None lets the page in, anything else turns it away."""
        try:
            self.admitted[connection] = await self.admit(request)
        except Turned as turned:
            return connection.respond(turned.status, f"{turned.status.phrase}\n")
        except Unavailable:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "The hall's record is away.\n")
        return None

    async def admit(self, request: Request) -> Watch:
        """What this request may watch. Turned."""
        if self.draining or len(self.open) >= PAGES_MOST:
            raise Turned(HTTPStatus.SERVICE_UNAVAILABLE)
        headers = request.headers
        origins, hosts = headers.get_all("Origin"), headers.get_all("Host")
        if len(origins) != 1 or len(hosts) != 1 or not is_own(self.settings, hosts[0], origins[0]):
            raise Turned(HTTPStatus.FORBIDDEN)
        async with acquire(self.pool) as db:
            watch = await admit(db, request.path, token_of(self.settings, headers.get_all("Cookie")))
        if watch.kind in FEEDS and watch.view not in self.feeds(watch).feeds:
            raise Turned(HTTPStatus.NOT_FOUND)
        return watch

    def feeds(self, watch: Watch) -> Feeds:
        """The feeds of the hall that is watched. Turned while they are not read yet."""
        pump = self.pumps.of.get(watch.hall.id)
        if pump is None or pump.feeds is None:
            raise Turned(HTTPStatus.SERVICE_UNAVAILABLE)
        return pump.feeds

    async def serve(self, connection: ServerConnection) -> None:
        """Hold one page's line until either side lets go."""
        watch, outlet = self.admitted.pop(connection), Outlet(connection)
        self.open[outlet] = watch
        self.join(watch, outlet)
        try:
            with suppress(ConnectionClosed):
                await listen(connection, outlet)
        finally:
            self.fanout.leave(watch.hall.id, watch.view, outlet)
            del self.open[outlet]

    def join(self, watch: Watch, outlet: Outlet) -> None:
        """Bring the page to where its view is now; from here on it hears what everybody hears."""
        if watch.kind in FEEDS:
            for message in catch_up(self.feeds(watch), watch):
                outlet.send(encode(message))
        self.fanout.join(watch.hall.id, watch.view, outlet)
        if watch.kind == "ticket":
            self.phones.joined(watch.subject)

    async def beat(self) -> None:
        """Every ten seconds a sign of life, so that a page can tell a quiet hall from a lost one."""
        while True:
            await asyncio.sleep(BEAT_S)
            payload = msgspec.json.encode({"type": "beat", "at": clock.now().wall})
            for outlet in list(self.open):
                outlet.send(payload)

    async def sweep(self) -> None:
        """Every second: let go of lines that do not drain."""
        while True:
            await asyncio.sleep(1)
            for outlet in list(self.open):
                outlet.sweep()

    async def check_sessions(self) -> None:
        """Every three seconds: close the lines of sign-ins that have ended."""
        await asyncio.sleep(CHECK_S)
        riding = {watch.session for watch in self.open.values() if watch.session is not None}
        if not riding:
            return
        async with acquire(self.pool) as db:
            ended = riding - await still_good(db, list(riding))
        for outlet, watch in list(self.open.items()):
            if watch.session in ended:  # who came while we looked was not asked about
                outlet.close(ENDED, "signed out")

    async def drain(self) -> None:
        """Let nobody in any more and send everybody away in turns; they come back by themselves."""
        self.draining = True
        await send_away(self.open, lambda outlet: outlet.close(Close.DRAINING))


def catch_up(feeds: Feeds, watch: Watch) -> Iterable[Message]:
    """What brings a mirror up to date: the events it missed, or the board as it is."""
    missed = feeds.resume(watch.view, watch.at) if watch.at else None
    return missed if missed is not None else [feeds.snapshot(watch.view)]


async def listen(connection: ServerConnection, outlet: Outlet) -> None:
    """Read what a page says and make nothing of it. One that talks is closed."""
    said = 0
    async for _ in connection:
        said += 1
        if said > SAYS_MOST:
            outlet.close(Close.TOO_FAST)
