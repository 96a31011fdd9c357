"""Opening a visit's envelope: the two who go there, the desk that speaks to its sender, nobody else; each look is on record."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from queueing import journal
from queueing.db import Db
from queueing.errors import NotFound
from queueing.halls import Hall
from queueing.tickets import TODAY
from scheduling.doorstep import FORGET_AFTER
from scheduling.envelopes import Details, Envelopes, Sealed
from scheduling.errors import NotYourVisit

# A member of the team: while the visit is theirs, and for the rest of the day it was made on. The desk: until it is planned, to
# ask what is missing, and once it is over, to call back; meanwhile only who `calls` to tell of a time.
MAY_OPEN = f"""
SELECT v.id, v.key, v.key_id, v.sealed, CASE
    WHEN $3::text IS NULL THEN v.state IN ('requested', 'accepted', 'completed', 'declined', 'cancelled')
        OR $4 AND v.state IN ('scheduled', 'on_the_way')
    ELSE (v.state IN ('scheduled', 'on_the_way', 'on_site') OR v.state = 'completed' AND v.day = {TODAY})
        AND EXISTS (SELECT FROM doorstep_members w WHERE w.team = v.team AND w.clerk = $3) END AS may
FROM doorstep_visits v WHERE v.hall = $1 AND v.key = $2
"""


async def details(
    db: Db, hall: Hall, key: str, envelopes: Envelopes, *, actor: str, member: str | None, calls: bool = False
) -> Details | None:
    """Who asked and where, for `member` of the team that goes there; for the desk (None) whom to telephone, and no address or
    place: those are the team's alone. That `actor` looked is on record.

    None where nothing is known (yet, or any more). NotFound, NotYourVisit, envelopes.Unreadable.
    """
    async with db.transaction():
        row = await db.fetchrow(MAY_OPEN, hall.id, key, member, calls)
        if row is None:
            raise NotFound(what="visit")
        if not row["may"]:
            raise NotYourVisit()
        if row["sealed"] is None:
            return None
        opened = envelopes.open(Sealed(row["key_id"], row["sealed"]), row["key"])
        await journal.append(
            db, hall.id, "doorstep.looked", actor, data={"visit": row["id"], "as": "desk" if member is None else "team"}
        )
    return opened if member is not None else msgspec.structs.replace(opened, address="", lat=None, lon=None)


SEALED = "SELECT key, key_id, sealed FROM doorstep_visits WHERE hall = $1 AND key = $2 AND sealed IS NOT NULL"


async def inside(db: Db, hall: Hall, key: str, envelopes: Envelopes) -> Details:
    """What the hall knows so far, for what is added to it; nobody is shown any of it. envelopes.Unreadable."""
    row = await db.fetchrow(SEALED, hall.id, key)
    if row is None:
        return Details(name="", phone="", address="")
    return envelopes.open(Sealed(row["key_id"], row["sealed"]), row["key"])


async def half_told(db: Db, hall: Hall, key: str, envelopes: Envelopes) -> Details | None:
    """The envelope of a visit whose sender has not said name or address yet; None for any other. Unreadable."""
    told = await inside(db, hall, key, envelopes)
    return None if told.name and told.address else told


@dataclass(frozen=True, slots=True)
class Point:
    """Where a visit is, in WGS 84 degrees; `exact` False: the middle of its area."""

    lat: float
    lon: float
    exact: bool


POINTS = """
SELECT v.id, v.key, v.key_id, v.sealed, a.lat, a.lon FROM doorstep_visits v
LEFT JOIN doorstep_areas a ON a.hall = v.hall AND a.code = v.area WHERE v.hall = $1 AND v.id = ANY($2::bigint[]) ORDER BY v.id
"""


async def points(db: Db, hall: Hall, visits: Sequence[int], envelopes: Envelopes, *, actor: str) -> dict[int, Point]:
    """Where these visits are, for whoever plans the way between them: no name, no address, one row on record for all.

    A visit without a place of its own stands in the middle of its area; one without either is left out.
    """
    found: dict[int, Point] = {}
    exact: list[int] = []
    for row in await db.fetch(POINTS, hall.id, list(visits)):
        inside = envelopes.open(Sealed(row["key_id"], row["sealed"]), row["key"]) if row["sealed"] is not None else None
        if inside is not None and inside.lat is not None and inside.lon is not None:
            found[row["id"]] = Point(inside.lat, inside.lon, True)
            exact.append(row["id"])
        elif row["lat"] is not None:
            found[row["id"]] = Point(row["lat"], row["lon"], False)
    if exact:
        await journal.append(db, hall.id, "doorstep.located", actor, data={"visits": exact})
    return found


@dataclass(frozen=True, slots=True)
class Masked:
    """As much of who asked as a list may show."""

    name: str | None
    phone: str | None


MASKS = "SELECT id, name_mask AS name, phone_mask AS phone FROM doorstep_visits WHERE hall = $1 AND id = ANY($2::bigint[])"


async def masks(db: Db, hall: Hall, visits: Sequence[int]) -> dict[int, Masked]:
    """The first sign of each name and the last four digits of each telephone."""
    return {row["id"]: Masked(row["name"], row["phone"]) for row in await db.fetch(MASKS, hall.id, list(visits))}


FORGET = """
WITH gone AS (
    UPDATE doorstep_visits SET key_id = NULL, sealed = NULL, phone = NULL, name_mask = NULL, phone_mask = NULL
    WHERE hall = $1 AND ended_at < hall_now() - make_interval(days => $2) AND (sealed IS NOT NULL OR phone IS NOT NULL)
    RETURNING 1
), unsaid AS (
    DELETE FROM visit_notes n USING doorstep_visits v
    WHERE v.id = n.visit AND v.hall = $1 AND v.ended_at < hall_now() - make_interval(days => $2)
)
INSERT INTO doorstep_erasures (hall, before, erased)
SELECT $1, hall_now() - make_interval(days => $2), count(*) FROM gone HAVING count(*) > 0 RETURNING erased
"""


async def forget_visitors(db: Db, hall: Hall) -> int:
    """Erase who was visited and where, once it can no longer matter, leaving one row of proof; how many visits."""
    return await db.fetchval(FORGET, hall.id, hall.value(FORGET_AFTER)) or 0
