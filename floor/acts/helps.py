"""Acts of and for helpers: a line of helpers in an area, a call from a machine, what was done for somebody ticked."""

from collections.abc import Sequence

import asyncpg
from starlette.requests import Request

from floor.acts.ground import hall_by_id, hall_of, pressed, ring
from floor.acts.tickets import CITIZEN, ticket_of
from floor.database import acquire
from floor.quality import ratings
from floor.signin import require
from queueing import helps, tickets
from queueing.errors import BadInput, NotFound, NotInThatState
from queueing.halls import Hall
from queueing.tickets import Act
from scheduling import self_service
from scheduling.hours import open_doors

HELPERS = ("clerk", "desk", "leader", "manager")

LINE = """
WITH line AS (
    INSERT INTO services (hall, code, name, name_hant, name_en, zone, prefix, minutes, rank, help, bookable)
    SELECT z.hall, 'H' || z.code, left(z.name, 20) || '帮办', left(coalesce(z.name_hant, z.name), 20) || '幫辦',
           'Help, ' || coalesce(left(z.name_en, 30), 'area ' || z.code), z.code,
           'H' || coalesce(nullif(regexp_replace(left(z.code, 3), '[^A-Z]', '', 'g'), ''), 'H'), 6, 1000 + z.rank, true, false
    FROM zones z WHERE z.hall = $1 AND z.code = $2 RETURNING code, name, zone
)
INSERT INTO windows (hall, no, name, zone, serves, rank)
SELECT $1, left(code, 6), name || '窗口', zone, ARRAY[code], 1000 FROM line RETURNING no
"""
ZONE_OF = "SELECT code FROM services WHERE hall = $1 AND zone = $2 AND help ORDER BY code LIMIT 1"


async def open_line(request: Request, hall_code: str, zone: str) -> None:
    """Give an area a line of helpers and a window of its own. BadInput for no such area, NotInThatState where it has them."""
    hall = await hall_of(request, hall_code)
    await require(request, "manager", hall=hall.id)
    async with acquire(request.app.state.pool) as db, db.transaction():
        if await db.fetchval(ZONE_OF, hall.id, zone) is not None:
            raise NotInThatState(state="open")
        try:
            made = await db.fetchval(LINE, hall.id, zone)
        except asyncpg.UniqueViolationError as taken:
            raise BadInput(field="zone", message="this is used twice") from taken
        if made is None:
            raise BadInput(field="zone", message="there is no such zone in this hall")
        await open_doors(db, hall)
    ring(request, hall.id)


async def tick(request: Request, key: str, kinds: Sequence[str], *, press: str | None = None) -> bool:
    """Note what was done for the holder of a help ticket; whether this press had done so already."""
    hall, _ = await ticket_of(request, key)
    actor = (await require(request, *HELPERS, hall=hall.id)).actor
    async with acquire(request.app.state.pool) as db:
        again = await helps.tick(db, hall, key, kinds, actor=actor, press=pressed(request, actor, press, [key, list(kinds)]))
    ring(request, hall.id)
    return again


async def take(request: Request, hall_code: str, zone: str, *, press: str | None = None) -> Act:
    """A help number by hand, for somebody who stands before a helper. NotFound where the area has no helpers."""
    hall = await hall_of(request, hall_code)
    actor = (await require(request, *HELPERS, hall=hall.id)).actor
    return await _taken(request, hall, zone, actor, "desk", press)


async def call(request: Request, key: str, *, press: str | None = None) -> Act:
    """The button at a machine: a help number that names the machine. An open one is the answer again."""
    hall, machine = await machine_of(request, key)
    await request.app.state.rates.allow_citizen(request, None)
    async with acquire(request.app.state.pool) as db:
        zone = next(each.zone for each in await self_service.machines(db, hall) if each.code == machine)
        open_one = await helps.called_at(db, hall, machine)
    if open_one is not None:
        _, ticket = await ticket_of(request, open_one)
        return Act(ticket, 0, "", ticket.joined_at, replayed=True)
    made = await _taken(request, hall, zone, f"device:{machine}", "self_service", press)
    async with acquire(request.app.state.pool) as db:
        await helps.from_machine(db, made.ticket.id, machine)
    return made


async def _taken(request: Request, hall: Hall, zone: str, actor: str, channel: str, press: str | None) -> Act:
    async with acquire(request.app.state.pool) as db:
        line = await db.fetchval(ZONE_OF, hall.id, zone)
        if line is None:
            raise NotFound(what="service")
        made = await tickets.take(
            db, hall, [line], actor=actor, channel=channel, press=pressed(request, actor, press, [zone])
        )  # fmt: skip
    ring(request, hall.id)
    return made


# --- machines of the self-service area --------------------------------------------------------------------------


async def machine_of(request: Request, key: str) -> tuple[Hall, str]:
    """The hall and code of the machine whose page holds this key. NotFound."""
    async with acquire(request.app.state.pool) as db:
        hall, code = await self_service.of_key(db, key)
    return await hall_by_id(request, hall), code


async def use(request: Request, key: str, verb: str, *, press: str | None = None) -> int:
    """Begin or end the use of a machine, by its page; the session's id."""
    hall, machine = await machine_of(request, key)
    await request.app.state.rates.allow_citizen(request, None)
    acted = {"start": self_service.start, "end": self_service.end}[verb]
    async with acquire(request.app.state.pool) as db:
        session = await acted(db, hall, machine, press=pressed(request, machine, press, verb))
    ring(request, hall.id)
    return session


async def rate_use(
    request: Request, key: str, session: int, level: int, *, reasons: Sequence[str] = (), press: str | None = None
) -> None:
    """What somebody thinks of what they did at a machine, at the machine itself; the one rule of all visits."""
    hall, machine = await machine_of(request, key)
    await request.app.state.rates.allow_citizen(request, None)
    async with acquire(request.app.state.pool) as db:
        await ratings.rate(
            db, hall, "session", session, level=level, reasons=reasons, actor=CITIZEN, channel="kiosk", number=machine,
            press=pressed(request, CITIZEN, press, (session, level, list(reasons))),
        )  # fmt: skip
    ring(request, hall.id)


async def keep_machine(
    request: Request, hall_code: str, code: str, name: str, zone: str, *, broken: bool = False, gone: bool = False
) -> None:
    """Add a machine to the area, say that it is out of order, or take it away: manager and engineer."""
    hall = await hall_of(request, hall_code)
    await require(request, "manager", "engineer", hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        await self_service.keep(db, hall, code.strip().upper(), name.strip(), zone, broken=broken, gone=gone)
