"""The act of the citizen after the visit: to say how it was."""

from collections.abc import Sequence

from starlette.requests import Request

from floor.acts.ground import pressed, ring
from floor.acts.tickets import actor_for, ticket_of
from floor.database import acquire
from floor.quality import ratings
from floor.signin import current


async def rate(
    request: Request, key: str, level: int, *, reasons: Sequence[str] = (), comment: str | None = None, press: str | None = None
) -> ratings.Rated:
    """Rate a finished visit: whoever holds the key, or the evaluator of its window. Staff may not."""
    hall, ticket = await ticket_of(request, key)
    person = await current(request)
    await request.app.state.rates.allow_citizen(request, person)
    actor = actor_for(person, hall, "evaluator")
    evaluator = person if person is not None and actor == person.actor else None
    async with acquire(request.app.state.pool) as db:
        rated = await ratings.rate(
            db,
            hall,
            "ticket",
            ticket.id,
            level=level,
            reasons=reasons,
            comment=comment,
            actor=actor,
            channel="evaluator" if evaluator else "phone",
            window=evaluator.window if evaluator else None,
            press=pressed(request, actor, press, (level, list(reasons), comment)),
        )
    if not rated.replayed:
        ring(request, hall.id)
    return rated
