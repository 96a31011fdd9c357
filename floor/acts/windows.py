"""Acts at a window: a clerk in the own seat, a leader in the own zone, a manager anywhere."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request

from floor.acts.ground import hall_of, pressed, ring
from floor.database import Db, acquire
from floor.quality import ratings
from floor.refusals import NotAllowed
from floor.signin import Person, leads, own_zone, require
from queueing import calls, proposals, undo, windows
from queueing.calls import Nobody, Seat
from queueing.db import Press
from queueing.errors import BadInput, NotYourWindow, WindowNotOpen
from queueing.halls import Hall
from queueing.settings import MIN_OPEN
from queueing.tickets import Act
from queueing.windows import WindowAct
from scheduling.errors import NotOnShift
from scheduling.roster.planned import check_on_shift, of_other_zones

AT_WINDOWS = ("clerk", "leader", "manager")


async def seat_of(db: Db, hall: Hall, person: Person, no: str) -> Seat:
    """From where someone acts: a manager anywhere, a leader in the own zone, a clerk in the own seat."""
    if "manager" in person.roles:
        return Seat(no, person.actor)
    if "leader" in person.roles and leads(person, (await windows.get_window(db, hall, no)).zone):
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
    if not done.replayed:
        ring(request, hall.id)
    return done


async def call_next(
    request: Request, hall: str, no: str, *, finish_current: bool = False, press: str | None = None
) -> Act | Nobody:
    """Call whoever is next, or Nobody."""
    act: Act | Nobody = await at_window(request, hall, no, calls.call_next, press, finish_current=finish_current)
    return act


async def call_number(request: Request, hall: str, no: str, number: str, *, press: str | None = None) -> Act:
    """Call one ticket by its printed number."""
    act: Act = await at_window(request, hall, no, calls.call_number, press, number=number)
    return act


async def take_back(request: Request, hall: str, no: str, number: str, *, press: str | None = None) -> Act:
    """Call again whoever was just sent elsewhere, as if that had not been."""
    act: Act = await at_window(request, hall, no, undo.take_back, press, number=number)
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
    reason: str | None = None,
    press: str | None = None,
) -> WindowAct:
    """Seat whoever asks, or the clerk a leader or manager names, and open. A leader of a zone names who belongs there, by today's
    roster or else by contract; whoever belongs to another zone the manager sends.

    NotOnShift when a published roster has the clerk elsewhere or off, unless a leader or manager gives a reason; the record
    keeps it.
    """

    async def act(
        db: Db,
        at: Hall,
        seat: Seat,
        *,
        services: Sequence[str] | None,
        clerk: str | None,
        reason: str | None,
        press: Press | None,
    ) -> WindowAct:
        seated = await seated_clerk(db, at, seat, clerk, request)
        against = None
        try:
            await check_on_shift(db, at, no, seated)
        except NotOnShift:
            if reason is None or seat.clerk is not None:
                raise
            against = reason
        done = await windows.open_window(db, at, no, seated, services=services, actor=seat.actor, reason=against, press=press)
        await proposals.heed(db, at, no, actor=seat.actor, keep_minutes=at.value(MIN_OPEN))
        return done

    opened: WindowAct = await at_window(request, hall, no, act, press, services=services, clerk=clerk, reason=reason)
    return opened


KNOWN = "SELECT EXISTS (SELECT FROM users WHERE hall = $1 AND username = $2 AND NOT disabled AND 'clerk' = ANY(roles))"


async def seated_clerk(db: Db, hall: Hall, seat: Seat, clerk: str | None, request: Request) -> str:
    """Who will sit there. Naming somebody else is for a manager, or a leader of their zone; BadInput for a name no clerk has."""
    person = await require(request)
    assert person.username is not None
    if clerk in (None, person.username):
        return person.username
    if seat.clerk is not None:
        raise NotAllowed()
    if not await db.fetchval(KNOWN, hall.id, clerk):
        raise BadInput(field="clerk", message="no clerk works here by that name")
    if (own := own_zone(person)) is not None and clerk in await of_other_zones(db, hall, own):
        raise NotAllowed()
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


async def open_rating(request: Request, hall: str, no: str, *, press: str | None = None) -> Act:
    """Let the evaluator ask again about the window's last visit."""

    async def act(db: Db, at: Hall, seat: Seat, *, press: Press | None) -> Act:
        window = await windows.get_window(db, at, no)
        if seat.clerk is not None and window.state == "closed":
            raise WindowNotOpen(window=no)
        if seat.clerk not in (None, window.clerk):
            raise NotYourWindow(window=no)
        return await ratings.ask_again(db, at, no, actor=seat.actor, press=press)

    asked: Act = await at_window(request, hall, no, act, press)
    return asked
