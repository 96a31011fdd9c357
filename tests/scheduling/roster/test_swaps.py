"""Shifts that clerks exchange: asked, agreed, approved; checked against skills, rest and leave, and safe to press twice."""

import asyncio
from datetime import date, timedelta

import pytest

from floor.database import Connection, Pool
from queueing.db import Press
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall
from scheduling.errors import NoRest, NoSuchShift, NotSkilledForZone, OnLeave, ShiftTaken, SwapGone, SwapOpen, WeekFull
from scheduling.roster.leave import ask_leave, decide_leave
from scheduling.roster.problem import Clerk
from scheduling.roster.store import place, placed, publish, set_contract
from scheduling.roster.swaps import (
    Held,
    Option,
    Terms,
    World,
    after,
    answer_swap,
    ask_swap,
    decide_swap,
    get_swap,
    options,
    swaps,
    withdraw_swap,
    world,
)
from tests.scheduling.clocks import at

WEEK = date(2026, 11, 23)
MON, TUE, WED, THU, FRI = (WEEK + timedelta(n) for n in range(5))
TERMS = Terms(("A",), 5, 6)


def held(*shifts: tuple[str, date, str]) -> dict[tuple[str, date], Held]:
    return {(clerk, day): Held(pattern, "A") for clerk, day, pattern in shifts}


@pytest.mark.parametrize(
    ("shifts", "terms", "other_day", "refused"),
    [
        (held(("li", TUE, "d")), TERMS, None, None),
        (held(("li", TUE, "d"), ("wang", THU, "d")), TERMS, THU, None),
        (held(("wang", THU, "d")), TERMS, None, NoSuchShift),
        (held(("li", TUE, "d"), ("wang", TUE, "d")), TERMS, None, ShiftTaken),
        (held(("li", TUE, "d"), ("li", THU, "d"), ("wang", THU, "d")), TERMS, THU, ShiftTaken),
        (held(("li", TUE, "d")), Terms(("B",), 5, 6), None, NotSkilledForZone),
        (held(("li", TUE, "d")), Terms(("A",), 5, 6, frozenset({TUE})), None, OnLeave),
        (held(("li", TUE, "early"), ("wang", MON, "late")), TERMS, None, NoRest),
        (held(("li", TUE, "late"), ("wang", WED, "early")), TERMS, None, NoRest),
        (held(("li", TUE, "d"), ("wang", MON, "d"), ("wang", WED, "d")), Terms(("A",), 5, 2), None, NoRest),
        (held(("li", TUE, "d"), ("wang", THU, "d")), Terms(("A",), 1, 6), None, WeekFull),
        (held(("li", TUE, "d"), ("wang", THU, "d")), Terms(("A",), 1, 6), THU, None),
        (held(("li", TUE, "d"), ("wang", THU, "d")), Terms(("A",), 5, 6, hours=13), None, WeekFull),
        (held(("li", TUE, "d"), ("wang", THU, "d")), Terms(("A",), 5, 6, hours=14), None, None),
    ],
    ids=[
        "taken over", "exchanged", "no shift", "works that day", "asker works that day", "another zone", "on leave",
        "late before early", "early after late", "too many days in a row", "week full", "week as full as before",
        "hours full", "hours suffice",
    ],
)  # fmt: skip
def test_a_swap_breaks_nothing(
    shifts: dict[tuple[str, date], Held], terms: Terms, other_day: date | None, refused: type[Exception] | None
) -> None:
    here = World(shifts, {"li": TERMS, "wang": terms}, {"late": ("early",)}, minutes={"d": 420})
    if refused is None:
        then = after(here, "li", TUE, "wang", other_day).shifts
        assert ("wang", TUE) in then and ("li", TUE) not in then
        assert other_day is None or (("li", other_day) in then and ("wang", other_day) not in then)
    else:
        with pytest.raises(refused):
            after(here, "li", TUE, "wang", other_day)


@pytest.fixture
async def monday(db: Connection, hall: Hall) -> Hall:
    """Monday at eight: li works Tuesday, wang Thursday, zhao Friday in zone B; all published."""
    await at(db, f"{MON} 08:00+08")
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B')", hall.id)
    await db.execute("INSERT INTO shift_patterns VALUES ($1, 'd', 540, 1020)", hall.id)
    for name, zone in (("li", "A"), ("wang", "A"), ("zhao", "B")):
        await set_contract(db, hall, Clerk(name, (zone,), home=zone))
    for name, day, zone in (("li", TUE, "A"), ("wang", THU, "A"), ("zhao", FRI, "B")):
        await place(db, hall, day, name, "d", zone, actor="manager:lin")
    await publish(db, hall, WEEK, actor="manager:lin")
    return hall


async def stands(db: Connection, hall: Hall) -> list[tuple[str, date]]:
    return [(it.clerk, it.day) for it in await placed(db, hall, WEEK)]


async def test_only_what_can_be_is_offered(db: Connection, monday: Hall) -> None:
    here = await world(db, monday, TUE, TUE + timedelta(14))
    assert options(here, "li", TUE, MON) == [Option("wang", None, None), Option("wang", THU, Held("d", "A"))]


async def test_a_swap_is_asked_agreed_and_approved_once(db: Connection, monday: Hall) -> None:
    press = Press(b"1" * 32, b"2" * 32)
    swap = await ask_swap(db, monday, "li", TUE, "wang", THU, press=press)
    assert await ask_swap(db, monday, "li", TUE, "wang", THU, press=press) == swap
    with pytest.raises(SwapOpen):
        await ask_swap(db, monday, "li", TUE, "wang", None)
    with pytest.raises(SwapGone):
        await decide_swap(db, monday, swap, approve=True, actor="manager:lin")
    with pytest.raises(NotFound):
        await answer_swap(db, monday, swap, "zhao", agree=True)
    assert await answer_swap(db, monday, swap, "wang", agree=True)
    assert not await answer_swap(db, monday, swap, "wang", agree=True)
    assert (await get_swap(db, monday, swap)).zones == ["A"]
    assert await decide_swap(db, monday, swap, approve=True, actor="leader:he")
    assert not await decide_swap(db, monday, swap, approve=True, actor="leader:he")
    assert await stands(db, monday) == [("wang", TUE), ("li", THU), ("zhao", FRI)]
    assert not await withdraw_swap(db, monday, swap, "li")


async def test_two_who_approve_at_once_exchange_once(db: Connection, pool: Pool, monday: Hall) -> None:
    swap = await ask_swap(db, monday, "li", TUE, "wang", THU)
    await answer_swap(db, monday, swap, "wang", agree=True)

    async def approve() -> bool:
        async with pool.acquire() as mine:
            return await decide_swap(mine, monday, swap, approve=True, actor="leader:he")

    assert sorted(await asyncio.gather(approve(), approve())) == [False, True]
    assert await stands(db, monday) == [("wang", TUE), ("li", THU), ("zhao", FRI)]


async def test_a_refusal_needs_a_reason_and_the_other_may_say_no(db: Connection, monday: Hall) -> None:
    swap = await ask_swap(db, monday, "li", TUE, "wang", None)
    await answer_swap(db, monday, swap, "wang", agree=True)
    with pytest.raises(BadInput):
        await decide_swap(db, monday, swap, approve=False, actor="manager:lin")
    assert await decide_swap(db, monday, swap, approve=False, actor="manager:lin", reason="周四人手不够")
    second = await ask_swap(db, monday, "li", TUE, "wang", None)
    assert await answer_swap(db, monday, second, "wang", agree=False)
    with pytest.raises(SwapGone):
        await answer_swap(db, monday, second, "wang", agree=True)
    third = await ask_swap(db, monday, "li", TUE, "wang", None)
    assert await withdraw_swap(db, monday, third, "li")
    assert [(it.state, it.reason) for it in await swaps(db, monday, MON, "wang")] == [
        ("withdrawn", None), ("refused", None), ("refused", "周四人手不够"),
    ]  # fmt: skip
    assert await stands(db, monday) == [("li", TUE), ("wang", THU), ("zhao", FRI)]


async def test_nobody_gets_another_shift_than_the_one_that_was_asked_about(db: Connection, monday: Hall) -> None:
    await db.execute("INSERT INTO shift_patterns VALUES ($1, 'late', 720, 1200)", monday.id)
    swap = await ask_swap(db, monday, "li", TUE, "wang", THU)
    await place(db, monday, TUE, "li", "late", "A", actor="manager:lin")
    with pytest.raises(NoSuchShift):
        await answer_swap(db, monday, swap, "wang", agree=True)
    await place(db, monday, TUE, "li", "d", "A", actor="manager:lin")
    assert await answer_swap(db, monday, swap, "wang", agree=True)
    await place(db, monday, THU, "wang", "late", "A", actor="manager:lin")
    with pytest.raises(NoSuchShift):
        await decide_swap(db, monday, swap, approve=True, actor="leader:he")
    assert await stands(db, monday) == [("li", TUE), ("wang", THU), ("zhao", FRI)]
    assert await decide_swap(db, monday, swap, approve=False, actor="leader:he", reason="班次已改")


async def test_what_changed_meanwhile_is_seen_when_it_is_approved(db: Connection, monday: Hall) -> None:
    swap = await ask_swap(db, monday, "li", TUE, "wang", None)
    await answer_swap(db, monday, swap, "wang", agree=True)
    away = await ask_leave(db, monday, "wang", TUE, TUE, "sick")
    await decide_leave(db, monday, away, approve=True, actor="manager:lin")
    with pytest.raises(OnLeave):
        await decide_swap(db, monday, swap, approve=True, actor="manager:lin")
    assert (await get_swap(db, monday, swap)).state == "agreed"
    await at(db, f"{TUE} 09:30+08")
    with pytest.raises(NoSuchShift):
        await decide_swap(db, monday, swap, approve=True, actor="manager:lin")
