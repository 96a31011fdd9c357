"""What the manager does with a proposal: have it done, put it aside, take it back."""

from starlette.requests import Request

from floor.acts.ground import hall_of, ring
from floor.database import acquire
from floor.refusals import NotAllowed
from floor.signin import own_zone, require
from queueing import proposals
from queueing.windows import get_window
from scheduling.roster.planned import apply_on_shift, of_other_zones

DECIDES = ("manager", "leader")


async def decide(request: Request, hall_code: str, proposal: int, act: str) -> None:
    """Apply, refuse or undo a proposal once: a leader at windows of the own zone, a manager anywhere. Pressed twice it acts once.

    Raises ProposalGone, NotOnShift, and what its acts refuse.
    """
    hall = await hall_of(request, hall_code)
    person = await require(request, *DECIDES, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        step = await proposals.step_at(db, hall, proposal)
        if (own := own_zone(person)) is not None:
            zones = {(await get_window(db, hall, no)).zone for no in (step.window, step.from_window) if no}
            if zones != {own} or step.clerk in await of_other_zones(db, hall, own):
                raise NotAllowed()
        match act:
            case "apply":
                done = await apply_on_shift(db, hall, proposal, step, actor=person.actor)
            case "refuse":
                done = await proposals.refuse(db, hall, proposal, actor=person.actor)
            case _:
                done = await proposals.undo(db, hall, proposal, actor=person.actor)
    if done:
        ring(request, hall.id)
