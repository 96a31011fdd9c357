"""The desk's list of papers that were only taken in: passed on to those who decide, or taken back from there."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devices import registry
from floor import acts
from floor.acts.desk import AT_DESK
from floor.database import acquire
from floor.pages import render
from floor.pages.calendar import day_word, deadline
from floor.pages.console import whole
from floor.pages.desk import printers
from floor.pages.wording import hours, service_name
from floor.signin import Person, require
from floor.words import Words, language, words
from queueing import journal
from queueing.errors import NotFound
from queueing.halls import Hall, services
from scheduling import intakes
from scheduling.intakes import Intake

MOST = 500  # rows of one act
MOST_ID = 2**53


async def show(request: Request) -> Response:
    return await draw(request)


async def draw(request: Request, *, status: int = 200, error: str | None = None) -> Response:
    """What is still to be passed on, and what was in the last week."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *AT_DESK, "auditor", hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        named = {service.code: service_name(say, service) for service in await services(db, hall)}
        out = [printer for printer in await printers(db, hall, say) if printer["ready"]]
        waiting, passed = await intakes.waiting(db, hall), await intakes.passed(db, hall)
    last = request.query_params.get("passed", "")
    return render(
        request, "intakes.html", status, hall=hall, error=error, printers=out,
        waiting=[row(hall, one, named, say) for one in waiting],
        passed=[row(hall, one, named, say) for one in reversed(passed)], overdue=sum(one.overdue for one in waiting),
        last=last if all(whole(part, MOST_ID) is not None for part in last.split(",")) else "", n=len(last.split(",")),
    )  # fmt: skip


def row(hall: Hall, one: Intake, named: dict[str, str], say: Words) -> dict[str, Any]:
    """One ticket's papers as the list shows them."""
    return {
        "ticket": one.ticket, "receipt": one.receipt, "overdue": one.overdue,
        "what": say["calendar.and_then"].join(one.matters) or named.get(one.service, one.service),
        "received": f"{day_word(one.day, say)} {hours(hall, one.received_at)}", "window": one.window or "",
        "pass_on": deadline(one.pass_on, say), "due": deadline(one.due, say) if one.due else "–",
        "passed": f"{day_word(one.passed_at.date(), say)} {hours(hall, one.passed_at)}" if one.passed_at else "",
    }  # fmt: skip


async def act(request: Request) -> Response:
    """Pass the chosen papers on, or take them back."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *AT_DESK, hall=hall.id)
    form, name = await request.form(), request.path_params["act"]
    if name == "print":
        return await printed(request, hall, person, str(form.get("only", "")), str(form.get("print_at", "")))
    chosen = [whole(value, MOST_ID) for value in map(str, form.getlist("ticket")[:MOST])]
    if None in chosen:
        return await draw(request, status=422, error=words(language(request))["intakes.wrong"])
    doing = {"pass": intakes.pass_on, "back": intakes.take_back}.get(name)
    if doing is None:
        raise NotFound(what="page")
    async with acquire(request.app.state.pool) as db:
        done = await doing(db, hall, [each for each in chosen if each is not None], actor=person.actor)
    if done:
        acts.ring(request, hall.id)
    told = f"?passed={','.join(map(str, chosen))}" if done and name == "pass" else ""
    return RedirectResponse(f"/{hall.code}/intakes{told}", 303)


async def printed(request: Request, hall: Hall, person: Person, asked: str, print_at: str) -> Response:
    """A receipt on paper, at one of the dispensers; each press is another paper."""
    async with acquire(request.app.state.pool) as db:
        ticket = whole(asked, MOST_ID)
        one = await intakes.of_ticket(db, hall, ticket) if ticket is not None else None
        device = next((each for each in await registry.list_devices(db, hall.id) if each.id == print_at), None)
        if one is None or device is None or device.kind != "dispenser" or device.revoked_at is not None:
            raise NotFound(what="page")
        lang = await db.fetchval(LANG, one.ticket)
        say = words(lang)
        paper = {
            "receipt": one.receipt, "what": list(one.matters), "pass_on": deadline(one.pass_on, say),
            "due": deadline(one.due, say) if one.due else "", "at": one.received_at.isoformat(timespec="seconds"),
        }  # fmt: skip
        data = {"ticket": one.ticket, "print_at": device.id, "paper": paper}
        await journal.append(db, hall.id, "intake.printed", person.actor, data=data)
    acts.ring(request, hall.id)
    return RedirectResponse(f"/{hall.code}/intakes", 303)


LANG = "SELECT lang FROM tickets WHERE id = $1"
ROUTES = [
    Route("/{hall}/intakes", show, methods=["GET"]),
    Route("/{hall}/intakes/{act}", act, methods=["POST"]),
]
