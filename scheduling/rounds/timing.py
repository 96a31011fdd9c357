"""A round walked through minute by minute: when each visit begins if its doors are called at in a given order."""

from collections.abc import Sequence
from functools import cache

from scheduling.rounds.problem import Lunch, Problem, Round, Stop, Team, Visit


class Clock:
    """Times rounds of one problem. It remembers ways, which are asked for again and again."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.visits = problem.by_id
        self.way = cache(problem.travel.way)

    def round(self, team: Team, order: Sequence[Visit]) -> Round:
        """The round in this order, each visit as early as it can begin, lunch where it costs least.

        Nothing is forbidden here: what is late says so, and `home` may be after the team's end; see `holds`.
        """
        if team.lunch is None or not order:
            return self.walked(team, order)
        plain = self.walked(team, order)
        if plain.home <= team.lunch.earliest or plain.stops[0].leaves >= team.lunch.latest + team.lunch.lasts:
            return plain  # back before lunch, or out after it
        with_lunch = (
            self.walked(team, order, team.lunch, at, before)
            for at in range(len(order) + 1) for before in (True, False)
        )  # fmt: skip
        return min(with_lunch, key=lambda it: (it.lunch_at is None, it.late, it.home))

    def walked(self, team: Team, order: Sequence[Visit], lunch: Lunch | None = None, at: int = -1, before: bool = True) -> Round:
        """The round with lunch before (or after) the way to the stop `at`; the way home is the last."""
        stops: list[Stop] = []
        now, here, metres, lunch_at = team.begins, team.start, 0, None

        def pause(now: int) -> int:
            nonlocal lunch_at
            if lunch is None or max(now, lunch.earliest) > lunch.latest:
                return now
            lunch_at = max(now, lunch.earliest)
            return lunch_at + lunch.lasts

        for n, visit in enumerate(order):
            if n == at and before:
                now = pause(now)
            far, takes = self.way(here, visit.point)
            there = now + takes
            if n == at and not before:
                there = pause(there)
            begins, late = opens(visit, there)
            # Rather than wait at the door they set out later, unless they eat on arrival.
            leaves = now if n == at and not before else begins - takes
            stops.append(Stop(visit.id, leaves, begins, begins + visit.lasts, far, late))
            now, here, metres = begins + visit.lasts, visit.point, metres + far
        if len(order) == at and before:
            now = pause(now)
        far, takes = self.way(here, team.end)
        home = now + takes
        if len(order) == at and not before:
            home = pause(home)
        return Round(team.id, tuple(stops), home, metres + far, lunch_at)

    def holds(self, team: Team, round: Round) -> bool:
        """Whether a round keeps to the shift, the room, lunch and every window (a promised visit may be late)."""
        visits = self.visits
        if round.home > team.ends or len(round.stops) > team.room:
            return False
        if any(stop.late and not visits[stop.visit].promised for stop in round.stops):
            return False
        return lunched(team, round)


def opens(visit: Visit, there: int) -> tuple[int, int]:
    """When a visit begins if the team is there at this second, and how late that is."""
    for first, last in visit.windows:
        if there <= last:
            return max(there, first), 0
    return there, there - max((last for _, last in visit.windows), default=there)


def reachable(problem: Problem, visit: Visit) -> bool:
    """Whether a door lies inside the hall's reach and has a time at which it may be called at."""
    far = problem.travel.way(problem.centre, visit.point)[0]
    return bool(visit.windows) and (problem.reach is None or far <= problem.reach)


def first_come(problem: Problem, *, nearest: bool = False) -> list[Round]:
    """The day as it goes by the list: each request in order to the first team that can take it, between what they have.

    The first is the one that can be there soonest; times given before stand. Where nobody can in time, whoever is least late
    goes, if they are back by the end of their shift. With `nearest` a clever hand keeps the list: the team with the fewest
    kilometres more goes, and times given before move as long as nobody is late.
    """
    clock = Clock(problem)
    orders: dict[str, list[Visit]] = {team.id: [] for team in problem.teams}
    rounds = {team.id: clock.round(team, ()) for team in problem.teams}
    for visit in sorted(problem.visits, key=lambda it: (it.asked, it.id)):
        best: tuple[tuple[int, ...], str, list[Visit], Round] | None = None
        for team in problem.teams if reachable(problem, visit) else ():
            if not team.fits(visit) or len(orders[team.id]) >= team.room:
                continue
            given = {stop.visit: stop.begins for stop in rounds[team.id].stops}
            for at in range(len(given) + 1):
                order = [*orders[team.id][:at], visit, *orders[team.id][at:]]
                tried = clock.round(team, order)
                stands = nearest or all(stop.begins <= given.get(stop.visit, stop.begins) for stop in tried.stops)
                if tried.home > team.ends or not lunched(team, tried) or not stands:
                    continue
                more, soon = tried.metres - rounds[team.id].metres, tried.stops[at].begins
                key = (tried.late - rounds[team.id].late, *((more, soon) if nearest else (soon, more)))
                if best is None or key < best[0]:
                    best = (key, team.id, order, tried)
        if best is not None:
            orders[best[1]], rounds[best[1]] = best[2], best[3]
    return list(rounds.values())


def lunched(team: Team, round: Round) -> bool:
    """Whether a round that spans lunch has one."""
    lunch = team.lunch
    if lunch is None or not round.stops or round.home <= lunch.earliest:
        return True
    return round.lunch_at is not None or round.stops[0].leaves >= lunch.latest + lunch.lasts
