"""What every act stands on: the hall it is in, the press that makes it safe to repeat, the bell after it."""

import hashlib
from collections.abc import Collection

import msgspec
from starlette.requests import Request

from floor.database import Db, acquire
from floor.refusals import NotAllowed
from floor.signin import Person
from queueing.db import Press
from queueing.errors import NotFound
from queueing.halls import Hall, get_hall, list_halls


async def hall_of(request: Request, code: str) -> Hall:
    """The hall of an address; NotFound. Its rules may be 3 s old."""

    async def load() -> Hall:
        async with acquire(request.app.state.pool) as db:
            return await get_hall(db, code)

    hall: Hall = await request.app.state.halls.get(code, load)
    return hall


async def hall_by_id(request: Request, hall_id: int) -> Hall:
    """The hall a ticket or a device belongs to."""

    async def load() -> Hall:
        async with acquire(request.app.state.pool) as db:
            found = [hall for hall in await list_halls(db) if hall.id == hall_id]
        if not found:
            raise NotFound(what="hall")
        return found[0]

    hall: Hall = await request.app.state.halls.get(hall_id, load)
    return hall


def pressed(request: Request, actor: str, press: str | None, asked: object) -> Press | None:
    """What makes a repeat safe: `press` is the id of a button or an idempotency key, scoped to actor, method and path."""
    if press is None:
        return None
    who = msgspec.json.encode((actor, request.method, request.scope["path"], press))
    return Press(hashlib.sha256(who).digest(), hashlib.sha256(msgspec.json.encode(asked)).digest())


def ring(request: Request, hall: int) -> None:
    """Tell the link that the record has grown."""
    request.app.state.bell.ring(hall)


SERVICE_ZONE = "SELECT zone FROM services WHERE hall = $1 AND code = $2"


async def check_zone(
    db: Db, hall: Hall, person: Person, service: str | None, anywhere: Collection[str] = ("manager", "desk")
) -> None:  # fmt: skip
    """NotAllowed where somebody may act as a leader alone and this service is of another zone than theirs. `anywhere`: the
    other roles that may do this act, in every zone."""
    if person.zone is None or not person.roles.isdisjoint(anywhere) or "leader" not in person.roles:
        return
    if await db.fetchval(SERVICE_ZONE, hall.id, service) != person.zone:
        raise NotAllowed()


async def in_own_zone(
    request: Request, hall: Hall, person: Person | None, actor: str, service: str | None,
    anywhere: Collection[str] = ("manager", "desk"),
) -> None:  # fmt: skip
    """NotAllowed for a leader where a ticket or booking is of another zone's service; a citizen's own page is asked nothing."""
    if person is not None and actor == person.actor:
        async with acquire(request.app.state.pool) as db:
            await check_zone(db, hall, person, service, anywhere)
