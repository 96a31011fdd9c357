"""Late, absent, left early, away; overtime and the time off it is worth: from the seats, by a tick that may run twice."""

from datetime import date, timedelta

import asyncpg
import pytest

from floor.database import Connection
from floor.people import add_user
from queueing import windows
from queueing.errors import BadInput
from queueing.halls import Hall, get_hall
from queueing.settings import choose
from scheduling.errors import NotEnoughOvertime
from scheduling.roster import overtime
from scheduling.roster.attendance import Found, correct, keep_attendance, marks, marks_of
from scheduling.roster.leave import ask_leave, decide_leave, revoke_leave
from scheduling.roster.overtime import Entry, balance, beyond, ledger
from scheduling.roster.planned import moment_of
from scheduling.roster.problem import Clerk, Pattern
from scheduling.roster.seats import Spell, Turn, spells
from scheduling.roster.store import place, publish, set_contract
from scheduling.statutory import keep_known
from tests.scheduling.clocks import at

MONDAY = date(2026, 11, 23)
NINE, NOON, ONE, FIVE = 540, 720, 780, 1020
DAY = Pattern("d", NINE, FIVE, ((NOON, ONE),))


def seat(*stretches: tuple[int, int]) -> list[Spell]:
    return [Spell("li", "1", begins, ends) for begins, ends in stretches]


@pytest.mark.parametrize(
    ("mine", "now", "expected"),
    [
        ([], NINE + 4, []),
        ([], NINE + 6, [Found("late", NINE, None)]),
        ([], NINE + 120, [Found("absent", NINE, None)]),
        ([], FIVE, [Found("absent", NINE, FIVE)]),
        (seat((NINE + 5, FIVE)), FIVE, []),
        (seat((NINE + 6, FIVE)), FIVE, [Found("late", NINE, NINE + 6)]),
        (seat((NINE - 20, NOON - 5), (ONE + 10, FIVE)), FIVE, []),
        (seat((NINE, NOON - 20), (ONE, FIVE)), FIVE, [Found("left_window", NOON - 20, ONE)]),
        (seat((NINE, 600), (615, FIVE)), FIVE, []),
        (seat((NINE, 600), (616, FIVE)), FIVE, [Found("left_window", 600, 616)]),
        (seat((NINE, 600)), 616, [Found("left_window", 600, None)]),
        (seat((NINE, 900)), FIVE - 1, [Found("left_window", 900, None)]),
        (seat((NINE, 900)), FIVE, [Found("left_early", 900, FIVE)]),
        (seat((NINE, FIVE - 5)), FIVE, []),
        (seat((NINE, NOON)), ONE + 10, []),
    ],
)
def test_what_the_seats_say_of_a_shift(mine: list[Spell], now: int, expected: list[Found]) -> None:
    assert marks_of(DAY, mine, now, grace=5, away=15, absent=120) == expected


def test_seats_are_read_without_pauses_and_a_second_opening_changes_nothing() -> None:
    turns = [
        Turn(540, "window.opened", "1", "li"), Turn(550, "window.opened", "1", "li"), Turn(600, "window.paused", "1", "li"),
        Turn(620, "window.resumed", "1", "li"), Turn(700, "window.closed", "1", None), Turn(710, "window.opened", "2", "wang"),
        Turn(720, "window.paused", "2", "wang"), Turn(730, "window.closed", "2", None), Turn(800, "window.opened", "1", "li"),
    ]  # fmt: skip
    assert spells(turns, 860) == [
        Spell("li", "1", 540, 600), Spell("li", "1", 620, 700), Spell("wang", "2", 710, 720), Spell("li", "1", 800, 860, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shift", "mine", "whole", "minutes"),
    [
        (DAY, seat((NINE - 30, FIVE + 40)), False, 40),
        (DAY, seat((NINE - 50, FIVE)), False, 20),
        (DAY, seat((NINE, FIVE + 40)), True, 520),
        (None, seat((NINE, NOON)), False, 180),
    ],
    ids=["after the end", "earlier than windows open", "a public holiday", "no shift that day"],
)
def test_overtime_is_what_lies_beyond_the_shift(shift: Pattern | None, mine: list[Spell], whole: bool, minutes: int) -> None:
    assert beyond(shift, mine, early=30, whole=whole) == minutes


@pytest.fixture
async def monday(db: Connection, hall: Hall) -> Hall:
    """li and wang work Monday 9 to 17 with an hour at noon, published; a day off costs an hour, so that one evening pays it."""
    await keep_known(db, MONDAY)
    for name in ("li", "wang", "zhao"):
        await add_user(db, hall.id, name, "x", name=name, roles=["clerk"])
        await set_contract(db, hall, Clerk(name, ("A",), home="A"))
    await db.execute("INSERT INTO shift_patterns VALUES ($1, 'd', $2, $3, $4)", hall.id, NINE, FIVE, [[NOON, ONE]])
    for name in ("li", "wang"):
        await place(db, hall, MONDAY, name, "d", "A", actor="manager:lin")
    await publish(db, hall, MONDAY, actor="manager:lin")
    await choose(db, hall.id, overtime.COMP_DAY, 60)
    await choose(db, hall.id, overtime.DRAIN_RATE, 150)
    return await get_hall(db, "demo")


async def sit(db: Connection, hall: Hall, clerk: str, no: str, begins: str, ends: str | None, day: date = MONDAY) -> None:
    await at(db, f"{day} {begins}+08")
    await windows.open_window(db, hall, no, clerk, actor=f"clerk:{clerk}")
    if ends is not None:
        await at(db, f"{day} {ends}+08")
        await windows.close(db, hall, no, actor=f"clerk:{clerk}", override=True)


async def told(db: Connection, hall: Hall) -> list[tuple[str, str, int, int | None]]:
    return [(it.clerk, it.kind, it.begins, it.ends) for it in await marks(db, hall, MONDAY, MONDAY)]


async def test_the_clock_marks_once_follows_the_day_and_catches_up(db: Connection, monday: Hall) -> None:
    await at(db, f"{MONDAY} 09:10+08")
    assert await keep_attendance(db, monday) == 2
    assert await keep_attendance(db, monday) == 0
    assert await told(db, monday) == [("li", "late", NINE, None), ("wang", "late", NINE, None)]
    await sit(db, monday, "li", "1", "09:20", "17:50")
    assert await keep_attendance(db, monday) > 0
    assert await told(db, monday) == [("li", "late", NINE, NINE + 20), ("wang", "absent", NINE, FIVE)]
    await db.execute("DELETE FROM attendance_marks")
    await db.execute("DELETE FROM overtime")
    await at(db, f"{MONDAY + timedelta(9)} 12:00+08")
    assert await keep_attendance(db, monday) == 0, "nine days later the daily tick does not look so far"
    assert await keep_attendance(db, monday, 14) == 3
    assert await told(db, monday) == [("li", "late", NINE, NINE + 20), ("wang", "absent", NINE, FIVE)]
    assert await keep_attendance(db, monday, 14) == 0


async def test_a_correction_stands_beside_what_was_found(db: Connection, monday: Hall) -> None:
    await sit(db, monday, "li", "1", "09:20", "17:00")
    await sit(db, monday, "wang", "2", "09:00", "17:00")
    await keep_attendance(db, monday)
    (mark,) = await marks(db, monday, MONDAY, MONDAY)
    with pytest.raises(BadInput):
        await correct(db, monday, mark.id, "excused", None, actor="leader:he", zone="A")
    assert not await correct(db, monday, mark.id, "excused", "在导办台帮忙", actor="leader:he", zone="B")
    assert await correct(db, monday, mark.id, "excused", "在导办台帮忙", actor="leader:he", zone="A")
    await keep_attendance(db, monday)
    (kept,) = await marks(db, monday, MONDAY, MONDAY)
    assert (kept.kind, kept.begins, kept.ends) == ("late", NINE, NINE + 20)
    assert (kept.judged, kept.reason, kept.corrected_by) == ("excused", "在导办台帮忙", "leader:he")


async def test_a_window_nobody_closed_earns_no_night(db: Connection, monday: Hall) -> None:
    await sit(db, monday, "li", "1", "09:00", None)
    await at(db, f"{MONDAY + timedelta(1)} 12:00+08")
    await keep_attendance(db, monday)
    assert await ledger(db, monday) == []


async def test_without_a_published_roster_overtime_is_beyond_the_opening_hours(db: Connection, monday: Hall) -> None:
    """The roster is a draft again; doors were open from nine to five. zhao had no shift and helps out until late."""
    await db.execute("UPDATE rosters SET state = 'draft', published_by = NULL")
    await db.execute("DELETE FROM doors")
    await db.execute("UPDATE halls SET always_open = false")
    shut = await get_hall(db, "demo")
    await sit(db, shut, "zhao", "1", "08:50", "17:45")
    await sit(db, shut, "li", "2", "16:00", "17:10")
    assert await keep_attendance(db, shut) == 0, "no doors of that day are known"
    await db.execute(
        "INSERT INTO doors (hall, day, service, opens, last_ticket, closes) VALUES ($1, $2, 'A', $3, $4, $4)",
        shut.id, MONDAY, moment_of(shut, MONDAY, NINE), moment_of(shut, MONDAY, FIVE),
    )  # fmt: skip
    assert await keep_attendance(db, shut) == 1
    assert await ledger(db, shut) == [Entry("zhao", MONDAY, 45, "drain", 150, 67, 0, MONDAY + timedelta(180), True)]
    assert await told(db, shut) == []
    await publish(db, shut, MONDAY, actor="manager:lin")
    await keep_attendance(db, shut)
    found = {it.clerk: (it.minutes, it.by_hours) for it in await ledger(db, shut)}
    assert found == {"zhao": (535, False)}  # with the roster it was a day of no shift at all


async def test_overtime_becomes_time_off_that_is_used_once(db: Connection, monday: Hall) -> None:
    await sit(db, monday, "li", "1", "09:00", "17:40")
    await keep_attendance(db, monday)
    entry = Entry("li", MONDAY, 40, "drain", 150, 60, 0, MONDAY + timedelta(180))
    assert await ledger(db, monday) == [entry]
    assert (balance([entry], MONDAY), balance([entry], MONDAY + timedelta(181))) == (60, 0)
    tuesday = MONDAY + timedelta(1)
    first = await ask_leave(db, monday, "li", tuesday, tuesday, "comp")
    second = await ask_leave(db, monday, "li", tuesday + timedelta(1), tuesday + timedelta(1), "comp")
    assert await decide_leave(db, monday, first, approve=True, actor="manager:lin")
    assert not await decide_leave(db, monday, first, approve=True, actor="manager:lin")
    with pytest.raises(NotEnoughOvertime):
        await decide_leave(db, monday, second, approve=True, actor="manager:lin")
    assert await db.fetchval("SELECT state FROM leaves WHERE id = $1", second) == "asked"
    assert (await ledger(db, monday))[0].taken == 60
    assert await revoke_leave(db, monday, first, zone="A")
    assert not await revoke_leave(db, monday, first)
    assert (await ledger(db, monday))[0].taken == 0
    with pytest.raises(NotEnoughOvertime):
        await ask_leave(db, monday, "li", tuesday, tuesday + timedelta(1), "comp")
    assert await decide_leave(db, monday, second, approve=True, actor="manager:lin")
    await keep_attendance(db, monday, 3)
    assert (await ledger(db, monday))[0].taken == 60


async def test_what_is_lost_first_is_used_first_and_what_is_lost_is_not_used(db: Connection, monday: Hall) -> None:
    for ago, credit in ((200, 60), (170, 40), (20, 60)):
        day = MONDAY - timedelta(ago)
        await db.execute(
            "INSERT INTO overtime (hall, clerk, day, minutes, kind, rate, credit, until) "
            "VALUES ($1, 'li', $2, $3, 'drain', 100, $3, $4)",
            monday.id, day, credit, day + timedelta(180),
        )  # fmt: skip
    asked = await ask_leave(db, monday, "li", MONDAY, MONDAY, "comp")
    await decide_leave(db, monday, asked, approve=True, actor="manager:lin")
    assert [(it.credit, it.taken) for it in await ledger(db, monday)] == [(60, 20), (40, 40), (60, 0)]
    with pytest.raises(asyncpg.CheckViolationError) as broken:
        await db.execute("UPDATE overtime SET taken = credit + 1")
    assert broken.value.constraint_name == "overtime_is_taken_once"


async def test_a_saturday_and_a_public_holiday_count_by_their_own_rates(db: Connection, monday: Hall) -> None:
    await choose(db, monday.id, overtime.WEEKEND_RATE, 200)
    await choose(db, monday.id, overtime.HOLIDAY_RATE, 300)
    hall = await get_hall(db, "demo")
    saturday, holiday = MONDAY + timedelta(5), date(2026, 10, 1)
    await place(db, hall, holiday, "li", "d", "A", actor="manager:lin")
    await publish(db, hall, date(2026, 9, 28), actor="manager:lin")
    await sit(db, hall, "li", "1", "09:00", "17:00", holiday)
    await keep_attendance(db, hall)
    await sit(db, hall, "zhao", "1", "09:00", "11:00", saturday)
    await keep_attendance(db, hall)
    assert [(it.clerk, it.kind, it.minutes, it.credit) for it in await ledger(db, hall)] == [
        ("zhao", "weekend", 120, 240), ("li", "holiday", 480, 1440),
    ]  # fmt: skip
