"""Steps of the ladder as people decide them: the visitor by key, desk and clerk for them, leader and manager for the hall."""

from datetime import datetime

from starlette.requests import Request

from displays import contacts
from floor.acts.appointments import subject, tell
from floor.acts.ground import hall_of, in_own_zone, pressed, ring
from floor.acts.tickets import actor_for, seal_of, ticket_of
from floor.database import Db, acquire
from floor.free import free_seat
from floor.refusals import NobodyFree, NotAllowed
from floor.signin import Person, allow, current, leads, own_zone, require
from queueing import alarms, journal, proposals
from queueing.errors import AlreadySeated
from queueing.halls import Hall, services
from queueing.proposals import Proposal
from queueing.tickets import Ticket
from queueing.windows import get_window, open_window
from scheduling import answers, overdue
from scheduling.answers import Refusal, Step
from scheduling.appointments import Appointment, Booked
from scheduling.escalation import KEPT
from scheduling.roster.planned import apply_on_shift, of_other_zones

FOR_THEM = ("clerk", "desk", "leader", "manager")  # who may answer for a visitor, at their word
ANYWHERE = ("clerk", "desk", "manager")  # and of them in any zone
DECIDES = ("manager", "leader")
CHANNELS = {"citizen": "web", "device": "kiosk"}  # by who answers; staff do at the desk
KINDS = {"tidal": ("open",), "helpers": ("help", "move", "open")}  # the proposals that are such a step


# Numbers begin anew each day, and a paper is good for as long as what was offered on its day is kept.
BY_PAPER = """
SELECT t.key FROM halls h JOIN tickets t ON t.hall = h.id
WHERE h.id = $1 AND t.number = $2 AND to_char(t.joined_at AT TIME ZONE h.time_zone, 'HH24MI') = $3
  AND t.day BETWEEN business_day(hall_now(), h.time_zone, h.day_starts) - $4::integer
                AND business_day(hall_now(), h.time_zone, h.day_starts)
ORDER BY t.day DESC, t.id DESC LIMIT 1
"""


async def steps_of(request: Request, key: str) -> tuple[Hall, Ticket, list[Step]]:
    """What the holder of a key was offered."""
    hall, ticket = await ticket_of(request, key)
    async with acquire(request.app.state.pool) as db:
        return hall, ticket, await answers.of_ticket(db, ticket.id)


async def by_paper(request: Request, hall: Hall, number: str, time: str) -> str | None:
    """The key of whoever holds a paper: its number, and the hour and minute printed on it, such as 1405. None where the two
    don't belong together; TooFast after some wrong guesses at one number."""
    await request.app.state.rates.allow_guess(hall.code, number)
    async with acquire(request.app.state.pool) as db:
        key: str | None = await db.fetchval(BY_PAPER, hall.id, number, time, hall.value(KEPT))
    if key is None:
        await request.app.state.rates.note_guess(hall.code, number)
    return key


async def _answering(request: Request, key: str, person: Person | None) -> tuple[Hall, str]:
    """The hall, and as whom somebody answers: who holds the key, staff at their word, or the kiosk they stand at."""
    hall, ticket = await ticket_of(request, key)
    person = person or await current(request)
    await request.app.state.rates.allow_citizen(request, person)
    actor = actor_for(person, hall, *FOR_THEM, "dispenser")
    await in_own_zone(request, hall, person, actor, ticket.service, ANYWHERE)
    return hall, actor


async def take_slot(
    request: Request, key: str, *, start: datetime | None = None, person: Person | None = None, press: str | None = None
) -> Booked:
    """Take the slot that was offered; word of it goes where word of the ticket went. `person`: the kiosk where it is said.
    What answers.take_slot raises."""
    hall, actor = await _answering(request, key, person)
    channel = CHANNELS.get(actor.partition(":")[0], "desk")
    once_only = pressed(request, actor, press, start.timestamp() if start else None)
    async with acquire(request.app.state.pool) as db:
        booked = await answers.take_slot(db, hall, key, actor=actor, channel=channel, start=start, press=once_only)
        if not booked.replayed:
            await follow_booking(db, request, hall, key, booked.appointment)
    ring(request, hall.id)
    return booked


async def follow_booking(db: Db, request: Request, hall: Hall, key: str, booked: Appointment) -> None:
    """From now on word goes out about the booking, to the number the ticket had."""
    seal = seal_of(request)
    contact = await contacts.find(db, key, seal)
    if contact is not None and not contact.stopped:
        await contacts.keep(
            db, hall.id, subject(booked.code), contact.address, seal=seal, lang=booked.lang, kind=contact.kind, day=booked.day
        )
        await tell(db, hall, booked, "booked")


async def refuse(
    request: Request, key: str, step: str, why: str, *, person: Person | None = None, press: str | None = None
) -> Refusal:
    """Say no to a step; the one that is offered next."""
    hall, actor = await _answering(request, key, person)
    async with acquire(request.app.state.pool) as db:
        refused = await answers.refuse(
            db, hall, key, step, why[:200], actor=actor, press=pressed(request, actor, press, [step, why])
        )
    ring(request, hall.id)
    return refused


async def offer(request: Request, key: str, step: str, *, person: Person | None = None) -> None:
    """Offer a visitor a step before the ladder comes to it: staff, or the kiosk where the holder of the paper asks for it."""
    hall, ticket = await ticket_of(request, key)
    person = allow(person or await current(request), *FOR_THEM, "dispenser", hall=hall.id)
    actor = person.actor
    await in_own_zone(request, hall, person, actor, ticket.service, ANYWHERE)
    async with acquire(request.app.state.pool) as db:
        if person.device and step == "slot" and not answers.may_ask(hall, ticket, await db.fetchval("SELECT hall_now()")):
            raise NotAllowed()
        await answers.offer_now(db, hall, key, step, actor=actor)
    ring(request, hall.id)


# --- for the hall ------------------------------------------------------------------------------------------------


async def decide(request: Request, hall_code: str, escalation: int, accept: bool, why: str | None = None) -> None:
    """Take on a step of the hall's, and do it; or refuse it with a reason. A leader in the own zone, a manager anywhere.

    What is done and that it was taken are one transaction. Raises StepIs, NobodyFree, and what the acts refuse.
    """
    hall = await hall_of(request, hall_code)
    person = await require(request, *DECIDES, hall=hall.id)
    async with acquire(request.app.state.pool) as db, db.transaction():
        found = await answers.stands(db, hall, escalation, accept)
        if found is None:
            return
        step, service = found
        zone = await bound_zone(db, hall, person, service)
        if accept and step in KINDS:
            await more_hands(db, hall, person, service, KINDS[step], zone)
        await answers.answer(db, hall, escalation, accept, actor=person.actor, why=why)
    ring(request, hall.id)


async def see_alarms(request: Request, hall_code: str, kind: str) -> None:
    """Take on what stands of one kind of alarm: a leader in the own zone, a manager everywhere."""
    hall = await hall_of(request, hall_code)
    person = await require(request, *DECIDES, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        mine = [one for one in await alarms.standing(db, hall) if one.kind == kind and leads(person, one.zone)]
        new = [await alarms.see(db, hall, alarm.id, actor=person.actor) for alarm in mine]
    if any(new):
        ring(request, hall.id)


async def take_on_visit(request: Request, hall_code: str, visit: int) -> None:
    """Go after a visit that waits too long: under one's own name, so that nobody else does, and nobody thinks another did."""
    hall = await hall_of(request, hall_code)
    person = await require(request, *DECIDES, "desk", hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        new = await overdue.take_on(db, hall, visit, actor=person.actor)
    if new:
        ring(request, hall.id)


async def take_on(request: Request, key: str, step: str) -> None:
    """Go and ask who has not answered a step."""
    hall, ticket = await ticket_of(request, key)
    person = await require(request, *FOR_THEM, hall=hall.id)
    await in_own_zone(request, hall, person, person.actor, ticket.service, ANYWHERE)
    async with acquire(request.app.state.pool) as db:
        await answers.take_on(db, hall, key, step, actor=person.actor)
    ring(request, hall.id)


async def call_helper(request: Request, hall_code: str, service: str) -> None:
    """One click: the best proposal for a service is done, or somebody who is free opens one more window for it."""
    hall = await hall_of(request, hall_code)
    person = await require(request, *DECIDES, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        zone = await bound_zone(db, hall, person, service)
        async with db.transaction():
            await more_hands(db, hall, person, service, ("open", "help", "move"), zone)
    ring(request, hall.id)


async def bound_zone(db: Db, hall: Hall, person: Person, service: str) -> str | None:
    """The zone a leader is bound to, None for a manager. NotAllowed for a service of another zone."""
    own = own_zone(person)
    if own is not None and all(one.zone != own for one in await services(db, hall) if one.code == service):
        raise NotAllowed()
    return own


async def more_hands(db: Db, hall: Hall, person: Person, service: str, kinds: tuple[str, ...], zone: str | None) -> None:
    """Do what was proposed for a service, else open a window for it with somebody who is free. NobodyFree."""
    for one in await proposals.live(db, hall, ("offered",)):
        if one.step.service == service and one.step.kind in kinds and await inside(db, hall, one, zone):
            await apply_on_shift(db, hall, one.id, one.step, actor=person.actor)
            return
    found = await free_seat(db, hall, service, zone)
    if found is None:
        raise NobodyFree()
    window, clerk, serves = found
    try:
        await open_window(db, hall, window, clerk, services=serves, actor=person.actor)
    except AlreadySeated:  # somebody seated that clerk in this very instant
        raise NobodyFree() from None
    data = {"service": service, "window": window}
    await journal.append(db, hall.id, "helper.called", person.actor, data=data, cause="ladder", window=window)


async def inside(db: Db, hall: Hall, one: Proposal, zone: str | None) -> bool:
    """Whether a proposal is about windows and people of this zone alone."""
    if zone is None:
        return True
    named = [no for no in (one.step.window, one.step.from_window) if no]
    at = {(await get_window(db, hall, no)).zone for no in named}
    return at == {zone} and one.step.clerk not in await of_other_zones(db, hall, zone)
