"""The ladder's clock and the people who decide its steps, side by side: nobody who holds the record waits for a step."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from floor.database import Connection, Pool
from queueing import journal, proposals, tickets
from queueing.db import Db
from queueing.halls import Hall
from queueing.windows import open_window
from scheduling import answers, ticks
from scheduling.errors import NothingFree, StepIs
from scheduling.escalation import climb
from tests.scheduling.clocks import at
from tests.scheduling.halls import DAY, number, slot, until_five

PATIENCE_S = 60
BLOCKED = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid = $1
"""


@pytest.fixture
async def noon(db: Connection, hall: Hall) -> Hall:
    """Half past ten: one waits for A since nine, whom no window serves; so every step of the ladder was offered."""
    shut = await until_five(db, hall)
    await number(db, shut)
    await at(db, f"{DAY} 10:35+08")
    await climb(db, shut)
    await at(db, f"{DAY} 10:46+08")
    await climb(db, shut)
    return shut


async def behind(pool: Pool, db: Connection, act: Callable[[Db], Awaitable[object]]) -> "asyncio.Task[object]":
    """An act on a line of its own that has come as far as the caller's locks let it."""
    pid: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run() -> object:
        async with pool.acquire() as own:
            pid.set_result(await own.fetchval("SELECT pg_backend_pid()"))
            async with own.transaction():
                return await act(own)

    task = asyncio.create_task(run())
    async with asyncio.timeout(PATIENCE_S):
        while not await db.fetchval(BLOCKED, await pid):
            assert not task.done(), "nothing held it up"
            await asyncio.sleep(0.01)
    return task


async def test_a_step_in_somebodys_hand_keeps_no_clock_before_the_record(pool: Pool, db: Connection, noon: Hall) -> None:
    ticket = await db.fetchval("SELECT key FROM tickets")
    await tickets.cancel(db, noon, ticket, actor="citizen")  # the visitor's steps are to be settled, the hall's lapse
    tidal = await db.fetchval("SELECT id FROM escalations WHERE step = 'tidal'")
    async with db.transaction():
        assert await answers.stands(db, noon, tidal, True) == ("tidal", "A")
        clock = await behind(pool, db, lambda own: climb(own, noon))
        await open_window(db, noon, "1", "li", services=["A"], actor="manager:lin")  # as the press of the button does
        await answers.answer(db, noon, tidal, True, actor="manager:lin")
    assert await asyncio.wait_for(clock, PATIENCE_S) == 4  # two lapsed, two settled
    states = await db.fetch("SELECT step, state FROM escalations ORDER BY id")
    assert [tuple(row) for row in states] == [
        ("alert", "lapsed"), ("tidal", "accepted"), ("helpers", "lapsed"), ("slot", "lapsed"), ("doorstep", "lapsed"),
    ]  # fmt: skip


async def test_a_proposal_in_somebodys_hand_keeps_no_round_before_the_record(pool: Pool, db: Connection, noon: Hall) -> None:
    for service in "AB":  # both have had their time, and A's is locked
        await db.execute(
            "INSERT INTO proposals (hall, day, subject, service, step, effects, state, offered_at) "
            "VALUES ($1, $2::text::date, $3, $3, $4, '[]', 'offered', hall_now())",
            noon.id, DAY, service, {"kind": "open", "service": service, "window": "1", "clerk": "li", "services": [service]},
        )  # fmt: skip
    standing = await proposals.live(db, noon)
    async with db.transaction():
        await db.fetchval("SELECT id FROM proposals WHERE service = 'B' FOR UPDATE")
        lost = {one.step.subject for one in standing}
        round_ = await behind(pool, db, lambda own: weigh(own, noon, lost))
        await journal.append(db, noon.id, "helper.called", "manager:lin", data={"service": "B"})
    await asyncio.wait_for(round_, PATIENCE_S)
    assert await db.fetchval("SELECT count(*) FROM proposals WHERE state = 'expired'") == 2


async def test_a_day_that_ends_waits_for_a_ticket_before_the_record(pool: Pool, db: Connection, noon: Hall) -> None:
    late = (await number(db, noon, "B")).ticket  # no other time was offered yet
    await at(db, "2027-03-04 04:10+08")
    async with db.transaction():
        await db.execute("SELECT FROM tickets WHERE id = $1 FOR NO KEY UPDATE", late.id)
        roll = await behind(pool, db, lambda own: ticks.end_yesterday(own, noon))
        await tickets.cancel(db, noon, late.key, actor="citizen")
    assert await asyncio.wait_for(roll, PATIENCE_S) == 1
    states = await db.fetch("SELECT state::text FROM tickets ORDER BY id")
    assert [row["state"] for row in states] == ["expired", "cancelled"]


async def test_a_time_taken_on_the_next_day_waits_for_the_other_step_before_the_record(
    pool: Pool, db: Connection, noon: Hall
) -> None:
    key = await db.fetchval("SELECT key FROM tickets")
    await at(db, "2027-03-04 04:10+08")
    await ticks.end_yesterday(db, noon)
    async with db.transaction():
        await db.execute("SELECT FROM escalations WHERE step = 'doorstep' FOR NO KEY UPDATE")
        answer = await behind(pool, db, lambda own: answers.take_slot(own, noon, key, actor="citizen", channel="web"))
        assert await climb(db, noon) > 0
    await asyncio.wait_for(answer, PATIENCE_S)
    states = {row["step"]: row["state"] for row in await db.fetch("SELECT step, state FROM escalations WHERE ticket IS NOT NULL")}
    assert states == {"slot": "accepted", "doorstep": "lapsed"}


async def weigh(db: Db, hall: Hall, lost: set[str]) -> object:
    known = await proposals.live(db, hall)
    in_order = sorted(known, key=lambda one: one.step.service)
    return await proposals.count(db, hall, in_order, {}, lost, lost, set(), least_s=60.0, rounds=2)


async def test_ticks_presses_and_answers_side_by_side_all_go_through(pool: Pool, db: Connection, noon: Hall) -> None:
    """Two clocks, a manager who takes and refuses, visitors who answer and leave, for thirty minutes of the hall."""
    luck = Random(3)
    await slot(db, noon, "A", "2027-03-04 11:00+08", places=40)
    for minute in range(47, 60):
        await at(db, f"{DAY} 10:{minute}+08")
        await number(db, noon, luck.choice("AB"))
        await db.execute(
            "UPDATE tickets SET joined_at = joined_at - interval '2 h' WHERE joined_at > hall_now() - interval '1 h'"
        )
        keys = [row["key"] for row in await db.fetch("SELECT key FROM tickets WHERE state = 'waiting' ORDER BY id")]
        steps = [row["id"] for row in await db.fetch("SELECT id FROM escalations WHERE state = 'offered' AND ticket IS NULL")]

        async def clock(own: Db) -> None:
            await climb(own, noon)

        async def decide(own: Db, step: int, yes: bool) -> None:
            found = await answers.stands(own, noon, step, yes)
            if found is not None:
                await journal.append(own, noon.id, "helper.called", "manager:lin", data={"service": found[1]})
                await answers.answer(own, noon, step, yes, actor="manager:lin", why=None if yes else "other")

        async def say(own: Db, key: str, yes: bool) -> None:
            if yes:
                await answers.take_slot(own, noon, key, actor="citizen", channel="web")
            else:
                await answers.refuse(own, noon, key, "slot", "time", actor="citizen")

        async def alone(act: Callable[..., Awaitable[None]], *given: object) -> None:
            async with pool.acquire() as own:
                try:
                    async with own.transaction():
                        await act(own, *given)
                except (StepIs, NothingFree):
                    pass  # somebody else was first: that is an answer; a deadlock is none

        every = [alone(clock), alone(clock), *(alone(decide, step, luck.random() < 0.5) for step in steps)]
        every += [alone(say, key, luck.random() < 0.5) for key in luck.sample(keys, min(3, len(keys)))]
        luck.shuffle(every)
        await asyncio.wait_for(asyncio.gather(*every), PATIENCE_S)
    rows = await db.fetch("SELECT count(*) AS n FROM escalations WHERE ticket IS NOT NULL GROUP BY step, ticket")
    assert {row["n"] for row in rows} == {1}
    ends = await db.fetch(
        "SELECT count(*) AS n FROM journal WHERE kind ~ '^escalation[.](accepted|refused|lapsed)$' GROUP BY data->>'escalation'"
    )
    assert {row["n"] for row in ends} == {1}, "each step ends once"
