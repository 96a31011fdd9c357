"""The desk finds bookings by what a visitor says or shows; whoever opens a name or a telephone is on record."""

import re
from dataclasses import dataclass

from starlette.requests import Request

from displays.sealed import Unreadable
from floor.acts import appointments as booking
from floor.acts.ground import ring
from floor.acts.tickets import hashed, seal_of
from floor.database import Db, acquire
from floor.signin import Person
from queueing import identity, journal
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall
from scheduling import lookups
from scheduling.appointments import Appointment, plain_code
from scheduling.lookups import Sealed

OPENS = ("desk", "manager")  # who may read a name and a telephone
CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{10}")
NAMED = re.compile(r"^(?:(?P<first>\d{3}[\dXx])\s*(?P<after>\S.*)|(?P<before>.*\S)\s*(?P<last>\d{3}[\dXx]))$")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who booked, opened; empty for what was not given or can't be read any more."""

    name: str
    phone: str
    id_mask: str


async def search(request: Request, hall: Hall, person: Person, typed: str) -> list[Appointment]:
    """The bookings that fit: a code, a whole ID number, or the last four of one with the name. Empty for none."""
    code = plain_code(typed)
    if CODE.fullmatch(code):
        try:
            of, found = await booking.find(request, code)
        except NotFound:
            pass
        else:
            return [found] if of.id == hall.id else []
    if (named := NAMED.match(typed)) and len(typed.replace(" ", "")) < 15:
        mask, name = named["first"] or named["last"], (named["after"] or named["before"] or "").strip()
        return await by_name(request, hall, person, mask.upper(), name)
    try:
        who = hashed(request, "person", identity.read(typed).number)
    except BadInput:
        return []
    assert who is not None
    async with acquire(request.app.state.pool) as db:
        return await lookups.ahead_of(db, hall, who)


async def by_name(request: Request, hall: Hall, person: Person, mask: str, name: str) -> list[Appointment]:
    """Names are opened to be compared, so the look is on record; nothing is shown of those that don't fit."""
    if person.roles.isdisjoint(OPENS):
        return []
    async with acquire(request.app.state.pool) as db:
        near = await lookups.by_mask(db, hall, mask)
        if near:
            await journal.append(db, hall.id, "appointment.searched", person.actor, data={"opened": len(near)})
    if near:
        ring(request, hall.id)
    return [each.appointment for each in near if opened(request, each).name == name]


async def look(request: Request, db: Db, hall: Hall, person: Person, code: str) -> Holder | None:
    """Who holds a booking, and that this person looked goes on record; None for who may not see it. NotFound."""
    if person.roles.isdisjoint(OPENS):
        return None
    holder = opened(request, await lookups.holder(db, hall, code, actor=person.actor))
    ring(request, hall.id)
    return holder


def opened(request: Request, kept: Sealed) -> Holder:
    seal, place = seal_of(request), booking.subject(kept.appointment.code)
    try:
        name, phone = (seal.open(part, place) if part else "" for part in (kept.name_sealed, kept.phone_sealed))
    except Unreadable:  # the hall's secret was changed meanwhile
        name = phone = ""
    return Holder(name, phone, kept.id_mask or "")
