"""One migrated database a worker, as good as new for each test: emptying it takes a tenth of the time of copying the template."""

import uuid

from floor.database import Connection, connect

# What a test may have changed besides rows: a function (the hall's clock is one), a trigger switched off, a column.
SHAPE = """
SELECT md5(string_agg(part, E'\\n' ORDER BY part)) FROM (
    SELECT format('%s %s %s', oid::regprocedure, prosrc, provolatile) AS part
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT format('%s %s %s', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT format('%s %s %s %s', attrelid::regclass, attname, attnotnull, atttypid) FROM pg_attribute
        WHERE attnum > 0 AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL SELECT format('%s %s', conrelid::regclass, conname) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
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
    """Databases like the template, one at a time; `server` is the address of its PostgreSQL's own database."""

    def __init__(self, server: str, template: str) -> None:
        self.server, self.template = server, template
        self.spare: str | None = None
        self.shape, self.functions, self.empty = "", "", ""

    def address(self, name: str) -> str:
        return self.server.replace("/postgres?", f"/{name}?")

    async def take(self) -> str:
        """The name of a database with every migration applied and nothing else in it."""
        name, self.spare = self.spare, None
        return name or await self.make()

    async def make(self) -> str:
        name = f"hall_{uuid.uuid4().hex[:12]}"
        # Copying its files takes a seventh of the time of copying its pages through the log.
        await self.order(f"CREATE DATABASE {name} TEMPLATE {self.template} STRATEGY file_copy")
        if not self.shape:
            await self.learn(name)
        return name

    async def learn(self, name: str) -> None:
        """Note what a new database looks like: its shape, its functions, and which tables the migrations left empty."""
        db = await connect(self.address(name))
        try:
            self.shape = await db.fetchval(SHAPE)
            self.functions = ";\n".join([row[0] for row in await db.fetch(FUNCTIONS)])
            tables = [row[0] for row in await db.fetch(TABLES)]
            filled = [table for table in tables if await db.fetchval(f"SELECT EXISTS (SELECT FROM {table})")]
            assert filled == ["migrations"], f"a migration left rows in {filled}: they would have to be put back"
            self.empty = ";\n".join(f"DELETE FROM {table}" for table in tables if table not in filled)
        finally:
            await db.close()

    async def give_back(self, name: str) -> None:
        """Keep it for the next test, emptied; one whose shape cannot be put right is thrown away."""
        db = await connect(self.address(name))
        try:
            as_new = await self.renew(db)
        finally:
            await db.close()
        if as_new and self.spare is None:
            self.spare = name
        else:
            await self.drop(name)

    async def renew(self, db: Connection) -> bool:
        await db.execute("SET statement_timeout = '60 s'")
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

    async def drop(self, name: str) -> None:
        await self.order(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def order(self, statement: str) -> None:
        """Something only the server's own database is asked for; it takes what it takes on a busy disk."""
        db = await connect(self.server)
        try:
            await db.execute("SET statement_timeout = 0")
            await db.execute(statement)
        finally:
            await db.close()
