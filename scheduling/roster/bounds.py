"""What a shift set by hand goes beyond: said in words before it is set, and set all the same with a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from queueing.db import Db
from queueing.halls import Hall
from scheduling.day_types import day_types, kind_on
from scheduling.days import calendar
from scheduling.roster.patterns import patterns
from scheduling.roster.problem import Clerk, Pattern
from scheduling.roster.store import clerks, monday


@dataclass(frozen=True, slots=True)
class Beyond:
    """One thing a shift goes beyond. `what`: shifts or hours of the week, stretch of days in a row, rest between two days, a
    pattern the clerk does not work, a day without such a shift, a doorstep team that day, no skill, somebody else's window.
    `is_` of `most`, where it is counted."""

    what: str
    is_: int = 0
    most: int = 0
    who: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """What one shift is held against: the clerk, whose shifts of the days around it by pattern, the patterns, those of its day,
    and who else has its window at its hours."""

    clerk: Clerk
    mine: Mapping[date, str]
    shapes: Mapping[str, Pattern]
    today: Sequence[str]
    at_window: Sequence[tuple[str, str]] = ()


def beyond(it: Around, day: date, pattern: str, zone: str) -> list[Beyond]:
    """All that a shift on a day would go beyond, the week's bounds first."""
    mine, week = {**it.mine, day: pattern}, monday(day)
    shape, found = it.shapes[pattern], list[Beyond]()
    worked = [mine[on] for n in range(7) if (on := week + timedelta(n)) in mine]
    if len(worked) > it.clerk.shifts:
        found.append(Beyond("shifts", len(worked), it.clerk.shifts))
    minutes = sum(it.shapes[code].minutes for code in worked)
    if it.clerk.hours is not None and minutes > 60 * it.clerk.hours:
        found.append(Beyond("hours", -(-minutes // 60), it.clerk.hours))
    if (run := in_a_row(mine, day)) > it.clerk.stretch:
        found.append(Beyond("stretch", run, it.clerk.stretch))
    before, after = mine.get(day - timedelta(1)), mine.get(day + timedelta(1))
    if (before and pattern in it.shapes[before].not_before) or (after and after in shape.not_before):
        found.append(Beyond("rest"))
    if it.clerk.patterns is not None and pattern not in it.clerk.patterns:
        found.append(Beyond("pattern"))
    if pattern not in it.today:
        found.append(Beyond("day"))
    if it.clerk.away.get(day) == "doorstep":
        found.append(Beyond("doorstep"))
    if zone not in it.clerk.skills:
        found.append(Beyond("skill"))
    found += [Beyond("window", who=who) for who, code in it.at_window if meets(shape, it.shapes[code])]
    return found


def in_a_row(mine: Mapping[date, str], day: date) -> int:
    """How many days in a row are worked, this one among them."""
    first = last = day
    while first - timedelta(1) in mine:
        first -= timedelta(1)
    while last + timedelta(1) in mine:
        last += timedelta(1)
    return (last - first).days + 1


def meets(one: Pattern, other: Pattern) -> bool:
    """Whether two shifts share a minute."""
    return one.begins < other.ends and other.begins < one.ends


MINE = """
SELECT day, pattern FROM shifts WHERE hall = $1 AND clerk = $2 AND pattern IS NOT NULL AND day BETWEEN $3::date - 31 AND $3 + 31
"""
AT_WINDOW = """
SELECT clerk, pattern FROM shifts WHERE hall = $1 AND day = $2 AND window_no = $3 AND clerk <> $4 AND pattern IS NOT NULL
ORDER BY clerk
"""


async def beyond_of(
    db: Db, hall: Hall, day: date, clerk: str, pattern: str, zone: str, window: str | None = None
) -> list[Beyond]:
    """What a shift would go beyond, by all rosters as they stand now; nothing for a clerk or pattern there is not."""
    known, (shapes, of_kind) = await calendar(db, hall), await patterns(db, hall)
    kind = kind_on(known, await day_types(db, hall), day)
    who = next((one for one in await clerks(db, hall, monday(day), known) if one.name == clerk), None)
    by_code = {one.code: one for one in shapes}
    if who is None or pattern not in by_code:
        return []
    mine = {row["day"]: row["pattern"] for row in await db.fetch(MINE, hall.id, clerk, day)}
    others = await db.fetch(AT_WINDOW, hall.id, day, window, clerk) if window else []
    around = Around(who, mine, by_code, tuple(of_kind.get(kind.code, ())), [(row["clerk"], row["pattern"]) for row in others])
    return beyond(around, day, pattern, zone)
