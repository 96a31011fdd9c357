"""The end of the day: doors that shut by capacity, and how the drain goes."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from floor.database import Connection, Pool
from floor.outlook import Known, Outlook
from queueing import journal, windows
from queueing.calls import Seat, arrive, call_next
from queueing.errors import BookingOnly, PastLastTicket, StillWaiting, WindowBusy
from queueing.forecast import Load
from queueing.halls import Hall
from queueing.tickets import Act, take
from queueing.windows import close, open_window
from scheduling import appointments
from scheduling.closing import Left, closing, follow_capacity, in_time
from scheduling.day_types import Session, day_types, save_day_type
from scheduling.hours import open_doors, rehang_doors
from scheduling.slots import lay_slots, slots
from scheduling.statutory import keep_known
from tests.scheduling.clocks import at
from tests.scheduling.locks import take_the_record, until_somebody_waits

DAY = "2027-03-03"
NOW = datetime(2027, 3, 3, 8, 0, tzinfo=UTC)


@pytest.fixture
async def evening(db: Connection, hall: Hall) -> Hall:
    """A Wednesday whose kind of day shuts by capacity: last ticket at half past four, closing at five; window 1 serves A."""
    await at(db, f"{DAY} 15:00+08")
    await db.execute("DELETE FROM doors")
    await db.execute("UPDATE halls SET always_open = false")
    shut = replace(hall, always_open=False)
    await keep_known(db, date(2027, 3, 3))
    kind = (await day_types(db, shut))["weekday"]
    sessions = (Session(time(9), time(16, 30), time(17)),)
    await save_day_type(db, shut, replace(kind, last_ticket="capacity", sessions=sessions))
    await open_doors(db, shut)
    await open_window(db, shut, "1", "li", services=["A"], actor="clerk:li")
    return shut


async def number(db: Connection, hall: Hall, service: str = "A") -> Act:
    return await take(db, hall, [service], actor="citizen", channel="api")


async def doors_told(db: Connection, hall: Hall) -> list[tuple[str, dict[str, str]]]:
    return [(row.kind, row.data) for row in await journal.read(db, hall.id, 0) if row.kind.startswith("door.")]


@pytest.mark.parametrize(
    ("ahead", "open_", "free", "minutes", "fits"),
    [
        (0, 1, 1, 60, True),
        (8, 1, 0, 60, None),
        (12, 1, 0, 60, False),
        (12, 2, 0, 60, True),
        (3, 0, 0, 60, None),
        (0, 1, 1, 5, False),
    ],
)
def test_one_more_fits_is_unsure_or_does_not(ahead: int, open_: int, free: int, minutes: int, fits: bool | None) -> None:
    load = Load("A", ahead, open_, free, mean_s=360.0, spread_s=240.0)
    assert in_time(load, NOW + timedelta(minutes=minutes), NOW) is fits


async def test_tickets_stop_when_one_more_would_not_be_out_by_closing_and_go_on_with_another_window(
    db: Connection, evening: Hall
) -> None:
    given = 0
    for _ in range(40):  # a visit is planned at six minutes, so about twenty fit into two hours
        await number(db, evening)
        given += 1
        if await follow_capacity(db, evening):
            break
    assert 15 <= given <= 22
    with pytest.raises(PastLastTicket):
        await number(db, evening)
    assert await follow_capacity(db, evening) == 0
    with pytest.raises(StillWaiting):  # the drain has begun
        await close(db, evening, "1", actor="clerk:li", seat="li")
    await open_window(db, evening, "2", "wang", services=["A"], actor="clerk:wang")
    assert await follow_capacity(db, evening) == 1
    await number(db, evening)
    why = {"service": "A", "why": "capacity"}
    assert await doors_told(db, evening) == [("door.stopped", why), ("door.reopened", why)]
    assert await rehang_doors(db, evening) == 0
    await number(db, evening, "B")  # nobody serves B: nobody can know, and its door stays


async def test_two_doors_shut_at_once_while_somebody_takes_a_number(db: Connection, evening: Hall, pool: Pool) -> None:
    await open_window(db, evening, "2", "wang", services=["B"], actor="clerk:wang")
    await at(db, f"{DAY} 16:25+08")
    for _ in range(9):
        await number(db, evening)
        await number(db, evening, "B")

    async def shut() -> int:
        async with pool.acquire() as clock, clock.transaction():
            return await follow_capacity(clock, evening)

    async with pool.acquire() as taking, taking.transaction():  # as a number of a counted service: its door, then the record
        await taking.execute("SELECT FROM doors WHERE hall = $1 AND service = 'B' FOR UPDATE", evening.id)
        shutting = asyncio.create_task(shut())
        await until_somebody_waits(db)
        await take_the_record(taking, evening)
    assert await asyncio.wait_for(shutting, 20) == 2
    assert [data["service"] for _, data in await doors_told(db, evening)] == ["A", "B"]


async def test_a_door_by_the_time_stays_open_however_long_the_queue(db: Connection, evening: Hall) -> None:
    await save_day_type(db, evening, replace((await day_types(db, evening))["weekday"], last_ticket="time"))
    assert await rehang_doors(db, evening) == 4
    for _ in range(30):
        await number(db, evening)
    assert await follow_capacity(db, evening) == 0


async def test_an_idle_window_stays_for_whom_it_could_serve_until_the_last_is_through(db: Connection, evening: Hall) -> None:
    both = await take(db, evening, ["A", "B"], actor="citizen", channel="api")
    await open_window(db, evening, "2", "wang", services=["B"], actor="clerk:wang")
    await at(db, f"{DAY} 16:31+08")
    await call_next(db, evening, Seat("1", "clerk:li", "li"))
    await arrive(db, evening, Seat("1", "clerk:li", "li"))
    with pytest.raises(WindowBusy):
        await close(db, evening, "1", actor="clerk:li", seat="li")
    with pytest.raises(StillWaiting):  # served at window 1 now, and window 2 is their next step
        await close(db, evening, "2", actor="clerk:wang", seat="wang")
    await close(db, evening, "2", actor="manager:lin", override=True, reason="家中有急事")
    (told,) = [row for row in await journal.read(db, evening.id, 0) if row.kind == "window.closed"]
    assert (told.actor, told.data["reason"], told.data["left"]) == ("manager:lin", "家中有急事", 1)
    assert both.ticket.services == ["A", "B"]


async def test_the_end_is_shown_from_half_an_hour_before_and_until_nobody_is_left(db: Connection, evening: Hall) -> None:
    for _ in range(4):
        await number(db, evening)
    await number(db, evening, "B")
    await at(db, f"{DAY} 16:29+08")
    assert await closing(db, evening) is None
    await at(db, f"{DAY} 16:31+08")
    found = await closing(db, evening)
    assert found is not None and (found.draining, found.to_serve, found.stranded, found.p50) == (True, 5, 1, None)
    assert found.services == (Left("A", 4, 0, 0, 0, 0, 0), Left("B", 1, 1, 0, 0, 0, 0))
    outlook = Outlook(None)  # type: ignore[arg-type]
    await outlook.play(db, evening.id, Known(), 1.0)
    found = await closing(db, evening)
    assert found is not None and found.p50 is not None and found.p90 is not None
    assert found.now < found.p50 <= found.p90 < found.now + timedelta(hours=3)
    await at(db, f"{DAY} 17:30+08")
    await db.execute("UPDATE tickets SET state = 'cancelled', ended_at = hall_now()")
    assert await closing(db, evening) is None


async def test_a_hall_that_is_always_open_has_no_closing(db: Connection, hall: Hall) -> None:
    shown: Sequence[object] = [await closing(db, hall), await follow_capacity(db, hall)]
    assert shown == [None, 0]
    assert await windows.list_windows(db, hall) != []


async def test_an_early_hour_is_booked_in_short_pieces_refuses_who_has_none_and_takes_in_who_has(
    db: Connection, evening: Hall
) -> None:
    """早晚弹性办: an hour before the doors open for all."""
    early = Session(time(8), time(8, 45), time(9), "booked")
    kind = (await day_types(db, evening))["weekday"]
    await save_day_type(db, evening, replace(kind, sessions=(early, Session(time(9), time(16, 30), time(17)))))
    await at(db, "2027-03-03 18:00+08")
    await open_doors(db, evening)
    await rehang_doors(db, evening)
    await lay_slots(db, evening)
    tomorrow = await slots(db, evening, "A", date(2027, 3, 4), date(2027, 3, 4))
    first, usual = tomorrow[0], next(slot for slot in tomorrow if slot.start.hour == 1)
    assert first.start == datetime(2027, 3, 4, 0, 0, tzinfo=UTC)
    assert [(slot.end - slot.start, slot.capacity) for slot in (first, usual)] == [
        (timedelta(minutes=15), 2),
        (timedelta(minutes=30), 2),
    ]
    booked = await appointments.book(db, evening, "A", first.start, appointments.Holder(), actor="citizen", channel="web")
    await at(db, "2027-03-04 08:05+08")
    with pytest.raises(BookingOnly):
        await number(db, evening)
    act = await appointments.check_in(db, evening, booked.appointment.code, actor="citizen", channel="api")
    assert (act.ticket.state, act.ticket.booked_for) == ("waiting", first.start)
    await at(db, "2027-03-04 09:00+08")
    await number(db, evening)
