"""What is due by the clock is done once, whoever does it."""

import asyncio

import pytest

from floor.database import Connection, Pool
from queueing.halls import Hall
from queueing.tickets import take
from scheduling import ticks
from scheduling.ticks import TICKS, Tick
from tests.scheduling.clocks import at

DONE = "SELECT rule, subject, did FROM ticks ORDER BY rule, minute"


async def test_a_rule_acts_once_in_its_period(db: Connection, hall: Hall) -> None:
    acted: list[int] = []

    async def count(_: object, hall: Hall) -> int:
        acted.append(hall.id)
        return 3

    await at(db, "2027-03-03 10:00+08")
    tick = Tick("visitors.count", 60, count)
    assert await ticks.run(db, tick, hall) == 3
    assert await ticks.run(db, tick, hall) is None
    assert acted == [hall.id]
    assert [tuple(row) for row in await db.fetch(DONE)] == [("visitors.count", f"hall:{hall.id}", 3)]


async def test_two_clocks_at_the_same_moment_act_once(pool: Pool, db: Connection, hall: Hall) -> None:
    await at(db, "2027-03-03 10:00+08")
    acted: list[int] = []

    async def slow(_: object, hall: Hall) -> int:
        await asyncio.sleep(0.1)
        acted.append(hall.id)
        return 1

    async def clock() -> int | None:
        async with pool.acquire() as db:
            return await ticks.run(db, Tick("slow.rule", 60, slow), hall)

    outcomes = await asyncio.gather(*(clock() for _ in range(6)))
    assert sorted(outcomes, key=str) == [1, None, None, None, None, None]
    assert acted == [hall.id]


async def test_a_rule_that_failed_is_still_owed(db: Connection, hall: Hall) -> None:
    async def fail(*_: object) -> int:
        raise RuntimeError("out of ink")

    async def succeed(*_: object) -> int:
        return 1

    with pytest.raises(RuntimeError):
        await ticks.run(db, Tick("fails.once", 60, fail), hall)
    assert await ticks.run(db, Tick("fails.once", 60, succeed), hall) == 1


async def test_what_waited_yesterday_expires_after_the_roll_and_what_waits_today_stays(db: Connection, hall: Hall) -> None:
    old = await take(db, hall, ["A"], actor="citizen", channel="api")
    await db.execute("UPDATE tickets SET day = day - 1 WHERE id = $1", old.ticket.id)
    new = await take(db, hall, ["A"], actor="citizen", channel="api")
    assert await ticks.end_yesterday(db, hall) == 2  # its end, and that no other time was free for it
    states = {row["id"]: row["state"] for row in await db.fetch("SELECT id, state FROM tickets")}
    assert states == {old.ticket.id: "expired", new.ticket.id: "waiting"}
    assert await ticks.end_yesterday(db, hall) == 0


async def test_a_press_is_forgotten_after_a_day(db: Connection, hall: Hall) -> None:
    for number, age in ((1, "23 hours 59 minutes"), (2, "24 hours 1 minute")):
        await db.execute(
            f"INSERT INTO presses VALUES ($1, '', 200, '{{}}'::jsonb, now() - interval '{age}')", bytes([number]) * 32
        )
    assert await ticks.forget_presses(db, hall) == 1
    assert [row["scope"][0] for row in await db.fetch("SELECT scope FROM presses")] == [1]


async def test_the_clocks_own_record_is_kept_a_week(db: Connection, hall: Hall) -> None:
    await db.execute("INSERT INTO ticks VALUES ('a.b', now() - interval '8 days', 's'), ('a.b', now() - interval '6 days', 's')")
    assert await ticks.forget_ticks(db, hall) == 1
    assert await db.fetchval("SELECT count(*) FROM ticks") == 1


def test_every_rule_has_a_name_of_its_own_and_whole_minutes() -> None:
    assert [tick.every_s % 60 for tick in TICKS] == [0] * len(TICKS)
    assert len({tick.rule for tick in TICKS}) == len(TICKS)
