"""The shortest rounds that keep every promise: PyVRP, in a process of its own with a time limit, timed again by our own clock."""

import asyncio
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from scheduling.rounds.problem import Plan, Problem, Round, Team, Visit
from scheduling.rounds.timing import Clock, first_come, reachable
from scheduling.rounds.travel import Point, crow
from scheduling.rounds.why import reasons

if TYPE_CHECKING:
    from pyvrp import ProblemData, Solution

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 8.0
GRACE_S = 12.0  # to start, to read, to time the rounds again; then the process is killed
ITERATIONS = 20_000
SETTLED = 4_000  # so many tries without a shorter plan are enough

# What one of each is worth, in metres of way. To leave a door out is worse than any detour, to be late worse than most.
LEFT_OUT, PROMISE, BEING_LATE = 400_000, 4, 100_000
CLOSED_S = 1_000_000  # a way that may not be gone takes longer than the day
CLOSED_M = 10_000_000
TABLES = 7  # places offered for a team's lunch beside where it starts; the real one is found by our own clock


class Unsolved(Exception):
    """The solver ended without an answer; `why` is one of store.FAILURES."""

    def __init__(self, why: str, words: str) -> None:
        super().__init__(words)
        self.why = why


async def solve(problem: Problem, *, limit_s: float = LIMIT_S, iterations: int = ITERATIONS, seed: int = 1) -> Plan:
    """The best rounds found within `limit_s` seconds. Unsolved when the solver's process dies or does not end in time."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", __name__, str(limit_s), str(iterations), str(seed),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        async with asyncio.timeout(limit_s + GRACE_S):
            said, wrong = await child.communicate(msgspec.json.encode(problem))
    except TimeoutError:
        raise Unsolved("timeout", f"no answer after {limit_s + GRACE_S:.0f} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        raise Unsolved("died", wrong.decode()[-500:] or f"ended with code {child.returncode}")
    return msgspec.json.decode(said, type=Plan)


def run(problem: Problem, limit_s: float, iterations: int, seed: int) -> Plan:
    """Solve in this process. Only the child does: the solver holds the interpreter while it thinks."""
    began = time.monotonic()
    clock = Clock(problem)
    visits = [visit for visit in problem.visits if reachable(problem, visit)]
    orders: dict[str, list[Visit]] = {team.id: [] for team in problem.teams}
    if visits and problem.teams:
        orders |= searched(problem, visits, limit_s, iterations, seed)
    rounds = settle(problem, clock, visits, orders)
    took = time.monotonic() - began
    return Plan(tuple(rounds), reasons(problem, rounds), took, tuple(first_come(problem)))


def searched(problem: Problem, visits: list[Visit], limit_s: float, iterations: int, seed: int) -> dict[str, list[Visit]]:
    """Each team's visits in order, as the solver would have them."""
    import pyvrp
    from pyvrp.stop import MaxIterations, MaxRuntime, MultipleCriteria, NoImprovement

    data, whose = build(problem, visits)
    stop = MultipleCriteria([MaxRuntime(limit_s), MaxIterations(iterations), NoImprovement(SETTLED)])
    found: Solution = pyvrp.solve(data, stop, seed=seed, collect_stats=False, display=False).best
    orders: dict[str, list[Visit]] = {}
    for route in found.routes():
        clients = [activity.idx for activity in route.schedule() if activity.is_client()]
        orders[problem.teams[route.vehicle_type()].id] = [visits[whose[n]] for n in clients if whose[n] >= 0]
    return orders


def build(problem: Problem, visits: list[Visit]) -> tuple["ProblemData", list[int]]:
    """The solver's problem, and which visit each of its clients stands for (-1: a lunch).

    A team is a kind of vehicle of its own: its own clock, start and end, and a table of ways on which the doors it may not go
    to are out of the day's reach. A door with several wanted times is several clients of which one is visited. The solver
    wants a place for lunch, so it may choose one of a few; where the team really eats is settled by `Clock`.
    """
    import numpy as np
    import pyvrp

    teams = problem.teams
    places: list[Point] = [visit.point for visit in visits]
    clients: list[pyvrp.Client] = []
    whose: list[int] = []
    groups: list[pyvrp.ClientGroup] = []
    depots: list[pyvrp.Depot] = []
    kinds: list[pyvrp.VehicleType] = []

    def choose_one(options: Sequence[tuple[int, int, int, int, int]], visit: int, *, required: bool) -> None:
        """One of these (place, first, last, lasts, worth) is called at."""
        group = len(groups) if len(options) > 1 else None
        if group is not None:
            groups.append(pyvrp.ClientGroup(list(range(len(clients), len(clients) + len(options))), required))
        for place, first, last, lasts, worth in options:
            load = [1 if visit >= 0 else 0]
            must = required and group is None
            clients.append(pyvrp.Client(place, load, [], lasts, first, last, 0, worth, must, group))
            whose.append(visit)

    for n, visit in enumerate(visits):
        worth = LEFT_OUT * visit.weight * (PROMISE if visit.promised else 1)
        options = [(n, first, last, visit.lasts, worth) for first, last in visit.windows]
        if visit.promised:
            late = max(last for _, last in visit.windows)
            options.append((n, late + 1, max(team.ends for team in teams) + late, visit.lasts, worth - BEING_LATE))
        choose_one(options, n, required=False)
    own: list[set[int]] = []  # the places of a team that no other goes to
    for n, team in enumerate(teams):
        first = len(places)
        places += [team.start, team.end]
        depots += [pyvrp.Depot(first), pyvrp.Depot(first + 1)]
        tables: list[Point] = []
        lunch = team.lunch
        if lunch is not None and team.begins <= lunch.latest and lunch.earliest + lunch.lasts <= team.ends:
            tables = [team.start, *spread(team.start, [visit.point for visit in visits if team.fits(visit)], TABLES)]
            choose_one(
                [(len(places) + k, lunch.earliest, lunch.latest, lunch.lasts, 0) for k in range(len(tables))], -1, required=True
            )
        places += tables
        own.append(set(range(first, len(places))))
        kinds.append(
            pyvrp.VehicleType(
                1, [max(0, team.room)], 2 * n, 2 * n + 1, 0, team.begins, max(team.begins, team.ends),
                unit_distance_cost=1, unit_duration_cost=1, profile=n,
            )
        )  # fmt: skip
    ways = problem.travel.ways(places)
    far = np.array([[way[0] for way in row] for row in ways], dtype=np.int64)
    long = np.array([[way[1] for way in row] for row in ways], dtype=np.int64)
    distances: list[Any] = []
    durations: list[Any] = []
    for n, team in enumerate(teams):
        closed = [k for k, visit in enumerate(visits) if not team.fits(visit)]
        closed += [k for m, others in enumerate(own) if m != n for k in others]
        distance, duration = far.copy(), long.copy()
        for table, much in ((distance, CLOSED_M), (duration, CLOSED_S)):
            table[closed, :] = table[:, closed] = much
            np.fill_diagonal(table, 0)
        distances.append(distance)
        durations.append(duration)
    locations = [pyvrp.Location(point.lat, point.lon) for point in places]
    data = pyvrp.ProblemData(locations, clients, depots, kinds, distances, durations, groups)
    return data, whose


def spread(start: Point, points: Iterable[Point], most: int) -> list[Point]:
    """At most so many of these places, each the furthest from those taken before it."""
    left, taken = sorted(set(points)), [start]
    while left and len(taken) <= most:
        furthest = max(left, key=lambda it: min(crow(it, other) for other in taken))
        left.remove(furthest)
        taken.append(furthest)
    return taken[1:]


def settle(problem: Problem, clock: Clock, visits: list[Visit], orders: dict[str, list[Visit]]) -> list[Round]:
    """The rounds by our own clock: what does not hold is taken out, what is left over goes where it costs the least way."""
    teams = {team.id: team for team in problem.teams}
    rounds: dict[str, Round] = {}
    for team in problem.teams:
        order = orders[team.id]
        while order and not clock.holds(team, clock.round(team, order)):
            order = min((without(order, n) for n in range(len(order))), key=lambda it: strain(clock, team, it))
        orders[team.id], rounds[team.id] = order, clock.round(team, order)
    placed = {visit.id for order in orders.values() for visit in order}
    for visit in sorted(visits, key=lambda it: (not it.promised, -it.weight, it.asked)):
        if visit.id not in placed:
            insert(clock, teams, orders, rounds, visit)
    return [steadied(clock, teams[name], order, rounds[name]) for name, order in orders.items()]


def steadied(clock: Clock, team: Team, order: list[Visit], found: Round) -> Round:
    """The round with everybody at the time they were told, else no sooner, as far as it still holds and nobody is later for it:
    each time that stays is a citizen who need not be told."""
    for n, visit in enumerate(order):
        first, last = visit.windows[0]
        if visit.told is None or not first <= visit.told <= last or found.stops[n].begins == visit.told:
            continue
        for end in (visit.told, last):
            tried = [*order[:n], msgspec.structs.replace(visit, windows=((visit.told, end),)), *order[n + 1 :]]
            timed = clock.round(team, tried)
            if clock.holds(team, timed) and timed.late <= found.late:
                order, found = tried, timed
                break
    return found


def without(order: list[Visit], n: int) -> list[Visit]:
    return order[:n] + order[n + 1 :]


def strain(clock: Clock, team: Team, order: list[Visit]) -> tuple[bool, int, int]:
    """How far a round is from holding: by its own rules, by the minutes after the shift, by the way."""
    tried = clock.round(team, order)
    return not clock.holds(team, tried), max(0, tried.home - team.ends) + tried.late, tried.metres


def insert(clock: Clock, teams: dict[str, Team], orders: dict[str, list[Visit]], rounds: dict[str, Round], visit: Visit) -> None:
    """Put a visit where it holds with the least lateness and way, if anywhere."""
    best: tuple[tuple[int, int], str, list[Visit], Round] | None = None
    for team in teams.values():
        if not team.fits(visit):
            continue
        for at in range(len(orders[team.id]) + 1):
            order = [*orders[team.id][:at], visit, *orders[team.id][at:]]
            tried = clock.round(team, order)
            key = (tried.late - rounds[team.id].late, tried.metres - rounds[team.id].metres)
            if clock.holds(team, tried) and (best is None or key < best[0]):
                best = (key, team.id, order, tried)
    if best is not None:
        orders[best[1]], rounds[best[1]] = best[2], best[3]


if __name__ == "__main__":
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no part of the answer
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Problem)
    with answer:
        answer.write(msgspec.json.encode(run(asked, float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
