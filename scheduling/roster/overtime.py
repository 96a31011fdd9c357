"""Time at windows beyond shift or opening hours (延时), what it is worth off (调休), and how leave uses it up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from queueing.db import Db, changed
from queueing.halls import Hall
from queueing.settings import Setting
from scheduling.days import Calendar, calendar
from scheduling.errors import NotEnoughOvertime
from scheduling.roster.planned import SHIFT_EARLY, Duty, minute_of
from scheduling.roster.problem import Pattern
from scheduling.roster.seats import Spell

LEAST = Setting("overtime_least_min", 15, 1, 240, "minutes")  # shorter does not count
DRAIN_RATE = Setting("overtime_rate", 100, 0, 1000, "percent")  # time off for time worked: on a working day
WEEKEND_RATE = Setting("overtime_rate_weekend", 100, 0, 1000, "percent")
HOLIDAY_RATE = Setting("overtime_rate_holiday", 100, 0, 1000, "percent")
HOLIDAY_WHOLE = Setting("overtime_holiday_whole", True)  # on a public holiday the shift itself counts too
COMP_DAY = Setting("comp_day_min", 480, 60, 720, "minutes")  # a day off costs so much
COMP_DAYS = Setting("comp_days", 180, 0, 1095, "days")  # overtime is lost when not taken so long; 0: never
SETTINGS = (LEAST, DRAIN_RATE, WEEKEND_RATE, HOLIDAY_RATE, HOLIDAY_WHOLE, COMP_DAY, COMP_DAYS)
RATES = {"drain": DRAIN_RATE, "weekend": WEEKEND_RATE, "holiday": HOLIDAY_RATE}


def kind_of(known: Calendar, day: date) -> str:
    """What overtime of a day is: on a working day it is the drain after the last ticket."""
    if known.is_working(day):
        return "drain"
    return "holiday" if known.kind(day) in ("holiday", "holiday_end") else "weekend"


def beyond(shift: Pattern | None, mine: Sequence[Spell], *, early: int, whole: bool) -> int:
    """Minutes at windows outside the shift; before it only what is earlier than windows may be opened. `whole`: in it too."""
    if shift is None or whole:
        return sum(it.ends - it.begins for it in mine)
    before = sum(max(0, min(it.ends, shift.begins - early) - it.begins) for it in mine)
    return before + sum(max(0, it.ends - max(it.begins, shift.ends)) for it in mine)


KEEP = """
WITH wanted AS (
    SELECT x.* FROM unnest($3::text[], $4::int[]) AS x(clerk, minutes) JOIN contracts c ON c.hall = $1 AND c.clerk = x.clerk
), gone AS (
    DELETE FROM overtime o WHERE o.hall = $1 AND o.day = $2 AND o.taken = 0 AND o.clerk NOT IN (SELECT clerk FROM wanted)
    RETURNING 1
), kept AS (
    INSERT INTO overtime AS o (hall, clerk, day, minutes, kind, rate, credit, until, by_hours)
    SELECT $1, x.clerk, $2, x.minutes, $5, $6::int, x.minutes * $6::int / 100, $7, $8 FROM wanted x
    ON CONFLICT (hall, clerk, day) DO UPDATE SET minutes = excluded.minutes, kind = excluded.kind,
        credit = greatest(o.taken, excluded.minutes * o.rate / 100), by_hours = excluded.by_hours
    WHERE (o.minutes, o.kind, o.by_hours) <> (excluded.minutes, excluded.kind, excluded.by_hours) RETURNING 1
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM kept)
"""


async def keep_overtime(db: Db, hall: Hall, day: date, on: Sequence[Duty] | None, mine: Mapping[str, Sequence[Spell]]) -> int:
    """Have the overtime of a day as its seats are now; how many changed. Rate and expiry stay as they were at first.

    `on` is None where no roster of the day is published: then the hours of the day's doors are everybody's shift.
    """
    kind = kind_of(await calendar(db, hall), day)
    if on is None:
        hours = await open_hours(db, hall, day)
        if hours is None:
            return 0
        shifts = dict.fromkeys(mine, hours)
    else:
        shifts = {duty.clerk: duty.pattern for duty in on}
    whole, early = kind == "holiday" and hall.value(HOLIDAY_WHOLE), hall.value(SHIFT_EARLY)
    every = {clerk: beyond(shifts.get(clerk), own, early=early, whole=whole) for clerk, own in mine.items()}
    counted = {clerk: minutes for clerk, minutes in sorted(every.items()) if minutes >= hall.value(LEAST)}
    days = hall.value(COMP_DAYS)
    until = day + timedelta(days) if days else None
    moved: int = await db.fetchval(
        KEEP, hall.id, day, list(counted), list(counted.values()), kind, hall.value(RATES[kind]), until, on is None
    )  # fmt: skip
    return moved


HOURS = "SELECT min(opens) AS opens, max(closes) AS closes FROM doors WHERE hall = $1 AND day = $2"


async def open_hours(db: Db, hall: Hall, day: date) -> Pattern | None:
    """A day from the first door that opened to the last that closed; None where none was made, or doors never shut."""
    row = await db.fetchrow(HOURS, hall.id, day)
    if hall.always_open or row is None or row["opens"] is None:
        return None
    return Pattern("hours", minute_of(hall, day, row["opens"]), minute_of(hall, day, row["closes"]))


# --- the ledger -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """Overtime of one day: `minutes` worked, `credit` minutes off, of which leave took `taken`; lost after `until`. `by_hours`:
    no roster was published, so it is what lies beyond the day's opening hours."""

    clerk: str
    day: date
    minutes: int
    kind: str
    rate: int
    credit: int
    taken: int
    until: date | None
    by_hours: bool = False

    def left(self, day: date) -> int:
        """Minutes that can still be taken on a day."""
        return self.credit - self.taken if self.until is None or day <= self.until else 0


ENTRIES = """
SELECT o.clerk, o.day, o.minutes, o.kind, o.rate, o.credit, o.taken, o.until, o.by_hours
FROM overtime o JOIN contracts c USING (hall, clerk)
WHERE o.hall = $1 AND ($2::text IS NULL OR o.clerk = $2) AND ($3::text IS NULL OR c.home = $3) ORDER BY o.day DESC, o.clerk
"""


async def ledger(db: Db, hall: Hall, clerk: str | None = None, *, zone: str | None = None) -> list[Entry]:
    """All overtime, of everybody, one clerk or those of a zone, the newest first."""
    return [Entry(**row) for row in await db.fetch(ENTRIES, hall.id, clerk, zone)]


def balance(entries: Sequence[Entry], day: date) -> int:
    """Minutes off that can be taken on a day."""
    return sum(entry.left(day) for entry in entries)


async def cost(db: Db, hall: Hall, first: date, last: date) -> int:
    """What time off from a day to a day costs: a day's minutes for each working day of it."""
    known = await calendar(db, hall)
    days = (first + timedelta(n) for n in range((last - first).days + 1))
    return hall.value(COMP_DAY) * sum(known.is_working(day) for day in days)


# What is lost first is used first. The contract's lock, taken before, makes two approvals follow each other.
LOCK = "SELECT clerk FROM contracts WHERE hall = $1 AND clerk = $2 FOR NO KEY UPDATE"
TAKE = """
WITH open AS (
    SELECT day, credit - taken AS here, sum(credit - taken) OVER (ORDER BY until NULLS LAST, day) AS run FROM overtime
    WHERE hall = $1 AND clerk = $2 AND taken < credit AND (until IS NULL OR until >= $4)
), used AS (
    SELECT day, least(here, $5 - (run - here))::int AS minutes FROM open WHERE run - here < $5
), moved AS (
    UPDATE overtime o SET taken = o.taken + used.minutes FROM used WHERE (o.hall, o.clerk, o.day) = ($1, $2, used.day)
    RETURNING o.day, used.minutes
), kept AS (
    INSERT INTO overtime_taken (leave, hall, clerk, day, minutes) SELECT $3, $1, $2, day, minutes FROM moved RETURNING minutes
)
SELECT coalesce(sum(minutes), 0)::int FROM kept
"""
GIVE_BACK = """
WITH back AS (DELETE FROM overtime_taken WHERE leave = $1 RETURNING hall, clerk, day, minutes)
UPDATE overtime o SET taken = o.taken - back.minutes FROM back WHERE (o.hall, o.clerk, o.day) = (back.hall, back.clerk, back.day)
"""


async def take_off(db: Db, hall: Hall, clerk: str, leave: int, first: date, last: date) -> int:
    """Pay leave out of overtime, in the caller's transaction; the minutes. NotEnoughOvertime."""
    needed = await cost(db, hall, first, last)
    await db.execute(LOCK, hall.id, clerk)
    if needed and (found := await db.fetchval(TAKE, hall.id, clerk, leave, first, needed)) < needed:
        raise NotEnoughOvertime(clerk=clerk, found=found, needed=needed)
    return needed


async def can_take_off(db: Db, hall: Hall, clerk: str, first: date, last: date) -> None:
    """NotEnoughOvertime where there is too little for these days by now; whoever approves asks again."""
    needed, found = await cost(db, hall, first, last), balance(await ledger(db, hall, clerk), first)
    if found < needed:
        raise NotEnoughOvertime(clerk=clerk, found=found, needed=needed)


async def give_back(db: Db, leave: int) -> int:
    """Put back what leave took, in the caller's transaction; how many days of overtime it was."""
    return changed(await db.execute(GIVE_BACK, leave))


def hours(minutes: int) -> Any:
    """90 as 1.5: minutes as hours, without a needless point."""
    whole = round(minutes / 60, 1)
    return int(whole) if whole == int(whole) else whole
