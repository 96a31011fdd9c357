"""How long it will take, as an honest range: played forward beside the floor, kept in a row a service, read from there.

A forecast is no part of anybody's act. The clock plays the floor forward as it moves and writes what came of it; whoever
shows a wait reads that row. Where it is missing or old, a formula stands in.
"""

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

from queueing.db import Db
from queueing.halls import Hall
from queueing.tickets import AHEAD, Ticket

Z90 = 1.2816  # the 90 % point of a normal distribution
FRESH_S = 30.0  # a forecast older than this has lost its clock; the formula says less but says it of now


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds until the call: half of people wait at most p50_s, nine of ten at most p90_s."""

    p50_s: int
    p90_s: int


@dataclass(frozen=True, slots=True)
class Load:
    """A service's side of the floor: people ahead of a newcomer, windows open and free for it, seconds a visit takes.

    And the forecast of it, `age_s` seconds old (None: there is none): `tickets` wait in this order, with so many people
    before each; the last of `aheads`, `p50_s` and `p90_s` is of somebody who takes a number now. -1: nobody can know.
    """

    service: str
    ahead: int
    open: int
    free: int
    mean_s: float
    spread_s: float
    age_s: float | None = None
    tickets: list[int] = field(default_factory=list)
    aheads: list[int] = field(default_factory=list)
    p50_s: list[int] = field(default_factory=list)
    p90_s: list[int] = field(default_factory=list)


# A window that serves several queues works for all of them: ahead counts every queue that shares an open window.
LOADS = """
WITH hall AS (
    SELECT id, hall_now() AS now, business_day(hall_now(), time_zone, day_starts) AS day FROM halls WHERE id = $1
), open AS (
    SELECT w.services, count(*) AS n, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM tickets t
        WHERE t.hall = w.hall AND t.window_no = w.no AND t.state IN ('called', 'serving'))) AS free
    FROM windows w WHERE w.hall = $1 AND w.state = 'open' GROUP BY w.services
), serving AS (
    SELECT mine.code, sum(o.n)::int AS open, sum(o.free)::int AS free FROM open o, unnest(o.services) AS mine (code) GROUP BY 1
), shared AS (
    SELECT mine.code, other.code AS other FROM open o, unnest(o.services) AS mine (code), unnest(o.services) AS other (code)
    UNION SELECT code, code FROM services WHERE hall = $1
), waiting AS (
    SELECT q.service, count(*) AS n FROM (
        SELECT t.service FROM hall JOIN tickets t ON t.hall = hall.id AND t.day = hall.day
        WHERE t.state = 'waiting' AND t.for_window IS NULL
        UNION ALL
        SELECT t.service FROM hall JOIN tickets t ON t.hall = hall.id AND t.day = hall.day
        WHERE t.state = 'waiting' AND t.for_window IS NOT NULL) q GROUP BY 1
), ahead AS (
    SELECT s.code, sum(q.n)::int AS n FROM shared s JOIN waiting q ON q.service = s.other GROUP BY 1
)
SELECT s.code AS service, coalesce(a.n, 0) AS ahead, coalesce(o.open, 0) AS open, coalesce(o.free, 0) AS free,
       coalesce(f.mean_s, s.minutes::float * 60) AS mean_s, coalesce(f.spread_s, s.minutes::float * 40) AS spread_s,
       extract(epoch FROM hall.now - f.made_at)::float AS age_s, coalesce(f.tickets, '{}') AS tickets,
       coalesce(f.ahead, '{}') AS aheads, coalesce(f.p50_s, '{}') AS p50_s, coalesce(f.p90_s, '{}') AS p90_s
FROM hall JOIN services s ON s.hall = hall.id
LEFT JOIN serving o ON o.code = s.code LEFT JOIN ahead a ON a.code = s.code
LEFT JOIN forecasts f ON f.hall = s.hall AND f.service = s.code AND f.made_at > hall.now - interval '12 hours'
WHERE $2::text IS NULL OR s.code = $2 ORDER BY s.code
"""


async def loads(db: Db, hall: int, service: str | None = None) -> dict[str, Load]:
    """The load of every service now, or of one."""
    return {row["service"]: Load(**row) for row in await db.fetch(LOADS, hall, service)}


def expect(load: Load, ahead: int, ticket: int | None = None) -> Wait | None:
    """The wait of someone with `ahead` people before them; None while no window is open for them: nobody can know."""
    if load.age_s is None or load.age_s > FRESH_S or not load.p50_s:
        return formula(load, ahead)
    if ticket in load.tickets:
        place = load.tickets.index(ticket)
        return _told(load.p50_s[place], load.p90_s[place], load.age_s)
    if load.p50_s[-1] < 0:
        return None
    more = (ahead - load.aheads[-1]) * load.mean_s / max(1, load.open)
    if more >= 0:  # who came since: a visit each, side by side
        return _told(load.p50_s[-1] + more, load.p90_s[-1] + more, load.age_s)
    return _told(between(ahead, load.aheads, load.p50_s), between(ahead, load.aheads, load.p90_s), load.age_s)


def between(ahead: int, aheads: Sequence[int], seconds: Sequence[int]) -> float:
    """The seconds of somebody with so many ahead, on the line through those who wait; -1 beside one nobody knows of."""
    after = bisect_right(aheads, ahead)
    if after == 0 or seconds[after - 1] < 0 or seconds[after] < 0:
        return float(seconds[max(0, after - 1)])
    low, high = aheads[after - 1], aheads[after]
    return seconds[after - 1] + (seconds[after] - seconds[after - 1]) * (ahead - low) / (high - low)


def _told(p50_s: float, p90_s: float, age_s: float) -> Wait | None:
    """What is left of a range told `age_s` seconds ago."""
    if p50_s < 0:
        return None
    half = max(0.0, p50_s - age_s)
    return Wait(round(half), round(max(half, p90_s - age_s)))


def formula(load: Load, ahead: int) -> Wait | None:
    """The range without a simulation: `ahead + 1 - free` visits must end before the call and `open` windows end them side
    by side, so the wait is near normal with that mean, and its spread grows with the root of their number."""
    if load.open == 0:
        return None
    visits = max(0, ahead + 1 - load.free)
    mean = visits * load.mean_s / load.open
    spread = sqrt(visits) * load.spread_s / load.open
    return Wait(round(mean), round(mean + Z90 * spread))


async def waits(db: Db, hall: Hall) -> dict[str, Wait | None]:
    """What somebody who takes a number now may expect, per service."""
    return {code: expect(load, load.ahead) for code, load in (await loads(db, hall.id)).items()}


# The people before one ticket and, by its key in one row, what the last play told of it: no look at the floor.
STANDING = f"""
SELECT ({AHEAD}) AS ahead, kept.* FROM (SELECT) AS it LEFT JOIN LATERAL (
    SELECT f.p50_s[place] AS p50_s, f.p90_s[place] AS p90_s, extract(epoch FROM hall_now() - f.made_at)::float AS age_s
    FROM forecasts f, LATERAL array_position(f.tickets, $5) AS place
    WHERE f.hall = $1 AND f.service = $3 AND place IS NOT NULL AND f.made_at > hall_now() - interval '{FRESH_S} seconds'
) kept ON true
"""


async def standing(
    db: Db, ticket: Ticket, of_floor: Callable[[], Awaitable[Mapping[str, Load]]] | None = None
) -> tuple[int | None, Wait | None]:
    """How many people are before a ticket, and what its holder may expect: None unless it waits, and a window is open for it.

    One that is younger than the last play is told from the load of its service: `of_floor` gives loads that were looked up
    for others a moment ago.
    """
    if ticket.state != "waiting":
        return None, None
    row = await db.fetchrow(STANDING, ticket.hall, ticket.day, ticket.service, ticket.rank_at, ticket.id)
    assert row is not None, "a count is a row"
    if row["p50_s"] is not None:
        return row["ahead"], _told(row["p50_s"], row["p90_s"], row["age_s"])
    load = (await (of_floor() if of_floor else loads(db, ticket.hall, ticket.service))).get(ticket.service)
    return row["ahead"], expect(load, row["ahead"], ticket.id) if load is not None else None
