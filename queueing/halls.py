"""A hall and its rules: how many calls, how long to wait for someone, when its day begins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from queueing.db import Db, Row
from queueing.errors import NotFound
from queueing.settings import Setting, T


@dataclass(frozen=True, slots=True)
class Hall:
    """The settings a city may choose. `day_starts` is local time in `time_zone`; `min_call_s` seconds, `rating_days` days."""

    id: int
    code: str
    name: str
    time_zone: str
    day_starts: time
    calls_before_missed: int
    min_call_s: int
    return_after: int
    one_live_ticket: bool
    skills_required: bool
    rating_days: int
    ticket_line: str
    always_open: bool
    ruled: bool = False  # some rule beyond the one key is on: interleave, helping windows, a short line
    chosen: Mapping[str, Any] = field(default_factory=dict)

    def value(self, setting: Setting[T]) -> T:
        """What this hall chose for a setting, or what is usual."""
        return setting.of(self.chosen)


HALL = f"""
SELECT {", ".join(name for name in Hall.__slots__ if name not in ("ruled", "chosen"))}, chosen,
       coalesce((chosen ->> 'interleave')::integer, 0) > 0 OR EXISTS (SELECT FROM windows w
           WHERE w.hall = halls.id AND (w.helps <> '{{}}' OR w.short_after IS NOT NULL)) AS ruled
FROM halls, LATERAL (
    SELECT coalesce(jsonb_object_agg(s.name, s.value), '{{}}') AS chosen FROM settings s WHERE s.hall = halls.id) s"""


async def get_hall(db: Db, code: str) -> Hall:
    """The hall of that code, or NotFound."""
    row = await db.fetchrow(HALL + " WHERE code = $1", code)
    if row is None:
        raise NotFound(what="hall")
    return Hall(**row)


async def list_halls(db: Db) -> list[Hall]:
    """All halls of this database, oldest first."""
    return [Hall(**row) for row in await db.fetch(HALL + " ORDER BY id")]


BUSINESS_DAY = "SELECT business_day(hall_now(), time_zone, day_starts) FROM halls WHERE id = $1"


async def business_day(db: Db, hall: Hall) -> date:
    """The business day it is now: it rolls at the hall's own hour, not at midnight."""
    day: date = await db.fetchval(BUSINESS_DAY, hall.id)
    return day


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of the floor, with its name in the languages it has one in."""

    code: str
    name: str
    name_hant: str | None = None
    name_en: str | None = None


ZONES = "SELECT code, name, name_hant, name_en FROM zones WHERE hall = $1 ORDER BY rank, code"


async def zones(db: Db, hall: Hall) -> list[Zone]:
    """The zones of a hall in the order of its floor."""
    return [Zone(**row) for row in await db.fetch(ZONES, hall.id)]


@dataclass(frozen=True, slots=True)
class Service:
    """A service by its name, and the zone it is served in."""

    code: str
    name: str
    name_hant: str | None
    name_en: str | None
    zone: Zone


SERVICE = """
SELECT s.code, s.name, s.name_hant, s.name_en,
       z.code AS zone, z.name AS zone_name, z.name_hant AS zone_hant, z.name_en AS zone_en
FROM services s JOIN zones z ON (z.hall, z.code) = (s.hall, s.zone) WHERE (s.hall, s.code) = ($1, $2)
"""


async def service_of(db: Db, hall: Hall, code: str) -> Service:
    """What a service is called, without a look at its door or at who waits. `code` is that of a ticket or a booking."""
    row = await db.fetchrow(SERVICE, hall.id, code)
    assert row is not None, "tickets and bookings refer to a service that stays"
    return service_from(row)


def service_from(row: Row) -> Service:
    """A row of SERVICE, whatever else it holds."""
    zone = Zone(row["zone"], row["zone_name"], row["zone_hant"], row["zone_en"])
    return Service(row["code"], row["name"], row["name_hant"], row["name_en"], zone)


@dataclass(frozen=True, slots=True)
class ServiceNow:
    """A service as its door stands now: status is open, not_yet, booking_only, past_last_ticket, quota_full or closed.

    With several sessions a day it is the one that gives tickets now, else the next, else the last; `closes` is the day's end.
    """

    code: str
    name: str
    name_hant: str | None
    name_en: str | None
    zone: str
    prefix: str
    status: str
    waiting: int
    opens: datetime | None
    last_ticket: datetime | None
    closes: datetime | None
    left_places: int | None
    only: list[str] | None  # the matters that are done today; None for all


SERVICES = """
WITH today AS (
    SELECT id AS hall, business_day(hall_now(), time_zone, day_starts) AS day FROM halls WHERE id = $1
), waiting AS (
    SELECT q.service, count(*) AS n FROM (
        SELECT t.service FROM today JOIN tickets t ON t.hall = today.hall AND t.day = today.day
        WHERE t.state = 'waiting' AND t.for_window IS NULL
        UNION ALL
        SELECT t.service FROM today JOIN tickets t ON t.hall = today.hall AND t.day = today.day
        WHERE t.state = 'waiting' AND t.for_window IS NOT NULL) q GROUP BY 1
)
SELECT s.code, s.name, s.name_hant, s.name_en, s.zone, s.prefix,
       CASE WHEN d.service IS NULL OR hall_now() >= d.closes THEN 'closed'
            WHEN hall_now() < d.opens THEN 'not_yet'
            WHEN hall_now() >= d.last_ticket THEN 'past_last_ticket'
            WHEN d.left_places = 0 THEN 'quota_full'
            WHEN d.audience = 'booked' THEN 'booking_only'
            ELSE 'open' END AS status,
       coalesce((SELECT n FROM waiting WHERE waiting.service = s.code), 0) AS waiting,
       d.opens, d.last_ticket, d.closes, d.left_places, d.matters AS only
FROM today JOIN services s ON s.hall = today.hall
LEFT JOIN LATERAL (
    SELECT o.service, o.opens, o.last_ticket, o.audience, o.left_places, o.matters, max(o.closes) OVER () AS closes FROM doors o
    WHERE o.hall = s.hall AND o.day = today.day AND o.service = s.code
    ORDER BY hall_now() >= o.last_ticket, CASE WHEN hall_now() < o.last_ticket THEN o.session ELSE -o.session END LIMIT 1
) d ON true
ORDER BY s.rank, s.code
"""


async def services(db: Db, hall: Hall) -> list[ServiceNow]:
    """Every service of the hall, its door and how many wait for it."""
    return [ServiceNow(**row) for row in await db.fetch(SERVICES, hall.id)]
