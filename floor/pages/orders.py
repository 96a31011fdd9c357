"""Agent orders (代办) for those who run them: what is due first, one order open, several handed in under one number."""

from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor.acts import orders as acting
from floor.api.problems import status_of
from floor.catalogue.kept import known
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.calendar import day_word
from floor.pages.console import text, typed
from floor.pages.desk import printers
from floor.pages.staffed import reason_of
from floor.pages.wording import matter_name
from floor.people import list_users
from floor.words import Words, language, words
from queueing import sites, tickets
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import Hall, business_day
from queueing.matters import Catalogue
from queueing.tickets import Ticket
from scheduling import handins, orders
from scheduling.envelopes import Details
from scheduling.orders import STAGES, WITH_REASON, Order, Verb

VERBS: tuple[Verb, ...] = ("collect", "file", "return", "decline", "cancel")
FIELDS = ("name", "phone", "address", "note", "site")
TONE = {"requested": "waiting", "collected": "called", "filed": "serving", "returned": "serving"}


async def show(request: Request) -> Response:
    return await draw(request)


async def draw(
    request: Request, *, form: FormData | None = None, error: str | None = None, holder: Details | None = None, status: int = 200
) -> Response:  # fmt: skip
    """What is open, the first due first; the order that was chosen; and the form of a new one."""
    hall, person = await acting.worker(request, request.path_params["hall"])
    say, by, query = words(language(request)), acting.agent_of(person), request.query_params
    async with acquire(request.app.state.pool) as db:
        today, kept = await business_day(db, hall), (await known(request, db, hall)).catalogue
        rows = await orders.orders(db, hall, by)
        here = {site.code: sites.site_name(site, say.lang) for site in await sites.of_hall(db, hall)}
        staff, out = await list_users(db, hall.id), await printers(db, hall, say)
        held = await held_by(db, hall, query.get("ticket"))
        handed = await acting.handed_in(db, rows)
    names = {user.username: user.name for user in staff}
    agents = {} if by.name else {user.username: user.name for user in staff if "agent" in user.roles and not user.disabled}
    told = [
        row(each, kept, names, here, say)
        | {"late": each.due is not None and each.due < today, "at": handed.get(each.hand_in or 0)}
        for each in rows
    ]
    return render(
        request, "orders.html", status, hall=hall, rows=told, holder=holder, agents=agents, mine=by.name is not None,
        chosen=next((each for each in told if each["code"] == query.get("code")), None), site=by.site, printers=out, held=held,
        sites={code: name for code, name in here.items() if by.site in (None, code)}, error=error,
        said=said(query.get("said"), query.get("number"), say), served=served(told), most=hall.value(handins.PER_TICKET),
        matters=[f"{matter.code} {matter_name(say, matter)}" for matter in kept.offered],
        picked=spelled(held.matters if held else [], kept, say),
        typed={name: text(form, name) or "" if form else "" for name in FIELDS},
    )  # fmt: skip


def served(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The codes of orders whose papers a window has taken, by the number under which they were handed in."""
    found: dict[str, list[str]] = {}
    for each in rows:
        if each["state"] == "collected" and each["at"] and each["at"].state == "finished" and not each["at"].void:
            found.setdefault(each["at"].number, []).append(each["code"])
    return found


def said(word: str | None, number: str | None, say: Words) -> str | None:
    """What has just been done."""
    return say(f"orders.said_{word}", number=(number or "")[:12]) if word in ("asked", "moved", "handed", "filed") else None


def row(order: Order, kept: Catalogue, names: dict[str, str], here: dict[str, str], say: Words) -> dict[str, Any]:
    """An order in one line, and what may be done with it."""
    may = [verb for verb in VERBS if order.state in STAGES[verb][0]]
    return {
        "code": order.code, "number": order.number, "state": order.state, "tone": TONE.get(order.state, ""),
        "matters": [matter_name(say, matter) for matter in kept.named(order.matters)] or order.matters,
        "who": " ".join(filter(None, (order.name_mask, order.phone_mask))), "free": order.agent is None,
        "agent": names.get(order.agent or "", order.agent or ""), "site": here.get(order.site or "", ""),
        "due": day_word(order.due, say) if order.due else "", "why": order.why or "", "open": order.ended_at is None,
        "may": may, "reasoned": [verb for verb in may if verb in WITH_REASON], "channel": order.channel,
    }  # fmt: skip


async def held_by(db: Db, hall: Hall, key: str | None) -> Ticket | None:
    """The number in somebody's hand that an order shall come of."""
    if not key:
        return None
    ticket = await tickets.by_key(db, key)
    return ticket if ticket.hall == hall.id and ticket.state not in tickets.ENDINGS else None


def spelled(codes: list[str], kept: Catalogue, say: Words) -> list[str]:
    return [f"{matter.code} {matter_name(say, matter)}" for matter in kept.named(codes)]


# --- acts -------------------------------------------------------------------------------------------------------


def matters_of(form: FormData) -> list[str]:
    """The codes of what was picked: a suggestion begins with its code."""
    picked = [str(each).strip() for each in form.getlist("matter")]
    return list(dict.fromkeys(each.partition(" ")[0] for each in picked if each))


async def ask(request: Request) -> Response:
    """Keep a request for an agent."""
    hall, form = request.path_params["hall"], await request.form()
    try:
        made = await acting.ask(
            request, hall, matters_of(form), name=typed(form, "name"), phone=typed(form, "phone"), address=typed(form, "address"),
            note=text(form, "note"), site=text(form, "site"), ticket=text(form, "ticket"), press=text(form, "press"),
        )  # fmt: skip
    except NotFound:
        raise
    except Refused as refused:
        return await again(request, refused, form)
    return RedirectResponse(f"/{hall}/orders?code={made.code}&said=asked&number={made.number}", 303)


async def again(request: Request, refused: Refused, form: FormData | None = None) -> Response:
    """The page once more, with why not."""
    say = words(language(request))
    error, field = reason_of(refused, say), f"orders.{refused.details.get('field')}"
    if isinstance(refused, BadInput) and field in say:
        error = say("orders.wrong", field=say[field], why=error)
    return await draw(request, form=form, error=error, status=status_of(refused.code))


async def act(request: Request) -> Response:
    """One step of an order, or a look at whose it is."""
    hall, code, name = (request.path_params[part] for part in ("hall", "code", "act"))
    form = await request.form()
    try:
        if name == "look":
            _, holder = await acting.look(request, hall, code)
            return await draw(request, holder=holder)
        if name not in STAGES:
            raise NotFound(what="page")
        moved = await acting.move(
            request, hall, code, name, agent=text(form, "agent"), why=text(form, "why"), press=text(form, "press")
        )
    except NotFound:
        raise
    except Refused as refused:
        return await again(request, refused)
    return RedirectResponse(f"/{hall}/orders?code={moved.code}&said=moved&number={moved.number}", 303)


async def filed(request: Request) -> Response:
    """All papers of a hand-in that was served are filed, each order by an act of its own."""
    hall, form = request.path_params["hall"], await request.form()
    codes, press = [str(code) for code in form.getlist("order")], text(form, "press")
    try:
        for code in codes:
            await acting.move(request, hall, code, "file", press=press and f"{press} {code}")
    except NotFound:
        raise
    except Refused as refused:
        return await again(request, refused)
    return RedirectResponse(f"/{hall}/orders?said=filed&number={len(codes)}", 303)


async def hand_in(request: Request) -> Response:
    """One number for the papers that were ticked."""
    hall, form = request.path_params["hall"], await request.form()
    codes = [str(code) for code in form.getlist("order")]
    try:
        made = await acting.hand_in(request, hall, codes, print_at=text(form, "print_at"), press=text(form, "press"))
    except NotFound:
        raise
    except Refused as refused:
        return await again(request, refused)
    return RedirectResponse(f"/{hall}/orders?said=handed&number={made.ticket.number}", 303)


ROUTES = [
    Route("/{hall}/orders", show, methods=["GET"]),
    Route("/{hall}/orders", ask, methods=["POST"]),
    Route("/{hall}/orders/hand-in", hand_in, methods=["POST"]),
    Route("/{hall}/orders/filed", filed, methods=["POST"]),
    Route("/{hall}/orders/{code}/{act}", act, methods=["POST"]),
]
