"""The clock's third task: twice a minute the changes that would help are played beside the floor as it is, and proposed."""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import structlog

from devices import clock
from floor.database import Db, Pool, Unavailable, acquire
from floor.doorbell import Doorbell
from floor.free import free_clerks, posts_now
from queueing import outcomes, proposals, settings
from queueing.errors import Refused
from queueing.floors import Measures, read_floor
from queueing.halls import Hall, list_halls
from queueing.measures import measure
from queueing.proposals import Proposal
from queueing.rounds import Round, look
from scheduling.roster.planned import apply_on_shift

LOOK_S = 1.0
ROUND_S = 30
SHARE = 0.1  # of a core: a round that took 2 s of processor is not followed by another for 20
MEASURED_EVERY_S = 60.0
RULE = "balance.weigh"

log = structlog.get_logger("clock")

# Whoever claims the period does the round. A clock that dies in it leaves the round undone, and the next is half a minute off.
CLAIM = f"""
INSERT INTO ticks (rule, minute, subject) VALUES ('{RULE}', date_bin('{ROUND_S} seconds', hall_now(), 'epoch'), $1)
ON CONFLICT DO NOTHING RETURNING minute
"""
NEWEST = f"SELECT max(minute) FROM ticks WHERE rule = '{RULE}' AND subject = $1"


@dataclass(slots=True)
class Known:
    """What is remembered of one hall between two rounds. Times are of the monotonic clock."""

    period: int = -1
    rest_until: float = 0.0
    measures: Measures | None = None
    measured_at: float = 0.0


class Balancer:
    """What one process remembers of its halls. Two processes may do the same: each round is claimed by one of them."""

    def __init__(self, pool: Pool, doorbell: Doorbell | None = None) -> None:
        self.pool = pool
        self.doorbell = doorbell
        self.halls: dict[int, Known] = {}

    async def look(self, now: float, wall: float) -> None:
        """Do the rounds that are due: `now` of the monotonic clock, `wall` in seconds of the epoch. A connection is held for
        one hall's round: with a hundred halls the clock's other tasks would wait too long for it."""
        async with acquire(self.pool) as db:
            halls = await list_halls(db)
        for hall in halls:
            known, period = self.halls.setdefault(hall.id, Known()), int(wall // ROUND_S)
            if known.period != period and now >= known.rest_until:
                known.period = period
                async with acquire(self.pool) as db:
                    claimed = await db.fetchval(CLAIM, f"hall:{hall.id}")
                    if claimed is not None:
                        await self.round(db, hall, known, claimed, now)

    async def round(self, db: Db, hall: Hall, known: Known, claimed: datetime, now: float) -> None:
        """One round of one hall; what came of it is written in one transaction, unless a newer round has overtaken it."""
        if known.measures is None or now - known.measured_at >= MEASURED_EVERY_S:
            known.measures, known.measured_at = await measure(db, hall.id), now
        floor = await read_floor(db, hall.id, known.measures)
        posts = await posts_now(db, hall)
        found = await look(db, hall, floor, await proposals.live(db, hall), await free_clerks(db, hall, posts), posts)
        known.rest_until = now + found.cost_s / SHARE
        async with db.transaction():
            if await db.fetchval(NEWEST, f"hall:{hall.id}") != claimed:
                return
            standing = await proposals.live(db, hall)
            offered = await proposals.count(
                db, hall, standing, found.weighed, found.unreached, found.lost, found.over,
                least_s=60.0 * hall.value(settings.GAIN), rounds=hall.value(settings.ROUNDS),
            )  # fmt: skip
        for proposal in offered:
            await self.follow_tide(db, hall, proposal)
        for proposal in standing:
            await self.take_back(db, hall, proposal, found)
        await outcomes.judge(db, hall, floor.at)
        log.debug("balance", hall=hall.code, weighed=len(found.weighed), processor_s=round(found.cost_s, 3))
        if self.doorbell is not None and (offered or standing):
            self.doorbell.ring(hall.id)

    async def follow_tide(self, db: Db, hall: Hall, proposal: Proposal) -> None:
        """Where the hall wants it, a rule of the tide acts by itself."""
        if proposal.rule and hall.value(settings.TIDE_ACTS):
            await _unless_refused(apply_on_shift(db, hall, proposal.id, proposal.step, actor=f"rule:{proposal.rule}"))

    async def take_back(self, db: Db, hall: Hall, proposal: Proposal, found: Round) -> None:
        """Count the rounds without need of it; after enough of them the hall's setting takes it back, or its page offers to."""
        calm = found.calm.get(proposal.id)
        if calm is None or proposal.id in found.over:
            return
        rounds = await proposals.note_calm(db, proposal, calm)
        if rounds >= hall.value(settings.ROUNDS) and hall.value(settings.REVERTS):
            await _unless_refused(proposals.undo(db, hall, proposal.id, actor="clock", by_clock=True))


async def _unless_refused(act: Awaitable[bool]) -> None:
    """What the floor refuses now (somebody is served there) is tried again in the next round."""
    try:
        await act
    except Refused as reason:
        log.info("balance_waits", reason=str(reason))


async def keep_balance(balancer: Balancer, stop: asyncio.Event) -> None:
    """Look each second until told to stop. Without Postgres there is nothing to balance; the clock says so."""
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        try:
            await balancer.look(time.monotonic(), clock.now().wall.timestamp())
        except Unavailable:
            log.debug("balance_waits_for_the_database")
        except asyncpg.PostgresError:
            log.exception("balance_failed")  # one round that fails is not the clock's end
        wake = loop.create_task(stop.wait())
        await asyncio.wait([wake], timeout=LOOK_S)
        wake.cancel()
