"""Why a part of a day is short: of everybody who could serve there, what keeps each away."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta

import msgspec

from scheduling.roster.problem import Clerk, Pattern, Plan, Problem, Shift, Short, barred_by_rest

# Each skilled clerk is counted under the first reason that holds, so that the numbers add up to `skilled`.
REASONS = ("here", "away", "taken_off", "elsewhere", "other_hours", "no_such_shift", "week_full", "stretch_full", "rest", "free")


class Why(msgspec.Struct, frozen=True):
    """A shortage and its reasons: `skilled` clerks can serve the zone, `kept` counts what keeps them, by REASONS.

    here: works there then; away: on leave; taken_off: a hand took them off the day; elsewhere: serves another zone then;
    other_hours: works that day at other hours; no_such_shift: works no shift that covers it; week_full: has all shifts of
    the week; stretch_full: as many days in a row as allowed; rest: worked late the day before or begins early the day
    after; free: could come, and was left at home for a fairer or cheaper plan.
    """

    short: Short
    skilled: int
    kept: Mapping[str, int]


def explain(problem: Problem, plan: Plan) -> list[Why]:
    """The reasons of every shortage of a plan, the worst first."""
    worked = {(shift.clerk, shift.day): shift for shift in plan.shifts}
    patterns = {pattern.code: pattern for pattern in problem.patterns}
    found = []
    for short in sorted(plan.short, key=lambda it: (-it.least, -it.missing, it.day, it.zone, it.begins)):
        skilled = [clerk for clerk in problem.clerks if short.zone in clerk.skills]
        kept = Counter(keeps(problem, patterns, worked, clerk, short) for clerk in skilled)
        found.append(Why(short, len(skilled), {reason: kept[reason] for reason in REASONS if kept[reason]}))
    return found


def keeps(
    problem: Problem, patterns: Mapping[str, Pattern], worked: Mapping[tuple[str, date], Shift], clerk: Clerk, short: Short
) -> str:
    """What keeps one clerk from a part of a day: the first of REASONS that holds."""
    shift = worked.get((clerk.name, short.day))
    if shift is not None:
        there = patterns[shift.pattern].covers(short.begins, short.ends)
        return "other_hours" if not there else "here" if shift.zone == short.zone else "elsewhere"
    if short.day in clerk.away:
        return "away"
    if (short.day, clerk.name) in problem.closed:
        return "taken_off"
    today = problem.allowed.get(short.day)
    covering = [
        pattern for pattern in patterns.values()
        if pattern.covers(short.begins, short.ends) and (today is None or pattern.code in today)
        and (clerk.patterns is None or pattern.code in clerk.patterns)
    ]  # fmt: skip
    if not covering:
        return "no_such_shift"
    week = problem.days.index(short.day) // 7 * 7
    mine = [worked[clerk.name, day] for day in problem.days[week : week + 7] if (clerk.name, day) in worked]
    shortest = min(pattern.minutes for pattern in covering)
    over = clerk.hours is not None and sum(patterns[it.pattern].minutes for it in mine) + shortest > 60 * clerk.hours
    if len(mine) >= clerk.shifts or over:
        return "week_full"
    if longest_run(problem, worked, clerk, short.day) > clerk.stretch:
        return "stretch_full"
    before, after = (worked.get((clerk.name, short.day + timedelta(n))) for n in (-1, 1))
    barred = barred_by_rest(problem, clerk, short.day)
    if all(
        pattern.code in barred or
        (before is not None and pattern.code in patterns[before.pattern].not_before)
        or (after is not None and after.pattern in pattern.not_before)
        for pattern in covering
    ):  # fmt: skip
        return "rest"
    return "free"


def longest_run(problem: Problem, worked: Mapping[tuple[str, date], Shift], clerk: Clerk, also: date) -> int:
    """How many days in a row it would be if `also` were worked too, with those before the first day and after the last."""
    at = problem.days.index(also)
    before = at - 1
    while before >= 0 and (clerk.name, problem.days[before]) in worked:
        before -= 1
    after = at + 1
    while after < len(problem.days) and (clerk.name, problem.days[after]) in worked:
        after += 1
    return after - before - 1 + (clerk.run if before < 0 else 0) + (clerk.follow if after == len(problem.days) else 0)
