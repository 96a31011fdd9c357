"""A citizen takes one number, knows how many are ahead, may leave, and is never given a number twice."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg
import pytest

from queueing import calls, halls, journal, tickets, windows
from queueing.calls import Seat
from queueing.day_roll import expire_day
from queueing.db import Db, Press
from queueing.errors import (
    BadInput,
    Closed,
    KeyReused,
    NotFound,
    NotInThatState,
    OneLiveTicket,
    PastLastTicket,
    QuotaFull,
    UnknownService,
)
from queueing.halls import Hall
from tests.queueing.acts import TakesTickets, press


async def test_numbers_follow_each_other_per_service(db: Db, hall: Hall, take: TakesTickets) -> None:
    numbers = [(await take("A")).ticket.number, (await take("B")).ticket.number, (await take("A")).ticket.number]
    assert numbers == ["A001", "B001", "A002"]


async def test_the_thousandth_number_has_four_digits(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    await db.execute("UPDATE numbers SET newest = 999")
    assert (await take("A")).ticket.number == "A1000"


async def test_a_ticket_row_of_the_record_tells_what_machines_need_and_nothing_personal(
    db: Db, hall: Hall, take: TakesTickets
) -> None:
    taken = await tickets.take(
        db, hall, ["A"], actor="device:dv_1", channel="dispenser", person=b"hash of an id", evidence="残疾证", print_at="dv_1"
    )
    (entry,) = await journal.read(db, hall.id, taken.offset - 1)
    assert (entry.kind, entry.actor, entry.ticket) == ("ticket.taken", "device:dv_1", taken.ticket.id)
    moments = {name: datetime.fromisoformat(entry.data[name]) for name in ("joined_at", "rank_at")}
    assert {**entry.data, **moments} == {
        "ticket": "A001",
        "service": "A",
        "state": "waiting",
        "window": None,
        "call": None,
        "attempt": 0,
        "for_window": None,
        "services": ["A"],
        "lang": "zh-Hans",
        "channel": "dispenser",
        "print_at": "dv_1",
        "credit": 0,
        "fenced": None,
        "joined_at": taken.ticket.joined_at,
        "lane": 0,
        "rank_at": taken.ticket.rank_at,
    }


async def test_a_repeated_press_gives_the_same_ticket_and_takes_no_second(db: Db, hall: Hall, take: TakesTickets) -> None:
    once, again = await take("A", press=press(1)), await take("A", press=press(1))
    assert (once.replayed, again.replayed) == (False, True)
    assert again.ticket == once.ticket
    assert (again.offset, again.epoch, again.at) == (once.offset, once.epoch, once.at)
    assert await db.fetchval("SELECT count(*) FROM tickets") == 1
    assert (await take("A")).ticket.number == "A002"


async def test_a_press_that_asks_for_something_else_is_refused(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A", press=press(1))
    with pytest.raises(KeyReused):
        await take("B", press=Press(press(1).scope, bytes(32)))
    assert await db.fetchval("SELECT count(*) FROM tickets") == 1


async def test_fifty_at_once_get_fifty_numbers_and_a_dense_record(pool: asyncpg.Pool, db: Db, hall: Hall) -> None:
    before = (await journal.top(db, hall.id)).offset

    async def one(n: int) -> str:
        async with pool.acquire() as mine:
            return (await tickets.take(mine, hall, ["A"], actor="desk:a", channel="desk", press=press(n % 25))).ticket.number

    numbers = await asyncio.gather(*(one(n) for n in range(50)))
    assert sorted(set(numbers)) == [f"A{n:03}" for n in range(1, 26)]  # each press came twice and acted once
    entries = await journal.read(db, hall.id, before)
    assert [entry.offset for entry in entries] == list(range(before + 1, before + 26))
    joined = await db.fetch("SELECT number FROM tickets ORDER BY rank_at, id")
    assert [row["number"] for row in joined] == [f"A{n:03}" for n in range(1, 26)]  # nobody joined before a smaller number


async def test_unknown_closed_late_and_full_services_are_told_apart(db: Db, hall: Hall, take: TakesTickets) -> None:
    with pytest.raises(UnknownService):
        await take("Q")
    with pytest.raises(UnknownService):
        await take("A", "Q")
    await db.execute(
        "UPDATE doors SET opens = now() - interval '2 h', last_ticket = now() - interval '1 h', closes = now() + interval '1 h'"
        " WHERE service = 'A'"
    )
    with pytest.raises(PastLastTicket):
        await take("A")
    await db.execute("UPDATE doors SET closes = last_ticket WHERE service = 'A'")
    with pytest.raises(Closed):
        await take("A")
    await db.execute("UPDATE doors SET left_places = 1 WHERE service = 'B'")
    await take("B")
    with pytest.raises(QuotaFull):
        await take("B")
    assert await db.fetchval("SELECT count(*) FROM tickets") == 1


async def test_a_quota_of_three_lets_three_of_twenty_in(pool: asyncpg.Pool, db: Db, hall: Hall) -> None:
    await db.execute("UPDATE doors SET left_places = 3 WHERE service = 'A'")

    async def one() -> str | None:
        async with pool.acquire() as mine:
            try:
                return (await tickets.take(mine, hall, ["A", "B"], actor="desk:a", channel="desk")).ticket.number
            except QuotaFull:
                return None

    numbers = await asyncio.gather(*(one() for _ in range(20)))
    assert sorted(number for number in numbers if number) == ["A001", "A002", "A003"]


async def test_an_unknown_category_is_bad_input(db: Db, hall: Hall) -> None:
    with pytest.raises(BadInput):
        await tickets.take(db, hall, ["A"], actor="desk:a", channel="desk", category="vip")


async def test_a_head_start_needs_its_paper_where_the_hall_asks_for_one(db: Db, hall: Hall) -> None:
    await db.execute(
        "INSERT INTO categories VALUES ($1, 'pregnant', '孕妇', 20, false), ($1, 'disabled', '残疾人', 20, true)", hall.id
    )
    await tickets.take(db, hall, ["A"], actor="desk:a", channel="desk", category="pregnant")
    with pytest.raises(BadInput) as lacking:
        await tickets.take(db, hall, ["A"], actor="desk:a", channel="desk", category="disabled")
    assert lacking.value.details["field"] == "evidence"


async def test_a_service_is_named_once(db: Db, hall: Hall, take: TakesTickets) -> None:
    with pytest.raises(BadInput):
        await take("A", "A")


async def test_a_category_is_a_head_start_and_no_more(db: Db, hall: Hall, take: TakesTickets) -> None:
    await db.execute("INSERT INTO categories (hall, code, name, credit_minutes) VALUES ($1, 'soldier', '军人', 30)", hall.id)
    old, new = await take("A"), await take("A")
    await db.execute("UPDATE tickets SET rank_at = rank_at - interval '31 minutes' WHERE id = $1", old.ticket.id)
    soldier = await tickets.take(db, hall, ["A"], actor="desk:a", channel="desk", category="soldier", evidence="优待证")
    assert soldier.ticket.joined_at - soldier.ticket.rank_at == timedelta(minutes=30)
    assert [await tickets.ahead(db, await tickets.by_key(db, t.ticket.key)) for t in (old, soldier, new)] == [0, 1, 2]


async def test_one_live_ticket_per_person_and_service_where_the_hall_asks(db: Db, hall: Hall) -> None:
    async def person_takes(service: str, who: bytes) -> tickets.Act:
        return await tickets.take(db, hall, [service], actor="desk:a", channel="desk", person=who)

    await person_takes("A", b"li")
    await person_takes("A", b"li")
    await db.execute("UPDATE halls SET one_live_ticket = true")
    mine = await person_takes("A", b"wang")
    with pytest.raises(OneLiveTicket):
        await person_takes("A", b"wang")
    await person_takes("B", b"wang")
    with pytest.raises(OneLiveTicket):
        await tickets.take(db, hall, ["B", "A"], actor="desk:a", channel="desk", person=b"wang")
    await tickets.cancel(db, hall, mine.ticket.key, actor="citizen")
    assert (await person_takes("A", b"wang")).ticket.number == "A004"  # the refused take spent no number


async def test_ahead_counts_who_shares_an_open_window(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    await take("B")
    mine = (await take("A")).ticket
    await db.execute("UPDATE windows SET serves = '{A}' WHERE no = '1'")
    await db.execute("UPDATE windows SET serves = '{B}' WHERE no = '2'")
    assert await tickets.ahead(db, mine) == 1  # no window is open: those that could be
    await windows.open_window(db, hall, "1", "li", services=["A", "B"], actor="clerk:li")
    assert await tickets.ahead(db, mine) == 2
    await windows.open_window(db, hall, "1", "li", services=["A"], actor="clerk:li")
    assert await tickets.ahead(db, mine) == 1
    await tickets.cancel(db, hall, mine.key, actor="citizen")
    assert await tickets.ahead(db, await tickets.by_key(db, mine.key)) is None


async def test_leaving_is_for_who_is_not_being_served(db: Db, hall: Hall, take: TakesTickets) -> None:
    mine = await take("A")
    left = await tickets.cancel(db, hall, mine.ticket.key, actor="citizen")
    assert (left.ticket.state, left.ticket.number) == ("cancelled", "A001")
    with pytest.raises(NotInThatState):
        await tickets.cancel(db, hall, mine.ticket.key, actor="citizen")
    with pytest.raises(NotFound):
        await tickets.cancel(db, hall, "nobody's key", actor="citizen")


async def test_a_missed_ticket_is_restored_to_front_place_or_back(db: Db, hall: Hall, take: TakesTickets) -> None:
    rules = replace(hall, calls_before_missed=1, min_call_s=0)
    for position, expected in (("front", ["A001", "A002"]), ("keep", ["A001", "A002"]), ("back", ["A002", "A001"])):
        await db.execute("DELETE FROM tickets; DELETE FROM numbers")
        first, _second = await take("A"), await take("A")
        await windows.open_window(db, hall, "1", "li", actor="clerk:li")
        await calls.call_next(db, rules, Seat("1", "clerk:li"))
        missed = await calls.no_show(db, rules, Seat("1", "clerk:li"))
        assert missed.ticket.state == "missed"
        await tickets.restore(db, hall, first.ticket.key, position, actor="desk:a")
        order = await db.fetch("SELECT number FROM tickets WHERE state = 'waiting' ORDER BY rank_at, id")
        assert [row["number"] for row in order] == expected
    with pytest.raises(NotInThatState):
        await tickets.restore(db, hall, first.ticket.key, "front", actor="desk:a")


async def test_the_day_rolls_at_the_halls_own_hour_and_ends_what_is_left_once(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    await take("B")
    day = await halls.business_day(db, hall)
    assert await expire_day(db, hall.id) == 0
    await db.execute(
        "CREATE OR REPLACE FUNCTION hall_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT now() + interval '1 day' $$"
    )
    assert await halls.business_day(db, hall) == day + timedelta(days=1)
    before = (await journal.top(db, hall.id)).offset
    assert [await expire_day(db, hall.id), await expire_day(db, hall.id)] == [2, 0]
    entries = await journal.read(db, hall.id, before)
    assert [(e.offset, e.kind, e.data["ticket"]) for e in entries] == [
        (before + 1, "ticket.expired", "A001"),
        (before + 2, "ticket.expired", "B001"),
    ]


async def test_business_day_of_an_instant(db: Db) -> None:
    async def day(at: str) -> str:
        return str(await db.fetchval("SELECT business_day($1::text::timestamptz, 'Asia/Shanghai', '04:00')", at))

    assert [await day("2026-11-22T03:59:59+08:00"), await day("2026-11-22T04:00:00+08:00")] == ["2026-11-21", "2026-11-22"]


async def test_numbers_begin_again_with_the_day_without_any_job(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    await db.execute("UPDATE numbers SET day = day - 1")
    await db.execute("UPDATE tickets SET day = day - 1")
    assert (await take("A")).ticket.number == "A001"


async def test_the_record_cannot_be_edited(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    for statement in ("UPDATE journal SET actor = 'x'", "DELETE FROM journal", "TRUNCATE journal"):
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await db.execute(statement)


async def test_the_database_itself_refuses_a_number_twice_and_a_window_with_two(db: Db, hall: Hall, take: TakesTickets) -> None:
    a, b = await take("A"), await take("A")
    with pytest.raises(asyncpg.UniqueViolationError, match="number_once_a_day"):
        await db.execute("UPDATE tickets SET number = 'A001' WHERE id = $1", b.ticket.id)
    await db.execute("UPDATE tickets SET state = 'called', window_no = '1' WHERE id = $1", a.ticket.id)
    with pytest.raises(asyncpg.UniqueViolationError, match="one_ticket_at_a_window"):
        await db.execute("UPDATE tickets SET state = 'serving', window_no = '1' WHERE id = $1", b.ticket.id)
