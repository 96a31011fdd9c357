"""The ticket in a citizen's hand: where it stands, where to go, a way out of the queue, and the rating."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devices import clock
from displays import contacts
from displays.sealed import Unreadable, masked
from floor import acts
from floor.api.problems import sentence, status_of
from floor.api.tickets import loads_of
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.calendar import deadline
from floor.pages.wording import day, hours, matter_name, minutes, service_name, when, zone_name
from floor.quality.ratings import REASONS
from floor.refusals import TooFast
from floor.words import Words, language, words
from queueing import forecast
from queueing.errors import BadInput, NotFound, NotInThatState, Refused
from queueing.forecast import Load
from queueing.halls import SERVICE, Hall, service_from, zones
from queueing.matters import some
from queueing.tickets import ENDINGS, Ticket
from queueing.windows import list_windows
from scheduling import answers, intakes
from scheduling.answers import Step
from scheduling.doorstep import visit_of_ticket
from scheduling.teams import IS_AT_THE_DOOR

Loads = Callable[[], Awaitable[Mapping[str, Load]]]
OPEN = ("waiting", "held", "missed")  # a ticket that no window has
LEAVABLE = ("waiting", "called", "held", "missed")
ASKED_WHY = (2, 1)  # bad levels offer reasons
PART = {"waiting": "waiting", "called": "called", "finished": "finished"}  # every other state is a plain sentence

# How a state looks and what it says: tone, symbol, sentence, what to do.
PLAIN = {
    "serving": ("is-serving", "person", "phone.serving", "phone.serving_do"),
    "held": ("is-waiting", "pause", "phone.held", "phone.held_do"),
    "missed": ("is-fault", "alert", "phone.missed", "phone.missed_do"),
    "cancelled": ("", "cross", "phone.cancelled", "phone.cancelled_do"),
    "expired": ("", "clock", "phone.expired", "phone.expired_do"),
    "doorstep": ("", "check", "phone.doorstep", "phone.doorstep_do"),
}


@dataclass(frozen=True, slots=True)
class Area:
    """One zone of the floor plan and its windows; `here` is where the ticket is called to."""

    name: str
    windows: list[str]
    here: bool


async def page(request: Request) -> Response:
    """The whole page."""
    return await show(request, "phone.html")


async def now(request: Request) -> Response:
    """The ticket alone, as it stands now."""
    return await show(request, "_phone_ticket.html")


async def show(
    request: Request, template: str, status: int = 200, wrong: str | None = None, wrong_phone: str | None = None
) -> Response:
    try:
        hall, ticket = await acts.ticket_of(request, request.path_params["key"])
    except NotFound:
        return render(request, "phone_gone.html", 404)
    async with acquire(request.app.state.pool) as db:
        context = await ticket_context(db, words(language(request)), hall, ticket, lambda: loads_of(request, hall.id, db))
        told = await told_where(db, request, ticket) if context["sends"] and context["live"] else None
    return render(request, template, status, hall=hall, ticket=ticket, wrong=wrong, wrong_phone=wrong_phone, told=told, **context)


SENDS = "SELECT EXISTS (SELECT FROM notice_ways WHERE hall = $1 AND kind = 'phone' AND is_on)"
# In one round trip, for a phone waits for all of them: what the service is called, whether it comes to the door, whether the
# hall sends word, and whether it offered anything in place of today.
ASKED = f"""
SELECT s.*, ({IS_AT_THE_DOOR}) AS at_door, ({SENDS}) AS sends, EXISTS (SELECT FROM escalations WHERE ticket = $3) AS asked
FROM ({SERVICE}) s
"""


async def ticket_context(db: Db, t: Words, hall: Hall, ticket: Ticket, of_floor: Loads | None = None) -> dict[str, object]:
    """What the page says of a ticket; `live` while anything may still happen to it."""
    row = await db.fetchrow(ASKED, hall.id, ticket.service, ticket.id)
    assert row is not None, "a ticket refers to a service that stays"
    service, (ahead, wait) = service_from(row), await forecast.standing(db, ticket, of_floor)
    said: dict[str, object] = {
        "live": ticket.state not in ENDINGS,
        "may_leave": ticket.state in LEAVABLE,
        "at_door": row["at_door"],
        "sends": row["sends"],
        "visit": await visit_of_ticket(db, ticket.id) if ticket.state == "doorstep" else None,
        "ahead": ahead,
        "wait": minutes(t, wait),
        "service_name": service_name(t, service),
        "zone_name": zone_name(t, service.zone),
        "at_time": hours(hall, clock.now().wall),
        "taken": f"{day(t, hall, ticket.joined_at)} {hours(hall, ticket.joined_at)}",
        "part": PART.get(ticket.state, "plain"),
        "matters": [(each.code, matter_name(t, each)) for each in await some(db, hall, ticket.matters) if not each.retired],
        "offers": [],
        "booked": None,
    }
    ours = row["asked"] and (ticket.state in (*OPEN, "expired") or ticket.carried)
    steps = await answers.of_ticket(db, ticket.id) if ours else []
    taken = next((one for one in steps if one.code), None)
    carried, owed = ticket.carried or ("slot" if taken else None), offers(t, hall, ticket, steps)
    if ticket.state == "called":
        said["plan"] = await floor_plan(db, t, hall, ticket)
    elif ticket.state == "finished":
        said |= await rating_context(db, hall, ticket) | {"intake": await intake_of(db, t, hall, ticket)}
    elif ticket.state in PLAIN:
        tone, symbol, says, does = PLAIN[ticket.state]
        window = ticket.window_no or ""
        said |= {"tone": tone, "symbol": symbol, "says": t(says, window=window), "does": t(does, window=window)}
    if carried:
        start = when(t, hall, taken.start) if taken else ""
        said |= {"symbol": "check", "says": t[f"phone.carried_{carried}"], "booked": taken.code if taken else None,
                 "does": t(f"phone.carried_{carried}_do", when=start)}  # fmt: skip
    elif ticket.state == "expired" and owed:
        said |= {"says": t["phone.kept"], "does": t["phone.kept_do"]}
    return said | {"offers": owed}


def offers(t: Words, hall: Hall, ticket: Ticket, steps: list[Step]) -> list[dict[str, Any]]:
    """What the hall offers in place of today's visit and nobody has answered; `able` until the last free time is gone."""
    if ticket.state not in (*OPEN, "expired"):
        return []
    return [
        {"step": one.step, "when": when(t, hall, one.start), "start": one.start.isoformat() if one.start else "",
         "able": one.step != "slot" or one.start is not None}
        for one in steps if one.state == "offered"
    ]  # fmt: skip


async def told_where(db: Db, request: Request, ticket: Ticket) -> str:
    """The number, masked, that gets word of this ticket; empty for none."""
    try:
        contact = await contacts.find(db, ticket.key, acts.seal_of(request))
    except Unreadable:  # the hall's secret was changed meanwhile: they may give the number again
        return ""
    return masked(contact.address) if contact else ""


async def floor_plan(db: Db, t: Words, hall: Hall, ticket: Ticket) -> list[Area]:
    """Every zone in the order of the floor with its windows, the called one marked."""
    every = await list_windows(db, hall)
    at = next((window.zone for window in every if window.no == ticket.window_no), None)
    return [
        Area(zone_name(t, zone), [window.no for window in every if window.zone == zone.code], zone.code == at)
        for zone in await zones(db, hall)
    ]


async def intake_of(db: Db, t: Words, hall: Hall, ticket: Ticket) -> dict[str, str] | None:
    """The receipt of papers that were only taken in: its number, and when they are passed on and decided."""
    one = await intakes.of_ticket(db, hall, ticket.id)
    if one is None:
        return None
    dates = {"pass_on": deadline(one.pass_on, t), "due": deadline(one.due, t) if one.due else ""}
    return {
        "says": t("intakes.phone", receipt=one.receipt),
        "does": t(f"intakes.phone_{'due' if one.due else 'no_due'}", **dates),
    }


RATED = """
SELECT EXISTS (SELECT FROM ratings WHERE visit = v.id) AS rated, hall_now() < v.rateable_until AS in_time
FROM visits v WHERE v.source = 'ticket' AND v.subject = $1
"""


async def rating_context(db: Db, hall: Hall, ticket: Ticket) -> dict[str, object]:
    """Whether the visit has been rated, and whether it still can be."""
    row = await db.fetchrow(RATED, ticket.id)
    assert row is not None
    return {
        "rated": row["rated"],
        "may_rate": row["in_time"] and not row["rated"],
        "reasons": [(level, REASONS[level]) for level in ASKED_WHY],
    }


# --- acts -------------------------------------------------------------------------------------------------------


def as_citizen(request: Request) -> None:
    """Here the holder of the key acts, whoever else is signed in in the same browser: a clerk is a citizen too."""
    request.scope["hall.people"] = {"current": None}


async def ask_leave(request: Request) -> Response:
    """Ask once more before leaving the queue."""
    return await leave_page(request)


async def leave(request: Request) -> Response:
    """Leave the queue, and back to the ticket."""
    as_citizen(request)
    form = await request.form()
    try:
        await acts.cancel(request, request.path_params["key"], press=str(form.get("press") or "") or None)
    except Refused as refused:
        return await leave_page(request, status_of(refused.code), why(request, refused))
    return back(request)


async def leave_page(request: Request, status: int = 200, wrong: str | None = None) -> Response:
    try:
        hall, ticket = await acts.ticket_of(request, request.path_params["key"])
    except NotFound:
        return render(request, "phone_gone.html", 404)
    if wrong is None and ticket.state not in LEAVABLE:
        wrong = words(language(request))["phone.leave_late"]
    return render(request, "phone_leave.html", status, hall=hall, ticket=ticket, wrong=wrong)


async def rate(request: Request) -> Response:
    """Keep the rating, and back to the ticket."""
    as_citizen(request)
    form = await request.form()
    level = str(form.get("level", ""))
    if level not in {"1", "2", "3", "4", "5"}:
        return await show(request, "phone.html", 422, words(language(request))["phone.choose_level"])
    own = [str(code) for code in form.getlist("reasons") if str(code) in REASONS[int(level)]]
    try:
        await acts.rate(
            request,
            request.path_params["key"],
            int(level),
            reasons=own,
            comment=str(form.get("comment") or "") or None,
            press=str(form.get("press") or "") or None,
        )
    except Refused as refused:
        return await show(request, "phone.html", status_of(refused.code), why(request, refused))
    return back(request)


async def remind(request: Request) -> Response:
    """Send word of this ticket to a number."""
    as_citizen(request)
    t, form = words(language(request)), await request.form()
    try:
        kept = await acts.remind(request, request.path_params["key"], str(form.get("phone") or ""))
    except BadInput:
        return await show(request, "phone.html", 422, wrong_phone=t["phone.sms_wrong"])
    except Refused as refused:
        return await show(request, "phone.html", status_of(refused.code), wrong_phone=why(request, refused))
    return back(request) if kept else await show(request, "phone.html", 409, wrong_phone=t["phone.sms_stopped"])


async def stop(request: Request) -> Response:
    """No more word to the number of this ticket, neither of this visit nor of another."""
    as_citizen(request)
    try:
        await acts.stop_notices(request, request.path_params["key"])
    except Refused as refused:
        return await show(request, "phone.html", status_of(refused.code), wrong_phone=why(request, refused))
    return back(request)


def why(request: Request, refused: Refused) -> str:
    """A refusal as the citizen reads it."""
    t = words(language(request))
    if isinstance(refused, NotInThatState):
        return t["phone.leave_late"]
    return t["phone.too_many"] if isinstance(refused, TooFast) else sentence(refused, t)


def back(request: Request) -> Response:
    """To the ticket again: reloading it never acts."""
    lang = request.query_params.get("lang")
    return RedirectResponse(f"/t/{request.path_params['key']}{f'?lang={language(request)}' if lang else ''}", 303)


ROUTES = [
    Route("/t/{key}", page),
    Route("/t/{key}/now", now),
    Route("/t/{key}/leave", ask_leave),
    Route("/t/{key}/leave", leave, methods=["POST"]),
    Route("/t/{key}/rating", rate, methods=["POST"]),
    Route("/t/{key}/notices", remind, methods=["POST"]),
    Route("/t/{key}/notices/stop", stop, methods=["POST"]),
]
