"""Visits nobody answers in time, and those whose wished days have passed without a time: said once, and taken on by name."""

from dataclasses import dataclass
from datetime import datetime

from queueing import journal
from queueing.db import Db
from queueing.errors import NotFound
from queueing.halls import Hall
from scheduling.rounds.ground import ANSWER
from scheduling.visit_rows import number_of


@dataclass(frozen=True, slots=True)
class Overdue:
    """A visit that has waited too long since `since`: for an answer (`why` answer), or beyond its wish (wish)."""

    visit: int
    key: str
    why: str
    since: datetime
    area: str | None
    taken_by: str | None

    @property
    def number(self) -> str:
        return number_of(self.visit, self.key)


# Of a visit that is late for both reasons the second is told: its wish has passed, whatever the answer.
LATE = """
    SELECT v.id AS visit, 'answer' AS why, v.hall, v.asked_at + make_interval(hours => $2) AS since
    FROM doorstep_visits v WHERE v.hall = $1 AND v.ended_at IS NULL AND v.state = 'requested'
      AND v.asked_at <= hall_now() - make_interval(hours => $2)
    UNION ALL
    SELECT v.id, 'wish', v.hall, w.passed
    FROM doorstep_visits v,
        LATERAL (SELECT max((span ->> 'to')::timestamptz) AS passed FROM jsonb_array_elements(v.preferred) span) w
    WHERE v.hall = $1 AND v.ended_at IS NULL AND v.state IN ('requested', 'accepted') AND w.passed <= hall_now()
"""
MARK = f"""
WITH moved AS (
    INSERT INTO overdue_visits (visit, why, hall, since) SELECT visit, why, hall, since FROM ({LATE}) late ORDER BY visit, why
    ON CONFLICT ON CONSTRAINT visit_is_overdue_once DO UPDATE SET since = excluded.since, taken_by = NULL, taken_at = NULL
        WHERE overdue_visits.why = 'wish' AND overdue_visits.since < excluded.since  -- another wish, and it has passed too
    RETURNING *
), stream AS (
    UPDATE hall_streams SET top = top + (SELECT count(*) FROM moved) WHERE hall = $1 AND EXISTS (SELECT FROM moved) RETURNING top
), told AS (
    INSERT INTO journal (hall, "offset", kind, actor, cause, data)
    SELECT $1, s.top - count(*) OVER () + row_number() OVER (ORDER BY m.visit, m.why), 'doorstep.overdue', 'clock', 'ladder',
           jsonb_build_object('visit', m.visit, 'why', m.why, 'since', m.since)
    FROM moved m CROSS JOIN stream s
)
SELECT m.visit, v.key, m.why, m.since, v.area, m.taken_by FROM moved m JOIN doorstep_visits v ON v.id = m.visit
ORDER BY m.visit, m.why
"""


async def mark(db: Db, hall: Hall) -> list[Overdue]:
    """Say what has become overdue: each visit once for each reason and wish, however many clocks look."""
    return [Overdue(**row) for row in await db.fetch(MARK, hall.id, hall.value(ANSWER))]


STANDING = """
SELECT DISTINCT ON (o.visit) o.visit, v.key, o.why, o.since, v.area, o.taken_by
FROM overdue_visits o JOIN doorstep_visits v ON v.id = o.visit
WHERE o.hall = $1 AND (v.state = 'requested' OR v.state = 'accepted' AND o.why = 'wish')
  AND (o.why = 'answer' OR NOT EXISTS (
      SELECT FROM jsonb_array_elements(v.preferred) span WHERE (span ->> 'to')::timestamptz > hall_now()))
ORDER BY o.visit, o.why DESC
"""


async def standing(db: Db, hall: Hall) -> list[Overdue]:
    """What is overdue now, the oldest first."""
    found = [Overdue(**row) for row in await db.fetch(STANDING, hall.id)]
    return sorted(found, key=lambda one: (one.since, one.visit))


TAKE = """
UPDATE overdue_visits SET taken_by = $3, taken_at = hall_now() WHERE hall = $1 AND visit = $2 AND taken_by IS NULL RETURNING why
"""
KNOWN = "SELECT EXISTS (SELECT FROM overdue_visits WHERE hall = $1 AND visit = $2)"


async def take_on(db: Db, hall: Hall, visit: int, *, actor: str) -> bool:
    """Somebody goes after it; whether that is new. NotFound."""
    async with db.transaction():
        rows = await db.fetch(TAKE, hall.id, visit, actor)
        if not rows:
            if not await db.fetchval(KNOWN, hall.id, visit):
                raise NotFound(what="visit")
            return False
        await journal.append(db, hall.id, "doorstep.taken_on", actor, data={"visit": visit}, cause="ladder")
    return True
