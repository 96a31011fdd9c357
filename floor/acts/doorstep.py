"""Acts on a visit to somebody's door: asked for by who needs it or by staff for them, decided, planned, made by its team."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request

from displays import contacts
from displays.sealed import Unreadable as LostContact
from floor import doorstep_words as telling
from floor.acts.appointments import find as find_booking
from floor.acts.ground import hall_of, in_own_zone, pressed, ring
from floor.acts.tickets import CITIZEN, actor_for, hashed, phone_number, seal_of, ticket_of
from floor.acts.visit_names import find
from floor.database import Db, acquire
from floor.quality import ratings
from floor.refusals import NotAllowed
from floor.settings import Settings
from floor.signin import Person, allow, current, require
from queueing.db import Press
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall
from queueing.tickets import new_key
from scheduling import doorstep, looks, teams
from scheduling.doorstep import APPLICANTS, Done, Visit, Visitor
from scheduling.envelopes import Details, Envelopes, Unreadable, name_mask, phone_mask
from scheduling.errors import DoorUnknown, VisitIs

ASKS = ("desk", "clerk", "leader", "manager")  # staff who ask for somebody
ANYWHERE = ("desk", "clerk", "manager")  # of them, who may do so for any zone
DECIDES = ("desk", "leader", "manager")
GOES = ("doorstep", "clerk", "manager")
BY_STAFF = ("desk", "phone", "hotline", "agent")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for, as they said it."""

    reason: str
    matters: Sequence[str] = ()
    name: str | None = None
    phone: str | None = None
    address: str | None = None
    lat: float | None = None
    lon: float | None = None
    area: str | None = None
    preferred: Sequence[tuple[datetime, datetime]] = ()
    materials: Sequence[str] = ()
    because: str | None = None
    evidence: str | None = None
    note: str | None = None
    delivery: str = "collect"
    lang: str = "zh-Hans"
    consent: bool = True
    notices: bool = True
    applicant: str = "self"
    asker: str | None = None
    relation: str | None = None
    call_back: bool = False  # a telephone is enough: name and address are asked for later

    @property
    def names_somebody(self) -> bool:
        return any((self.name, self.phone, self.address))


def envelopes_of(request: Request) -> Envelopes:
    """What seals and opens the envelopes of this hall."""
    settings: Settings = request.app.state.settings
    return Envelopes(settings.secret, *settings.former_secrets)


# --- asking -------------------------------------------------------------------------------------------------------


async def ask(
    request: Request, hall_code: str, wish: Wish, *, channel: str | None = None, person: Person | None = None,
    press: str | None = None,
) -> Done:  # fmt: skip
    """Ask for a visit: anybody for themselves, a kiosk for who stands at it, staff for who telephones or stands here.

    `channel` of staff is one of BY_STAFF. Raises BadInput, NotAtTheDoor, TooManyVisits, TooFast.
    """
    hall, person = await hall_of(request, hall_code), person or await current(request)
    actor = actor_for(person, hall, *ASKS, "agent", "dispenser")
    return await _asked(request, hall, wish, channel_of(person, actor, channel), actor, person, press, {})


def channel_of(person: Person | None, actor: str, channel: str | None) -> str:
    """By which way a request came. BadInput for one that only staff may name."""
    if person is None or actor == CITIZEN:
        allowed: tuple[str, ...] = ("web",)
    elif person.device is not None:
        allowed = ("kiosk",)
    else:
        allowed = ("agent",) if "agent" in person.roles else BY_STAFF
    if channel is not None and channel not in allowed:
        raise BadInput(field="channel", message=f"one of {', '.join(allowed)}")
    return channel or allowed[0]


async def of_ticket(
    request: Request, key: str, wish: Wish, *, citizen: bool = False, kiosk: Person | None = None, press: str | None = None
) -> Done:
    """Serve the holder of a ticket at home: the ticket ends. By desk, clerk or manager; `citizen`: by who holds it, on a page;
    `kiosk`: at the machine they stand at."""
    hall, ticket = await ticket_of(request, key)
    person = kiosk or await current(request)
    roles = (*ASKS, "dispenser") if kiosk else ASKS
    actor = actor_for(person, hall, *roles) if citizen else allow(person, *roles, hall=hall.id).actor
    await in_own_zone(request, hall, person, actor, ticket.service, ANYWHERE)
    return await _asked(request, hall, wish, "ticket", actor, None if citizen else person, press, {"ticket": key})


async def of_booking(request: Request, code: str, wish: Wish, *, press: str | None = None) -> Done:
    """Serve the holder of a booking at home: its place is given back, and never counts as given back late."""
    hall, found = await find_booking(request, code)
    person = await current(request)
    actor = actor_for(person, hall, *ASKS)
    await in_own_zone(request, hall, person, actor, found.service, ANYWHERE)
    return await _asked(request, hall, wish, "appointment", actor, person, press, {"appointment": found.code})


async def _asked(
    request: Request, hall: Hall, wish: Wish, channel: str, actor: str, person: Person | None, press: str | None,
    source: dict[str, str],
) -> Done:  # fmt: skip
    """Keep a wish, sealed, with where to write to; then owe the first word of it."""
    await request.app.state.rates.allow_citizen(request, person)
    checked(wish, needs_a_door=not source)
    key, envelopes, seal = new_key(), envelopes_of(request), seal_of(request)
    number = phone_number(wish.phone) if wish.phone else None
    visitor = visitor_of(request, envelopes, key, wish) if wish.names_somebody else Visitor()
    private = hashed(request, "door", msgspec.json.encode(details_of(wish)).decode()) if wish.names_somebody else None
    open_part = (
        wish.reason, wish.because, list(wish.matters), [(a.timestamp(), b.timestamp()) for a, b in wish.preferred], wish.applicant
    )  # fmt: skip
    once_only = pressed(request, actor, press, (open_part, private, wish.area, wish.delivery, wish.lang, channel, source))
    written = number if wish.notices else None

    async def act(db: Db) -> Done:
        if written is not None:  # before the visit: whoever reads of it finds where to write
            await telling.keep(db, hall, key, written, seal=seal, lang=wish.lang)
        area = wish.area
        if area is None and wish.lat is not None and wish.lon is not None:
            area = teams.nearest(await teams.areas(db, hall), wish.lat, wish.lon)
        done = await doorstep.request(
            db, hall, wish.reason, visitor, actor=actor, channel=channel, matters=wish.matters, because=wish.because,
            evidenced=bool(wish.evidence), verified_by=actor if wish.evidence and seen_by_staff(person) else None,
            preferred=wish.preferred, area=area, delivery=wish.delivery, lang=wish.lang, consent=wish.consent,
            applicant=wish.applicant, key=key, ticket=source.get("ticket"), appointment=source.get("appointment"),
            press=once_only,
        )  # fmt: skip
        if "ticket" in source and number is None and not done.replayed:
            try:
                await telling.follow(db, hall, source["ticket"], done.visit.key, seal=seal, lang=done.visit.lang)
            except LostContact:  # the hall's secret was changed since the number was taken: there is nobody to write to
                await contacts.forget(db, source["ticket"])
        return done

    made: Done | None = None
    try:
        made = await on_visit(request, hall, act)
    finally:
        if written is not None and (made is None or made.visit.key != key):
            async with acquire(request.app.state.pool) as db:
                await contacts.forget(db, telling.subject(key))
    return made


def seen_by_staff(person: Person | None) -> bool:
    return person is not None and person.device is None and not person.roles.isdisjoint((*ASKS, "agent"))


def checked(wish: Wish, *, needs_a_door: bool) -> None:
    """BadInput for what the hall can't go by."""
    if wish.call_back:
        phone_number(wish.phone or "")
    elif needs_a_door or wish.names_somebody:
        check_door(wish.name, wish.phone, wish.address)
    if needs_a_door and not wish.matters:
        raise BadInput(field="matters", message="it is missing")
    if (wish.lat is None) != (wish.lon is None):
        raise BadInput(field="lon" if wish.lon is None else "lat", message="it is missing")
    check_spans(wish.preferred)
    if wish.applicant not in APPLICANTS:
        raise BadInput(field="applicant", message=f"one of {', '.join(APPLICANTS)}")
    if not wish.consent:
        raise BadInput(field="consent", message="without consent nothing can be kept")


def check_spans(preferred: Sequence[tuple[datetime, datetime]]) -> None:
    """BadInput for what is no stretch of time."""
    for first, last in preferred:
        if first.tzinfo is None or last.tzinfo is None:
            raise BadInput(field="preferred", message="a time with its offset")
        if first >= last:
            raise BadInput(field="preferred", message="a period ends no earlier than it begins")


def check_door(name: str | None, phone: str | None, address: str | None) -> None:
    """BadInput where one of the three is missing, or the telephone is none."""
    for field, told in (("name", name), ("phone", phone), ("address", address)):
        if not (told or "").strip():
            raise BadInput(field=field, message="it is missing")
    phone_number(phone or "")


def details_of(wish: Wish) -> Details:
    """What goes into the envelope."""
    return Details(
        name=(wish.name or "").strip(), phone=phone_number(wish.phone or ""), address=(wish.address or "").strip(), lat=wish.lat,
        lon=wish.lon, materials=tuple(wish.materials), evidence=wish.evidence, note=wish.note,
        asker=(wish.asker or "").strip() or None, relation=(wish.relation or "").strip() or None,
    )  # fmt: skip


def visitor_of(request: Request, envelopes: Envelopes, key: str, wish: Wish) -> Visitor:
    return sealed(request, envelopes, key, details_of(wish))


def sealed(request: Request, envelopes: Envelopes, key: str, told: Details) -> Visitor:
    """Who asks, as it is kept."""
    mask = name_mask(told.name) if told.name else None
    return Visitor(envelopes.close(told, key), hashed(request, "phone", told.phone), mask, phone_mask(told.phone))


# --- deciding and planning ----------------------------------------------------------------------------------------


async def details(request: Request, key: str, person: Person, *, calls: bool = False) -> Details | None:
    """What is in the envelope, for the team that goes there or the desk; the look is on record. NotYourVisit, Unreadable."""
    hall, visit = await find(request, key)
    member = None if not person.roles.isdisjoint(("desk", "manager")) else person.username or ""
    async with acquire(request.app.state.pool) as db:
        told = await looks.details(db, hall, visit.key, envelopes_of(request), actor=person.actor, member=member, calls=calls)
    ring(request, hall.id)
    return told


async def fill_in(request: Request, key: str, name: str, address: str, area: str | None, *, press: str | None = None) -> Done:
    """Name and address to a telephone number that was left at a kiosk: by whoever holds the key, once; nothing is shown."""
    hall, visit, actor = await _held(request, key, *DECIDES)
    for field, told in (("name", name), ("address", address)):
        if not told.strip():
            raise BadInput(field=field, message="it is missing")
    once_only = pressed(request, actor, press, (hashed(request, "door", name + address), area))
    envelopes = envelopes_of(request)

    async def act(db: Db) -> Done:
        known = await looks.half_told(db, hall, visit.key, envelopes)
        if known is None:
            raise VisitIs(state=(await doorstep.by_key(db, visit.key)).state)
        told = msgspec.structs.replace(known, name=name.strip(), address=address.strip())
        visitor = sealed(request, envelopes, visit.key, told)
        return await doorstep.amend(db, hall, visit.key, visitor, area, actor=actor, press=once_only)

    return await on_visit(request, hall, act, silent=True)


@dataclass(frozen=True, slots=True)
class Amends:
    """What the call-back added or put right; None: as it was."""

    matters: Sequence[str] | None = None
    area: str | None = None
    evidence: str | None = None
    name: str | None = None
    phone: str | None = None
    address: str | None = None
    lat: float | None = None
    lon: float | None = None

    @property
    def personal(self) -> dict[str, Any]:
        named = {name: getattr(self, name) for name in ("evidence", "name", "phone", "address", "lat", "lon")}
        return {name: value for name, value in named.items() if value is not None}


async def accept(request: Request, key: str, amends: Amends, *, press: str | None = None) -> Done:
    """Say yes: desk, leader or manager, who answer for the reason."""
    hall, visit, person = await _decided(request, key)
    visitor, area = Visitor(), amends.area
    personal, envelopes = amends.personal, envelopes_of(request)
    async with acquire(request.app.state.pool) as db:
        try:
            known = await looks.inside(db, hall, visit.key, envelopes)
        except Unreadable:  # the hall's secret was changed meanwhile: all of it is asked for again
            known = Details(name="", phone="", address="")
        if personal.keys() - {"evidence"} or (personal and visit.known):
            told = known
            if "phone" in personal:
                personal["phone"] = phone_number(personal["phone"])
            told = msgspec.structs.replace(told, **personal)
            check_door(told.name, told.phone, told.address)
            if (told.lat is None) != (told.lon is None):
                raise BadInput(field="lon" if told.lon is None else "lat", message="it is missing")
            visitor = sealed(request, envelopes, visit.key, told)
            if area is None and amends.lat is not None and told.lat is not None and told.lon is not None:
                area = teams.nearest(await teams.areas(db, hall), told.lat, told.lon)
        elif visit.state == "requested" and not all((known.name, known.phone, known.address)):
            raise DoorUnknown()
    asked = (list(amends.matters or ()), area, hashed(request, "door", msgspec.json.encode(personal).decode()))
    once_only = pressed(request, person.actor, press, asked)
    return await on_visit(
        request, hall,
        lambda db: doorstep.accept(
            db, hall, visit.key, actor=person.actor, evidenced=bool(amends.evidence), matters=amends.matters, area=area,
            visitor=visitor, press=once_only,
        ),
    )  # fmt: skip


async def decline(request: Request, key: str, why: str, *, press: str | None = None) -> Done:
    """Say no, with the reason."""
    hall, visit, person = await _decided(request, key)
    once_only = pressed(request, person.actor, press, why)
    return await on_visit(
        request, hall, lambda db: doorstep.decline(db, hall, visit.key, why, actor=person.actor, press=once_only)
    )


async def schedule(request: Request, key: str, start: datetime, team: int | str, *, press: str | None = None) -> Done:
    """Send a team, named by its number or by its name on that day. BadInput, and what planning raises."""
    hall, visit, person = await _decided(request, key)
    if start.tzinfo is None:
        raise BadInput(field="start", message="a time with its offset")
    once_only = pressed(request, person.actor, press, (start.timestamp(), team))

    async def act(db: Db) -> Done:
        number = team if isinstance(team, int) else await teams.number_of(db, hall, start, team)
        return await doorstep.schedule(db, hall, visit.key, start, number, actor=person.actor, press=once_only)

    return await on_visit(request, hall, act)


async def _decided(request: Request, key: str) -> tuple[Hall, Visit, Person]:
    hall, visit = await find(request, key)
    return hall, visit, await require(request, *DECIDES, hall=hall.id)


# --- going there --------------------------------------------------------------------------------------------------

Going = Callable[[Db, Hall, str, str, str | None, Press | None], Awaitable[Done]]


async def depart(request: Request, key: str, *, press: str | None = None) -> Done:
    """The team sets out."""
    return await _going(
        request, key, press, (),
        lambda db, hall, key, actor, member, once: doorstep.depart(db, hall, key, actor=actor, member=member, press=once),
    )  # fmt: skip


async def arrive(request: Request, key: str, *, press: str | None = None) -> Done:
    """The team is at the door."""
    return await _going(
        request, key, press, (),
        lambda db, hall, key, actor, member, once: doorstep.arrive(db, hall, key, actor=actor, member=member, press=once),
    )  # fmt: skip


async def complete(request: Request, key: str, outcome: str, delivery: str | None, *, press: str | None = None) -> Done:
    """The team has done what it came for, or not."""
    return await _going(
        request, key, press, (outcome, delivery),
        lambda db, hall, key, actor, member, once: doorstep.complete(
            db, hall, key, outcome, actor=actor, member=member, delivery=delivery, press=once
        ),
    )  # fmt: skip


async def _going(request: Request, key: str, press: str | None, asked: object, act: Going) -> Done:
    """An act of one of the two who go there, or of the manager for them."""
    hall, visit = await find(request, key)
    person = await require(request, *GOES, hall=hall.id)
    member = None if "manager" in person.roles else person.username
    once_only = pressed(request, person.actor, press, asked)
    return await on_visit(request, hall, lambda db: act(db, hall, visit.key, person.actor, member, once_only))


# --- whoever asked ------------------------------------------------------------------------------------------------


async def cancel(request: Request, key: str, *, press: str | None = None) -> Done:
    """Call it off: whoever holds the key, or the desk."""
    hall, visit, actor = await _held(request, key, *DECIDES)
    once_only = pressed(request, actor, press, ())
    return await on_visit(request, hall, lambda db: doorstep.cancel(db, hall, visit.key, actor=actor, press=once_only))


async def confirm(request: Request, key: str, *, press: str | None = None) -> Done:
    """Be there at that time: whoever holds the key, or the desk that telephoned."""
    hall, visit, actor = await _held(request, key, *DECIDES)
    once_only = pressed(request, actor, press, ())
    return await on_visit(
        request, hall, lambda db: doorstep.confirm(db, hall, visit.key, actor=actor, press=once_only), silent=True
    )


async def another_time(
    request: Request, key: str, preferred: Sequence[tuple[datetime, datetime]], *, press: str | None = None
) -> Done:
    """Be at home at other times: whoever holds the key, or the desk that telephoned. A time that was set is given up."""
    hall, visit, actor = await _held(request, key, *DECIDES)
    check_spans(preferred)
    once_only = pressed(request, actor, press, [(first.timestamp(), last.timestamp()) for first, last in preferred])
    return await on_visit(
        request,
        hall,
        lambda db: doorstep.another_time(db, hall, visit.key, preferred, actor=actor, by_staff=actor != CITIZEN, press=once_only),
        silent=True,
    )


async def rate(
    request: Request, key: str, level: int, *, reasons: Sequence[str] = (), comment: str | None = None, press: str | None = None
) -> ratings.Rated:
    """Say how it was, by the rule of all visits: whoever holds the key, never staff."""
    hall, visit = await find(request, key)
    person = await current(request)
    await request.app.state.rates.allow_citizen(request, person)
    if key != visit.key:
        raise NotAllowed()
    actor = actor_for(person, hall, "evaluator")
    if actor != CITIZEN:
        raise NotFound(what="visit")
    async with acquire(request.app.state.pool) as db:
        rated = await ratings.rate(
            db, hall, "doorstep", visit.id, level=level, reasons=reasons, comment=comment, actor=actor, channel="phone",
            press=pressed(request, actor, press, (level, list(reasons), comment)),
        )  # fmt: skip
    if not rated.replayed:
        ring(request, hall.id)
    return rated


async def _held(request: Request, key: str, *roles: str) -> tuple[Hall, Visit, str]:
    hall, visit = await find(request, key)
    person = await current(request)
    await request.app.state.rates.allow_citizen(request, person)
    by_staff = key != visit.key
    return hall, visit, allow(person, *roles, hall=hall.id).actor if by_staff else actor_for(person, hall, *roles)


async def on_visit(request: Request, hall: Hall, act: Callable[[Db], Awaitable[Done]], *, silent: bool = False) -> Done:
    """Do an act on a visit once, owe word of it, and ring."""
    async with acquire(request.app.state.pool) as db:
        done = await act(db)
        if not done.replayed and not silent:
            await telling.tell(db, hall, done.visit)
    if not done.replayed:
        ring(request, hall.id)
    return done
