"""A window is opened by one clerk, who has one seat, for what he can do; nobody closes it over a waiting citizen."""

import pytest

from queueing import calls, tickets, windows
from queueing.calls import Seat
from queueing.db import Db
from queueing.errors import (
    AlreadySeated,
    BadInput,
    NotFound,
    NotInThatState,
    NotSkilled,
    NotYourWindow,
    StillWaiting,
    UnknownService,
    WindowBusy,
    WindowNotOpen,
    WindowTaken,
)
from queueing.halls import Hall
from tests.queueing.acts import TakesTickets, press

LI = Seat("1", "clerk:li", "li")


async def opened(db: Db, hall: Hall, no: str = "1", clerk: str = "li") -> windows.WindowAct:
    return await windows.open_window(db, hall, no, clerk, actor=f"clerk:{clerk}")


async def test_opening_seats_the_clerk_and_is_safe_to_repeat(db: Db, hall: Hall) -> None:
    act = await opened(db, hall)
    assert (act.window.state, act.window.clerk, act.window.services) == ("open", "li", act.window.serves)
    assert (await opened(db, hall)).window.state == "open"
    with pytest.raises(WindowTaken):
        await opened(db, hall, clerk="wang")
    with pytest.raises(AlreadySeated) as seated:
        await opened(db, hall, no="2")
    assert seated.value.details == {"window": "1"}
    with pytest.raises(NotFound):
        await opened(db, hall, no="99", clerk="zhao")


async def test_services_asked_for_must_exist_and_be_skilled_in(db: Db, hall: Hall) -> None:
    with pytest.raises(UnknownService):
        await windows.open_window(db, hall, "1", "li", services=["A", "Q"], actor="clerk:li")
    with pytest.raises(BadInput):
        await windows.open_window(db, hall, "1", "li", services=[], actor="clerk:li")
    await db.execute("UPDATE halls SET skills_required = true")
    skills = "INSERT INTO skills (hall, clerk, service, until) VALUES ($1, 'li', 'A', NULL), ($1, 'li', 'B', '2020-01-01')"
    await db.execute(skills, hall.id)
    with pytest.raises(NotSkilled) as lacking:
        await windows.open_window(db, hall, "1", "li", services=["A", "B"], actor="clerk:li")
    assert lacking.value.details == {"service": "B"}  # the skill has run out
    act = await windows.open_window(db, hall, "1", "li", services=["A"], actor="clerk:li")
    assert act.window.services == ["A"]


async def test_pause_resume_close_each_from_its_own_state(db: Db, hall: Hall, take: TakesTickets) -> None:
    with pytest.raises(WindowNotOpen):
        await windows.pause(db, hall, "1", actor="clerk:li", seat="li")
    await opened(db, hall)
    with pytest.raises(NotInThatState):
        await windows.resume(db, hall, "1", actor="clerk:li", seat="li")
    with pytest.raises(NotYourWindow):
        await windows.pause(db, hall, "1", actor="clerk:wang", seat="wang")
    paused = await windows.pause(db, hall, "1", actor="clerk:li", seat="li", reason="用餐")
    assert (paused.window.state, paused.window.reason) == ("paused", "用餐")
    assert (await windows.resume(db, hall, "1", actor="clerk:li", seat="li")).window.reason is None
    await take("A")
    await calls.call_next(db, hall, LI)
    for act in (windows.pause, windows.close):
        with pytest.raises(WindowBusy):
            await act(db, hall, "1", actor="clerk:li", seat="li")
    await calls.finish(db, hall, LI)
    closed = await windows.close(db, hall, "1", actor="clerk:li", seat="li")
    assert (closed.window.state, closed.window.clerk) == ("closed", None)


async def test_a_repeated_press_on_a_window_gives_the_first_answer(db: Db, hall: Hall) -> None:
    first = await windows.open_window(db, hall, "1", "li", actor="clerk:li", press=press(1))
    await windows.close(db, hall, "1", actor="clerk:li")
    again = await windows.open_window(db, hall, "1", "li", actor="clerk:li", press=press(1))
    assert (again.replayed, again.window, again.offset) == (True, first.window, first.offset)
    assert (await windows.get_window(db, hall, "1")).state == "closed"


async def test_after_the_last_ticket_a_window_stays_for_who_is_queued(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    await opened(db, hall)
    await db.execute("UPDATE doors SET opens = now() - interval '2 h', last_ticket = now() - interval '1 h'")
    with pytest.raises(StillWaiting) as waiting:
        await windows.close(db, hall, "1", actor="clerk:li", seat="li")
    assert waiting.value.details == {"count": 1}
    act = await windows.close(db, hall, "1", actor="leader:chen", override=True, reason="停电")
    assert act.window.state == "closed"
    await opened(db, hall)
    (left,) = await tickets.find(db, hall)
    await tickets.cancel(db, hall, left.key, actor="citizen")
    assert (await windows.close(db, hall, "1", actor="clerk:li", seat="li")).window.state == "closed"


async def test_the_floor_shows_each_window_with_its_ticket(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    await opened(db, hall)
    await calls.call_next(db, hall, LI)
    first, second = (await windows.list_windows(db, hall))[:2]
    assert (first.state, first.ticket, second.state, second.ticket) == ("called", "A001", "closed", None)
    await calls.arrive(db, hall, LI)
    assert (await windows.get_window(db, hall, "1")).state == "serving"
