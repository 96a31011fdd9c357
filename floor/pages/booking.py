"""A booking in the hand of who holds its code: when and where, another time, give it back, check in, into the calendar."""

import re
from datetime import datetime, timedelta
from typing import Any

import segno
from icalendar import Calendar, Event
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from displays import contacts
from displays.sealed import Unreadable, masked
from floor import acts, doorcode
from floor.acts import appointments as booking
from floor.api.problems import status_of
from floor.catalogue.kept import known
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.book import day_rows, one_day, start_of, step, time_parts, way, when
from floor.pages.calendar import day_word
from floor.pages.console import text
from floor.pages.phone import SENDS, as_citizen
from floor.pages.staffed import now_of, reason_of
from floor.pages.wording import hours, matter_name, service_name
from floor.settings import Settings
from floor.signin import is_secure
from floor.words import Words, language, words
from queueing.errors import NotFound, Refused
from queueing.halls import Hall, services
from queueing.settings import EARLY, LATE
from scheduling import offers
from scheduling.appointments import Appointment, plain_code
from scheduling.teams import at_the_door

COOKIE, COOKIE_S = "booking", 60 * 24 * 3600
CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{10}")


async def enter(request: Request) -> Response:
    """Find a booking by its code."""
    typed = request.query_params.get("code", "")[:80]
    code = plain_code(typed)
    if CODE.fullmatch(code):
        try:
            await booking.find(request, code)
        except NotFound:
            code = ""
        else:
            return RedirectResponse(way(request, f"/b/{code}"), 303)
    return render(request, "booking_find.html", 404 if typed else 200, typed=typed, error=bool(typed))


async def show(request: Request) -> Response:
    return await draw(request)


async def draw(request: Request, status: int = 200, error: str | None = None, said: str | None = None) -> Response:
    try:
        hall, found = await booking.find(request, request.path_params["code"])
    except NotFound:
        return render(request, "booking_find.html", 404, typed=request.path_params["code"], error=True)
    t = words(language(request))
    async with acquire(request.app.state.pool) as db:
        seen = await seen_by_holder(request, db, hall, found, t)
    news = {"new": "book.done", "moved": "book.moved", "cancelled": "book.cancelled_now", "told": "book.told_now"}
    said = said or next((t[word] for name, word in news.items() if request.query_params.get(name)), None)
    page = step(request, hall, "booking", status, error=error, said=said, **seen)
    if found.state == "booked":  # so that the code at the hall's door, scanned with this phone, offers to check it in
        page.set_cookie(COOKIE, found.code, max_age=COOKIE_S, httponly=True, samesite="lax", secure=is_secure(request))
    return page


async def seen_by_holder(request: Request, db: Db, hall: Hall, found: Appointment, t: Words) -> dict[str, Any]:
    """All the page of a booking says, and what can be done with it now."""
    service = next(each for each in await services(db, hall) if each.code == found.service)
    named = (await known(request, db, hall)).catalogue.named(found.matters)
    gone = found.code in {each.code for each in await offers.fallen(db, hall)}
    settings: Settings = request.app.state.settings
    address = f"{settings.origin(request.headers.get('host', ''))}/b/{found.code}"
    return {
        "b": found, "spoken": f"{found.code[:5]} {found.code[5:]}", "service": service_name(t, service),
        "matters": [matter_name(t, each) for each in named], "when": when(t, hall, found.start),
        "until": hours(hall, found.end), "phase": phase(hall, found, await now_of(db)), "gone": gone,
        "from_": hours(hall, found.start - timedelta(minutes=hall.value(EARLY))),
        "to": hours(hall, found.start + timedelta(minutes=hall.value(LATE))),
        "at_door": await at_the_door(db, hall, found.service),
        "by_phone": hall.value(doorcode.PHONE_TICKETS), "told": await told_where(db, request, hall, found),
        "picture": segno.make(address, error="m", micro=False).svg_inline(
            scale=4, border=2, light="#fff", dark="#000", omitsize=True),
    }  # fmt: skip


def phase(hall: Hall, found: Appointment, now: datetime) -> str:
    """Whether a booking can be checked in: early, open or late."""
    if now < found.start - timedelta(minutes=hall.value(EARLY)):
        return "early"
    return "open" if now <= found.start + timedelta(minutes=hall.value(LATE)) else "late"


async def told_where(db: Db, request: Request, hall: Hall, found: Appointment) -> str | None:
    """The number, masked, that gets word of this booking; empty for none, None where the hall sends nothing or it is over."""
    if found.state != "booked" or not await db.fetchval(SENDS, hall.id):
        return None
    try:
        contact = await contacts.find(db, booking.subject(found.code), acts.seal_of(request))
    except Unreadable:  # the hall's secret was changed meanwhile: they may give the number again
        return ""
    return masked(contact.address) if contact else ""


# --- the calendar file --------------------------------------------------------------------------------------------


async def calendar_file(request: Request) -> Response:
    """The booking for the calendar of a phone; times are UTC, so that no zone has to be known there."""
    hall, found = await booking.find(request, request.path_params["code"])
    t = words(language(request))
    settings: Settings = request.app.state.settings
    async with acquire(request.app.state.pool) as db:
        service = next(each for each in await services(db, hall) if each.code == found.service)
        now = await now_of(db)
    address = f"{settings.origin(request.headers.get('host', ''))}/b/{found.code}"
    name, code = service_name(t, service), f"{found.code[:5]} {found.code[5:]}"
    event = Event()
    event.add("uid", f"{found.code}@{hall.code}")
    event.add("dtstamp", now)
    event.add("dtstart", found.start)
    event.add("dtend", found.end)
    event.add("summary", f"{name} · {hall.name}")
    event.add("location", hall.name)
    event.add("description", t("book.calendar_text", code=code, address=address))
    event.add("url", address)
    event.add("status", "CANCELLED" if found.state == "cancelled" else "CONFIRMED")
    book = Calendar()
    book.add("prodid", "-//Hall//Booking//EN")
    book.add("version", "2.0")
    book.add_component(event)
    return Response(
        book.to_ical(), media_type="text/calendar; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="booking-{found.code}.ics"', "cache-control": "no-store"},
    )  # fmt: skip


# --- acts ---------------------------------------------------------------------------------------------------------


async def move_day(request: Request) -> Response:
    """Another day for it."""
    hall, found, what = await to_move(request)
    base = f"/b/{found.code}/move"
    async with acquire(request.app.state.pool) as db:
        offered = await offers.days(db, hall, found.service, found.matters)
    rows = day_rows(request, offered, base)
    return step(
        request, hall, "days", what=what, moves=held(request, hall, found), back=way(request, f"/b/{found.code}"), rows=rows
    )


async def move_time(request: Request) -> Response:
    hall, found, what = await to_move(request)
    base = f"/b/{found.code}/move"
    async with acquire(request.app.state.pool) as db:
        offered = await one_day(request, await offers.days(db, hall, found.service, found.matters))
    return step(
        request, hall, "times", what=what, moves=held(request, hall, found), back=way(request, base),
        word=day_word(offered.day, words(language(request))), provisional=offered.provisional,
        parts=time_parts(request, hall, offered, base),
    )  # fmt: skip


async def ask_move(request: Request) -> Response:
    hall, found, what = await to_move(request)
    return sure(request, hall, found, "move", what, when(words(language(request)), hall, start_of(request, hall)))


async def move(request: Request) -> Response:
    as_citizen(request)
    hall, found, what = await to_move(request)
    form = await request.form()
    start = start_of(request, hall)
    try:
        await booking.move(request, found.code, start, press=text(form, "press"))
    except Refused as refused:
        t = words(language(request))
        return sure(request, hall, found, "move", what, when(t, hall, start), reason_of(refused, t), status_of(refused.code))
    return RedirectResponse(way(request, f"/b/{found.code}", moved="1"), 303)


async def to_move(request: Request) -> tuple[Hall, Appointment, str]:
    """The booking of an address, its hall and what it is for."""
    hall, found = await booking.find(request, request.path_params["code"])
    async with acquire(request.app.state.pool) as db:
        service = next(each for each in await services(db, hall) if each.code == found.service)
    return hall, found, service_name(words(language(request)), service)


def sure(
    request: Request, hall: Hall, found: Appointment, act: str, what: str, to: str, error: str | None = None, status: int = 200
) -> Response:
    """Ask once more. `to` is the time it is moved to, or that is given back."""
    return step(
        request, hall, "sure", status, b=found, act=act, what=what, to=to, error=error,
        moves=held(request, hall, found) if act == "move" else None, action=way(request, request.url.path),
        back=way(request, f"/b/{found.code}"),
    )  # fmt: skip


def held(request: Request, hall: Hall, found: Appointment) -> str:
    """The time a booking has now, in sight at each step to another."""
    return when(words(language(request)), hall, found.start)


async def ask_cancel(request: Request) -> Response:
    hall, found, what = await to_move(request)
    return sure(request, hall, found, "cancel", what, when(words(language(request)), hall, found.start))


async def cancel(request: Request) -> Response:
    as_citizen(request)
    hall, found, what = await to_move(request)
    form, t = await request.form(), words(language(request))
    try:
        await booking.cancel(request, found.code, press=text(form, "press"))
    except Refused as refused:
        return sure(
            request, hall, found, "cancel", what, when(t, hall, found.start), reason_of(refused, t), status_of(refused.code)
        )
    return RedirectResponse(way(request, f"/b/{found.code}", cancelled="1"), 303)


async def check_in(request: Request) -> Response:
    """Into the line, on the phone that has just scanned the code at the door; where the hall asks for no code, from anywhere."""
    as_citizen(request)
    hall, found = await booking.find(request, request.path_params["code"])
    form, t = await request.form(), words(language(request))
    settings: Settings = request.app.state.settings
    try:
        if hall.value(doorcode.PHONE_TICKETS) == "on_site":
            doorcode.admit(settings.secret, hall, text(form, "pass") or "")
        elif hall.value(doorcode.PHONE_TICKETS) == "off":
            return await draw(request, 403, error=t["book.not_by_phone"])
        made = await booking.check_in(request, found.code, press=text(form, "press"))
    except Refused as refused:
        return await draw(request, status_of(refused.code), error=reason_of(refused, t))
    return RedirectResponse(way(request, f"/t/{made.ticket.key}"), 303)


async def remind(request: Request) -> Response:
    """Word of the booking to a number, or no more of it."""
    as_citizen(request)
    _, found = await booking.find(request, request.path_params["code"])
    form, t = await request.form(), words(language(request))
    try:
        if text(form, "stop"):
            await booking.unremind(request, found.code)
        else:
            await booking.remind(request, found.code, text(form, "phone") or "", lang=language(request))
    except Refused as refused:
        return await draw(request, status_of(refused.code), error=reason_of(refused, t))
    return RedirectResponse(way(request, f"/b/{found.code}", told="1"), 303)


ROUTES = [
    Route("/b", enter, methods=["GET"]),
    Route("/b/{code}", show, methods=["GET"]),
    Route("/b/{code}/calendar", calendar_file, methods=["GET"]),
    Route("/b/{code}/move", move_day, methods=["GET"]),
    Route("/b/{code}/move/{day}", move_time, methods=["GET"]),
    Route("/b/{code}/move/{day}/{clock}", ask_move, methods=["GET"]),
    Route("/b/{code}/move/{day}/{clock}", move, methods=["POST"]),
    Route("/b/{code}/cancel", ask_cancel, methods=["GET"]),
    Route("/b/{code}/cancel", cancel, methods=["POST"]),
    Route("/b/{code}/check-in", check_in, methods=["POST"]),
    Route("/b/{code}/notices", remind, methods=["POST"]),
]
