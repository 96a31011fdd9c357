"""The catalogue: what the hall does for people, by the names they know it by, and which queue leads there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

import msgspec

from queueing.db import Db
from queueing.errors import BadInput, CatalogueMoved, named
from queueing.halls import Hall

Applicant = Literal["person", "company", "both"]


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the hall does (事项), or a package of several (一件事) when it has `parts`.

    `promised_days` are working days, 0 while you wait; `minutes` the planned time at the window, None for the service's.
    """

    code: str
    name: str
    service: str
    name_hant: str | None = None
    name_en: str | None = None
    department: str | None = None
    applicant: Applicant = "both"
    minutes: float | None = None
    promised_days: int | None = None
    quick: bool = False
    one_visit: bool = False
    fenced: bool = False
    retired: bool = False
    fee: str | None = None
    aliases: tuple[str, ...] = ()
    guide_version: str | None = None
    guide: str | None = None
    guide_hant: str | None = None
    guide_en: str | None = None
    materials: tuple[str, ...] = ()
    materials_hant: tuple[str, ...] = ()
    materials_en: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()
    mistakes_hant: tuple[str, ...] = ()
    mistakes_en: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of life under which people look for what to do; `matters` in the order they are shown."""

    code: str
    name: str
    matters: tuple[str, ...]
    name_hant: str | None = None
    name_en: str | None = None
    rank: int = 0
    retired: bool = False


Entry = Matter | Event


@dataclass(frozen=True)
class Catalogue:
    """All matters and life events of a hall by code, retired ones among them, at one version."""

    version: int
    matters: Mapping[str, Matter]
    events: Mapping[str, Event]

    @cached_property
    def offered(self) -> list[Matter]:
        """What can be asked for today, packages first."""
        kept = [matter for matter in self.matters.values() if not matter.retired]
        return sorted(kept, key=lambda matter: (not matter.parts, matter.service, matter.code))

    def services_for(self, codes: Sequence[str]) -> list[str]:
        """The queues these matters are waited for in, each once, in the order of the first that needs it."""
        return list(dict.fromkeys(self.matters[code].service for code in codes if code in self.matters))

    def named(self, codes: Sequence[str]) -> list[Matter]:
        """The matters of these codes; a code that is no matter's is left out."""
        return [self.matters[code] for code in codes if code in self.matters]

    def spelled(self, codes: Sequence[str]) -> list[Matter]:
        """The matters of a ticket, a package followed by its parts; codes that are no matter's are left out."""
        told: list[Matter] = []
        for code in codes:
            if matter := self.matters.get(code):
                told += [matter, *(self.matters[part] for part in matter.parts if part in self.matters)]
        return told


VERSION = "SELECT coalesce((SELECT version FROM catalogues WHERE hall = $1), 0)"


async def version(db: Db, hall: Hall) -> int:
    """How often the catalogue has changed; 0 for a hall without one."""
    now: int = await db.fetchval(VERSION, hall.id)
    return now


FIELDS = Matter.__struct_fields__
COLUMNS = ", ".join(FIELDS).replace("minutes,", "minutes::float8,")
MATTERS = f"SELECT {COLUMNS} FROM matters WHERE hall = $1 ORDER BY code"
EVENT_FIELDS = Event.__struct_fields__
EVENTS = f"SELECT {', '.join(EVENT_FIELDS)} FROM life_events WHERE hall = $1 ORDER BY rank, code"


async def catalogue(db: Db, hall: Hall) -> Catalogue:
    """The whole catalogue. The version is read first: a change meanwhile makes it look older than it is, never newer."""
    now = await version(db, hall)
    matters = {row["code"]: msgspec.convert(dict(row), Matter) for row in await db.fetch(MATTERS, hall.id)}
    events = {row["code"]: msgspec.convert(dict(row), Event) for row in await db.fetch(EVENTS, hall.id)}
    return Catalogue(now, matters, events)


SOME = f"SELECT {COLUMNS} FROM matters WHERE hall = $1 AND code = ANY($2)"


async def some(db: Db, hall: Hall, codes: Sequence[str]) -> list[Matter]:
    """The matters of these codes in their order; a code that is no matter's is left out."""
    rows = await db.fetch(SOME, hall.id, list(codes)) if codes else []
    found = {row["code"]: msgspec.convert(dict(row), Matter) for row in rows}
    return [found[code] for code in codes if code in found]


OPEN = """
INSERT INTO catalogues AS c (hall, version) VALUES ($1, 1) ON CONFLICT (hall) DO UPDATE SET version = c.version + 1
RETURNING version
"""


def upsert(table: str, fields: Sequence[str]) -> str:
    """SQL that stores rows given as JSON ($2) in a table of the hall ($1), over those of the same code."""
    names = ", ".join(fields)
    changed = ", ".join(f"{field} = excluded.{field}" for field in fields if field != "code")
    return f"""INSERT INTO {table} (hall, {names})
        SELECT $1, {", ".join(f"r.{field}" for field in fields)} FROM jsonb_populate_recordset(NULL::{table}, $2) r
        ON CONFLICT (hall, code) DO UPDATE SET {changed}"""


# A quick matter is a short job for the rules of the queue; what else is ruled of it stays.
SHORT_JOBS = """
INSERT INTO matter_rules (hall, matter, quick) SELECT $1, code, quick FROM jsonb_populate_recordset(NULL::matters, $2) WHERE quick
    OR EXISTS (SELECT FROM matter_rules WHERE hall = $1 AND matter = code)
ON CONFLICT (hall, matter) DO UPDATE SET quick = excluded.quick
"""


async def store(db: Db, hall: Hall, entries: Iterable[Entry], *, expects: int | None = None) -> int:
    """Keep these entries, over those of the same code; the version they make. Within a transaction of the caller.

    `expects` is the version they were compared with: CatalogueMoved when it is no longer the newest. BadInput where a
    package or an event names what is no matter of the hall.
    """
    listed = list(entries)
    now: int = await db.fetchval(OPEN, hall.id)
    if expects is not None and now != expects + 1:
        raise CatalogueMoved()
    rows = [msgspec.to_builtins(entry) for entry in listed if isinstance(entry, Matter)]
    await db.execute(upsert("matters", FIELDS), hall.id, rows)
    await db.execute(SHORT_JOBS, hall.id, rows)
    events = [msgspec.to_builtins(entry) for entry in listed if isinstance(entry, Event)]
    await db.execute(upsert("life_events", EVENT_FIELDS), hall.id, events)
    with named():
        await db.execute("SET CONSTRAINTS parts_are_matters, events_name_matters IMMEDIATE")
    return now


T = TypeVar("T")


def in_language(lang: str, plain: T, hant: T, en: T) -> T:
    """What a reader of this language is shown: the plain (simplified) text where there is none of the own."""
    return {"zh-Hant": hant, "en": en}.get(lang) or plain


def known(catalogue: Catalogue, codes: Sequence[str]) -> None:
    """BadInput unless each code is a matter that is offered."""
    for code in codes:
        if code not in catalogue.matters or catalogue.matters[code].retired:
            raise BadInput(field="matters", message="there is no such matter in this hall")


VIEWED = """
INSERT INTO matter_views AS v (hall, day, matter, channel)
SELECT h.id, business_day(hall_now(), h.time_zone, h.day_starts), $2, $3 FROM halls h WHERE h.id = $1
ON CONFLICT (hall, day, matter, channel) DO UPDATE SET views = v.views + 1
"""


DECIDED_AT = (
    "SELECT matter, decides FROM matter_rules WHERE hall = $1 AND decides <> '{}' AND ($2::text[] IS NULL OR matter = ANY($2))"
)


async def decided_at(db: Db, hall: Hall, codes: Sequence[str] | None = None) -> dict[str, list[str]]:
    """For matters that only some windows decide on the spot, these windows; the others take papers in and pass them on."""
    return {row["matter"]: row["decides"] for row in await db.fetch(DECIDED_AT, hall.id, None if codes is None else list(codes))}


async def viewed(db: Db, hall: Hall, matter: str, channel: str) -> None:
    """Count one look at a matter's guide."""
    await db.execute(VIEWED, hall.id, matter, channel)
