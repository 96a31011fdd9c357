"""The fairest roster that covers the day: a mixed integer program, solved in a process of its own with a time limit."""

import asyncio
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import msgspec

from scheduling.roster.problem import Clerk, Part, Pattern, Plan, Problem, Shift, Short, barred_by_rest, parts

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 50.0
GOOD_ENOUGH = 0.005  # a plan within half a percent of the best is taken

# What one of each costs. A zone below its least is worse than any number of windows too few, a window too few worse than
# any inconvenience; days off are shared by counting each clerk's next one higher than the last.
BELOW_LEAST, MISSING, NOBODY, REST_DAY, WISH, FOREIGN_ZONE, SHIFT = 1000.0, 60.0, 30.0, 4.0, 2.0, 1.0, 0.05


class Unsolved(Exception):
    """The solver ended without an answer."""


async def solve(problem: Problem, *, limit_s: float = LIMIT_S) -> Plan:
    """The best plan found within `limit_s` seconds. Unsolved when the solver's process dies or does not end in time."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", __name__, str(limit_s),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        async with asyncio.timeout(limit_s + 30):
            said, wrong = await child.communicate(msgspec.json.encode(problem))
    except TimeoutError:
        raise Unsolved(f"no answer after {limit_s + 30:.0f} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        raise Unsolved(wrong.decode()[-500:] or f"ended with code {child.returncode}")
    return msgspec.json.decode(said, type=Plan)


class Model:
    """The program's columns and rows, collected before the solver sees them."""

    def __init__(self) -> None:
        self.costs: list[float] = []
        self.uppers: list[float] = []
        self.whole: list[int] = []
        self.rows: list[tuple[float, float, list[int], list[float]]] = []

    def column(self, cost: float, upper: float, *, whole: bool) -> int:
        self.costs.append(cost)
        self.uppers.append(upper)
        if whole:
            self.whole.append(len(self.costs) - 1)
        return len(self.costs) - 1

    def row(self, least: float, most: float, entries: Iterable[tuple[int, float]]) -> None:
        listed = list(entries)
        self.rows.append((least, most, [column for column, _ in listed], [weight for _, weight in listed]))


INF = float("inf")


def build(problem: Problem) -> tuple[Model, dict[int, Shift]]:
    """The program, and which column is which shift."""
    model, shifts = Model(), {}
    on: dict[tuple[str, date], list[int]] = defaultdict(list)
    at: dict[tuple[date, str, str], list[int]] = defaultdict(list)
    fixed = {(shift.clerk, shift.day): shift for shift in problem.fixed}
    for clerk in problem.clerks:
        for day in problem.days:
            for shift in possible(problem, clerk, day, fixed.get((clerk.name, day))):
                column = model.column(cost_of(clerk, shift), 1.0, whole=True)
                shifts[column] = shift
                on[clerk.name, day].append(column)
                at[day, shift.zone, shift.pattern].append(column)
    for clerk in problem.clerks:
        limit_clerk(model, problem, clerk, on, shifts, {day for name, day in fixed if name == clerk.name})
    for part in parts(problem):
        cover(model, problem, part, at)
    return model, shifts


def possible(problem: Problem, clerk: Clerk, day: date, fixed: Shift | None) -> list[Shift]:
    """The shifts a clerk could work on a day: the one a hand has fixed, none on leave, else each pattern in each zone."""
    if fixed is not None:
        return [fixed]
    if day in clerk.away or (day, clerk.name) in problem.closed:
        return []
    today, barred = problem.allowed.get(day), barred_by_rest(problem, clerk, day)
    patterns = [
        pattern.code for pattern in problem.patterns
        if (today is None or pattern.code in today) and (clerk.patterns is None or pattern.code in clerk.patterns)
        and pattern.code not in barred
    ]  # fmt: skip
    return [Shift(day, clerk.name, pattern, zone) for pattern in patterns for zone in clerk.skills]


def cost_of(clerk: Clerk, shift: Shift) -> float:
    """What this shift costs by itself: the work, a zone that is not the clerk's own, a day they would rather have off."""
    foreign = FOREIGN_ZONE if clerk.home is not None and shift.zone != clerk.home else 0.0
    return SHIFT + foreign + WISH * clerk.wishes.get(shift.day, 0)


def limit_clerk(
    model: Model,
    problem: Problem,
    clerk: Clerk,
    on: dict[tuple[str, date], list[int]],
    shifts: dict[int, Shift],
    fixed: set[date],
) -> None:
    """One shift a day, so many a week, so many days in a row, rest between a late day and an early one; days off shared."""
    days = problem.days
    for day in days:
        if on[clerk.name, day]:
            model.row(1.0 if day in fixed else 0.0, 1.0, ((column, 1.0) for column in on[clerk.name, day]))
    for first in range(0, len(days), 7):
        week = [column for day in days[first : first + 7] for column in on[clerk.name, day]]
        most = max(clerk.shifts, sum(day in fixed for day in days[first : first + 7]))
        model.row(0.0, most, ((column, 1.0) for column in week))
        if clerk.hours is not None:
            long = {pattern.code: pattern.minutes for pattern in problem.patterns}
            set_by_hand = sum(long[shifts[c].pattern] for c in week if shifts[c].day in fixed)
            limit = max(60.0 * clerk.hours, set_by_hand)
            model.row(0.0, limit, ((column, float(long[shifts[column].pattern])) for column in week))
    for first in range(-clerk.run, len(days) - clerk.stretch):
        window = [days[n] for n in range(max(0, first), first + clerk.stretch + 1)]
        worked = -first if first < 0 else 0
        if window and not all(day in fixed for day in window):
            columns = [column for day in window for column in on[clerk.name, day]]
            model.row(0.0, max(0, clerk.stretch - worked), ((column, 1.0) for column in columns))
    for planned in range(1, min(clerk.follow, clerk.stretch) + 1):
        ending = days[max(0, len(days) - (clerk.stretch + 1 - planned)) :]
        if not all(day in fixed for day in ending):
            columns = [column for day in ending for column in on[clerk.name, day]]
            model.row(0.0, clerk.stretch - planned, ((column, 1.0) for column in columns))
    too_soon = {pattern.code: set(pattern.not_before) for pattern in problem.patterns if pattern.not_before}
    for day in days:
        late = [column for column in on[clerk.name, day] if shifts[column].pattern in too_soon]
        for code in {shifts[column].pattern for column in late}:
            early = [c for c in on[clerk.name, day + timedelta(1)] if shifts[c].pattern in too_soon[code]]
            mine = [column for column in late if shifts[column].pattern == code]
            if early and not {day, day + timedelta(1)} <= fixed:
                model.row(0.0, 1.0, ((column, 1.0) for column in mine + early))
    share_rest_days(model, problem, clerk, on)


def share_rest_days(model: Model, problem: Problem, clerk: Clerk, on: dict[tuple[str, date], list[int]]) -> None:
    """A day off worked costs more the more of them this clerk had in three months: the next goes to who had fewest."""
    columns = [column for day in problem.rest_days for column in on[clerk.name, day]]
    if columns:
        steps = [model.column(REST_DAY * (clerk.rest_days + n), 1.0, whole=False) for n in range(1, len(problem.rest_days) + 1)]
        model.row(0.0, 0.0, [*((column, 1.0) for column in columns), *((step, -1.0) for step in steps)])


def cover(model: Model, problem: Problem, part: Part, at: dict[tuple[date, str, str], list[int]]) -> None:
    """People at windows in a part of a day, and what it costs when they are fewer than wanted, or than the least."""
    hours = (part.ends - part.begins) / 60
    there = [
        column for pattern in problem.patterns if pattern.covers(part.begins, part.ends)
        for column in at[part.day, part.zone, pattern.code]
    ]  # fmt: skip
    missing = model.column(MISSING * hours, part.wanted, whole=False)
    model.row(part.wanted, INF, [*((column, 1.0) for column in there), (missing, 1.0)])
    if part.wanted > 1:  # two half-covered hours are better than one that nobody serves: lunches are taken in turn
        nobody = model.column(NOBODY * hours, 1.0, whole=False)
        model.row(1.0, INF, [*((column, 1.0) for column in there), (nobody, 1.0)])
    if part.least:
        below = model.column(BELOW_LEAST, part.least, whole=False)
        model.row(part.least, INF, [*((column, 1.0) for column in there), (below, 1.0)])


def run(problem: Problem, limit_s: float) -> Plan:
    """Solve in this process, `limit_s` seconds at most, reading and building included. Only the child does: the solver holds
    the interpreter while it thinks."""
    began = time.monotonic()
    import highspy
    import numpy as np

    model, shifts = build(problem)
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    left = max(1.0, limit_s - (time.monotonic() - began))  # on a busy machine the program itself takes seconds to build
    for option, value in (
        ("output_flag", False), ("time_limit", left), ("mip_rel_gap", GOOD_ENOUGH), ("threads", 1), ("random_seed", 1),
    ):  # fmt: skip
        highs.setOptionValue(option, value)
    count = len(model.costs)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = count, len(model.rows)
    program.col_cost_, program.col_lower_ = np.array(model.costs), np.zeros(count)
    program.col_upper_ = np.array(model.uppers)
    whole = set(model.whole)
    program.integrality_ = [
        highspy.HighsVarType.kInteger if n in whole else highspy.HighsVarType.kContinuous for n in range(count)
    ]
    program.row_lower_ = np.array([row[0] for row in model.rows])
    program.row_upper_ = np.array([row[1] if row[1] != INF else highspy.kHighsInf for row in model.rows])
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    starts = np.cumsum([0, *(len(row[2]) for row in model.rows)])
    program.a_matrix_.start_ = starts.astype(np.int32)
    program.a_matrix_.index_ = np.array([column for row in model.rows for column in row[2]], dtype=np.int32)
    program.a_matrix_.value_ = np.array([weight for row in model.rows for weight in row[3]], dtype=np.float64)
    highs.passModel(program)
    highs.run()
    info, status = highs.getInfo(), highs.getModelStatus()
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return Plan("none", (), (), None, time.monotonic() - began)
    values = highs.getSolution().col_value
    worked = tuple(sorted(shift for column, shift in shifts.items() if values[column] > 0.5))
    optimal = status == highspy.HighsModelStatus.kOptimal
    return Plan(
        "optimal" if optimal else "good", worked, short_of(problem, worked), float(info.mip_gap), time.monotonic() - began
    )


def short_of(problem: Problem, worked: Iterable[Shift]) -> tuple[Short, ...]:
    """Where a plan has fewer people than wanted, counted from the shifts themselves."""
    by_code: dict[str, Pattern] = {pattern.code: pattern for pattern in problem.patterns}
    by_day: dict[tuple[date, str], list[Shift]] = defaultdict(list)
    for shift in worked:
        by_day[shift.day, shift.zone].append(shift)
    found = []
    for part in parts(problem):
        there = sum(by_code[shift.pattern].covers(part.begins, part.ends) for shift in by_day[part.day, part.zone])
        if there < max(part.wanted, part.least):
            missing, least = max(part.wanted, part.least) - there, max(0, part.least - there)
            found.append(Short(part.day, part.zone, part.begins, part.ends, missing, least))
    return tuple(found)


if __name__ == "__main__":
    sys.stdout.buffer.write(
        msgspec.json.encode(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Problem), float(sys.argv[1])))
    )
