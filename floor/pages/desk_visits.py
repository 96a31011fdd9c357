"""Visits at the desk: asked for by who stands here, telephones or calls 12345; called back, accepted or declined."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts, lines
from floor.acts import doorstep as going
from floor.acts import visit_names
from floor.acts.desk import AT_DESK
from floor.acts.doorstep import Amends
from floor.api.problems import status_of
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.book import when
from floor.pages.console import text, typed
from floor.pages.doorstep_form import faults, named, offered, preferred, typed_of, wish_of
from floor.pages.staffed import now_of, reason_of
from floor.pages.wording import hours as hours_of
from floor.signin import Person, require
from floor.words import Words, language, words
from queueing import tickets
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import Hall
from scheduling import doorstep, looks, overdue, teams
from scheduling.doorstep import DECLINES, OPEN, Visit
from scheduling.envelopes import Details, Unreadable
from scheduling.errors import NotYourVisit
from scheduling.overdue import Overdue

MAY_ASK = (*AT_DESK, "clerk", "agent")
MOVES = ("requested", "accepted", "scheduled")
CANCELS = ("requested", "accepted", "scheduled")
MOST = 200


async def show(request: Request) -> Response:
    return await draw(request)


async def draw(
    request: Request, *, form: FormData | None = None, wrong: dict[str, str] | None = None, error: str | None = None,
    status: int = 200,
) -> Response:  # fmt: skip
    """Who waits for a call, whom it is about where one is open, and the form for the next caller."""
    hall, query = await acts.hall_of(request, request.path_params["hall"]), request.query_params
    person = await require(request, *MAY_ASK, hall=hall.id)
    t, at_desk = words(language(request)), not person.roles.isdisjoint(AT_DESK)
    handle, sought = request.path_params.get("handle") or query.get("visit", ""), query.get("no", "")[:24]
    async with acquire(request.app.state.pool) as db:
        choices = await offered(db, hall, t)
        rows = await listed(db, hall, t) if at_desk else []
        told = [(each.code, named(t, each)) for each in await teams.reasons(db, hall)]
        quoted = await doorstep.quoted(db, hall, sought) if sought and at_desk else None
    if sought and quoted is None and at_desk:
        error = error or t["desk_visit.find_none"]
    handle = visit_names.open_handle(quoted) if quoted else handle
    open_one = await one(request, hall, person, handle, choices, t) if handle and at_desk else None
    said = query.get("said", "")
    return render(
        request, "desk_visits.html", status, hall=hall, c=choices, at_desk=at_desk, queues="agent" not in person.roles,
        v=open_one, error=error, wrong=wrong or {},
        waiting=[row for row in rows if row["state"] == "requested"], later=[row for row in rows if row["state"] != "requested"],
        reason_names=dict(told), declines=DECLINES,
        said=t.get(f"desk_visit.said_{said}", None), typed=typed_of(form if form is not None else FormData()),
        ticket=query.get("ticket", "")[:12], sought=sought,
    )  # fmt: skip


async def listed(db: Db, hall: Hall, t: Words) -> list[dict[str, Any]]:
    """The visits nobody has made yet, who has waited longest (less the head start of their reason) first."""
    found = await doorstep.find(db, hall, states=OPEN, limit=MOST)
    masks, now = await looks.masks(db, hall, [visit.id for visit in found]), await now_of(db)
    names = {each.code: named(t, each) for each in await teams.door_matters(db, hall)}
    areas = {each.code: named(t, each) for each in await teams.areas(db, hall)}
    late, people = {one.visit: one for one in await overdue.standing(db, hall)}, await lines.names(db, hall)
    found.sort(key=lambda visit: (visit.asked_at.timestamp() - 60 * visit.credit, visit.id))
    return [
        {"handle": visit_names.open_handle(visit), "number": visit.number, "state": visit.state, "because": visit.because,
         "waits": waits(t, visit.asked_at, now), "matters": [names.get(code, code) for code in visit.matters],
         "area": areas.get(visit.area or "", ""), "channel": visit.channel, "who": masks[visit.id],
         "start": when(t, hall, visit.start), "confirmed": visit.confirmed_at is not None,
         "late": late_words(late.get(visit.id), people, t)}
        for visit in found
    ]  # fmt: skip


def late_words(late: Overdue | None, people: Mapping[str, str], t: Words) -> str:
    """That a visit waits too long, and who goes after it; empty while it does not."""
    if late is None:
        return ""
    by = people.get((late.taken_by or "").partition(":")[2], "")
    return t[f"ladder.overdue_{late.why}"] + (f" · {t('ladder.alarm_seen', name=by)}" if by else "")


def waits(t: Words, since: datetime, now: datetime) -> str:
    """How long somebody waits for an answer."""
    hours = int((now - since).total_seconds() // 3600)
    return (
        t("desk_visit.days", n=hours // 24) if hours >= 48 else t("desk_visit.hours", n=hours) if hours else t["desk_visit.now"]
    )


async def one(request: Request, hall: Hall, person: Person, handle: str, choices: dict[str, Any], t: Words) -> dict[str, Any]:
    """The open visit with who asked, where this person may see that; the look is on record. NotFound."""
    of, visit = await visit_names.find(request, handle)
    if of.id != hall.id:
        raise NotFound(what="visit")
    told, hidden = await opened(request, visit, person)
    async with acquire(request.app.state.pool) as db:
        ticket = await db.fetchval("SELECT number FROM tickets WHERE id = $1", visit.ticket)
        placed = told is not None and bool((await looks.inside(db, hall, visit.key, going.envelopes_of(request))).address)
    return {
        "handle": visit_names.open_handle(visit), "number": visit.number, "applicant": visit.applicant,
        "placed": placed, "state": visit.state, "because": visit.because, "channel": visit.channel, "minutes": visit.minutes,
        "asked": when(t, hall, visit.asked_at), "ticket": ticket, "told": told, "hidden": hidden, "matters": visit.matters,
        "area": visit.area or "",
        "preferred": [(when(t, hall, each["from"]), hours_of(hall, each["to"])) for each in visit.preferred],
        "delivery": visit.delivery, "evidenced": visit.evidenced, "start": when(t, hall, visit.start),
        "confirmed": visit.confirmed_at is not None, "may_cancel": visit.state in CANCELS, "may_move": visit.state in MOVES,
        "why": t.get(f"doorstep.why_{visit.why}", visit.why) if visit.why else "",
    }  # fmt: skip


async def opened(request: Request, visit: Visit, person: Person) -> tuple[Details | None, str]:
    """What is in the envelope, or the word for why it is not shown."""
    if not visit.known:
        return None, "unknown"
    try:
        return await going.details(request, visit.key, person), ""
    except NotYourVisit:
        return None, "hidden"
    except Unreadable:  # the hall's secret was changed meanwhile
        return None, "unreadable"


# --- acts -------------------------------------------------------------------------------------------------------


async def ask(request: Request) -> Response:
    """Ask for who telephones or stands here; with a number, that number ends."""
    hall, form = await acts.hall_of(request, request.path_params["hall"]), await request.form()
    person = await require(request, *MAY_ASK, hall=hall.id)
    t, press = words(language(request)), text(form, "press")
    async with acquire(request.app.state.pool) as db:
        choices = await offered(db, hall, t)
    wish = wish_of(form, hall, choices, "zh-Hans", needs_consent=False)
    number = (text(form, "ticket") or "").upper()
    wrong = faults(wish, t, needs_matters=not number)
    if wrong:
        return await draw(request, form=form, wrong=wrong, status=422)
    try:
        if number:
            done = await going.of_ticket(request, await key_of(request, hall, number), wish, press=press)
        else:
            channel = text(form, "channel") if not person.roles.isdisjoint(AT_DESK) else None
            done = await going.ask(request, hall.code, wish, channel=channel, press=press)
    except Refused as refused:
        return await draw(request, form=form, error=reason_of(refused, t), status=status_of(refused.code))
    return RedirectResponse(f"/{hall.code}/desk/visits?visit={visit_names.open_handle(done.visit)}&said=asked", 303)


async def key_of(request: Request, hall: Hall, number: str) -> str:
    """The key of today's ticket of that number. NotFound."""
    async with acquire(request.app.state.pool) as db:
        found = await tickets.find(db, hall, number=number, limit=1)
    if not found:
        raise NotFound(what="ticket")
    return found[0].key


async def act(request: Request) -> Response:
    """One act on the open visit."""
    hall, form = await acts.hall_of(request, request.path_params["hall"]), await request.form()
    await require(request, *AT_DESK, hall=hall.id)
    key, name, press = request.path_params["handle"], request.path_params["act"], text(form, "press")
    try:
        match name:
            case "accept":
                amends = Amends(
                    [str(code) for code in form.getlist("matter")] or None, text(form, "area"), text(form, "evidence"),
                    text(form, "name"), text(form, "phone"), text(form, "address"),
                )  # fmt: skip
                await going.accept(request, key, amends, press=press)
            case "decline":
                await going.decline(request, key, text(form, "words") or typed(form, "reason"), press=press)
            case "confirm":
                await going.confirm(request, key, press=press)
            case "times":
                parts = preferred(hall, [str(part) for part in form.getlist("part")])
                await going.another_time(request, key, parts, press=press)
            case "cancel":
                await going.cancel(request, key, press=press)
            case _:
                raise NotFound(what="page")
    except NotFound:
        raise
    except (Refused, BadInput) as refused:
        return await draw(request, error=reason_of(refused, words(language(request))), status=status_of(refused.code))
    return RedirectResponse(f"/{hall.code}/desk/visits?visit={key}&said={name}", 303)


ROUTES = [
    Route("/{hall}/desk/visits", show, methods=["GET"]),
    Route("/{hall}/desk/visits", ask, methods=["POST"]),
    Route("/{hall}/desk/visits/{handle}/{act}", act, methods=["POST"]),
]
