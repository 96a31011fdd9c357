"""An appointment's life: booked, moved, given back, checked in, or let fall. Who has booked never queues again."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg

from queueing.db import Db, Press, Replay, Row, changed, once, recorded
from queueing.doors import paused
from queueing.errors import Banned, NotFound, Refused
from queueing.halls import Hall
from queueing.settings import EARLY, LATE, Setting
from queueing.tickets import Act, new_key, scope, take
from queueing.tickets import again as ticket_again
from scheduling.errors import (
    AlreadyCheckedIn,
    NotBooked,
    NotThatDay,
    OutsideHours,
    SlotFull,
    TooEarlyToCheckIn,
    TooLateToCheckIn,
    TooManyBookings,
)
from scheduling.slots import BOOK_AHEAD

BOOK_OPEN = Setting("book_open", 3, 1, 50, "bookings")  # bookings a person may have open
CANCEL_BEFORE = Setting("book_cancel_min", 120, 0, 2880, "minutes")  # given back later than so long before, it counts
BOOK_STRIKES = Setting("book_strikes", 2, 0, 50, "bookings")  # let fall until a pause; 0: never
BOOK_STRIKE_DAYS = Setting("book_strike_days", 30, 1, 365, "days")
BOOK_BAN_DAYS = Setting("book_ban_days", 30, 1, 365, "days")
PROMISE = Setting("book_promise_min", 10, 1, 120, "minutes")  # a booked visitor is called so soon after the booked time
REMIND_AT = Setting("book_remind_hour", 17, 8, 22, "hour")  # of the day before, by the hall's clock
FORGET_AFTER = Setting("book_forget_days", 30, 1, 365, "days")  # then nobody knows any more who had booked
OWED = Setting("ladder_owed_min", 30, 0, 240, "minutes")  # head start, among the booked, of whom the hall could not serve
SETTINGS = (BOOK_OPEN, CANCEL_BEFORE, BOOK_STRIKES, BOOK_STRIKE_DAYS, BOOK_BAN_DAYS, PROMISE, REMIND_AT, FORGET_AFTER)

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's 32: nothing that reads like another


@dataclass(frozen=True, slots=True)
class Appointment:
    """`code` is the handle of who holds it. Personal data is not in here."""

    code: str
    hall: int
    service: str
    start: datetime
    end: datetime
    day: date
    state: str
    matters: list[str]
    lang: str
    ticket_key: str | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """What an act made of an appointment. `replayed`: this press had acted before."""

    appointment: Appointment
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Holder:
    """Who books. Hashes and sealed bytes are made by whoever knows the hall's secret; `id_mask` is the last four digits."""

    person: bytes | None = None
    id_mask: str | None = None
    phone: bytes | None = None
    name_sealed: bytes | None = None
    phone_sealed: bytes | None = None


FIELDS = Appointment.__slots__
SHOWN = """a.code, a.hall, a.service, a.start, s.ends AS "end", a.day, a.state, a.matters, a.lang, a.ticket_key"""


def done(row: Row) -> Booked:
    return Booked(Appointment(*[row[field] for field in FIELDS]))


def again(kept: Replay) -> Booked:
    row: dict[str, Any] = kept.answer
    times = {name: datetime.fromisoformat(row[name]) for name in ("start", "end")}
    shown = {field: row[field] for field in FIELDS} | times | {"day": date.fromisoformat(row["day"])}
    return Booked(Appointment(**shown), replayed=True)


TOLD = "jsonb_build_object('service', m.service, 'start', m.start, 'state', m.state, 'appointment', m.id)"


def act_of(moved: str, verb: str, *, words: str = "", status: int = 200) -> str:
    """A recorded act on an appointment: `moved` gives the shown fields, the end of its slot and the id."""
    data = f"{TOLD} || jsonb_build_object({words})" if words else TOLD
    return recorded(moved, f"'appointment.{verb}'", data, ticket="NULL::bigint", window="NULL::text", status=status)


BOOK = act_of(
    """
WITH place AS (
    UPDATE slots s SET taken = s.taken + 1 FROM services v
    WHERE s.hall = $1 AND s.service = $6 AND s.start = $7 AND v.hall = s.hall AND v.code = s.service AND v.bookable
      AND s.start > hall_now() + make_interval(mins => $8) AND s.taken < s.capacity + s.spare
      AND (s.matters IS NULL OR $9::text[] <@ s.matters AND ($9 <> '{}' OR $10 = 'desk')) RETURNING s.*
), made AS (
    INSERT INTO appointments (code, hall, service, start, day, matters, channel, lang, person, id_mask, phone, name_sealed,
                              phone_sealed, booked_at)
    SELECT $5, p.hall, p.service, p.start, p.day, $9, $10, $11, $12, $13, $14, $15, $16, hall_clock() FROM place p RETURNING *
), moved AS (
    SELECT a.id, a.channel, a.code, a.hall, a.service, a.start, p.ends AS "end", a.day, a.state, a.matters, a.lang, a.ticket_key
    FROM made a, place p
)""",
    "booked",
    words="'channel', m.channel",
    status=201,
)


async def book(
    db: Db,
    hall: Hall,
    service: str,
    start: datetime,
    holder: Holder,
    *,
    actor: str,
    channel: str,
    matters: Sequence[str] = (),
    lang: str = "zh-Hans",
    code: str | None = None,
    press: Press | None = None,
) -> Booked:
    """Take one place of a slot. `code` is one of `new_code` that something was already kept under.

    Raises SlotFull, OutsideHours (no such slot, or too soon), NotThatDay, TooManyBookings, Banned.
    """
    minted = code or new_code()

    async def act() -> Booked:
        row = await row_of(
            db, BOOK, hall.id, actor, *scope(press), minted, service, start, hall.value(BOOK_AHEAD), list(matters),
            channel, lang, holder.person, holder.id_mask, holder.phone, holder.name_sealed, holder.phone_sealed,
        )  # fmt: skip
        if row is None:
            raise await why_no_place(db, hall, service, start, matters)
        return done(row)

    try:
        return await once(db, press, act, again)
    except Banned:
        raise await paused(db, hall, holder.person) from None


def new_code() -> str:
    """Ten letters of thirty-two: fifty random bits, read out over a telephone without mistakes."""
    return "".join(secrets.choice(ALPHABET) for _ in range(10))


THERE = """
SELECT s.matters FROM slots s JOIN services v ON v.hall = s.hall AND v.code = s.service AND v.bookable
WHERE s.hall = $1 AND s.service = $2 AND s.start = $3 AND s.capacity > 0 AND s.start > hall_now() + make_interval(mins => $4)
"""


async def why_no_place(db: Db, hall: Hall, service: str, start: datetime, matters: Sequence[str]) -> Exception:
    """Why a slot gave no place: it is none that can be booked, other matters are done then, or it is full."""
    row = await db.fetchrow(THERE, hall.id, service, start, hall.value(BOOK_AHEAD))
    if row is None:
        return OutsideHours()
    return SlotFull() if row["matters"] is None or (matters and set(matters).issubset(row["matters"])) else NotThatDay()


BROKEN: dict[str, type[Refused]] = {
    "one_booking_a_day": TooManyBookings,
    "too_many_bookings": TooManyBookings,
    "banned": Banned,
    "slot_has_places": SlotFull,
}


async def row_of(db: Db, statement: str, *given: object) -> Row | None:
    """The row of an act; the rules of the database it breaks are named."""
    try:
        return await db.fetchrow(statement, *given)
    except asyncpg.IntegrityConstraintViolationError as broken:
        error = BROKEN.get(broken.constraint_name or "")
        if error is None:
            raise
        raise error() from broken


MISREAD = str.maketrans("OIL", "011", " -")  # read out or typed; a code has none of these


def plain_code(typed: str) -> str:
    """A code as it is kept, from what somebody typed, read out, or scanned as the address of its page."""
    return typed.strip().partition("?")[0].rpartition("/")[2].upper().translate(MISREAD)


GET = f"SELECT {SHOWN} FROM appointments a JOIN slots s USING (hall, service, start) WHERE a.code = $1"


async def by_code(db: Db, code: str) -> Appointment:
    """The appointment of who holds this code, or NotFound."""
    row = await db.fetchrow(GET, plain_code(code))
    if row is None:
        raise NotFound(what="appointment")
    return Appointment(**row)


CANCEL = act_of(
    """
WITH made AS (
    UPDATE appointments SET state = 'cancelled', ended_at = hall_clock(),
        late = NOT $7 AND start < hall_now() + make_interval(mins => $6)
    WHERE hall = $1 AND code = $5 AND state = 'booked' RETURNING *
), place AS (
    UPDATE slots s SET taken = s.taken - 1 FROM made a WHERE (s.hall, s.service, s.start) = (a.hall, a.service, a.start)
    RETURNING s.*
), moved AS (
    SELECT a.id, a.late, a.code, a.hall, a.service, a.start, p.ends AS "end", a.day, a.state, a.matters, a.lang, a.ticket_key
    FROM made a, place p
)""",
    "cancelled",
    words="'late', m.late",
)


async def cancel(db: Db, hall: Hall, code: str, *, actor: str, forgiven: bool = False, press: Press | None = None) -> Booked:
    """Give the place back; `forgiven`, it never counts as late. NotBooked once it is checked in, given back or let fall."""

    async def act() -> Booked:
        row = await row_of(db, CANCEL, hall.id, actor, *scope(press), code, hall.value(CANCEL_BEFORE), forgiven)
        if row is None:
            raise NotBooked(state=(await by_code(db, code)).state)
        return done(row)

    return await once(db, press, act, again)


MOVE = act_of(
    """
WITH mine AS (
    SELECT a.id, a.service, a.start, a.matters FROM appointments a
    WHERE a.hall = $1 AND a.code = $5 AND a.state = 'booked' AND a.start <> $6
    FOR NO KEY UPDATE
), place AS (
    UPDATE slots s SET taken = s.taken + 1 FROM mine m WHERE s.hall = $1 AND s.service = m.service AND s.start = $6
      AND s.start > hall_now() + make_interval(mins => $7) AND s.taken < s.capacity + s.spare
      AND (s.matters IS NULL OR m.matters <@ s.matters) RETURNING s.*
), freed AS (
    UPDATE slots s SET taken = s.taken - 1 FROM mine m, place p WHERE s.hall = $1 AND s.service = m.service AND s.start = m.start
    RETURNING s.start
), made AS (
    UPDATE appointments a SET start = p.start, day = p.day FROM mine m, place p, freed WHERE a.id = m.id RETURNING a.*
), moved AS (
    SELECT a.id, f.start AS before, a.code, a.hall, a.service, a.start, p.ends AS "end", a.day, a.state, a.matters, a.lang,
           a.ticket_key
    FROM made a, place p, freed f
)""",
    "moved",
    words="'before', m.before",
)


async def move(db: Db, hall: Hall, code: str, start: datetime, *, actor: str, press: Press | None = None) -> Booked:
    """Change to another slot of the same service; the old place is free at the same instant.

    Raises SlotFull, OutsideHours, NotThatDay, NotBooked, TooManyBookings.
    """

    async def act() -> Booked:
        row = await row_of(db, MOVE, hall.id, actor, *scope(press), code, start, hall.value(BOOK_AHEAD))
        if row is not None:
            return done(row)
        found = await by_code(db, code)
        if found.state != "booked":
            raise NotBooked(state=found.state)
        if found.start == start:
            return Booked(found, replayed=True)
        raise await why_no_place(db, hall, found.service, start, found.matters)

    return await once(db, press, act, again)


CHECK_IN = """
UPDATE appointments SET state = 'checked_in', checked_in_at = hall_clock(), ticket_key = $3
WHERE hall = $1 AND code = $2 AND state = 'booked'
  AND hall_now() >= start - make_interval(mins => $4) AND hall_now() <= start + make_interval(mins => $5)
RETURNING service, start, matters, lang, person, id_mask, owed
"""


async def check_in(
    db: Db, hall: Hall, code: str, *, actor: str, channel: str, print_at: str | None = None, press: Press | None = None
) -> Act:
    """Turn a booking into a ticket whose place in line is the booked time: its holder does not queue again (reason 212).

    One transaction, the ticket last. Raises TooEarlyToCheckIn, TooLateToCheckIn, AlreadyCheckedIn, NotBooked, and what
    taking a number raises.
    """

    async def act() -> Act:
        key = new_key()
        async with db.transaction():
            row = await db.fetchrow(CHECK_IN, hall.id, code, key, hall.value(EARLY), hall.value(LATE))
            if row is None:
                raise await why_no_check_in(db, hall, code)
            return await take(
                db, hall, [row["service"]], actor=actor, channel=channel, matters=row["matters"], person=row["person"],
                id_mask=row["id_mask"], lang=row["lang"], print_at=print_at, booked_for=row["start"], key=key, press=press,
                head_start=hall.value(OWED) if row["owed"] is not None else 0,
            )  # fmt: skip

    return await once(db, press, act, ticket_again)


WHEN = "SELECT hall_now() < $1::timestamptz - make_interval(mins => $2) AS early, hall_now() AS now"


async def why_no_check_in(db: Db, hall: Hall, code: str) -> Exception:
    """Why a booking can't be checked in now, with what to do."""
    found = await by_code(db, code)
    if found.hall != hall.id:
        return NotFound(what="appointment")
    if found.state == "checked_in":
        return AlreadyCheckedIn()
    if found.state == "cancelled":
        return NotBooked(state=found.state)
    row = await db.fetchrow(WHEN, found.start, hall.value(EARLY))
    assert row is not None
    return TooEarlyToCheckIn(minutes=hall.value(EARLY)) if row["early"] else TooLateToCheckIn()


# Where the hall itself was shut at the booked time nobody let anything fall: the booking is over, and counts for nothing.
LET_FALL = """
WITH gone AS (
    UPDATE appointments a SET state = CASE WHEN d.open THEN 'no_show' ELSE 'cancelled' END, ended_at = hall_clock()
    FROM appointments b, LATERAL (
        SELECT EXISTS (SELECT FROM doors d WHERE (d.hall, d.day, d.service) = (b.hall, b.day, b.service)
                       AND d.opens <= b.start AND b.start < d.closes) AS open) d
    WHERE a.id = b.id AND b.hall = $1 AND b.state = 'booked' AND b.start < hall_now() - make_interval(mins => $2)
      AND a.state = 'booked' RETURNING a.*, d.open
), stream AS (
    UPDATE hall_streams SET top = top + (SELECT count(*) FROM gone)
    WHERE hall = $1 AND (SELECT count(*) FROM gone) > 0 RETURNING top
)
INSERT INTO journal (hall, "offset", kind, actor, cause, data)
SELECT g.hall, s.top - count(*) OVER () + row_number() OVER (ORDER BY g.start, g.id), 'appointment.' || g.state, 'clock',
       CASE WHEN g.open THEN 'grace is over' ELSE 'the hall is shut' END,
       jsonb_build_object('service', g.service, 'start', g.start, 'state', g.state, 'appointment', g.id)
FROM gone g, stream s
"""


async def let_fall(db: Db, hall: Hall) -> int:
    """Bookings nobody came for, once the hall's grace is over; how many. Who lets fall too often may pause."""
    return changed(await db.execute(LET_FALL, hall.id, hall.value(LATE)))


FORGET = """
UPDATE appointments SET person = NULL, id_mask = NULL, phone = NULL, name_sealed = NULL, phone_sealed = NULL
WHERE hall = $1 AND day < business_day(hall_now(), $2, $3) - $4::integer
  AND num_nonnulls(person, id_mask, phone, name_sealed, phone_sealed) > 0
"""


async def forget_holders(db: Db, hall: Hall) -> int:
    """Erase who booked, once it can no longer matter; how many bookings. What was booked stays for the figures."""
    return changed(await db.execute(FORGET, hall.id, hall.time_zone, hall.day_starts, hall.value(FORGET_AFTER)))


@dataclass(frozen=True, slots=True)
class Kept:
    """How a day's promise went: of `called` booked visitors, `in_time` were called within the promised minutes of the later
    of booked time and check-in; `worst_min` is the longest of these waits."""

    called: int
    in_time: int
    worst_min: int


PROMISED = """
SELECT count(*) AS called, count(*) FILTER (WHERE waited <= $3) AS in_time, coalesce(ceil(max(waited)), 0)::int AS worst_min
FROM (
    SELECT extract(epoch FROM greatest(j.at - greatest(a.start, a.checked_in_at), interval '0')) / 60 AS waited
    FROM appointments a JOIN tickets t ON t.key = a.ticket_key,
    LATERAL (SELECT min(at) AS at FROM journal WHERE ticket = t.id AND kind = 'ticket.called') j
    WHERE a.hall = $1 AND a.day = $2 AND j.at IS NOT NULL) waits
"""


async def promise_kept(db: Db, hall: Hall, day: date) -> Kept:
    """Whether booked visitors were served when they had been promised to be, on a business day."""
    row = await db.fetchrow(PROMISED, hall.id, day, hall.value(PROMISE))
    assert row is not None
    return Kept(**row)
