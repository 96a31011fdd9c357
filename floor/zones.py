"""A zone of the hall: its names, the prefix its numbers carry, how loud it is."""

import re
from dataclasses import dataclass

from queueing.db import Db, changed
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall

PREFIX = re.compile(r"[A-Z]{1,4}")


@dataclass(frozen=True, slots=True)
class ZoneSet:
    """A zone as it is set. `prefixes`: of its services, one where the zone has its own; `volume`: percent of the hall's."""

    code: str
    name: str
    name_hant: str | None
    name_en: str | None
    volume: int | None
    prefixes: list[str]
    services: list[str]
    windows: list[str]
    leaders: list[str]
    screens: int
    speakers: int


ZONES = """
SELECT z.code, z.name, z.name_hant, z.name_en, z.volume,
       (SELECT coalesce(array_agg(DISTINCT s.prefix ORDER BY s.prefix), '{}') FROM services s
        WHERE (s.hall, s.zone) = (z.hall, z.code)) AS prefixes,
       (SELECT coalesce(array_agg(s.code ORDER BY s.rank, s.code), '{}') FROM services s
        WHERE (s.hall, s.zone) = (z.hall, z.code)) AS services,
       (SELECT coalesce(array_agg(w.no ORDER BY w.rank, w.no), '{}') FROM windows w
        WHERE (w.hall, w.zone) = (z.hall, z.code)) AS windows,
       (SELECT coalesce(array_agg(u.username ORDER BY u.username), '{}') FROM users u
        WHERE (u.hall, u.zone) = (z.hall, z.code) AND 'leader' = ANY(u.roles) AND NOT u.disabled) AS leaders,
       (SELECT count(*) FROM devices d WHERE (d.hall, d.zone) = (z.hall, z.code) AND d.kind = 'tv' AND d.revoked_at IS NULL)::int
           AS screens,
       (SELECT count(*) FROM devices d WHERE (d.hall, d.zone) = (z.hall, z.code) AND d.kind = 'speaker'
        AND d.revoked_at IS NULL)::int AS speakers
FROM zones z WHERE z.hall = $1 ORDER BY z.rank, z.code
"""


async def zone_sets(db: Db, hall: Hall) -> list[ZoneSet]:
    """All zones in the order of the floor, with what belongs to each."""
    return [ZoneSet(**row) for row in await db.fetch(ZONES, hall.id)]


SAVE = """
WITH kept AS (
    UPDATE zones SET name = $3, name_hant = $4, name_en = $5, volume = $6 WHERE hall = $1 AND code = $2 RETURNING hall, code
), own AS (
    UPDATE services s SET prefix = $7 FROM kept WHERE (s.hall, s.zone) = (kept.hall, kept.code) AND $7::text IS NOT NULL
      AND s.prefix <> $7 RETURNING s.code
)
SELECT (SELECT count(*) FROM kept) AS kept, (SELECT coalesce(array_agg(code), '{}') FROM own) AS own
"""


async def save_zone(
    db: Db, hall: Hall, code: str, name: str, name_hant: str | None, name_en: str | None, volume: int | None, prefix: str | None
) -> list[str]:
    """Set a zone; with `prefix` all its services print it from now on. The services that changed. BadInput, NotFound."""
    if not 1 <= len(name) <= 40:
        raise BadInput(field="name", message="at most 40 characters" if name else "it is empty")
    if len(name_hant or "") > 40 or len(name_en or "") > 60:
        raise BadInput(field="name_hant" if len(name_hant or "") > 40 else "name_en", message="at most 60 characters")
    if volume is not None and not 0 <= volume <= 100:
        raise BadInput(field="volume", message="0 to 100")
    if prefix is not None and not PREFIX.fullmatch(prefix):
        raise BadInput(field="prefix", message=f"Expected `str` matching regex '{PREFIX.pattern}'")
    row = await db.fetchrow(SAVE, hall.id, code, name, name_hant, name_en, volume, prefix)
    if row is None or not row["kept"]:
        raise NotFound(what="zone")
    services: list[str] = row["own"]
    return services


LEAD = """
UPDATE users u SET zone = $3 WHERE u.hall = $1 AND u.username = $2 AND 'leader' = ANY(u.roles) AND u.zone IS DISTINCT FROM $3
"""


async def lead_zone(db: Db, hall: Hall, leader: str, zone: str | None) -> bool:
    """Let a leader lead this zone, or the whole hall; False when they do already or are no leader."""
    return changed(await db.execute(LEAD, hall.id, leader, zone)) > 0
