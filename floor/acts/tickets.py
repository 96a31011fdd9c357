"""Acts on a ticket by whoever holds it, by the dispenser that gives it, and by the desk."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from devices import health, registry
from displays import contacts
from displays.sealed import Seal, phone_of
from floor.acts.ground import hall_by_id, hall_of, in_own_zone, pressed, ring
from floor.catalogue.kept import known
from floor.database import Db, acquire
from floor.doorcode import PHONE_TICKETS, admit
from floor.refusals import NotAllowed, NotSignedIn, PrinterNotReady
from floor.settings import Settings
from floor.signin import Person, allow, current, require
from queueing import calls, holds, identity, persons, slips, tickets
from queueing.db import Press, once
from queueing.errors import BadInput, NotInThatState, PastLastTicket
from queueing.halls import Hall, business_day
from queueing.identity import Identity
from queueing.matters import known as offered
from queueing.tickets import Act, Ticket
from scheduling.offers import next_free
from scheduling.teams import at_the_door

CITIZEN = "citizen"
SLIP = "一次性告知单"  # the paper that was seen when a "told once" slip gives its head start


async def take(
    request: Request,
    hall_code: str,
    services: Sequence[str],
    *,
    matters: Sequence[str] = (),
    category: str | None = None,
    evidence: str | None = None,
    id_number: str | None = None,
    phone: str | None = None,
    lang: str = "zh-Hans",
    print_at: str | None = None,
    door_code: str | None = None,
    person: Person | None = None,
    citizen: bool = False,
    slip: str | None = None,
    press: str | None = None,
) -> Act:
    """Take a number: for a dispenser or its kiosk page (which print), or for desk and manager (who say where, or nowhere).

    `person` names who takes where it isn't whoever is signed in: a kiosk page in a browser with two sign-ins. Without
    `services` the matters say which. `slip` is the code of a "told once" slip, which gives its own head start and is used up.
    """
    hall = await hall_of(request, hall_code)
    person = None if citizen else person or await current(request)
    await request.app.state.rates.allow_take(request, person)
    if person is None:
        by_phone(request, hall, door_code)
        if door_code is not None:
            await request.app.state.rates.allow_door(request, door_code)
        category = evidence = print_at = slip = None  # nobody has seen a paper
    else:
        allow(person, "dispenser", "desk", "manager", hall=hall.id)
    actor = person.actor if person else CITIZEN
    shown = identity.read(id_number) if id_number is not None else None
    who = hashed(request, "person", shown.number if shown else None)
    # All that was asked tells a repeat from another request; of what is personal the keyed hash alone goes into it.
    number = None if phone is None else phone_number(phone)
    private = (who, hashed(request, "phone", number))
    asked = (list(services), list(matters), category, evidence, *private, lang, print_at, door_code, *([slip] if slip else []))

    key = tickets.new_key()

    async def act(db: Db, once_only: Press | None) -> Act:
        printer = await printer_for(db, hall, person, print_at) if person else None
        if slip is None:
            return await taken(db, once_only, printer, Seen(category, evidence))
        async with db.transaction():
            used, earned = await slips.use(db, hall, slip)
            act = await taken(db, once_only, printer, Seen(earned, SLIP) if earned else Seen(category, evidence))
            await slips.used_by(db, used, act.ticket.id)
            return act

    async def taken(db: Db, once_only: Press | None, printer: str | None, asked: Seen) -> Act:
        seen = await by_age(db, hall, shown, asked)
        if number is not None:  # before the ticket: whoever reads of it in the record finds where to write
            await contacts.keep(db, hall.id, key, number, seal=seal_of(request), lang=lang)
        return await tickets.take(
            db,
            hall,
            services or await queues_of(request, db, hall, matters),
            key=key,
            actor=actor,
            channel="phone" if person is None else "dispenser" if person.device else "desk",
            matters=matters,
            category=seen.category,
            evidence=seen.evidence,
            verified_by=seen.by,
            person=who,
            id_mask=shown.mask if shown else None,
            lang=lang,
            print_at=printer,
            press=once_only,
        )

    made: Act | None = None
    try:
        made = await on_ticket(request, hall, actor, press, asked, act)
    except PastLastTicket as over:
        raise PastLastTicket(**over.details, **await instead(request, hall, str(over.details["queue"]))) from None
    finally:
        if number is not None and (made is None or made.ticket.key != key):  # no ticket came of it, or an earlier one
            async with acquire(request.app.state.pool) as db:
                await contacts.forget(db, key)
    return made


async def instead(request: Request, hall: Hall, service: str) -> dict[str, object]:
    """What somebody can do who came after the last ticket: book, with the next free time, or have somebody come."""
    async with acquire(request.app.state.pool) as db:
        free, home = await next_free(db, hall), await at_the_door(db, hall, service)
    ways = [way for way, open_ in (("book", service in free), ("doorstep", home)) if open_]
    return {"instead": ways, "next_slot": free.get(service)}


def seal_of(request: Request) -> Seal:
    """What encrypts and hashes numbers."""
    settings: Settings = request.app.state.settings
    return Seal(settings.secret)


def by_phone(request: Request, hall: Hall, door_code: str | None) -> None:
    """Whether a citizen's own phone may take a number: where the hall allows it, with a fresh code from the door, or without."""
    allowed = hall.value(PHONE_TICKETS)
    if allowed == "off" and door_code is not None:
        raise NotAllowed()
    if door_code is None and allowed != "anywhere":
        raise NotSignedIn()
    if allowed == "on_site":
        settings: Settings = request.app.state.settings
        admit(settings.secret, hall, door_code or "")


@dataclass(frozen=True, slots=True)
class Seen:
    """The category somebody takes a number in, the paper that was shown for it, and who saw it where that was no person."""

    category: str | None
    evidence: str | None
    by: str | None = None


async def by_age(db: Db, hall: Hall, shown: Identity | None, asked: Seen) -> Seen:
    """What an ID card shows by itself: somebody old enough has the head start of their age, if it is more than they asked for."""
    age = shown.age(await business_day(db, hall)) if shown is not None else None
    older = await persons.category_of_age(db, hall, age, asked.category) if age is not None else None
    return asked if older is None else Seen(older, "id_card", "id_card")


async def queues_of(request: Request, db: Db, hall: Hall, codes: Sequence[str]) -> list[str]:
    """The queues that lead to these matters, in the order of the matters. BadInput for none and for one that is not offered."""
    if not codes:
        raise BadInput(field="services", message="name at least one service")
    kept = (await known(request, db, hall)).catalogue
    offered(kept, codes)
    return kept.services_for(codes)


async def printer_for(db: Db, hall: Hall, person: Person, print_at: str | None) -> str | None:
    """The dispenser that owes the paper: the one who asks, or the one staff named. PrinterNotReady, BadInput."""
    if person.device is None and print_at is None:
        return None
    if person.device is None and not await is_dispenser(db, hall, print_at):
        raise BadInput(field="print_at", message="there is no such dispenser in this hall")
    printer = person.device or print_at
    if printer is None or not await health.printer_ready(db, printer):
        raise PrinterNotReady()
    return printer


async def is_dispenser(db: Db, hall: Hall, device_id: str | None) -> bool:
    """Whether this is a dispenser of the hall that is not revoked."""
    found = (await registry.standing(db, [device_id])).values() if device_id else ()
    return any(device.hall == hall.id and device.kind == "dispenser" and device.revoked_at is None for device in found)


def phone_number(written: str) -> str:
    """The number as it is dialled; BadInput for what is none."""
    number = phone_of(written)
    if number is None:
        raise BadInput(field="phone", message=contacts.NO_NUMBER)
    return number


def hashed(request: Request, kind: str, number: str | None) -> bytes | None:
    """The keyed hash by which an ID number (`person`) or a `phone` is matched; the number itself is not in it."""
    if number is None:
        return None
    settings: Settings = request.app.state.settings
    return hmac.new(settings.secret, f"{kind}:{number.strip().upper()}".encode(), hashlib.sha256).digest()


async def ticket_of(request: Request, key: str) -> tuple[Hall, Ticket]:
    """The ticket of a key, and its hall; NotFound."""
    async with acquire(request.app.state.pool) as db:
        ticket = await tickets.by_key(db, key)
    return await hall_by_id(request, ticket.hall), ticket


async def cancel(request: Request, key: str, *, press: str | None = None) -> Act:
    """Leave the queue: whoever holds the key, or the desk."""
    hall, ticket = await ticket_of(request, key)
    person = await current(request)
    await request.app.state.rates.allow_citizen(request, person)
    actor = actor_for(person, hall, "desk", "leader", "manager")
    await in_own_zone(request, hall, person, actor, ticket.service)
    return await on_ticket(
        request, hall, actor, press, (), lambda db, once_only: tickets.cancel(db, hall, key, actor=actor, press=once_only)
    )


def actor_for(person: Person | None, hall: Hall, *roles: str) -> str:
    """Who acts by a ticket's key: staff of these roles as themselves; a browser that holds the key as the citizen it is.

    A program that names itself by a token and has none of the roles is refused: it is no citizen.
    """
    if person is None or (person.via in ("cookie", "kiosk") and (person.hall != hall.id or person.roles.isdisjoint(roles))):
        return CITIZEN
    return allow(person, *roles, hall=hall.id).actor


async def remind(request: Request, key: str, phone: str) -> bool:
    """Send word of a ticket to a number. False where nothing is sent, or this number said stop. BadInput, NotInThatState."""
    hall, ticket = await ticket_of(request, key)
    await request.app.state.rates.allow_citizen(request, await current(request))
    if ticket.state in tickets.ENDINGS:
        raise NotInThatState(state=ticket.state)
    async with acquire(request.app.state.pool) as db:
        return await contacts.keep(db, hall.id, key, phone_number(phone), seal=seal_of(request), lang=ticket.lang, day=ticket.day)


async def stop_notices(request: Request, key: str) -> None:
    """The number that gets word of this ticket wants none any more."""
    await ticket_of(request, key)
    await request.app.state.rates.allow_citizen(request, await current(request))
    async with acquire(request.app.state.pool) as db:
        await contacts.stop(db, key)


async def restore(request: Request, key: str, position: str, *, press: str | None = None) -> Act:
    """Bring a missed ticket back into line: desk, manager, or a leader one of the own zone."""
    hall, ticket = await ticket_of(request, key)
    person = await require(request, "desk", "leader", "manager", hall=hall.id)
    actor = person.actor
    await in_own_zone(request, hall, person, actor, ticket.service)
    if position not in calls.POSITIONS:
        raise BadInput(field="position", message=f"one of {', '.join(calls.POSITIONS)}")
    return await on_ticket(
        request, hall, actor, press, position,
        lambda db, once_only: tickets.restore(db, hall, key, position, actor=actor, press=once_only),
    )  # fmt: skip


async def release(request: Request, key: str, *, press: str | None = None) -> Act:
    """Send a held ticket back into line by the hall's rule for its hold: clerk, desk, manager, a leader in the own zone."""
    hall, ticket = await ticket_of(request, key)
    person = await require(request, "clerk", "desk", "leader", "manager", hall=hall.id)
    actor = person.actor
    await in_own_zone(request, hall, person, actor, ticket.service, ("clerk", "desk", "manager"))
    return await on_ticket(
        request, hall, actor, press, (), lambda db, once_only: holds.release(db, hall, key, actor=actor, press=once_only)
    )


async def reprint(request: Request, key: str, print_at: str | None = None, *, press: str | None = None) -> Act:
    """Owe a marked copy of a ticket's paper: at the dispenser that asks, or at the one the desk names."""
    hall, _ = await ticket_of(request, key)
    person = await require(request, "dispenser", "desk", "manager", hall=hall.id)
    if person.device is None and print_at is None:
        raise BadInput(field="print_at", message="name the dispenser")

    async def act(db: Db, once_only: Press | None) -> Act:
        printer = await printer_for(db, hall, person, print_at)
        assert printer is not None
        return await tickets.reprint(db, hall, key, printer, actor=person.actor, press=once_only)

    return await on_ticket(request, hall, person.actor, press, print_at, act)


async def on_ticket(
    request: Request, hall: Hall, actor: str, press: str | None, asked: object, act: Callable[[Db, Press | None], Awaitable[Act]]
) -> Act:
    """Do an act on a ticket once and ring. A repeat is answered even where the act would now be refused beforehand.

    How many are ahead is read on the same connection and left in the request for whoever answers it.
    """
    once_only = pressed(request, actor, press, asked)
    async with acquire(request.app.state.pool) as db:
        done = await once(db, once_only, lambda: act(db, once_only), tickets.again)
        request.scope["hall.ahead"] = (done.ticket.id, await tickets.ahead(db, done.ticket))
    if not done.replayed:
        ring(request, hall.id)
    return done
