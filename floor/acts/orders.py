"""Acts on agent orders: asked for at the desk or by an agent, moved on stage by stage, handed in together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from starlette.requests import Request

from floor import order_words as telling
from floor.acts.ground import hall_by_id, hall_of, in_own_zone, pressed, ring
from floor.acts.tickets import CITIZEN, hashed, phone_number, printer_for, queues_of, seal_of, ticket_of
from floor.catalogue.kept import known
from floor.database import Db, acquire
from floor.people import find_user
from floor.quality import ratings
from floor.quality.ratings import Rated
from floor.settings import Settings
from floor.signin import Person, require
from queueing.db import replay
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall
from queueing.matters import known as offered
from queueing.tickets import Act
from scheduling import handins, orders
from scheduling.appointments import new_code
from scheduling.envelopes import Details, Envelopes, Sealed, Unreadable, name_mask, phone_mask
from scheduling.orders import Agent, Holder, Order, Verb, place

STAFF = ("desk", "leader", "manager")
MOST_WORDS = {"name": 60, "address": 200, "note": 200}
VOID = ("cancelled", "expired")  # a hand-in that ended like this gave the papers to nobody
WORKERS = (*STAFF, "agent")


def envelopes(request: Request) -> Envelopes:
    """What seals the particulars of people who are served elsewhere than here."""
    settings: Settings = request.app.state.settings
    return Envelopes(settings.secret, *settings.former_secrets)


def agent_of(person: Person) -> Agent:
    """An agent acts on their own orders, of their own site if they have one; desk, leader and manager on all."""
    return Agent() if person.roles & set(STAFF) else Agent(person.username, person.site)


async def worker(request: Request, hall_code: str) -> tuple[Hall, Person]:
    """The hall, and who works on its orders. NotSignedIn, NotAllowed."""
    hall = await hall_of(request, hall_code)
    return hall, await require(request, *WORKERS, hall=hall.id)


async def ask(
    request: Request,
    hall_code: str,
    matters: Sequence[str],
    *,
    name: str,
    phone: str,
    address: str,
    note: str | None = None,
    site: str | None = None,
    ticket: str | None = None,
    lang: str = "zh-Hans",
    press: str | None = None,
) -> Order:
    """Keep a request: by the desk for who telephones, by an agent for a neighbour, or with the number `ticket` (a key), which
    it ends. BadInput, OrderTaken, NotInThatState."""
    hall, person = await worker(request, hall_code)
    given = {"name": name.strip(), "address": address.strip()}
    for field, value in given.items():
        if not value:
            raise BadInput(field=field, message="it is empty")
    for field, value in (given | {"note": note or ""}).items():
        if len(value) > MOST_WORDS[field]:
            raise BadInput(field=field, message=f"at most {MOST_WORDS[field]} characters")
    number, code, by = phone_number(phone), new_code(), agent_of(person)
    details = Details(name=given["name"], phone=number, address=given["address"], note=(note or "").strip() or None)
    sealed = envelopes(request).close(details, place(code))
    hashed_phone = hashed(request, "phone", number)
    assert hashed_phone is not None
    holder = Holder(code, sealed.key_id, sealed.sealed, name_mask(details.name), phone_mask(number), hashed_phone)
    once_only = pressed(request, person.actor, press, [list(matters), hashed_phone, ticket, site, lang])
    held = (await ticket_of(request, ticket))[1] if ticket else None
    if held is not None:
        if held.hall != hall.id:
            raise NotFound(what="ticket")
        await in_own_zone(request, hall, person, person.actor, held.service)
    async with acquire(request.app.state.pool) as db:
        if (kept := await replay(db, once_only)) is not None:
            return orders.again(kept)
        offered((await known(request, db, hall)).catalogue, matters)
        made: Order | None = None
        await telling.keep(db, hall, code, number, seal=seal_of(request), lang=lang)  # before anybody can read of the order
        try:
            async with db.transaction():
                asked = await orders.ask(
                    db, hall, holder, matters, actor=person.actor, agent=by.name, site=by.site or site, lang=lang,
                    channel="agent" if by.name else "ticket" if held else "phone", ticket=held, press=once_only,
                )  # fmt: skip
                await telling.tell(db, hall, asked)
            made = asked
        finally:
            if made is None or made.code != code:
                await telling.forget(db, code)
    ring(request, hall.id)
    return made


async def move(
    request: Request,
    hall_code: str,
    code: str,
    verb: Verb,
    *,
    agent: str | None = None,
    why: str | None = None,
    press: str | None = None,
) -> Order:
    """One step of an order; `agent` gives it to somebody else, which an agent may not."""
    hall, person = await worker(request, hall_code)
    by = agent_of(person)
    given = agent if by.name is None else None
    once_only = pressed(request, person.actor, press, [code, verb, given, why])
    async with acquire(request.app.state.pool) as db:
        if given is not None and await replay(db, once_only) is None:
            await check_agent(db, hall, given, code)
        async with db.transaction():
            moved = await orders.move(db, hall, code, verb, actor=person.actor, by=by, agent=given, why=why, press=once_only)
            if verb != "assign":
                await telling.tell(db, hall, moved)
    ring(request, hall.id)
    return moved


async def check_agent(db: Db, hall: Hall, username: str, code: str) -> None:
    """BadInput unless an agent of this hall signs in with that name, who may act for the order's station."""
    user = await find_user(db, username)
    if user is None or user.hall != hall.id or user.disabled or "agent" not in user.roles:
        raise BadInput(field="agent", message="no agent works here by that name")
    if not orders.visible(replace(await orders.by_code(db, hall, code), agent=username), Agent(username, user.site)):
        raise BadInput(field="agent", message="this agent works for another station")


NUMBERS = "SELECT id, number, state::text, outcome FROM tickets WHERE id = ANY($1::bigint[])"


@dataclass(frozen=True, slots=True)
class HandedIn:
    """The number under which papers were handed in; `void`: they may be handed in again."""

    number: str
    state: str
    void: bool


async def handed_in(db: Db, found: Iterable[Order]) -> dict[int, HandedIn]:
    """Under which numbers the papers of these orders were handed in, by the number's id."""
    rows = await db.fetch(NUMBERS, list({order.hand_in for order in found if order.hand_in}))
    return {
        row["id"]: HandedIn(row["number"], row["state"], row["state"] in VOID or row["outcome"] == "not_ready") for row in rows
    }


async def look(request: Request, hall_code: str, code: str) -> tuple[Order, Details | None]:
    """Whose papers they are, for who fetches them; the look is on record. None once it is forgotten. NotFound."""
    hall, person = await worker(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        order = await orders.by_code(db, hall, code)
        if not orders.visible(order, agent_of(person)):
            raise NotFound(what="order")
        found = await orders.look(db, hall, order, actor=person.actor)
    ring(request, hall.id)
    try:
        return order, envelopes(request).open(Sealed(*found), place(order.code)) if found else None
    except Unreadable:  # the hall's secret was changed meanwhile
        return order, None


CATEGORY = "SELECT code FROM categories WHERE hall = $1 AND code = 'agent' AND offered AND NOT needs_evidence"


async def hand_in(
    request: Request, hall_code: str, codes: Sequence[str], *, print_at: str | None = None, press: str | None = None
) -> Act:
    """One number for the collected papers of several orders: an agent, for their own."""
    hall = await hall_of(request, hall_code)
    person = await require(request, "agent", hall=hall.id)
    who = hashed(request, "agent", person.username)
    assert who is not None
    async with acquire(request.app.state.pool) as db:
        printer = await printer_for(db, hall, person, print_at)
        asked = [matter for code in codes for matter in (await orders.by_code(db, hall, code)).matters]
        services = await queues_of(request, db, hall, asked) if asked else []
        made = await handins.hand_in(
            db, hall, codes, services, by=agent_of(person), actor=person.actor, person=who, print_at=printer,
            category=await db.fetchval(CATEGORY, hall.id), press=pressed(request, person.actor, press, [list(codes), print_at]),
        )  # fmt: skip
    ring(request, hall.id)
    return made


async def rate(
    request: Request,
    order: Order,
    level: int,
    *,
    reasons: Sequence[str] = (),
    comment: str | None = None,
    press: str | None = None,
) -> Rated:
    """What whoever holds an order's code thinks of how it went; by the one rule of all visits."""
    await request.app.state.rates.allow_citizen(request, None)
    hall = await hall_by_id(request, order.hall)
    async with acquire(request.app.state.pool) as db:
        rated = await ratings.rate(
            db, hall, "order", order.id, level=level, reasons=reasons, comment=comment, actor=CITIZEN, channel="phone",
            press=pressed(request, CITIZEN, press, (level, list(reasons), comment)),
        )  # fmt: skip
    ring(request, hall.id)
    return rated
