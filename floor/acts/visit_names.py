"""What a visit is called: by the citizen who holds its key, by staff, on the telephone and on the kiosk's paper."""

import re
from zoneinfo import ZoneInfo

from starlette.requests import Request

from floor.acts.ground import hall_by_id, ring
from floor.database import acquire
from floor.settings import Settings
from floor.signin import Person, current
from queueing import journal
from queueing.errors import NotFound
from queueing.halls import Hall
from scheduling import doorstep
from scheduling.doorstep import Visit

WATCHES = ("desk", "clerk", "leader", "manager", "auditor", "doorstep")
OPEN_HANDLE = re.compile(r"vi_([1-9][0-9]{0,17})")


def open_handle(visit: Visit) -> str:
    """What staff call a visit by: it opens nothing that their roles don't. The key is the citizen's."""
    return f"vi_{visit.id}"


def handle_for(person: Person, visit: Visit) -> str:
    """By what a list names a visit: who speaks to the citizen may hand the key on, others get no key."""
    return visit.key if not person.roles.isdisjoint(("desk", "manager")) else open_handle(visit)


async def held(request: Request, key: str) -> tuple[Hall, Visit]:
    """The visit of who holds this key, and its hall: a citizen's page opens by nothing else, and leads to the key. NotFound."""
    async with acquire(request.app.state.pool) as db:
        visit = await doorstep.by_key(db, key)
    return await hall_by_id(request, visit.hall), visit


async def find(request: Request, handle: str) -> tuple[Hall, Visit]:
    """The visit of who holds this key, or of staff who name it by its open handle; and its hall. NotFound."""
    number = OPEN_HANDLE.fullmatch(handle)
    if number is None:
        return await held(request, handle)
    person = await current(request)
    if person is None or person.roles.isdisjoint(WATCHES):
        raise NotFound(what="visit")
    hall = await hall_by_id(request, person.hall)
    async with acquire(request.app.state.pool) as db:
        return hall, await doorstep.by_number(db, hall, int(number[1]))


async def quoted(request: Request, hall: Hall, number: str, digits: str) -> Visit:
    """The visit of who lost its address: by its number and the last four digits of the telephone it was asked for with.

    Both are wrong together: which of them, nobody is told. NotFound, TooFast.
    """
    rates, plain = request.app.state.rates, "".join(re.findall("[0-9]", number)).lstrip("0")  # however it was written
    await rates.allow_quoting(request, plain)
    async with acquire(request.app.state.pool) as db:
        visit = await doorstep.quoted(db, hall, number, digits)
    if visit is None:
        await rates.note_quoting(request, plain)
        raise NotFound(what="visit")
    return visit


async def print_number(request: Request, hall: Hall, visit: Visit, person: Person) -> None:
    """The number of a visit on paper, at the kiosk where it was asked for; the paper leads to where it is typed."""
    settings: Settings = request.app.state.settings
    at = visit.asked_at.astimezone(ZoneInfo(hall.time_zone)).isoformat("T", "seconds")
    url = f"{settings.origin(request.headers.get('host', ''))}/{hall.code}/doorstep/find?lang={visit.lang}"
    paper = {"hall": hall.name, "number": visit.number, "lang": visit.lang, "at": at, "url": url}
    data = {"visit": visit.id, "print_at": person.device, "paper": paper}
    async with acquire(request.app.state.pool) as db:
        await journal.append(db, hall.id, "doorstep.printed", person.actor, data=data)
    ring(request, hall.id)
