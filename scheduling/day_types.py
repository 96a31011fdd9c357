"""A kind of day: its sessions, what opens on it and for whom; and which kind a single date is said to be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import asyncpg

from queueing.db import Db, changed
from queueing.halls import Hall
from scheduling.days import Calendar
from scheduling.errors import BadSession, DayTypeInUse, NoSuchDayType


@dataclass(frozen=True, slots=True)
class Session:
    """One opening of the doors, in hall time. `audience`: all, or booked visitors only (早晚弹性办)."""

    opens: time
    last_ticket: time
    closes: time
    audience: str = "all"


@dataclass(frozen=True, slots=True)
class DayType:
    """A kind of day. No sessions: the hall stays shut. `services` None opens every one; `matters` are the only ones a service
    does then, of those that don't do all of theirs; `zones` are windows at least open.

    `walk_in` false: booked visitors only. `accept_only`: papers are taken in and passed on the next working day. `drain`:
    windows stay until everybody queued is served. `last_ticket`: by the `time`, or earlier by the `capacity` left.
    """

    code: str
    name: str
    name_hant: str | None = None
    name_en: str | None = None
    walk_in: bool = True
    accept_only: bool = False
    drain: bool = True
    last_ticket: str = "time"
    sessions: tuple[Session, ...] = ()
    services: frozenset[str] | None = None
    zones: Mapping[str, int] = field(default_factory=dict)
    matters: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def does(self, service: str, matters: Iterable[str]) -> bool:
        """Whether these are done on such a day where the service opens."""
        return service not in self.matters or self.matters[service].issuperset(matters)

    def booked_only(self, session: Session) -> bool:
        """Whether only who has booked is served in a session of it."""
        return not self.walk_in or session.audience == "booked"


# The kinds the calendar itself gives out; a hall changes what they open but can't do without them.
NEEDED = ("weekday", "saturday", "sunday", "holiday", "holiday_end", "make_up", "special", "closed")

TYPES = """
SELECT t.code, t.name, t.name_hant, t.name_en, t.walk_in, t.accept_only, t.drain, t.last_ticket,
       coalesce((SELECT jsonb_agg(jsonb_build_array(opens, last_ticket, closes, audience) ORDER BY session) FROM day_sessions x
                 WHERE (x.hall, x.day_type) = (t.hall, t.code)), '[]') AS sessions,
       (SELECT jsonb_agg(service) FROM day_services x WHERE (x.hall, x.day_type) = (t.hall, t.code)) AS services,
       coalesce((SELECT jsonb_object_agg(zone, min_windows) FROM day_zones x WHERE (x.hall, x.day_type) = (t.hall, t.code)),
                '{}') AS zones,
       coalesce((SELECT jsonb_object_agg(service, codes) FROM (
                     SELECT m.service, jsonb_agg(m.code) AS codes
                     FROM day_matters x JOIN matters m ON (m.hall, m.code) = (x.hall, x.matter)
                     WHERE (x.hall, x.day_type) = (t.hall, t.code) GROUP BY m.service) own), '{}') AS matters
FROM day_types t WHERE t.hall = $1 ORDER BY t.rank, t.code
"""


async def day_types(db: Db, hall: Hall) -> dict[str, DayType]:
    """Every kind of day of a hall by its code, in the order of its page."""
    return {row["code"]: _day_type(row) for row in await db.fetch(TYPES, hall.id)}


def _day_type(row: asyncpg.Record) -> DayType:
    clock = time.fromisoformat
    sessions = tuple(Session(clock(opens), clock(last), clock(closes), who) for opens, last, closes, who in row["sessions"])
    services = None if row["services"] is None else frozenset(row["services"])
    matters = {service: frozenset(codes) for service, codes in row["matters"].items()}
    return DayType(**dict(row) | {"sessions": sessions, "services": services, "matters": matters})


SAVE = """
INSERT INTO day_types (hall, code, name, name_hant, name_en, walk_in, accept_only, drain, last_ticket)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (hall, code) DO UPDATE SET name = excluded.name, name_hant = excluded.name_hant, name_en = excluded.name_en,
    walk_in = excluded.walk_in, accept_only = excluded.accept_only, drain = excluded.drain, last_ticket = excluded.last_ticket
"""
CLEAR = """
WITH sessions AS (DELETE FROM day_sessions WHERE hall = $1 AND day_type = $2),
     services AS (DELETE FROM day_services WHERE hall = $1 AND day_type = $2),
     matters AS (DELETE FROM day_matters WHERE hall = $1 AND day_type = $2)
DELETE FROM day_zones WHERE hall = $1 AND day_type = $2
"""
SESSION = """
INSERT INTO day_sessions (hall, day_type, session, opens, last_ticket, closes, audience) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
SERVICE = "INSERT INTO day_services (hall, day_type, service) VALUES ($1, $2, $3)"
MATTER = "INSERT INTO day_matters (hall, day_type, matter) VALUES ($1, $2, $3)"
ZONE = "INSERT INTO day_zones (hall, day_type, zone, min_windows) VALUES ($1, $2, $3, $4)"


async def save_day_type(db: Db, hall: Hall, kind: DayType) -> None:
    """Make a kind of day what `kind` says, wholly. BadSession when its sessions run backward or overlap."""
    check_sessions(hall, kind.sessions)
    async with db.transaction():
        await db.execute(
            SAVE, hall.id, kind.code, kind.name, kind.name_hant, kind.name_en, kind.walk_in, kind.accept_only, kind.drain,
            kind.last_ticket,
        )  # fmt: skip
        await db.execute(CLEAR, hall.id, kind.code)
        await db.executemany(
            SESSION,
            [
                (hall.id, kind.code, n, it.opens, it.last_ticket, it.closes, it.audience)
                for n, it in enumerate(kind.sessions, start=1)
            ],
        )
        await db.executemany(SERVICE, [(hall.id, kind.code, service) for service in sorted(kind.services or ())])
        codes = sorted({code for own in kind.matters.values() for code in own})
        await db.executemany(MATTER, [(hall.id, kind.code, code) for code in codes])
        await db.executemany(ZONE, [(hall.id, kind.code, zone, least) for zone, least in kind.zones.items()])


def check_sessions(hall: Hall, sessions: Sequence[Session]) -> None:
    """BadSession unless each runs forward and they follow one another within one business day."""
    before = timedelta(0)
    for session in sessions:
        opens, last, closes = (since(hall, at) for at in (session.opens, session.last_ticket, session.closes))
        if not before <= opens <= last <= closes or opens == closes:
            raise BadSession()
        before = closes


def since(hall: Hall, at: time) -> timedelta:
    """How far into the business day a clock time is: before the hall's own hour it belongs to the date after."""
    into = timedelta(hours=at.hour - hall.day_starts.hour, minutes=at.minute - hall.day_starts.minute)
    return into if into >= timedelta(0) else into + timedelta(1)


async def remove_day_type(db: Db, hall: Hall, code: str) -> None:
    """Take away a kind of day the hall had added. DayTypeInUse for one the calendar needs or a date is of; NoSuchDayType."""
    if code in NEEDED:
        raise DayTypeInUse(code=code)
    try:
        gone = await db.execute("DELETE FROM day_types WHERE hall = $1 AND code = $2", hall.id, code)
    except asyncpg.ForeignKeyViolationError:
        raise DayTypeInUse(code=code) from None
    if changed(gone) == 0:
        raise NoSuchDayType(code=code)


DECIDE = """
INSERT INTO hall_days (hall, day, day_type, name, working, decided_by) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (hall, day) DO UPDATE SET day_type = excluded.day_type, name = excluded.name, working = excluded.working,
    decided_by = excluded.decided_by, decided_at = hall_now()
"""


async def decide(
    db: Db, hall: Hall, day: date, day_type: str, *, actor: str, name: str | None = None, working: bool | None = None
) -> None:
    """Say what one date is, whatever the calendar says: a closure, a local festival, an open holiday. NoSuchDayType."""
    try:
        await db.execute(DECIDE, hall.id, day, day_type, name, working, actor)
    except asyncpg.ForeignKeyViolationError:
        raise NoSuchDayType(code=day_type) from None


async def undecide(db: Db, hall: Hall, day: date) -> bool:
    """Let the calendar speak for a date again; whether the hall had decided."""
    return changed(await db.execute("DELETE FROM hall_days WHERE hall = $1 AND day = $2", hall.id, day)) > 0


def kind_on(known: Calendar, kinds: Mapping[str, DayType], day: date) -> DayType:
    """The kind of day that says what can be booked and who works, also in a hall whose doors are always open."""
    return kinds[known.day_type(day)]


def moment(hall: Hall, day: date, at: time) -> datetime:
    """The instant of a clock time on a business day."""
    start = datetime.combine(day, hall.day_starts) + since(hall, at)
    return start.replace(tzinfo=ZoneInfo(hall.time_zone))


def copy_of(kind: DayType, code: str, name: str) -> DayType:
    """A new kind of day that begins as another is."""
    return replace(kind, code=code, name=name, name_hant=None, name_en=None)
