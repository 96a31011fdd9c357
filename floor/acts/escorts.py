"""Acts on escorts: who is on which half day, one bound to a number, setting out and parting."""

from datetime import date

from starlette.requests import Request

from floor.acts.ground import hall_of, pressed, ring
from floor.database import acquire
from floor.people import find_user
from floor.signin import require
from queueing.errors import BadInput, NotFound
from queueing.tickets import find
from scheduling import escorts

WALKERS = ("clerk", "desk", "leader", "manager")
PLANNERS = ("leader", "manager")


async def plan(request: Request, hall_code: str, day: date, half: str, escort: str, *, on: bool, zone: str | None = None) -> None:
    """Put somebody on half a day, to walk with visitors or to help in an area, or take them off it. BadInput."""
    hall = await hall_of(request, hall_code)
    await require(request, *PLANNERS, hall=hall.id)
    if half not in escorts.HALVES:
        raise BadInput(field="half", message=f"one of {', '.join(escorts.HALVES)}")
    if on:  # who left the hall, or does other work now, is still taken off
        await known(request, hall.id, escort)
    async with acquire(request.app.state.pool) as db:
        await escorts.plan(db, hall, day, half, escort, on=on, zone=zone)


async def known(request: Request, hall: int, username: str) -> None:
    """BadInput unless somebody of the hall signs in with this name whose work it may be."""
    async with acquire(request.app.state.pool) as db:
        user = await find_user(db, username)
    if user is None or user.hall != hall or user.disabled or set(user.roles).isdisjoint(WALKERS):
        raise BadInput(field="escort", message="no clerk works here by that name")


async def assign(request: Request, hall_code: str, number: str, escort: str, *, press: str | None = None) -> tuple[int, bool]:
    """Bind somebody to today's ticket of a number; the escort's id, and whether this press had. NotFound, EscortThere,
    NotInThatState."""
    hall = await hall_of(request, hall_code)
    actor = (await require(request, *WALKERS, hall=hall.id)).actor
    await known(request, hall.id, escort)
    async with acquire(request.app.state.pool) as db:
        found = await find(db, hall, number=number.strip().upper()[:12])
        if not found:
            raise NotFound(what="ticket")
        once_only = pressed(request, actor, press, [found[0].key, escort])
        bound = await escorts.assign(db, hall, found[0].key, escort, actor=actor, press=once_only)
    ring(request, hall.id)
    return bound


async def walk(request: Request, hall_code: str, escort: int, verb: str, *, press: str | None = None) -> bool:
    """Set out with a visitor, or part from them; whether this press had done so already."""
    hall = await hall_of(request, hall_code)
    actor = (await require(request, *WALKERS, hall=hall.id)).actor
    moved = {"start": escorts.start, "end": escorts.end}[verb]
    async with acquire(request.app.state.pool) as db:
        again = await moved(db, hall, escort, actor=actor, press=pressed(request, actor, press, [escort, verb]))
    ring(request, hall.id)
    return again
