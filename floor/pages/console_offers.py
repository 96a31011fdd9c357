"""At the counter: whom the hall may not reach today, and what the clerk does at their word: another time, a visit, or no."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from floor import acts
from floor.acts import ladder
from floor.database import Db, acquire
from floor.pages.staffed import elapsed
from floor.pages.wording import when
from floor.words import Words
from queueing.errors import NotFound
from queueing.halls import Hall
from queueing.tickets import find
from queueing.windows import Window
from scheduling import answers
from scheduling.answers import WHY
from scheduling.appointments import Appointment
from scheduling.errors import StepIs


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of asking somebody: the booking they took, or None for a no."""

    number: str
    booked: Appointment | None = None


async def asked(db: Db, hall: Hall, window: Window, say: Words) -> dict[str, Any]:
    """Who was offered something and has not answered, of this window's services, the oldest offer first; and who is here."""
    own = window.services or window.serves
    now = await db.fetchval("SELECT hall_now()")
    return {
        "unanswered": [
            {"number": one.number, "service": one.service, "step": one.step, "word": say[f"ladder.step_{one.step}"],
             "when": when(say, hall, one.start), "since": one.offered_at, "elapsed": elapsed(one.offered_at, now)}
            for one in await answers.unanswered(db, hall) if one.service in own
        ],
        "reasons": WHY, "ask_number": window.ticket if window.state == "called" else "",
    }  # fmt: skip


async def key_of(request: Request, hall_code: str, number: str) -> str:
    """The key of a number of today. NotFound."""
    hall = await acts.hall_of(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        found = await find(db, hall, number=number[:12])
    if not found:
        raise NotFound(what="ticket")
    return found[0].key


async def rebook(request: Request, hall: str, number: str, press: str | None) -> Answered:
    """Another time for a number: what was offered, or offered now; the first that is free."""
    key = await key_of(request, hall, number)
    try:
        booked = await ladder.take_slot(request, key, press=press)
    except StepIs:  # nobody has offered it yet
        await ladder.offer(request, key, "slot")
        booked = await ladder.take_slot(request, key, press=press)
    return Answered(number, booked.appointment)


async def refuse(request: Request, hall: str, number: str, step: str, why: str | None, press: str | None) -> Answered:
    """No to a step, with the reason they gave."""
    await ladder.refuse(request, await key_of(request, hall, number), step, why if why in WHY else "other", press=press)
    return Answered(number)


def said(answered: Answered, hall: Hall, say: Words) -> str:
    """What the clerk tells them."""
    if answered.booked is None:
        return say("desk.said_refuse", number=answered.number)
    code = answered.booked.code
    return say("console.said_rebook", number=answered.number, when=when(say, hall, answered.booked.start),
               code=f"{code[:5]} {code[5:]}")  # fmt: skip
