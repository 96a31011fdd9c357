"""Helpers: their lines and numbers, what they did, the machines beside them, and who walks along with a visitor."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from floor import acts
from floor.acts import escorts as walking
from floor.acts import helps as helping
from floor.api.routes import acceptable, answer, asked, get, nothing, post, press_of, queried
from floor.api.tickets import Ticket
from floor.api.tickets import told as ticket_told
from floor.database import acquire
from floor.signin import require
from queueing import helps
from queueing.errors import BadInput, NotFound
from queueing.halls import business_day
from scheduling import escorts, self_service

Kind = Literal["handout", "advice", "precheck", "signup", "apply", "form"]
Zone = Annotated[str, Meta(max_length=8)]
Name = Annotated[str, Meta(max_length=40, description="The name somebody signs in with")]
Number = Annotated[str, Meta(max_length=12)]
Half = Literal["am", "pm"]


class Line(Struct):
    """An area and its line of helpers: the service people wait for there, and the window that serves it."""

    zone: str
    service: str | None
    waiting: int
    window: str | None
    state: Literal["closed", "open", "paused"] | None
    clerk: str | None


class Help(Struct):
    """A help number of today. `machine` called for it; `kinds` were ticked."""

    key: str
    number: str
    service: str
    zone: str
    state: str
    window: str | None
    joined_at: datetime
    machine: str | None
    kinds: list[str]
    by: str | None


class Helps(Struct):
    """The lines, today's help numbers (those open first), and how often each kind of help was given today."""

    lines: list[Line]
    items: list[Help]
    counted: dict[str, int]


class HelpAsked(Struct):
    zone: Zone


class TickAsked(Struct):
    """What was done, over what was ticked before."""

    kinds: Annotated[list[Kind], Meta(max_length=6)]


class Machine(Struct):
    """A machine people use by themselves. `since` it is in use; `uses` of today."""

    code: str
    name: str
    zone: str
    state: Literal["free", "busy", "broken"]
    since: datetime | None
    uses: int


class Escort(Struct):
    """Somebody bound to a ticket, and the windows they came by together."""

    id: int
    number: str
    escort: str
    assigned_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    windows: list[str]


class EscortAsked(Struct):
    """Today's number, and who walks along."""

    number: Number
    escort: Name


class Bound(Struct):
    id: int


class WeekAsked(Struct, rename={"first": "from", "last": "to"}):
    """Days, both included; today when none is named. At most 62."""

    first: date | None = None
    last: date | None = None


class Duty(Struct):
    """Half a day of somebody: helping in an area, or walking with visitors where none is named."""

    day: date
    half: Half
    escort: str
    zone: str | None


class DutyAsked(Struct):
    """`on` false takes them off that half day."""

    day: date
    half: Half
    escort: Name
    zone: Zone | None = None
    on: bool = True


async def show(request: Request) -> Response:
    acceptable(request)
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *helping.HELPERS, "engineer", hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        places, rows, counted = await helps.lines(db, hall), await helps.today(db, hall), await helps.counted(db, hall)
    return answer(
        Helps(
            [Line(it.zone, it.service, it.waiting, it.window, it.state, it.clerk) for it in places],  # type: ignore[arg-type]
            [Help(*[getattr(row, name) for name in helps.Help.__slots__]) for row in rows],
            counted,
        )
    )


async def take(request: Request) -> Response:
    body = await asked(request, HelpAsked)
    return await ticket_told(
        request, await helping.take(request, request.path_params["hall"], body.zone, press=press_of(request)), 201
    )


async def tick(request: Request) -> Response:
    body = await asked(request, TickAsked)
    return nothing(replayed=await helping.tick(request, request.path_params["key"], body.kinds, press=press_of(request)))


async def machines(request: Request) -> Response:
    acceptable(request)
    hall = await acts.hall_of(request, request.path_params["hall"])
    async with acquire(request.app.state.pool) as db:
        area = await self_service.machines(db, hall)
    return answer(
        [
            Machine(it.code, it.name, it.zone, "broken" if it.broken else "busy" if it.session else "free", it.since, it.uses)
            for it in area
        ]
    )


async def walks(request: Request) -> Response:
    acceptable(request)
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *walking.WALKERS, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        rows = await escorts.today(db, hall)
    return answer([Escort(it.id, it.number, it.escort, it.assigned_at, it.started_at, it.ended_at, it.windows) for it in rows])


async def bind(request: Request) -> Response:
    body = await asked(request, EscortAsked)
    bound, again = await walking.assign(
        request, request.path_params["hall"], body.number, body.escort, press=press_of(request)
    )  # fmt: skip
    return answer(Bound(bound), 201, replayed=again)


async def walk(request: Request, verb: str) -> Response:
    hall, escort = request.path_params["hall"], request.path_params["escort"]
    if not (escort.isascii() and escort.isdigit() and len(escort) < 16):
        raise NotFound(what="escort")
    return nothing(replayed=await walking.walk(request, hall, int(escort), verb, press=press_of(request)))


async def start(request: Request) -> Response:
    return await walk(request, "start")


async def end(request: Request) -> Response:
    return await walk(request, "end")


async def roster(request: Request) -> Response:
    query = queried(request, WeekAsked)
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *walking.WALKERS, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        today = await business_day(db, hall)
        first, last = query.first or query.last or today, query.last or query.first or today
        if first > last or (last - first).days > 62:
            raise BadInput(field="from", message="a period ends no earlier than it begins")
        found = await escorts.planned(db, hall, first, last)
    return answer([Duty(it.day, it.half, it.escort, it.zone) for it in found])  # type: ignore[arg-type]


async def plan(request: Request) -> Response:
    body = await asked(request, DutyAsked)
    await walking.plan(request, request.path_params["hall"], body.day, body.half, body.escort, on=body.on, zone=body.zone)
    return nothing()


HALL, WALKERS = "/api/v1/halls/{hall}", "Clerk, desk, leader, manager"
LIMITS = ("closed", "past_last_ticket", "booking_only", "quota_full")
ROUTES = [
    get(f"{HALL}/helps", show, "Lines of helpers and today's help numbers", "Staff", Helps),
    post(f"{HALL}/helps", take, "A help number, for somebody who stands before a helper", WALKERS, {201: Ticket},
         body=HelpAsked, refusals=LIMITS),
    post("/api/v1/tickets/{key}/help", tick, "Tick what was done for the holder of a help number", WALKERS, {204: None},
         body=TickAsked),
    get(f"{HALL}/self-service", machines, "Machines people use by themselves, and which are free", "Anybody", list[Machine]),
    get(f"{HALL}/escorts", walks, "Today's escorts", WALKERS, list[Escort]),
    post(f"{HALL}/escorts", bind, "Let somebody walk along with a number", WALKERS, {201: Bound}, body=EscortAsked,
         refusals=("not_in_that_state",)),
    post(f"{HALL}/escorts/{{escort}}/start", start, "They set out", WALKERS, {204: None}, refusals=("not_in_that_state",)),
    post(f"{HALL}/escorts/{{escort}}/end", end, "They part; the windows they came by are in the record", WALKERS,
         {204: None}),
    get(f"{HALL}/escort-roster", roster, "Who walks along and who helps where, by half days", WALKERS, list[Duty],
        query=WeekAsked),
    post(f"{HALL}/escort-roster", plan, "Put somebody on half a day, or take them off", "Leader, manager", {204: None},
         body=DutyAsked, once=False, notes="Whoever is on already is moved."),
]  # fmt: skip
