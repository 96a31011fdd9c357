"""At the kiosk with a booking: its code typed or scanned, or the identity card, and one touch turns it into a number."""

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from floor import acts, cards
from floor.acts import appointments as booking
from floor.acts.tickets import hashed
from floor.database import acquire
from floor.pages import mint_press
from floor.pages.book import when
from floor.pages.booking import CODE, phase
from floor.pages.console import text
from floor.pages.kiosk import Asked, asked, draw, number_screen, off, refuse, sorry
from floor.pages.staffed import now_of
from floor.pages.wording import hours, service_name
from floor.signin import Person, kiosk
from queueing.errors import NotFound, Refused
from queueing.halls import Hall, services
from queueing.settings import EARLY, LATE
from queueing.tickets import by_key
from scheduling.appointments import Appointment, plain_code
from scheduling.lookups import today_of

KEYS = ("1234567890", "QWERTYP", "ASDFGHJK", "ZXCVBNM")  # a code has no I, L, O and U


async def find(request: Request) -> Response:
    """What is booked under a code, or under the card that lies on the reader; without either, where to type a code."""
    hall, wish = await acts.hall_of(request, request.path_params["hall"]), asked(request.query_params)
    person = await kiosk(request)
    if person is None or person.hall != hall.id:
        return draw(request, "_kiosk_screen.html", hall, wish, off(wish.t), status=403)
    typed = request.query_params.get("code", "")[:200]
    number = None if typed else await card_number(request, person)
    if not typed and number is None:
        what: dict[str, object] = {"screen": "booked", "keyboard": KEYS}
        return draw(request, "_kiosk_screen.html", hall, wish, what | {"here": f"/{hall.code}/kiosk/booked"})
    found = await by_card(request, hall, number) if number else await by_code(request, hall, plain_code(typed))
    if not found:
        says = wish.t["kiosk.no_booking_card" if number else "kiosk.no_booking"]
        what = sorry("search", says, wish.t["kiosk.no_booking_card_do" if number else "kiosk.no_booking_do"])
        return draw(request, "_kiosk_screen.html", hall, wish, what, status=404)
    what = {"screen": "booking", "rows": [await told(request, hall, wish, each) for each in found]}
    return draw(request, "_kiosk_screen.html", hall, wish, what)


async def card_number(request: Request, person: Person) -> str | None:
    """The number of the card that counts at this kiosk now. Looking does not use the card up."""
    redis, secret, device = request.app.state.redis, request.app.state.settings.secret, person.device or ""
    token = await cards.lying(redis, device)
    return await cards.number_behind(redis, secret, device, token, "") if token else None


async def by_card(request: Request, hall: Hall, number: str) -> list[Appointment]:
    who = hashed(request, "person", number)
    assert who is not None
    async with acquire(request.app.state.pool) as db:
        return await today_of(db, hall, who)


async def by_code(request: Request, hall: Hall, code: str) -> list[Appointment]:
    if not CODE.fullmatch(code):
        return []
    try:
        of, found = await booking.find(request, code)
    except NotFound:
        return []
    return [found] if of.id == hall.id else []


async def told(request: Request, hall: Hall, wish: Asked, found: Appointment) -> dict[str, Any]:
    """A booking as the kiosk shows it, with the one thing to do now."""
    t = wish.t
    async with acquire(request.app.state.pool) as db:
        service = next(each for each in await services(db, hall) if each.code == found.service)
        now = await now_of(db)
        number = (await by_key(db, found.ticket_key)).number if found.ticket_key else ""
    at = phase(hall, found, now) if found.state == "booked" else found.state
    opens = found.start - timedelta(minutes=hall.value(EARLY))
    ends = hours(hall, found.start + timedelta(minutes=hall.value(LATE)))
    return {
        "code": found.code, "service": service_name(t, service), "when": when(t, hall, found.start),
        "until": hours(hall, found.end), "open": at == "open", "press": mint_press(),
        "symbol": {"checked_in": "check", "early": "clock"}.get(at, "alert"),
        "says": "" if at == "open" else t(f"kiosk.booking_{at}", start=when(t, hall, opens), end=ends, number=number),
        "does": "" if at == "open" else t[f"kiosk.booking_{at}_do"],
    }  # fmt: skip


async def check_in(request: Request) -> Response:
    """The booking becomes a number, printed as every other is; nothing on it tells that it was booked."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    form = await request.form()
    wish = asked({name: form.get(name, "") for name in ("lang", "large")})
    person = await kiosk(request)
    if person is None or person.hall != hall.id:
        return draw(request, "_kiosk_screen.html", hall, wish, off(wish.t), status=403)
    press, token = text(form, "press"), text(form, "card")
    try:
        made = await booking.check_in(request, plain_code(text(form, "code") or ""), person=person, press=press)
    except Refused as refused:
        return await refuse(request, hall, wish, str(refused.details.get("service", "")), refused)
    if token:
        await cards.spend(request.app.state.redis, token, press or "")
    return draw(request, "_kiosk_screen.html", hall, wish, await number_screen(request, hall, made.ticket, wish.t))


ROUTES = [
    Route("/{hall}/kiosk/booked", find, methods=["GET"]),
    Route("/{hall}/kiosk/check-in", check_in, methods=["POST"]),
]
