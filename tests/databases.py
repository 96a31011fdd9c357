"""One migrated database a worker, as good as new for each test: emptying it takes a tenth of the time of copying the template."""

import asyncio
import threading
import uuid
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncpg

from floor.database import Connection, connect

T = TypeVar("T")

# What a test may have changed besides rows: a function (the hall's clock is one), a trigger switched off, a column. By their
# numbers, which are those of the template in every copy.
SHAPE = """
SELECT md5(string_agg(part, E'\\n' ORDER BY part)) FROM (
    SELECT format('%s %s %s', oid, prosrc, provolatile) AS part FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT format('%s %s %s', tgrelid, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT format('%s %s %s %s', attrelid, attname, attnotnull, atttypid) FROM pg_attribute
        WHERE attnum > 0 AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL SELECT format('%s %s', conrelid, conname) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
) parts
"""
FUNCTIONS = """
SELECT pg_get_functiondef(p.oid) FROM pg_proc p
LEFT JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f' AND d.objid IS NULL
"""
TABLES = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
OTHERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
RESTART = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL
"""


class Databases:
    """Databases like the template, one at a time; `server` is the address of its PostgreSQL's own database.

    The one that is kept has a connection of its own, which knows it by now: a new one takes three times as long to empty it.
    It lives in a thread with a loop that outlives the tests'.
    """

    def __init__(self, server: str, template: str) -> None:
        self.server, self.template = server, template
        self.spare: str | None = None
        self.keeper: Connection | None = None
        self.shape, self.functions, self.empty = "", "", ""
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def address(self, name: str) -> str:
        return self.server.replace("/postgres?", f"/{name}?")

    async def take(self) -> str:
        """The name of a database with every migration applied and nothing else in it."""
        name, self.spare = self.spare, None
        return await self.apart(self.make()) if name is None else name

    async def give_back(self, name: str) -> None:
        """Keep it for the next test, emptied; one whose shape cannot be put right is thrown away."""
        if await self.apart(self.renew(name)):
            self.spare = name

    def close(self) -> None:
        """End the connection and the thread."""
        asyncio.run_coroutine_threadsafe(self.leave(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)
        self.loop.close()

    async def apart(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it on the thread's loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))

    # ---- on the thread

    async def make(self) -> str:
        await self.leave()
        name = f"hall_{uuid.uuid4().hex[:12]}"
        # Copying its files takes a seventh of the time of copying its pages through the log.
        await self.order(f"CREATE DATABASE {name} TEMPLATE {self.template} STRATEGY file_copy")
        self.keeper = await self.enter(name)
        if not self.shape:
            await self.learn(self.keeper)
        return name

    async def enter(self, name: str) -> Connection:
        db = await connect(self.address(name))
        await db.execute("SET statement_timeout = '60 s'")
        return db

    async def leave(self) -> None:
        if self.keeper is not None:
            await self.keeper.close()
            self.keeper = None

    async def learn(self, db: Connection) -> None:
        """Note what a new database looks like: its shape, its functions, and which tables the migrations left empty."""
        self.shape = await db.fetchval(SHAPE)
        self.functions = ";\n".join([row[0] for row in await db.fetch(FUNCTIONS)])
        tables = [row[0] for row in await db.fetch(TABLES)]
        filled = [table for table in tables if await db.fetchval(f"SELECT EXISTS (SELECT FROM {table})")]
        assert filled == ["migrations"], f"a migration left rows in {filled}: they would have to be put back"
        self.empty = ";\n".join(f"DELETE FROM {table}" for table in tables if table not in filled)

    async def renew(self, name: str) -> bool:
        """Empty it; False when it had to be thrown away."""
        try:
            as_new = self.keeper is not None and await self.emptied(self.keeper)
        except (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.InterfaceError, ConnectionError):
            self.keeper = await self.enter(name)  # a test ends every connection but its own
            as_new = await self.emptied(self.keeper)
        if not as_new:
            await self.leave()
            await self.order(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        return as_new

    async def emptied(self, db: Connection) -> bool:
        await db.execute(OTHERS)
        if await db.fetchval(SHAPE) != self.shape:
            await db.execute(self.functions)
            if await db.fetchval(SHAPE) != self.shape:
                return False
        async with db.transaction():
            await db.execute("SET LOCAL session_replication_role = replica")  # rows that nobody may delete go too
            await db.execute(self.empty)
            await db.execute(RESTART)
        return True

    async def order(self, statement: str) -> None:
        """Something only the server's own database is asked for; it takes what it takes on a busy disk."""
        db = await connect(self.server)
        try:
            await db.execute("SET statement_timeout = 0")
            await db.execute(statement)
        finally:
            await db.close()
