"""Migrations run once, in order, unchanged, and two that migrate at once do no harm."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from floor.boot.migrate import Migration, MigrationError, is_current, migrate, migrations
from floor.database import Connection, connect
from tests.conftest import Servers

FIRST = Migration(1, "0001_a.sql", "CREATE TABLE a (i integer); INSERT INTO a VALUES (1)")
SECOND = Migration(2, "0002_b.sql", "CREATE TABLE b (i integer)")
BROKEN = Migration(3, "0003_c.sql", "CREATE TABLE c (i integer); SELECT no_such_thing()")


@pytest.fixture
async def empty(servers: Servers) -> AsyncIterator[str]:
    name = f"hall_{uuid.uuid4().hex[:12]}"
    db = await connect(servers.postgres)
    await db.execute(f"CREATE DATABASE {name}")
    yield servers.database(name)
    await db.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await db.close()


async def tables(url: str) -> list[str]:
    db = await connect(url)
    try:
        rows = await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        return [row["tablename"] for row in rows]
    finally:
        await db.close()


async def test_what_is_missing_is_applied_in_order_and_once(empty: str) -> None:
    assert await migrate(empty, [FIRST]) == ["0001_a.sql"]
    assert await migrate(empty, [FIRST, SECOND]) == ["0002_b.sql"]
    assert await migrate(empty, [FIRST, SECOND]) == []
    assert await tables(empty) == ["a", "b", "migrations"]


async def test_a_migration_that_fails_leaves_nothing_of_itself(empty: str) -> None:
    with pytest.raises(MigrationError, match=r"^0003_c.sql failed: function no_such_thing\(\) does not exist"):
        await migrate(empty, [FIRST, BROKEN])
    assert await tables(empty) == ["a", "migrations"]


async def test_a_file_changed_after_it_was_applied_is_refused(empty: str) -> None:
    await migrate(empty, [FIRST])
    with pytest.raises(MigrationError, match=r"^0001_a.sql was changed after it had been applied"):
        await migrate(empty, [Migration(1, "0001_a.sql", "CREATE TABLE z (i integer)"), SECOND])
    assert await tables(empty) == ["a", "migrations"]


async def test_a_database_of_a_newer_version_is_left_alone(empty: str) -> None:
    await migrate(empty, [FIRST, SECOND])
    with pytest.raises(MigrationError, match=r"already has 0002_b.sql, which this version does not know"):
        await migrate(empty, [FIRST])


async def test_two_that_migrate_at_once_apply_each_file_once(empty: str) -> None:
    applied = await asyncio.gather(*(migrate(empty, [FIRST, SECOND]) for _ in range(3)))
    assert sorted(applied) == [[], [], ["0001_a.sql", "0002_b.sql"]]


async def test_health_knows_whether_the_database_is_up_to_date(empty: str, db: Connection) -> None:
    assert await is_current(db) is True
    old = await connect(empty)
    assert await is_current(old) is False
    await old.close()


def test_a_number_taken_twice_is_refused(tmp_path: Path) -> None:
    for room, name in (("queueing", "0001_a.sql"), ("floor", "0001_b.sql")):
        (tmp_path / room / "migrations").mkdir(parents=True)
        (tmp_path / room / "migrations" / name).touch()
    with pytest.raises(MigrationError, match=r"have the same number"):
        migrations(tmp_path)
