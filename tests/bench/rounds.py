"""V: a day of 60 doorstep visits and 8 teams is planned: seconds, kilometres and lateness against first come, first served."""

import asyncio
import time
from random import Random

from scheduling.rounds.problem import Lunch, Plan, Problem, Round, Team, Visit
from scheduling.rounds.solver import solve
from scheduling.rounds.timing import first_come
from scheduling.rounds.travel import Point, Travel
from scheduling.rounds.why import reasons
from tests.bench.figures import Figure, Pair, absolute, table

SEEDS = (601, 602, 603, 604, 605)  # days that nobody looked at while the planner was made
LIMIT_S = 20.0
HOUR = 3600
CENTRE = Point(26.5921, 104.8305)
MATTERS = (("pension",), ("medical",), ("id_photo",), ("disability",), ("pension", "medical"))
KITS = ("printer", "camera", "fingerprint")


def day(seed: int, *, visits: int = 60, teams: int = 8) -> Problem:
    """A day of a town 24 km across with three suburbs: wanted times of one to four hours, matters and kits as they fall."""
    chance = Random(seed)
    towns = [Point(CENTRE.lat + chance.uniform(-0.1, 0.1), CENTRE.lon + chance.uniform(-0.1, 0.1)) for _ in range(3)]

    def door() -> Point:
        at, wide = (CENTRE, 0.035) if chance.random() < 0.6 else (chance.choice(towns), 0.018)
        return Point(round(at.lat + chance.gauss(0, wide), 6), round(at.lon + chance.gauss(0, wide), 6))

    def wanted() -> tuple[tuple[int, int], ...]:
        if chance.random() < 0.15:  # either early or late
            return ((9 * HOUR, 10 * HOUR + 1800), (14 * HOUR + 1800, 16 * HOUR))
        first = chance.choice((9, 9.5, 10, 11, 13, 14, 14.5, 15))
        return ((int(first * HOUR), int(min(16.5, first + chance.choice((1, 1.5, 2, 4))) * HOUR)),)

    doors = [
        Visit(
            f"v{n:02}", door(), wanted(), 60 * chance.choice((15, 20, 25, 30, 40)), frozenset(chance.choice(MATTERS)),
            frozenset(kit for kit in KITS if chance.random() < 0.2), weight=2 if chance.random() < 0.1 else 1, asked=n,
        )
        for n in range(visits)
    ]  # fmt: skip
    known = ["pension", "medical", "id_photo", "disability"]
    crews = [
        Team(
            f"t{n + 1}", CENTRE, CENTRE, int((8.5 + n % 2 * 0.5) * HOUR), int((17 + n % 2 * 0.5) * HOUR),
            frozenset(known if n % 2 == 0 else chance.sample(known, 3)),
            frozenset(KITS if n % 3 == 0 else chance.sample(KITS, 2)),
            lunch=Lunch(int(11.5 * HOUR), 13 * HOUR, 45 * 60),
        )
        for n in range(teams)
    ]  # fmt: skip
    return Problem(tuple(doors), tuple(crews), Travel(), CENTRE, 40_000)


def by_list(problem: Problem, rounds: list[Round]) -> Plan:
    """The same day by the list, as a plan to compare with."""
    return Plan(tuple(rounds), reasons(problem, rounds))


async def measure(*, days: int, visits: int, teams: int) -> list[Figure]:
    """Plan each day as the manager's button does, in the solver's own process, beside the list of the same day."""
    seconds, plans, lists, clever = [], [], [], []
    for seed in SEEDS[:days]:
        asked = day(seed, visits=visits, teams=teams)
        began = time.monotonic()
        plans.append(await solve(asked))
        seconds.append(time.monotonic() - began)
        lists.append(by_list(asked, list(plans[-1].listed)))
        clever.append(by_list(asked, first_come(asked, nearest=True)))
    what = f"{visits} visits by {teams} teams"
    return [
        absolute("V", f"{what} are planned", seconds, LIMIT_S, "s"),
        *against("first come, first served", what, plans, lists),
        *against("first come, nearest team", what, plans, clever),
    ]


def against(name: str, what: str, plans: list[Plan], others: list[Plan]) -> list[Figure]:
    """Kilometres and minutes late of all days, and who is not visited, with the margin. Fewer of each is the goal."""
    ways = Pair([it.metres / 1000 for it in others], [it.metres / 1000 for it in plans])
    left = sum(len(it.unserved) for it in plans), sum(len(it.unserved) for it in others)
    late = sum(it.late for it in plans) / 60, sum(it.late for it in others) / 60
    margin = f"{late[1] - late[0]:.0f} min less late, {left[1] - left[0]} more people visited"
    return [
        ways.at_most("V", f"{what}, way against {name} ({1 - ways.ratio:.0%} less)", 1.0, "km"),
        Figure("V", f"{what}, late against {name} ({margin})", f"{late[1]:.0f} min, {left[1]} left out",
               f"{late[0]:.0f} min, {left[0]} left out", None, f"{len(plans)} days", "not more",
               late[0] <= late[1] and left[0] <= left[1]),
    ]  # fmt: skip


if __name__ == "__main__":
    print(table(asyncio.run(measure(days=len(SEEDS), visits=60, teams=8))))
