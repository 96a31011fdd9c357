"""The process that holds every long line of the hall: boards, machines and pages, all told of the same act at once."""

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import structlog
import uvloop
from redis.asyncio import Redis
from redis.exceptions import RedisError
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import NegotiationError, WebSocketException
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from devices import wire
from devices.errors import NotReadYet, PressRefused
from devices.gateway import SERVER, Following, Gateway, Lent, choose_version
from devices.jobs import Job
from devices.registry import Device
from devices.wire import Event, Snapshot, encode
from floor import presses
from floor.api.limits import Rates
from floor.database import Pool, Unavailable, acquire, open_pool
from floor.doorbell import Doorbell, open_redis
from floor.lending import Lending
from floor.log import start_log
from floor.nudges import Nudges, Phones
from floor.pump import Pumps, persist
from floor.refusals import TooFast
from floor.settings import Settings, load
from floor.sockets import PROTOCOL, Pages
from floor.views import page_origin, printed_address
from queueing.errors import Refused
from queueing.journal import Entry, Position

CONNECTIONS = 3  # to the database: one reads, one announces, one settles what the machines report; each weighs 25 MB
LINGER_S = 2.5  # for lines to go; whoever dialled and never said a word would keep the door open for its ten seconds

log = structlog.get_logger("link")


class Link:
    """The lines of this process, and what they need of the hall: `line.Hall` for the machines, `pump.Audience` for news."""

    def __init__(self, settings: Settings, pool: Pool, redis: Redis) -> None:
        self.settings = settings
        self.pool = pool
        self.redis = redis
        self.rates = Rates(redis, settings)
        self.gateway = Gateway(pool, self, lambda host: page_origin(settings, host))
        self.nudges = Nudges(self.gateway.fanout)
        self.phones = Phones(self.gateway.fanout, pool)
        self.pumps = Pumps(pool, Doorbell(redis), self, printed_address(settings))
        self.lending = Lending(pool, printed_address(settings))
        self.pages = Pages(settings, pool, self.pumps, self.gateway.fanout, self.phones)

    # ---- what the record's growth brings

    def publish(self, hall: int, view: str, told: Event | Snapshot) -> None:
        """To every board and mirror of a view. Snapshots go to all when the record begins anew."""
        if isinstance(told, Snapshot):
            self.gateway.begin_anew(hall, told.epoch)
        else:
            self.gateway.told(hall, view, told.offset)
        self.gateway.fanout.publish(hall, view, encode(told))

    def notice(self, hall: int, entries: Sequence[Entry], offset: int) -> None:
        """To the pages that fetch for themselves."""
        self.nudges.notice(hall, entries, offset)
        self.phones.notice(hall, offset)

    def owe(self, made: Sequence[Job]) -> None:
        """To the machines that owe something, those who are here."""
        self.gateway.offer([job for job in made if job.state == "owed"])

    # ---- what the machines ask of the hall

    def follow(self, device: Device, position: wire.Position | None) -> Following:
        """Bring a board up to date: what it missed, or its whole view. NotReadYet."""
        pump, view = self.pumps.of[device.hall], device.view or ""
        feeds = pump.feeds
        if feeds is None or view not in feeds.feeds:
            pump.rebuild()  # put up at a window younger than our plan of the hall
            raise NotReadYet()
        missed = feeds.resume(view, Position(position.epoch, position.offset)) if position else None
        told: Sequence[Event | Snapshot] = [feeds.snapshot(view)] if missed is None else missed
        return Following(feeds.epoch, feeds.feeds[view].last, missed is not None, [encode(message) for message in told])

    async def press(self, device: Device, press: wire.Press) -> dict[str, Any] | None:
        """Somebody touched a machine."""
        try:
            if press.what == "card":
                await presses.lay_card(self.redis, self.settings.secret, device, press)
                return None
            if press.what == "take":
                await self.rates.allow_device(device.id)
            async with acquire(self.pool) as db:
                answer = await presses.touch(db, device, press)
        except TooFast as refused:
            raise PressRefused(refused.code, str(refused), retry=True) from refused
        except Refused as refused:
            raise PressRefused(refused.code, str(refused)) from refused
        except RedisError as away:
            raise PressRefused("try_later", "No card can be read now.", retry=True) from away
        except Unavailable as away:
            raise PressRefused("try_later", "The hall's record is away.", retry=True) from away
        self.ring(device.hall)
        return answer

    async def lent(self, device: Device) -> Lent:
        """What a dispenser holds to go on alone."""
        return await self.lending.lent(device)

    async def accept(self, device: Device, issued: wire.Issued) -> int:
        """A dispenser comes home with what it gave out alone."""
        through = await self.lending.accept(device, issued)
        self.ring(device.hall)
        return through

    def owed(self, job: Job) -> None:
        """A paper has to be printed again: whoever shows the ticket without paper looks anew."""
        self.ring(job.hall)

    def ring(self, hall: int) -> None:
        """The record grew by an act of this process itself."""
        if hall in self.pumps.of:
            self.pumps.of[hall].grown.set()

    # ---- the door

    async def check(self, connection: ServerConnection, request: Request) -> Response | None:
        """Who is at the door, by the path they ask for."""
        match path_of(request.path):
            case "/healthz":
                return connection.respond(HTTPStatus.OK, "ok\n")
            case "/devices/link" | "/pages/link" if not self.pumps.ready:
                return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "The hall's record is not read yet.\n")
            case "/devices/link":
                return await self.gateway.doorway.check(connection, request)
            case "/pages/link":
                return await self.pages.check(connection, request)
        return connection.respond(HTTPStatus.NOT_FOUND, "There is nothing here.\n")

    async def serve(self, connection: ServerConnection) -> None:
        """Hold a line that was let in."""
        await (self.pages.serve(connection) if connection.subprotocol == PROTOCOL else self.gateway.serve(connection))

    async def run(self, stop: asyncio.Event) -> None:
        """Open the door, keep everything flowing until `stop`, then send everybody away in good order."""
        options = {"process_request": self.check, "select_subprotocol": choose, **SERVER}
        door = await serve(self.serve, self.settings.host, self.settings.link_port, **options)
        try:
            async with asyncio.TaskGroup() as group:
                kept = [group.create_task(task) for task in self.tasks()]
                log.info("link_open", port=self.settings.link_port)
                await stop.wait()
                door.close(close_connections=False)
                await asyncio.gather(self.gateway.drain(), self.pages.drain())
                for task in kept:
                    task.cancel()
        finally:
            door.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    await door.wait_closed()

    def tasks(self) -> list[Coroutine[Any, Any, None]]:
        """All that goes on beside the lines."""
        return [
            self.pumps.run(), self.gateway.keep(), self.pages.beat(), self.pages.sweep(),
            persist("sessions", self.pages.check_sessions), persist("phones", self.phones.tell_once, self.phones.stale),
        ]  # fmt: skip


def path_of(target: str) -> str:
    """The path somebody asks for; empty for an address that cannot be read."""
    try:
        return urlsplit(target).path
    except ValueError:
        return ""


def choose(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol:
    """Pages speak one language, machines another; anything else is refused with 400."""
    if connection.request is not None and path_of(connection.request.path) == "/devices/link":
        return choose_version(connection, list(offered))
    if PROTOCOL not in offered:
        raise NegotiationError(f"offer {PROTOCOL}")
    return Subprotocol(PROTOCOL)


def is_ours(record: logging.LogRecord) -> bool:
    """Anybody may send anything to an open port: a greeting that fails by the client's fault is no error of the hall."""
    reason = record.exc_info[1] if record.exc_info else None
    return not isinstance(reason, (WebSocketException, EOFError, OSError))


async def main() -> None:
    settings = load(os.environ)
    start_log(settings)
    logging.getLogger("websockets.server").addFilter(is_ours)
    assert settings.redis_url, "the supervisor names the Redis"
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    redis, pool = open_redis(settings.redis_url), await open_pool(settings, size=CONNECTIONS)
    await Link(settings, pool, redis).run(stop)
    pool.terminate()  # nobody is left to be answered
    await redis.aclose()


if __name__ == "__main__":
    uvloop.run(main())
