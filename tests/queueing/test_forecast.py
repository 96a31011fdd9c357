"""A wait is a range from what was measured, and unknown where nobody can know."""

from queueing import forecast, tickets, windows
from queueing.db import Db
from queueing.forecast import Load, Wait, expect
from queueing.halls import Hall
from tests.queueing.acts import TakesTickets


def load(**changes: float) -> Load:
    values = {"ahead": 0, "open": 2, "free": 0, "mean_s": 300.0, "spread_s": 200.0} | changes
    return Load("A", int(values["ahead"]), int(values["open"]), int(values["free"]), values["mean_s"], values["spread_s"])


def test_no_open_window_is_no_forecast() -> None:
    assert expect(load(open=0), 3) is None


def test_a_free_window_is_no_wait() -> None:
    assert expect(load(free=1), 0) == Wait(0, 0)


def test_three_ahead_at_two_windows_wait_for_four_visits_side_by_side() -> None:
    assert expect(load(), 3) == Wait(600, 856)


async def test_planned_minutes_serve_until_five_visits_are_measured(db: Db, hall: Hall, take: TakesTickets) -> None:
    await db.execute("UPDATE services SET minutes = 10")
    await windows.open_window(db, hall, "1", "li", services=["A"], actor="clerk:li")
    loads = await forecast.loads(db, hall.id)
    assert (loads["A"].mean_s, loads["A"].open, loads["B"].open) == (600.0, 1, 0)
    for _ in range(5):
        await take("A")
    await db.execute(
        "UPDATE tickets SET state = 'finished', served_at = now() - interval '2 min', ended_at = now() - interval '1 min'"
    )
    assert (await forecast.loads(db, hall.id))["A"].mean_s == 60.0
    mine = (await take("A")).ticket
    assert await forecast.wait_for(db, mine, await tickets.ahead(db, mine)) == Wait(0, 0)
    assert (await forecast.waits(db, hall))["B"] is None
