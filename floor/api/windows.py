"""Windows: opened, paused, closed, and every act on the ticket at hand."""

from datetime import datetime
from typing import Annotated, Literal, cast

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from floor import acts
from floor.api.routes import Promised, answer, asked, nothing, post, press_of
from floor.api.tickets import Code, Position, Ticket, show, told
from floor.database import acquire
from queueing import windows
from queueing.tickets import Act
from queueing.windows import WindowAct

AT = "/api/v1/halls/{hall}/windows/{no}"
SEATED = "Whoever sits there; a leader of its zone; a manager"
Note = Annotated[str, Meta(max_length=200)]
Number = Annotated[str, Meta(min_length=1, max_length=12)]
No = Annotated[str, Meta(min_length=1, max_length=6)]


State = Literal["closed", "open", "paused", "called", "serving"]


class Window(Struct):
    """A window as the floor sees it. `ticket` is the number it has."""

    no: str
    name: str
    zone: str
    state: State
    services: list[str]
    ticket: str | None


class Seated(Window):
    """The same for those who work here: who sits there, why it is paused, since when it is as it is."""

    clerk: str | None
    reason: str | None
    since: datetime


class Call(Struct):
    """One sounding of a number. `attempt` counts calls and recalls since the ticket last waited anew."""

    id: str
    at: datetime
    attempt: int


class Called(Struct):
    ticket: Ticket
    call: Call


class Nothing(Struct):
    """No body is needed."""


class OpenAsked(Struct):
    services: Annotated[list[Code], Meta(min_length=1, max_length=50)] | None = None
    clerk: Annotated[str, Meta(max_length=40)] | None = None
    reason: Note | None = None  # why against the roster; counts from a leader or manager


class PauseAsked(Struct):
    reason: Note | None = None


class CloseAsked(Struct):
    override: bool = False
    reason: Note | None = None


class NextAsked(Struct):
    finish_current: bool = False


class NumberAsked(Struct):
    number: Number


class FinishAsked(Struct):
    outcome: Literal["done", "accepted", "consulted", "not_ready"] = "done"
    delivery: Note | None = None


class HoldAsked(Struct):
    kind: Literal["with_papers", "without_papers", "waiting"]
    note: Note | None = None


class TransferAsked(Struct):
    """To a service or to a window, one of them; `number` names a held ticket instead of the one at hand."""

    to_service: Code | None = None
    to_window: No | None = None
    position: Position = "back"
    note: Note | None = None
    number: Number | None = None


def at(request: Request) -> tuple[Request, str, str]:
    return request, request.path_params["hall"], request.path_params["no"]


async def shown(request: Request, act: WindowAct) -> Response:
    """The window as it is after the act."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    async with acquire(request.app.state.pool) as db:
        window = await windows.get_window(db, hall, act.window.no)
    body = Seated(
        window.no,
        window.name,
        window.zone,
        cast(State, window.state),
        window.services,
        window.ticket,
        window.clerk,
        window.reason,
        window.since,
    )
    return answer(body, replayed=act.replayed)


def called(act: Act) -> Response:
    """The ticket and its new call."""
    assert act.ticket.called_at is not None
    call = Call(act.call_id, act.ticket.called_at, act.ticket.calls)
    return answer(Called(show(act.ticket), call), replayed=act.replayed)


async def open_window(request: Request) -> Response:
    body = await asked(request, OpenAsked)
    return await shown(
        request,
        await acts.open_window(
            *at(request), services=body.services, clerk=body.clerk, reason=body.reason, press=press_of(request)
        ),
    )


async def pause(request: Request) -> Response:
    body = await asked(request, PauseAsked)
    return await shown(request, await acts.pause(*at(request), reason=body.reason, press=press_of(request)))


async def resume(request: Request) -> Response:
    await asked(request, Nothing)
    return await shown(request, await acts.resume(*at(request), press=press_of(request)))


async def close(request: Request) -> Response:
    body = await asked(request, CloseAsked)
    return await shown(
        request, await acts.close(*at(request), override=body.override, reason=body.reason, press=press_of(request))
    )


async def call_next(request: Request) -> Response:
    body = await asked(request, NextAsked)
    act = await acts.call_next(*at(request), finish_current=body.finish_current, press=press_of(request))
    return called(act) if isinstance(act, Act) else nothing(replayed=act.replayed)


async def call_number(request: Request) -> Response:
    body = await asked(request, NumberAsked)
    return called(await acts.call_number(*at(request), body.number, press=press_of(request)))


async def recall(request: Request) -> Response:
    await asked(request, Nothing)
    return called(await acts.recall(*at(request), press=press_of(request)))


async def arrive(request: Request) -> Response:
    await asked(request, Nothing)
    return await told(request, await acts.arrive(*at(request), press=press_of(request)))


async def finish(request: Request) -> Response:
    body = await asked(request, FinishAsked)
    act = await acts.finish(*at(request), outcome=body.outcome, delivery=body.delivery, press=press_of(request))
    return await told(request, act)


async def no_show(request: Request) -> Response:
    await asked(request, Nothing)
    return await told(request, await acts.no_show(*at(request), press=press_of(request)))


async def hold(request: Request) -> Response:
    body = await asked(request, HoldAsked)
    return await told(request, await acts.hold(*at(request), body.kind, note=body.note, press=press_of(request)))


async def resume_held(request: Request) -> Response:
    body = await asked(request, NumberAsked)
    return await told(request, await acts.resume_held(*at(request), body.number, press=press_of(request)))


async def transfer(request: Request) -> Response:
    body = await asked(request, TransferAsked)
    act = await acts.transfer(
        *at(request), to_service=body.to_service, to_window=body.to_window, position=body.position, note=body.note,
        number=body.number, press=press_of(request),
    )  # fmt: skip
    return await told(request, act)


async def open_rating(request: Request) -> Response:
    await asked(request, Nothing)
    return await told(request, await acts.open_rating(*at(request), press=press_of(request)))


BUSY = ("window_busy", "window_not_open")
HERE = ("not_in_that_state", "window_not_open")
ROUTES: list[Promised] = [
    post(
        f"{AT}/open",
        open_window,
        "Open a window and take its seat",
        "A clerk; leader and manager may name another clerk",
        {200: Seated},
        body=OpenAsked,
        refusals=("window_taken", "not_skilled", "not_in_that_state", "unknown_service"),
    ),
    post(
        f"{AT}/pause",
        pause,
        "Stop calling for a while",
        SEATED,
        {200: Seated},
        body=PauseAsked,
        refusals=(*BUSY, "not_in_that_state"),
    ),
    post(f"{AT}/resume", resume, "Go on calling", SEATED, {200: Seated}, refusals=(*BUSY, "not_in_that_state")),
    post(
        f"{AT}/close",
        close,
        "Close the window and leave its seat",
        SEATED,
        {200: Seated},
        body=CloseAsked,
        refusals=("still_waiting", *BUSY, "not_in_that_state"),
    ),
    post(
        f"{AT}/next",
        call_next,
        "Call whoever is next; 204 when nobody waits",
        SEATED,
        {200: Called, 204: None},
        body=NextAsked,
        refusals=BUSY,
    ),
    post(
        f"{AT}/call",
        call_number,
        "Call one number, waiting or missed",
        SEATED,
        {200: Called},
        body=NumberAsked,
        refusals=(*BUSY, *HERE),
    ),
    post(f"{AT}/recall", recall, "Call the same ticket again", SEATED, {200: Called}, refusals=HERE),
    post(f"{AT}/arrive", arrive, "The citizen has come", SEATED, {200: Ticket}, refusals=HERE),
    post(f"{AT}/finish", finish, "The matter is done", SEATED, {200: Ticket}, body=FinishAsked, refusals=HERE),
    post(f"{AT}/no-show", no_show, "Nobody came", SEATED, {200: Ticket}, refusals=("too_early", *HERE)),
    post(f"{AT}/hold", hold, "Put the ticket aside", SEATED, {200: Ticket}, body=HoldAsked, refusals=HERE),
    post(
        f"{AT}/resume-held",
        resume_held,
        "Take a held ticket back",
        SEATED,
        {200: Ticket},
        body=NumberAsked,
        refusals=(*BUSY, *HERE),
    ),
    post(
        f"{AT}/transfer",
        transfer,
        "Send the ticket to another service or window",
        SEATED,
        {200: Ticket},
        body=TransferAsked,
        refusals=("unknown_service", *HERE),
    ),
    post(
        f"{AT}/open-rating", open_rating, "Let the evaluator ask again about the last visit", SEATED, {200: Ticket}, refusals=HERE
    ),
]
