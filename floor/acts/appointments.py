"""Acts on a booking: by the citizen who holds its code, by the desk on the telephone, by a kiosk where it is checked in."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from starlette.requests import Request

from displays import contacts, notices
from floor.acts.ground import hall_by_id, hall_of, in_own_zone, pressed, ring
from floor.acts.tickets import actor_for, hashed, on_ticket, phone_number, printer_for, seal_of
from floor.database import Db, acquire
from floor.reminders import subject as subject
from floor.reminders import word_of
from floor.signin import Person, allow, current
from queueing import identity
from queueing.db import Press
from queueing.errors import BadInput
from queueing.halls import Hall, services
from queueing.tickets import Act
from scheduling import appointments
from scheduling.appointments import Appointment, Booked, Holder
from scheduling.errors import NotBooked
from scheduling.offers import hall_day

STAFF = ("desk", "leader", "manager")


async def book(
    request: Request,
    hall_code: str,
    service: str,
    start: datetime,
    *,
    name: str,
    id_number: str,
    phone: str | None = None,
    matters: Sequence[str] = (),
    lang: str = "zh-Hans",
    notices: bool = True,
    press: str | None = None,
) -> Booked:
    """Book a place under a real name: anybody for themselves, the desk for who telephones. BadInput, and what booking raises.

    `notices`: word of the booking may be written to the telephone.
    """
    hall, person = await hall_of(request, hall_code), await current(request)
    await request.app.state.rates.allow_citizen(request, person)
    if person is not None and person.via in ("token", "device"):
        allow(person, *STAFF, hall=hall.id)
    actor = actor_for(person, hall, *STAFF)
    await in_own_zone(request, hall, person, actor, service)
    name = name.strip()
    if not name:
        raise BadInput(field="name", message="it is empty")
    shown, number = identity.read(id_number), phone_number(phone) if phone else None
    seal, code = seal_of(request), appointments.new_code()
    who, reached = hashed(request, "person", shown.number), hashed(request, "phone", number)
    holder = Holder(
        who, shown.mask, reached, seal.close(name, f"booking:{code}"), seal.close(number, f"booking:{code}") if number else None
    )
    written = number if notices else None
    once_only = pressed(request, actor, press, (service, start.timestamp(), list(matters), lang, who, reached))

    async def act(db: Db) -> Booked:
        if written is not None:  # before the booking: whoever reads of it finds where to write
            await contacts.keep(db, hall.id, subject(code), written, seal=seal, lang=lang, day=hall_day(hall, start))
        channel = "web" if actor == "citizen" else "desk"
        return await appointments.book(
            db, hall, service, start, holder, actor=actor, channel=channel, matters=matters, lang=lang, code=code, press=once_only
        )

    made: Booked | None = None
    try:
        made = await on_booking(request, hall, act, "booked")
    finally:
        if written is not None and (made is None or made.appointment.code != code):
            async with acquire(request.app.state.pool) as db:
                await contacts.forget(db, subject(code))
    return made


async def find(request: Request, code: str) -> tuple[Hall, Appointment]:
    """The booking of who holds this code, and its hall. NotFound."""
    async with acquire(request.app.state.pool) as db:
        found = await appointments.by_code(db, code)
    return await hall_by_id(request, found.hall), found


async def cancel(request: Request, code: str, *, press: str | None = None) -> Booked:
    """Give a place back: whoever holds the code, or the desk."""
    hall, found, actor = await _held(request, code, await current(request))
    once_only = pressed(request, actor, press, ())
    return await on_booking(
        request, hall, lambda db: appointments.cancel(db, hall, found.code, actor=actor, press=once_only), "unbooked"
    )


async def move(request: Request, code: str, start: datetime, *, press: str | None = None) -> Booked:
    """Change to another time: whoever holds the code, or the desk."""
    hall, found, actor = await _held(request, code, await current(request))
    once_only = pressed(request, actor, press, start.timestamp())
    return await on_booking(
        request, hall, lambda db: appointments.move(db, hall, found.code, start, actor=actor, press=once_only), "moved"
    )


async def remind(request: Request, code: str, phone: str, *, lang: str) -> bool:
    """Send word of a booking to a number. False where nothing is sent, or this number said stop. BadInput, NotBooked."""
    hall, found = await find(request, code)
    await request.app.state.rates.allow_citizen(request, await current(request))
    if found.state != "booked":
        raise NotBooked(state=found.state)
    number, seal = phone_number(phone), seal_of(request)
    async with acquire(request.app.state.pool) as db:
        return await contacts.keep(db, hall.id, subject(found.code), number, seal=seal, lang=lang, day=found.day)


async def unremind(request: Request, code: str) -> None:
    """No more word of this booking, and the number it went to is forgotten."""
    _, found = await find(request, code)
    await request.app.state.rates.allow_citizen(request, await current(request))
    async with acquire(request.app.state.pool) as db:
        await contacts.forget(db, subject(found.code))


async def check_in(
    request: Request, code: str, *, print_at: str | None = None, person: Person | None = None, press: str | None = None
) -> Act:
    """Turn a booking into a ticket: at a kiosk (which prints), at the desk, or on the holder's own telephone.

    `person` names who does it where it isn't whoever is signed in: a kiosk page in a browser with two sign-ins.
    """
    person = person or await current(request)
    hall, found, actor = await _held(request, code, person, "dispenser")
    at_kiosk = person is not None and person.device is not None

    async def act(db: Db, once_only: Press | None) -> Act:
        printer = await printer_for(db, hall, person, print_at) if person is not None and actor != "citizen" else None
        channel = "dispenser" if at_kiosk else "phone" if actor == "citizen" else "desk"
        made = await appointments.check_in(db, hall, found.code, actor=actor, channel=channel, print_at=printer, press=once_only)
        if not made.replayed:
            await follow_ticket(db, request, hall, found, made)
        return made

    return await on_ticket(request, hall, actor, press, (found.code, print_at), act)


async def follow_ticket(db: Db, request: Request, hall: Hall, found: Appointment, made: Act) -> None:
    """From now on word goes out about the ticket, to the number the booking was made with."""
    contact = await contacts.find(db, subject(found.code), seal_of(request))
    if contact is not None:
        await contacts.keep(
            db, hall.id, made.ticket.key, contact.address, seal=seal_of(request), lang=found.lang, kind=contact.kind
        )
        await contacts.forget(db, subject(found.code))


async def _held(request: Request, code: str, person: Person | None, *also: str) -> tuple[Hall, Appointment, str]:
    """A booking, its hall, and who acts on it: the holder of its code, or staff as themselves."""
    hall, found = await find(request, code)
    await request.app.state.rates.allow_citizen(request, person)
    actor = actor_for(person, hall, *STAFF, *also)
    await in_own_zone(request, hall, person, actor, found.service)
    return hall, found, actor


async def on_booking(request: Request, hall: Hall, act: Callable[[Db], Awaitable[Booked]], template: str) -> Booked:
    """Do an act on a booking once, owe the holder word of it, and ring."""
    async with acquire(request.app.state.pool) as db:
        done = await act(db)
        if not done.replayed:
            await contacts.keep_until(db, subject(done.appointment.code), done.appointment.day)
            await tell(db, hall, done.appointment, template)
    if not done.replayed:
        ring(request, hall.id)
    return done


async def tell(db: Db, hall: Hall, booked: Appointment, template: str) -> None:
    """Owe one notice about a booking."""
    now: datetime = await db.fetchval("SELECT hall_now()")
    known = next(service for service in await services(db, hall) if service.code == booked.service)
    await notices.owe(db, hall, [word_of(hall, known, booked.code, booked.start, booked.lang, template, now)])
