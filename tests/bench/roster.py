"""R: a week of a great hall is rostered: seconds until the plan is there, and how far it can be from the best one."""

import asyncio
import time
from datetime import date, timedelta
from random import Random

from scheduling.roster.problem import Clerk, Need, Pattern, Problem
from scheduling.roster.solver import solve
from tests.bench.figures import Figure, absolute, table

MONDAY = date(2027, 3, 1)
NINE, FIVE = 9 * 60, 17 * 60
LIMIT_S = 60.0
SHIFTS = (
    Pattern("full_1", NINE, FIVE, ((690, 750),)), Pattern("full_2", NINE, FIVE, ((750, 810),)),
    Pattern("early", NINE, 14 * 60), Pattern("late", 12 * 60, FIVE, not_before=("early",)),
)  # fmt: skip
ZONES = "ABCDEFGHIJ"


def week(windows: int, clerks: int, seed: int = 7) -> Problem:
    """A week of ten zones: people come in two waves, Saturday is short, a tenth is on leave or wishes a day off."""
    chance, days = Random(seed), tuple(MONDAY + timedelta(n) for n in range(7))
    each = windows // len(ZONES)
    needs = [
        Need(day, zone, at, at + 15, max(1, round(each * share(at) * chance.uniform(0.75, 1.0) * (0.4 if n == 5 else 1))), 1)
        for n, day in enumerate(days[:6]) for zone in ZONES for at in range(NINE, FIVE, 15)
    ]  # fmt: skip
    people = []
    for n in range(clerks):
        home = ZONES[n % len(ZONES)]
        people.append(
            Clerk(
                f"clerk{n:03}", (home, ZONES[(n + 1) % len(ZONES)]), home=home,
                rest_days=chance.randrange(9), run=chance.randrange(4),
                away={day: "leave" for day in days if chance.random() < 0.05},
                wishes={day: 1 for day in days if chance.random() < 0.1},
            )
        )  # fmt: skip
    return Problem(days, days[5:], SHIFTS, tuple(people), tuple(needs))


def share(at: int) -> float:
    """How much of the windows a quarter of an hour needs: most at ten and at three, little over noon."""
    return 0.85 if 570 <= at < 690 or 840 <= at < 960 else 0.5


async def measure(*, windows: int, clerks: int) -> list[Figure]:
    """Build and solve it as the manager's button does, in the solver's own process."""
    asked = week(windows, clerks)
    began = time.monotonic()
    plan = await solve(asked)
    seconds = time.monotonic() - began
    gap = "none" if plan.gap is None else f"{plan.gap:.2%}"
    note = f"{len(plan.shifts)} shifts, {len(plan.short)} parts of days short ({plan.status})"
    what = f"a week of {windows} windows and {clerks} clerks is rostered, gap {gap}"
    return [absolute("R", what, [seconds], LIMIT_S, "s", note)]


if __name__ == "__main__":
    print(table(asyncio.run(measure(windows=130, clerks=160))))
