"""The guide desk: a number by hand, a number found, a missed one brought back, a paper printed again."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devices import health, registry
from floor import acts, lines
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.console import text, typed
from floor.pages.machines import place_of
from floor.pages.staffed import clock, localized, now_of, reason_of
from floor.pages.wording import minutes
from floor.signin import require
from floor.words import Words, language, words
from queueing.errors import NotFound, Refused
from queueing.forecast import wait_for
from queueing.halls import Hall, services
from queueing.tickets import LIVE, Ticket, ahead, find

AT_DESK = ("desk", "leader", "manager")


async def show(request: Request) -> Response:
    return await draw(request, "desk.html", asked(request))


async def part(request: Request) -> Response:
    return await draw(request, "_desk.html", asked(request))


def asked(request: Request) -> str:
    """The number that is looked for, as printed."""
    return request.query_params.get("number", "").strip().upper()[:12]


async def draw(request: Request, template: str, number: str, *, error: str | None = None, said: str | None = None) -> Response:
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *AT_DESK, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        found = await find(db, hall, number=number) if number else []
        seen = await look(db, hall, say)
        ticket = await told(db, hall, found[0], say) if found else None
    if number and ticket is None and error is None:
        error = say("desk.not_found", number=number)
    return render(request, template, hall=hall, number=number, ticket=ticket, error=error, said=said, **seen)


async def look(db: Db, hall: Hall, say: Words) -> dict[str, Any]:
    """What the desk always sees: services, head starts, printers, and who was missed."""
    missed = await find(db, hall, state="missed", limit=200)
    return {
        "now": await now_of(db),
        "services": [localized(service, say) for service in await services(db, hall)],
        "categories": await lines.categories(db, hall),
        "printers": await printers(db, hall, say),
        "missed": [{"number": ticket.number, "service": ticket.service, "at": clock(ticket.called_at, hall)}
                   for ticket in sorted(missed, key=lambda ticket: ticket.called_at or ticket.joined_at, reverse=True)],
    }  # fmt: skip


async def printers(db: Db, hall: Hall, say: Words) -> list[dict[str, Any]]:
    """The dispensers a paper may come out of, those that are ready first."""
    listed = []
    for device in await registry.list_devices(db, hall.id):
        if device.kind == "dispenser" and device.revoked_at is None:
            ready = device.present and await health.printer_ready(db, device.id)
            word = "" if ready else say["desk.printer_away"]
            listed.append({"id": device.id, "name": place_of(device, say), "ready": ready, "word": word})
    return sorted(listed, key=lambda printer: not printer["ready"])


async def told(db: Db, hall: Hall, ticket: Ticket, say: Words) -> dict[str, Any]:
    """One ticket as the desk reads it out."""
    known = {service.code: localized(service, say).word for service in await services(db, hall)}
    before = await ahead(db, ticket)
    wait = await wait_for(db, ticket, before)
    categories = {category.code: category.name for category in await lines.categories(db, hall)}
    return {
        "key": ticket.key, "number": ticket.number, "state": ticket.state, "window": ticket.window, "ahead": before,
        "words": "、".join(f"{code} {known.get(code, '')}" for code in ticket.services), "taken": clock(ticket.joined_at, hall),
        "wait": minutes(say, wait) if wait else "", "category": categories.get(ticket.category or "", ""),
        "live": ticket.state in LIVE,
    }  # fmt: skip


async def take(request: Request) -> Response:
    """Issue a number by hand; a head start that needs a paper is given only when one was seen."""
    hall_code, form = request.path_params["hall"], await request.form()
    hall, say = await acts.hall_of(request, hall_code), words(language(request))
    await require(request, "desk", "manager", hall=hall.id)
    category, evidence = text(form, "category"), text(form, "evidence")
    try:
        async with acquire(request.app.state.pool) as db:
            known = {row.code: row for row in await lines.categories(db, hall)}
        if category in known and known[category].needs_evidence and evidence is None:
            return await answer(request, "", error=say("desk.evidence_needed", name=known[category].name))
        act = await acts.take(
            request, hall_code, [typed(form, "service")], category=category, evidence=evidence,
            print_at=text(form, "print_at"), press=text(form, "press"),
        )  # fmt: skip
    except Refused as refused:
        return await answer(request, "", error=reason_of(refused, say))
    return await answer(request, act.ticket.number, said=say("desk.said_take", number=act.ticket.number))


async def act(request: Request) -> Response:
    """One act on the ticket that was found."""
    key, name = request.path_params["key"], request.path_params["act"]
    await require(request, *AT_DESK)
    form, say = await request.form(), words(language(request))
    press = text(form, "press")
    _, ticket = await acts.ticket_of(request, key)
    try:
        match name.partition("-")[0]:
            case "restore":
                await acts.restore(request, key, typed(form, "position"), press=press)
            case "reprint":
                await acts.reprint(request, key, text(form, "print_at"), press=press)
            case "cancel":
                await acts.cancel(request, key, press=press)
            case _:
                raise NotFound(what="page")
    except NotFound:
        raise
    except Refused as refused:
        return await answer(request, ticket.number, error=reason_of(refused, say))
    return await answer(request, ticket.number, said=say(f"desk.said_{name.partition('-')[0]}", number=ticket.number))


async def answer(request: Request, number: str, *, error: str | None = None, said: str | None = None) -> Response:
    """The desk after an act: the part for a script; without one the whole page, by its own address when all went well."""
    if request.headers.get("hx-request") == "true":
        return await draw(request, "_desk.html", number, error=error, said=said)
    if error is not None:
        return await draw(request, "desk.html", number, error=error)
    return RedirectResponse(f"/{request.path_params['hall']}/desk?number={number}", 303)


ROUTES = [
    Route("/{hall}/desk", show, methods=["GET"]),
    Route("/{hall}/desk/part", part, methods=["GET"]),
    Route("/{hall}/desk/take", take, methods=["POST"]),
    Route("/{hall}/desk/{key}/{act}", act, methods=["POST"]),
]
