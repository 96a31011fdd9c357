"""Where fewer windows are open, or on the published roster, than the kind of day keeps open at least: told from the evening
before, and gone by itself once it is made good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from queueing.db import Db
from queueing.halls import Hall
from queueing.settings import Setting
from scheduling.day_types import DayType, day_types, kind_on
from scheduling.days import calendar
from scheduling.roster.patterns import span
from scheduling.roster.planned import Planned, now_of, staffed, windows_planned

LEAST_FROM = Setting("least_warn_hour", 17, 0, 23, "hour")  # of the evening before, by the hall's clock
SETTINGS = (LEAST_FROM,)
GRACE_MIN = 5  # after the doors open: clerks are about to sit down
QUARTER = 15

OPEN = "SELECT zone, count(*)::int AS n FROM windows WHERE hall = $1 AND state = 'open' GROUP BY zone"


@dataclass(frozen=True, slots=True)
class Short:
    """A zone with `have` windows where the day keeps `least`, from `begins` to `ends` (minutes of the day). `live`: it is so
    now, by the windows that are open; else by the published roster."""

    day: date
    zone: str
    least: int
    have: int
    begins: int
    ends: int
    live: bool


async def short(db: Db, hall: Hall) -> list[Short]:
    """What is short now, later today, and from the evening on tomorrow; the nearest first."""
    known, kinds = await calendar(db, hall), await day_types(db, hall)
    today, minute = await now_of(db, hall)
    found: list[Short] = []
    for ahead in range(2 if minute >= 60 * hall.value(LEAST_FROM) else 1):
        day = today + timedelta(ahead)
        kind = kind_on(known, kinds, day)
        if not kind.zones or not kind.sessions:
            continue
        now = minute if ahead == 0 else -1
        if ahead == 0:
            found += live(kind, day, now, {row["zone"]: row["n"] for row in await db.fetch(OPEN, hall.id)})
        planned = await windows_planned(db, hall, day)
        if planned is not None:
            found += rostered(kind, day, now, planned)
    return found


def live(kind: DayType, day: date, now: int, open_now: Mapping[str, int]) -> list[Short]:
    """By the windows that are open, while the doors are."""
    session = next((it for it in kind.sessions if span(it)[0] + GRACE_MIN <= now < span(it)[1]), None)
    if session is None:
        return []
    return [
        Short(day, zone, least, open_now.get(zone, 0), now, span(session)[1], True)
        for zone, least in sorted(kind.zones.items())
        if open_now.get(zone, 0) < least
    ]


def rostered(kind: DayType, day: date, now: int, planned: Planned) -> list[Short]:
    """By the roster, in the quarter hours still to come; those that touch are one, with the fewest windows of them."""
    found: list[Short] = []
    for zone, least in sorted(kind.zones.items()):
        mine: list[Short] = []
        for begins in ahead_of(kind, now):
            have = staffed(planned, zone, begins, begins + QUARTER)
            if have >= least:
                continue
            before = mine[-1] if mine else None
            if before is not None and before.ends == begins:
                mine[-1] = Short(day, zone, least, min(have, before.have), before.begins, begins + QUARTER, False)
            else:
                mine.append(Short(day, zone, least, have, begins, begins + QUARTER, False))
        found += mine
    return found


def ahead_of(kind: DayType, now: int) -> Sequence[int]:
    """The quarter hours of a day that have not begun."""
    return [begins for it in kind.sessions for begins in range(*span(it), QUARTER) if begins > now]
