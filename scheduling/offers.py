"""What somebody who books is shown: services that can be booked, and each day with its free places or why it has none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from queueing.db import Db
from queueing.halls import Hall, business_day
from scheduling.day_types import DayType, day_types, kind_on
from scheduling.days import calendar
from scheduling.slots import BOOK_AHEAD, BOOK_DAYS, Slot, covers, slots

NEXT_FREE = """
SELECT v.code, (SELECT min(s.start) FROM slots s WHERE (s.hall, s.service) = (v.hall, v.code) AND s.taken < s.capacity + s.spare
                  AND s.capacity > 0 AND s.start > hall_now() + make_interval(mins => $2) AND s.day <= $3) AS start
FROM services v WHERE v.hall = $1 AND v.bookable
"""


async def next_free(db: Db, hall: Hall) -> dict[str, datetime | None]:
    """The services that can be booked, each with its next free time; None where everything is taken."""
    last = await business_day(db, hall) + timedelta(hall.value(BOOK_DAYS))
    return {row["code"]: row["start"] for row in await db.fetch(NEXT_FREE, hall.id, hall.value(BOOK_AHEAD), last)}


NEXT_OF = """
SELECT m.code, (SELECT min(s.start) FROM slots s WHERE (s.hall, s.service) = (m.hall, m.service)
                  AND s.taken < s.capacity + s.spare AND s.capacity > 0
                  AND s.start > hall_now() + make_interval(mins => $2) AND s.day <= $3
                  AND (s.matters IS NULL OR m.code = ANY (s.matters))) AS start
FROM matters m WHERE m.hall = $1 AND m.code = ANY ($4)
"""


async def next_free_of(db: Db, hall: Hall, matters: Sequence[str]) -> dict[str, datetime | None]:
    """The next free time on which each of these matters is done."""
    last = await business_day(db, hall) + timedelta(hall.value(BOOK_DAYS))
    return {row["code"]: row["start"] for row in await db.fetch(NEXT_OF, hall.id, hall.value(BOOK_AHEAD), last, list(matters))}


@dataclass(frozen=True, slots=True)
class Day:
    """A day as it is offered. `why` it has no place: shut, full, over (nothing is left of it), or apart (what is asked for is not
    among the matters that are done then); empty when it has some. `only` are the matters of a day that does not do them all."""

    day: date
    kind: DayType
    name: str | None
    provisional: bool
    slots: tuple[Slot, ...]
    why: str
    only: frozenset[str] = frozenset()

    @property
    def left(self) -> int:
        return sum(slot.left for slot in self.slots)


async def days(db: Db, hall: Hall, service: str, matters: Sequence[str] = ()) -> list[Day]:
    """Every day that is open for booking, today first, for these matters."""
    today, known, kinds = await business_day(db, hall), await calendar(db, hall), await day_types(db, hall)
    last = today + timedelta(hall.value(BOOK_DAYS))
    found = await slots(db, hall, service, today, last)
    offered = []
    for n in range((last - today).days + 1):
        day = today + timedelta(n)
        kind = kind_on(known, kinds, day)
        own = tuple(slot for slot in found if hall_day(hall, slot.start) == day)
        shut = not kind.sessions or (kind.services is not None and service not in kind.services)
        why = "" if any(slot.left for slot in own) else "full" if own else "shut" if shut else "over"
        if own and not kind.does(service, matters):
            own, why = (), "apart"
        only = kind.matters.get(service, frozenset())
        offered.append(Day(day, kind, known.name(day), known.is_provisional(day), own, why, only))
    return offered


def hall_day(hall: Hall, at: datetime) -> date:
    """The business day a moment belongs to."""
    local = at.astimezone(ZoneInfo(hall.time_zone))
    return local.date() - timedelta(local.time() < hall.day_starts)


@dataclass(frozen=True, slots=True)
class Fallen:
    """A booking whose time the hall is no longer open for: somebody has to speak to its holder."""

    code: str
    service: str
    start: datetime
    day: date
    lang: str
    reachable: bool


AHEAD = """
SELECT a.code, a.service, a.start, s.ends, a.day, a.lang, a.matters, a.phone_sealed IS NOT NULL AS reachable
FROM appointments a JOIN slots s USING (hall, service, start)
WHERE a.hall = $1 AND a.state = 'booked' AND a.start > hall_now() ORDER BY a.start, a.id
"""


async def fallen(db: Db, hall: Hall) -> list[Fallen]:
    """The bookings to come that calendar and hours no longer have room for, the next first."""
    rows = await db.fetch(AHEAD, hall.id)
    if not rows:
        return []
    known, kinds = await calendar(db, hall), await day_types(db, hall)
    found = []
    for row in rows:
        kind = kind_on(known, kinds, row["day"])
        stands = covers(hall, kind, row["service"], row["day"], row["start"], row["ends"])
        if not stands or not kind.does(row["service"], row["matters"]):
            found.append(Fallen(row["code"], row["service"], row["start"], row["day"], row["lang"], row["reachable"]))
    return found
