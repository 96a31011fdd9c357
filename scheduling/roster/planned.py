"""What a published roster says of a day: which windows are planned, and who may open one."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from queueing.db import Db
from queueing.halls import Hall, business_day
from scheduling.errors import NotOnShift
from scheduling.roster.patterns import patterns
from scheduling.roster.problem import Pattern

Planned = Mapping[str, list[Pattern]]  # zone -> the shift of each who works there

PUBLISHED = "SELECT EXISTS (SELECT FROM rosters WHERE hall = $1 AND $2::date BETWEEN week AND week + 6 AND state = 'published')"
ON = "SELECT zone, pattern FROM shifts WHERE hall = $1 AND day = $2 AND pattern IS NOT NULL ORDER BY zone, clerk"


async def windows_planned(db: Db, hall: Hall, day: date) -> Planned | None:
    """Who works where on a day, as the shifts of each zone; None where no roster of that day is published."""
    if not await db.fetchval(PUBLISHED, hall.id, day):
        return None
    shapes = {pattern.code: pattern for pattern in (await patterns(db, hall))[0]}
    found: dict[str, list[Pattern]] = {}
    for row in await db.fetch(ON, hall.id, day):
        found.setdefault(row["zone"], []).append(shapes[row["pattern"]])
    return found


def staffed(planned: Planned, zone: str, begins: int, ends: int) -> int:
    """How many of a zone are at their windows all the time from `begins` to `ends`, minutes after the day's midnight."""
    return sum(pattern.covers(begins, ends) for pattern in planned.get(zone, ()))


def minute_of(hall: Hall, day: date, at: datetime) -> int:
    """Minutes of a moment after a day's midnight on the hall's clock; the night after it counts on past 1440."""
    local = at.astimezone(ZoneInfo(hall.time_zone))
    return (local.date() - day) // timedelta(1) * 1440 + local.hour * 60 + local.minute


MAY_OPEN = """
SELECT w.zone, s.zone AS rostered FROM windows w LEFT JOIN shifts s ON s.hall = w.hall AND s.day = $3 AND s.clerk = $4
WHERE w.hall = $1 AND w.no = $2
"""


async def check_on_shift(db: Db, hall: Hall, no: str, clerk: str) -> None:
    """NotOnShift when today's roster is published and has no shift of this clerk in the window's zone."""
    today = await business_day(db, hall)
    if not await db.fetchval(PUBLISHED, hall.id, today):
        return
    row = await db.fetchrow(MAY_OPEN, hall.id, no, today, clerk)
    if row is not None and row["rostered"] != row["zone"]:
        raise NotOnShift(clerk=clerk, zone=row["zone"])
