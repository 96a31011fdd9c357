"""What was told is kept as it was told, and held against what came of it."""

from dataclasses import replace

from queueing import calls, promises, tickets, windows
from queueing.calls import Seat
from queueing.db import Db
from queueing.forecast import Load
from queueing.halls import Hall
from tests.queueing.acts import TakesTickets

TOLD = {
    "A": Load("A", 2, 1, 0, 300, 100, 0.0, [], [2], [600], [900]),
    "B": Load("B", 0, 0, 0, 300, 100, 0.0, [], [0], [-1], [-1]),
}


async def told(db: Db) -> list[tuple[int, int, int]]:
    return [tuple(row) for row in await db.fetch("SELECT ticket, p50_s, p90_s FROM promises ORDER BY ticket")]


async def test_who_takes_a_number_is_promised_the_range_in_force(db: Db, hall: Hall, take: TakesTickets) -> None:
    made_at = await db.fetchval("SELECT now()")
    first, unknown, second = [(await take(code)).ticket.id for code in ("A", "B", "A")]
    last = await promises.promise(db, hall.id, 0, TOLD, made_at, {first: 2, second: 3})
    assert (await told(db), last) == ([(first, 600, 900), (second, 900, 1200)], second)
    changed = {"A": replace(TOLD["A"], p50_s=[1], p90_s=[2])}
    assert await promises.promise(db, hall.id, 0, changed, made_at, {}) == second
    assert await told(db) == [(first, 600, 900), (second, 900, 1200)], "a promise stays as it was made"
    assert await promises.promise(db, hall.id, second, TOLD, made_at, {}) == second
    assert unknown not in [ticket for ticket, _, _ in await told(db)]


async def test_a_day_is_accounted_by_the_first_call_of_each(db: Db, hall: Hall, take: TakesTickets) -> None:
    await windows.open_window(db, hall, "1", "li", actor="clerk:li")
    made_at = await db.fetchval("SELECT now()")
    taken = [(await take("A")).ticket for _ in range(4)]
    await promises.promise(db, hall.id, 0, TOLD, made_at, {ticket.id: 2 for ticket in taken})
    seat = Seat("1", "clerk:li", "li")
    for _ in range(3):
        await calls.call_next(db, hall, seat)
        await calls.finish(db, hall, seat)
    await tickets.cancel(db, hall, taken[3].key, actor="citizen")
    waited = zip(taken, (500, 700, 1000), strict=False)
    for ticket, seconds in waited:
        await db.execute("UPDATE tickets SET joined_at = joined_at - make_interval(secs => $2) WHERE id = $1", ticket.id, seconds)
    assert await promises.settle(db, hall.id) == 4
    (account,) = await promises.accounts(db, hall.id)
    assert (account.service, account.people, account.inside, account.half) == ("A", 3, 2, 1)
    assert (account.median_s, account.mean_s) == (100, 200)
    assert await promises.settle(db, hall.id) == 0
    assert await promises.accounts(db, hall.id) == [account]


async def test_a_range_is_true_to_the_second_and_nobody_is_told_less_than_a_minute(
    db: Db, hall: Hall, take: TakesTickets
) -> None:
    for p90, waited in ((0, 6), (0, 60), (0, 61), (61, 62), (120, 120), (120, 121)):
        ticket = (await take("A")).ticket
        kept = "INSERT INTO promises VALUES ($1, $2, $3, 'A', 0, $4, $5, true)"
        await db.execute(kept, ticket.id, hall.id, ticket.day, p90, waited)
    await promises.settle(db, hall.id)
    (account,) = await promises.accounts(db, hall.id)
    assert (account.people, account.inside) == (6, 3)


async def test_tickets_told_about_the_same_are_held_against_what_came_of_them(db: Db, hall: Hall, take: TakesTickets) -> None:
    for n in range(10):
        ticket = (await take("A")).ticket
        p50 = 100 if n < 5 else 700
        await db.execute(
            "INSERT INTO promises VALUES ($1, $2, $3, 'A', $4, $4 * 2, $4 + $5, true)",
            ticket.id,
            hall.id,
            ticket.day,
            p50,
            10 * n,
        )
    assert await promises.reliability(db, hall.id) == [
        promises.Told(5, 100, 200, 120, 136),
        promises.Told(5, 700, 1400, 770, 786),
    ]
