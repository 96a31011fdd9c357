"""Plans of a day's rounds as they are kept: looked for, found or not, proposed, forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg

from queueing import journal
from queueing.db import Db, changed
from queueing.halls import Hall, business_day
from scheduling.errors import RoundsSought
from scheduling.rounds.day import Day
from scheduling.rounds.problem import Plan, Round

SILENT_S = 15  # a run that said nothing for so long has died with its process
CAUSES = ("asked", "late", "call", "team")
LATE_S = 300  # from so many seconds late a visit is late; less is on time
FAILURES = ("timeout", "died")  # no answer in time; the process ended without one


@dataclass(frozen=True, slots=True)
class Kept:
    """A plan of a day. `figures` by plan, now and list: metres, late (seconds), visits, left (out); `rounds` by team: metres,
    home and lunch (seconds after midnight); `unserved` by visit: one of why.REASONS. `sought_s`: how long a run has lasted;
    `why` one that failed did: one of FAILURES."""

    id: int
    day: date
    version: int
    state: str
    cause: str
    made_by: str
    made_at: datetime
    seconds: float | None
    figures: dict[str, dict[str, int]] | None
    rounds: dict[str, dict[str, int | None]] | None
    unserved: dict[str, str] | None
    why: str | None
    settled_by: str | None
    settled_at: datetime | None
    sought_s: float
    silent: bool


COLUMNS = f"""
id, day, version, state, cause, made_by, made_at, seconds, figures, rounds, unserved, why, settled_by, settled_at,
extract(epoch FROM clock_timestamp() - began)::float AS sought_s,
state = 'solving' AND beat < clock_timestamp() - interval '{SILENT_S} s' AS silent
"""


async def plan_of(db: Db, hall: Hall, number: int) -> Kept | None:
    """The plan of this number."""
    row = await db.fetchrow(f"SELECT {COLUMNS} FROM round_plans WHERE hall = $1 AND id = $2", hall.id, number)
    return Kept(**row) if row else None


NEWEST = f"SELECT {COLUMNS} FROM round_plans WHERE hall = $1 AND day = $2 ORDER BY version DESC LIMIT $3"


async def plans_of(db: Db, hall: Hall, day: date, limit: int = 20) -> list[Kept]:
    """The plans of a day, the newest first."""
    return [Kept(**row) for row in await db.fetch(NEWEST, hall.id, day, limit)]


# A run whose process died makes way; a proposal nobody answered is passed over by the next search that ends with one.
DEAD = f"""
UPDATE round_plans SET state = 'failed', why = 'died', settled_at = hall_now()
WHERE hall = $1 AND day = $2 AND state = 'solving' AND beat < clock_timestamp() - interval '{SILENT_S} s'
"""
BEGIN = """
INSERT INTO round_plans (hall, day, version, cause, made_by)
SELECT $1, $2, 1 + coalesce(max(version), 0), $3, $4 FROM round_plans WHERE hall = $1 AND day = $2 RETURNING id
"""


async def begin(db: Db, hall: Hall, day: date, cause: str, *, actor: str) -> int:
    """Note that somebody looks for a day's rounds; the number of the plan it will be. RoundsSought while another run does."""
    await db.execute(DEAD, hall.id, day)
    try:
        async with db.transaction():
            number: int = await db.fetchval(BEGIN, hall.id, day, cause, actor)
            await record(db, hall, "rounds.sought", actor, number, day, cause=cause)
    except asyncpg.UniqueViolationError as broken:
        if broken.constraint_name not in ("one_run_a_day", "plan_has_a_version"):
            raise
        raise RoundsSought() from broken
    return number


async def record(db: Db, hall: Hall, kind: str, actor: str, number: int, day: date, **more: object) -> None:
    """Write what became of a plan; the dispatch pages follow the record."""
    await journal.append(db, hall.id, kind, actor, data={"plan": number, "day": day.isoformat(), **more})


BEAT = "UPDATE round_plans SET beat = clock_timestamp() WHERE id = $1 AND state = 'solving'"
FAILED = """
UPDATE round_plans SET state = 'failed', why = $2, settled_at = hall_now() WHERE id = $1 AND state = 'solving'
RETURNING day, made_by
"""
STOP = """
UPDATE round_plans SET state = 'stopped', settled_by = $3, settled_at = hall_now()
WHERE hall = $1 AND day = $2 AND state = 'solving'
"""


async def beat(db: Db, number: int) -> bool:
    """Say that a run goes on; False when somebody stopped it."""
    return changed(await db.execute(BEAT, number)) > 0


async def give_up(db: Db, hall: Hall, number: int, why: str) -> None:
    """A run that ended without a plan, for one of FAILURES."""
    async with db.transaction():
        ended = await db.fetchrow(FAILED, number, why)
        if ended is not None:
            await record(db, hall, "rounds.failed", ended["made_by"], number, ended["day"], why=why)


async def stop(db: Db, hall: Hall, day: date, *, actor: str) -> bool:
    """Let whoever looks for this day's rounds end without a plan."""
    return changed(await db.execute(STOP, hall.id, day, actor)) > 0


OVERLOOK = "UPDATE round_plans SET state = 'passed', settled_at = hall_now() WHERE hall = $1 AND day = $2 AND state = 'proposed'"
PROPOSE = """
UPDATE round_plans SET state = 'proposed', seconds = $2, figures = $3, rounds = $4, unserved = $5
WHERE id = $1 AND state = 'solving' RETURNING made_by, cause
"""
STOPS = """
INSERT INTO round_stops (plan, visit, team, start, leaves, metres, late, was_state, was_team, was_start, was_confirmed)
SELECT $1, x.* FROM unnest($2::bigint[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::int[], $7::int[], $8::text[],
                           $9::bigint[], $10::timestamptz[], $11::timestamptz[])
    AS x(visit, team, start, leaves, metres, late, was_state, was_team, was_start, was_confirmed)
"""
# What nobody asked for is not shown when it would change nothing.
NOTHING_NEW = """
UPDATE round_plans p SET state = 'passed', settled_at = hall_now() WHERE id = $1 AND cause <> 'asked' AND NOT EXISTS (
    SELECT FROM round_stops s WHERE s.plan = p.id AND (s.team, s.start) IS DISTINCT FROM (s.was_team, s.was_start))
RETURNING id
"""


async def propose(db: Db, hall: Hall, number: int, day: Day, plan: Plan, now: list[Round]) -> bool:
    """Keep what a run found, in the place of a proposal nobody answered; False when it was stopped meanwhile.

    `now` are the rounds as they stand, which the page shows beside it.
    """
    rounds = {it.team: {"metres": it.metres, "home": it.home, "lunch": it.lunch_at} for it in plan.rounds}
    asked = len(day.problem.visits)
    figures = {
        "plan": told(plan.rounds, asked), "now": told(now, asked), "list": told(plan.listed, asked),
    }  # fmt: skip
    stops = stops_of(day, plan)
    async with db.transaction():
        await db.execute(OVERLOOK, hall.id, day.day)
        run = await db.fetchrow(PROPOSE, number, plan.seconds, figures, rounds, dict(plan.unserved))
        if run is None:
            return False
        await db.execute(STOPS, number, *([stop[n] for stop in stops] for n in range(10)))
        if await db.fetchval(NOTHING_NEW, number) is None:
            await record(db, hall, "rounds.proposed", run["made_by"], number, day.day, cause=run["cause"])
    return True


def told(rounds: Sequence[Round], asked: int) -> dict[str, int]:
    """What is compared of a day's rounds, of so many who asked."""
    visits = sum(len(it.stops) for it in rounds)
    return {
        "metres": sum(it.metres for it in rounds), "late": sum(it.late for it in rounds),
        "visits": visits, "left": asked - visits,
    }  # fmt: skip


def stops_of(day: Day, plan: Plan) -> list[tuple[Any, ...]]:
    """A row for each visit of the plan: where it goes and how it stood; a promised one that nobody can make waits again."""
    found: list[tuple[Any, ...]] = []

    def was(number: int) -> tuple[Any, ...]:
        it = day.visits[number]
        return it.state, it.team, it.start, it.confirmed_at

    for round in plan.rounds:
        free = day.midnight  # of the stop before
        for stop in round.stops:
            number, start = int(stop.visit), day.at(stop.begins)
            before = day.visits[number].start
            late = max(0, round_s(start, before)) if before is not None else stop.late
            if before is not None and late <= LATE_S and free <= before <= start:
                start = before  # so little later is no other time: nobody has to be told
            free = start + timedelta(seconds=stop.ends - stop.begins)
            found.append((number, int(round.team), start, day.at(stop.leaves), stop.metres, late, *was(number)))
    for visit in plan.unserved:
        if day.visits[int(visit)].state == "scheduled":
            found.append((int(visit), None, None, None, 0, 0, *was(int(visit))))
    return found


def round_s(start: datetime, before: datetime) -> int:
    """Seconds by which a visit is later than was told."""
    return round((start - before).total_seconds())


@dataclass(frozen=True, slots=True)
class PlannedStop:
    """What a plan does with one visit, and how that one stood. `state` and so on are how it stands now."""

    visit: int
    team: int | None
    start: datetime | None
    leaves: datetime | None
    metres: int
    late: int
    was_state: str
    was_team: int | None
    was_start: datetime | None
    was_confirmed: datetime | None

    @property
    def moves(self) -> bool:
        """Whether taking the plan changes anything for this visit."""
        return (self.team, self.start) != (self.was_team, self.was_start)


STOPS_OF = f"""
SELECT {", ".join(PlannedStop.__slots__)} FROM round_stops WHERE plan = $1 ORDER BY team NULLS LAST, start, visit
"""


async def stops(db: Db, number: int) -> list[PlannedStop]:
    """Every visit of a plan, team by team in order."""
    return [PlannedStop(**row) for row in await db.fetch(STOPS_OF, number)]


FORGET = "DELETE FROM round_plans WHERE hall = $1 AND day < $2"
KEPT = timedelta(days=92)


async def forget_old(db: Db, hall: Hall) -> int:
    """Plans of days a quarter of a year ago, with what they would have moved; how many."""
    return changed(await db.execute(FORGET, hall.id, await business_day(db, hall) - KEPT))
