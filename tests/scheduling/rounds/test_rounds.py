"""Rounds keep every shift, window, skill, bag and lunch on days nobody chose, and say why a door is not called at."""

from dataclasses import dataclass
from random import Random

import msgspec
import pytest

from scheduling.rounds.problem import Lunch, Plan, Problem, Round, Stop, Team, Visit
from scheduling.rounds.solver import Unsolved, run, solve
from scheduling.rounds.timing import Clock, first_come
from scheduling.rounds.travel import Measured, Point, Travel
from scheduling.rounds.why import reasons

HOUR, MINUTE = 3600, 60
HALL = Point(26.59, 104.83)
DAY = (8 * HOUR, 18 * HOUR)


def door(km: float, *, east: float = 0.0) -> Point:
    """A place so many kilometres north (and east) of the hall, as the crow flies."""
    return Point(HALL.lat + km / 111.195, HALL.lon + east / 99.44)


def visit(name: str, km: float = 1.0, *windows: tuple[float, float], **more: object) -> Visit:
    wanted = tuple((int(a * HOUR), int(b * HOUR)) for a, b in windows) or (DAY,)
    return msgspec.structs.replace(Visit(name, door(km), wanted, 20 * MINUTE), **more)


def team(name: str = "t1", begins: float = 9, ends: float = 17, **more: object) -> Team:
    return msgspec.structs.replace(Team(name, HALL, HALL, int(begins * HOUR), int(ends * HOUR)), **more)


def day(visits: list[Visit], teams: list[Team], reach: int | None = None) -> Problem:
    return Problem(tuple(visits), tuple(teams), Travel(), HALL, reach)


def planned(problem: Problem, iterations: int = 300) -> Plan:
    """Solved by counted tries, so that a busy machine finds the same plan."""
    return run(problem, 300.0, iterations, 1)


@dataclass(frozen=True)
class Judge:
    """Reads a plan against its problem, by nothing the planner uses."""

    problem: Problem

    def broken(self, rounds: tuple[Round, ...]) -> list[str]:
        found, seen = [], []
        teams = {team.id: team for team in self.problem.teams}
        for it in rounds:
            crew, at = teams[it.team], teams[it.team].start
            free, metres, ate = crew.begins, 0, it.lunch_at is None
            if len(it.stops) > crew.room:
                found.append(f"{crew.id} has no room")
            for stop in it.stops:
                to = next(v for v in self.problem.visits if v.id == stop.visit)
                far, takes = self.problem.travel.way(at, to.point)
                pause = 0
                if not ate and it.lunch_at is not None and crew.lunch is not None and it.lunch_at < stop.begins:
                    ate, pause = True, crew.lunch.lasts
                    if it.lunch_at < free:
                        found.append(f"{crew.id} eats while they work")
                if stop.begins < free + takes + pause:
                    found.append(f"{crew.id} flies to {stop.visit}")
                if stop.leaves < free or stop.ends != stop.begins + to.lasts or stop.metres != far:
                    found.append(f"{crew.id} is wrong about {stop.visit}")
                inside = any(a <= stop.begins <= b for a, b in to.windows)
                if inside != (stop.late == 0) or not (inside or to.promised):
                    found.append(f"{stop.visit} is at the wrong time")
                if not (to.skills <= crew.skills and to.kits <= crew.kits and to.only in (None, crew.id)):
                    found.append(f"{crew.id} can't do {stop.visit}")
                seen.append(stop.visit)
                free, at, metres = stop.ends, to.point, metres + far
            far, takes = self.problem.travel.way(at, crew.end)
            rest = crew.lunch.lasts if not ate and crew.lunch is not None else 0
            if it.home < free + takes + rest or it.home > crew.ends or it.metres != metres + far:
                found.append(f"{crew.id} is wrong about the way home")
            if crew.lunch is not None and it.stops:
                out = it.stops[0].leaves < crew.lunch.latest + crew.lunch.lasts and it.home > crew.lunch.earliest
                if it.lunch_at is None and out:
                    found.append(f"{crew.id} does not eat")
                if it.lunch_at is not None and not crew.lunch.earliest <= it.lunch_at <= crew.lunch.latest:
                    found.append(f"{crew.id} eats at the wrong time")
        if sorted(set(seen)) != sorted(seen):
            found.append("somebody is visited twice")
        return found


def anything(seed: int) -> Problem:
    """A day that is too much for its teams, with every kind of limit on it."""
    chance = Random(seed)
    skills, kits = ("A", "B", "C"), ("printer", "camera")

    def windows() -> tuple[tuple[int, int], ...]:
        cuts = sorted(chance.sample(range(8 * 4, 17 * 4), 2 * chance.choice((1, 1, 2))))
        return tuple((a * 900, b * 900) for a, b in zip(cuts[::2], cuts[1::2], strict=True))

    doors = [
        Visit(
            f"v{n}", Point(HALL.lat + chance.gauss(0, 0.04), HALL.lon + chance.gauss(0, 0.04)), windows(),
            chance.choice((10, 20, 45)) * MINUTE, frozenset(chance.sample(skills, chance.choice((0, 1, 1, 2)))),
            frozenset(kit for kit in kits if chance.random() < 0.25), chance.choice((1, 1, 3)), chance.random() < 0.2,
            f"t{chance.randrange(4)}" if chance.random() < 0.1 else None, n,
        ) for n in range(22)
    ]  # fmt: skip
    crews = [
        Team(
            f"t{n}", HALL if chance.random() < 0.5 else door(chance.uniform(-5, 5)), HALL, chance.choice((8, 9, 11)) * HOUR,
            chance.choice((14, 17)) * HOUR, frozenset(chance.sample(skills, 2)), frozenset(chance.sample(kits, 1)),
            chance.choice((3, 5, 9)), chance.choice((None, Lunch(11 * HOUR + 1800, 13 * HOUR, 40 * MINUTE))),
        ) for n in range(4)
    ]  # fmt: skip
    return Problem(tuple(doors), tuple(crews), Travel(), HALL, 9_000)


@pytest.mark.parametrize("seed", range(6))
def test_a_plan_keeps_every_limit_of_a_day_nobody_chose(seed: int) -> None:
    asked = anything(seed)
    plan, list_order = planned(asked), first_come(asked)
    judge = Judge(asked)
    assert judge.broken(plan.rounds) == []
    assert {stop.visit for it in plan.rounds for stop in it.stops}.isdisjoint(plan.unserved)
    assert plan.served + len(plan.unserved) == len(asked.visits)
    # The list keeps the same limits, but for coming late to people who were promised nothing.
    assert [it for it in judge.broken(tuple(list_order)) if "wrong time" not in it] == []
    assert plan.served >= sum(1 for it in list_order for stop in it.stops if stop.late == 0)


def test_the_same_tries_find_the_same_plan() -> None:
    first, again = planned(anything(3), 60), planned(anything(3), 60)
    assert (first.rounds, first.unserved) == (again.rounds, again.unserved)


def test_a_plan_drives_less_and_is_late_less_than_the_list() -> None:
    chance = Random(4)
    doors = [visit(f"v{n}", chance.uniform(-6, 6), (9, 16), asked=n) for n in range(16)]
    asked = day(doors, [team("t1"), team("t2")])
    plan, rounds = planned(asked), first_come(asked)
    assert (plan.late, dict(plan.unserved)) == (0, {})
    assert plan.metres < 0.6 * sum(it.metres for it in rounds)


async def test_the_child_answers_the_same_and_a_solver_that_dies_says_so() -> None:
    asked = anything(1)
    plan = await solve(asked, limit_s=120.0, iterations=40)
    here = run(asked, 120.0, 40, 1)
    assert (plan.rounds, plan.unserved) == (here.rounds, here.unserved)
    with pytest.raises(Unsolved):
        await solve(msgspec.structs.replace(asked, travel=Travel(kmh=0)), iterations=1)


def test_lunch_is_eaten_where_it_costs_no_way_and_within_its_hours() -> None:
    crew = team(lunch=Lunch(11 * HOUR + 1800, 12 * HOUR + 1800, HOUR))
    asked = day([visit("a", 5, (11, 11.25)), visit("b", 6, (13, 14))], [crew])
    plan = planned(asked)
    it = plan.rounds[0]
    assert [stop.visit for stop in it.stops] == ["a", "b"]
    assert it.metres == sum(asked.travel.way(a, b)[0] for a, b in ((HALL, door(5)), (door(5), door(6)), (door(6), HALL)))
    assert it.lunch_at == 11 * HOUR + 1800  # from the door they were at: nothing of the way is gone for it
    assert Judge(asked).broken(plan.rounds) == []


def test_a_team_back_before_lunch_eats_at_home() -> None:
    crew = team(lunch=Lunch(12 * HOUR, 13 * HOUR, HOUR))
    it = planned(day([visit("a", 1, (9, 10))], [crew])).rounds[0]
    assert (len(it.stops), it.lunch_at) == (1, None)


def test_a_promised_visit_is_late_rather_than_left_out() -> None:
    gone = [visit("word", 2, (9, 9.5), promised=True), visit("hope", 2, (9, 9.5))]
    plan = planned(day(gone, [team(begins=10)]))
    assert [(stop.visit, stop.late > 0) for stop in plan.rounds[0].stops] == [("word", True)]
    assert dict(plan.unserved) == {"hope": "off_shift"}


def test_a_time_that_was_told_stays_unless_somebody_would_be_late_for_it() -> None:
    told = {"windows": ((10 * HOUR, 12 * HOUR),), "promised": True, "told": 11 * HOUR}
    free = planned(day([visit("word", 2, **told), visit("other", 3)], [team()]))
    (kept,) = [stop for it in free.rounds for stop in it.stops if stop.visit == "word"]
    assert (kept.begins, free.late) == (11 * HOUR, 0)
    pressed = planned(day([visit("word", 2, **told), visit("next", 2.1, (10.9, 11), promised=True)], [team(ends=11.5)]))
    begins = {stop.visit: stop.begins for it in pressed.rounds for stop in it.stops}
    assert (begins["word"] < 11 * HOUR, pressed.late) == (True, 0)


def test_of_two_the_weightier_is_visited() -> None:
    one = [visit("light", 3, (10, 10.1), asked=1), visit("heavy", -3, (10, 10.1), weight=2, asked=2)]
    plan = planned(day(one, [team()]))
    assert [stop.visit for stop in plan.rounds[0].stops] == ["heavy"]
    assert dict(plan.unserved) == {"light": "full"}


@pytest.mark.parametrize(
    ("asked", "crews", "why"),
    [
        (visit("v"), [], "no_team"),
        (visit("v", 40), [team()], "outside"),
        (msgspec.structs.replace(visit("v"), windows=()), [team()], "no_time"),
        (visit("v", skills=frozenset("X")), [team(skills=frozenset("Y"))], "no_skill"),
        (visit("v", kits=frozenset(["printer"])), [team()], "no_kit"),
        (visit("v", skills=frozenset("X"), kits=frozenset(["k"])),
         [team("t1", skills=frozenset("X")), team("t2", kits=frozenset(["k"]))], "no_both"),
        (visit("v", only="t9"), [team()], "not_them"),
        (visit("v", 1, (18, 19)), [team()], "off_shift"),
        (visit("v"), [team("t1", 17.5, 17)], "off_shift"),  # asked after the team went home
        (visit("v", 20, (9, 9.1)), [team()], "too_far"),
        (visit("v", 20, (16.9, 17)), [team()], "too_far"),
        (visit("v"), [team(room=0)], "no_room"),
    ],
)  # fmt: skip
def test_every_door_left_out_has_its_reason(asked: Visit, crews: list[Team], why: str) -> None:
    plan = planned(day([asked], crews, 30_000), 5)
    assert dict(plan.unserved) == {"v": why}


def test_a_measured_way_goes_before_the_ruler_and_may_differ_back() -> None:
    north, south = Point(26.60, 104.83, "n"), Point(26.50, 104.83, "s")
    measured = Travel(measured={"n>s": Measured(30_000, 3000)})
    assert measured.way(north, south) == (30_000, 3180)
    assert measured.way(south, north) == Travel().way(south, north) == (15011, 2160)
    assert measured.way(north, north) == (0, 0)


def test_first_come_sends_who_can_be_there_first_and_never_past_the_shift() -> None:
    asked = day(
        [visit("a", 5, asked=1), visit("b", 5, asked=2), visit("c", 5, (16.9, 17), asked=3)], [team("t1"), team("t2", 10)]
    )
    rounds = {it.team: [stop.visit for stop in it.stops] for it in first_come(asked)}
    assert rounds == {"t1": ["a", "b"], "t2": []}
    assert reasons(asked, first_come(asked)) == {"c": "too_far"}
    assert Clock(asked).round(asked.teams[0], ()) == Round("t1", (), 9 * HOUR, 0)
    assert isinstance(first_come(asked)[0].stops[0], Stop)
