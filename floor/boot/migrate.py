"""Bring the database to the shape this version expects: every migration once, in order, unchanged since it ran."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from floor.database import Connection, connect

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("queueing", "devices", "displays", "floor", "scheduling")
NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
LOCK = 0x48414C4C  # two processes that migrate at once: the second waits and finds nothing to do


class MigrationError(Exception):
    """One line that says which migration does not fit."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(root: Path = ROOT) -> list[Migration]:
    """Every migration of the house by number; MigrationError when a name is wrong or a number taken twice."""
    found: dict[int, Migration] = {}
    for path in sorted(file for room in ROOMS for file in (root / room / "migrations").glob("*.sql")):
        match = NAME.match(path.name)
        if match is None:
            raise MigrationError(f"{path.name} is not named NNNN_name.sql.")
        number = int(match[1])
        if number in found:
            raise MigrationError(f"{path.name} and {found[number].name} have the same number.")
        found[number] = Migration(number, path.name, path.read_text("utf-8"))
    return [found[number] for number in sorted(found)]


TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    number integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, at timestamptz NOT NULL DEFAULT now()
)
"""
APPLIED = "SELECT number, name, sha256 FROM migrations"
RECORD = "INSERT INTO migrations (number, name, sha256) VALUES ($1, $2, $3)"


async def migrate(url: str, wanted: list[Migration] | None = None) -> list[str]:
    """Apply what is missing and answer its names. MigrationError when an applied file was changed or fails."""
    wanted = migrations() if wanted is None else wanted
    db = await connect(url)
    try:
        await db.execute("SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        await db.execute("SELECT pg_advisory_lock($1)", LOCK)
        await db.execute(TABLE)
        missing = unapplied(wanted, {row["number"]: row for row in await db.fetch(APPLIED)})
        for migration in missing:
            await apply(db, migration)
        return [migration.name for migration in missing]
    finally:
        await db.close()


def unapplied(wanted: list[Migration], applied: dict[int, asyncpg.Record]) -> list[Migration]:
    for migration in wanted:
        row = applied.get(migration.number)
        if row is not None and row["sha256"] != migration.sha256:
            raise MigrationError(f"{migration.name} was changed after it had been applied; write a new migration instead.")
    newer = sorted(set(applied) - {migration.number for migration in wanted})
    if newer:
        raise MigrationError(f"the database already has {applied[newer[-1]]['name']}, which this version does not know.")
    return [migration for migration in wanted if migration.number not in applied]


async def apply(db: Connection, migration: Migration) -> None:
    try:
        async with db.transaction():
            await db.execute(migration.sql)
            await db.execute(RECORD, migration.number, migration.name, migration.sha256)
    except asyncpg.PostgresError as reason:
        raise MigrationError(f"{migration.name} failed: {reason}") from reason


CURRENT = "SELECT coalesce(max(number), 0) FROM migrations"


async def is_current(db: Connection) -> bool:
    """True when the newest migration of this version has been applied; one cheap query for health checks."""
    try:
        newest = await db.fetchval(CURRENT)
    except asyncpg.UndefinedTableError:
        return False
    return bool(newest == migrations()[-1].number)
