"""Acts on swaps of shifts: a clerk asks, answers and takes back, a leader or manager decides."""

from datetime import date

from starlette.requests import Request

from floor.acts.ground import hall_of, pressed, ring
from floor.database import acquire
from floor.refusals import NotAllowed
from floor.signin import require
from queueing import journal
from scheduling.roster import swaps


async def ask(request: Request, hall_code: str, day: date, other: str, other_day: date | None, press: str | None) -> None:
    """Ask a colleague to take over the own shift of a day, for one of theirs or for nothing. What it would break."""
    hall = await hall_of(request, hall_code)
    person = await require(request, "clerk", hall=hall.id)
    asked = (day.isoformat(), other, other_day and other_day.isoformat())
    async with acquire(request.app.state.pool) as db, db.transaction():
        known = await swaps.ask_swap(
            db, hall, person.username or "", day, other, other_day, press=pressed(request, person.actor, press, asked)
        )
        await journal.append(db, hall.id, "swap.asked", person.actor, data={"swap": known, "other": other})
    ring(request, hall.id)


async def answer(request: Request, hall_code: str, swap: int, *, agree: bool) -> None:
    """Agree to a swap a colleague asked for, or not."""
    hall = await hall_of(request, hall_code)
    person = await require(request, "clerk", hall=hall.id)
    async with acquire(request.app.state.pool) as db, db.transaction():
        if await swaps.answer_swap(db, hall, swap, person.username or "", agree=agree):
            await journal.append(db, hall.id, "swap.answered", person.actor, data={"swap": swap, "agreed": agree})
    ring(request, hall.id)


async def withdraw(request: Request, hall_code: str, swap: int) -> None:
    """Take back what one asked for."""
    hall = await hall_of(request, hall_code)
    person = await require(request, "clerk", hall=hall.id)
    async with acquire(request.app.state.pool) as db, db.transaction():
        if await swaps.withdraw_swap(db, hall, swap, person.username or ""):
            await journal.append(db, hall.id, "swap.withdrawn", person.actor, data={"swap": swap})
    ring(request, hall.id)


async def decide(request: Request, hall_code: str, swap: int, *, approve: bool, reason: str | None) -> None:
    """Approve or refuse a swap: a manager any, a leader one whose shifts are all in the own zone."""
    hall = await hall_of(request, hall_code)
    person = await require(request, "manager", "leader", hall=hall.id)
    async with acquire(request.app.state.pool) as db, db.transaction():
        found = await swaps.get_swap(db, hall, swap)
        if "manager" not in person.roles and person.zone is not None and set(found.zones) - {person.zone}:
            raise NotAllowed()
        if await swaps.decide_swap(db, hall, swap, approve=approve, actor=person.actor, reason=reason):
            told = {"swap": swap, "approved": approve}
            await journal.append(db, hall.id, "swap.decided", person.actor, data=told)
    ring(request, hall.id)
