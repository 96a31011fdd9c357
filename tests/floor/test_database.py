"""A lost database is one clear refusal, and the next request finds it by itself when it is back."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import pytest

from floor.database import Connection, Pool, Unavailable, acquire, connect, open_pool
from floor.settings import Settings, load


async def test_json_and_times_are_python_values_on_both_sides(db: Connection) -> None:
    value = {"号": ["A001", 3, None, True]}
    assert await db.fetchval("SELECT $1::jsonb", value) == value
    assert await db.fetchval("SELECT $1::jsonb -> '号' -> 0", value) == "A001"
    moment = datetime(2027, 3, 3, 4, 5, tzinfo=UTC)
    assert await db.fetchval("SELECT $1::timestamptz", moment) == moment
    assert await db.fetchval("SELECT '2027-03-03'::date") == date(2027, 3, 3)


async def test_a_statement_and_a_forgotten_transaction_have_an_end(db: Connection) -> None:
    assert await db.fetchval("SHOW statement_timeout") == "5s"
    assert await db.fetchval("SHOW idle_in_transaction_session_timeout") == "5s"
    with pytest.raises(asyncpg.QueryCanceledError):
        async with db.transaction():
            await db.execute("SET LOCAL statement_timeout = '50ms'")
            await db.execute("SELECT pg_sleep(5)")


async def test_a_connection_cut_in_an_act_is_unavailable_and_the_next_one_works(pool: Pool, db: Connection) -> None:
    with pytest.raises(Unavailable):
        async with acquire(pool) as cut:
            pid = await cut.fetchval("SELECT pg_backend_pid()")
            await db.execute("SELECT pg_terminate_backend($1)", pid)
            await cut.fetchval("SELECT 1")
    async with acquire(pool) as new:
        assert await new.fetchval("SELECT 1") == 1


@pytest.mark.parametrize("limit", ["lock_timeout", "statement_timeout"])
async def test_an_act_that_cannot_be_done_in_time_is_unavailable_and_leaves_nothing(
    pool: Pool, db: Connection, hall_id: int, limit: str
) -> None:
    async with db.transaction():
        await db.execute("UPDATE halls SET name = 'held'")
        with pytest.raises(Unavailable):
            async with acquire(pool) as late, late.transaction():
                await late.execute(f"SET LOCAL {limit} = '50ms'")
                await late.execute("UPDATE halls SET name = 'late'")
    assert await db.fetchval("SELECT name FROM halls") == "held"
    async with acquire(pool) as again:
        assert await again.fetchval("SELECT count(*) FROM halls") == 1


CUT_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()
"""


async def test_every_connection_cut_at_once_costs_nobody_a_second_refusal(pool: Pool, db: Connection) -> None:
    async def ask() -> int:
        async with acquire(pool) as one:
            answer: int = await one.fetchval("SELECT 1 FROM pg_sleep(0.05)")
            return answer

    assert await asyncio.gather(*(ask() for _ in range(8))) == [1] * 8
    await db.execute(CUT_ALL)
    await asyncio.sleep(0.2)
    assert await asyncio.gather(*(ask() for _ in range(8))) == [1] * 8


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    away = f"postgresql://postgres@/hall?host={tmp_path}"
    with pytest.raises(Unavailable):
        await connect(away)
    settings = load({"HALL_DATABASE_URL": away, "HALL_DATA_DIR": str(tmp_path)})
    pool = await open_pool(settings)
    with pytest.raises(Unavailable):
        async with acquire(pool):
            pass
    await pool.close()


async def test_our_own_mistake_is_not_called_an_outage(pool: Pool) -> None:
    with pytest.raises(asyncpg.InterfaceError):
        async with acquire(pool) as db:
            await db.fetchval("SELECT $1::int", 1, 2)
    with pytest.raises(FileNotFoundError):
        async with acquire(pool):
            raise FileNotFoundError


async def test_an_act_is_one_round_trip(pool: Pool, settings: Settings) -> None:
    """No RESET on release: the backend sees our statement and nothing else."""
    async with acquire(pool) as db:
        await db.execute("SET application_name = 'kept'")
    async with acquire(pool) as db:
        assert await db.fetchval("SHOW application_name") == "kept"
