"""The manager's board: the whole floor as it moves, and the windows that open and close with it."""

import csv
import io
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts, lines
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.console import text
from floor.pages.overview import look
from floor.pages.past import minute_of
from floor.pages.staffed import localized, may_act_at, reason_of
from floor.people import list_users
from floor.quality import ratings
from floor.quality.ratings import By
from floor.refusals import NotAllowed
from floor.signin import Person, own_zone, require
from floor.words import Words, language, words
from queueing import proposals
from queueing.errors import NotFound, Refused
from queueing.halls import Hall, business_day, services
from queueing.windows import get_window, list_windows
from scheduling.roster.planned import of_other_zones, on_duty

WATCH = ("manager", "leader", "auditor")
ACTS = ("open", "pause", "resume", "close")

# --- the page ---------------------------------------------------------------------------------------------------


async def show(request: Request) -> Response:
    return await draw(request, "manage.html", by_of(request.query_params.get("by")))


async def part(request: Request) -> Response:
    return await draw(request, "_manage.html", by_of(request.query_params.get("by")))


GROUPS: tuple[By, ...] = ("window", "service", "clerk", "mode")


def by_of(word: str | None) -> By:
    """What the table of ratings is grouped by."""
    return next((by for by in GROUPS if by == word), "window")


async def draw(request: Request, template: str, by: By, *, error: str | None = None) -> Response:
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *WATCH, hall=hall.id)
    say = words(language(request))
    minute = minute_of(request.query_params.get("m")) if request.method == "GET" else None
    async with acquire(request.app.state.pool) as db:
        seen = await look(db, hall, person, say, request.app.state, minute)
        rated = await rating_rows(db, hall, by, person, say)
    return render(request, template, hall=hall, by=by, error=error, ratings=rated, **seen)


# --- ratings --------------------------------------------------------------------------------------------------------


async def rating_rows(db: Db, hall: Hall, by: By, person: Person, say: Words) -> list[dict[str, Any]]:
    """What citizens said today, by window, service, clerk or mode; a leader sees the own area."""
    today: date = await business_day(db, hall)
    zone = person.zone if "manager" not in person.roles else None
    tallies = await ratings.summary(db, hall, today, today, by, zone=zone)
    names = await lines.names(db, hall) if by == "clerk" else {}
    known = {row.code: f"{row.code} {localized(row, say).word}" for row in await services(db, hall)} if by == "service" else {}
    return [
        {
            "word": word_of(tally.of, by, names | known, say),
            "served": tally.served, "questions": tally.questions, "rated": tally.active + tally.default,
            "good": tally.levels["5"] + tally.levels["4"], "bad": tally.levels["1"] + tally.levels["2"],
        }
        for tally in sorted(tallies, key=lambda tally: (len(tally.of), tally.of))  # window 2 before window 10
    ]  # fmt: skip


def word_of(of: str, by: By, names: dict[str, str], say: Words) -> str:
    """What a row is about; a visit may end without a window or a clerk, as one brought back to its end by hand does."""
    if not of:
        return say[f"manage.without_{by}"]
    if by == "mode":
        return say[f"manage.mode_{of}"]
    return say("console.window", no=of) if by == "window" else names.get(of, of)


# --- a window from afar -----------------------------------------------------------------------------------------


async def sheet(request: Request) -> Response:
    """One window: who is there, and what may be done about it."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *WATCH, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        window = await get_window(db, hall, request.path_params["window"])
        names = await lines.names(db, hall)
        seated = {other.clerk for other in await list_windows(db, hall)}
        clerks = [user for user in await list_users(db, hall.id) if "clerk" in user.roles and not user.disabled]
        known = [localized(service, say) for service in await services(db, hall)]
        live = await proposals.live(db, hall, ("offered",))
        on = await on_duty(db, hall, 0)
        own = own_zone(person)
        others = seated | (await of_other_zones(db, hall, own) if own is not None else set())
    at_work = {clerk for clerk, duty in (on or {}).items() if duty.allows(window.zone, window.no)}
    advised = next((one.step for one in live if one.step.kind == "open" and one.step.window == window.no), None)
    letters = "、".join(f"{service.code} {service.word}" for service in known if service.code in window.services)
    spot = {"no": window.no, "state": window.state, "name": names.get(window.clerk or "", ""), "serves": window.serves,
            "ticket": window.ticket, "reason": window.reason, "letters": letters}  # fmt: skip
    return render(
        request, "_window_sheet.html", hall=hall, spot=spot, services=known, mine=may_act_at(person, window),
        by=by_of(request.query_params.get("by")), advised=advised,
        free_clerks=sorted((it for it in clerks if it.username not in others), key=lambda it: it.username not in at_work),
        at_work=at_work,
    )  # fmt: skip


async def act(request: Request) -> Response:
    """Open, pause, resume or close a window for those who work there."""
    hall, no, name = (request.path_params[part] for part in ("hall", "window", "act"))
    if name not in ACTS:
        raise NotFound(what="page")
    await require(request, "leader", "manager")
    form, say, error = await request.form(), words(language(request)), None
    press, reason, by = text(form, "press"), text(form, "reason"), by_of(text(form, "by"))
    try:
        match name:
            case "open":
                chosen = [str(code) for code in form.getlist("services")]
                await acts.open_window(
                    request, hall, no, services=chosen or None, clerk=text(form, "clerk"), reason=reason, press=press
                )
            case "pause":
                await acts.pause(request, hall, no, reason=reason, press=press)
            case "resume":
                await acts.resume(request, hall, no, press=press)
            case "close":
                await acts.close(request, hall, no, override=reason is not None, reason=reason, press=press)
    except NotAllowed:
        raise  # a leader at a window of another zone: the page has no such button
    except Refused as refused:
        error = reason_of(refused, say)
    if request.headers.get("hx-request") == "true":
        return await draw(request, "_manage.html", by, error=error)
    if error is not None:
        return await draw(request, "manage.html", by, error=error)
    return RedirectResponse(f"/{hall}/manage?by={by}", 303)


async def export(request: Request) -> Response:
    """The table of ratings as a file a spreadsheet opens."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *WATCH, hall=hall.id)
    by, say = by_of(request.query_params.get("by")), words(language(request))
    async with acquire(request.app.state.pool) as db:
        rows = await rating_rows(db, hall, by, person, say)
    sheet = io.StringIO()
    out = csv.writer(sheet)
    columns = ("served", "questions", "rated", "good", "bad")
    out.writerow([say[f"manage.by_{by}"], *(say[f"manage.{column}"] for column in columns)])
    out.writerows([plain(row["word"]), *(row[column] for column in columns)] for row in rows)
    headers = {"content-disposition": f'attachment; filename="ratings-{by}.csv"', "cache-control": "no-store"}
    return Response("\ufeff" + sheet.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")


def plain(word: str) -> str:
    """A name that a spreadsheet can't take for a formula."""
    return f"'{word}" if word[:1] in ("=", "+", "-", "@") else word


ROUTES = [
    Route("/{hall}/manage", show, methods=["GET"]),
    Route("/{hall}/manage/part", part, methods=["GET"]),
    Route("/{hall}/manage/ratings.csv", export, methods=["GET"]),
    Route("/{hall}/manage/{window}", sheet, methods=["GET"]),
    Route("/{hall}/manage/{window}/{act}", act, methods=["POST"]),
]
