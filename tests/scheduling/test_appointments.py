"""A booked place is one person's: never given twice, kept in line, and free again when it is not wanted."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from floor.database import Connection, Pool
from queueing.calls import Seat, call_next
from queueing.db import Db, Press
from queueing.errors import Banned, NotFound
from queueing.halls import Hall, get_hall
from queueing.settings import choose
from queueing.tickets import Act, take
from queueing.windows import open_window
from scheduling import appointments, slots
from scheduling.appointments import Booked, Holder, Kept, book, by_code, cancel, check_in, let_fall, move, promise_kept
from scheduling.day_types import Session, day_types, decide, save_day_type
from scheduling.errors import (
    AlreadyCheckedIn,
    NotBooked,
    OutsideHours,
    SlotFull,
    TooEarlyToCheckIn,
    TooLateToCheckIn,
    TooManyBookings,
)
from scheduling.hours import rehang_doors
from scheduling.slots import BOOK_SHARE, OVERBOOK, Slot, lay_slots
from scheduling.statutory import keep_known
from tests.scheduling.clocks import at

TUESDAY = date(2027, 3, 2)


def on(hour: int, minute: int = 0, day: int = 2) -> datetime:
    """A time of the hall in March 2027."""
    return datetime(2027, 3, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


@pytest.fixture
async def open_hall(db: Connection, hall: Hall) -> Hall:
    """Monday morning of a hall that keeps its hours; half of what two windows can do in half an hour is 2 for A, 1 for B."""
    await at(db, "2027-03-01 08:00+08")
    await db.execute("UPDATE halls SET always_open = false")
    await db.execute("DELETE FROM doors")
    await keep_known(db, date(2027, 3, 1))
    hall = await get_hall(db, "demo")
    await rehang_doors(db, hall)
    await lay_slots(db, hall)
    return hall


def who(n: int) -> Holder:
    return Holder(person=hashlib.sha256(f"person {n}".encode()).digest(), id_mask=f"{n:04}")


async def booked(db: Db, hall: Hall, n: int = 1, start: datetime | None = None, service: str = "A") -> Booked:
    return await book(db, hall, service, start or on(9), who(n), actor="citizen", channel="web")


async def offered(db: Connection, hall: Hall, service: str = "A", day: date = TUESDAY) -> list[Slot]:
    return await slots.slots(db, hall, service, day, day)


async def kinds(db: Connection) -> list[str]:
    return [row["kind"] for row in await db.fetch("SELECT kind FROM journal WHERE kind LIKE 'appointment.%' ORDER BY \"offset\"")]


async def test_slots_follow_the_calendar_and_what_windows_can_do(db: Connection, open_hall: Hall) -> None:
    listed = await offered(db, open_hall)
    assert [slot.start for slot in listed] == [on(9) + timedelta(minutes=30 * n) for n in range(16)]
    assert {(slot.capacity, slot.left) for slot in listed} == {(2, 2)}
    assert {slot.capacity for slot in await offered(db, open_hall, "B")} == {1}
    assert await offered(db, open_hall, day=date(2027, 3, 6)) == []
    assert await lay_slots(db, open_hall) == 0


async def test_hours_for_the_booked_alone_have_shorter_times_and_leave_room(db: Connection, open_hall: Hall) -> None:
    kind = (await day_types(db, open_hall))["weekday"]
    early, late = Session(time(8), time(9), time(9), "booked"), Session(time(9), time(17), time(17))
    await save_day_type(db, open_hall, replace(kind, sessions=(early, late)))
    await lay_slots(db, open_hall)
    listed = await offered(db, open_hall)
    # A window's worth: 60 % of 15 minutes are 1.5 visits of 6 minutes; what is over goes to the next time.
    assert [(slot.start, slot.capacity) for slot in listed[:5]] == [
        (on(8), 2), (on(8, 15), 1), (on(8, 30), 2), (on(8, 45), 1), (on(9), 2)]  # fmt: skip
    assert {slot.end - slot.start for slot in listed[4:]} == {timedelta(minutes=30)} and len(listed) == 20
    assert await lay_slots(db, open_hall) == 0


async def test_a_day_that_closes_gives_no_places_and_keeps_who_has_one(db: Connection, open_hall: Hall) -> None:
    mine = await booked(db, open_hall)
    await decide(db, open_hall, TUESDAY, "closed", actor="manager:wang")
    await lay_slots(db, open_hall)
    assert [(slot.start, slot.capacity, slot.left) for slot in await offered(db, open_hall)] == [(on(9), 1, 0)]
    assert (await by_code(db, mine.appointment.code)).state == "booked"


async def test_two_hundred_bookings_for_ten_places_give_exactly_ten(db: Connection, pool: Pool, open_hall: Hall) -> None:
    await db.execute("UPDATE slots SET capacity = 10 WHERE service = 'A'")

    async def one(n: int) -> str:
        async with pool.acquire() as connection:
            try:
                return (await booked(connection, open_hall, n)).appointment.state
            except SlotFull:
                return "full"

    outcomes = await asyncio.gather(*(one(n) for n in range(200)))
    assert (outcomes.count("booked"), outcomes.count("full")) == (10, 190)
    assert await db.fetchval("SELECT taken FROM slots WHERE service = 'A' AND start = $1", on(9)) == 10
    assert await db.fetchval("SELECT count(*) FROM appointments WHERE state = 'booked'") == 10


async def test_cancelling_and_booking_at_once_never_gives_a_place_twice(db: Connection, pool: Pool, open_hall: Hall) -> None:
    await db.execute("UPDATE slots SET capacity = 5 WHERE service = 'A'")
    mine = [(await booked(db, open_hall, n)).appointment.code for n in range(5)]

    async def give_back(code: str) -> None:
        async with pool.acquire() as connection:
            await cancel(connection, open_hall, code, actor="citizen")

    async def want(n: int) -> bool:
        async with pool.acquire() as connection:
            try:
                await booked(connection, open_hall, n)
            except SlotFull:
                return False
            return True

    got = (await asyncio.gather(*map(give_back, mine), *(want(n) for n in range(100, 140))))[5:]
    live = await db.fetchval("SELECT count(*) FROM appointments WHERE state = 'booked'")
    assert live == sum(map(bool, got)) <= 5
    assert await db.fetchval("SELECT taken FROM slots WHERE service = 'A' AND start = $1", on(9)) == live


async def test_a_repeated_press_books_once(db: Connection, open_hall: Hall) -> None:
    press = Press(b"s" * 32, b"b" * 32)
    ask = {"actor": "citizen", "channel": "web", "press": press}
    first = await book(db, open_hall, "A", on(9), who(1), **ask)  # type: ignore[arg-type]
    second = await book(db, open_hall, "A", on(9), who(1), **ask)  # type: ignore[arg-type]
    assert (second.appointment, second.replayed) == (first.appointment, True)
    assert await kinds(db) == ["appointment.booked"]


@pytest.mark.parametrize("start", [on(12, 10), on(9, day=6), on(9, day=20), on(9, day=1) - timedelta(days=1)])
async def test_a_time_that_is_no_slot_is_refused(db: Connection, open_hall: Hall, start: datetime) -> None:
    with pytest.raises(OutsideHours):
        await booked(db, open_hall, start=start)
    assert await kinds(db) == []


async def test_no_booking_in_the_last_hour(db: Connection, open_hall: Hall) -> None:
    await at(db, "2027-03-01 09:31+08")
    with pytest.raises(OutsideHours):
        await booked(db, open_hall, start=on(10, 30, day=1))
    assert (await booked(db, open_hall, start=on(11, day=1))).appointment.state == "booked"


async def test_the_same_matter_once_a_day_and_three_bookings_at_most(db: Connection, open_hall: Hall) -> None:
    await booked(db, open_hall)
    with pytest.raises(TooManyBookings):
        await booked(db, open_hall, start=on(14))
    await booked(db, open_hall, start=on(9, day=3))
    await booked(db, open_hall, start=on(9, day=4))
    with pytest.raises(TooManyBookings):
        await booked(db, open_hall, start=on(9, day=5))
    assert (await booked(db, open_hall, 2)).appointment.state == "booked"


async def test_a_place_given_back_is_free_again(db: Connection, open_hall: Hall) -> None:
    code = (await booked(db, open_hall, service="B")).appointment.code
    with pytest.raises(SlotFull):
        await booked(db, open_hall, 2, service="B")
    assert (await cancel(db, open_hall, code, actor="citizen")).appointment.state == "cancelled"
    assert (await booked(db, open_hall, 2, service="B")).appointment.state == "booked"
    with pytest.raises(NotBooked):
        await cancel(db, open_hall, code, actor="citizen")


async def test_moving_frees_the_old_place_and_takes_the_new_one(db: Connection, open_hall: Hall) -> None:
    code = (await booked(db, open_hall, service="B")).appointment.code
    await booked(db, open_hall, 2, start=on(10), service="B")
    with pytest.raises(SlotFull):
        await move(db, open_hall, code, on(10), actor="citizen")
    moved = await move(db, open_hall, code, on(11, 30), actor="citizen")
    assert (moved.appointment.start, moved.appointment.end) == (on(11, 30), on(12))
    assert [slot.start for slot in await offered(db, open_hall, "B") if slot.left == 0] == [on(10), on(11, 30)]
    with pytest.raises(OutsideHours):
        await move(db, open_hall, code, on(3), actor="citizen")
    assert (await move(db, open_hall, code, on(11, 30), actor="citizen")).replayed is True


async def arrived(db: Db, hall: Hall, code: str) -> Act:
    return await check_in(db, hall, code, actor="desk:wang", channel="desk")


async def test_who_has_booked_goes_before_those_who_came_without(db: Connection, open_hall: Hall) -> None:
    code = (await booked(db, open_hall)).appointment.code
    await at(db, "2027-03-02 09:05+08")
    await rehang_doors(db, open_hall)
    walked = await take(db, open_hall, ["A"], actor="citizen", channel="api")
    act = await arrived(db, open_hall, code)
    assert act.ticket.rank_at < walked.ticket.rank_at
    await open_window(db, open_hall, "1", "li", actor="clerk:li")
    called = await call_next(db, open_hall, Seat("1", "clerk:li", "li"))
    assert isinstance(called, Act)
    assert called.ticket.number == act.ticket.number
    assert (await by_code(db, code)).ticket_key == act.ticket.key
    assert await promise_kept(db, open_hall, TUESDAY) == Kept(1, 1, 0)


async def test_checking_in_twice_gives_one_ticket(db: Connection, pool: Pool, open_hall: Hall) -> None:
    code = (await booked(db, open_hall)).appointment.code
    await at(db, "2027-03-02 08:45+08")
    await rehang_doors(db, open_hall)

    async def once() -> str:
        async with pool.acquire() as connection:
            try:
                return (await arrived(connection, open_hall, code)).ticket.number
            except AlreadyCheckedIn:
                return "again"

    outcomes = sorted(await asyncio.gather(*(once() for _ in range(8))))
    assert outcomes == ["A001", *["again"] * 7]
    assert await db.fetchval("SELECT count(*) FROM tickets") == 1


@pytest.mark.parametrize(("moment", "error"), [("08:29", TooEarlyToCheckIn), ("09:16", TooLateToCheckIn)])
async def test_a_booking_counts_within_its_grace_only(
    db: Connection, open_hall: Hall, moment: str, error: type[Exception]
) -> None:
    code = (await booked(db, open_hall)).appointment.code
    await at(db, f"2027-03-02 {moment}+08")
    with pytest.raises(error):
        await arrived(db, open_hall, code)
    assert (await by_code(db, code)).state == "booked"


async def test_quota_and_last_ticket_do_not_stop_who_has_booked(db: Connection, open_hall: Hall) -> None:
    code = (await booked(db, open_hall, start=on(16, 30))).appointment.code
    await at(db, "2027-03-02 16:40+08")
    await rehang_doors(db, open_hall)
    await db.execute("UPDATE doors SET left_places = 0")
    assert (await arrived(db, open_hall, code)).ticket.state == "waiting"


async def test_a_day_for_booked_visitors_lets_them_in(db: Connection, open_hall: Hall) -> None:
    kind = (await day_types(db, open_hall))["weekday"]
    await save_day_type(db, open_hall, replace(kind, walk_in=False, sessions=(Session(time(9), time(11, 30), time(12)),)))
    await lay_slots(db, open_hall)
    code = (await booked(db, open_hall)).appointment.code
    await at(db, "2027-03-02 09:00+08")
    await rehang_doors(db, open_hall)
    assert (await arrived(db, open_hall, code)).ticket.number == "A001"


async def test_who_does_not_come_twice_may_not_book_for_a_while(db: Connection, open_hall: Hall) -> None:
    for day in (2, 3):
        code = (await booked(db, open_hall, start=on(9, day=day))).appointment.code
        await at(db, f"2027-03-0{day} 09:16+08")
        await rehang_doors(db, open_hall)
        assert await let_fall(db, open_hall) == 1
        assert await let_fall(db, open_hall) == 0
        assert (await by_code(db, code)).state == "no_show"
        with pytest.raises(TooLateToCheckIn):
            await arrived(db, open_hall, code)
    with pytest.raises(Banned) as banned:
        await booked(db, open_hall, start=on(9, day=4))
    assert banned.value.details == {"until": "2027-04-02 09:16"}
    assert (await booked(db, open_hall, 2, start=on(9, day=4))).appointment.state == "booked"
    await db.execute("UPDATE bans SET lifted_at = hall_now(), lifted_by = 'manager:wang', lifted_why = '住院'")
    assert (await booked(db, open_hall, start=on(9, day=4))).appointment.state == "booked"


async def test_nobody_is_blamed_for_a_time_the_hall_was_shut_at(db: Connection, open_hall: Hall) -> None:
    code = (await booked(db, open_hall, start=on(14))).appointment.code
    await decide(db, open_hall, TUESDAY, "closed", actor="manager:m", name="停电")
    await rehang_doors(db, open_hall)
    await at(db, "2027-03-02 14:20+08")
    assert await let_fall(db, open_hall) == 1
    assert (await by_code(db, code)).state == "cancelled"
    assert await db.fetchval("SELECT count(*) FROM booking_strikes") == 0
    told = await db.fetchrow("SELECT kind, cause, data ->> 'state' AS state FROM journal ORDER BY \"offset\" DESC LIMIT 1")
    assert told is not None and tuple(told) == ("appointment.cancelled", "the hall is shut", "cancelled")


async def test_giving_back_in_time_is_no_strike_and_too_late_is_one(db: Connection, open_hall: Hall) -> None:
    early = (await booked(db, open_hall)).appointment.code
    await cancel(db, open_hall, early, actor="citizen")
    late = (await booked(db, open_hall, start=on(9, day=3))).appointment.code
    await at(db, "2027-03-03 07:30+08")
    await cancel(db, open_hall, late, actor="citizen")
    assert [tuple(row) for row in await db.fetch("SELECT kind FROM booking_strikes")] == [("late_cancel",)]


async def test_overbooking_follows_the_measured_share_and_is_off_by_default(db: Connection, open_hall: Hall) -> None:
    await db.execute(
        """INSERT INTO slots (hall, service, start, ends, day, capacity, taken)
           VALUES ($1, 'A', '2027-02-20 09:00+08', '2027-02-20 09:30+08', '2027-02-20', 20, 20)""",
        open_hall.id,
    )
    await db.execute(
        """INSERT INTO appointments (code, hall, service, start, day, state, channel, booked_at, ticket_key)
           SELECT '00000000' || lpad(n::text, 2, '0'), $1, 'A', '2027-02-20 09:00+08', '2027-02-20',
                  CASE WHEN n <= 10 THEN 'no_show' ELSE 'checked_in' END, 'web', now(), CASE WHEN n > 10 THEN 'k' || n END
           FROM generate_series(1, 20) AS n""",
        open_hall.id,
    )
    await lay_slots(db, open_hall)
    assert {(slot.capacity, slot.left) for slot in await offered(db, open_hall)} == {(2, 2)}
    await choose(db, open_hall.id, OVERBOOK, True)
    await lay_slots(db, await get_hall(db, "demo"))
    assert {(slot.capacity, slot.left) for slot in await offered(db, open_hall)} == {(2, 3)}
    await choose(db, open_hall.id, BOOK_SHARE, 100)
    await lay_slots(db, await get_hall(db, "demo"))
    assert {(slot.capacity, slot.left) for slot in await offered(db, open_hall)} == {(5, 7)}


async def test_who_had_booked_is_forgotten_and_what_was_booked_stays(db: Connection, open_hall: Hall) -> None:
    code = (await booked(db, open_hall)).appointment.code
    await at(db, "2027-04-03 12:00+08")
    assert await appointments.forget_holders(db, open_hall) == 1
    assert await appointments.forget_holders(db, open_hall) == 0
    assert tuple(await db.fetchrow("SELECT person, id_mask, service FROM appointments WHERE code = $1", code) or ()) == (
        None,
        None,
        "A",
    )


async def test_a_code_nobody_has_opens_nothing(db: Connection, open_hall: Hall) -> None:
    for act in (
        by_code(db, "0000000000"),
        cancel(db, open_hall, "0000000000", actor="citizen"),
        arrived(db, open_hall, "0000000000"),
    ):
        with pytest.raises(NotFound):
            await act
