"""What a clerk sees beside the window: who comes next and why, who is on hold, and who was missed."""

from dataclasses import dataclass
from datetime import datetime

from floor.database import Db
from queueing.db import Row
from queueing.halls import Hall
from queueing.rules import Line, Standing, Turn, coming
from queueing.settings import INTERLEAVE, SHORT_EVERY


@dataclass(frozen=True, slots=True)
class Place:
    """One place in a window's line. `credit` minutes of head start; `why` is a word of the console's catalogue."""

    number: str
    service: str
    why: str
    credit: int
    minutes: int


# The first of each line this window may call from; queueing.rules puts them in the order in which calls.py would.
CANDIDATES = """
WITH here AS (
    SELECT w.*, CASE WHEN w.state = 'closed' THEN w.serves ELSE w.services END AS own, hall_now() AS now,
           business_day(hall_now(), h.time_zone, h.day_starts) AS day
    FROM windows w JOIN halls h ON h.id = w.hall WHERE w.hall = $1 AND w.no = $2
), line AS (
    SELECT t.*, row_number() OVER (PARTITION BY t.lane ORDER BY t.rank_at, t.id) AS n,
           count(*) FILTER (WHERE NOT t.service = ANY(here.helping) OR t.for_window IS NOT NULL) OVER () AS waiting
    FROM tickets t, here WHERE t.hall = $1 AND t.day = here.day AND t.state = 'waiting'
      AND (t.for_window = here.no OR t.for_window IS NULL AND (t.service = ANY(here.own) OR t.service = ANY(here.helping)))
      AND (NOT t.fenced OR may_serve(t.hall, t.matters, here.no, here.clerk))
)
SELECT l.id AS ticket, l.number, l.service, l.rank_at, l.joined_at, l.lane, l.credit, l.for_window, l.placed,
       l.step, l.call_no, l.waiting::int, h.own, h.helping, h.help_after, h.short_after, h.since_booked, h.since_quick, h.now
FROM line l, here h WHERE l.n <= $3
"""
STANDING = ("ticket", "number", "service", "rank_at", "joined_at", "lane", "credit", "for_window", "placed")
LINE = ("help_after", "short_after", "since_booked", "since_quick")


async def line(db: Db, hall: Hall, window: str, limit: int = 10) -> tuple[list[Place], int]:
    """The first of those this window would call, should nothing else happen, and how many there are in all."""
    rows = {row["ticket"]: row for row in await db.fetch(CANDIDATES, hall.id, window, limit)}
    if not rows:
        return [], 0
    first = next(iter(rows.values()))
    now = first["now"]
    here = Line(window, tuple(first["own"]), tuple(first["helping"]), *[first[name] for name in LINE])
    standing = [Standing(*[row[name] for name in STANDING]) for row in rows.values()]
    turns = coming(standing, here, now, limit, every=hall.value(INTERLEAVE), short_every=hall.value(SHORT_EVERY))
    return [place_of(turn, rows[turn.who.ticket], now) for turn in turns], first["waiting"]


def place_of(turn: Turn, row: Row, now: datetime) -> Place:
    """A turn in the words of the console: what moved somebody comes before how they were ranked at first."""
    why = turn.rule
    if why in ("credit", "order", "booked"):
        why = "step" if row["step"] > 1 else "moved" if row["placed"] == "back" or row["call_no"] > 0 else why
    waited = max(0.0, (now - row["joined_at"]).total_seconds())
    return Place(row["number"], row["service"], why, row["credit"], round(waited / 60))


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


CLASSES = "SELECT code, class FROM services WHERE hall = $1"


async def classes(db: Db, hall: Hall) -> dict[str, str | None]:
    """For whom each service is: companies, people, questions, complaints; None for anybody."""
    return {row["code"]: row["class"] for row in await db.fetch(CLASSES, hall.id)}


VERIFIED = """
SELECT t.evidence, coalesce(u.name, split_part(t.verified_by, ':', 2)) AS by
FROM tickets t LEFT JOIN users u ON u.hall = t.hall AND u.username = split_part(t.verified_by, ':', 2) WHERE t.id = $1
"""


async def verified(db: Db, ticket: int) -> tuple[str, str] | None:
    """Which paper was seen for a ticket's head start, and who saw it; None where none was."""
    row = await db.fetchrow(VERIFIED, ticket)
    return (row["evidence"], row["by"]) if row and row["evidence"] and row["by"] else None
