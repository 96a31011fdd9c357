"""Every act a person can do, by whatever door it comes in: may they, do it once, ring the bell."""

import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from starlette.requests import Request

from devices import health, registry
from floor.database import Db, acquire
from floor.quality import ratings
from floor.refusals import NotAllowed, NotSignedIn, PrinterNotReady
from floor.settings import Settings
from floor.signin import Person, allow, current, require
from queueing import calls, tickets, windows
from queueing.calls import Seat
from queueing.db import Press, once
from queueing.errors import BadInput, NotFound, NotYourWindow
from queueing.halls import Hall, get_hall, list_halls
from queueing.tickets import Act, Ticket
from queueing.windows import WindowAct

AT_WINDOWS = ("clerk", "leader", "manager")
CITIZEN = "citizen"


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


# --- tickets ----------------------------------------------------------------------------------------------------


async def take(
    request: Request,
    hall_code: str,
    services: Sequence[str],
    *,
    matters: Sequence[str] = (),
    category: str | None = None,
    evidence: str | None = None,
    id_number: str | None = None,
    lang: str = "zh-Hans",
    print_at: str | None = None,
    door_code: str | None = None,
    person: Person | None = None,
    press: str | None = None,
) -> Act:
    """Take a number: for a dispenser or its kiosk page (which print), or for desk and manager (who say where, or nowhere).

    `person` names who takes where it isn't whoever is signed in: a kiosk page in a browser with two sign-ins.
    """
    hall = await hall_of(request, hall_code)
    person = person or await current(request)
    await request.app.state.rates.allow_take(request, person)
    if person is None:
        # A citizen's own phone may take with the code that hangs at the door. No hall gives out such codes yet.
        raise NotSignedIn() if door_code is None else NotAllowed()
    allow(person, "dispenser", "desk", "manager", hall=hall.id)
    who = hashed(request, id_number)
    asked = (list(services), list(matters), category, evidence, who, lang, print_at)

    async def act(db: Db, once_only: Press | None) -> Act:
        printer = await printer_for(db, hall, person, print_at)
        return await tickets.take(
            db,
            hall,
            services,
            actor=person.actor,
            channel="dispenser" if person.device else "desk",
            matters=matters,
            category=category,
            evidence=evidence,
            person=who,
            lang=lang,
            print_at=printer,
            press=once_only,
        )

    return await on_ticket(request, hall, person.actor, press, asked, act)


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


def hashed(request: Request, id_number: str | None) -> bytes | None:
    """The keyed hash an ID number is matched by; the number itself is kept nowhere."""
    if id_number is None:
        return None
    settings: Settings = request.app.state.settings
    return hmac.new(settings.secret, b"person:" + id_number.strip().upper().encode(), hashlib.sha256).digest()


async def ticket_of(request: Request, key: str) -> tuple[Hall, Ticket]:
    """The ticket of a key, and its hall; NotFound."""
    async with acquire(request.app.state.pool) as db:
        ticket = await tickets.by_key(db, key)
    return await hall_by_id(request, ticket.hall), ticket


async def cancel(request: Request, key: str, *, press: str | None = None) -> Act:
    """Leave the queue: whoever holds the key, or the desk."""
    hall, _ = await ticket_of(request, key)
    person = await current(request)
    await request.app.state.rates.allow_citizen(request, person)
    actor = actor_for(person, hall, "desk", "leader", "manager")
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


async def restore(request: Request, key: str, position: str, *, press: str | None = None) -> Act:
    """Bring a missed ticket back into line: desk, leader or manager."""
    hall, _ = await ticket_of(request, key)
    actor = (await require(request, "desk", "leader", "manager", hall=hall.id)).actor
    if position not in calls.POSITIONS:
        raise BadInput(field="position", message=f"one of {', '.join(calls.POSITIONS)}")
    return await on_ticket(
        request, hall, actor, press, position,
        lambda db, once_only: tickets.restore(db, hall, key, position, actor=actor, press=once_only),
    )  # fmt: skip


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


# --- windows ----------------------------------------------------------------------------------------------------


async def seat_of(db: Db, hall: Hall, person: Person, no: str) -> Seat:
    """From where someone acts: a manager anywhere, a leader in the own zone, a clerk in the own seat."""
    if "manager" in person.roles:
        return Seat(no, person.actor)
    if "leader" in person.roles and (person.zone is None or (await windows.get_window(db, hall, no)).zone == person.zone):
        return Seat(no, person.actor)
    if "clerk" in person.roles:
        return Seat(no, person.actor, person.username)
    raise NotAllowed()


async def at_window(
    request: Request, hall_code: str, no: str, act: Callable[..., Awaitable[Any]], press: str | None, **asked: Any
) -> Any:
    """Do an act at a window once and ring: `act(db, hall, seat, ..., press=)`."""
    hall = await hall_of(request, hall_code)
    person = await require(request, *AT_WINDOWS, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        seat = await seat_of(db, hall, person, no)
        done = await act(db, hall, seat, **asked, press=pressed(request, person.actor, press, asked))
    if done is not None and not done.replayed:
        ring(request, hall.id)
    return done


async def call_next(
    request: Request, hall: str, no: str, *, finish_current: bool = False, press: str | None = None
) -> Act | None:
    """Call whoever is next; None when nobody waits."""
    act: Act | None = await at_window(request, hall, no, calls.call_next, press, finish_current=finish_current)
    if act is None and finish_current:
        ring(request, (await hall_of(request, hall)).id)
    return act


AGE = "SELECT extract(epoch FROM clock_timestamp() - at)::float FROM presses WHERE scope = $1"


async def nobody_before(request: Request, press: str | None, began: float, *, finish_current: bool) -> bool:
    """Whether "nobody waits" was the answer of an earlier press: its row is older than this request, `began` by time.monotonic.

    Two durations are compared, not two clocks, so that the database may be another machine.
    """
    person = await require(request)
    kept = pressed(request, person.actor, press, {"finish_current": finish_current})
    if kept is None:
        return False
    async with acquire(request.app.state.pool) as db:
        age = await db.fetchval(AGE, kept.scope)
    return age is not None and age > time.monotonic() - began


async def call_number(request: Request, hall: str, no: str, number: str, *, press: str | None = None) -> Act:
    """Call one ticket by its printed number."""
    act: Act = await at_window(request, hall, no, calls.call_number, press, number=number)
    return act


async def recall(request: Request, hall: str, no: str, *, press: str | None = None) -> Act:
    """Call the same ticket again."""
    act: Act = await at_window(request, hall, no, calls.recall, press)
    return act


async def arrive(request: Request, hall: str, no: str, *, press: str | None = None) -> Act:
    """The citizen has come."""
    act: Act = await at_window(request, hall, no, calls.arrive, press)
    return act


async def finish(
    request: Request, hall: str, no: str, *, outcome: str = "done", delivery: str | None = None, press: str | None = None
) -> Act:
    """The matter is done."""
    act: Act = await at_window(request, hall, no, calls.finish, press, outcome=outcome, delivery=delivery)
    return act


async def no_show(request: Request, hall: str, no: str, *, press: str | None = None) -> Act:
    """Nobody came."""
    act: Act = await at_window(request, hall, no, calls.no_show, press)
    return act


async def hold(request: Request, hall: str, no: str, kind: str, *, note: str | None = None, press: str | None = None) -> Act:
    """Put the ticket aside."""
    act: Act = await at_window(request, hall, no, calls.hold, press, kind=kind, note=note)
    return act


async def resume_held(request: Request, hall: str, no: str, number: str, *, press: str | None = None) -> Act:
    """Take a held ticket back."""
    act: Act = await at_window(request, hall, no, calls.resume_held, press, number=number)
    return act


async def transfer(
    request: Request,
    hall: str,
    no: str,
    *,
    to_service: str | None = None,
    to_window: str | None = None,
    position: str = "back",
    note: str | None = None,
    number: str | None = None,
    press: str | None = None,
) -> Act:
    """Send the ticket on, with its number."""
    act: Act = await at_window(
        request,
        hall,
        no,
        calls.transfer,
        press,
        to_service=to_service,
        to_window=to_window,
        position=position,
        note=note,
        number=number,
    )
    return act


async def open_window(
    request: Request,
    hall: str,
    no: str,
    *,
    services: Sequence[str] | None = None,
    clerk: str | None = None,
    press: str | None = None,
) -> WindowAct:
    """Seat whoever asks, or the clerk a leader or manager names, and open."""

    async def act(
        db: Db, at: Hall, seat: Seat, *, services: Sequence[str] | None, clerk: str | None, press: Press | None
    ) -> WindowAct:
        seated = await seated_clerk(db, at, seat, clerk, request)
        return await windows.open_window(db, at, no, seated, services=services, actor=seat.actor, press=press)

    opened: WindowAct = await at_window(request, hall, no, act, press, services=services, clerk=clerk)
    return opened


KNOWN = "SELECT EXISTS (SELECT FROM users WHERE hall = $1 AND username = $2 AND NOT disabled)"


async def seated_clerk(db: Db, hall: Hall, seat: Seat, clerk: str | None, request: Request) -> str:
    """Who will sit there. Naming somebody else is for leader and manager; BadInput for a name nobody has."""
    person = await require(request)
    assert person.username is not None
    if clerk in (None, person.username):
        return person.username
    if seat.clerk is not None:
        raise NotAllowed()
    if not await db.fetchval(KNOWN, hall.id, clerk):
        raise BadInput(field="clerk", message="nobody works here by that name")
    return str(clerk)


async def pause(request: Request, hall: str, no: str, *, reason: str | None = None, press: str | None = None) -> WindowAct:
    """Stop calling for a while."""

    async def act(db: Db, at: Hall, seat: Seat, *, reason: str | None, press: Press | None) -> WindowAct:
        return await windows.pause(db, at, no, actor=seat.actor, seat=seat.clerk, reason=reason, press=press)

    paused: WindowAct = await at_window(request, hall, no, act, press, reason=reason)
    return paused


async def resume(request: Request, hall: str, no: str, *, press: str | None = None) -> WindowAct:
    """Go on calling."""

    async def act(db: Db, at: Hall, seat: Seat, *, press: Press | None) -> WindowAct:
        return await windows.resume(db, at, no, actor=seat.actor, seat=seat.clerk, press=press)

    resumed: WindowAct = await at_window(request, hall, no, act, press)
    return resumed


async def close(
    request: Request, hall: str, no: str, *, override: bool = False, reason: str | None = None, press: str | None = None
) -> WindowAct:
    """Close the window; overriding those who still wait is for leader and manager, with a reason."""

    async def act(db: Db, at: Hall, seat: Seat, *, override: bool, reason: str | None, press: Press | None) -> WindowAct:
        if override and seat.clerk is not None:
            raise NotAllowed()
        if override and not reason:
            raise BadInput(field="reason", message="say why people are left waiting")
        return await windows.close(db, at, no, actor=seat.actor, seat=seat.clerk, override=override, reason=reason, press=press)

    closed: WindowAct = await at_window(request, hall, no, act, press, override=override, reason=reason)
    return closed


# --- ratings ----------------------------------------------------------------------------------------------------


async def open_rating(request: Request, hall: str, no: str, *, press: str | None = None) -> Act:
    """Let the evaluator ask again about the window's last visit."""

    async def act(db: Db, at: Hall, seat: Seat, *, press: Press | None) -> Act:
        window = await windows.get_window(db, at, no)
        if seat.clerk not in (None, window.clerk):
            raise NotYourWindow(window=no)
        return await ratings.ask_again(db, at, no, actor=seat.actor, press=press)

    asked: Act = await at_window(request, hall, no, act, press)
    return asked


async def rate(
    request: Request, key: str, level: int, *, reasons: Sequence[str] = (), comment: str | None = None, press: str | None = None
) -> ratings.Rated:
    """Rate a finished visit: whoever holds the key, or the evaluator of its window. Staff may not."""
    hall, ticket = await ticket_of(request, key)
    person = await current(request)
    await request.app.state.rates.allow_citizen(request, person)
    actor = actor_for(person, hall, "evaluator")
    evaluator = person if person is not None and actor == person.actor else None
    async with acquire(request.app.state.pool) as db:
        rated = await ratings.rate(
            db,
            hall,
            ticket_id=ticket.id,
            level=level,
            reasons=reasons,
            comment=comment,
            actor=actor,
            channel="evaluator" if evaluator else "phone",
            window=evaluator.window if evaluator else None,
            press=pressed(request, actor, press, (level, list(reasons), comment)),
        )
    if not rated.replayed:
        ring(request, hall.id)
    return rated
