"""The way in by phone: the code at the door that changes by the clock, and the page that it opens."""

from datetime import datetime, timedelta

import segno
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts, doorcode
from floor.acts import appointments as booking
from floor.api.problems import status_of
from floor.database import acquire
from floor.pages import render
from floor.pages.book import when
from floor.pages.booking import COOKIE, phase
from floor.pages.console import text
from floor.pages.kiosk import card
from floor.pages.paired import paired
from floor.pages.staffed import now_of, reason_of
from floor.pages.wording import hours
from floor.refusals import NotAllowed, NotSignedIn, StaleDoorCode, TooFast
from floor.settings import Settings
from floor.signin import current, kiosk
from floor.words import language, words
from queueing import forecast
from queueing.errors import NotFound, PastLastTicket, Refused
from queueing.halls import Hall, services
from queueing.settings import EARLY
from scheduling.appointments import plain_code

STAFF = ("desk", "leader", "manager", "engineer", "clerk")


async def poster(request: Request) -> Response:
    """The code as a picture that fills a screen, for a paired screen or kiosk, or a member of staff on site."""
    return await show(request, "door.html")


async def part(request: Request) -> Response:
    return await show(request, "_door.html")


async def show(request: Request, template: str) -> Response:
    hall = await acts.hall_of(request, request.path_params["hall"])
    await on_site(request, hall)
    if hall.value(doorcode.PHONE_TICKETS) == "off":
        raise NotFound(what="page")
    here = address(request, hall) if request.app.state.settings.demo else None
    return render(request, template, hall=hall, picture=picture(request, hall), every=every(hall), here=here)


def picture(request: Request, hall: Hall) -> str:
    """What a phone scans to take a number, as an SVG; a hall that gives none to phones shows the way to its query page."""
    code = segno.make(address(request, hall), error="m", micro=False)
    return code.svg_inline(scale=4, border=2, light="#fff", dark="#000", omitsize=True)


def address(request: Request, hall: Hall) -> str:
    settings: Settings = request.app.state.settings
    path = "query" if hall.value(doorcode.PHONE_TICKETS) == "off" else f"take?code={doorcode.code(settings.secret, hall)}"
    return f"{settings.origin(request.headers.get('host', ''))}/{hall.code}/{path}"


def every(hall: Hall) -> int:
    """Seconds after which whoever shows the picture asks for it again."""
    return max(5, hall.value(doorcode.DOOR_CODE_S) // 2)


async def on_site(request: Request, hall: Hall) -> None:
    """The code is for screens that stand in the hall and for those who work there; NotSignedIn, NotAllowed for others."""
    if await paired(request, hall.id, "tv"):
        return
    person = await kiosk(request) or await current(request)
    if person is None:
        raise NotSignedIn()
    if person.hall != hall.id or (person.device is None and person.roles.isdisjoint(STAFF)):
        raise NotAllowed()


async def choose(request: Request) -> Response:
    """What can be taken now, on the phone that scanned the code."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    settings: Settings = request.app.state.settings
    try:
        if hall.value(doorcode.PHONE_TICKETS) == "off":
            raise NotAllowed()
        if hall.value(doorcode.PHONE_TICKETS) == "on_site":
            code = request.query_params.get("code", "")
            doorcode.admit(settings.secret, hall, code)
            await request.app.state.rates.allow_door(request, code)
    except (StaleDoorCode, TooFast) as refused:
        return await page(request, hall, None, refused, status_of(refused.code))
    return await page(request, hall, doorcode.new_pass(settings.secret, hall))


async def page(request: Request, hall: Hall, held: str | None, refused: Refused | None = None, status: int = 200) -> Response:
    t = words(language(request))
    async with acquire(request.app.state.pool) as db:
        offered, waits = await services(db, hall), await forecast.waits(db, hall)
        named = await db.fetch("SELECT code FROM services WHERE hall = $1 AND real_name = 'required'", hall.id)
    cards = [card(t, hall, service, waits.get(service.code)) for service in offered]
    error = reason_of(refused, t) if refused else None
    by_name = {row["code"] for row in named}
    mine, instead = await own_booking(request, hall) if held else None, None
    if isinstance(refused, PastLastTicket):
        free = refused.details.get("next_slot")
        instead = {"book": when(t, hall, free) if isinstance(free, datetime) else "", "ways": refused.details.get("instead", ())}
    return render(
        request, "phone_take.html", status, hall=hall, held=held, cards=cards, by_name=by_name, error=error, mine=mine,
        instead=instead,
    )  # fmt: skip


async def own_booking(request: Request, hall: Hall) -> dict[str, str] | None:
    """The booking to check in, if this phone has one: named by its code, or looked at on it before."""
    code = plain_code(request.query_params.get("booking") or request.cookies.get(COOKIE, ""))
    try:
        of, found = await booking.find(request, code)
    except NotFound:
        return {"code": "", "phase": "unknown"} if request.query_params.get("booking") else None
    if of.id != hall.id or found.state != "booked":
        return {"code": "", "phase": "unknown"} if request.query_params.get("booking") else None
    async with acquire(request.app.state.pool) as db:
        now = await now_of(db)
    opens = hours(hall, found.start - timedelta(minutes=hall.value(EARLY)))
    at = when(words(language(request)), hall, found.start)
    return {"code": found.code, "phase": phase(hall, found, now), "when": at, "opens": opens}


async def take(request: Request) -> Response:
    """One number for one pass: pressing twice, or going back and pressing again, gives the same."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    form = await request.form()
    held, service = text(form, "pass") or "", text(form, "service") or ""
    try:
        act = await acts.take(
            request, hall.code, [service], door_code=held, id_number=text(form, "id_number"), lang=language(request),
            person=None, citizen=True, press=held or None,
        )  # fmt: skip
    except Refused as refused:
        return await page(request, hall, held, refused, 409)
    return RedirectResponse(f"/t/{act.ticket.key}?lang={language(request)}", 303)


ROUTES = [
    Route("/{hall}/door", poster, methods=["GET"]),
    Route("/{hall}/door/part", part, methods=["GET"]),
    Route("/{hall}/take", choose, methods=["GET"]),
    Route("/{hall}/take", take, methods=["POST"]),
]
