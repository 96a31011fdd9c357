"""Looking for a day's rounds beside the floor: begun by a hand or by the clock, found by the solver's process, proposed."""

import asyncio
import time
from collections.abc import Iterable, MutableMapping
from datetime import date

import asyncpg
import structlog

from devices import clock
from floor.database import Db, Pool, Unavailable, acquire
from floor.doorbell import Doorbell
from queueing.halls import Hall, business_day, list_halls
from scheduling import looks
from scheduling.envelopes import Envelopes, Unreadable
from scheduling.errors import RoundsSought
from scheduling.rounds import store, watch
from scheduling.rounds.day import Day, day_of, visits_of
from scheduling.rounds.ground import WATCH
from scheduling.rounds.solver import Unsolved, solve
from scheduling.rounds.standing import standing
from scheduling.rounds.travel import Point

BEAT_S = 1.0
LOOK_S = 1.0
WATCH_S = 60  # how often the clock looks at a day under way
SEEN_S = 3600.0  # a look at where doors are is good for an hour; then it is taken, and recorded, again
RULE = "rounds.watch"

log = structlog.get_logger("rounds")

Seen = MutableMapping[tuple[str, int], tuple[float, Point | None]]


async def places(db: Db, hall: Hall, visits: Iterable[int], envelopes: Envelopes, seen: Seen, *, actor: str) -> dict[int, Point]:
    """Where these visits are, for one who plans. What `actor` saw within the hour is not looked up, nor recorded, again."""
    now, wanted = time.monotonic(), list(visits)
    for key in [key for key, (until, _) in seen.items() if until <= now]:
        del seen[key]
    new = [number for number in wanted if (actor, number) not in seen]
    if new:
        found = await looks.points(db, hall, new, envelopes, actor=actor)
        for number in new:
            it = found.get(number)
            seen[actor, number] = (now + SEEN_S, Point(it.lat, it.lon) if it is not None else None)
    return {number: point for number in wanted if (point := seen[actor, number][1]) is not None}


async def seen_day(db: Db, hall: Hall, day: date, envelopes: Envelopes, seen: Seen, *, actor: str) -> Day:
    """A day with its doors where they are; each has its area's name for ways that were measured."""
    visits = await visits_of(db, hall, day)
    where = await places(db, hall, visits, envelopes, seen, actor=actor)
    return await day_of(
        db, hall, day, visits, {n: Point(it.lat, it.lon, visits[n].area or "") for n, it in where.items()}
    )  # fmt: skip


async def blind_day(db: Db, hall: Hall, day: date) -> Day:
    """A day of a hall whose envelopes can't be opened: without any places."""
    return await day_of(db, hall, day, await visits_of(db, hall, day), {})


async def look_for(pool: Pool, doorbell: Doorbell | None, hall: Hall, number: int, day: Day) -> None:
    """Find the rounds of a plan that was begun, saying every second that it goes on, until it is done or was stopped."""
    solving = asyncio.create_task(solve(day.problem))
    try:
        while not (await asyncio.wait({solving}, timeout=BEAT_S))[0]:
            async with acquire(pool) as db:
                if not await store.beat(db, number):
                    return
        async with acquire(pool) as db:
            try:
                plan = solving.result()
            except Unsolved as unsolved:
                log.error("rounds.unsolved", hall=hall.code, day=day.day.isoformat(), why=str(unsolved))
                await store.give_up(db, hall, number, unsolved.why)
            else:
                await store.propose(db, hall, number, day, plan, standing(day))
    finally:
        if not solving.done():
            solving.cancel()
            await asyncio.gather(solving, return_exceptions=True)
    if doorbell is not None:
        doorbell.ring(hall.id)


CLAIM = f"""
INSERT INTO ticks (rule, minute, subject) VALUES ('{RULE}', date_bin('{WATCH_S} seconds', hall_now(), 'epoch'), $1)
ON CONFLICT DO NOTHING RETURNING minute
"""
UNDER_WAY = "SELECT EXISTS (SELECT FROM doorstep_visits WHERE hall = $1 AND day = $2 AND state = 'scheduled')"


class Watcher:
    """Each minute a look at every hall's rounds of today: who is late, who asks, which team is out. It only proposes."""

    def __init__(self, pool: Pool, doorbell: Doorbell, envelopes: Envelopes) -> None:
        self.pool, self.doorbell, self.envelopes = pool, doorbell, envelopes
        self.seen: Seen = {}
        self.period = -1
        self.tasks: set[asyncio.Task[None]] = set()

    async def look(self, wall: float) -> None:
        """Do what is due at `wall` seconds of the epoch; whoever claims a hall's minute does it."""
        if self.period == int(wall // WATCH_S):
            return
        self.period = int(wall // WATCH_S)
        async with acquire(self.pool) as db:
            for hall in await list_halls(db):
                if hall.value(WATCH) and await db.fetchval(CLAIM, f"hall:{hall.id}") is not None:
                    await self.look_at(db, hall)

    async def look_at(self, db: Db, hall: Hall) -> None:
        """Begin to look for a better plan where today gives a reason to."""
        today = await business_day(db, hall)
        if not await db.fetchval(UNDER_WAY, hall.id, today):
            return
        try:
            day = await seen_day(db, hall, today, self.envelopes, self.seen, actor="clock")
        except Unreadable:
            log.error("rounds.unreadable", hall=hall.code)
            return
        why = watch.cause(hall, day, await store.plans_of(db, hall, today), standing(day))
        if why is None:
            return
        try:
            number = await store.begin(db, hall, today, why, actor="clock")
        except RoundsSought:
            return  # somebody pressed the button meanwhile
        log.info("rounds.begun", hall=hall.code, cause=why)
        task = asyncio.create_task(look_for(self.pool, self.doorbell, hall, number, day))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def keep_rounds(watcher: Watcher, stop: asyncio.Event) -> None:
    """Look each second until told to stop. Without Postgres there is nothing to plan; the clock says so."""
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        try:
            await watcher.look(clock.now().wall.timestamp())
        except Unavailable:
            log.debug("rounds_wait_for_the_database")
        except asyncpg.PostgresError:
            log.exception("rounds_failed")  # one look that fails is not the clock's end
        wake = loop.create_task(stop.wait())
        await asyncio.wait([wake], timeout=LOOK_S)
        wake.cancel()
    for task in watcher.tasks:
        task.cancel()
    await asyncio.gather(*watcher.tasks, return_exceptions=True)
