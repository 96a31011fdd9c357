"""How the hall reaches its record: a pool of connections that costs one round trip an act."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from floor.settings import Settings

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
    Db = Connection | PoolConnectionProxy[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool
    Db = asyncpg.Connection

# Postgres that is away, going or not yet there, in the words of the system and of asyncpg. Its InterfaceError counts
# only on a closed connection: on an open one it is our mistake. InternalClientError: killed between two messages.
GONE = (
    ConnectionError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)

# It is there and could not do it in time, behind other work or a disk that stands still; the statement left nothing behind.
LATE = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)

# A transaction that forgets to end would pin dead rows and hold the hall's stream row; no act takes seconds.
SESSION = {
    "application_name": "hall",
    "statement_timeout": "5000",
    "idle_in_transaction_session_timeout": "5000",
    "lock_timeout": "4000",
    "timezone": "UTC",
    "jit": "off",  # the statements are short: compiling them costs more than running them
}

# 8 connections were the fastest for one web process in the bench: more only queue behind the hall's stream row.
POOL_SIZE = 8


class Unavailable(Exception):
    """The hall's database does not answer. Nothing was changed; try again in a few seconds."""


async def set_up(db: Connection) -> None:
    """Let JSON columns be Python values on both sides."""
    for kind in ("json", "jsonb"):
        await db.set_type_codec(
            kind,
            schema="pg_catalog",
            encoder=encode_json,
            decoder=msgspec.json.decode,
            format="text",
        )


def encode_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def connect(url: str) -> Connection:
    """One connection with the hall's session settings and codecs; Unavailable when there is no server."""
    try:
        db = await asyncpg.connect(url, server_settings=SESSION, timeout=5)
    except (OSError, *GONE) as gone:
        raise Unavailable() from gone
    await set_up(db)
    return db


async def open_pool(settings: Settings, *, size: int = POOL_SIZE) -> Pool:
    """A pool whose connections are handed back as they are.

    The usual RESET on release is a second round trip for each act (measured: 0.5 of the bare rate with it, 0.65
    without), so nobody may leave session state behind: transactions, SET LOCAL and nothing else. Opens its
    connections when they are first needed, so that a process starts although Postgres is away.
    """
    assert settings.database_url, "the supervisor names the database"
    return await asyncpg.create_pool(
        settings.database_url,
        min_size=0,
        max_size=size,
        server_settings=SESSION,
        init=set_up,
        reset=leave,
        timeout=2,
        command_timeout=6,
        max_inactive_connection_lifetime=20,  # a rush opens them all; each weighs 24 MB until it goes
    )


async def leave(db: Connection) -> None:
    """Nothing to put back, see open_pool."""


@asynccontextmanager
async def acquire(pool: Pool) -> AsyncIterator[Db]:
    """A connection for one request; Unavailable when Postgres is gone, before or during the act, or too slow for it."""
    try:
        async with asyncio.timeout(3):  # asyncpg's own timeout costs a task, even where a connection is free
            db = await pool.acquire()
    except (OSError, *GONE) as gone:
        raise Unavailable() from gone
    try:
        yield db
    except LATE as late:
        raise Unavailable() from late
    except GONE as gone:
        if not has_ended(db):
            if isinstance(gone, asyncpg.InterfaceError):
                raise
            db.terminate()  # whatever state it is in, nobody gets it again
        raise Unavailable() from gone
    finally:
        await pool.release(db, timeout=3)


def has_ended(db: Db) -> bool:
    """Whether a connection is of no more use; one that was cut has left the pool's hands by itself."""
    try:
        return db.is_closed()
    except asyncpg.InterfaceError:
        return True
