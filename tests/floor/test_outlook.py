"""The clock plays the floor forward as it moves, and what is shown follows it."""

from floor.database import Connection, Pool
from floor.outlook import STILL_S, Outlook
from queueing import calls, forecast, promises, tickets, windows
from queueing.calls import Seat
from queueing.halls import Hall


async def take(db: Connection, hall: Hall) -> tickets.Ticket:
    return (await tickets.take(db, hall, ["A"], actor="desk:a", channel="desk")).ticket


async def test_a_floor_that_moves_is_played_and_a_still_one_now_and_then(db: Connection, pool: Pool, hall: Hall) -> None:
    outlook = Outlook(pool)
    await outlook.look(1000.0)
    made = "SELECT max(made_at) FROM forecasts"
    first = await db.fetchval(made)
    known = outlook.halls[hall.id]
    await outlook.look(known.rest_until)
    assert await db.fetchval(made) == first, "nothing has happened"
    await windows.open_window(db, hall, "1", "li", actor="clerk:li")
    await outlook.look(known.rest_until - 0.001)
    assert await db.fetchval(made) == first, "a play that has cost much is not followed by another at once"
    await outlook.look(known.rest_until)
    second = await db.fetchval(made)
    assert second > first
    await outlook.look(known.played_at + STILL_S)
    assert await db.fetchval(made) > second
    (newcomer,) = (await forecast.loads(db, hall.id))["A"].p50_s
    assert 0 <= newcomer < 15


async def test_who_takes_a_number_is_promised_what_the_last_play_told(db: Connection, pool: Pool, hall: Hall) -> None:
    outlook, seat = Outlook(pool), Seat("1", "clerk:li", "li")
    await windows.open_window(db, hall, "1", "li", actor="clerk:li")
    before = await take(db, hall)
    await calls.call_next(db, hall, seat)
    await outlook.look(1000.0)
    mine = await take(db, hall)
    _, wait = await forecast.standing(db, mine)
    assert wait is not None and wait.p50_s > 60
    await outlook.look(outlook.halls[hall.id].rest_until)
    kept = await db.fetchrow("SELECT ticket, p50_s, p90_s FROM promises")
    assert kept is not None and kept["ticket"] == mine.id, f"{before.number} came before there was a forecast"
    assert abs(kept["p50_s"] - wait.p50_s) <= 1
    await calls.finish(db, hall, seat)
    await calls.call_next(db, hall, seat)
    assert await promises.settle(db, hall.id) == 1
    assert [(one.service, one.people) for one in await promises.accounts(db, hall.id)] == [("A", 1)]
