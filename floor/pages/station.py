"""A station's own page: a number for a window at the centre, by telephone or video, and where the result comes out there."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor.acts import stations as acting
from floor.api.problems import status_of
from floor.catalogue.kept import known
from floor.database import acquire
from floor.pages import render
from floor.pages.console import text, typed
from floor.pages.orders import matters_of
from floor.pages.staffed import clock, localized, reason_of
from floor.pages.wording import matter_name
from floor.words import language, words
from queueing import sites, stations
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import services


async def show(request: Request) -> Response:
    return await draw(request)


async def draw(request: Request, error: str | None = None, status: int = 200, asked: str | None = None) -> Response:
    """What can be asked for, and today's numbers of the station with the window that serves them."""
    hall, own = await acting.station_of(request, request.path_params["hall"], asked or request.query_params.get("site"))
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        every = [site for site in await sites.of_hall(db, hall) if not site.offline]
        here = next((site for site in every if site.code == own), None)
        rows = await stations.today(db, hall, own) if own else []
        offered = [localized(service, say) for service in await services(db, hall)]
        kept = (await known(request, db, hall)).catalogue
    names = {site.code: sites.site_name(site, say.lang) for site in every}
    if own is not None and here is None:
        raise NotFound(what="site")
    called = {service.code: service.word for service in offered}
    told = [
        {"number": row.number, "key": row.key, "service": called.get(row.service, row.service), "state": row.state,
         "window": row.window, "talk": row.talk, "at": clock(row.joined_at, hall),
         "printed": names.get(row.print_point or "", "")}
        for row in rows
    ]  # fmt: skip
    return render(
        request, "station.html", status, hall=hall, here=here, names=names, error=error, rows=told,
        taken=request.query_params.get("taken", "")[:12], talks=[talk for talk in stations.TALKS if reach(here, talk)],
        services=[service for service in offered if service.status == "open"],
        printers={site.code: names[site.code] for site in every if site.prints},
        matters=[f"{matter.code} {matter_name(say, matter)}" for matter in kept.offered],
    )  # fmt: skip


def reach(site: sites.Site | None, talk: str) -> str | None:
    """By what a window reaches the station like that."""
    return None if site is None else site.phone if talk == "phone" else site.room


async def take(request: Request) -> Response:
    """A number for whoever sits at the station."""
    hall, form = request.path_params["hall"], await request.form()
    site = text(form, "site") or ""
    try:
        service, matters = text(form, "service"), matters_of(form)
        if not service and not matters:
            raise BadInput(field="services", message="name at least one service")
        made = await acting.take(
            request, hall, site, services=[service] if service else [], matters=matters, talk=typed(form, "talk"),
            print_point=text(form, "print_point"), id_number=text(form, "id_number"), press=text(form, "press"),
        )  # fmt: skip
    except NotFound:
        raise
    except Refused as refused:
        if refused.code in ("not_allowed", "not_signed_in"):
            raise
        return await draw(request, reason_of(refused, words(language(request))), status_of(refused.code), site)
    return RedirectResponse(f"/{hall}/station?site={site}&taken={made.ticket.number}", 303)


ROUTES = [
    Route("/{hall}/station", show, methods=["GET"]),
    Route("/{hall}/station", take, methods=["POST"]),
]
