"""When a day's rounds should be looked at again: a team drops out, one runs late, a request comes in."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from queueing.halls import Hall
from scheduling.rounds.day import Day
from scheduling.rounds.ground import MOVE, WATCH
from scheduling.rounds.problem import Round
from scheduling.rounds.standing import latest
from scheduling.rounds.store import Kept

REST = timedelta(minutes=10)  # after a plan nobody took, or answered


def cause(hall: Hall, day: Day, plans: Sequence[Kept], rounds: list[Round]) -> str | None:
    """Why to look for a plan now, if at all. `plans` are the day's, newest first, `rounds` as they stand."""
    if not hall.value(WATCH) or not day.problem.teams or any(it.state == "solving" and not it.silent for it in plans):
        return None
    scheduled = [it for it in day.visits.values() if it.state == "scheduled"]
    if plans and plans[0].state != "applied" and day.at(day.now) - plans[0].made_at < REST:
        return None
    made = next((it.made_at for it in plans if it.state not in ("failed", "stopped", "solving")), None)
    if any(it.team in day.out for it in scheduled):
        return "team"
    if latest(rounds) > hall.value(MOVE) * 60:
        return "late"
    waits = [it for it in day.visits.values() if it.state == "accepted" and it.id in day.points and it.decided_at is not None]
    return "call" if scheduled and any(newer(it.decided_at, made) for it in waits) else None


def newer(decided: datetime | None, made: datetime | None) -> bool:
    """Whether a request was accepted after the last plan was made."""
    return decided is not None and (made is None or decided > made)
