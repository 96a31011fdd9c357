"""What became of the ladder over some days: each step as often as it was offered, by whose word it ended, and how soon."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from queueing.db import Db
from queueing.halls import Hall
from scheduling.escalation import LADDER


@dataclass(frozen=True, slots=True)
class Rung:
    """One step over the days: `open` waits for an answer, `unanswered` ended without one, `needless` was not needed any more,
    `nothing` had nothing to give (no free time, no visits). `median_s`: from offer to a yes or no."""

    step: str
    offered: int = 0
    accepted: int = 0
    refused: int = 0
    open: int = 0
    unanswered: int = 0
    needless: int = 0
    nothing: int = 0
    median_s: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One offer and its end. `number` is of a visitor's ticket; `by` are actors of the record."""

    id: int
    day: date
    step: str
    service: str
    number: str | None
    state: str
    why: str | None
    offered_at: datetime
    offered_by: str
    decided_at: datetime | None
    decided_by: str | None


RUNGS = """
SELECT step, count(*)::int AS offered, count(*) FILTER (WHERE state = 'accepted')::int AS accepted,
       count(*) FILTER (WHERE state = 'refused')::int AS refused, count(*) FILTER (WHERE state = 'offered')::int AS open,
       count(*) FILTER (WHERE state = 'lapsed' AND why = 'no_answer')::int AS unanswered,
       count(*) FILTER (WHERE state = 'lapsed' AND why IN ('none_free', 'none_made'))::int AS nothing,
       count(*) FILTER (WHERE state = 'lapsed' AND why NOT IN ('no_answer', 'none_free', 'none_made'))::int AS needless,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM decided_at - offered_at)::int)
           FILTER (WHERE state IN ('accepted', 'refused') AND why IS DISTINCT FROM 'day') AS median_s
FROM escalations WHERE hall = $1 AND day BETWEEN $2 AND $3 AND ($4::text IS NULL OR service = $4) GROUP BY step
"""
LINES = """
SELECT e.id, e.day, e.step, e.service, t.number, e.state, e.why, e.offered_at, e.offered_by, e.decided_at, e.decided_by
FROM escalations e LEFT JOIN tickets t ON t.id = e.ticket
WHERE e.hall = $1 AND e.day BETWEEN $2 AND $3 AND ($4::text IS NULL OR e.service = $4) ORDER BY e.id DESC LIMIT $5
"""


async def rungs(db: Db, hall: Hall, first: date, last: date, service: str | None = None) -> list[Rung]:
    """Every step in the order of the ladder, those never offered too."""
    found = {row["step"]: Rung(**row) for row in await db.fetch(RUNGS, hall.id, first, last, service)}
    return [found.get(rung.step, Rung(rung.step)) for rung in LADDER]


async def lines(db: Db, hall: Hall, first: date, last: date, limit: int, service: str | None = None) -> Sequence[Line]:
    """The offers one by one, the newest first."""
    return [Line(**row) for row in await db.fetch(LINES, hall.id, first, last, service, limit)]
