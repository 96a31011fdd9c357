"""How long it will take, as an honest range from what was measured today."""

from dataclasses import dataclass
from math import sqrt

from queueing.db import Db
from queueing.halls import Hall
from queueing.tickets import Ticket

MEASURED_FROM = 5  # fewer finished visits than this say less than the planned minutes of the service
Z90 = 1.2816  # the 90 % point of a normal distribution


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds until the call: half of people wait at most p50_s, nine of ten at most p90_s."""

    p50_s: int
    p90_s: int


@dataclass(frozen=True, slots=True)
class Load:
    """A service's side of the floor: people ahead of a newcomer, windows open and free for it, seconds a visit takes."""

    service: str
    ahead: int
    open: int
    free: int
    mean_s: float
    spread_s: float


# A window that serves several queues works for all of them: ahead counts every queue that shares an open window.
LOADS = f"""
WITH hall AS (
    SELECT id, business_day(hall_now(), time_zone, day_starts) AS day FROM halls WHERE id = $1
), open AS (
    SELECT w.services, NOT EXISTS (SELECT FROM tickets t WHERE t.hall = w.hall AND t.window_no = w.no
        AND t.state IN ('called', 'serving')) AS free
    FROM windows w JOIN hall ON w.hall = hall.id WHERE w.state = 'open'
), waiting AS (
    SELECT t.service, count(*) AS n FROM tickets t JOIN hall ON t.hall = hall.id AND t.day = hall.day
    WHERE t.state = 'waiting' GROUP BY t.service
), measured AS (
    SELECT t.service, count(*) AS n, avg(extract(epoch FROM t.ended_at - t.served_at))::float AS mean_s,
           stddev_samp(extract(epoch FROM t.ended_at - t.served_at))::float AS spread_s
    FROM tickets t JOIN hall ON t.hall = hall.id AND t.day = hall.day
    WHERE t.state = 'finished' AND t.served_at IS NOT NULL GROUP BY t.service
)
SELECT s.code AS service,
       coalesce((SELECT sum(n) FROM waiting q WHERE q.service = s.code
           OR EXISTS (SELECT FROM open o WHERE s.code = ANY(o.services) AND q.service = ANY(o.services))), 0)::int AS ahead,
       (SELECT count(*) FROM open o WHERE s.code = ANY(o.services))::int AS open,
       (SELECT count(*) FROM open o WHERE s.code = ANY(o.services) AND o.free)::int AS free,
       CASE WHEN m.n >= {MEASURED_FROM} THEN m.mean_s ELSE s.minutes::float * 60 END AS mean_s,
       CASE WHEN m.n >= {MEASURED_FROM} THEN m.spread_s ELSE s.minutes::float * 40 END AS spread_s
FROM services s JOIN hall ON s.hall = hall.id LEFT JOIN measured m ON m.service = s.code ORDER BY s.code
"""


async def loads(db: Db, hall: int) -> dict[str, Load]:
    """The load of every service now."""
    return {row["service"]: Load(**row) for row in await db.fetch(LOADS, hall)}


def expect(load: Load, ahead: int) -> Wait | None:
    """The wait of someone with `ahead` people before them; None while no window is open for them: nobody can know.

    `ahead + 1 - free` visits must end before the call and `open` windows end them side by side, so the wait is near
    normal with that mean, and its spread grows with the root of their number.
    """
    if load.open == 0:
        return None
    visits = max(0, ahead + 1 - load.free)
    mean = visits * load.mean_s / load.open
    spread = sqrt(visits) * load.spread_s / load.open
    return Wait(round(mean), round(mean + Z90 * spread))


async def waits(db: Db, hall: Hall) -> dict[str, Wait | None]:
    """What somebody who takes a number now may expect, per service."""
    return {code: expect(load, load.ahead) for code, load in (await loads(db, hall.id)).items()}


async def wait_for(db: Db, ticket: Ticket, ahead: int | None) -> Wait | None:
    """What the holder of this ticket may expect; None unless it waits and a window is open for it."""
    load = (await loads(db, ticket.hall)).get(ticket.service)
    return expect(load, ahead) if load is not None and ahead is not None else None
