"""A week's roster in the database: built from people and demand, solved, changed by hand, published."""

import asyncio
from datetime import date, timedelta

import asyncpg
import pytest

from floor.database import Connection, Pool
from queueing.halls import Hall, get_hall
from scheduling.days import calendar
from scheduling.errors import NoSuchRoster, NotSkilledForZone, OnLeave, Solving
from scheduling.roster.patterns import lay_patterns, patterns
from scheduling.roster.problem import Clerk, Pattern, Problem, Shift
from scheduling.roster.solver import solve
from scheduling.roster.store import (
    Placed,
    begin_solving,
    clerks,
    find_roster,
    last_change,
    place,
    placed,
    problem_of,
    publish,
    save_plan,
    set_contract,
    stop_solving,
    undo,
)
from scheduling.statutory import keep_known
from tests.scheduling.clocks import at

WEEK = date(2026, 11, 23)
DAYS = [WEEK + timedelta(n) for n in range(7)]
NINE, FIVE = 9 * 60, 17 * 60
ONE, TWO = "0900_1700_1", "0900_1700_2"
SICK = """
INSERT INTO leaves (hall, clerk, first, last, kind, state, decided_by)
VALUES ($1, 'li', $2, $2, 'sick', 'approved', 'manager:lin')
"""


@pytest.fixture
async def staffed(db: Connection, hall: Hall) -> Hall:
    """The hall with its own hours and four clerks of zone A, in a year that is known."""
    await keep_known(db, WEEK)
    await db.execute("UPDATE halls SET always_open = false")
    kept = await get_hall(db, "demo")
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B')", kept.id)
    for name in ("li", "wang", "zhao", "chen"):
        await set_contract(db, kept, Clerk(name, ("A",), home="A"))
    return kept


async def asked(db: Connection, hall: Hall) -> Problem:
    """What the week asks for, with the usual shifts laid as the clock lays them."""
    await lay_patterns(db, hall)
    return await problem_of(db, hall, WEEK, anew=True)


async def solved(db: Connection, hall: Hall, run: str = "r1") -> bool:
    await begin_solving(db, hall, WEEK, run, actor="manager:lin")
    return await save_plan(db, hall, WEEK, run, await solve(await asked(db, hall), limit_s=20))


async def test_a_hall_has_two_lunches_to_choose_from_where_a_day_is_long(db: Connection, staffed: Hall) -> None:
    assert await lay_patterns(db, staffed) == 2
    assert await lay_patterns(db, staffed) == 0
    found, of_kind = await patterns(db, staffed)
    assert found == [Pattern(ONE, NINE, FIVE, ((690, 750),)), Pattern(TWO, NINE, FIVE, ((750, 810),))]
    assert of_kind == {kind: {ONE, TWO} for kind in ("weekday", "make_up", "special")}


async def test_a_day_in_two_sessions_has_their_pause_as_its_break(db: Connection, staffed: Hall) -> None:
    await lay_patterns(db, staffed)
    await db.execute("UPDATE day_sessions SET closes = '12:00', last_ticket = '11:30' WHERE hall = $1", staffed.id)
    await db.execute(
        "INSERT INTO day_sessions SELECT hall, day_type, 2, '13:30', '16:30', '17:00' FROM day_sessions WHERE hall = $1",
        staffed.id,
    )
    await lay_patterns(db, staffed)
    found, of_kind = await patterns(db, staffed)
    assert of_kind == {kind: {"0900_1700"} for kind in ("weekday", "make_up", "special")}
    assert [it for it in found if it.code == "0900_1700"] == [Pattern("0900_1700", NINE, FIVE, ((720, 810),))]


async def test_a_week_is_solved_and_kept_with_its_gap(db: Connection, staffed: Hall) -> None:
    assert await solved(db, staffed)
    found = await find_roster(db, staffed, WEEK)
    assert found is not None
    assert (found.state, found.status, found.solving) == ("draft", "optimal", None)
    assert found.gap is not None and found.gap < 0.01
    stands = await placed(db, staffed, WEEK)
    assert {it.day for it in stands} == set(DAYS[:5])
    for day in DAYS[:5]:
        assert {it.pattern for it in stands if it.day == day} == {ONE, TWO}


async def test_a_quota_says_how_many_windows_where_there_is_no_past(db: Connection, staffed: Hall) -> None:
    await db.execute("UPDATE services SET quota = CASE code WHEN 'A' THEN 40 ELSE 0 END WHERE hall = $1", staffed.id)
    wanted = (await asked(db, staffed)).needs
    assert {(need.zone, need.wanted) for need in wanted} == {("A", 1)}  # 40 visits of 6 minutes in 480
    await db.execute("UPDATE services SET quota = 80 WHERE hall = $1 AND code = 'A'", staffed.id)
    wanted = (await asked(db, staffed)).needs
    assert {(need.zone, need.wanted) for need in wanted} == {("A", 2)}


async def test_people_as_they_came_on_such_days_say_how_many_windows(db: Connection, staffed: Hall) -> None:
    """Twelve people a quarter of an hour between 10 and 11 is more than both windows; two after that need one."""
    for quarter, people in [(q, 12) for q in range(24, 28)] + [(q, 2) for q in range(28, 52)]:
        await db.execute(
            "INSERT INTO arrival_days (hall, day, service, quarter, people, credit, credit_s) VALUES ($1, $2, 'A', $3, $4, 0, 0)",
            staffed.id, WEEK - timedelta(7), quarter, people,
        )  # fmt: skip
    monday = [need for need in (await asked(db, staffed)).needs if need.day == WEEK]
    assert [(need.begins, need.wanted) for need in monday] == [(585, 2), (690, 1)]


async def test_days_off_worked_and_the_run_before_come_from_the_rosters(db: Connection, staffed: Hall) -> None:
    sunday = WEEK - timedelta(1)
    await lay_patterns(db, staffed)
    for day in (sunday - timedelta(1), sunday):
        await place(db, staffed, day, "li", ONE, "A", actor="manager:lin")
    before = {it.name: it for it in await clerks(db, staffed, WEEK, await calendar(db, staffed))}
    assert (before["li"].run, before["wang"].run) == (2, 0)
    assert before["li"].rest_days == 2
    await publish(db, staffed, WEEK - timedelta(7), actor="manager:lin")
    found = {it.name: it for it in await clerks(db, staffed, WEEK + timedelta(14), await calendar(db, staffed))}
    assert (found["li"].run, found["li"].rest_days, found["wang"].rest_days) == (0, 2, 0)


async def test_leave_wishes_and_what_a_hand_set_bear_on_the_week(db: Connection, staffed: Hall) -> None:
    await solved(db, staffed)
    await db.execute(SICK, staffed.id, WEEK)
    assert [it for it in await placed(db, staffed, WEEK) if (it.day, it.clerk) == (WEEK, "li")] == []
    with pytest.raises(OnLeave):
        await place(db, staffed, WEEK, "li", ONE, "A", actor="manager:lin")
    await place(db, staffed, DAYS[1], "wang", None, None, actor="manager:lin")
    await place(db, staffed, DAYS[5], "zhao", ONE, "A", actor="manager:lin")
    problem = await asked(db, staffed)
    assert problem.clerks[1].away == {WEEK: "sick"}
    assert (problem.fixed, problem.closed) == ((Shift(DAYS[5], "zhao", ONE, "A"),), ((DAYS[1], "wang"),))
    assert await solved(db, staffed)
    stands = {(it.day, it.clerk): it for it in await placed(db, staffed, WEEK)}
    assert (WEEK, "li") not in stands
    assert stands[DAYS[1], "wang"].pattern is None
    assert stands[DAYS[5], "zhao"] == Placed(DAYS[5], "zhao", ONE, "A", None, True)


async def test_the_database_itself_keeps_shifts_off_leave(db: Connection, staffed: Hall) -> None:
    await solved(db, staffed)
    await db.execute(SICK, staffed.id, WEEK)
    with pytest.raises(asyncpg.CheckViolationError) as broken:
        await db.execute(
            "INSERT INTO shifts (hall, week, day, clerk, pattern, zone) VALUES ($1, $2, $2, 'li', $3, 'A')", staffed.id, WEEK, ONE
        )
    assert broken.value.constraint_name == "no_shift_on_leave"


async def test_a_change_by_hand_is_taken_back(db: Connection, staffed: Hall) -> None:
    await solved(db, staffed)
    before = await placed(db, staffed, WEEK)
    await place(db, staffed, DAYS[2], "li", None, None, actor="manager:lin")
    await place(db, staffed, DAYS[5], "li", ONE, "A", actor="manager:lin")
    assert await placed(db, staffed, WEEK) != before
    for day in (DAYS[5], DAYS[2]):
        newest = await last_change(db, staffed, WEEK)
        assert newest is not None
        assert await undo(db, staffed, WEEK, newest[0]) == (day, "li")
        assert await undo(db, staffed, WEEK, newest[0]) is None
    assert await placed(db, staffed, WEEK) == before
    assert await last_change(db, staffed, WEEK) is None


async def test_nobody_is_put_where_their_contract_has_no_zone(db: Connection, staffed: Hall) -> None:
    await lay_patterns(db, staffed)
    with pytest.raises(NotSkilledForZone):
        await place(db, staffed, WEEK, "li", ONE, "B", actor="manager:lin")


async def test_one_run_at_a_time_and_a_stopped_one_leaves_nothing(db: Connection, staffed: Hall) -> None:
    await begin_solving(db, staffed, WEEK, "r1", actor="manager:lin")
    with pytest.raises(Solving):
        await begin_solving(db, staffed, WEEK, "r2", actor="manager:lin")
    plan = await solve(await asked(db, staffed), limit_s=20)
    assert await stop_solving(db, staffed, WEEK)
    assert not await save_plan(db, staffed, WEEK, "r1", plan)
    assert await placed(db, staffed, WEEK) == []


async def test_two_who_solve_at_once_find_one_run(pool: Pool, db: Connection, staffed: Hall) -> None:
    async def begin(run: str) -> str:
        async with pool.acquire() as mine:
            try:
                await begin_solving(mine, staffed, WEEK, run, actor="manager:lin")
            except Solving:
                return "solving"
            return "began"

    assert sorted(await asyncio.gather(begin("r1"), begin("r2"))) == ["began", "solving"]


async def test_a_roster_is_published_once(db: Connection, staffed: Hall) -> None:
    with pytest.raises(NoSuchRoster):
        await publish(db, staffed, WEEK, actor="manager:lin")
    await solved(db, staffed)
    assert await publish(db, staffed, WEEK, actor="manager:lin")
    assert not await publish(db, staffed, WEEK, actor="manager:lin")
    found = await find_roster(db, staffed, WEEK)
    assert found is not None
    assert (found.state, found.published_by) == ("published", "manager:lin")


async def test_solving_a_running_week_anew_leaves_what_was_worked(db: Connection, staffed: Hall) -> None:
    await solved(db, staffed)
    await publish(db, staffed, WEEK, actor="manager:lin")
    before = [it for it in await placed(db, staffed, WEEK) if it.day <= DAYS[2]]
    await at(db, f"{DAYS[2]} 10:00+08")
    for name in ("li", "wang", "zhao", "chen"):  # who worked at all would rather not
        await db.execute("INSERT INTO shift_wishes SELECT hall, $1, day, 'off' FROM shifts WHERE clerk = $1", name)
    assert await solved(db, staffed, "r2")
    after = await placed(db, staffed, WEEK)
    assert [it for it in after if it.day <= DAYS[2]] == before
    assert {it.day for it in after} == set(DAYS[:5])
