"""A catalogue file on its way in: read with its progress shown, compared with what is there, then confirmed or dropped."""

import asyncio
import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal

import msgspec

from floor.catalogue.reading import COLUMNS, MOST_ROWS, Fault, Reader, headings
from floor.catalogue.sheets import Row, Unreadable, rows
from floor.database import Db, Pool, acquire
from queueing import journal, matters
from queueing.errors import NotFound, NotInThatState
from queueing.halls import Hall, services
from queueing.matters import Catalogue, Entry, Event, Matter

STEP = 200  # rows between two looks at whether somebody has dropped the file
SILENT = timedelta(seconds=15)  # a reader that says nothing for so long has been interrupted
Kind = Literal["new", "changed", "same"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A file as far as it has been read. `interrupted`: nobody reads it any more."""

    id: str
    hall: int
    file: str
    at: datetime
    state: str
    reason: str | None
    done: int
    total: int | None
    interrupted: bool
    entries: list[tuple[int, Entry]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    given: frozenset[str] = frozenset()  # what the file has columns for


@dataclass(frozen=True, slots=True)
class Difference:
    """One row against the hall's own: `fields` names each column that changes, with what it was and what it becomes."""

    row: int
    kind: Kind
    entry: Entry
    fields: list[tuple[str, Any, Any]]


BEGIN = "INSERT INTO catalogue_drafts (id, hall, actor, file, total) VALUES ($1, $2, $3, $4, $5)"


async def begin(db: Db, hall: Hall, actor: str, name: str, total: int | None) -> str:
    """Note that a file is being read; its id."""
    draft = secrets.token_urlsafe(12)
    await db.execute(BEGIN, draft, hall.id, actor, name[:120], total)
    return draft


MOVE = "UPDATE catalogue_drafts SET done = $2, beat = hall_now() WHERE id = $1 AND state = 'reading' RETURNING 1"
READY = """
UPDATE catalogue_drafts SET state = 'ready', done = $2, total = $2, entries = $3, faults = $4
WHERE id = $1 AND state = 'reading'
"""
FAIL = "UPDATE catalogue_drafts SET state = 'unreadable', reason = $2 WHERE id = $1 AND state = 'reading'"


async def read(pool: Pool, hall: Hall, draft: str, file: bytes) -> None:
    """Read a file to its end, a few hundred rows at a time beside the web's own work; a dropped one is left at once."""
    try:
        found, _ = await asyncio.to_thread(rows, file)
        first: Row = await asyncio.to_thread(next, found, [])
        async with acquire(pool) as db:
            reader = Reader(headings(first), [service.code for service in await services(db, hall)])
        at = 1
        while chunk := await asyncio.to_thread(take, reader, found, at):
            at += chunk
            if at > MOST_ROWS:
                raise Unreadable("too_many")
            async with acquire(pool) as db:
                if await db.fetchval(MOVE, draft, at - 1) is None:
                    return
        async with acquire(pool) as db:
            reader.finish(await matters.catalogue(db, hall))
            entries = [(row, type(entry).__name__, reader.told(entry)) for row, entry in reader.entries]
            await db.execute(READY, draft, at - 1, entries, msgspec.to_builtins(reader.faults))
    except Unreadable as why:
        async with acquire(pool) as db:
            await db.execute(FAIL, draft, why.reason)


def take(reader: Reader, found: Iterator[Row], at: int) -> int:
    """Read the next rows; how many there were."""
    count = 0
    for row in islice(found, STEP):
        count += 1
        reader.read(at + count, row)
    return count


LOOK = """
SELECT id, hall, file, at, state, reason, done, total, entries, faults,
       state = 'reading' AND beat < hall_now() - $3::interval AS interrupted
FROM catalogue_drafts WHERE id = $1 AND hall = $2
"""


async def get(db: Db, hall: Hall, draft: str) -> Draft:
    """A file that was put in; NotFound."""
    row = await db.fetchrow(LOOK, draft, hall.id, SILENT)
    if row is None:
        raise NotFound(what="file")
    known = {"Matter": Matter, "Event": Event}
    entries: list[tuple[int, Entry]] = [(at, msgspec.convert(told, known[kind])) for at, kind, told in row["entries"]]
    given = frozenset().union(*(told for _, _, told in row["entries"]))
    return Draft(**(dict(row) | {"entries": entries, "given": given, "faults": msgspec.convert(row["faults"], list[Fault])}))


def compare(entries: list[tuple[int, Entry]], known: Catalogue, given: Collection[str]) -> list[Difference]:
    """What each row would do to the catalogue as it stands; what the file has no column for stays as it is."""
    return [difference(row, entry, known, given) for row, entry in entries]


def difference(row: int, entry: Entry, known: Catalogue, given: Collection[str]) -> Difference:
    before: Entry | None = known.events.get(entry.code) if isinstance(entry, Event) else known.matters.get(entry.code)
    if before is None:
        return Difference(row, "new", entry, [])
    kept = {name: getattr(before, name) for name in entry.__struct_fields__ if name not in given}
    entry = msgspec.structs.replace(entry, **kept)
    names = [name for name in entry.__struct_fields__ if getattr(before, name) != getattr(entry, name)]
    fields = [(name if name in COLUMNS else "parts", getattr(before, name), getattr(entry, name)) for name in names]
    return Difference(row, "changed" if fields else "same", entry, fields)


APPLIED = "UPDATE catalogue_drafts SET state = 'applied', entries = '[]' WHERE id = $1 AND state = 'ready' RETURNING 1"


async def confirm(db: Db, hall: Hall, draft: str, expects: int, actor: str) -> tuple[int, int]:
    """Put a file's rows into the catalogue as they were previewed at version `expects`; how many are new and changed.

    CatalogueMoved when somebody changed the catalogue since, NotInThatState for a file that was applied or dropped.
    """
    async with db.transaction():
        found = await get(db, hall, draft)
        if await db.fetchval(APPLIED, draft) is None:
            raise NotInThatState(state=found.state)
        moved = [each for each in compare(found.entries, await matters.catalogue(db, hall), found.given) if each.kind != "same"]
        fresh = sum(each.kind == "new" for each in moved)
        await matters.store(db, hall, [each.entry for each in moved], expects=expects)
        told = {"new": fresh, "changed": len(moved) - fresh, "refused": len(found.faults)}
        await journal.append(db, hall.id, "catalogue.imported", actor, data=told)
    return fresh, len(moved) - fresh


DROP = """
UPDATE catalogue_drafts SET state = 'dropped', entries = '[]', faults = '[]' WHERE id = $1 AND hall = $2 AND state <> 'applied'
"""


async def drop(db: Db, hall: Hall, draft: str) -> None:
    """Forget a file; it changes nothing."""
    await db.execute(DROP, draft, hall.id)
