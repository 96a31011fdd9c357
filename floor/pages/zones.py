"""The zones of the hall: names in three languages, the prefix of their numbers, screens, speakers, loudness, leaders."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.acts import zones as changes
from floor.database import acquire
from floor.pages import render
from floor.pages.console import text
from floor.pages.staffed import localized, reason_of
from floor.people import list_users
from floor.signin import require
from floor.words import language, words
from floor.zones import zone_sets
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import services

READERS = ("manager", "leader", "auditor", "engineer")


async def show(request: Request, *, error: str | None = None) -> Response:
    """Every zone with what belongs to it."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *READERS, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        found = await zone_sets(db, hall)
        named = {service.code: localized(service, say).word for service in await services(db, hall)}
        leaders = [user for user in await list_users(db, hall.id) if "leader" in user.roles and not user.disabled]
    return render(
        request, "zones.html", 200 if error is None else 409, hall=hall, error=error, zones=found, named=named,
        leaders=leaders, edits="manager" in person.roles,
    )  # fmt: skip


async def save(request: Request) -> Response:
    """Keep one zone, or say whom a zone is led by."""
    code, say = request.path_params["hall"], words(language(request))
    await require(request, "manager", hall=(await acts.hall_of(request, code)).id)
    form = await request.form()
    try:
        if leader := text(form, "leader"):
            await changes.set_leader(request, code, leader, text(form, "zone"))
        else:
            loud = text(form, "volume")
            if loud is not None and not (loud.isascii() and loud.isdigit() and len(loud) < 4):
                raise BadInput(field="volume", message="0 to 100")
            prefix = text(form, "prefix")
            await changes.set_zone(
                request, code, text(form, "zone") or "", text(form, "name") or "", text(form, "name_hant"), text(form, "name_en"),
                volume=None if loud is None else int(loud), prefix=prefix.upper() if prefix else None,
            )  # fmt: skip
    except NotFound:
        raise
    except Refused as refused:
        return await show(request, error=reason_of(refused, say))
    return RedirectResponse(f"/{code}/zones", 303)


ROUTES = [
    Route("/{hall}/zones", show, methods=["GET"]),
    Route("/{hall}/zones", save, methods=["POST"]),
]
