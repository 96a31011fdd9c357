"""Why a door is not called at, in a word the page turns into a sentence: the first that holds for every team."""

from collections.abc import Iterable, Mapping

from scheduling.rounds.problem import Problem, Round, Team, Visit
from scheduling.rounds.timing import Clock, reachable

# no_team: nobody goes out; outside: further than the hall goes; no_time: no time was named, or it is over; no_skill: no team
# knows all its matters; no_kit: no team carries all it needs; no_both: skill and kit are in different teams; not_them: only
# the team that was named may go, and it can't; off_shift: whoever could go works at other hours; too_far: can't be there in
# the wanted time and back in the shift, even with nothing else to do; no_room: whoever could has all the visits a day may
# have; full: other visits of the day take the time.
REASONS = (
    "no_team", "outside", "no_time", "no_skill", "no_kit", "no_both", "not_them", "off_shift", "too_far", "no_room", "full",
)  # fmt: skip


def reasons(problem: Problem, rounds: Iterable[Round]) -> dict[str, str]:
    """Every visit that stands in no round, with its reason."""
    found = {round.team: round for round in rounds}
    placed = {stop.visit for round in found.values() for stop in round.stops}
    clock = Clock(problem)
    return {visit.id: reason(problem, clock, found, visit) for visit in problem.visits if visit.id not in placed}


def reason(problem: Problem, clock: Clock, rounds: Mapping[str, Round], visit: Visit) -> str:
    """The one of REASONS that keeps a visit from being made."""
    teams = problem.teams
    if not teams:
        return "no_team"
    if not visit.windows:
        return "no_time"
    if not reachable(problem, visit):
        return "outside"
    if not any(visit.skills <= team.skills for team in teams):
        return "no_skill"
    if not any(visit.kits <= team.kits for team in teams):
        return "no_kit"
    if not any(visit.skills <= team.skills and visit.kits <= team.kits for team in teams):
        return "no_both"
    able = [team for team in teams if team.fits(visit)]
    if not able:
        return "not_them"
    if not any(overlaps(team, visit) for team in able):
        return "off_shift"
    could = [team for team in able if clock.holds(team_alone := with_room(team), clock.round(team_alone, (visit,)))]
    if not could:
        return "too_far"
    return "no_room" if all(len(rounds[team.id].stops) >= team.room for team in could) else "full"


def with_room(team: Team) -> Team:
    """The team as if it had this one visit alone."""
    return Team(team.id, team.start, team.end, team.begins, team.ends, team.skills, team.kits, 1, team.lunch)


def overlaps(team: Team, visit: Visit) -> bool:
    """Whether any wanted time falls into what is left of the shift."""
    return any(max(first, team.begins) < team.ends and last >= team.begins for first, last in visit.windows)
