"""How a hall's record reaches its boards, pages and machines: read once when it grows, told to all who watch, then announced."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Protocol

import asyncpg
import structlog

from devices.jobs import Job
from devices.wire import Event, Snapshot
from displays import announce
from displays.feed import Feeds, follow, open_feeds
from floor.database import Db, Pool, Unavailable, acquire
from floor.doorbell import SWEEP_S, Doorbell
from queueing.journal import Entry, read

BATCH = 500  # rows read at a time: a link that was away for an hour catches up in a few seconds without filling memory
BREATH = 20  # rows told before the lines get a turn to drain
BACKLOG = 5000  # rows the announcer may be behind before it reads them again instead
RETRY_S = 0.5  # how soon a lost database is tried again

log = structlog.get_logger("pump")


class Audience(Protocol):
    """Who is told: subscribers of views, pages that are nudged, machines that owe something."""

    def publish(self, hall: int, view: str, told: Event | Snapshot) -> None:
        """Encode this once and write it to every subscriber of the view, waiting for none."""

    def notice(self, hall: int, entries: Sequence[Entry], offset: int) -> None:
        """The record has grown to `offset` by these rows; none of them means that it is another record now."""

    def owe(self, made: Sequence[Job]) -> None:
        """These jobs are due from now on."""


class Pump:
    """One hall's record on its way out. `pages` is the address of the hall's pages, for the codes on paper."""

    def __init__(self, hall_id: int, pool: Pool, audience: Audience, pages: str) -> None:
        self.hall_id = hall_id
        self.pool = pool
        self.audience = audience
        self.pages = pages
        self.feeds: Feeds | None = None
        self.outdated = False  # windows were added: read the hall anew
        self.grown = asyncio.Event()  # the record may have grown
        self.unsaid = asyncio.Event()  # there may be something to announce
        self.reached = 0  # how far the record has been read
        self.announced = 0
        self.announcing: Feeds | None = None  # the feeds to whose record `announced` belongs
        self.backlog: list[Entry] = []  # rows told and not announced yet, without gaps

    async def run(self) -> None:
        """Tell and announce until cancelled, through every restart of the database."""
        async with asyncio.TaskGroup() as group:
            group.create_task(persist("tell", self.tell_once, self.grown))
            group.create_task(persist("announce", self.announce_once, self.unsaid))

    def rebuild(self) -> None:
        """Read the hall anew: it has windows that the feeds don't know."""
        self.outdated = True
        self.grown.set()

    async def tell_once(self) -> None:
        """Wait for the record to grow, or for held-back counts to be due, and tell what there is."""
        if self.feeds is None:
            async with acquire(self.pool) as db:
                await self.open(db)
        elif await self.rung(self.feeds):
            async with acquire(self.pool) as db:
                await self.read_on(db, self.feeds)

    async def rung(self, feeds: Feeds) -> bool:
        """Wait for the bell; False when only the counts of waiting people were due, which are then told."""
        due, loop = feeds.due(), asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(due):
                await self.grown.wait()
        except TimeoutError:
            self.publish(feeds.settle(loop.time()))
            return False
        self.grown.clear()
        return True

    async def open(self, db: Db) -> None:
        """Begin at the hall's present state: everybody who watches gets a snapshot."""
        self.feeds = feeds = await open_feeds(db, self.hall_id)
        self.outdated = False
        self.backlog.clear()
        self.reached = feeds.position
        for view in feeds.feeds:
            self.audience.publish(self.hall_id, view, feeds.snapshot(view))
        self.audience.notice(self.hall_id, (), feeds.position)
        self.unsaid.set()

    async def read_on(self, db: Db, feeds: Feeds) -> None:
        """Read what is new and tell it. Another epoch, a shorter record or an unknown window is a new beginning."""
        entries: list[Entry] | None = None
        while entries is None or len(entries) == BATCH:
            reached, entries = await follow(db, self.hall_id, feeds.position, BATCH)
            same = reached.epoch == feeds.epoch and reached.offset >= feeds.position
            if self.outdated or not same or not feeds.knows(entries):
                log.warning("record_begins_anew", hall=self.hall_id, epoch=reached.epoch, offset=reached.offset)
                await self.open(db)
                return
            for first in range(0, len(entries), BREATH):
                await self.tell(feeds, entries[first : first + BREATH])
                await asyncio.sleep(0)  # lines drain between frames

    async def tell(self, feeds: Feeds, entries: list[Entry]) -> None:
        """The boards, then the pages. The announcer gets its statement out before: it is on its way while we write to them.

        Folding and publishing are one turn of the loop: who joins a view in between would be told the same twice.
        """
        if len(self.backlog) > BACKLOG:
            self.backlog.clear()
        self.backlog += entries
        self.reached = entries[-1].offset
        self.unsaid.set()
        await asyncio.sleep(0)
        self.publish(feeds.take(entries, asyncio.get_running_loop().time()))
        self.audience.notice(self.hall_id, entries, feeds.position)

    def publish(self, told: Iterable[tuple[str, Event]]) -> None:
        for view, event in told:
            self.audience.publish(self.hall_id, view, event)

    async def announce_once(self) -> None:
        """Wait for news, then make the jobs of all rows not announced yet and hand them to the machines."""
        await self.unsaid.wait()
        self.unsaid.clear()
        feeds = self.feeds
        async with acquire(self.pool) as db:
            if feeds is not None and self.announcing is not feeds:
                said = await announce.reached(db, self.hall_id)
                self.announced, self.announcing = said.offset if said else 0, feeds
            while feeds is not None and feeds is self.feeds and self.announced < self.reached:
                entries = await self.unannounced(db)
                made = await announce.announce(db, self.hall_id, feeds.epoch, entries, self.pages)
                self.announced = entries[-1].offset
                self.audience.owe(made)

    async def unannounced(self, db: Db) -> Sequence[Entry]:
        """The rows behind `announced`: those just told, or read again where the announcer is far behind."""
        waiting, self.backlog = [entry for entry in self.backlog if entry.offset > self.announced], []
        if waiting and waiting[0].offset == self.announced + 1:
            return waiting[:BATCH]
        return await read(db, self.hall_id, self.announced, BATCH)


async def persist(task: str, step: Callable[[], Awaitable[None]], retry: asyncio.Event | None = None) -> None:
    """Repeat a step for ever. A database that is away, or fails, is waited for and said once; `retry` is then set."""
    failing = False
    while True:
        try:
            await step()
            failing = False
        except (Unavailable, asyncpg.PostgresError) as reason:
            if not failing:
                log.warning("database_away", task=task, reason=str(reason.__cause__ or reason))
            failing = True
            await asyncio.sleep(RETRY_S)
            if retry is not None:
                retry.set()


async def surely(act: Coroutine[None, None, None]) -> None:
    """Do this so that it ends when it is cancelled: the Redis client loses a cancellation that meets it connecting."""
    task = asyncio.create_task(act)
    try:
        await asyncio.wait([task])
        task.result()
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=0.1)


TOPS = "SELECT hall, epoch, top FROM hall_streams"


class Pumps:
    """The pumps of all halls, woken by the bell and, each second, by a look at how far every record has grown."""

    def __init__(self, pool: Pool, doorbell: Doorbell, audience: Audience, pages: str) -> None:
        self.pool = pool
        self.doorbell = doorbell
        self.audience = audience
        self.pages = pages
        self.of: dict[int, Pump] = {}
        self.swept = False

    @property
    def ready(self) -> bool:
        """Whether every hall has been read, so that those who dial can be told where things stand."""
        return self.swept and all(pump.feeds is not None for pump in self.of.values())

    async def run(self) -> None:
        """Keep every hall's record flowing until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(surely(self.listen()))
            group.create_task(persist("sweep", lambda: self.sweep(group)))

    async def listen(self) -> None:
        async for hall_id in self.doorbell.listen():
            if hall_id in self.of:
                self.of[hall_id].grown.set()

    async def sweep(self, group: asyncio.TaskGroup) -> None:
        """Find the halls whose record has grown without a ring, and halls that are new."""
        async with acquire(self.pool) as db:
            tops = await db.fetch(TOPS)
        for row in tops:
            pump = self.of.get(row["hall"])
            if pump is None:
                pump = self.of[row["hall"]] = Pump(row["hall"], self.pool, self.audience, self.pages)
                group.create_task(pump.run())
            elif pump.feeds and (row["epoch"], row["top"]) != (pump.feeds.epoch, pump.feeds.position):
                pump.grown.set()
        self.swept = True
        await asyncio.sleep(SWEEP_S)
