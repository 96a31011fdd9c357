"""Tickets a dispenser gave out alone that fit no lease: somebody holds each, and the manager decides what becomes of it."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.database import acquire
from floor.pages.console import text
from floor.pages.manage import by_of, draw
from floor.pages.staffed import reason_of
from floor.refusals import NotAllowed
from floor.signin import require
from floor.words import language, words
from queueing import numbers
from queueing.errors import NotFound, Refused

ACTS = ("admit", "dismiss")


async def settle(request: Request) -> Response:
    """Let its holder join the queue, or note that it has been seen to."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    name, dispute = request.path_params["act"], request.path_params["id"]
    if name not in ACTS:
        raise NotFound(what="page")
    person = await require(request, "leader", "manager", hall=hall.id)
    by, error = by_of(text(await request.form(), "by")), None
    try:
        async with acquire(request.app.state.pool) as db:
            await acts.check_zone(db, hall, person, await numbers.disputed_service(db, hall.id, dispute), ("manager",))
            await numbers.settle(db, hall.id, dispute, admit=name == "admit", actor=person.actor)
        acts.ring(request, hall.id)
    except NotAllowed:
        raise
    except Refused as refused:
        error = reason_of(refused, words(language(request)))
    if request.headers.get("hx-request") == "true":
        return await draw(request, "_manage.html", by, error=error)
    if error is not None:
        return await draw(request, "manage.html", by, error=error)
    return RedirectResponse(f"/{hall.code}/manage?by={by}", 303)


ROUTES = [Route("/{hall}/manage/disputed/{id:int}/{act}", settle, methods=["POST"])]
