"""What a window or the desk does with papers a team brought, and who rings up afterwards."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request

from floor import doorstep_words as telling
from floor.acts.doorstep import details
from floor.acts.ground import hall_of, pressed, ring
from floor.database import Db, acquire
from floor.quality import callbacks
from floor.quality.callbacks import Callback
from floor.refusals import NotAllowed
from floor.signin import Person, require
from queueing.db import Press
from queueing.errors import NotFound
from queueing.halls import Hall
from queueing.windows import list_windows
from scheduling import receipts
from scheduling.envelopes import Details
from scheduling.receipts import DESK, HandIn

COUNTS = ("clerk", "desk", "leader", "manager")
RINGS = ("desk", "manager")  # who may open a telephone number once a visit is over


async def places_of(db: Db, hall: Hall, person: Person) -> list[str] | None:
    """Where this person takes papers in: a clerk's own window, the desk; None: everywhere, for who leads."""
    if not person.roles.isdisjoint(("leader", "manager")):
        return None
    mine = [window.no for window in await list_windows(db, hall) if window.clerk and window.clerk == person.username]
    return [*mine, *((DESK,) if "desk" in person.roles else ())]


async def entered(request: Request) -> tuple[Hall, Person]:
    hall = await hall_of(request, request.path_params["hall"])
    return hall, await require(request, *COUNTS, hall=hall.id)


async def of_place(request: Request, db: Db, hall: Hall, person: Person, receipt: str) -> HandIn:
    """The hand-in of a receipt, for who works where it went. NotFound, NotAllowed."""
    found = await receipts.by_receipt(db, hall, receipt)
    places = await places_of(db, hall, person)
    if places is not None and found.place not in places:
        raise NotAllowed()
    return found


async def step(request: Request, receipt: str, name: str, given: str, press: str | None) -> HandIn:
    """One act on a hand-in: accept (with the sheets counted), ready, post (with the tracking number), give.

    Raises what the act refuses. Who waits for the result is told once it is ready, or in the mail.
    """
    hall, person = await entered(request)
    once_only = pressed(request, person.actor, press, (receipt, name, given))
    async with acquire(request.app.state.pool) as db:
        found = await of_place(request, db, hall, person, receipt)
        act = STEPS.get(name)
        if act is None:
            raise NotFound(what="page")
        await act(db, hall, found.receipt, given, person.actor, once_only)
        now = await receipts.by_receipt(db, hall, found.receipt)
        if (name == "ready" and now.way != "mail") or name == "post":
            await telling.tell_result(db, hall, now.key, now.tracking)
    ring(request, hall.id)
    return now


async def accept(db: Db, hall: Hall, receipt: str, given: str, actor: str, press: Press | None) -> None:
    counted = int(given) if given.isascii() and given.isdigit() and len(given) < 7 else -1
    await receipts.accept(db, hall, receipt, counted, actor=actor, press=press)


async def ready(db: Db, hall: Hall, receipt: str, given: str, actor: str, press: Press | None) -> None:
    await receipts.ready(db, hall, receipt, actor=actor, press=press)


async def post(db: Db, hall: Hall, receipt: str, given: str, actor: str, press: Press | None) -> None:
    await receipts.post(db, hall, receipt, given, actor=actor, press=press)


async def give(db: Db, hall: Hall, receipt: str, given: str, actor: str, press: Press | None) -> None:
    await receipts.give(db, hall, receipt, actor=actor, press=press)


STEPS: dict[str, Callable[[Db, Hall, str, str, str, Press | None], Awaitable[None]]] = {
    "accept": accept, "ready": ready, "post": post, "give": give,
}  # fmt: skip


# --- calling back -------------------------------------------------------------------------------------------------


async def ringer(request: Request) -> tuple[Hall, Person]:
    hall = await hall_of(request, request.path_params["hall"])
    return hall, await require(request, *RINGS, hall=hall.id)


async def number_of(request: Request, callback: int) -> tuple[Callback, Details | None]:
    """Whom to ring up; that this person looked is on record. None once the hall has forgotten it. NotFound."""
    hall, person = await ringer(request)
    async with acquire(request.app.state.pool) as db:
        found = await callbacks.one(db, hall, callback)
    return found, await details(request, found.key, person)


async def rang(request: Request, callback: int, result: str, note: str | None, press: str | None) -> None:
    """How the call went. Raises what `callbacks.rang` does."""
    hall, person = await ringer(request)
    once_only = pressed(request, person.actor, press, (callback, result, note))
    async with acquire(request.app.state.pool) as db:
        await callbacks.rang(db, hall, callback, result, note, actor=person.actor, press=once_only)
    ring(request, hall.id)


async def close(request: Request, callback: int, words: str, press: str | None) -> None:
    """What was done for who was not satisfied. Raises what `callbacks.close` does."""
    hall, person = await ringer(request)
    once_only = pressed(request, person.actor, press, (callback, words))
    async with acquire(request.app.state.pool) as db:
        await callbacks.close(db, hall, callback, words, actor=person.actor, press=once_only)
    ring(request, hall.id)
