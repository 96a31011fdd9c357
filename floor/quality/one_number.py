"""One number, one window (只取一个号、只到一个窗): how often a visit needed a second of either, by service and day."""

from dataclasses import dataclass
from datetime import date

from floor.database import Db
from queueing.halls import Hall, business_day


@dataclass(frozen=True, slots=True)
class Breach:
    """Of a service on a day: visits served, how many needed a second window, and how many were somebody's second number."""

    day: date
    service: str
    served: int
    second_window: int
    second_number: int


# A window counts where somebody was really served: arrived, finished, or sent on from there. A call that nobody
# followed is no errand. The person is known by the keyed hash alone; a second number counts under its own service.
BREACHES = """
WITH visits AS (
    SELECT t.id, t.day, t.services[1] AS service, t.person, t.joined_at FROM tickets t
    WHERE t.hall = $1 AND t.day BETWEEN $2 AND $3 AND t.served_at IS NOT NULL AND t.state = 'finished'
), at_windows AS (
    SELECT v.id, count(DISTINCT j.window_no) AS windows FROM visits v JOIN journal j ON j.ticket = v.id
    WHERE j.kind IN ('ticket.arrived', 'ticket.stepped', 'ticket.transferred', 'ticket.finished') GROUP BY v.id
), numbered AS (
    SELECT v.*, CASE WHEN person IS NOT NULL THEN row_number() OVER (PARTITION BY day, person ORDER BY joined_at, id) END AS nth
    FROM visits v
)
SELECT n.day, n.service, count(*)::int AS served, count(*) FILTER (WHERE w.windows > 1)::int AS second_window,
       count(*) FILTER (WHERE n.nth > 1)::int AS second_number
FROM numbered n JOIN at_windows w ON w.id = n.id GROUP BY n.day, n.service ORDER BY n.day DESC, n.service
"""


async def breaches(db: Db, hall: Hall, first: date, last: date) -> list[Breach]:
    """Every service and day in which somebody was served, the newest day first."""
    return [Breach(**row) for row in await db.fetch(BREACHES, hall.id, first, last)]


async def today(db: Db, hall: Hall) -> list[Breach]:
    """The same for today alone."""
    day = await business_day(db, hall)
    return await breaches(db, hall, day, day)
