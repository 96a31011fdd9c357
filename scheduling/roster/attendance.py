"""Late, absent, left early, left the window: what the seats say of each published shift, and what a leader says to that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from queueing.db import Db, changed
from queueing.errors import BadInput
from queueing.halls import Hall
from queueing.settings import Setting
from scheduling.roster.overtime import keep_overtime
from scheduling.roster.planned import Duty, duties, minute_of, moment_of, now_of
from scheduling.roster.problem import Pattern
from scheduling.roster.seats import Spell, of_clerk, seats
from scheduling.roster.store import monday

GRACE = Setting("attend_grace_min", 5, 0, 60, "minutes")  # so late, or so early gone, is on time
AWAY = Setting("attend_away_min", 15, 1, 120, "minutes")  # away from the window longer, outside breaks, is told
ABSENT = Setting("attend_absent_min", 120, 10, 480, "minutes")  # who has not come by then counts as absent until they do
SETTINGS = (GRACE, AWAY, ABSENT)
KINDS = ("late", "absent", "left_early", "left_window")
JUDGED = ("excused", *KINDS)
BACK_DAYS = 14  # a clock that was away so long still marks every day


@dataclass(frozen=True, slots=True)
class Found:
    """One mark as the clock finds it, in minutes after the day's midnight; no `ends`: it is still so."""

    kind: str
    begins: int
    ends: int | None


def marks_of(shift: Pattern, mine: Sequence[Spell], now: int, *, grace: int, away: int, absent: int) -> list[Found]:
    """What the seats say of a shift at the minute `now`."""
    if now < shift.begins + grace:
        return []
    there = [(max(it.begins, shift.begins), min(it.ends, shift.ends)) for it in mine if it.ends > shift.begins]
    there = [(begins, ends) for begins, ends in there if ends > begins]
    if not there:
        if now >= shift.ends or now - shift.begins >= absent:
            return [Found("absent", shift.begins, shift.ends if now >= shift.ends else None)]
        return [Found("late", shift.begins, None)] if now - shift.begins > grace else []
    found, left = [], max(ends for _, ends in there)
    if there[0][0] - shift.begins > grace:
        found.append(Found("late", shift.begins, there[0][0]))
    for (_, gone), (back, _) in pairwise(merged(there)):
        if worked(shift, gone, back) > away:
            found.append(Found("left_window", gone, back))
    if now >= shift.ends:
        if worked(shift, left, shift.ends) > grace:
            found.append(Found("left_early", left, shift.ends))
    elif worked(shift, left, now) > away:
        found.append(Found("left_window", left, None))
    return found


def merged(there: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches that touch as one."""
    found: list[tuple[int, int]] = []
    for begins, ends in sorted(there):
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        else:
            found.append((begins, ends))
    return found


def worked(shift: Pattern, begins: int, ends: int) -> int:
    """Minutes of a stretch that are no break of the shift."""
    return ends - begins - sum(max(0, min(ends, back) - max(begins, gone)) for gone, back in shift.breaks)


# What is no longer so goes, unless somebody has judged it.
KEEP = """
WITH wanted AS (
    SELECT * FROM unnest($3::text[], $4::text[], $5::int[], $6::int[]) AS x(clerk, kind, begins, ends)
), gone AS (
    DELETE FROM attendance_marks m WHERE m.hall = $1 AND m.day = $2 AND m.judged IS NULL AND NOT EXISTS (
        SELECT FROM wanted x WHERE (x.clerk, x.kind, x.begins) = (m.clerk, m.kind, m.begins)) RETURNING 1
), kept AS (
    INSERT INTO attendance_marks AS m (hall, day, clerk, kind, begins, ends) SELECT $1, $2, x.* FROM wanted x
    ON CONFLICT ON CONSTRAINT one_mark DO UPDATE SET ends = excluded.ends WHERE m.ends IS DISTINCT FROM excluded.ends RETURNING 1
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM kept)
"""


async def keep_marks(db: Db, hall: Hall, day: date, on: Sequence[Duty], mine: dict[str, list[Spell]], now: int) -> int:
    """Have the marks of a day as its seats are now; how many changed. What somebody judged stays as it is."""
    grace, away, absent = (hall.value(setting) for setting in SETTINGS)
    rows = [
        (duty.clerk, mark.kind, mark.begins, mark.ends) for duty in on
        for mark in marks_of(duty.pattern, mine.get(duty.clerk, ()), now, grace=grace, away=away, absent=absent)
    ]  # fmt: skip
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(4)]
    moved: int = await db.fetchval(KEEP, hall.id, day, *columns)
    return moved


async def keep_attendance(db: Db, hall: Hall, days: int = 1) -> int:
    """Marks and overtime of today and so many days before, as the record has them; how many rows changed. Idempotent.

    Without a published roster nobody is late, and overtime counts from the opening hours.
    """
    today, _ = await now_of(db, hall)
    at: datetime = await db.fetchval("SELECT hall_now()")
    moved = 0
    for day in (today - timedelta(n) for n in range(days + 1)):
        on, now = await duties(db, hall, day), minute_of(hall, day, at)
        mine = of_clerk(await seats(db, hall, day, now))
        if on is not None:
            moved += await keep_marks(db, hall, day, await known_before(db, hall, day, on), mine, now)
        moved += await keep_overtime(db, hall, day, on, mine)
    return moved


PUBLISHED_AT = "SELECT published_at FROM rosters WHERE hall = $1 AND week = $2"


async def known_before(db: Db, hall: Hall, day: date, on: Sequence[Duty]) -> list[Duty]:
    """The shifts that were published before they began: nobody is late for one they could not know of."""
    told: datetime = await db.fetchval(PUBLISHED_AT, hall.id, monday(day))
    return [duty for duty in on if told <= moment_of(hall, day, duty.pattern.begins)]


# --- read and corrected ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark as found, and what somebody judged it to be. `zone`: of the shift, else the clerk's own."""

    id: int
    day: date
    clerk: str
    kind: str
    begins: int
    ends: int | None
    judged: str | None
    reason: str | None
    corrected_by: str | None
    zone: str | None


MARKS = """
SELECT m.id, m.day, m.clerk, m.kind, m.begins, m.ends, m.judged, m.reason, m.corrected_by, coalesce(s.zone, c.home) AS zone
FROM attendance_marks m JOIN contracts c USING (hall, clerk) LEFT JOIN shifts s USING (hall, day, clerk)
WHERE m.hall = $1 AND m.day BETWEEN $2 AND $3 AND ($4::text IS NULL OR m.clerk = $4) ORDER BY m.day, m.clerk, m.begins
"""


async def marks(db: Db, hall: Hall, first: date, last: date, clerk: str | None = None) -> list[Mark]:
    """The marks of these days, of everybody or one clerk."""
    return [Mark(**row) for row in await db.fetch(MARKS, hall.id, first, last, clerk)]


CORRECT = """
UPDATE attendance_marks m SET judged = $3, reason = $4, corrected_by = $5, corrected_at = hall_now()
FROM contracts c LEFT JOIN LATERAL (SELECT s.zone FROM shifts s, attendance_marks a
    WHERE a.hall = c.hall AND a.id = $2 AND (s.hall, s.day, s.clerk) = (a.hall, a.day, a.clerk)) s ON true
WHERE m.hall = $1 AND m.id = $2 AND (c.hall, c.clerk) = (m.hall, m.clerk) AND ($6::text IS NULL OR coalesce(s.zone, c.home) = $6)
"""


async def correct(
    db: Db, hall: Hall, mark: int, judged: str, reason: str | None, *, actor: str, zone: str | None = None
) -> bool:  # fmt: skip
    """Judge a mark otherwise, or to be right after all, with a reason; what was found stays. False: none such in `zone`."""
    if judged not in JUDGED:
        raise BadInput(field="judged", message=f"one of {', '.join(JUDGED)}")
    if not reason:
        raise BadInput(field="reason", message="it is empty")
    return changed(await db.execute(CORRECT, hall.id, mark, judged, reason[:200], actor, zone)) > 0
