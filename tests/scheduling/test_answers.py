"""A step of the ladder is taken or refused once, with all that follows in one transaction."""

import asyncio
from typing import Any

import pytest

from floor.database import Connection, Pool
from queueing import journal
from queueing.db import Press
from queueing.errors import Banned, NotFound, StillWaiting
from queueing.halls import Hall
from queueing.settings import STRIKES, choose
from queueing.tickets import by_key
from queueing.windows import close, open_window
from scheduling import answers, appointments
from scheduling.answers import Refusal, answer, of_day, of_ticket, offer_now, refuse, take_slot
from scheduling.errors import NothingFree, SlotFull, StepIs, TooManyBookings
from scheduling.escalation import climb
from tests.scheduling.clocks import at
from tests.scheduling.halls import DAY, number, slot, until_five

SOMEBODY = b"p" * 32


def press(name: str) -> Press:
    return Press(name.encode().ljust(32, b"."), b"b" * 32)


@pytest.fixture
async def closed(db: Connection, hall: Hall) -> Hall:
    """The last ticket is out and no window is open."""
    shut = await until_five(db, hall)
    await at(db, f"{DAY} 16:29+08")
    return shut


async def left(db: Connection, hall: Hall, service: str = "A", person: bytes | None = None) -> str:
    """Somebody whom no window will serve today, offered a slot; their key."""
    await at(db, f"{DAY} 16:29+08")
    ticket = (await number(db, hall, service, person)).ticket
    await at(db, f"{DAY} 16:31+08")
    await climb(db, hall)
    return ticket.key


async def kinds(db: Connection, hall: Hall, *nouns: str) -> list[str]:
    return [row.kind for row in await journal.read(db, hall.id, 0) if row.kind.partition(".")[0] in nouns]


async def test_a_slot_taken_ends_the_ticket_and_its_holder_goes_first_tomorrow(db: Connection, closed: Hall) -> None:
    await choose(db, closed.id, STRIKES, 1)
    key = await left(db, closed, person=SOMEBODY)
    booked = (await take_slot(db, closed, key, actor="citizen", channel="web", press=press("yes"))).appointment
    ticket = await by_key(db, key)
    assert (ticket.state, ticket.carried) == ("cancelled", "slot")
    assert await db.fetchval("SELECT count(*) FROM strikes") == 0  # the hall could not serve them
    again = await take_slot(db, closed, key, actor="citizen", channel="web", press=press("yes"))
    assert (again.appointment.code, again.replayed) == (booked.code, True)
    (step,) = await of_ticket(db, ticket.id)
    assert (step.state, step.code, step.decided_by) == ("accepted", booked.code, "citizen")
    assert await kinds(db, closed, "escalation", "appointment", "ticket") == [
        "ticket.taken", "escalation.offered", "appointment.booked", "escalation.accepted", "ticket.cancelled",
    ]  # fmt: skip
    other = await appointments.book(
        db, closed, "A", booked.start, appointments.Holder(person=b"q" * 32), actor="citizen", channel="web"
    )
    await db.execute(
        "INSERT INTO doors (hall, day, service, opens, last_ticket, closes) VALUES ($1, '2027-03-04', 'A', "
        "'2027-03-04 08:00+08', '2027-03-04 16:30+08', '2027-03-04 17:00+08')", closed.id,
    )  # fmt: skip
    await at(db, "2027-03-04 08:50+08")
    usual = await appointments.check_in(db, closed, other.appointment.code, actor="citizen", channel="api")
    owed = await appointments.check_in(db, closed, booked.code, actor="citizen", channel="api")
    assert (usual.ticket.rank_at - owed.ticket.rank_at).total_seconds() == 30 * 60


async def test_the_first_free_slot_is_given_and_none_is_given_twice(pool: Pool, db: Connection, closed: Hall) -> None:
    keys = [await left(db, closed) for _ in range(4)]
    await slot(db, closed, "A", "2027-03-04 11:00+08", places=1)

    async def take(key: str) -> Any:
        async with pool.acquire() as own:
            try:
                return (await take_slot(own, closed, key, actor="citizen", channel="web")).appointment.start.hour
            except NothingFree:
                return None

    hours = await asyncio.gather(*(take(key) for key in keys))
    assert sorted(hours, key=str) == [1, 1, 3, None]  # hours of UTC; the fourth keeps number and offer
    states = [row["state"] for row in await db.fetch("SELECT state FROM escalations ORDER BY state")]
    assert states == ["accepted"] * 3 + ["offered"]
    assert await db.fetchval("SELECT count(*) FROM tickets WHERE state = 'waiting'") == 1


async def test_a_time_of_ones_own_may_be_named_and_what_books_says_no_leaves_all_as_it_was(db: Connection, closed: Hall) -> None:
    await slot(db, closed, "A", "2027-03-04 11:00+08", places=1)
    key = await left(db, closed, person=SOMEBODY)
    later = await db.fetchval("SELECT start FROM slots WHERE capacity = 1")
    booked = await take_slot(db, closed, key, actor="desk:wang", channel="desk", start=later)
    assert booked.appointment.start == later
    twice = await left(db, closed, person=SOMEBODY)
    with pytest.raises(TooManyBookings):
        await take_slot(db, closed, twice, actor="citizen", channel="web")
    with pytest.raises(SlotFull):
        await take_slot(db, closed, await left(db, closed), actor="citizen", channel="web", start=later)
    assert (await by_key(db, twice)).state == "waiting"
    paused = await left(db, closed, person=b"q" * 32)
    await db.execute(
        "INSERT INTO bans (hall, person, strikes, made_at, until) VALUES ($1, $2, 3, hall_now(), '2027-03-10 12:00+08')",
        closed.id, b"q" * 32,
    )  # fmt: skip
    with pytest.raises(Banned) as banned:
        await take_slot(db, closed, paused, actor="citizen", channel="web", press=press("paused"))
    assert banned.value.details == {"until": "2027-03-10 12:00"}
    assert (await by_key(db, paused)).state == "waiting"


async def test_who_refuses_is_offered_the_next_step_and_after_the_last_is_through_with_the_reason(
    db: Connection, closed: Hall
) -> None:
    key = await left(db, closed)
    assert await refuse(db, closed, key, "slot", "time", actor="citizen", press=press("no")) == Refusal("doorstep")
    assert await refuse(db, closed, key, "slot", "time", actor="citizen", press=press("no")) == Refusal("doorstep", replayed=True)
    with pytest.raises(StepIs):
        await take_slot(db, closed, key, actor="citizen", channel="web")
    assert await refuse(db, closed, key, "doorstep", "下周自己来", actor="desk:wang") == Refusal(None)
    ticket = await by_key(db, key)
    assert (ticket.state, ticket.carried) == ("cancelled", "declined")
    assert [(s.step, s.state, s.why) for s in await of_day(db, closed)] == [
        ("slot", "refused", "time"), ("doorstep", "refused", "下周自己来"),
    ]  # fmt: skip
    told = [row.data["why"] for row in await journal.read(db, closed.id, 0) if row.kind == "escalation.refused"]
    assert told == ["time", "other"]  # what the desk wrote in its own words stays out of the record


async def test_who_refuses_while_a_window_serves_them_keeps_the_place_in_line(db: Connection, closed: Hall) -> None:
    await open_window(db, closed, "1", "li", services=["A"], actor="clerk:li")
    ticket = (await number(db, closed)).ticket
    await offer_now(db, closed, ticket.key, "slot", actor="desk:wang")
    await offer_now(db, closed, ticket.key, "slot", actor="desk:wang")
    assert await refuse(db, closed, ticket.key, "slot", "no_need", actor="citizen") == Refusal(None)
    assert (await by_key(db, ticket.key)).state == "waiting"
    with pytest.raises(NotFound):
        await offer_now(db, closed, ticket.key, "alert", actor="desk:wang")
    await db.execute("UPDATE slots SET taken = capacity")
    with pytest.raises(NothingFree):
        await offer_now(db, closed, (await number(db, closed)).ticket.key, "slot", actor="desk:wang")


async def test_extended_hours_taken_keep_the_windows_and_a_step_is_decided_once(db: Connection, closed: Hall) -> None:
    await db.execute("UPDATE doors SET drain = false")
    await open_window(db, closed, "1", "li", services=["A"], actor="clerk:li")
    for _ in range(9):
        await number(db, closed)
    await climb(db, closed)
    (step,) = await of_day(db, closed)
    assert (step.step, step.state, step.waiting) == ("extend", "offered", 9)
    async with db.transaction():
        assert await answers.stands(db, closed, step.id, True) == ("extend", "A")
        await answer(db, closed, step.id, True, actor="manager:lin")
    assert await answers.stands(db, closed, step.id, True) is None
    with pytest.raises(StepIs):
        await answers.stands(db, closed, step.id, False)
    with pytest.raises(NotFound):
        await answers.stands(db, closed, 999, True)
    await at(db, f"{DAY} 17:00+08")
    with pytest.raises(StillWaiting):
        await close(db, closed, "1", actor="clerk:li", seat="li")
    assert await kinds(db, closed, "hours", "escalation") == ["escalation.offered", "hours.extended", "escalation.accepted"]
