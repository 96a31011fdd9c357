"""The manager's buttons for what happens on the floor: an alarm is taken on."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.database import acquire
from floor.pages.console import text
from floor.pages.manage import by_of, draw
from floor.signin import require
from queueing import alarms
from queueing.alarms import KINDS
from queueing.errors import NotFound

SEES = ("manager", "leader")


async def see(request: Request) -> Response:
    """Somebody takes on what stands of one kind."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *SEES, hall=hall.id)
    kind, by = request.path_params["kind"], by_of(text(await request.form(), "by"))
    if kind not in KINDS:
        raise NotFound(what="page")
    async with acquire(request.app.state.pool) as db:
        mine = [alarm for alarm in await alarms.standing(db, hall) if alarm.kind == kind]
        new = [await alarms.see(db, hall, alarm.id, actor=person.actor) for alarm in mine]
    if any(new):
        acts.ring(request, hall.id)
    if request.headers.get("hx-request") == "true":
        return await draw(request, "_manage.html", by)
    return RedirectResponse(f"/{hall.code}/manage?by={by}", 303)


ROUTES = [Route("/{hall}/manage/alarms/{kind}/seen", see, methods=["POST"])]
