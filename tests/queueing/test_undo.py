"""A transfer taken back leaves no trace but the record: same service, same window, and only while nobody else acted."""

import pytest

from queueing import calls, undo, windows
from queueing.calls import Seat
from queueing.db import Db
from queueing.errors import NotFound, NotInThatState, WindowBusy
from queueing.halls import Hall
from queueing.tickets import Act, Ticket
from tests.queueing.acts import TakesTickets, press

LI = Seat("1", "clerk:li", "li")
WANG = Seat("2", "clerk:wang", "wang")


@pytest.fixture(autouse=True)
async def two_open_windows(db: Db, hall: Hall) -> None:
    for seat in (LI, WANG):
        await windows.open_window(db, hall, seat.window, seat.clerk or "", actor=seat.actor)


async def called(db: Db, hall: Hall, take: TakesTickets) -> Ticket:
    ticket = (await take("A")).ticket
    await calls.call_number(db, hall, LI, ticket.number)
    return ticket


async def test_the_service_is_its_own_again(db: Db, hall: Hall, take: TakesTickets) -> None:
    ticket = await called(db, hall, take)
    await calls.transfer(db, hall, LI, to_service="B", position="front")
    act = await undo.take_back(db, hall, LI, ticket.number)
    assert (act.ticket.state, act.ticket.service, act.ticket.window, act.ticket.call_no) == ("called", "A", "1", 2)


async def test_a_ticket_that_was_meant_for_this_window_is_again(db: Db, hall: Hall, take: TakesTickets) -> None:
    ticket = await called(db, hall, take)
    await calls.transfer(db, hall, LI, to_window="2")
    await calls.call_number(db, hall, WANG, ticket.number)
    await calls.transfer(db, hall, WANG, to_service="B")
    await undo.take_back(db, hall, WANG, ticket.number)
    assert await db.fetchval("SELECT for_window FROM tickets WHERE id = $1", ticket.id) == "2"


async def test_what_another_window_has_called_or_done_is_not_taken_back(db: Db, hall: Hall, take: TakesTickets) -> None:
    ticket = await called(db, hall, take)
    await calls.transfer(db, hall, LI, to_window="2")
    with pytest.raises(NotInThatState):
        await undo.take_back(db, hall, WANG, ticket.number)  # it was not window 2 that sent it
    await calls.call_number(db, hall, WANG, ticket.number)
    with pytest.raises(NotInThatState):
        await undo.take_back(db, hall, LI, ticket.number)


async def test_a_ticket_that_only_waits_or_is_unknown_is_not_taken_back(db: Db, hall: Hall, take: TakesTickets) -> None:
    waiting = (await take("A")).ticket
    with pytest.raises(NotInThatState):
        await undo.take_back(db, hall, LI, waiting.number)
    with pytest.raises(NotFound):
        await undo.take_back(db, hall, LI, "A999")


async def test_a_busy_window_takes_nothing_back(db: Db, hall: Hall, take: TakesTickets) -> None:
    ticket = await called(db, hall, take)
    await calls.transfer(db, hall, LI, to_window="2")
    await called(db, hall, take)
    with pytest.raises(WindowBusy):
        await undo.take_back(db, hall, LI, ticket.number)


async def test_taking_back_twice_by_one_press_acts_once(db: Db, hall: Hall, take: TakesTickets) -> None:
    ticket = await called(db, hall, take)
    await calls.transfer(db, hall, LI, to_service="B")
    first = await undo.take_back(db, hall, LI, ticket.number, press=press(1))
    again = await undo.take_back(db, hall, LI, ticket.number, press=press(1))
    assert isinstance(again, Act) and (again.replayed, again.call_id) == (True, first.call_id)
