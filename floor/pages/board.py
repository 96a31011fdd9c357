"""The call boards: a zone's board and the hall's TV, as a paired screen or mirrored for staff, and how a screen is paired."""

from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from devices import pairing, registry
from devices.errors import BadCode, TooManyTries
from devices.registry import Device
from displays.boards import load
from floor import acts
from floor.api.limits import address
from floor.api.routes import asked
from floor.database import acquire
from floor.doorcode import PHONE_TICKETS
from floor.pages import door, render
from floor.pages.paired import cookie_of, keep_secret, paired
from floor.pages.wording import service_name, zone_name
from floor.signin import Sessions, current, from_own_origin
from floor.words import language, words
from queueing.errors import NotFound
from queueing.halls import Hall, Zone, services, zones
from queueing.windows import list_windows

ROWS = 8  # lines of 96 px digits on a screen 1080 px high
MODEL, AGENT = "browser", "browser 1"


async def zone_board(request: Request) -> Response:
    """The board of one zone."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    async with acquire(request.app.state.pool) as db:
        found = [zone for zone in await zones(db, hall) if zone.code == request.path_params["zone"]]
    if not found:
        raise NotFound(what="zone")
    return await show(request, hall, found[0])


async def tv(request: Request) -> Response:
    """The board of the whole hall."""
    return await show(request, await acts.hall_of(request, request.path_params["hall"]), None)


async def show(request: Request, hall: Hall, zone: Zone | None) -> Response:
    """A board for a paired screen or a member of staff; anybody else is shown how to pair."""
    screens = [screen for screen in await paired(request, hall.id, "tv") if screen.zone == (zone.code if zone else None)]
    person = None if screens else await current(request)
    if not screens and (person is None or person.hall != hall.id):
        return RedirectResponse(f"/{hall.code}/pair?first=1", 303)
    t = words(language(request))
    async with acquire(request.app.state.pool) as db:
        offered = [service for service in await services(db, hall) if zone is None or service.zone == zone.code]
        stands = {window.no: window.zone for window in await list_windows(db, hall)}
    return render(
        request,
        "board.html",
        hall=hall,
        device=screens[0].device if screens else None,
        rows=ROWS,
        view=f"zone:{zone.code}" if zone else "hall",
        place=zone_name(t, zone) if zone else t["board.all_zones"],
        services=[{"code": s.code, "prefix": s.prefix, "zone": s.zone, "name": service_name(t, s)} for s in offered],
        stands=msgspec.json.encode(stands).decode(),
        **for_phones(request, hall),
    )


def for_phones(request: Request, hall: Hall) -> dict[str, Any]:
    """The code a screen may show for phones: a number where the hall gives them to phones, else how the queues stand."""
    word = "board.qr" if hall.value(PHONE_TICKETS) == "off" else "board.qr_door"
    return {"picture": door.picture(request, hall), "every": door.every(hall), "picture_word": word}


async def phones(request: Request) -> Response:
    """That code anew; the one at the door changes by the clock."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    await door.on_site(request, hall)
    return render(request, "_board_qr.html", hall=hall, **for_phones(request, hall))


async def now(request: Request) -> Response:
    """What a mirrored board shows now, for a page whose link is down: the board of a snapshot."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await current(request)
    view = request.query_params.get("view", "")
    async with acquire(request.app.state.pool) as db:
        loaded = await load(db, hall.id)
    views = loaded.places.views()
    if person is None or person.hall != hall.id or view not in views:
        raise NotFound(what="view")
    return JSONResponse(loaded.hall.board(*views[view]).wire(), headers={"cache-control": "no-store"})


# --- pairing ----------------------------------------------------------------------------------------------------


async def ask_code(request: Request) -> Response:
    """Ask for the code that the devices page shows."""
    return await pair_page(request)


async def pair(request: Request) -> Response:
    """Trade the code for a secret, keep it in a cookie, and go where this machine belongs."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    t = words(language(request))
    if not from_own_origin(request):
        return await pair_page(request, 403, t["board.pair_wrong"])
    code = str((await request.form()).get("code", "")).strip()
    if not code:
        return await pair_page(request, 422, t["board.pair_empty"])
    try:
        async with acquire(request.app.state.pool) as db:
            made = await pairing.pair(db, code, MODEL, AGENT, address=address(request))
            device = await registry.get_device(db, made.device_id)
    except BadCode:
        return await pair_page(request, 404, t["board.pair_wrong"], t["board.pair_wrong_do"], code)
    except TooManyTries:
        return await pair_page(request, 429, t["board.pair_fast"])
    request.app.state.doorbell.ring(device.hall)
    place = home_of(hall, device)
    answer = RedirectResponse(place, 303) if place else await pair_page(request, 409, t["board.pair_other"])
    keep_secret(answer, request, made.device_id, made.secret)
    return answer


def home_of(hall: Hall, device: Device) -> str | None:
    """The page a browser device shows; None for a kind that is no page."""
    if device.kind == "tv" and device.window is None:
        return f"/{hall.code}/board/{device.zone}" if device.zone else f"/{hall.code}/tv"
    return f"/{hall.code}/pad/{device.window}" if device.kind == "evaluator" and device.window else None


async def pair_page(
    request: Request, status: int = 200, wrong: str | None = None, wrong_do: str | None = None, code: str = ""
) -> Response:
    hall = await acts.hall_of(request, request.path_params["hall"])
    first = bool(request.query_params.get("first"))
    return render(request, "pair.html", status, hall=hall, wrong=wrong, wrong_do=wrong_do, code=code, first=first)


class Renewed(Struct):
    device: str = ""
    secret: str = ""


async def renew(request: Request) -> Response:
    """Put a rotated secret into the device's cookie, once it is proven to open the door."""
    told = await asked(request, Renewed)
    sessions: Sessions = request.app.state.sessions
    known = from_own_origin(request) and await sessions.of_device(told.device, told.secret) is not None
    answer = Response(status_code=204 if known else 403)
    if known:
        keep_secret(answer, request, told.device, told.secret)
    return answer


async def known(request: Request) -> Response:
    """Whether this browser still is that machine; it asks when the link has refused it."""
    sessions: Sessions = request.app.state.sessions
    device = request.query_params.get("device", "")
    secret = request.cookies.get(cookie_of(request, device))
    return Response(status_code=204 if secret and await sessions.of_device(device, secret) is not None else 401)


ROUTES = [
    Route("/pair/known", known),
    Route("/pair/secret", renew, methods=["POST"]),
    Route("/{hall}/board/now", now),
    Route("/{hall}/board/phones", phones),
    Route("/{hall}/board/{zone}", zone_board),
    Route("/{hall}/tv", tv),
    Route("/{hall}/pair", ask_code),
    Route("/{hall}/pair", pair, methods=["POST"]),
]
