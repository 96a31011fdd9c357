"""A "told once" slip on the visitor's phone: what to bring, until when it goes first, and whom to ask for."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from floor import acts
from floor.database import acquire
from floor.pages import render
from floor.pages.desk_papers import slip_told
from floor.words import language, words
from queueing import slips


async def show(request: Request) -> Response:
    """The list of a code; whoever holds the slip may read it."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        told = await slip_told(db, hall, await slips.by_code(db, hall, request.path_params["code"]), say)
    return render(request, "slip.html", hall=hall, slip=told)


ROUTES = [Route("/{hall}/slip/{code}", show, methods=["GET"])]
