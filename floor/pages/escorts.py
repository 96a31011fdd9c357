"""Escorts and helpers (帮办/陪同): the week's plan by half days, who walks with whom now, a number bound to one of them."""

from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.acts import escorts as walking
from floor.acts.escorts import PLANNERS, WALKERS
from floor.api.problems import status_of
from floor.database import acquire
from floor.pages import render
from floor.pages.calendar import date_of, day_word
from floor.pages.console import text, typed
from floor.pages.staffed import clock, now_of, reason_of
from floor.pages.wording import local
from floor.people import list_users
from floor.signin import require
from floor.words import language, words
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import business_day, zones
from scheduling import escorts
from scheduling.days import calendar

DAYS = 7


async def show(request: Request) -> Response:
    return await draw(request)


async def draw(request: Request, error: str | None = None, status: int = 200) -> Response:
    """Who walks with whom, and the plan of a week from its Monday."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *WALKERS, hall=hall.id)
    say, query = words(language(request)), request.query_params
    async with acquire(request.app.state.pool) as db:
        today, now, kept = await business_day(db, hall), await now_of(db), await calendar(db, hall)
        monday = first_of(query.get("week"), today)
        plan = await escorts.planned(db, hall, min(monday, today), monday + timedelta(DAYS))
        rows, staff, areas = await escorts.today(db, hall), await list_users(db, hall.id), await zones(db, hall)
    half = escorts.half_of(local(hall, now).hour)
    names = {user.username: user.name for user in staff}
    on = [each.escort for each in plan if (each.day, each.half, each.zone) == (today, half, None)]
    free = {name: names[name] for name in on if name in names}
    others = {user.username: user.name for user in staff if not user.disabled and set(user.roles) & set(WALKERS)}
    days = [monday + timedelta(n) for n in range(DAYS)]
    return render(
        request, "escorts.html", status, hall=hall, error=error, free=free, number=query.get("number", "")[:12],
        others={name: word for name, word in others.items() if name not in free}, planner=not person.roles.isdisjoint(PLANNERS),
        rows=[{"id": row.id, "number": row.number, "state": row.state, "escort": names.get(row.escort, row.escort),
               "started": clock(row.started_at, hall), "ended": clock(row.ended_at, hall), "windows": row.windows,
               "open": row.ended_at is None} for row in rows],
        days=[{"day": day.isoformat(), "word": day_word(day, say), "today": day == today, "works": kept.is_working(day),
               "halves": [{"half": half, "on": [{"name": it.escort, "word": names.get(it.escort, it.escort), "zone": it.zone}
                                                for it in plan if (it.day, it.half) == (day, half)]}
                          for half in escorts.HALVES]} for day in days],
        zones=[(zone.code, zone.name) for zone in areas],
        staff=others, week=monday.isoformat(), before=(monday - timedelta(DAYS)).isoformat(),
        after=(monday + timedelta(DAYS)).isoformat(),
    )  # fmt: skip


def first_of(asked: str | None, today: date) -> date:
    """The Monday of the week that is asked for, or of this one."""
    day = date_of(asked) if asked else today
    return day - timedelta(day.weekday())


async def act(request: Request) -> Response:
    """Plan a half day, bind somebody to a number, set out, part."""
    hall, name, form = request.path_params["hall"], request.path_params["act"], await request.form()
    press, week = text(form, "press"), request.query_params.get("week", "")
    try:
        match name:
            case "plan":
                await walking.plan(
                    request, hall, date_of(typed(form, "day")), typed(form, "half"), typed(form, "escort"),
                    on=text(form, "off") is None, zone=text(form, "zone"),
                )  # fmt: skip
            case "assign":
                await walking.assign(request, hall, typed(form, "number"), typed(form, "escort"), press=press)
            case "start" | "end":
                await walking.walk(request, hall, id_of(typed(form, "id")), name, press=press)
            case _:
                raise NotFound(what="page")
    except Refused as refused:
        if isinstance(refused, NotFound) and name not in ("assign", "start", "end"):
            raise
        return await draw(request, reason_of(refused, words(language(request))), status_of(refused.code))
    return RedirectResponse(f"/{hall}/escorts" + (f"?week={week[:10]}" if week else ""), 303)


def id_of(written: str) -> int:
    """A number out of a form of ours; BadInput."""
    if not written.isdecimal() or len(written) > 15:
        raise BadInput(field="id", message="it is missing")
    return int(written)


ROUTES = [
    Route("/{hall}/escorts", show, methods=["GET"]),
    Route("/{hall}/escorts/{act}", act, methods=["POST"]),
]
