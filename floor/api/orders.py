"""Orders of agents: asked for, taken through their stages, handed in together, rated."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from floor import acts
from floor.acts import orders as acting
from floor.api.ratings import RateAsked, Rating
from floor.api.routes import acceptable, answer, asked, get, post, press_of, queried
from floor.api.tickets import Lang, Ticket, Words
from floor.api.tickets import told as ticket_told
from floor.database import acquire
from floor.signin import current
from scheduling import orders
from scheduling.orders import Verb

State = Literal["requested", "collected", "filed", "returned", "declined", "cancelled"]
Code = Annotated[str, Meta(max_length=20)]
Name = Annotated[str, Meta(max_length=40, description="The name an agent signs in with")]


class Order(Struct):
    """An order as it stands. Nothing personal is in it: name, telephone and address are for who fetches the papers."""

    code: Annotated[str, Meta(description="Unguessable; whoever has it asked for the order")]
    number: str
    day: date
    state: State
    channel: Literal["phone", "desk", "agent", "ticket"]
    agent: Annotated[str, Meta(description="Null to whoever holds the code alone")] | None
    site: str | None
    matters: list[str]
    hand_in: Annotated[str, Meta(description="The number under which its papers were last handed in")] | None
    due: Annotated[date, Meta(description="The last day of its stage, a working day")] | None
    asked_at: datetime
    collected_at: datetime | None
    filed_at: datetime | None
    ended_at: datetime | None
    why: Annotated[str, Meta(description="It was declined or called off")] | None


class OrderList(Struct):
    items: list[Order]
    next: int | None


class OfTicketAsked(Struct, kw_only=True):
    """Whose papers they are, kept encrypted. Without matters those of the ticket."""

    matters: Annotated[list[Words], Meta(max_length=8)] = []
    name: Annotated[str, Meta(max_length=60)]
    phone: Annotated[str, Meta(max_length=20)]
    address: Words
    note: Words | None = None
    site: Annotated[str, Meta(max_length=24)] | None = None
    lang: Lang = "zh-Hans"


class OrderAsked(OfTicketAsked, kw_only=True):
    """Whose papers they are, kept encrypted until the order has ended and its days are over. The phone gets word of each
    stage, where the hall sends any. An agent asks for themselves, and for their own station."""

    matters: Annotated[list[Words], Meta(min_length=1, max_length=8)]


class FindAsked(Struct):
    """Filters of a list; an agent sees the own orders and free ones."""

    state: State | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    after: Annotated[int, Meta(ge=0, le=2**53)] = 0


class ToAgentAsked(Struct):
    """Whom it is given to. An agent takes it for themselves."""

    agent: Name | None = None


class WhyAsked(Struct):
    why: Annotated[str, Meta(min_length=1, max_length=200)]


class Holder(Struct):
    """Whose papers they are. Null once it is forgotten."""

    name: str | None
    phone: str | None
    address: str | None
    note: str | None


class HandInAsked(Struct):
    """The codes of orders whose papers were collected, all of the agent who asks."""

    orders: Annotated[list[Code], Meta(min_length=1, max_length=50)]
    print_at: Annotated[str, Meta(max_length=60)] | None = None


async def shown(request: Request, *found: orders.Order, staff: bool = True) -> list[Order]:
    """Orders in the words of the interface."""
    async with acquire(request.app.state.pool) as db:
        under = await acting.handed_in(db, found)
    return [
        Order(
            one.code, one.number, one.day, one.state, one.channel, one.agent if staff else None, one.site, one.matters,  # type: ignore[arg-type]
            under[one.hand_in].number if one.hand_in else None, one.due, one.asked_at, one.collected_at, one.filed_at,
            one.ended_at, one.why,
        )
        for one in found
    ]  # fmt: skip


async def told(request: Request, order: orders.Order, status: int = 200) -> Response:
    return answer((await shown(request, order))[0], status, replayed=order.replayed)


async def ask(request: Request) -> Response:
    body = await asked(request, OrderAsked)
    made = await acting.ask(
        request, request.path_params["hall"], body.matters, name=body.name, phone=body.phone, address=body.address,
        note=body.note, site=body.site, lang=body.lang, press=press_of(request),
    )  # fmt: skip
    return await told(request, made, 201)


async def of_ticket(request: Request) -> Response:
    body = await asked(request, OfTicketAsked)
    hall, ticket = await acts.ticket_of(request, request.path_params["key"])
    made = await acting.ask(
        request, hall.code, body.matters or ticket.matters, name=body.name, phone=body.phone, address=body.address,
        note=body.note, site=body.site, ticket=ticket.key, lang=body.lang, press=press_of(request),
    )  # fmt: skip
    return await told(request, made, 201)


async def find(request: Request) -> Response:
    query = queried(request, FindAsked)
    hall, person = await acting.worker(request, request.path_params["hall"])
    async with acquire(request.app.state.pool) as db:
        found = await orders.find(
            db, hall, acting.agent_of(person), state=query.state, after=query.after, limit=query.limit + 1
        )  # fmt: skip
    page, rest = found[: query.limit], found[query.limit :]
    return answer(OrderList(await shown(request, *page), page[-1].id if rest else None))


async def look(request: Request) -> Response:
    """Whoever holds the code may read how far it is; who works on it is for those who do."""
    acceptable(request)
    hall, person = await acts.hall_of(request, request.path_params["hall"]), await current(request)
    works = person is not None and person.hall == hall.id and not person.roles.isdisjoint(acting.WORKERS)
    async with acquire(request.app.state.pool) as db:
        order = await orders.by_code(db, hall, request.path_params["code"])
    return answer((await shown(request, order, staff=works))[0])


async def holder(request: Request) -> Response:
    _, found = await acting.look(request, request.path_params["hall"], request.path_params["code"])
    return answer(Holder(found.name, found.phone, found.address, found.note) if found else Holder(None, None, None, None))


async def moved(request: Request, verb: Verb, agent: str | None = None, why: str | None = None) -> Response:
    hall, code = request.path_params["hall"], request.path_params["code"]
    return await told(request, await acting.move(request, hall, code, verb, agent=agent, why=why, press=press_of(request)))


async def assign(request: Request) -> Response:
    return await moved(request, "assign", agent=(await asked(request, ToAgentAsked)).agent)


async def collect(request: Request) -> Response:
    return await moved(request, "collect", agent=(await asked(request, ToAgentAsked)).agent)


async def file(request: Request) -> Response:
    return await moved(request, "file")


async def bring_back(request: Request) -> Response:
    return await moved(request, "return")


async def decline(request: Request) -> Response:
    return await moved(request, "decline", why=(await asked(request, WhyAsked)).why)


async def cancel(request: Request) -> Response:
    return await moved(request, "cancel", why=(await asked(request, WhyAsked)).why)


async def rate(request: Request) -> Response:
    body, hall = await asked(request, RateAsked), await acts.hall_of(request, request.path_params["hall"])
    async with acquire(request.app.state.pool) as db:
        order = await orders.by_code(db, hall, request.path_params["code"])
    rated = await acting.rate(
        request, order, body.level, reasons=body.reasons, comment=body.comment, press=press_of(request)
    )  # fmt: skip
    kept = Rating(rated.number or "", rated.level, rated.reasons, rated.channel, rated.at)  # type: ignore[arg-type]
    return answer(kept, 201, replayed=rated.replayed)


async def hand_in(request: Request) -> Response:
    body = await asked(request, HandInAsked)
    act = await acting.hand_in(
        request, request.path_params["hall"], body.orders, print_at=body.print_at, press=press_of(request)
    )  # fmt: skip
    return await ticket_told(request, act, 201)


HALL = "/api/v1/halls/{hall}/orders"
ONE, WORKER, MOVED = f"{HALL}/{{code}}", "An agent for the own and free ones; desk, leader, manager", ("not_in_that_state",)
ROUTES = [
    post(HALL, ask, "Ask for an agent, by telephone or for a neighbour", "Agent, desk, leader, manager", {201: Order},
         body=OrderAsked),
    post("/api/v1/tickets/{key}/order", of_ticket, "Let an agent file for a ticket's holder: the ticket ends",
         "Agent, desk, leader, manager", {201: Order}, body=OfTicketAsked, refusals=MOVED),
    get(HALL, find, "Orders as they were asked for", "Agent, desk, leader, manager", OrderList, query=FindAsked),
    get(ONE, look, "How far an order is", "Whoever holds its code", Order),
    post(f"{ONE}/holder", holder, "Whose papers they are; each look is on record", WORKER, {200: Holder}, once=False),
    post(f"{ONE}/assign", assign, "Give it to an agent, or take it", WORKER, {200: Order}, body=ToAgentAsked, refusals=MOVED),
    post(f"{ONE}/collect", collect, "The papers were fetched", WORKER, {200: Order}, body=ToAgentAsked, refusals=MOVED),
    post(f"{ONE}/file", file, "The papers were filed", WORKER, {200: Order}, refusals=MOVED),
    post(f"{ONE}/return", bring_back, "The certificate was brought back: the service is over", WORKER, {200: Order},
         refusals=MOVED),
    post(f"{ONE}/decline", decline, "Say no, with the reason", WORKER, {200: Order}, body=WhyAsked, refusals=MOVED),
    post(f"{ONE}/cancel", cancel, "Call it off, with the reason", WORKER, {200: Order}, body=WhyAsked, refusals=MOVED),
    post(f"{ONE}/rating", rate, "Rate an order that was carried out, once", "Whoever holds its code", {201: Rating},
         body=RateAsked, refusals=("not_finished", "already_rated", "too_late", "too_fast")),
    post("/api/v1/halls/{hall}/hand-ins", hand_in, "One number for the papers of several orders", "An agent, for the own",
         {201: Ticket}, body=HandInAsked,
         refusals=(*MOVED, "too_many", "one_live_ticket", "closed", "past_last_ticket", "booking_only", "quota_full",
                   "unknown_service", "banned", "printer_not_ready", "real_name_needed"),
         notes="It stands no earlier than the hall's gap for each order after the last hand-in of that line."),
]  # fmt: skip
