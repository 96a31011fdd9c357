"""At the desk: what the hall offers whom it may not reach today, how each of it stands, and who has still to be asked."""

from datetime import datetime, timedelta
from typing import Any

from floor import lines
from floor.database import Db
from floor.pages.drained import reason
from floor.pages.phone import OPEN
from floor.pages.staffed import elapsed
from floor.pages.wording import when
from floor.words import Words
from queueing.halls import Hall
from queueing.tickets import Ticket
from scheduling import answers
from scheduling.escalation import ANSWER, VISITOR_STEPS


async def unanswered(db: Db, hall: Hall, now: datetime, say: Words) -> list[dict[str, Any]]:
    """Who was offered something and has not answered, the oldest first: the desk goes and asks. `late`: long enough to."""
    people = await lines.names(db, hall)
    return [
        {"number": one.number, "service": one.service, "word": say[f"ladder.step_{one.step}"], "since": one.offered_at,
         "elapsed": elapsed(one.offered_at, now), "late": now - one.offered_at >= timedelta(minutes=hall.value(ANSWER)),
         "by": people.get((one.taken_by or "").partition(":")[2], "")}
        for one in await answers.unanswered(db, hall)
    ]  # fmt: skip


async def steps_of(db: Db, hall: Hall, ticket: Ticket, say: Words) -> list[dict[str, Any]]:
    """What can be offered to somebody the hall may not reach today, and how each of it stands."""
    made = {one.step: one for one in await answers.of_ticket(db, ticket.id)}
    if ticket.state not in OPEN and not made:
        return []
    found = []
    for step in VISITOR_STEPS:
        one = made.get(step)
        found.append({
            "step": step, "word": say[f"ladder.step_{step}"], "state": one.state if one else "",
            "said": say[f"ladder.state_{one.state}"] if one else "", "when": when(say, hall, one.start if one else None),
            "why": reason(one.why, say) if one else "", "asking": bool(one and one.taken_by),
            "code": one.code if one else None,
            "open": ticket.state in OPEN or (ticket.state == "expired" and step == "slot" and bool(one)),
        })  # fmt: skip
    return found
