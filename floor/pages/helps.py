"""Helpers at work: who asks for help and from which machine, what was done ticked, the free machines, and the day's count."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor import lines as known
from floor.acts import helps as helping
from floor.acts.helps import HELPERS
from floor.api.problems import status_of
from floor.database import acquire
from floor.pages import render
from floor.pages.console import text, typed
from floor.pages.staffed import clock, now_of, reason_of
from floor.pages.wording import local, zone_name
from floor.signin import require
from floor.words import language, words
from queueing import helps
from queueing.errors import NotFound, Refused
from queueing.halls import business_day, zones
from scheduling import escorts, self_service

KEEPERS = ("manager", "engineer")


async def show(request: Request) -> Response:
    return await draw(request)


async def draw(request: Request, error: str | None = None, status: int = 200) -> Response:
    """Today's help tickets, those open first; the lines of helpers; the machines; what was done today."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *HELPERS, "engineer", hall=hall.id)
    say, word = words(language(request)), request.query_params.get("said", "")
    async with acquire(request.app.state.pool) as db:
        rows, counted = await helps.today(db, hall), await helps.counted(db, hall)
        area, places, names = await self_service.machines(db, hall), await helps.lines(db, hall), await known.names(db, hall)
        today, now = await business_day(db, hall), await now_of(db)
        half = escorts.half_of(local(hall, now).hour)
        named = {zone.code: zone_name(say, zone) for zone in await zones(db, hall)}
        duty = [each for each in await escorts.planned(db, hall, today, today) if each.half == half]
    called = {machine.code: machine.name for machine in area}
    asked = [
        {"key": row.key, "number": row.number, "state": row.state, "zone": row.zone, "at": clock(row.joined_at, hall),
         "machine": called.get(row.machine or "", row.machine or ""), "kinds": row.kinds, "window": row.window,
         "over": row.state == "finished"}
        for row in rows
    ]  # fmt: skip
    machines = [
        {"code": each.code, "name": each.name, "zone": each.zone, "uses": each.uses, "key": each.key,
         "state": "broken" if each.broken else "busy" if each.session else "free", "since": clock(each.since, hall)}
        for each in area
    ]  # fmt: skip
    listed = [
        {"zone": place.zone, "name": named.get(place.zone, place.name), "service": place.service,
         "waiting": place.waiting, "window": place.window,
         "state": place.state or "closed", "clerk": names.get(place.clerk or "", ""),
         "on": [names.get(each.escort, each.escort) for each in duty if each.zone == place.zone]}
        for place in places
    ]  # fmt: skip
    return render(
        request, "helps.html", status, hall=hall, rows=asked, counted=counted, kinds=helps.KINDS, machines=machines, error=error,
        said=say[f"helps.said_{word}"] if word in ("ticked", "opened", "taken", "machine") else None, places=listed,
        helper=not person.roles.isdisjoint(HELPERS), manager="manager" in person.roles,
        keeper=not person.roles.isdisjoint(KEEPERS),
    )  # fmt: skip


async def act(request: Request) -> Response:
    """Tick what was done, take a number by hand, open a line, keep a machine."""
    hall, name, form = request.path_params["hall"], request.path_params["act"], await request.form()
    press = text(form, "press")
    try:
        match name:
            case "tick":
                await helping.tick(request, typed(form, "key"), [str(kind) for kind in form.getlist("kind")], press=press)
                done = "ticked"
            case "take":
                await helping.take(request, hall, typed(form, "zone"), press=press)
                done = "taken"
            case "open":
                await helping.open_line(request, hall, typed(form, "zone"))
                done = "opened"
            case "machine":
                state = text(form, "state")
                await helping.keep_machine(
                    request, hall, typed(form, "code"), typed(form, "name"), typed(form, "zone"),
                    broken=state == "broken", gone=state == "gone",
                )  # fmt: skip
                done = "machine"
            case _:
                raise NotFound(what="page")
    except NotFound:
        raise
    except Refused as refused:
        return await draw(request, reason_of(refused, words(language(request))), status_of(refused.code))
    return RedirectResponse(f"/{hall}/helps?said={done}", 303)


ROUTES = [
    Route("/{hall}/helps", show, methods=["GET"]),
    Route("/{hall}/helps/{act}", act, methods=["POST"]),
]
