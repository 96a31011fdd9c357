"""How a day goes on as it is planned now: each team's round in the order of its times, and how late each visit will be."""

import msgspec

from scheduling.rounds.day import Day
from scheduling.rounds.problem import Round, Visit
from scheduling.rounds.timing import Clock


def standing(day: Day) -> list[Round]:
    """The round of every team as it is scheduled, walked from where the team is now: never sooner than people were told, and
    as late as it comes. A team that dropped out has none."""
    clock, by_id = Clock(day.problem), day.problem.by_id
    found = []
    for team in day.problem.teams:
        mine = [it for it in day.visits.values() if it.state == "scheduled" and str(it.team) == team.id]
        order: list[Visit] = []
        for it in sorted(mine, key=lambda it: (it.start or day.midnight, it.id)):
            if str(it.id) in by_id and it.start is not None:
                told = day.second(it.start)
                order.append(msgspec.structs.replace(by_id[str(it.id)], windows=((told, told),)))
        found.append(clock.round(team, order))
    return found


def latest(rounds: list[Round]) -> int:
    """Seconds late of the visit that will be latest."""
    return max((stop.late for round in rounds for stop in round.stops), default=0)
