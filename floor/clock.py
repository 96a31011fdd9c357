"""The process that does what is due: it looks each second and acts once per rule, period and hall, however many run."""

import asyncio
import os
import signal
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

import asyncpg
import structlog

from devices import health, jobs, pulse
from devices.clock import is_rehearsed, now
from displays.sealed import Seal
from floor import notices, reminders
from floor.balancing import Balancer, keep_balance
from floor.database import GONE, Db, Pool, Unavailable, acquire, open_pool
from floor.doorbell import Doorbell, open_redis
from floor.log import start_log
from floor.outlook import Outlook, keep_outlook
from floor.power import follow_the_day
from floor.quality import callbacks
from floor.reporting import keep_reporting
from floor.rounds import Watcher, keep_rounds
from floor.settings import load
from floor.signin import forget_ended, signed_out
from floor.views import printed_address
from queueing import alarms, measures, promises
from queueing.halls import Hall, list_halls
from scheduling import ticks
from scheduling.envelopes import Envelopes
from scheduling.resealing import reseal

LOOK_S = 0.05 if is_rehearsed() else 1.0  # a rule acts at most this late; in a rehearsal hours pass between two looks
SWEEP_S = 2.0  # an alarm is on the manager's board within 10 s of its cause; each sweep may run twice
POWER_S = 5.0  # a window that opens out of hours is lit within so long, and the link's own two seconds

T = TypeVar("T")
log = structlog.get_logger("clock")


async def forget_confirmations(db: Db, hall: Hall) -> int:
    """What boards showed a week ago, how lines were three days ago, dead pairing codes, who guessed wrong a month ago."""
    await health.prune(db)
    await pulse.forget(db)
    return 0


async def forget_sessions(db: Db, hall: Hall) -> int:
    """Sign-ins that have run out."""
    await forget_ended(db)
    return 0


async def settle_promises(db: Db, hall: Hall) -> int:
    """What was told is held against what came of it, and the day's account is written. No row of the record: nothing rings."""
    await promises.settle(db, hall.id)
    return 0


async def keep_days(db: Db, hall: Hall) -> int:
    """What past days measured, counted once."""
    await measures.keep_days(db, hall.id)
    return 0


async def watch_floor(db: Db, hall: Hall) -> int:
    """The alarms of the floor that are due, and those whose cause is gone."""
    return await alarms.sweep(db, hall, await signed_out(db, hall.id))


TICKS = (
    *ticks.TICKS,
    ticks.Tick("promises.settle", 60, settle_promises),
    ticks.Tick("days.keep", 600, keep_days),
    ticks.Tick("confirmations.forget", 3600, forget_confirmations),
    ticks.Tick("sessions.forget", 600, forget_sessions),
    *notices.TICKS,
    *reminders.TICKS,
    *callbacks.TICKS,
)


class Clock:
    """What one clock process remembers: which period of which rule it has seen done, and when it swept."""

    def __init__(self, pool: Pool, doorbell: Doorbell, post: notices.Post | None = None) -> None:
        self.pool = pool
        self.doorbell = doorbell
        self.post = post  # None: this clock sends nothing
        self.swept = self.lit = float("-inf")
        self.seen: dict[tuple[str, int], int] = {}

    async def look(self, now: float) -> None:
        """Do what is due at `now` (seconds of the wall clock) in every hall. Unavailable when Postgres is gone."""
        async with acquire(self.pool) as db:
            halls = await list_halls(db)
            for tick in TICKS:
                for hall in halls:
                    await self.tick(db, tick, hall, int(now // tick.every_s))
            if abs(now - self.swept) >= SWEEP_S:  # a wall clock may be put back: what was done later is no reason to wait
                self.swept = now
                await unless_it_fails("jobs.expire", jobs.expire_due(db))
                grown = await unless_it_fails("machines.sweep", health.sweep(db)) or []
                self.ring([hall for hall in halls if hall.id in grown])
                for hall in halls:
                    if await unless_it_fails("alarms.sweep", watch_floor(db, hall)):
                        self.ring([hall])
            if abs(now - self.lit) >= POWER_S:
                self.lit = now
                for hall in halls:
                    await unless_it_fails("machines.power", follow_the_day(db, hall))
            if self.post:
                await unless_it_fails("notices.send", self.post.look(db, halls))

    async def tick(self, db: Db, tick: ticks.Tick, hall: Hall, period: int) -> None:
        """Ask the database only when the period is new to this clock: it, not we, knows whether it was done."""
        if self.seen.get((tick.rule, hall.id)) == period:
            return
        did = await unless_it_fails(tick.rule, ticks.run(db, tick, hall))
        self.seen[tick.rule, hall.id] = period
        if did:
            log.info("tick", rule=tick.rule, hall=hall.code, rows=did)
            self.ring([hall])

    def ring(self, halls: list[Hall]) -> None:
        for hall in halls:
            self.doorbell.ring(hall.id)


async def unless_it_fails(rule: str, due: Awaitable[T]) -> T | None:
    """One rule that fails is logged and tried in its next period; the others go on. A lost database is not its fault."""
    try:
        return await due
    except asyncpg.PostgresError as reason:
        if isinstance(reason, GONE):
            raise
        log.exception("tick_failed", rule=rule)
        return None


async def keep_time(clock: Clock, stop: asyncio.Event) -> None:
    """Look each second until told to stop; without Postgres wait for it, saying so once."""
    loop, away = asyncio.get_running_loop(), False
    while not stop.is_set():
        try:
            await clock.look(now().wall.timestamp())
            if away:
                log.info("database_back")
            away = False
        except Unavailable as reason:
            if not away:
                log.warning("database_away", reason=str(reason))
            away = True
        wake = loop.create_task(stop.wait())
        await asyncio.wait([wake], timeout=LOOK_S)
        wake.cancel()


async def newly_sealed(pool: Pool, envelopes: Envelopes) -> None:
    """After the hall's secret was changed: seal every envelope with the new one, so that the old one may be forgotten."""
    with suppress(Unavailable):  # the next start does it
        async with acquire(pool) as db:
            for hall in await list_halls(db):
                result = await reseal(db, hall, envelopes)
                if result.done:
                    log.info("envelopes_resealed", hall=hall.code, rows=result.done)
                for (table, key), rows in sorted(result.lost.items()):
                    log.warning("envelopes_unreadable", hall=hall.code, table=table, key=key, rows=rows)


async def main() -> None:
    settings = load(os.environ)
    start_log(settings)
    assert settings.redis_url, "the supervisor names the Redis"
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    redis = open_redis(settings.redis_url)
    pool = await open_pool(settings, size=2)  # one looks, the other plays; each weighs 25 MB
    doorbell = Doorbell(redis)
    await newly_sealed(pool, Envelopes(settings.secret, *settings.former_secrets))
    post = notices.Post(Seal(settings.secret), printed_address(settings), settings.notice_secrets)
    async with asyncio.TaskGroup() as group:
        group.create_task(keep_time(Clock(pool, doorbell, post), stop))
        group.create_task(keep_outlook(Outlook(pool), stop))
        group.create_task(keep_balance(Balancer(pool, doorbell), stop))
        group.create_task(keep_rounds(Watcher(pool, doorbell, Envelopes(settings.secret, *settings.former_secrets)), stop))
        if settings.centre is not None:
            group.create_task(keep_reporting(pool, settings.centre, stop))
    await post.rest()
    with suppress(Unavailable):
        async with acquire(pool) as db:
            await post.settle(db)
    await doorbell.close()
    await pool.close()
    await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main())
