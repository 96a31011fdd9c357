"""Bookings at the desk: for who telephones, found by code, card or name, moved, given back and checked in."""

from datetime import date, datetime
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.acts import appointments as booking
from floor.acts import desk_bookings as finding
from floor.acts.desk import AT_DESK
from floor.api.problems import status_of
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.book import when, why
from floor.pages.booking import phase
from floor.pages.calendar import day_word
from floor.pages.console import text, typed
from floor.pages.desk import printers
from floor.pages.staffed import now_of, reason_of
from floor.pages.wording import hours, service_name
from floor.signin import Person, require
from floor.words import Words, language, words
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import Hall, services
from scheduling import offers
from scheduling.appointments import Appointment
from scheduling.offers import Day

WHO = ("name", "id_number", "phone")


async def show(request: Request) -> Response:
    return await draw(request)


def pauses_at(person: Person) -> str | None:
    """The page on which this person lifts a pause and keeps an appeal: the manager's rules, the desk's own; None for others."""
    return "rules" if "manager" in person.roles else "desk" if "desk" in person.roles else None


async def draw(request: Request, *, form: FormData | None = None, error: str | None = None, status: int = 200) -> Response:
    """The page: what was looked for, the booking that is open, places for a caller, and who has to be called."""
    hall, query = await acts.hall_of(request, request.path_params["hall"]), request.query_params
    person = await require(request, *AT_DESK, hall=hall.id)
    t, asked = words(language(request)), query.get("q", "").strip()[:80]
    rows = await finding.search(request, hall, person, asked) if asked else []
    code = query.get("code") or (rows[0].code if len(rows) == 1 else "")
    async with acquire(request.app.state.pool) as db:
        known = {service.code: service for service in await services(db, hall)}
        free, now = await offers.next_free(db, hall), await now_of(db)
        b = await one(request, db, hall, person, code, t) if code else None
        service = b["service_code"] if b and b["movable"] else query.get("service", "")
        days = await offers.days(db, hall, service) if service in free else []
        lost = await offers.fallen(db, hall)
        out = await printers(db, hall, t)
    names = {each: service_name(t, known[each]) for each in known}
    day = chosen(days, query.get("day", ""))
    found = [row(hall, each, names, now, t) for each in rows]
    said = query.get("said", "")
    return render(
        request, "desk_bookings.html", status, hall=hall, q=asked, found=found, b=b, names={code: names[code] for code in free},
        service=service, days=[day_row(each, t) for each in days], day=day.day.isoformat() if day else "",
        times=[{"start": slot.start.isoformat(), "word": hours(hall, slot.start), "left": slot.left} for slot in day.slots]
        if day else [], lost=[{"code": each.code, "when": when(t, hall, each.start), "service": names[each.service],
        "reachable": each.reachable} for each in lost], printers=out, error=error, pauses_at=pauses_at(person),
        said=t.get(f"desk_booking.said_{said}", None),
        typed={name: text(form, name) or "" if form else "" for name in (*WHO, "start")},
    )  # fmt: skip


def chosen(days: list[Day], asked: str) -> Day | None:
    """The day that is asked for, else the first with a free place."""
    return next((each for each in days if each.day.isoformat() == asked), next((each for each in days if not each.why), None))


def day_row(offered: Day, t: Words) -> dict[str, Any]:
    return {"day": offered.day.isoformat(), "word": day_word(offered.day, t), "left": offered.left, "why": why(t, offered)}


def row(hall: Hall, found: Appointment, names: dict[str, str], now: datetime, t: Words) -> dict[str, Any]:
    """A booking in one line."""
    at = phase(hall, found, now) if found.state == "booked" else found.state
    return {"code": found.code, "when": when(t, hall, found.start), "service": names[found.service], "state": at}


async def one(request: Request, db: Db, hall: Hall, person: Person, code: str, t: Words) -> dict[str, Any]:
    """The open booking with who holds it. NotFound."""
    of, found = await booking.find(request, code)
    if of.id != hall.id:
        raise NotFound(what="appointment")
    known = next(each for each in await services(db, hall) if each.code == found.service)
    at = row(hall, found, {found.service: service_name(t, known)}, await now_of(db), t)
    holder = await finding.look(request, db, hall, person, found.code)
    return at | {
        "holder": holder, "spoken": f"{found.code[:5]} {found.code[5:]}", "service_code": found.service,
        "movable": found.state == "booked", "ticket": found.ticket_key, "until": hours(hall, found.end),
    }  # fmt: skip


# --- acts -------------------------------------------------------------------------------------------------------


async def book(request: Request) -> Response:
    """Book for who telephones or stands here."""
    hall, form = await acts.hall_of(request, request.path_params["hall"]), await request.form()
    await require(request, *AT_DESK, hall=hall.id)
    try:
        made = await booking.book(
            request, hall.code, typed(form, "service"), start_of(form), name=typed(form, "name"),
            id_number=typed(form, "id_number"), phone=text(form, "phone"), lang=text(form, "lang") or "zh-Hans",
            press=text(form, "press"),
        )  # fmt: skip
    except Refused as refused:
        return await draw(request, form=form, error=reason_of(refused, words(language(request))), status=status_of(refused.code))
    return RedirectResponse(f"/{hall.code}/desk/bookings?code={made.appointment.code}&said=booked", 303)


def start_of(form: FormData) -> datetime:
    """The time that was chosen; BadInput for none."""
    try:
        start = datetime.fromisoformat(typed(form, "start"))
    except ValueError:
        raise BadInput(field="start", message="it is empty") from None
    if start.tzinfo is None or start.date() == date.min:
        raise BadInput(field="start", message="it is empty")
    return start


async def act(request: Request) -> Response:
    """One act on the open booking."""
    hall, form = await acts.hall_of(request, request.path_params["hall"]), await request.form()
    await require(request, *AT_DESK, hall=hall.id)
    code, name, press = request.path_params["code"], request.path_params["act"], text(form, "press")
    try:
        match name:
            case "move":
                await booking.move(request, code, start_of(form), press=press)
            case "cancel":
                await booking.cancel(request, code, press=press)
            case "check-in":
                made = await booking.check_in(request, code, print_at=text(form, "print_at"), press=press)
                return RedirectResponse(f"/{hall.code}/desk?number={made.ticket.number}", 303)
            case _:
                raise NotFound(what="page")
    except NotFound:
        raise
    except Refused as refused:
        return await draw(request, error=reason_of(refused, words(language(request))), status=status_of(refused.code))
    return RedirectResponse(f"/{hall.code}/desk/bookings?code={code}&said={name}", 303)


ROUTES = [
    Route("/{hall}/desk/bookings", show, methods=["GET"]),
    Route("/{hall}/desk/bookings", book, methods=["POST"]),
    Route("/{hall}/desk/bookings/{code}/{act}", act, methods=["POST"]),
]
