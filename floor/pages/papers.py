"""Papers that teams brought from people's doors: counted, worked on, the result mailed or given; and the calls afterwards."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import lines
from floor.acts import papers as doing
from floor.api.problems import status_of
from floor.catalogue.kept import known
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.calendar import day_word
from floor.pages.console import text
from floor.pages.staffed import reason_of
from floor.pages.wording import day, hours, matter_name
from floor.quality import callbacks
from floor.quality.callbacks import RESULTS, Callback
from floor.words import Words, language, words
from queueing.errors import NotFound, Refused
from queueing.halls import Hall, business_day
from queueing.matters import Catalogue
from scheduling import doorstep, field, receipts
from scheduling.envelopes import Details
from scheduling.receipts import DESK, HandIn

TONE = {None: "waiting", "in_work": "called", "ready": "serving", "sent": "serving", "done": "serving"}
CALLED = {"open": "waiting", "follow_up": "fault", "closed": "serving"}


async def show(request: Request) -> Response:
    return await draw(request)


async def draw(request: Request, *, error: str | None = None, status: int = 200) -> Response:
    """What waits to be counted or worked on, the oldest first, and the hand-in that is open."""
    hall, person = await doing.entered(request)
    t, asked = words(language(request)), request.query_params.get("receipt", "").strip()
    async with acquire(request.app.state.pool) as db:
        places = await doing.places_of(db, hall, person)
        rows = await receipts.open_at(db, hall, places)
        names = await lines.names(db, hall)
        chosen, lost = None, None
        if asked:
            try:
                found = await doing.of_place(request, db, hall, person, asked)
                chosen = await opened(request, db, hall, found, names, t)
            except NotFound as none:
                lost = reason_of(none, t)
    return render(
        request, "papers.html", status, hall=hall, rows=[row(hall, each, names, t) for each in rows], chosen=chosen,
        error=error or lost, said=t.get(f"papers.said_{request.query_params.get('said', '')}", None), asked=asked,
        rings=not person.roles.isdisjoint(doing.RINGS), places=places,
    )  # fmt: skip


def row(hall: Hall, handed: HandIn, names: dict[str, str], t: Words) -> dict[str, Any]:
    """A hand-in in one line."""
    return {
        "receipt": handed.receipt, "state": handed.result or "offered", "tone": TONE[handed.result], "place": place(t, handed),
        "by": names.get(handed.handed_by, handed.handed_by),
        "at": f"{day(t, hall, handed.handed_at)} {hours(hall, handed.handed_at)}",
        "sheets": handed.originals, "papers": len(handed.papers),
    }  # fmt: skip


def place(t: Words, handed: HandIn) -> str:
    return t["field.hand_to_desk"] if handed.place == DESK else t("field.hand_to_window", no=handed.place)


async def opened(
    request: Request, db: Db, hall: Hall, handed: HandIn, names: dict[str, str], t: Words
) -> dict[str, Any]:  # fmt: skip
    """One hand-in with its list, its photos, and what may be done next."""
    visit = await doorstep.by_key(db, handed.key)
    kept = (await known(request, db, hall)).catalogue
    accepted = handed.accepted_at
    by = (handed.accepted_by or "").partition(":")[2]
    return row(hall, handed, names, t) | {
        "list": handed.papers, "counted": handed.counted, "differs": handed.counted not in (None, handed.originals),
        "accepted": accepted and f"{day(t, hall, accepted)} {hours(hall, accepted)}", "accepted_by": names.get(by, by),
        "way": handed.way, "tracking": handed.tracking, "matters": [matter_name(t, each) for each in kept.named(visit.matters)],
        "photos": [{"id": each.id, "name": each.name} for each in await field.papers(db, visit.id)],
        "next": following(handed),
    }  # fmt: skip


def following(handed: HandIn) -> str | None:
    """The act that comes next; None once the citizen has the result."""
    if handed.result is None:
        return "accept"
    after = {"in_work": "ready", "ready": "post" if handed.way == "mail" else "give", "sent": "give"}
    return after.get(handed.result)


async def act(request: Request) -> Response:
    """One act on a hand-in, and back to it."""
    form, name = await request.form(), request.path_params["act"]
    try:
        now = await doing.step(request, request.path_params["receipt"], name, text(form, "given") or "", text(form, "press"))
    except NotFound:
        raise
    except Refused as refused:
        return await draw(request, error=reason_of(refused, words(language(request))), status=status_of(refused.code))
    return RedirectResponse(f"/{request.path_params['hall']}/papers?receipt={now.receipt}&said={name}", 303)


# --- calling back -------------------------------------------------------------------------------------------------


async def list_calls(request: Request) -> Response:
    return await draw_calls(request)


async def draw_calls(
    request: Request, *, whom: tuple[int, Details | None] | None = None, error: str | None = None, status: int = 200
) -> Response:
    """Whom to ring up, complaints first, and what was closed lately."""
    hall, _ = await doing.ringer(request)
    t = words(language(request))
    async with acquire(request.app.state.pool) as db:
        open_ones, closed = await callbacks.listed(db, hall), await callbacks.closed(db, hall)
        calls = await callbacks.calls(db, [each.id for each in open_ones])
        kept, today = (await known(request, db, hall)).catalogue, await business_day(db, hall)
    rows = [called(hall, each, kept, t) | {"late": each.due < today} for each in open_ones]
    for each in rows:
        each["calls"] = [
            {"at": f"{day(t, hall, one['at'])} {hours(hall, one['at'])}", "result": one["result"], "note": one["note"]}
            for one in calls.get(each["id"], [])
        ]
    return render(
        request, "callbacks.html", status, hall=hall, rows=rows, closed=[called(hall, each, kept, t) for each in closed],
        whom=whom, results=RESULTS, error=error, said=t.get(f"callbacks.said_{request.query_params.get('said', '')}", None),
    )  # fmt: skip


def called(hall: Hall, each: Callback, kept: Catalogue, t: Words) -> dict[str, Any]:
    """A call-back as its card shows it. How the visit was rated is told only where it was bad: that is what to ask about."""
    return {
        "id": each.id, "state": each.state, "tone": CALLED[each.state], "result": each.result, "tries": each.tries,
        "due": day_word(each.due, t), "words": each.words, "outcome": each.outcome,
        "ended": f"{day(t, hall, each.ended_at)} {hours(hall, each.ended_at)}",
        "matters": [matter_name(t, matter) for matter in kept.named(each.matters)], "bad": each.level in (1, 2),
    }  # fmt: skip


async def call_act(request: Request) -> Response:
    """Look up the number, say how the call went, or what was done about it."""
    form, name, number = await request.form(), request.path_params["act"], request.path_params["callback"]
    try:
        match name:
            case "look":
                found, told = await doing.number_of(request, number)
                return await draw_calls(request, whom=(found.id, told))
            case "rang":
                await doing.rang(request, number, text(form, "result") or "", text(form, "note"), text(form, "press"))
            case "close":
                await doing.close(request, number, text(form, "words") or "", text(form, "press"))
            case _:
                raise NotFound(what="page")
    except NotFound:
        raise
    except Refused as refused:
        return await draw_calls(request, error=reason_of(refused, words(language(request))), status=status_of(refused.code))
    return RedirectResponse(f"/{request.path_params['hall']}/callbacks?said={name}", 303)


ROUTES = [
    Route("/{hall}/papers", show, methods=["GET"]),
    Route("/{hall}/papers/{receipt}/{act}", act, methods=["POST"]),
    Route("/{hall}/callbacks", list_calls, methods=["GET"]),
    Route("/{hall}/callbacks/{callback:int}/{act}", call_act, methods=["POST"]),
]
