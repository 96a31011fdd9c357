"""Fewer windows than a kind of day asks for are told from the evening before, and no longer once it is made good."""

from dataclasses import replace
from datetime import date, time

import pytest

from floor.database import Connection
from queueing.halls import Hall, get_hall
from queueing.windows import open_window
from scheduling.day_types import Session, day_types, save_day_type
from scheduling.minimums import Short, short
from scheduling.roster.patterns import lay_patterns
from scheduling.roster.problem import Clerk
from scheduling.roster.store import place, publish, set_contract
from scheduling.statutory import keep_known
from tests.scheduling.clocks import at

SATURDAY, MONDAY = date(2026, 3, 7), date(2026, 3, 2)


@pytest.fixture
async def saturdays(db: Connection, hall: Hall) -> Hall:
    """Saturdays from nine to twelve with two windows; the roster of the week has one clerk on it."""
    await at(db, "2026-03-06 16:00+08")
    await db.execute("UPDATE halls SET always_open = false")
    await keep_known(db, date(2026, 3, 6))
    hall = await get_hall(db, "demo")
    kind = (await day_types(db, hall))["saturday"]
    await save_day_type(db, hall, replace(kind, sessions=(Session(time(9), time(12), time(12)),), zones={"A": 2}))
    await lay_patterns(db, hall)
    for clerk in ("clerk01", "clerk02"):
        await set_contract(db, hall, Clerk(clerk, ("A",), home="A"))
    await place(db, hall, SATURDAY, "clerk01", "0900_1200", "A", actor="manager:m")
    return hall


async def test_the_roster_of_tomorrow_is_looked_at_from_the_evening_on(db: Connection, saturdays: Hall) -> None:
    await at(db, "2026-03-06 18:00+08")
    assert await short(db, saturdays) == []  # nothing is published: nobody knows yet
    await publish(db, saturdays, MONDAY, actor="manager:m")
    assert await short(db, saturdays) == [Short(SATURDAY, "A", 2, 1, 540, 720, False)]
    await at(db, "2026-03-06 16:59+08")
    assert await short(db, saturdays) == []
    await at(db, "2026-03-06 17:00+08")
    await place(db, saturdays, SATURDAY, "clerk02", "0900_1200", "A", actor="manager:m")
    assert await short(db, saturdays) == []


async def test_on_the_day_the_windows_that_are_open_count_as_well(db: Connection, saturdays: Hall) -> None:
    await publish(db, saturdays, MONDAY, actor="manager:m")
    await at(db, "2026-03-07 09:04+08")
    assert await short(db, saturdays) == [Short(SATURDAY, "A", 2, 1, 555, 720, False)]
    await at(db, "2026-03-07 09:20+08")
    rostered = Short(SATURDAY, "A", 2, 1, 570, 720, False)
    assert await short(db, saturdays) == [Short(SATURDAY, "A", 2, 0, 560, 720, True), rostered]
    for no in ("1", "2"):
        await open_window(db, saturdays, no, f"clerk0{no}", actor="manager:m")
    assert await short(db, saturdays) == [rostered]
    await at(db, "2026-03-07 12:00+08")
    assert await short(db, saturdays) == []
