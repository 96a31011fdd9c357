"""One person takes so many numbers and no more, and who takes and does not come has a pause that the desk can end."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import asyncpg
import pytest

from queueing import calls, halls, identity, journal, persons, tickets, windows
from queueing.calls import Seat
from queueing.day_roll import expire_day
from queueing.db import Db
from queueing.errors import BadInput, Banned, NotFound, NotInThatState, RealNameNeeded, Refused, TooManyOfService, TooManyToday
from queueing.halls import Hall
from queueing.settings import BAN_HOURS, PERSON_DAY, STRIKE_CANCELLED, STRIKES, choose
from queueing.tickets import Act


async def taken(db: Db, hall: Hall, who: bytes = b"li", service: str = "A", channel: str = "desk") -> Act:
    now = await halls.get_hall(db, hall.code)
    return await tickets.take(db, now, [service], actor="desk:a", channel=channel, person=who, id_mask="002X")


async def test_a_person_takes_so_many_numbers_a_day_also_when_all_are_asked_at_once(
    pool: asyncpg.Pool, db: Db, hall: Hall
) -> None:
    await choose(db, hall.id, PERSON_DAY, 3)

    async def one() -> str:
        async with pool.acquire() as mine:
            try:
                return (await taken(mine, hall)).ticket.state
            except Refused as refused:
                return type(refused).__name__

    assert sorted(await asyncio.gather(*(one() for _ in range(8)))) == ["TooManyToday"] * 5 + ["waiting"] * 3
    assert (await taken(db, hall, b"wang")).ticket.number == "A004"  # no refused take spent a number
    with pytest.raises(TooManyToday):
        await taken(db, hall)


async def test_a_service_has_a_limit_of_its_own(db: Db, hall: Hall) -> None:
    await db.execute("UPDATE services SET person_limit = 1 WHERE code = 'B'")
    await taken(db, hall, service="B")
    with pytest.raises(TooManyOfService):
        await taken(db, hall, service="B")
    await taken(db, hall, service="A")


async def test_a_service_by_real_name_asks_everybody_but_the_desk_for_the_card(db: Db, hall: Hall) -> None:
    await db.execute("UPDATE services SET real_name = 'required' WHERE code = 'A'")
    with pytest.raises(RealNameNeeded) as refused:
        await tickets.take(db, hall, ["B", "A"], actor="device:dv_1", channel="dispenser")
    assert refused.value.details == {"service": "社会保险"}
    await tickets.take(db, hall, ["A"], actor="desk:a", channel="desk")  # who has no card is given a number by hand
    assert (await taken(db, hall, channel="dispenser")).ticket.number == "A002"


async def test_numbers_given_back_too_often_bring_a_pause_and_the_desk_ends_it(db: Db, hall: Hall) -> None:
    await choose(db, hall.id, STRIKES, 2)
    await choose(db, hall.id, BAN_HOURS, 5)
    for _ in range(2):
        act = await taken(db, hall)
        await tickets.cancel(db, hall, act.ticket.key, actor="citizen")
    with pytest.raises(Banned) as refused:
        await taken(db, hall)
    (ban,) = await persons.bans(db, hall, b"li")
    assert (ban.strikes, ban.id_mask, ban.until - ban.made_at) == (2, "002X", timedelta(hours=5))
    assert str(refused.value.details["until"])[:2] == "20"
    await taken(db, hall, b"wang")
    await persons.appeal(db, hall, ban.id, "孩子生病，没能等", actor="desk:a")
    with pytest.raises(BadInput):
        await persons.lift(db, hall, ban.id, " ", actor="desk:a")
    await persons.lift(db, hall, ban.id, "情况属实", actor="desk:a")
    assert (await taken(db, hall)).ticket.state == "waiting"
    with pytest.raises(NotInThatState):
        await persons.lift(db, hall, ban.id, "再来", actor="desk:a")
    with pytest.raises(NotFound):
        await persons.appeal(db, hall, 99, "x", actor="desk:a")
    kinds = [e.kind for e in await journal.read(db, hall.id, 0) if e.kind.startswith("person.")]
    assert kinds == ["person.banned", "person.appealed", "person.unbanned"]
    offsets = [e.offset for e in await journal.read(db, hall.id, 0)]
    assert offsets == list(range(1, len(offsets) + 1))


async def test_old_strikes_count_no_more_once_a_pause_was_lifted(db: Db, hall: Hall) -> None:
    await choose(db, hall.id, STRIKES, 1)
    act = await taken(db, hall)
    await tickets.cancel(db, hall, act.ticket.key, actor="citizen")
    (ban,) = await persons.bans(db, hall)
    await persons.lift(db, hall, ban.id, "申诉成立", actor="manager:z")
    await choose(db, hall.id, STRIKES, 2)
    act = await taken(db, hall)
    await tickets.cancel(db, hall, act.ticket.key, actor="citizen")
    assert (await taken(db, hall)).ticket.state == "waiting"


async def test_who_is_missed_and_comes_after_all_has_no_strike(db: Db, hall: Hall) -> None:
    await choose(db, hall.id, STRIKES, 5)
    strict = replace(await halls.get_hall(db, hall.code), calls_before_missed=1)
    act = await taken(db, hall)
    await windows.open_window(db, hall, "1", "li", actor="clerk:li")
    await calls.call_next(db, strict, Seat("1", "clerk:li", "li"))
    await calls.no_show(db, strict, Seat("1", "clerk:li", "li"))
    assert await db.fetchval("SELECT kind FROM strikes") == "missed"
    await tickets.restore(db, hall, act.ticket.key, "keep", actor="desk:a")
    assert await db.fetchval("SELECT count(*) FROM strikes") == 0


async def test_the_day_roll_strikes_whom_was_called_in_vain_and_not_whom_nobody_called(db: Db, hall: Hall) -> None:
    await choose(db, hall.id, STRIKES, 5)
    waiting, called = await taken(db, hall, b"waited"), await taken(db, hall, b"called")
    await db.execute("UPDATE tickets SET call_no = 1 WHERE id = $1", called.ticket.id)
    await db.execute("UPDATE tickets SET day = day - 1")
    assert await expire_day(db, hall.id) == 2
    assert await db.fetchval("SELECT array_agg(ticket) FROM strikes") == [called.ticket.id]
    assert waiting.ticket.id != called.ticket.id


async def test_giving_a_number_back_is_no_strike_where_the_hall_says_so(db: Db, hall: Hall) -> None:
    await choose(db, hall.id, STRIKES, 1)
    await choose(db, hall.id, STRIKE_CANCELLED, False)
    act = await taken(db, hall)
    await tickets.cancel(db, hall, act.ticket.key, actor="citizen")
    assert await persons.bans(db, hall) == []


async def test_hashes_and_masks_are_forgotten_in_time(db: Db, hall: Hall) -> None:
    act = await taken(db, hall)
    await tickets.cancel(db, hall, act.ticket.key, actor="citizen")
    assert await persons.forget(db, hall) == 0
    await db.execute("UPDATE tickets SET day = day - 400")
    assert await persons.forget(db, hall) == 1
    assert await db.fetchval("SELECT count(*) FROM tickets WHERE person IS NOT NULL OR id_mask IS NOT NULL") == 0


async def test_the_category_of_an_age_counts_where_it_gives_more(db: Db, hall: Hall) -> None:
    await db.execute("UPDATE categories SET evidence = 'age', from_age = 70 WHERE code = 'elderly'")
    of = [await persons.category_of_age(db, hall, age, asked) for age, asked in ((69, None), (70, None), (90, "veteran"))]
    assert of == [None, "elderly", None]


def test_an_id_card_is_read_by_its_check_digit_and_its_day_of_birth() -> None:
    card = identity.read(" 11010519491231002x ")
    assert (card.number, card.mask, card.born) == ("11010519491231002X", "002X", date(1949, 12, 31))
    assert [card.age(date(2026, 12, day)) for day in (30, 31)] == [76, 77]
    assert identity.read("H1234567890").born is None  # another paper
    for wrong in ("110105194912310021", "110105194913310020", "12345", "110105\x00", "身份证号码一二三"):
        with pytest.raises(BadInput):
            identity.read(wrong)
