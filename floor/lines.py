"""What a clerk sees beside the window: who comes next and why, who is on hold, and who was missed."""

from dataclasses import dataclass
from datetime import datetime

from floor.database import Db
from queueing.halls import Hall


@dataclass(frozen=True, slots=True)
class Place:
    """One place in a window's line. `credit` minutes of head start; `why` is a word of the console's catalogue."""

    number: str
    service: str
    why: str
    credit: int
    minutes: int


# The very order of queueing.calls: its own tickets and its services', by (rank_at, id).
LINE = """
WITH here AS (
    SELECT w.no, CASE WHEN w.state = 'closed' THEN w.serves ELSE w.services END AS services,
           business_day(hall_now(), h.time_zone, h.day_starts) AS day
    FROM windows w JOIN halls h ON h.id = w.hall WHERE w.hall = $1 AND w.no = $2
), line AS (
    SELECT t.*, count(*) OVER () AS waiting FROM tickets t, here
    WHERE t.hall = $1 AND t.day = here.day AND t.state = 'waiting'
      AND (t.for_window = here.no OR t.for_window IS NULL AND t.service = ANY(here.services))
    ORDER BY t.rank_at, t.id LIMIT $3
)
SELECT l.number, l.service, l.waiting::int, coalesce(c.credit_minutes, 0) AS credit,
       greatest(0, extract(epoch FROM hall_now() - l.joined_at) / 60)::int AS minutes,
       CASE WHEN l.for_window IS NOT NULL THEN 'for_window' WHEN l.step > 1 THEN 'step' WHEN l.calls > 0 THEN 'returned'
            WHEN c.credit_minutes > 0 AND l.rank_at < l.joined_at THEN 'credit'
            WHEN l.rank_at <> l.joined_at OR l.call_no > 0 THEN 'moved' ELSE 'order' END AS why
FROM line l LEFT JOIN categories c ON c.hall = l.hall AND c.code = l.category
ORDER BY l.rank_at, l.id
"""


async def line(db: Db, hall: Hall, window: str, limit: int = 10) -> tuple[list[Place], int]:
    """The first of those this window would call, and how many there are in all."""
    rows = await db.fetch(LINE, hall.id, window, limit)
    places = [Place(row["number"], row["service"], row["why"], row["credit"], row["minutes"]) for row in rows]
    return places, rows[0]["waiting"] if rows else 0


@dataclass(frozen=True, slots=True)
class Aside:
    """A ticket that is not in line: on hold here, or missed. `at` is its last call."""

    number: str
    state: str
    hold: str | None
    note: str | None
    calls: int
    at: datetime | None


ASIDE = """
SELECT t.number, t.state::text, t.hold, t.note, t.calls, t.called_at AS at
FROM windows w JOIN halls h ON h.id = w.hall
JOIN tickets t ON t.hall = w.hall AND t.day = business_day(hall_now(), h.time_zone, h.day_starts)
WHERE w.hall = $1 AND w.no = $2
  AND (t.state = 'held' AND t.window_no = w.no OR t.state = 'missed' AND t.service = ANY(w.services || w.serves))
ORDER BY t.called_at DESC
"""


async def aside(db: Db, hall: Hall, window: str) -> tuple[list[Aside], list[Aside]]:
    """Tickets on hold at this window, and those missed of its services; the newest first."""
    rows = [Aside(**row) for row in await db.fetch(ASIDE, hall.id, window)]
    return [row for row in rows if row.state == "held"], [row for row in rows if row.state == "missed"]


NAMES = "SELECT username, name FROM users WHERE hall = $1"


async def names(db: Db, hall: Hall) -> dict[str, str]:
    """What to call the people who sign in: their name by username. For staff pages only."""
    return {row["username"]: row["name"] for row in await db.fetch(NAMES, hall.id)}


CATEGORIES = """
SELECT code, name, credit_minutes, needs_evidence FROM categories WHERE hall = $1 ORDER BY credit_minutes DESC, code
"""


@dataclass(frozen=True, slots=True)
class Category:
    """A head start a hall gives, in minutes, and whether a paper must be seen for it."""

    code: str
    name: str
    credit_minutes: int
    needs_evidence: bool


async def categories(db: Db, hall: Hall) -> list[Category]:
    """The head starts of a hall, the largest first."""
    return [Category(**row) for row in await db.fetch(CATEGORIES, hall.id)]
