"""The places that can be booked: how many each stretch of the day has, from the calendar and the windows planned."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from queueing.db import Db, changed
from queueing.halls import Hall, business_day
from queueing.settings import Setting
from scheduling.day_types import DayType, day_types, kind_on, moment
from scheduling.days import calendar
from scheduling.roster.planned import minute_of, staffed, windows_planned

SLOT_MINUTES = Setting("slot_minutes", 30, 5, 240, "minutes")  # how long a booked place is
BOOK_DAYS = Setting("book_days", 7, 1, 60, "days")  # how many days ahead are open for booking
BOOK_SHARE = Setting("book_share", 50, 0, 100, "percent")  # of what windows can serve, so much is booked ahead
# Where nobody else is served a place is shorter, and fewer are given than planned minutes allow: visits differ, and who booked
# one time comes at once. Two windows, visits of 5 minutes, 9 to 12, nothing measured yet: by 60 % in pieces of 15 minutes 87 of
# 100 are called within 10 minutes; by 85 % in pieces of 30 minutes 43 are, and one in ten waits longer than an hour.
BOOK_ONLY_MINUTES = Setting("book_only_minutes", 15, 5, 240, "minutes")
BOOK_ONLY_SHARE = Setting("book_only_share", 60, 0, 100, "percent")
BOOK_AHEAD = Setting("book_ahead_min", 60, 0, 2880, "minutes")  # no booking later than so long before
OVERBOOK = Setting("overbook", False)  # give so many places more as are usually not used


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of time of a service; `left` of its `capacity` places are free."""

    service: str
    start: datetime
    end: datetime
    capacity: int
    left: int


SLOTS = """
SELECT s.service, s.start, s.ends AS "end", s.capacity, greatest(0, s.capacity + s.spare - s.taken) AS left FROM slots s
JOIN services v ON v.hall = s.hall AND v.code = s.service AND v.bookable
WHERE s.hall = $1 AND s.service = $2 AND s.day BETWEEN $3 AND $4 AND s.capacity > 0
  AND s.start > hall_now() + make_interval(mins => $5) ORDER BY s.start
"""


async def slots(db: Db, hall: Hall, service: str, first: date, last: date) -> list[Slot]:
    """The slots of a service that can still be booked, from `first` to `last` (business days)."""
    rows = await db.fetch(SLOTS, hall.id, service, first, last, hall.value(BOOK_AHEAD))
    return [Slot(**row) for row in rows]


# What a window can do in a slot is its length by the planned minutes of a visit. Windows planned: as many as the published roster
# has people in the zone then, else the least the kind of day keeps open there, else all that serve the service; each counts
# for the services it serves in equal parts.
SERVED = """
SELECT s.code, s.minutes::float AS minutes, s.zone,
       (SELECT count(*) FROM windows w WHERE w.hall = s.hall AND s.code = ANY(w.serves)) AS windows,
       (SELECT coalesce(sum(1.0 / cardinality(w.serves)), 0)::float FROM windows w
        WHERE w.hall = s.hall AND s.code = ANY(w.serves)) AS share
FROM services s WHERE s.hall = $1 AND s.bookable
"""
NO_SHOWS = """
SELECT service, (count(*) FILTER (WHERE state = 'no_show'))::float / count(*) AS share FROM appointments
WHERE hall = $1 AND state IN ('checked_in', 'no_show') AND day > $2 GROUP BY service HAVING count(*) >= 20
"""
LAY = """
INSERT INTO slots AS s (hall, service, start, ends, day, capacity, spare, matters)
SELECT $1, x.service, x.start, x.ends, x.day, x.capacity, x.spare, string_to_array(x.matters, ' ')
FROM unnest($2::text[], $3::timestamptz[], $4::timestamptz[], $5::date[], $6::int[], $7::int[], $8::text[])
    AS x(service, start, ends, day, capacity, spare, matters)
ON CONFLICT (hall, service, start) DO UPDATE SET ends = excluded.ends, day = excluded.day, spare = excluded.spare,
    capacity = greatest(excluded.capacity, s.taken - excluded.spare), matters = excluded.matters
WHERE (s.ends, s.day, s.capacity, s.spare, s.matters) IS DISTINCT FROM
      (excluded.ends, excluded.day, greatest(excluded.capacity, s.taken - excluded.spare), excluded.spare, excluded.matters)
"""
# A stretch that no longer opens gives no place; who has one keeps it until somebody has spoken to them.
FALLEN = """
UPDATE slots s SET capacity = s.taken, spare = 0 WHERE s.hall = $1 AND s.day >= $2 AND s.start > hall_now()
  AND (s.capacity <> s.taken OR s.spare <> 0)
  AND NOT EXISTS (SELECT FROM unnest($3::text[], $4::timestamptz[]) AS x(service, start)
                  WHERE (x.service, x.start) = (s.service, s.start))
"""


async def lay_slots(db: Db, hall: Hall) -> int:
    """Have the slots of the days open for booking as calendar and windows make them; how many changed. Idempotent."""
    today, known, kinds = await business_day(db, hall), await calendar(db, hall), await day_types(db, hall)
    served = await db.fetch(SERVED, hall.id)
    missed = {row["service"]: row["share"] for row in await db.fetch(NO_SHOWS, hall.id, today - timedelta(90))}
    laid: list[tuple[str, datetime, datetime, date, int, int, str | None]] = []
    for day in (today + timedelta(n) for n in range(hall.value(BOOK_DAYS) + 1)):
        kind, planned = kind_on(known, kinds, day), await windows_planned(db, hall, day)
        for row in served:
            if kind.services is not None and row["code"] not in kind.services:
                continue
            only_for = " ".join(sorted(kind.matters.get(row["code"], ()))) or None
            least, there, over = kind.zones.get(row["zone"]), row["windows"], 0.5
            for start, end, only in stretches(hall, kind, day):
                if planned is not None:
                    least = staffed(planned, row["zone"], minute_of(hall, day, start), minute_of(hall, day, end))
                windows = row["share"] if least is None or not there else row["share"] * min(1.0, least / there)
                share = hall.value(BOOK_ONLY_SHARE if only else BOOK_SHARE)
                places = windows * (end - start).total_seconds() / 60 / row["minutes"] * share / 100
                if only:  # short pieces: what is too little for a place in one is kept for the next
                    places += over
                    over = places % 1
                spare = round(places * missed.get(row["code"], 0.0)) if hall.value(OVERBOOK) else 0
                laid.append((row["code"], start, end, day, int(places), spare, only_for))
    columns = [list(column) for column in zip(*laid, strict=True)] or [[] for _ in range(7)]
    async with db.transaction():
        moved = changed(await db.execute(LAY, hall.id, *columns))
        return moved + changed(await db.execute(FALLEN, hall.id, today, columns[0], columns[1]))


def covers(hall: Hall, kind: DayType, service: str, day: date, start: datetime, end: datetime) -> bool:
    """Whether a service is open on such a day from `start` to `end`."""
    if kind.services is not None and service not in kind.services:
        return False
    return any(moment(hall, day, it.opens) <= start and end <= moment(hall, day, it.closes) for it in kind.sessions)


def stretches(hall: Hall, kind: DayType, day: date) -> Iterable[tuple[datetime, datetime, bool]]:
    """The slots of a day, each session cut into stretches, and whether only who has booked is served in it (早晚弹性办)."""
    for session in kind.sessions:
        start, closes, only = moment(hall, day, session.opens), moment(hall, day, session.closes), kind.booked_only(session)
        length = timedelta(minutes=hall.value(BOOK_ONLY_MINUTES if only else SLOT_MINUTES))
        while start + length <= closes:
            yield start, start + length, only
            start += length


SETTINGS = (SLOT_MINUTES, BOOK_DAYS, BOOK_SHARE, BOOK_ONLY_MINUTES, BOOK_ONLY_SHARE, BOOK_AHEAD, OVERBOOK)
