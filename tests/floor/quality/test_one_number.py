"""One number, one window: a visit that needed a second of either is counted under its service and day."""

from floor.database import Connection
from floor.quality import one_number
from queueing import calls, tickets
from queueing.calls import Seat
from queueing.halls import Hall
from tests.displays.days import open_all, seat


async def served(db: Connection, hall: Hall, at: Seat, *, to: Seat | None = None, person: bytes | None = None) -> None:
    """A visit: called, served, sent on to another window where named, finished."""
    await tickets.take(db, hall, ["A"], actor="test", channel="desk", person=person)
    await calls.call_next(db, hall, at)
    await calls.arrive(db, hall, at)
    if to is not None:
        await calls.transfer(db, hall, at, to_window=to.window)
        await calls.call_next(db, hall, to)
        await calls.arrive(db, hall, to)
    await calls.finish(db, hall, to or at)


async def test_second_windows_and_second_numbers_are_counted(db: Connection, hall: Hall) -> None:
    await open_all(db, hall)
    one, two = seat("1"), seat("2")
    await served(db, hall, one, person=b"someone")
    await served(db, hall, one, person=b"someone")
    await served(db, hall, two, to=one)
    await served(db, hall, one)
    (breach,) = await one_number.today(db, hall)
    assert (breach.service, breach.served, breach.second_window, breach.second_number) == ("A", 4, 1, 1)


async def test_a_call_that_nobody_followed_is_no_errand(db: Connection, hall: Hall) -> None:
    await open_all(db, hall)
    one, two = seat("1"), seat("2")
    await tickets.take(db, hall, ["A"], actor="test", channel="desk")
    await calls.call_next(db, hall, two)
    await calls.no_show(db, hall, two)
    await calls.call_next(db, hall, one)
    await calls.finish(db, hall, one)
    (breach,) = await one_number.today(db, hall)
    assert (breach.served, breach.second_window) == (1, 0)
