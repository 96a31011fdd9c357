"""Appointments: places offered, booked, changed, given back and checked in."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from floor import acts
from floor.acts import appointments as booking
from floor.api.faults import Fault
from floor.api.problems import Invalid
from floor.api.routes import acceptable, answer, asked, delete, get, nothing, post, press_of, queried
from floor.api.tickets import Code, Lang, Ticket, Words, told
from floor.database import acquire
from queueing.errors import UnknownService
from queueing.halls import business_day, services
from scheduling import appointments, slots
from scheduling.slots import BOOK_DAYS

MOST_DAYS = 60

AppointmentCode = Annotated[str, Meta(description="Ten characters; whoever has them holds the booking")]


class Slot(Struct):
    start: datetime
    end: datetime
    capacity: int
    left: int


class SlotsAsked(Struct, rename={"first": "from", "last": "to"}):
    """The days that are asked for; without them, all that are open for booking."""

    service: Code
    first: date | None = None
    last: date | None = None


class Appointment(Struct):
    """A booking as it stands. Nothing personal is in it."""

    code: AppointmentCode
    service: str
    start: datetime
    end: datetime
    state: Literal["booked", "checked_in", "cancelled", "no_show"]
    matters: list[str]
    ticket: str | None


class BookAsked(Struct):
    """A booking under a real name. Name and telephone are kept encrypted, the ID number as a keyed hash and its last four."""

    service: Code
    start: datetime
    name: Annotated[str, Meta(min_length=1, max_length=60)]
    id_number: Annotated[str, Meta(min_length=6, max_length=30)]
    phone: Annotated[str, Meta(max_length=20)] | None = None
    matters: Annotated[list[Words], Meta(max_length=20)] = []
    lang: Lang = "zh-Hans"


class MoveAsked(Struct):
    start: datetime


class CheckInAsked(Struct):
    print_at: Annotated[str, Meta(max_length=60)] | None = None


def shown(found: appointments.Appointment) -> Appointment:
    """A booking in the words of the interface."""
    return Appointment(found.code, found.service, found.start, found.end, found.state, found.matters, found.ticket_key)  # type: ignore[arg-type]


async def offered(request: Request) -> Response:
    """A list as it is, without pages: a service has some twenty slots a day."""
    query = queried(request, SlotsAsked)
    hall = await acts.hall_of(request, request.path_params["hall"])
    async with acquire(request.app.state.pool) as db:
        if query.service not in {service.code for service in await services(db, hall)}:
            raise UnknownService(service=query.service)
        first = query.first or await business_day(db, hall)
        last = query.last or first + timedelta(days=hall.value(BOOK_DAYS))
        if not timedelta(0) <= last - first <= timedelta(days=MOST_DAYS):
            raise Invalid(Fault("to", f"0 to {MOST_DAYS} days after from"))
        found = await slots.slots(db, hall, query.service, first, last)
    return answer([Slot(slot.start, slot.end, slot.capacity, slot.left) for slot in found])


async def book(request: Request) -> Response:
    body = await asked(request, BookAsked)
    done = await booking.book(
        request, request.path_params["hall"], body.service, whole(body.start), name=body.name, id_number=body.id_number,
        phone=body.phone, matters=body.matters, lang=body.lang, press=press_of(request),
    )  # fmt: skip
    return answer(shown(done.appointment), 201, replayed=done.replayed)


def whole(start: datetime) -> datetime:
    """A time with its offset, as every time of the interface has; Invalid."""
    if start.tzinfo is None:
        raise Invalid(Fault("start", "a time with its offset"))
    return start


async def look(request: Request) -> Response:
    acceptable(request)
    _, found = await booking.find(request, request.path_params["code"])
    return answer(shown(found))


async def cancel(request: Request) -> Response:
    done = await booking.cancel(request, request.path_params["code"], press=press_of(request))
    return nothing(replayed=done.replayed)


async def move(request: Request) -> Response:
    body = await asked(request, MoveAsked)
    done = await booking.move(request, request.path_params["code"], whole(body.start), press=press_of(request))
    return answer(shown(done.appointment), replayed=done.replayed)


async def check_in(request: Request) -> Response:
    body = await asked(request, CheckInAsked)
    act = await booking.check_in(request, request.path_params["code"], print_at=body.print_at, press=press_of(request))
    return await told(request, act, 201)


STAFF = "Whoever holds its code; desk, manager; a leader of its zone"
REFUSED = ("slot_full", "outside_hours", "too_many", "banned", "bad_input", "too_fast")
ROUTES = [
    get("/api/v1/halls/{hall}/slots", offered, "Places that can be booked", "Anybody", list[Slot], query=SlotsAsked,
        refusals=("unknown_service",)),
    post("/api/v1/halls/{hall}/appointments", book, "Book a place", "Anybody; desk, manager; a leader of its zone",
         {201: Appointment}, body=BookAsked, refusals=(*REFUSED, "unknown_service", "not_signed_in", "not_allowed")),
    get("/api/v1/appointments/{code}", look, "A booking", "Whoever holds its code", Appointment),
    delete("/api/v1/appointments/{code}", cancel, "Give a place back", STAFF, once=True,
           refusals=("not_in_that_state", "too_fast")),
    post("/api/v1/appointments/{code}/move", move, "Change to another time", STAFF, {200: Appointment},
         body=MoveAsked, refusals=(*REFUSED, "not_in_that_state")),
    post("/api/v1/appointments/{code}/check-in", check_in, "Turn a booking into a ticket",
         f"{STAFF}; a dispenser or its kiosk page", {201: Ticket}, body=CheckInAsked,
         refusals=("too_early", "too_late", "already_checked_in", "closed", "one_live_ticket", "printer_not_ready",
                    "not_in_that_state", "too_many",  "banned")),
]  # fmt: skip
