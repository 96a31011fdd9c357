"""A clerk calls: one ticket at a window, one window for a ticket, and every act does what its word says."""

import asyncio
from collections import Counter
from dataclasses import replace

import asyncpg
import pytest

from queueing import calls, halls, holds, journal, tickets, windows
from queueing.calls import Nobody, Seat
from queueing.db import Db
from queueing.errors import (
    BadInput,
    NotFound,
    NothingAtWindow,
    NotInThatState,
    NotYourWindow,
    TooEarly,
    UnknownService,
    WindowBusy,
    WindowNotOpen,
)
from queueing.halls import Hall
from queueing.rules import RULES
from queueing.settings import WITH_PAPERS, choose
from queueing.tickets import Act
from tests.queueing.acts import TakesTickets, press

LI = Seat("1", "clerk:li", "li")
WANG = Seat("2", "clerk:wang", "wang")


@pytest.fixture
async def patient(hall: Hall) -> Hall:
    """The hall with two calls before a ticket is missed and no minimum call time."""
    return replace(hall, calls_before_missed=2, min_call_s=0, return_after=3)


@pytest.fixture(autouse=True)
async def two_open_windows(db: Db, hall: Hall) -> None:
    for seat in (LI, WANG):
        await windows.open_window(db, hall, seat.window, seat.clerk or "", services=["A", "B"], actor=seat.actor)


async def test_who_joined_first_is_called_first_across_services(db: Db, hall: Hall, take: TakesTickets) -> None:
    for service in "ABA":
        await take(service)
    called = []
    for _ in range(3):
        act = await calls.call_next(db, hall, LI, finish_current=True)
        assert isinstance(act, Act)
        called.append((act.ticket.number, act.ticket.state, act.ticket.window, act.ticket.clerk, act.ticket.calls))
    assert called == [(number, "called", "1", "li", 1) for number in ("A001", "B001", "A002")]
    assert await calls.call_next(db, hall, LI, finish_current=True) == Nobody()


async def test_a_busy_paused_or_closed_window_calls_nobody(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    await take("A")
    await calls.call_next(db, hall, LI)
    with pytest.raises(WindowBusy) as busy:
        await calls.call_next(db, hall, LI)
    assert busy.value.details == {"ticket": "A001"}
    await windows.pause(db, hall, "2", actor="clerk:wang", seat="wang", reason="用餐")
    with pytest.raises(WindowNotOpen):
        await calls.call_next(db, hall, WANG)
    await windows.close(db, hall, "2", actor="clerk:wang", seat="wang")
    with pytest.raises(WindowNotOpen):
        await calls.call_next(db, hall, WANG)
    with pytest.raises(NotFound):
        await calls.call_next(db, hall, Seat("99", "clerk:li", "li"))


async def test_nobody_acts_at_anothers_window_but_a_manager(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    with pytest.raises(NotYourWindow):
        await calls.call_next(db, hall, Seat("1", "clerk:wang", "wang"))
    await calls.call_next(db, hall, LI)
    with pytest.raises(NotYourWindow):
        await calls.arrive(db, hall, Seat("1", "clerk:wang", "wang"))
    assert (await calls.arrive(db, hall, Seat("1", "manager:zhang"))).ticket.state == "serving"


async def test_a_closed_window_is_told_before_whose_seat_it_was(db: Db, hall: Hall) -> None:
    await windows.close(db, hall, "1", actor="clerk:li", seat="li")
    for act in (calls.call_next, calls.recall, calls.arrive, calls.finish, calls.no_show):
        for seat in (LI, Seat("1", "manager:zhang")):
            with pytest.raises(WindowNotOpen):
                await act(db, hall, seat)
    with pytest.raises(WindowNotOpen):
        await calls.hold(db, hall, LI, "waiting")
    with pytest.raises(WindowNotOpen):
        await calls.transfer(db, hall, LI, to_service="B")


async def test_twenty_windows_pressing_at_once_never_share_a_ticket(
    pool: asyncpg.Pool, db: Db, hall: Hall, take: TakesTickets
) -> None:
    """The race of the hall: every window presses next until the queue is empty, each press sent twice."""
    await db.execute(
        "INSERT INTO windows (hall, no, name, zone, serves, services, state, clerk)"
        " SELECT $1, 'R' || n, 'R' || n, 'A', '{A,B}', '{A,B}', 'open', 'r' || n FROM generate_series(1, 20) n",
        hall.id,
    )
    for n in range(200):
        await take("AB"[n % 2])
    called: Counter[str] = Counter()

    async def window(n: int) -> None:
        seat = Seat(f"R{n}", f"clerk:r{n}", f"r{n}")
        for turn in range(400):
            this = press(n * 1000 + turn)

            async def once() -> str | None:
                async with pool.acquire() as mine:
                    act = await calls.call_next(mine, hall, seat, finish_current=True, press=this)  # noqa: B023
                    return act.ticket.number if isinstance(act, Act) else None

            first, second = await asyncio.gather(once(), once())
            assert first == second
            if first is None:
                return
            called[first] += 1

    await asyncio.gather(*(window(n) for n in range(1, 21)))
    assert (len(called), set(called.values())) == (200, {1})
    top = await journal.top(db, hall.id)
    assert await db.fetchval("SELECT count(*) FROM journal WHERE hall = $1", hall.id) == top.offset
    assert await db.fetchval("SELECT count(*) FROM tickets WHERE state = 'finished'") == 200


async def test_two_presses_of_different_people_at_one_window_call_one(
    pool: asyncpg.Pool, db: Db, hall: Hall, take: TakesTickets
) -> None:
    for _ in range(5):
        await take("A")

    async def one(n: int) -> str:
        async with pool.acquire() as mine:
            try:
                act = await calls.call_next(mine, hall, LI, press=press(n))
            except WindowBusy:
                return "busy"
            return act.ticket.number if isinstance(act, Act) else "nobody"

    assert sorted(await asyncio.gather(*(one(n) for n in range(8)))) == ["A001"] + ["busy"] * 7


async def test_an_empty_answer_is_kept_with_its_press(db: Db, hall: Hall, take: TakesTickets) -> None:
    assert await calls.call_next(db, hall, LI, press=press(1)) == Nobody()
    await take("A")
    assert await calls.call_next(db, hall, LI, press=press(1)) == Nobody(replayed=True)
    act = await calls.call_next(db, hall, LI, press=press(2))
    assert isinstance(act, Act)
    assert act.ticket.number == "A001"


async def test_a_late_repeat_neither_finishes_nor_calls(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    await take("A")
    first = await calls.call_next(db, hall, LI, finish_current=True, press=press(1))
    await calls.call_next(db, hall, LI, finish_current=True, press=press(2))
    late = await calls.call_next(db, hall, LI, finish_current=True, press=press(1))
    assert isinstance(first, Act)
    assert isinstance(late, Act)
    assert (late.call_id, late.ticket.number, late.replayed) == (first.call_id, "A001", True)
    assert (await windows.get_window(db, hall, "1")).ticket == "A002"


async def test_a_recall_is_a_new_call_of_the_same_ticket(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    called = await calls.call_next(db, hall, LI)
    again = await calls.recall(db, hall, LI)
    assert isinstance(called, Act)
    assert (called.call_id != again.call_id, again.ticket.calls, again.ticket.state) == (True, 2, "called")
    await calls.arrive(db, hall, LI)
    with pytest.raises(NothingAtWindow):
        await calls.recall(db, hall, LI)


async def test_who_does_not_come_returns_behind_three_and_then_is_missed(db: Db, patient: Hall, take: TakesTickets) -> None:
    for _ in range(5):
        await take("A")
    await calls.call_next(db, patient, LI)
    assert (await calls.no_show(db, patient, LI)).ticket.state == "waiting"
    order = [row["number"] for row in await db.fetch("SELECT number FROM tickets WHERE state = 'waiting' ORDER BY rank_at, id")]
    assert order == ["A002", "A003", "A004", "A001", "A005"]
    await calls.call_number(db, patient, LI, "A001")
    missed = await calls.no_show(db, patient, LI)
    assert (missed.ticket.state, missed.ticket.calls, missed.ticket.window) == ("missed", 2, None)
    back = await calls.call_number(db, patient, LI, "A001")
    assert (back.ticket.state, back.ticket.window) == ("called", "1")


async def test_a_recalled_ticket_counts_its_recalls_towards_missed(db: Db, patient: Hall, take: TakesTickets) -> None:
    await take("A")
    await calls.call_next(db, patient, LI)
    await calls.recall(db, patient, LI)
    assert (await calls.no_show(db, patient, LI)).ticket.state == "missed"


async def test_nobody_is_given_up_before_the_minimum_call_time(db: Db, hall: Hall, take: TakesTickets) -> None:
    rules = replace(hall, min_call_s=30)
    await take("A")
    await calls.call_next(db, rules, LI)
    with pytest.raises(TooEarly) as early:
        await calls.no_show(db, rules, LI)
    assert early.value.details == {"seconds": 30}
    await db.execute("UPDATE tickets SET called_at = called_at - interval '31 seconds'")
    assert (await calls.no_show(db, rules, LI)).ticket.state == "waiting"


@pytest.mark.parametrize("kind", ["with_papers", "without_papers", "waiting"])
async def test_a_held_ticket_frees_the_window_and_is_taken_back(db: Db, hall: Hall, take: TakesTickets, kind: str) -> None:
    await take("A")
    await calls.call_next(db, hall, LI)
    held = await calls.hold(db, hall, LI, kind, note="等证明")
    assert (held.ticket.state, held.ticket.hold, held.ticket.window) == ("held", kind, "1")
    assert (await windows.get_window(db, hall, "1")).state == "open"
    back = await calls.resume_held(db, hall, LI, "A001")
    assert (back.ticket.state, back.ticket.hold) == ("serving", None)


async def test_holding_asks_for_a_known_kind_and_taking_back_for_a_free_window(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    await take("A")
    await calls.call_next(db, hall, LI)
    with pytest.raises(BadInput):
        await calls.hold(db, hall, LI, "for ever")
    await calls.hold(db, hall, LI, "waiting")
    await calls.call_next(db, hall, LI)
    with pytest.raises(WindowBusy):
        await calls.resume_held(db, hall, LI, "A001")
    with pytest.raises(NotInThatState):
        await calls.resume_held(db, hall, WANG, "A002")


@pytest.mark.parametrize(
    ("position", "order"),
    [("front", ["A001", "B001", "B002"]), ("keep", ["B001", "A001", "B002"]), ("back", ["B001", "B002", "A001"])],
)
async def test_a_transfer_keeps_the_number_and_takes_its_place(
    db: Db, hall: Hall, take: TakesTickets, position: str, order: list[str]
) -> None:
    await take("B")
    await take("A")
    await take("B")
    await calls.call_number(db, hall, LI, "A001")
    sent = await calls.transfer(db, hall, LI, to_service="B", position=position)
    assert (sent.ticket.number, sent.ticket.state, sent.ticket.service, sent.ticket.calls) == ("A001", "waiting", "B", 0)
    rows = await db.fetch("SELECT number FROM tickets WHERE state = 'waiting' AND service = 'B' ORDER BY rank_at, id")
    assert [row["number"] for row in rows] == order


async def test_a_ticket_sent_to_a_window_is_called_there_and_nowhere_else(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    await calls.call_next(db, hall, LI)
    await calls.transfer(db, hall, LI, to_window="2", position="back")
    assert await calls.call_next(db, hall, LI) == Nobody()
    act = await calls.call_next(db, hall, WANG)
    assert isinstance(act, Act)
    assert (act.ticket.number, act.ticket.window) == ("A001", "2")


async def test_a_held_ticket_can_be_transferred_too(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    await calls.call_next(db, hall, LI)
    await calls.hold(db, hall, LI, "waiting")
    sent = await calls.transfer(db, hall, LI, to_service="B", position="keep", number="A001")
    assert (sent.ticket.state, sent.ticket.service) == ("waiting", "B")


async def test_a_transfer_names_one_target_that_exists(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    await calls.call_next(db, hall, LI)
    for service, window in ((None, None), ("A", "2"), (None, "99")):
        with pytest.raises(BadInput):
            await calls.transfer(db, hall, LI, to_service=service, to_window=window)
    with pytest.raises(UnknownService):
        await calls.transfer(db, hall, LI, to_service="Q")


async def test_several_matters_share_one_number_and_one_window_where_it_serves_both(
    db: Db, hall: Hall, take: TakesTickets
) -> None:
    await take("A", "B")
    await calls.call_next(db, hall, LI)
    step = await calls.finish(db, hall, LI)
    assert (step.ticket.state, step.ticket.service, step.ticket.step, step.ticket.window) == ("serving", "B", 2, "1")
    end = await calls.finish(db, hall, LI, outcome="accepted")
    assert (end.ticket.state, end.ticket.number, end.ticket.outcome) == ("finished", "A001", "accepted")


async def test_next_goes_on_with_the_same_citizen_whose_next_matter_is_here(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A", "B")
    await take("A")
    await calls.call_next(db, hall, LI)
    for _ in range(2):  # the second is a repeat of the first
        stays = await calls.call_next(db, hall, LI, finish_current=True, press=press(1))
        assert isinstance(stays, Act)
        assert (stays.ticket.number, stays.ticket.state, stays.ticket.service) == ("A001", "serving", "B")
    act = await calls.call_next(db, hall, LI, finish_current=True, press=press(2))
    assert isinstance(act, Act)
    assert act.ticket.number == "A002"


async def test_a_step_served_elsewhere_waits_with_its_number_and_place(db: Db, hall: Hall, take: TakesTickets) -> None:
    await windows.open_window(db, hall, "1", "li", services=["A"], actor="clerk:li")
    await windows.open_window(db, hall, "2", "wang", services=["B"], actor="clerk:wang")
    both = await take("A", "B")
    await take("B")
    await calls.call_next(db, hall, LI)
    step = await calls.finish(db, hall, LI)
    assert (step.ticket.state, step.ticket.service, step.ticket.rank_at) == ("waiting", "B", both.ticket.rank_at)
    act = await calls.call_next(db, hall, WANG)
    assert isinstance(act, Act)
    assert act.ticket.number == "A001"


async def test_an_ending_is_an_ending(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    await calls.call_next(db, hall, LI)
    assert (await calls.finish(db, hall, LI)).ticket.served_at is not None  # arrival implied
    for act in (calls.finish, calls.recall, calls.arrive, calls.no_show):
        with pytest.raises(NothingAtWindow):
            await act(db, hall, LI)
    with pytest.raises(NotInThatState):
        await calls.call_number(db, hall, LI, "A001")
    with pytest.raises(BadInput):
        await calls.finish(db, hall, LI, outcome="perfect")


async def test_each_call_names_a_rule_a_manager_can_read(db: Db, hall: Hall, take: TakesTickets) -> None:
    for _ in range(2):
        await take("A")
    await calls.call_number(db, hall, LI, "A002")
    await calls.transfer(db, hall, LI, to_window="1", position="front")
    for _ in range(2):
        await calls.call_next(db, hall, LI, finish_current=True)
    rows = [e.data["rule"] for e in await journal.read(db, hall.id, 0) if e.kind == "ticket.called"]
    assert rows == ["special", "for_window", "order"]
    assert set(rows) < set(RULES)


async def test_the_story_of_a_ticket_is_all_its_acts_in_order(db: Db, hall: Hall, take: TakesTickets) -> None:
    taken = await take("A")
    await take("A")
    await calls.call_next(db, hall, LI)
    await calls.arrive(db, hall, LI)
    await calls.finish(db, hall, LI)
    story = await journal.story(db, taken.ticket.id)
    assert [(e.kind, e.actor) for e in story] == [
        ("ticket.taken", "desk:a"),
        ("ticket.called", "clerk:li"),
        ("ticket.arrived", "clerk:li"),
        ("ticket.finished", "clerk:li"),
    ]
    assert sum(e.data["state"] in tickets.ENDINGS for e in story) == 1


@pytest.mark.parametrize(
    ("kind", "first", "window"),
    [("with_papers", "A001", "1"), ("without_papers", "A001", None), ("waiting", "A001", "1")],
)
async def test_a_held_ticket_comes_back_by_the_rule_of_its_hold(
    db: Db, hall: Hall, take: TakesTickets, kind: str, first: str, window: str | None
) -> None:
    held = await take("A")
    await take("A")
    await calls.call_next(db, hall, LI)
    await calls.hold(db, hall, LI, kind)
    back = await holds.release(db, hall, held.ticket.key, actor="desk:a")
    assert (back.ticket.state, back.ticket.for_window, back.ticket.placed) == ("waiting", window, "front")
    called = await calls.call_next(db, hall, LI)
    assert isinstance(called, Act)
    assert called.ticket.number == first
    with pytest.raises(NotInThatState):
        await holds.release(db, hall, held.ticket.key, actor="desk:a")


async def test_a_hold_whose_window_has_closed_comes_back_to_the_front_of_the_line(db: Db, hall: Hall, take: TakesTickets) -> None:
    held = await take("A")
    await calls.call_next(db, hall, LI)
    await calls.hold(db, hall, LI, "with_papers")
    await windows.close(db, hall, "1", actor="leader:c", override=True, reason="停电")
    back = await holds.release(db, hall, held.ticket.key, actor="desk:a")
    assert (back.ticket.for_window, back.ticket.placed) == (None, "front")


async def test_a_hold_past_its_clock_is_told_once_and_stays_held(db: Db, hall: Hall, take: TakesTickets) -> None:
    await choose(db, hall.id, WITH_PAPERS, 5)
    now = await halls.get_hall(db, hall.code)
    await take("A")
    await calls.call_next(db, now, LI)
    held = await calls.hold(db, now, LI, "with_papers")
    assert await holds.tell_overdue(db, hall.id) == 0
    await db.execute("UPDATE tickets SET hold_due = hold_due - interval '6 min'")
    assert [await holds.tell_overdue(db, hall.id), await holds.tell_overdue(db, hall.id)] == [1, 0]
    (told,) = [entry for entry in await journal.read(db, hall.id, held.offset) if entry.kind == "ticket.overdue"]
    assert (told.data["ticket"], told.data["state"], told.data["hold"]) == ("A001", "held", "with_papers")
