"""The hall's own record: every act in the order it became true, numbered without gaps, never changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from queueing.db import Db


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the record. `data` holds numbers, letters and windows, never a name, a phone or an ID."""

    hall: int
    offset: int
    at: datetime
    kind: str
    actor: str
    cause: str | None
    ticket: int | None
    window: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the record. Offsets of different epochs can't be compared: a restored backup begins a new one."""

    epoch: str
    offset: int


READ = """
SELECT hall, "offset", at, kind, actor, cause, ticket, window_no AS "window", data
FROM journal WHERE hall = $1 AND "offset" > $2 ORDER BY "offset" LIMIT $3
"""


async def read(db: Db, hall: int, after: int, limit: int = 500) -> list[Entry]:
    """Up to `limit` rows behind `after`, in order. Offsets are dense: row n+1 is always the one behind row n."""
    return [Entry(**row) for row in await db.fetch(READ, hall, after, limit)]


TOP = 'SELECT epoch, top AS "offset" FROM hall_streams WHERE hall = $1'


async def top(db: Db, hall: int) -> Position:
    """Where the record stands: everything up to this offset is committed."""
    row = await db.fetchrow(TOP, hall)
    assert row is not None, f"hall {hall} has no stream"
    return Position(**row)


STORY = """
SELECT hall, "offset", at, kind, actor, cause, ticket, window_no AS "window", data
FROM journal WHERE ticket = $1 ORDER BY "offset"
"""


async def story(db: Db, ticket: int) -> list[Entry]:
    """All that happened to one ticket, oldest first."""
    return [Entry(**row) for row in await db.fetch(STORY, ticket)]


APPEND = """
WITH stream AS (UPDATE hall_streams SET top = top + 1 WHERE hall = $1 RETURNING top)
INSERT INTO journal (hall, "offset", kind, actor, cause, ticket, window_no, data)
SELECT $1, top, $2, $3, $4, $5, $6, $7 FROM stream RETURNING "offset"
"""


async def append(
    db: Db,
    hall: int,
    kind: str,
    actor: str,
    *,
    data: dict[str, Any],
    cause: str | None = None,
    ticket: int | None = None,
    window: str | None = None,
) -> int:
    """Record an act of another room; the last statement of its transaction, since it holds the hall's stream to the commit."""
    offset: int = await db.fetchval(APPEND, hall, kind, actor, cause, ticket, window, data)
    return offset
