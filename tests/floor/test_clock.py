"""The clock does what is due, goes on when one rule fails, and waits for a database that is away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from floor import clock
from floor.clock import TICKS, Clock, keep_time, newly_sealed
from floor.database import Connection, Db, Pool, open_pool
from floor.doorbell import Doorbell
from floor.settings import load
from queueing.halls import Hall
from queueing.tickets import take
from scheduling.envelopes import Details, Envelopes, Sealed
from scheduling.ticks import Tick


@pytest.fixture
async def doorbell(redis: Redis) -> AsyncIterator[Doorbell]:
    bell = Doorbell(redis)
    yield bell
    await bell.close()


async def test_a_look_opens_the_doors_and_ends_yesterday(pool: Pool, db: Connection, hall: Hall, doorbell: Doorbell) -> None:
    old = await take(db, hall, ["A"], actor="citizen", channel="api")
    await db.execute("UPDATE tickets SET day = day - 1")
    await db.execute("DELETE FROM doors")
    await Clock(pool, doorbell).look(1000.0)
    assert await db.fetchval("SELECT count(*) FROM doors") == 4
    assert await db.fetchval("SELECT state::text FROM tickets WHERE id = $1", old.ticket.id) == "expired"
    assert await db.fetchval("SELECT actor FROM journal WHERE kind = 'ticket.expired'") == "clock"


async def test_what_an_old_secret_sealed_is_sealed_anew_at_the_start(pool: Pool, db: Connection, hall: Hall) -> None:
    before, after = b"the secret before of thirty-two signs", b"a secret of thirty-two characters"
    told, key = Details(name="欧阳明月", phone="13900001234", address="柳荫路17号"), "a key of twenty signs"
    kept = Envelopes(before).close(told, key)
    await take(db, hall, ["A"], actor="d", channel="desk")
    await db.execute(
        "INSERT INTO doorstep_visits (key, hall, reason, channel, matters, minutes, key_id, sealed, asked_on, asked_at, ticket) "
        "SELECT $1, $2, 'other', 'ticket', '{}', 20, $3, $4, day, now(), id FROM tickets",
        key, hall.id, kept.key_id, kept.sealed,
    )  # fmt: skip
    await newly_sealed(pool, Envelopes(after))  # the old secret is not known: said, and left as it is
    await newly_sealed(pool, Envelopes(after, before))
    row = await db.fetchrow("SELECT key_id, sealed FROM doorstep_visits")
    assert row is not None and Envelopes(after).open(Sealed(row["key_id"], row["sealed"]), key) == told


async def test_two_clocks_expire_a_ticket_once(pool: Pool, db: Connection, hall: Hall, doorbell: Doorbell) -> None:
    for _ in range(5):
        await take(db, hall, ["A"], actor="citizen", channel="api")
    await db.execute("UPDATE tickets SET day = day - 1")
    await asyncio.gather(*(Clock(pool, doorbell).look(1000.0) for _ in range(3)))
    assert await db.fetchval("SELECT count(*) FROM journal WHERE kind = 'ticket.expired'") == 5


async def test_an_alarm_is_raised_at_the_next_sweep_and_once_by_however_many_clocks(
    pool: Pool, db: Connection, hall: Hall, doorbell: Doorbell
) -> None:
    """A sweep follows the last by 2 s: what a hall wants to know after three minutes it knows well within ten seconds more."""
    assert clock.SWEEP_S + clock.LOOK_S < 10
    clocks = [Clock(pool, doorbell) for _ in range(3)]
    await clocks[0].look(1000.0)
    await db.execute(
        "CREATE OR REPLACE FUNCTION hall_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT now() + interval '3 min' $$"
    )
    await asyncio.gather(*(each.look(1000.0 + clock.SWEEP_S) for each in clocks))
    raised = await db.fetch("SELECT data ->> 'service' AS service FROM journal WHERE kind = 'alarm.raised' ORDER BY 1")
    assert [row["service"] for row in raised] == ["A", "B"]  # no window is open


async def test_a_clock_that_was_away_catches_up_at_its_first_look(
    pool: Pool, db: Connection, hall: Hall, doorbell: Doorbell
) -> None:
    here = Clock(pool, doorbell)
    await here.look(1000.0)
    await take(db, hall, ["A"], actor="citizen", channel="api")
    await db.execute("UPDATE tickets SET day = day - 3")
    await db.execute(
        "CREATE OR REPLACE FUNCTION hall_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT now() + interval '3 hours' $$"
    )
    await here.look(1000.0 + 3 * 3600)
    assert await db.fetchval("SELECT count(*) FROM journal WHERE kind = 'ticket.expired'") == 1


async def test_a_clock_put_back_goes_on_looking_after_the_machines(
    pool: Pool, db: Connection, hall: Hall, doorbell: Doorbell
) -> None:
    here = Clock(pool, doorbell)
    await here.look(10_000.0)
    await db.execute(
        """INSERT INTO devices (id, hall, kind, name, created_by, paired_at, last_seen)
           VALUES ('dv_1', $1, 'tv', '大屏', 'test', now() - interval '1 h', now() - interval '1 h')""",
        hall.id,
    )
    await here.look(10_000.0 - 3600)
    assert await db.fetchval("SELECT count(*) FROM device_alarms WHERE device = 'dv_1' AND cleared_at IS NULL") == 1


async def test_a_rule_that_fails_is_logged_and_the_others_act(
    pool: Pool, db: Connection, hall: Hall, doorbell: Doorbell, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    async def broken(db: Db, hall: Hall) -> int:
        await db.execute("SELECT 1 / 0")
        return 0

    monkeypatch.setattr(clock, "TICKS", (Tick("rule.broken", 60, broken), *TICKS))
    await db.execute("DELETE FROM doors")
    await Clock(pool, doorbell).look(1000.0)
    assert await db.fetchval("SELECT count(*) FROM doors") == 4
    assert capsys.readouterr().out.count("tick_failed") == 1


async def test_without_a_database_the_clock_waits_and_says_so_once(
    tmp_path: Path, doorbell: Doorbell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clock, "LOOK_S", 0.02)
    away = load({"HALL_DATABASE_URL": f"postgresql://postgres@/x?host={tmp_path}", "HALL_DATA_DIR": str(tmp_path)})
    pool, stop = await open_pool(away), asyncio.Event()
    keeping = asyncio.create_task(keep_time(Clock(pool, doorbell), stop))
    await asyncio.sleep(0.3)
    assert keeping.done() is False
    stop.set()
    await asyncio.wait_for(keeping, 5)
    await pool.close()
    assert capsys.readouterr().out.count("database_away") == 1
