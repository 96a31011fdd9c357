"""What a published roster says of a day: which windows are planned, and who may open one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from queueing import proposals
from queueing.db import Db
from queueing.halls import Hall, business_day
from queueing.settings import MIN_OPEN, Setting
from queueing.steps import Step
from queueing.tickets import TODAY
from scheduling.errors import NotOnShift, OtherHours, OtherWindow
from scheduling.roster.problem import Pattern

SHIFT_EARLY = Setting("shift_early_min", 30, 0, 240, "minutes")  # a window may be opened so long before its clerk's shift begins
SETTINGS = (SHIFT_EARLY,)

Planned = Mapping[str, list[Pattern]]  # zone -> the shift of each who works there


@dataclass(frozen=True, slots=True)
class Duty:
    """A published shift: who, in which zone, at which window (None: any there), at which hours."""

    clerk: str
    zone: str
    window: str | None
    pattern: Pattern

    def allows(self, zone: str, window: str) -> bool:
        """Whether it is a shift at this window."""
        return self.zone == zone and self.window in (None, window)


PUBLISHED = "SELECT EXISTS (SELECT FROM rosters WHERE hall = $1 AND $2::date BETWEEN week AND week + 6 AND state = 'published')"
DUTIES = """
SELECT s.clerk, s.zone, s.window_no, p.code, p.begins, p.ends, p.breaks FROM shifts s
JOIN shift_patterns p ON (p.hall, p.code) = (s.hall, s.pattern)
WHERE s.hall = $1 AND s.day = $2 AND ($3::text IS NULL OR s.clerk = $3) ORDER BY s.zone, p.begins, s.clerk
"""


async def duties(db: Db, hall: Hall, day: date, clerk: str | None = None) -> list[Duty] | None:
    """The shifts of a day, of everybody or one clerk; None where no roster of that day is published."""
    if not await db.fetchval(PUBLISHED, hall.id, day):
        return None
    return [
        Duty(
            row["clerk"], row["zone"], row["window_no"],
            Pattern(row["code"], row["begins"], row["ends"], tuple((a, b) for a, b in row["breaks"])),
        )
        for row in await db.fetch(DUTIES, hall.id, day, clerk)
    ]  # fmt: skip


AT_WINDOWS = """
SELECT s.clerk, p.begins, p.ends FROM shifts s JOIN shift_patterns p ON (p.hall, p.code) = (s.hall, s.pattern)
WHERE s.hall = $1 AND s.day = $2 ORDER BY s.clerk
"""


async def at_windows(db: Db, hall: Hall, day: date) -> dict[str, tuple[int, int]]:
    """Who has a shift at windows on a day, on a draft too, with its first and last minute."""
    return {row["clerk"]: (row["begins"], row["ends"]) for row in await db.fetch(AT_WINDOWS, hall.id, day)}


async def windows_planned(db: Db, hall: Hall, day: date) -> Planned | None:
    """Who works where on a day, as the shifts of each zone; None where no roster of that day is published."""
    on = await duties(db, hall, day)
    if on is None:
        return None
    found: dict[str, list[Pattern]] = {}
    for duty in on:
        found.setdefault(duty.zone, []).append(duty.pattern)
    return found


def staffed(planned: Planned, zone: str, begins: int, ends: int) -> int:
    """How many of a zone are at their windows all the time from `begins` to `ends`, minutes after the day's midnight."""
    return sum(pattern.covers(begins, ends) for pattern in planned.get(zone, ()))


def minute_of(hall: Hall, day: date, at: datetime) -> int:
    """Minutes of a moment after a day's midnight on the hall's clock; the night after it counts on past 1440."""
    local = at.astimezone(ZoneInfo(hall.time_zone))
    return (local.date() - day) // timedelta(1) * 1440 + local.hour * 60 + local.minute


def moment_of(hall: Hall, day: date, minute: int) -> datetime:
    """The instant of so many minutes after a day's midnight."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(hall.time_zone)) + timedelta(minutes=minute)


def clock(minute: int) -> str:
    """09:00"""
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


async def now_of(db: Db, hall: Hall) -> tuple[date, int]:
    """The business day and the minute after its midnight."""
    today = await business_day(db, hall)
    return today, minute_of(hall, today, await db.fetchval("SELECT hall_now()"))


async def on_duty(db: Db, hall: Hall, for_min: int) -> dict[str, Duty] | None:
    """Who is on shift now and for so many minutes more, without a break; None where no roster of today is published."""
    today, minute = await now_of(db, hall)
    on = await duties(db, hall, today)
    return None if on is None else {duty.clerk: duty for duty in on if duty.pattern.covers(minute, minute + for_min)}


BELONGING = f"""
SELECT c.clerk FROM contracts c
LEFT JOIN shifts s ON (s.hall, s.clerk, s.day) = (c.hall, c.clerk, {TODAY}) AND s.pattern IS NOT NULL
    AND EXISTS (SELECT FROM rosters r WHERE (r.hall, r.week) = (s.hall, s.week) AND r.state = 'published')
WHERE c.hall = $1 AND coalesce(s.zone, c.home) <> $2
"""


async def of_other_zones(db: Db, hall: Hall, zone: str) -> set[str]:
    """The clerks whom today's published shift, or else their contract, has in another zone: its leader does not send them."""
    return {row["clerk"] for row in await db.fetch(BELONGING, hall.id, zone)}


WINDOW = "SELECT zone, clerk FROM windows WHERE hall = $1 AND no = $2"


async def check_on_shift(db: Db, hall: Hall, no: str, clerk: str) -> None:
    """NotOnShift where today's roster is published and has this clerk elsewhere, at other hours (OtherHours) or at another
    window (OtherWindow). Who sits there already stays: the end of a shift closes no window, and a break is the clerk's own."""
    window = await db.fetchrow(WINDOW, hall.id, no)
    if window is None or window["clerk"] == clerk:
        return
    today, minute = await now_of(db, hall)
    mine = await duties(db, hall, today, clerk)
    if mine is None:
        return
    duty = next(iter(mine), None)
    if duty is None or duty.zone != window["zone"]:
        raise NotOnShift(clerk=clerk, zone=window["zone"])
    if not duty.pattern.begins - hall.value(SHIFT_EARLY) <= minute < duty.pattern.ends:
        raise OtherHours(clerk=clerk, begins=clock(duty.pattern.begins), ends=clock(duty.pattern.ends))
    if not duty.allows(window["zone"], no):
        raise OtherWindow(clerk=clerk, window=duty.window)


async def apply_on_shift(db: Db, hall: Hall, proposal: int, step: Step, *, actor: str) -> bool:
    """Carry a proposal out, if the roster still has its clerk there: a shift may have ended since it was offered. NotOnShift."""
    if step.kind in ("open", "move") and step.window and step.clerk:
        await check_on_shift(db, hall, step.window, step.clerk)
    return await proposals.apply(db, hall, proposal, actor=actor, keep_minutes=hall.value(MIN_OPEN))
