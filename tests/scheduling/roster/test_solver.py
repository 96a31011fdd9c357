"""A roster covers the day as far as people allow, keeps what was fixed, shares days off, and says what can't be met."""

from datetime import date, timedelta

import pytest

from scheduling.roster.problem import Clerk, Need, Part, Pattern, Plan, Problem, Shift, Short, parts
from scheduling.roster.solver import solve
from scheduling.roster.why import Why, explain

MONDAY = date(2027, 3, 1)
WEEK = tuple(MONDAY + timedelta(n) for n in range(7))
NINE, NOON, ONE, FIVE = 9 * 60, 12 * 60, 13 * 60, 17 * 60
FULL = Pattern("full", NINE, FIVE, ((NOON, ONE),))
LUNCH = Pattern("lunch", NINE, FIVE, ((NOON - 60, NOON),))
LATE = Pattern("late", NOON, 20 * 60, not_before=("early",))
EARLY = Pattern("early", 7 * 60, NOON)


def needs(wanted: int, days: tuple[date, ...] = WEEK[:5], zone: str = "A", least: int = 0) -> tuple[Need, ...]:
    return tuple(Need(day, zone, q, q + 15, wanted, least) for day in days for q in range(NINE, FIVE, 15))


def problem(clerks: tuple[Clerk, ...], wanted: tuple[Need, ...], **more: object) -> Problem:
    given = {"days": WEEK, "rest_days": WEEK[5:], "patterns": (FULL, LUNCH), "clerks": clerks, "needs": wanted}
    return Problem(**given | more)  # type: ignore[arg-type]


def at(plan: Plan, clerk: str) -> list[date]:
    return [shift.day for shift in plan.shifts if shift.clerk == clerk]


def test_a_day_is_cut_where_somebody_comes_or_goes_and_the_strongest_need_counts() -> None:
    wanted = (Need(MONDAY, "A", NINE, NINE + 15, 1), Need(MONDAY, "A", NINE + 15, NOON, 3, 1), Need(MONDAY, "A", NOON, ONE, 2))
    assert parts(problem((), wanted, patterns=(FULL,))) == [
        Part(MONDAY, "A", NINE, NOON, 3, 1), Part(MONDAY, "A", NOON, ONE, 2, 0)
    ]  # fmt: skip


async def test_enough_people_cover_the_week_over_lunch_too() -> None:
    clerks = tuple(Clerk(name, ("A",)) for name in ("li", "wang", "zhao", "chen"))
    plan = await solve(problem(clerks, needs(2)))
    assert (plan.status, plan.short) == ("optimal", ())
    assert plan.gap == pytest.approx(0.0, abs=0.005)
    for day in WEEK[:5]:
        there = [shift.pattern for shift in plan.shifts if shift.day == day]
        assert there.count("full") >= 2
        assert there.count("lunch") >= 2


async def test_lunches_are_taken_in_turn_where_both_cannot_be_covered() -> None:
    plan = await solve(problem((Clerk("li", ("A",)), Clerk("wang", ("A",))), needs(2, WEEK[:1])))
    assert {shift.pattern for shift in plan.shifts} == {"full", "lunch"}


async def test_nobody_works_while_away_and_the_shortage_is_counted() -> None:
    clerks = (Clerk("li", ("A",), away={MONDAY: "leave"}), Clerk("wang", ("B",)))
    plan = await solve(problem(clerks, needs(1, WEEK[:1]), patterns=(FULL,)))
    assert plan.shifts == ()
    assert plan.short == (
        Short(MONDAY, "A", NINE, NOON, 1, 0),
        Short(MONDAY, "A", NOON, ONE, 1, 0),
        Short(MONDAY, "A", ONE, FIVE, 1, 0),
    )
    assert explain(problem(clerks, needs(1, WEEK[:1]), patterns=(FULL,)), plan)[0] == Why(plan.short[0], 1, {"away": 1})


async def test_what_a_hand_fixed_stays_whatever_the_rules_say() -> None:
    clerk = Clerk("li", ("A",), shifts=2, away={WEEK[1]: "leave"})
    fixed = tuple(Shift(day, "li", "full", "A") for day in WEEK[:3])
    plan = await solve(problem((clerk, Clerk("wang", ("A",))), needs(1), fixed=fixed, closed=((WEEK[3], "wang"),)))
    assert at(plan, "li") == list(WEEK[:3])
    assert WEEK[3] not in at(plan, "wang")


async def test_nobody_has_more_shifts_or_days_in_a_row_than_the_contract() -> None:
    clerks = (Clerk("li", ("A",), shifts=3), Clerk("wang", ("A",), stretch=2, run=1))
    plan = await solve(problem(clerks, needs(2), patterns=(FULL,)))
    assert len(at(plan, "li")) == 3
    worked = [day in at(plan, "wang") for day in WEEK[:5]]
    in_a_row = [True, *worked]  # the day before the first was worked
    assert sum(worked) == 3
    assert not any(all(in_a_row[n : n + 3]) for n in range(len(in_a_row) - 2))


async def test_what_is_planned_around_the_week_bounds_it_too() -> None:
    """Six days in a row at most, of which four are planned from the Monday after; and a late shift was worked the day before."""
    clerk = Clerk("li", ("A",), shifts=7, follow=4, last="late")
    wanted = tuple(Need(day, "A", 7 * 60, NOON, 1) for day in WEEK)
    asked = problem((clerk,), wanted, patterns=(EARLY, LATE))
    plan = await solve(asked)
    assert [day in at(plan, "li") for day in (WEEK[0], *WEEK[4:])].count(True) == 2
    assert WEEK[0] not in at(plan, "li")
    assert {why.short.day: why.kept for why in explain(asked, plan)}[WEEK[0]] == {"rest": 1}


async def test_an_early_day_does_not_follow_a_late_one() -> None:
    wanted = (Need(WEEK[0], "A", NOON, 20 * 60, 1), Need(WEEK[1], "A", 7 * 60, NOON, 1))
    alone = problem((Clerk("li", ("A",)),), wanted, patterns=(EARLY, LATE))
    plan = await solve(alone)
    assert len(plan.shifts) == 1
    assert [why.kept for why in explain(alone, plan)] == [{"rest": 1}]


async def test_the_next_day_off_worked_goes_to_who_had_fewest() -> None:
    clerks = (Clerk("li", ("A",), rest_days=4), Clerk("wang", ("A",), rest_days=1), Clerk("zhao", ("A",), rest_days=6))
    plan = await solve(problem(clerks, needs(1, WEEK[5:]), patterns=(FULL,)))
    assert {shift.clerk for shift in plan.shifts if shift.day in WEEK[5:]} == {"wang"}


async def test_a_wish_is_met_where_it_costs_nobody_anything() -> None:
    clerks = (Clerk("li", ("A",), wishes={MONDAY: 1}), Clerk("wang", ("A",)))
    plan = await solve(problem(clerks, needs(1, WEEK[:1]), patterns=(FULL,)))
    assert [(shift.day, shift.clerk) for shift in plan.shifts] == [(MONDAY, "wang")]


async def test_a_zone_is_not_left_below_its_least_for_comfort_elsewhere() -> None:
    clerks = (Clerk("li", ("A", "B"), home="A"),)
    wanted = (*needs(3, WEEK[:1], "A"), *needs(1, WEEK[:1], "B", least=1))
    plan = await solve(problem(clerks, wanted, patterns=(FULL,)))
    assert [shift.zone for shift in plan.shifts] == ["B"]


async def test_a_short_day_allows_its_own_shifts_alone() -> None:
    clerks = (Clerk("li", ("A",)), Clerk("wang", ("A",), patterns=("full",)))
    saturday = WEEK[5]
    asked = problem(clerks, needs(2, (saturday,)), patterns=(FULL, EARLY), allowed={saturday: ("early",)})
    plan = await solve(asked)
    assert [(shift.clerk, shift.pattern) for shift in plan.shifts] == [("li", "early")]
    kept = {why.short.begins: why.kept for why in explain(asked, plan)}
    assert kept == {NINE: {"here": 1, "no_such_shift": 1}, NOON: {"other_hours": 1, "no_such_shift": 1},
                    ONE: {"other_hours": 1, "no_such_shift": 1}}  # fmt: skip


async def test_full_weeks_are_named_as_the_reason() -> None:
    alone = problem((Clerk("li", ("A",), shifts=4),), needs(1), patterns=(FULL, LUNCH))
    plan = await solve(alone)
    assert len(plan.shifts) == 4
    whole_days = [why for why in explain(alone, plan) if why.kept == {"week_full": 1}]
    assert {why.short.day for why in whole_days} == set(WEEK[:5]) - {shift.day for shift in plan.shifts}


async def test_hours_a_week_bind_and_are_named_as_the_reason() -> None:
    """Two clerks, one of 15 hours: of five days of seven hours one works two, and the three others want for somebody."""
    days = tuple(MONDAY + timedelta(n) for n in range(5))
    shape = Pattern("d", 540, 1020, ((720, 780),))
    needs = tuple(Need(day, "A", 540, 720, 1) for day in days)
    asked = Problem(days, (), (shape,), (Clerk("li", ("A",), hours=15),), needs)
    plan = await solve(asked, limit_s=20)
    assert (shape.minutes, len(plan.shifts), len(plan.short)) == (420, 2, 3)
    assert {tuple(why.kept) for why in explain(asked, plan)} == {("week_full",)}
