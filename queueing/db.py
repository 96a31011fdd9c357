"""How an act reaches the database: one statement, its refusal by name, its repeat by the answer kept with the press."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from queueing.errors import KeyReused, PressRepeated, Refused, named

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Db = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Db = asyncpg.Connection

Row = asyncpg.Record
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Press:
    """One press of a button or one request, wherever it is repeated: two SHA-256 digests of 32 bytes each."""

    scope: bytes  # actor, method, path and key
    body: bytes  # what was asked


@dataclass(frozen=True, slots=True)
class Replay:
    """What a press gave the first time: `status` 200, 201 or 204 and the row or document it answered with."""

    status: int
    answer: Any
    at: datetime


REPLAY = "SELECT body, status, answer, at FROM presses WHERE scope = $1"


async def replay(db: Db, press: Press | None) -> Replay | None:
    """The kept answer of a press, None if it never acted. KeyReused when it asked for something else then."""
    if press is None:
        return None
    row = await db.fetchrow(REPLAY, press.scope)
    if row is None:
        return None
    if row["body"] != press.body:
        raise KeyReused()
    return Replay(row["status"], row["answer"], row["at"])


KEEP = "INSERT INTO presses (scope, body, status, answer) VALUES ($1, $2, $3, $4)"


async def keep(db: Db, press: Press | None, status: int, answer: object) -> None:
    """Keep the answer of an act that is more than one statement, in its transaction. PressRepeated if it has one."""
    if press is not None:
        with named():
            await db.execute(KEEP, press.scope, press.body, status, answer)


# An act is `WITH moved AS (<the ticket's or window's row, changed>)` and this tail. Parameters are the same in every
# act: $1 hall, $2 actor, $3 scope and $4 body of the press. The stream row is the last contested lock; whoever holds
# it has decided, and holds it to the commit: what can be written down before it is taken, is. A repeated press breaks
# `press_acts_once`, which undoes the whole act.
RECORD = """
, kept AS MATERIALIZED (
    SELECT m.hall, {data} AS data,
           CASE WHEN $3::bytea IS NOT NULL THEN to_jsonb(m) - '{{person,id_mask,evidence,verified_by}}'::text[] END AS answer
    FROM moved m
), stream AS (
    UPDATE hall_streams SET top = top + 1 WHERE hall = (SELECT hall FROM kept) RETURNING epoch, top
), told AS (
    INSERT INTO journal (hall, "offset", kind, actor, cause, ticket, window_no, data)
    SELECT m.hall, s.top, {kind}, $2, left(encode($3, 'hex'), 16), {ticket}, {window}, k.data
    FROM moved m, kept k, stream s RETURNING "offset", at
), pressed AS (
    INSERT INTO presses (scope, body, status, answer)
    SELECT $3, $4, {status}, k.answer || jsonb_build_object('offset', t."offset", 'epoch', s.epoch, 'at', t.at)
    FROM kept k, stream s, told t WHERE $3 IS NOT NULL
)
SELECT m.*, s.epoch, t."offset", t.at FROM moved m, stream s, told t
"""


def recorded(moved: str, kind: str, data: str, *, ticket: str = "m.id", window: str = "m.window_no", status: int = 200) -> str:
    """The whole statement of an act: `moved` decides and moves, the tail records. `kind` and `data` are SQL over row m."""
    return moved + RECORD.format(kind=kind, ticket=ticket, window=window, data=data, status=status)


async def once(db: Db, press: Press | None, act: Callable[[], Awaitable[T]], again: Callable[[Replay], T]) -> T:
    """Do an act, or give the answer kept for its press when it has been done before.

    The act runs first and the kept answer is looked up only when it refuses: a repeat is rare, and a press that has
    acted can't act again, whatever the floor looks like now. A deadlock (two multi-service takes) is tried once more.
    In somebody's transaction the act is a part of it that a refusal undoes: its reason is looked up behind it.
    """
    try:
        with named():
            return await retried(lambda: apart(db, act) if db.is_in_transaction() else act())
    except (PressRepeated, Refused):
        kept = await replay(db, press)
        if kept is None:
            raise
        return again(kept)


async def apart(db: Db, act: Callable[[], Awaitable[T]]) -> T:
    """Do an act that alone is undone when it fails."""
    async with db.transaction():
        return await act()


async def retried(act: Callable[[], Awaitable[T]]) -> T:
    """Run an act; a deadlock victim runs once more."""
    try:
        return await act()
    except asyncpg.DeadlockDetectedError:
        return await act()


def changed(status: str) -> int:
    """The number of rows in a command's answer, "INSERT 0 4" or "DELETE 2"."""
    return int(status.rpartition(" ")[2])
