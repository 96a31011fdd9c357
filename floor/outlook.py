"""The clock's second task: as the floor moves it is played forward, and the waits that come of it are kept for all to read."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg
import structlog

from floor.database import Db, Pool, Unavailable, acquire
from queueing import plays, promises
from queueing.floors import Measures, read_floor
from queueing.forecast import Load
from queueing.measures import measure
from queueing.simulate import simulate

LOOK_S = 1.0
MEASURED_EVERY_S = 60.0  # what is measured changes by the minute
STILL_S = 15.0  # a floor on which nothing happens grows older all the same: half of forecast.FRESH_S
SHARE = 0.1  # of a core: a play that took 40 ms is not followed by another for 400

log = structlog.get_logger("clock")


@dataclass(slots=True)
class Known:
    """What is remembered of one hall between two plays. Times are of the monotonic clock."""

    measures: Measures | None = None
    measured_at: float = 0.0
    offset: int = -1
    played_at: float = 0.0
    rest_until: float = 0.0
    newest: int = 0
    told: Mapping[str, Load] = field(default_factory=dict)
    made_at: datetime | None = None


TOPS = "SELECT hall, top FROM hall_streams ORDER BY hall"


class Outlook:
    """What one process remembers of its halls. Two processes may do the same: the newer forecast stays."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.halls: dict[int, Known] = {}

    async def look(self, now: float) -> None:
        """Play the halls that have moved, or stood still for long. A connection is held for one play."""
        async with acquire(self.pool) as db:
            tops = await db.fetch(TOPS)
        for row in tops:
            known = self.halls.setdefault(row["hall"], Known())
            moved = row["top"] != known.offset
            if now >= known.rest_until and (moved or now - known.played_at >= STILL_S):
                async with acquire(self.pool) as db:
                    await self.play(db, row["hall"], known, now)

    async def play(self, db: Db, hall: int, known: Known, now: float) -> None:
        """Play one hall forward and keep what came of it, and what those who took a number meanwhile had been told."""
        began = time.process_time()
        if known.measures is None or now - known.measured_at >= MEASURED_EVERY_S:
            known.measures, known.measured_at = await measure(db, hall), now
        floor = await read_floor(db, hall, known.measures)
        outcome = simulate(floor, seed=floor.offset)
        made = plays.rows(floor, outcome)
        if known.made_at is not None:
            ahead = {id_: n for row in made for id_, n in zip(row["tickets"], row["ahead"], strict=False)}
            known.newest = await promises.promise(db, hall, known.newest, known.told, known.made_at, ahead)
        else:
            known.newest = await promises.newest(db)
        await plays.store(db, floor, made)
        if (end := plays.day_end(floor)) is not None:
            await plays.store_end(db, floor, end)
        known.told, known.made_at = plays.as_loads(floor, made), floor.at
        known.offset, known.played_at = floor.offset, now
        known.rest_until = now + (time.process_time() - began) / SHARE


async def keep_outlook(outlook: Outlook, stop: asyncio.Event) -> None:
    """Look each second until told to stop. Without Postgres there is nothing to play; the clock says so."""
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        try:
            await outlook.look(time.monotonic())
        except Unavailable:
            log.debug("outlook_waits_for_the_database")
        except asyncpg.PostgresError:
            log.exception("outlook_failed")  # one play that fails is not the clock's end
        wake = loop.create_task(stop.wait())
        await asyncio.wait([wake], timeout=LOOK_S)
        wake.cancel()
