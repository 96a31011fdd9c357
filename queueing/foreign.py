"""Queues that other systems keep in the building (police, tax, real estate): told by them, shown beside ours with their age."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from queueing.db import Db
from queueing.errors import ForeignTaken, NotFound
from queueing.halls import Hall
from queueing.settings import Setting

STALE = Setting("foreign_stale_min", 10, 1, 240, "minutes")  # what is older is shown as old
SETTINGS = (STALE,)


@dataclass(frozen=True, slots=True)
class ForeignQueue:
    """A queue of another system as it last told it. `waiting` None: it doesn't say. `stale`: too old to rely on."""

    system: str
    system_name: str
    code: str
    name: str
    name_hant: str | None
    name_en: str | None
    place: str | None
    waiting: int | None
    windows: int | None
    calling: str | None
    p50_s: int | None
    p90_s: int | None
    open: bool
    as_of: datetime
    stale: bool


@dataclass(frozen=True, slots=True)
class System:
    """Another system that may tell its queues. `told_at` None: it has said nothing yet."""

    system: str
    name: str
    at: datetime
    told_at: datetime | None
    queues: int


LET_IN = """
INSERT INTO foreign_systems AS f (hall, system, name, token, by) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (hall, system) DO UPDATE
    SET name = excluded.name, token = excluded.token, by = excluded.by, at = hall_now(), ended = NULL
WHERE f.ended IS NOT NULL RETURNING system
"""


async def let_in(db: Db, hall: Hall, system: str, name: str, *, actor: str) -> str:
    """Let another system tell its queues; the token it does so with, shown this once. ForeignTaken while it may already."""
    token = secrets.token_urlsafe(32)
    if await db.fetchval(LET_IN, hall.id, system, name, digest(token), actor) is None:
        raise ForeignTaken(system=system)
    return token


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


END = """
WITH gone AS (DELETE FROM foreign_queues WHERE hall = $1 AND system = $2)
UPDATE foreign_systems SET ended = hall_now() WHERE hall = $1 AND system = $2 AND ended IS NULL RETURNING system
"""


async def end(db: Db, hall: Hall, system: str) -> None:
    """Let a system tell nothing more, and show its queues no longer. NotFound."""
    if await db.fetchval(END, hall.id, system) is None:
        raise NotFound(what="system")


MAY = "SELECT true FROM foreign_systems WHERE hall = $1 AND system = $2 AND token = $3 AND ended IS NULL"


async def may_tell(db: Db, hall: Hall, system: str, token: str) -> bool:
    """Whether this token is that system's."""
    return bool(await db.fetchval(MAY, hall.id, system, digest(token)))


# The whole list at once: what is no longer named is gone. An older picture never overwrites a newer one.
TELL = """
WITH told AS MATERIALIZED (
    SELECT t.*, least($4::timestamptz, hall_clock()) AS as_of, t.n::integer AS rank
    FROM ROWS FROM (jsonb_to_recordset($3) AS (code text, name text, name_hant text, name_en text, place text,
        waiting integer, windows integer, calling text, p50_s integer, p90_s integer, open boolean)) WITH ORDINALITY
        AS t (code, name, name_hant, name_en, place, waiting, windows, calling, p50_s, p90_s, open, n)
), newer AS MATERIALIZED (
    SELECT coalesce(max(as_of) <= least($4::timestamptz, hall_clock()), true) AS yes
    FROM foreign_queues WHERE hall = $1 AND system = $2
), gone AS (
    DELETE FROM foreign_queues q USING newer WHERE newer.yes AND q.hall = $1 AND q.system = $2
      AND NOT EXISTS (SELECT FROM told WHERE told.code = q.code)
)
INSERT INTO foreign_queues (hall, system, code, name, name_hant, name_en, place, waiting, windows, calling, p50_s, p90_s, open,
                            as_of, told_at, rank)
SELECT $1, $2, t.code, t.name, t.name_hant, t.name_en, t.place, t.waiting, t.windows, t.calling, t.p50_s, t.p90_s,
       coalesce(t.open, true), t.as_of, hall_clock(), t.rank
FROM told t, newer WHERE newer.yes
ON CONFLICT (hall, system, code) DO UPDATE SET name = excluded.name, name_hant = excluded.name_hant, name_en = excluded.name_en,
    place = excluded.place, waiting = excluded.waiting, windows = excluded.windows, calling = excluded.calling,
    p50_s = excluded.p50_s, p90_s = excluded.p90_s, open = excluded.open, as_of = excluded.as_of, told_at = excluded.told_at,
    rank = excluded.rank
"""


async def tell(db: Db, hall: Hall, system: str, queues: Sequence[dict[str, Any]], as_of: datetime) -> None:
    """Keep what a system says of all its queues as of a moment; a moment to come counts as now."""
    await db.execute(TELL, hall.id, system, list(queues), as_of)


QUEUES = """
SELECT q.system, f.name AS system_name, q.code, q.name, q.name_hant, q.name_en, q.place, q.waiting, q.windows, q.calling, q.p50_s,
       q.p90_s, q.open, q.as_of, q.as_of < hall_now() - make_interval(mins => $2::integer) AS stale
FROM foreign_queues q JOIN foreign_systems f USING (hall, system) WHERE q.hall = $1 AND f.ended IS NULL
ORDER BY q.system, q.rank, q.code
"""


async def queues(db: Db, hall: Hall) -> list[ForeignQueue]:
    """Every queue others have told, in their order."""
    return [ForeignQueue(**row) for row in await db.fetch(QUEUES, hall.id, hall.value(STALE))]


SYSTEMS = """
SELECT f.system, f.name, f.at, max(q.told_at) AS told_at, count(q.code)::int AS queues
FROM foreign_systems f LEFT JOIN foreign_queues q USING (hall, system)
WHERE f.hall = $1 AND f.ended IS NULL GROUP BY f.system, f.name, f.at ORDER BY f.system
"""


async def systems(db: Db, hall: Hall) -> list[System]:
    """Who may tell their queues, and when they last did."""
    return [System(**row) for row in await db.fetch(SYSTEMS, hall.id)]
