"""SMS and mail beside the clock: reads the record, takes what is due, sends it without a connection, writes what became of it."""

import asyncio
from collections.abc import Mapping

import asyncpg
import structlog

from displays import contacts, notices, outbox
from displays.outbox import Opened, Taken
from displays.sealed import Seal
from displays.ways import NotTaken
from floor.database import GONE, Db
from queueing.halls import Hall
from scheduling.ticks import Tick

AT_ONCE = 8  # requests under way
STOP_S = 3.0  # how long those may take that are under way when the program is told to stop

log = structlog.get_logger("notices")


class Post:
    """One program's share of the sending. `look` is short and is given a connection; the requests run between two looks."""

    def __init__(self, seal: Seal, pages: str, secrets: Mapping[str, str]) -> None:
        self.seal, self.pages, self.secrets = seal, pages, secrets
        self.under_way: set[asyncio.Task[None]] = set()
        self.ended: list[tuple[Taken, str | None]] = []
        self.ways: Mapping[tuple[int, str], Opened] = {}

    async def look(self, db: Db, halls: list[Hall]) -> None:
        """Write down what became of the last requests, read on in the record, begin the next requests."""
        await self.settle(db)
        self.ways = ways = await outbox.open_ways(db, self.seal, self.secrets, self.ways)
        sending = [hall for hall in halls if any(of == hall.id for of, _ in ways)]
        for hall in sending:
            await self.follow(db, hall)
        room = AT_ONCE - len(self.under_way)
        if sending and room > 0:
            for taken in await outbox.take(db, [hall.id for hall in sending], self.seal, self.pages, room):
                self.begin(taken, ways)

    async def settle(self, db: Db) -> None:
        """Write down what became of requests."""
        while self.ended:
            taken, failure = self.ended[0]
            await outbox.settle(db, taken, failure)
            del self.ended[0]

    async def follow(self, db: Db, hall: Hall) -> None:
        """All rows of the record that are new; one hall's trouble is not another's."""
        try:
            while await notices.follow(db, hall) == notices.BATCH:
                log.info("notices_catch_up", hall=hall.code)
        except asyncpg.PostgresError as reason:
            if isinstance(reason, GONE):
                raise
            log.exception("notices_follow_failed", hall=hall.code)

    def begin(self, taken: Taken, ways: Mapping[tuple[int, str], Opened]) -> None:
        task = asyncio.create_task(self.send(taken, ways))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)

    async def send(self, taken: Taken, ways: Mapping[tuple[int, str], Opened]) -> None:
        """One try. What is logged is the id and a word, never a number, a text or an answer."""
        failure: str | None = None
        if taken.message is not None:
            opened = ways.get((taken.hall, taken.message.kind))
            way = opened.way if opened else "no way"
            if isinstance(way, str):
                failure = way
            else:
                try:
                    async with asyncio.timeout(outbox.LEASE_S / 2):
                        await way.send(taken.message)
                except NotTaken as reason:
                    failure = str(reason)
                except TimeoutError:
                    failure = "timeout"
                except Exception as error:  # noqa: BLE001 a library's own error may hold the number: only its kind is told
                    failure = type(error).__name__
        if failure:
            log.warning("notice_not_taken", notice=taken.id, attempt=taken.attempt, why=failure)
        self.ended.append((taken, failure))

    async def rest(self) -> None:
        """Let what is under way come to its end. What doesn't is sent again later, under the same id."""
        if self.under_way:
            await asyncio.wait(self.under_way, timeout=STOP_S)


async def erase_contacts(db: Db, hall: Hall) -> int:
    """The numbers of visits that are over."""
    return await contacts.erase(db, hall.id, hall.value(notices.KEEP_DAYS))


async def forget_notices(db: Db, hall: Hall) -> int:
    return await outbox.forget(db, hall.id)


TICKS = (Tick("contacts.erase", 600, erase_contacts), Tick("notices.forget", 3600, forget_notices))
