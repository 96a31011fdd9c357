"""Stations of one centre: a township hall, a village point; whose people a window here serves from afar."""

from dataclasses import dataclass

import asyncpg

from queueing.db import Db
from queueing.errors import BadInput
from queueing.halls import Hall
from queueing.matters import in_language

LEVELS = ("county", "township", "village")


@dataclass(frozen=True, slots=True)
class Site:
    """A station. `phone` and `room` are its own, by which a window reaches who sits there; `offline`: it counts for itself."""

    code: str
    name: str
    name_hant: str | None
    name_en: str | None
    level: str
    parent: str | None
    phone: str | None
    room: str | None
    prints: bool
    offline: bool
    shut: bool


COLUMNS = ", ".join(Site.__slots__)
OF_HALL = f"""
SELECT {COLUMNS} FROM sites WHERE hall = $1 AND ($2 OR NOT shut) ORDER BY site_rank(level), coalesce(parent, ''), code
"""


async def of_hall(db: Db, hall: Hall, *, shut: bool = False) -> list[Site]:
    """The stations of a centre, from the county down; those that are shut only when asked for."""
    return [Site(**row) for row in await db.fetch(OF_HALL, hall.id, shut)]


def site_name(site: Site, lang: str) -> str:
    """A station's name in the reader's language."""
    return in_language(lang, site.name, site.name_hant, site.name_en) or site.name


KEEP = f"""
INSERT INTO sites (hall, {COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (hall, code) DO UPDATE SET ({COLUMNS}) = ROW (excluded.code, excluded.name, excluded.name_hant, excluded.name_en,
    excluded.level, excluded.parent, excluded.phone, excluded.room, excluded.prints, excluded.offline, excluded.shut)
"""
FIELD_OF = {
    "sites_code_check": ("code", "1 to 24 characters a-z, 0-9 and -"),
    "sites_name_check": ("name", "at most 40 characters"),
    "sites_level_check": ("level", f"one of {', '.join(LEVELS)}"),
    "sites_hall_parent_fkey": ("parent", "there is no such site in this hall"),
    "site_stands_below": ("parent", "a site stands below its parent"),
}


async def keep(db: Db, hall: Hall, site: Site) -> None:
    """Add a station, or change the one of that code. BadInput."""
    try:
        await db.execute(KEEP, hall.id, *[getattr(site, field) for field in Site.__slots__])
    except asyncpg.IntegrityConstraintViolationError as broken:
        if broken.constraint_name not in FIELD_OF:
            raise
        field, message = FIELD_OF[broken.constraint_name]
        raise BadInput(field=field, message=message) from broken
