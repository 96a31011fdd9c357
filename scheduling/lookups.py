"""Finding a booking without its code: by who holds it, by the last digits of a card, by the day."""

from dataclasses import dataclass
from datetime import date, datetime

from queueing import journal
from queueing.db import Db
from queueing.errors import NotFound
from queueing.halls import Hall
from scheduling.appointments import REMIND_AT, SHOWN, Appointment

OF_PERSON = f"""
SELECT {SHOWN} FROM appointments a JOIN slots s USING (hall, service, start)
WHERE a.hall = $1 AND a.person = $2 AND a.day = business_day(hall_now(), $3, $4) AND a.state IN ('booked', 'checked_in')
ORDER BY a.state, a.start
"""


async def today_of(db: Db, hall: Hall, person: bytes) -> list[Appointment]:
    """Today's bookings of whoever has this hash, those still to be checked in first."""
    return [Appointment(**row) for row in await db.fetch(OF_PERSON, hall.id, person, hall.time_zone, hall.day_starts)]


AHEAD_OF_PERSON = f"""
SELECT {SHOWN} FROM appointments a JOIN slots s USING (hall, service, start)
WHERE a.hall = $1 AND a.person = $2 AND a.day >= business_day(hall_now(), $3, $4) ORDER BY a.start LIMIT 50
"""


async def ahead_of(db: Db, hall: Hall, person: bytes) -> list[Appointment]:
    """All bookings from today on of whoever has this hash, given back or not."""
    return [Appointment(**row) for row in await db.fetch(AHEAD_OF_PERSON, hall.id, person, hall.time_zone, hall.day_starts)]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A booking with the name of its holder as it is kept: for who may open it."""

    appointment: Appointment
    name_sealed: bytes | None
    phone_sealed: bytes | None
    id_mask: str | None


BY_MASK = f"""
SELECT {SHOWN}, a.name_sealed, a.phone_sealed, a.id_mask FROM appointments a JOIN slots s USING (hall, service, start)
WHERE a.hall = $1 AND a.id_mask = $2 AND a.day >= business_day(hall_now(), $3, $4) ORDER BY a.start LIMIT 50
"""


async def by_mask(db: Db, hall: Hall, mask: str) -> list[Sealed]:
    """The bookings from today on under a card that ends so."""
    return [sealed(row) for row in await db.fetch(BY_MASK, hall.id, mask.upper(), hall.time_zone, hall.day_starts)]


ONE = f"""
SELECT {SHOWN}, a.name_sealed, a.phone_sealed, a.id_mask FROM appointments a JOIN slots s USING (hall, service, start)
WHERE a.hall = $1 AND a.code = $2
"""


async def holder(db: Db, hall: Hall, code: str, *, actor: str) -> Sealed:
    """A booking with its holder, still sealed; that `actor` looked stands in the journal. NotFound."""
    row = await db.fetchrow(ONE, hall.id, code)
    if row is None:
        raise NotFound(what="appointment")
    await journal.append(
        db, hall.id, "appointment.looked", actor, data={"service": row["service"], "start": row["start"].isoformat()}
    )
    return sealed(row)


def sealed(row: object) -> Sealed:
    kept = dict(row)  # type: ignore[call-overload]
    own = {name: kept.pop(name) for name in ("name_sealed", "phone_sealed", "id_mask")}
    return Sealed(Appointment(**kept), **own)


# Whoever booked after that hour has just been told.
TOMORROW = f"""
SELECT {SHOWN} FROM appointments a JOIN slots s USING (hall, service, start),
LATERAL (SELECT business_day(hall_now(), $2, $3) AS today) d,
LATERAL (SELECT (d.today + make_interval(hours => $4)) AT TIME ZONE $2 AS from_then) f
WHERE a.hall = $1 AND a.state = 'booked' AND a.day = d.today + 1 AND hall_now() >= f.from_then AND a.booked_at < f.from_then
"""


async def tomorrow(db: Db, hall: Hall) -> list[Appointment]:
    """The bookings of the next business day, once it is the hour at which their holders are reminded; none before."""
    rows = await db.fetch(TOMORROW, hall.id, hall.time_zone, hall.day_starts, hall.value(REMIND_AT))
    return [Appointment(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class Row:
    """How one time of a service went, or is going to."""

    service: str
    start: datetime
    capacity: int
    booked: int
    checked_in: int
    cancelled: int
    no_show: int


OF_DAY = """
SELECT s.service, s.start, s.capacity, count(a.id) FILTER (WHERE a.state = 'booked') AS booked,
       count(a.id) FILTER (WHERE a.state = 'checked_in') AS checked_in,
       count(a.id) FILTER (WHERE a.state = 'cancelled') AS cancelled, count(a.id) FILTER (WHERE a.state = 'no_show') AS no_show
FROM slots s LEFT JOIN appointments a USING (hall, service, start)
WHERE s.hall = $1 AND s.day = $2 GROUP BY s.service, s.start, s.capacity HAVING s.capacity > 0 OR count(a.id) > 0
ORDER BY s.service, s.start
"""


async def of_day(db: Db, hall: Hall, day: date) -> list[Row]:
    """Every time of a day with what became of its bookings."""
    return [Row(**row) for row in await db.fetch(OF_DAY, hall.id, day)]
