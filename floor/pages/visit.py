"""A visit in the hand of who asked for it: how it stands, when, who comes, say yes to the time, call it off, say how it was."""

from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor.acts import doorstep as going
from floor.acts import visit_names
from floor.api.problems import status_of
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.ask_visit import step, way
from floor.pages.book import when
from floor.pages.console import text
from floor.pages.doorstep_form import named, offered, preferred
from floor.pages.phone import ASKED_WHY, as_citizen
from floor.pages.staffed import now_of, reason_of
from floor.pages.visit_after import after
from floor.pages.wording import hours
from floor.people import find_user
from floor.quality.ratings import REASONS
from floor.words import Words, language, words
from queueing.errors import NotFound, Refused
from queueing.halls import Hall
from scheduling import looks, teams
from scheduling.doorstep import CHANGE_MINUTES, DECLINES, OPEN, Visit, told_window
from scheduling.envelopes import Unreadable

CANCELS = ("requested", "accepted", "scheduled", "on_the_way")
MOVES = ("requested", "accepted", "scheduled")
LOOKS = {  # tone and symbol of each state
    "requested": ("is-waiting", "clock"), "accepted": ("is-waiting", "check"), "scheduled": ("is-called", "clock"),
    "on_the_way": ("is-called", "forward"), "on_site": ("is-serving", "person"), "completed": ("is-serving", "check"),
    "declined": ("is-fault", "alert"), "cancelled": ("", "cross"), "nobody_home": ("is-fault", "alert"),
}  # fmt: skip


async def show(request: Request) -> Response:
    return await draw(request)


async def draw(request: Request, status: int = 200, error: str | None = None, template: str = "visit") -> Response:
    try:
        hall, visit = await visit_names.held(request, request.path_params["key"])
    except NotFound:
        return render(request, "doorstep_gone.html", 404)
    t = words(language(request))
    async with acquire(request.app.state.pool) as db:
        seen = await seen_by_asker(db, hall, visit, t) | {"after": await after(db, hall, visit, t)}
        half = visit.state == "requested" and await half_told(request, db, hall, visit)
        known = [(each.code, named(t, each)) for each in await teams.areas(db, hall)] if half else []
    news = {
        "new": "doorstep.asked_now", "confirmed": "doorstep.confirmed_now", "told": "doorstep.filled_in_now",
        "moved": "doorstep.time_changed_now",
    }  # fmt: skip
    said = next((t[word] for name, word in news.items() if request.query_params.get(name)), None)
    return step(
        request, hall, template, status, v=visit, error=error, said=said, here=f"/d/{visit.key}", half=half,
        areas=known, **seen,
    )  # fmt: skip


async def half_told(request: Request, db: Db, hall: Hall, visit: Visit) -> bool:
    """Whether name or address are still to be told. What the hall can't read any more it asks for by telephone."""
    try:
        return await looks.half_told(db, hall, visit.key, going.envelopes_of(request)) is not None
    except Unreadable:
        return False


RATED = """
SELECT EXISTS (SELECT FROM ratings WHERE visit = v.id) AS rated, hall_now() < v.rateable_until AS in_time
FROM visits v WHERE v.source = 'doorstep' AND v.subject = $1
"""


async def seen_by_asker(db: Db, hall: Hall, visit: Visit, t: Words) -> dict[str, Any]:
    """What the page says; of the team their names and plate numbers alone."""
    known = {each.code: named(t, each) for each in await teams.door_matters(db, hall)}
    crew = []
    if visit.team is not None and visit.state in ("scheduled", "on_the_way", "on_site", "completed"):
        team = await teams.team(db, hall, visit.team)
        people = [await find_user(db, name) for name in (team.lead, team.second)]
        crew = [{"name": each.name, "number": each.number} for each in people if each is not None]
    stands = "nobody_home" if visit.outcome == "nobody_home" else visit.state
    tone, symbol = LOOKS[stands]
    row = await db.fetchrow(RATED, visit.id)
    areas = {each.code: named(t, each) for each in await teams.areas(db, hall)}
    late = visit.start is not None and visit.start <= await now_of(db) + timedelta(minutes=hall.value(CHANGE_MINUTES))
    return {
        "tone": tone, "symbol": symbol, "stands": stands,
        "matters": [known[code] for code in visit.matters if code in known], "crew": crew,
        "when": told(t, hall, visit.start), "area": areas.get(visit.area or "", ""),
        "chosen": [f"{when(t, hall, each['from'])}–{hours(hall, each['to'])}" for each in visit.preferred],
        "may_move": visit.state in MOVES and not late,
        "asked_at": when(t, hall, visit.asked_at), "live": visit.state in OPEN, "may_cancel": visit.state in CANCELS,
        "why": t.get(f"doorstep.why_{visit.why}", visit.why) if visit.why in DECLINES else visit.why,
        "rated": bool(row and row["rated"]), "may_rate": bool(row and row["in_time"] and not row["rated"]),
        "reasons": [(level, REASONS[level]) for level in ASKED_WHY],
    }  # fmt: skip


def told(t: Words, hall: Hall, start: datetime | None) -> str:
    """A planned time as it is told to who waits: 3月2日 周二 09:00–10:00."""
    if start is None:
        return ""
    first, last = told_window(hall, start)
    return when(t, hall, first) + (f"–{hours(hall, last)}" if last else "")


# --- acts ---------------------------------------------------------------------------------------------------------


async def sure(request: Request) -> Response:
    """Ask once more before it is called off."""
    return await draw(request, template="sure")


async def cancel(request: Request) -> Response:
    as_citizen(request)
    form = await request.form()
    try:
        await going.cancel(request, request.path_params["key"], press=text(form, "press"))
    except Refused as refused:
        return await draw(request, status_of(refused.code), reason_of(refused, words(language(request))))
    return back(request)


async def confirm(request: Request) -> Response:
    """I will be there."""
    as_citizen(request)
    form = await request.form()
    try:
        await going.confirm(request, request.path_params["key"], press=text(form, "press"))
    except Refused as refused:
        return await draw(request, status_of(refused.code), reason_of(refused, words(language(request))))
    return back(request, confirmed="1")


async def times(request: Request, status: int = 200, error: str | None = None) -> Response:
    """Other times at home, to be chosen."""
    try:
        hall, visit = await visit_names.held(request, request.path_params["key"])
    except NotFound:
        return render(request, "doorstep_gone.html", 404)
    t, here = words(language(request)), f"/d/{visit.key}"
    async with acquire(request.app.state.pool) as db:
        seen, choices = await seen_by_asker(db, hall, visit, t), await offered(db, hall, t)
    return step(request, hall, "time", status, v=visit, c=choices, here=here, back=way(request, here), error=error, **seen)


async def change_time(request: Request) -> Response:
    """Be at home at other times."""
    as_citizen(request)
    form, key = await request.form(), request.path_params["key"]
    hall, _ = await visit_names.held(request, key)
    parts = preferred(hall, [str(part) for part in form.getlist("part")])
    if not parts:
        return await times(request, 422, words(language(request))["doorstep.time_missing"])
    try:
        await going.another_time(request, key, parts, press=text(form, "press"))
    except Refused as refused:
        return await draw(request, status_of(refused.code), reason_of(refused, words(language(request))))
    return back(request, moved="1")


async def fill_in(request: Request) -> Response:
    """Name and address, where only a telephone was left."""
    as_citizen(request)
    form, key = await request.form(), request.path_params["key"]
    name, address = text(form, "name") or "", text(form, "address") or ""
    try:
        await going.fill_in(request, key, name[:60], address[:200], text(form, "area"), press=text(form, "press"))
    except Refused as refused:
        return await draw(request, status_of(refused.code), reason_of(refused, words(language(request))))
    return back(request, told="1")


async def rate(request: Request) -> Response:
    """Keep the rating, and back to the visit."""
    as_citizen(request)
    form, t = await request.form(), words(language(request))
    level = text(form, "level") or ""
    if level not in {"1", "2", "3", "4", "5"}:
        return await draw(request, 422, t["phone.choose_level"])
    own = [str(code) for code in form.getlist("reasons") if str(code) in REASONS[int(level)]]
    try:
        await going.rate(
            request, request.path_params["key"], int(level), reasons=own, comment=text(form, "comment"), press=text(form, "press")
        )
    except Refused as refused:
        return await draw(request, status_of(refused.code), reason_of(refused, t))
    return back(request)


def back(request: Request, **query: str) -> Response:
    """To the visit again: reloading it never acts."""
    return RedirectResponse(way(request, f"/d/{request.path_params['key']}", **query), 303)


ROUTES = [
    Route("/d/{key}", show, methods=["GET"]),
    Route("/d/{key}/cancel", sure, methods=["GET"]),
    Route("/d/{key}/cancel", cancel, methods=["POST"]),
    Route("/d/{key}/confirm", confirm, methods=["POST"]),
    Route("/d/{key}/time", times, methods=["GET"]),
    Route("/d/{key}/time", change_time, methods=["POST"]),
    Route("/d/{key}/door", fill_in, methods=["POST"]),
    Route("/d/{key}/rating", rate, methods=["POST"]),
]
