"""What each ticket was told when it was taken, how long it waited, and every day's account of how often that was true."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from queueing.db import Db
from queueing.forecast import Load, expect
from queueing.tickets import TODAY

NEW = f"""
SELECT id, service, day, joined_at FROM tickets WHERE hall = $1 AND id > $2 AND day = {TODAY} ORDER BY id
"""
PROMISE = """
INSERT INTO promises (ticket, hall, day, service, p50_s, p90_s)
SELECT r.ticket, $1, $2, r.service, r.p50_s, r.p90_s
FROM jsonb_to_recordset($3::jsonb) AS r (ticket bigint, service text, p50_s integer, p90_s integer) ON CONFLICT DO NOTHING
"""


async def promise(
    db: Db, hall: int, after: int, told: Mapping[str, Load], made_at: datetime, ahead: Mapping[int, int]
) -> int:  # fmt: skip
    """Keep what was told to those who took a number since ticket `after`; the newest ticket there is.

    `told` is the forecast that was in force then, made at `made_at`; `ahead` counts the people before those who still wait.
    """
    new = await db.fetch(NEW, hall, after)
    kept = []
    for row in new:
        load = told.get(row["service"])
        if load is None or not load.p50_s:
            continue
        then = replace(load, age_s=max(0.0, (row["joined_at"] - made_at).total_seconds()))
        wait = expect(then, ahead.get(row["id"], load.aheads[-1]))
        if wait is not None:
            kept.append({"ticket": row["id"], "service": row["service"], "p50_s": wait.p50_s, "p90_s": wait.p90_s})
    if kept:
        await db.execute(PROMISE, hall, new[0]["day"], kept)
    return max((row["id"] for row in new), default=after)


NEWEST = "SELECT coalesce(max(id), 0) FROM tickets"


async def newest(db: Db) -> int:
    """The newest ticket of all halls: who comes after it gets a promise."""
    found: int = await db.fetchval(NEWEST)
    return found


# A promise is settled by the first call, or by an end without one: who left says nothing about the wait.
SETTLE = """
UPDATE promises p SET settled = true, waited_s = (
    SELECT round(extract(epoch FROM min(j.at) - t.joined_at))::int FROM journal j
    WHERE j.ticket = t.id AND j.kind = 'ticket.called')
FROM tickets t WHERE p.hall = $1 AND NOT p.settled AND t.id = p.ticket AND (t.call_no > 0 OR t.ended_at IS NOT NULL)
"""
# The forecast is judged by the second, stricter than the whole minutes people read; but nobody is told less than a minute.
ACCOUNT = """
INSERT INTO calibrations (hall, day, service, people, inside, half, median_s, mean_s)
SELECT hall, day, service, count(*), count(*) FILTER (WHERE waited_s <= greatest(60, p90_s)),
       count(*) FILTER (WHERE waited_s <= p50_s),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(waited_s - p50_s)), avg(abs(waited_s - p50_s))
FROM promises WHERE hall = $1 AND waited_s IS NOT NULL AND day IN (
    SELECT business_day(hall_now(), time_zone, day_starts) - ago FROM halls, generate_series(0, 1) AS ago WHERE id = $1)
GROUP BY 1, 2, 3
ON CONFLICT (hall, day, service) DO UPDATE SET people = excluded.people, inside = excluded.inside, half = excluded.half,
    median_s = excluded.median_s, mean_s = excluded.mean_s
WHERE calibrations.people <> excluded.people
"""


async def settle(db: Db, hall: int) -> int:
    """Settle the promises of those who have been called and write today's and yesterday's account; promises settled.

    Run again, or twice at once, it writes the same.
    """
    status = await db.execute(SETTLE, hall)
    await db.execute(ACCOUNT, hall)
    return int(status.rpartition(" ")[2])


@dataclass(frozen=True, slots=True)
class Account:
    """A service on one day: of `people` who were told a range, `inside` waited at most its P90, or a minute, and `half` at
    most its P50; seconds by which the P50 was off, in the middle and in the mean."""

    day: date
    service: str
    people: int
    inside: int
    half: int
    median_s: int
    mean_s: int


ACCOUNTS = """
SELECT day, service, people, inside, half, median_s, mean_s FROM calibrations
WHERE hall = $1 AND day > (SELECT business_day(hall_now(), time_zone, day_starts) FROM halls WHERE id = $1) - $2::integer
ORDER BY day, service
"""


async def accounts(db: Db, hall: int, days: int = 14) -> list[Account]:
    """The published accounts of the last days, oldest first; today's grows as people are called."""
    return [Account(**row) for row in await db.fetch(ACCOUNTS, hall, days)]


@dataclass(frozen=True, slots=True)
class Told:
    """Tickets that were told about the same: the middle of what they were told and of how long it took, in seconds."""

    people: int
    told_s: int
    told90_s: int
    waited_s: int
    waited90_s: int


# Five minutes' steps up to twenty, then ten, twenty and more: enough people in each to say something.
TOLD = """
SELECT count(*)::int AS people, percentile_cont(0.5) WITHIN GROUP (ORDER BY p50_s)::int AS told_s,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY p90_s)::int AS told90_s,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY waited_s)::int AS waited_s,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY waited_s)::int AS waited90_s
FROM promises WHERE hall = $1 AND waited_s IS NOT NULL
  AND day > (SELECT business_day(hall_now(), time_zone, day_starts) FROM halls WHERE id = $1) - $2::integer
GROUP BY width_bucket(p50_s, ARRAY[1, 300, 600, 900, 1200, 1800, 2400, 3600]) HAVING count(*) >= 5 ORDER BY told_s
"""


async def reliability(db: Db, hall: int, days: int = 7) -> list[Told]:
    """What was told and what came of it, for tickets that were told about the same, shortest first."""
    return [Told(**row) for row in await db.fetch(TOLD, hall, days)]
