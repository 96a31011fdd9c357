"""The end of the day on the manager's board: when it will be over, who is left, and which step of the ladder stands where."""

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Any

from floor import lines
from floor.database import Db
from floor.pages.staffed import clock, elapsed
from floor.words import Words
from queueing.halls import Hall
from scheduling import answers, closing, overdue
from scheduling.answers import Step
from scheduling.closing import Closing
from scheduling.escalation import HALL_STEPS, VISITOR_STEPS

SHOWN = 12  # visitors listed at once; the rest is a number


async def evening(
    db: Db, hall: Hall, names: Mapping[str, str], mine: Container[str], now: datetime, say: Words
) -> dict[str, Any]:
    """What the manager sees of closing time and of the ladder; `drain` is None before and after. `mine`: what to decide on."""
    found, steps = await closing.closing(db, hall), await answers.of_day(db, hall)
    late = await overdue.standing(db, hall)
    people = await lines.names(db, hall) if steps or late else {}
    return {
        "drain": drain(found, hall, names, mine, say) if found else None,
        "steps": [hall_step(step, names, now, say) | {"mine": step.service in mine}
                  for step in steps if step.step in HALL_STEPS and step.state == "offered"],
        "carried": carried(steps, hall, people, say),
        "counts": counts(steps),
        "overdue": [
            {"visit": one.visit, "why": say[f"ladder.overdue_{one.why}"], "since": one.since, "elapsed": elapsed(one.since, now),
             "by": people.get((one.taken_by or "").partition(":")[2], "")} for one in late[:SHOWN]
        ], "overdue_n": len(late),
    }  # fmt: skip


def drain(found: Closing, hall: Hall, names: Mapping[str, str], mine: Container[str], say: Words) -> dict[str, Any]:
    """The hours, the end as a range, and each service with who is left of it."""
    most = max((left.to_serve for left in found.services), default=0) or 1
    return {
        "last": clock(found.last_ticket, hall), "closes": clock(found.closes, hall), "draining": found.draining,
        "over": found.now >= found.closes, "end": end(found, hall, say), "left": found.to_serve, "stranded": found.stranded,
        "services": [
            {"code": left.service, "word": names.get(left.service, ""), "to_serve": left.to_serve, "stranded": left.stranded,
             "missed": left.missed, "mine": left.service in mine, "share": 100 * left.to_serve // most,
             "more": [say(f"ladder.left_{part}", n=n) for part in ("at_window", "held", "missed") if (n := getattr(left, part))]}
            for left in found.services if left.to_serve or left.missed
        ],
    }  # fmt: skip


def end(found: Closing, hall: Hall, say: Words) -> str:
    """When the last visit is expected to end; nobody can say while some are served by nobody."""
    if found.stranded:
        return say["ladder.end_stranded"]
    if found.p50 is None or found.p90 is None:
        return say["ladder.end_unknown"]
    if found.p90 <= found.closes:
        return say("ladder.end_in_time", low=clock(found.p50, hall), high=clock(found.p90, hall))
    return say("ladder.end", low=clock(found.p50, hall), high=clock(found.p90, hall))


def hall_step(step: Step, names: Mapping[str, str], now: datetime, say: Words) -> dict[str, Any]:
    """A step that waits for the hall's word."""
    return {
        "id": step.id, "step": step.step, "word": say[f"ladder.step_{step.step}"], "since": step.offered_at,
        "elapsed": elapsed(step.offered_at, now), "do": say[f"ladder.do_{step.step}"],
        "why": say("ladder.because", service=f"{step.service} {names.get(step.service, '')}".strip(), n=step.waiting or 0,
                   minutes=step.longest or 0),
    }  # fmt: skip


def carried(steps: Sequence[Step], hall: Hall, people: Mapping[str, str], say: Words) -> list[dict[str, Any]]:
    """The visitors who were offered a step, those without an answer first: how each stands at the last of them."""
    last: dict[int, Step] = {}
    for step in steps:
        if step.ticket is not None:
            last[step.ticket] = step
    ordered = sorted(last.values(), key=lambda step: (step.state != "offered", step.offered_at, step.id))
    return [
        {
            "number": step.number, "step": say[f"ladder.step_{step.step}"], "state": step.state,
            "said": say[f"ladder.state_{step.state}"], "at": clock(step.decided_at or step.offered_at, hall),
            "why": reason(step.why, say), "by": people.get((step.decided_by or step.taken_by or "").partition(":")[2], ""),
        }
        for step in ordered[:SHOWN]
    ]  # fmt: skip


def reason(why: str | None, say: Words) -> str:
    """Why a step came to nothing: the catalogue's word, or the desk's own."""
    return "" if why is None else str(say.get(f"ladder.why_{why}", why))


def counts(steps: Sequence[Step]) -> list[tuple[str, int]]:
    """Of the visitors' steps, how many stand how."""
    mine = [step.state for step in steps if step.step in VISITOR_STEPS]
    return [(state, mine.count(state)) for state in ("offered", "accepted", "refused", "lapsed") if state in mine]
