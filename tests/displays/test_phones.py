"""A phone is told what the ticket page would say."""

import random

import pytest

from displays.phones import Place, places
from floor.database import Connection
from queueing import calls, tickets, windows
from queueing.halls import Hall
from queueing.tickets import Act
from tests.displays.days import act, live, open_all, seat, take


async def test_a_phone_follows_its_ticket_to_the_window(db: Connection, hall: Hall) -> None:
    await open_all(db, hall)
    await take(db, hall)
    key = (await take(db, hall)).ticket.key
    assert await places(db, [key, "nobody"]) == {key: Place("A002", "waiting", 1, None, None)}
    await calls.call_next(db, hall, seat("1"))
    assert (await places(db, [key]))[key].ahead == 0
    called = await calls.call_next(db, hall, seat("2"))
    assert isinstance(called, Act)
    assert (await places(db, [key]))[key] == Place("A002", "called", None, "2", called.call_id)


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_count_on_the_phone_is_the_count_on_the_paper(db: Connection, hall: Hall, seed: int) -> None:
    chance = random.Random(seed)
    for step in range(150):
        if step == 60:
            await windows.open_window(db, hall, "1", "clerk1", services=["A"], actor="clerk:clerk1")
        await act(db, hall, chance)
    waiting = await live(db, hall, "waiting")
    assert len(waiting) > 1
    told = await places(db, [ticket.key for ticket in waiting])
    assert {key: place.ahead for key, place in told.items()} == {
        ticket.key: await tickets.ahead(db, ticket) for ticket in waiting
    }
