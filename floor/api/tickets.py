"""Tickets: taken, looked at, found, given up and brought back."""

from datetime import date, datetime
from typing import Annotated, Literal, cast

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from floor import acts
from floor.api.routes import acceptable, answer, asked, get, post, press_of, queried
from floor.database import Db, acquire
from floor.signin import require
from queueing import forecast, tickets
from queueing.forecast import Load, Wait
from queueing.tickets import Act

STAFF = ("clerk", "desk", "leader", "manager", "engineer", "auditor", "doorstep")

Code = Annotated[str, Meta(min_length=1, max_length=8, description="A letter or code of the hall")]
Words = Annotated[str, Meta(max_length=200)]
State = Literal["waiting", "called", "serving", "held", "missed", "finished", "cancelled", "expired", "doorstep"]
Lang = Literal["zh-Hans", "zh-Hant", "en"]
Position = Literal["front", "keep", "back"]


class Ticket(Struct):
    """A ticket as it stands."""

    key: str
    number: str
    day: date
    services: list[str]
    matters: list[str]
    state: State
    category: str | None
    channel: str
    issued_at: datetime
    ahead: Annotated[int, Meta(ge=0, description="People before this one; null unless it waits")] | None
    wait: Wait | None
    window: str | None
    calls: int
    appointment: str | None = None


class TakeAsked(Struct):
    """What somebody comes for: services, or matters of the catalogue, which lead to theirs. The ID number is matched by a
    keyed hash and kept nowhere. The phone gets the ticket's notices, where the hall sends any; it is kept encrypted until
    the visit is over."""

    services: Annotated[list[Code], Meta(max_length=8, description="May be left out where matters are named")] = []
    matters: Annotated[list[Words], Meta(max_length=20)] = []
    category: Annotated[str, Meta(max_length=20)] | None = None
    evidence: Words | None = None
    phone: Annotated[str, Meta(max_length=20)] | None = None
    id_number: Annotated[str, Meta(min_length=6, max_length=30)] | None = None
    lang: Lang = "zh-Hans"
    print_at: Annotated[str, Meta(max_length=60)] | None = None
    door_code: Annotated[str, Meta(max_length=60)] | None = None


class RestoreAsked(Struct):
    position: Position = "keep"


class ReprintAsked(Struct):
    print_at: Annotated[str, Meta(max_length=60)] | None = None


class FindAsked(Struct):
    """Filters of a list; the day is today's business day when none is named."""

    day: date | None = None
    service: Code | None = None
    state: State | None = None
    number: Annotated[str, Meta(max_length=12)] | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    after: Annotated[int, Meta(ge=0, le=2**53)] = 0


class TicketList(Struct):
    items: list[Ticket]
    next: int | None


async def loads_of(request: Request, hall: int, db: Db | None = None) -> dict[str, Load]:
    """The load of a hall's services, at most 3 s old: a forecast is no part of anybody's act. By `db` where one is at hand."""

    async def load() -> dict[str, Load]:
        if db is not None:
            return await forecast.loads(db, hall)
        async with acquire(request.app.state.pool) as own:
            return await forecast.loads(own, hall)

    loads: dict[str, Load] = await request.app.state.loads.get(hall, load)
    return loads


def show(ticket: tickets.Ticket, ahead: int | None = None, wait: Wait | None = None) -> Ticket:
    """A ticket in the words of the interface."""
    return Ticket(
        ticket.key,
        ticket.number,
        ticket.day,
        ticket.services,
        ticket.matters,
        cast(State, ticket.state),
        ticket.category,
        ticket.channel,
        ticket.joined_at,
        ahead,
        wait,
        ticket.window,
        ticket.calls,
    )


async def shown(request: Request, *found: tickets.Ticket) -> list[Ticket]:
    """Tickets with the people ahead of those that wait, and how long that may take."""
    if not any(ticket.state == "waiting" for ticket in found):
        return [show(ticket) for ticket in found]
    loads = await loads_of(request, found[0].hall)
    counted, ahead = request.scope.get("hall.ahead", (0, None))
    if [ticket.id for ticket in found] == [counted]:
        return [show(found[0], ahead, expected(loads, found[0], ahead))]
    async with acquire(request.app.state.pool) as db:
        return [await shown_with(db, ticket, loads) for ticket in found]


async def shown_with(db: Db, ticket: tickets.Ticket, loads: dict[str, Load]) -> Ticket:
    ahead = await tickets.ahead(db, ticket)
    return show(ticket, ahead, expected(loads, ticket, ahead))


def expected(loads: dict[str, Load], ticket: tickets.Ticket, ahead: int | None) -> Wait | None:
    """How long that many before it may take."""
    load = loads.get(ticket.service)
    return forecast.expect(load, ahead, ticket.id) if load is not None and ahead is not None else None


async def told(request: Request, act: Act, status: int = 200) -> Response:
    """The ticket an act left."""
    (ticket,) = await shown(request, act.ticket)
    return answer(ticket, status, replayed=act.replayed)


async def take(request: Request) -> Response:
    body = await asked(request, TakeAsked)
    act = await acts.take(
        request,
        request.path_params["hall"],
        body.services,
        matters=body.matters,
        category=body.category,
        evidence=body.evidence,
        id_number=body.id_number,
        phone=body.phone,
        lang=body.lang,
        print_at=body.print_at,
        door_code=body.door_code,
        press=press_of(request),
    )
    return await told(request, act, 201)


async def look(request: Request) -> Response:
    acceptable(request)
    _, ticket = await acts.ticket_of(request, request.path_params["key"])
    return answer((await shown(request, ticket))[0])


async def find(request: Request) -> Response:
    query = queried(request, FindAsked)
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *STAFF, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        found = await tickets.find(
            db,
            hall,
            day=query.day,
            service=query.service,
            state=query.state,
            number=query.number,
            after=query.after,
            limit=query.limit + 1,
        )
    found, rest = found[: query.limit], found[query.limit :]
    more = found[-1].id if rest else None
    return answer(TicketList(await shown(request, *found), more))


async def cancel(request: Request) -> Response:
    return await told(request, await acts.cancel(request, request.path_params["key"], press=press_of(request)))


async def restore(request: Request) -> Response:
    body = await asked(request, RestoreAsked)
    return await told(request, await acts.restore(request, request.path_params["key"], body.position, press=press_of(request)))


async def release(request: Request) -> Response:
    return await told(request, await acts.release(request, request.path_params["key"], press=press_of(request)))


async def reprint(request: Request) -> Response:
    body = await asked(request, ReprintAsked)
    return await told(request, await acts.reprint(request, request.path_params["key"], body.print_at, press=press_of(request)))


ROUTES = [
    post(
        "/api/v1/halls/{hall}/tickets",
        take,
        "Take a number",
        "A dispenser, its kiosk page, desk or manager",
        {201: Ticket},
        body=TakeAsked,
        refusals=(
            "unknown_service",
            "closed",
            "past_last_ticket",
            "booking_only",
            "quota_full",
            "one_live_ticket",
            "real_name_needed",
            "too_many",
            "banned",
            "printer_not_ready",
            "too_fast",
        ),
        notes="A dispenser prints by itself. Staff name a dispenser in print_at, or no paper is printed. After the last ticket "
        "the refusal says what to do instead: `instead` of book and doorstep, and `next_slot`, the next free time.",
    ),
    get(
        "/api/v1/halls/{hall}/tickets",
        find,
        "Tickets of a business day",
        "Staff",
        TicketList,
        query=FindAsked,
    ),
    get(
        "/api/v1/tickets/{key}",
        look,
        "A ticket, how many are before it and how long that may take",
        "Whoever holds the key",
        Ticket,
    ),
    post(
        "/api/v1/tickets/{key}/cancel",
        cancel,
        "Leave the queue",
        "Whoever holds the key; desk, leader, manager",
        {200: Ticket},
        refusals=("not_in_that_state", "too_fast"),
    ),
    post(
        "/api/v1/tickets/{key}/restore",
        restore,
        "Bring a missed ticket back into line",
        "Desk, leader, manager",
        {200: Ticket},
        body=RestoreAsked,
        refusals=("not_in_that_state",),
    ),
    post(
        "/api/v1/tickets/{key}/release",
        release,
        "Send a held ticket back into line",
        "Clerk, desk, leader, manager",
        {200: Ticket},
        refusals=("not_in_that_state",),
        notes="Where it comes back is the hall's rule for that kind of hold.",
    ),
    post(
        "/api/v1/tickets/{key}/reprint",
        reprint,
        "Print a marked copy of the same number",
        "Dispenser, desk, manager",
        {200: Ticket},
        body=ReprintAsked,
        refusals=("not_in_that_state", "printer_not_ready"),
    ),
]
