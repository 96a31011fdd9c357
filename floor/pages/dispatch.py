"""The dispatch page: requests and how long they wait, the day's teams on a map, a plan beside the day as it is."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from floor import acts, lines
from floor import doorstep_words as telling
from floor.acts import doorstep as visiting
from floor.acts.crews import GOES, last_teams
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.calendar import date_of, day_word
from floor.pages.dispatch_map import lines_now, lines_planned, the_map
from floor.pages.dispatch_plan import owed_by, plan_card, taken_card
from floor.pages.dispatch_said import Said
from floor.pages.dispatched import Names, area_names, bags_out, kilometres, lasted, request_row, team_cards
from floor.pages.staffed import now_of
from floor.pages.wording import service_name
from floor.people import list_users
from floor.rounds import blind_day, seen_day
from floor.signin import Person, require
from floor.words import Words, language, words
from queueing.errors import NotFound
from queueing.halls import Hall, business_day, services
from queueing.matters import in_language
from scheduling import doorstep, looks, overdue, teams
from scheduling.day_types import day_types, kind_on, moment
from scheduling.days import calendar
from scheduling.doorstep import Visit
from scheduling.envelopes import Unreadable
from scheduling.roster.planned import at_windows, clock
from scheduling.rounds import store
from scheduling.rounds.day import Day
from scheduling.rounds.ground import ANSWER
from scheduling.rounds.solver import LIMIT_S
from scheduling.rounds.standing import standing
from scheduling.teams import Kit, Team

WATCH = ("manager", "leader")
LISTED = 200


async def here(request: Request) -> Response:
    """The page of today."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *WATCH, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        day = await business_day(db, hall)
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/{hall.code}/dispatch/{day}{query}", 303)


async def show(request: Request) -> Response:
    return await draw(request, "dispatch.html")


async def part(request: Request) -> Response:
    return await draw(request, "_dispatch.html")


async def draw(
    request: Request, template: str, *, error: str | None = None, said: Said | None = None, status: int = 200
) -> Response:
    """A day: figures, requests, map, teams, plan; `said` is what became of an act, `error` why it could not be."""
    hall, day = await acts.hall_of(request, request.path_params["hall"]), date_of(request.path_params["day"])
    person = await require(request, *WATCH, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        seen = await look(request, db, hall, day, person, say)
    return render(request, template, status, hall=hall, day=day, error=error, said=said, **seen)


async def look(request: Request, db: Db, hall: Hall, day: date, person: Person, say: Words) -> dict[str, Any]:
    """All the page shows of a day, as it stands now."""
    now, today, only = await now_of(db), await business_day(db, hall), team_of(request)
    known = await teams.areas(db, hall)
    named = area_names(known, say)
    asking = await doorstep.find(db, hall, states=("requested",), limit=LISTED)
    try:
        it = await seen_day(
            db, hall, day, visiting.envelopes_of(request), request.app.state.places, actor=person.actor
        )  # fmt: skip
        readable = True
    except Unreadable:
        it, readable = await blind_day(db, hall, day), False
    waiting = sorted((v for v in it.visits.values() if v.state == "accepted"), key=lambda v: (v.asked_at, v.id))
    bags = await teams.kits(db, hall)
    names = Names(
        say, hall, named, await matter_names(db, hall, say), await lines.names(db, hall),
        await looks.masks(db, hall, [v.id for v in (*asking, *waiting)]), bag_names(bags, say),
    )  # fmt: skip
    skills = {service.code: service_name(say, service) for service in await services(db, hall)}
    rounds, plans = standing(it), await store.plans_of(db, hall, day)
    cards = team_cards(it, rounds, names, skills)
    carried = [crew.kits for crew in it.crews if crew.id not in it.out]
    offered = next((plan for plan in plans if plan.state == "proposed"), None)
    stops = await store.stops(db, offered.id) if offered is not None else []
    on_map, doors = lines_planned(it, stops, names) if offered is not None else lines_now(it, cards)
    mine = [v for v in it.visits.values() if v.day == day]
    ahead = await ahead_of(db, hall, it, today, now)
    return {
        "word": day_word(day, say), "is_today": day == today, "today": today, "over": day < today,
        "before": day - timedelta(1), "after": day + timedelta(1),
        "requests": [request_row(v, names, now, carried) for v in sorted(asking, key=lambda v: (v.asked_at, v.id))],
        "waiting": [request_row(v, names, now, carried) for v in waiting],
        "overdue": {one.visit: say[f"ladder.overdue_{one.why}"] for one in await overdue.standing(db, hall) if one.why == "wish"},
        "nowhere": set(it.nowhere), "readable": readable, "cards": cards, "limit": round(LIMIT_S),
        "kits": bags_out(it, bags, names),
        "plan": plan_card(it, offered, stops, names) if offered is not None else None,
        "solving": next((plan for plan in plans if plan.state == "solving" and not plan.silent), None),
        "failed": failure(plans), "taken": await taken(db, it, plans, names), "plannable": bool(it.problem.visits),
        "map": the_map(it, on_map, doors, known, named, request.app.state.settings.map_tiles, only), "only": only,
        "credit": credit(request), "elsewhere": await elsewhere(db, hall, it, say),
        "next": (await next_day(db, hall, day, today)) if offered is not None or failure(plans) else None,
        "ahead": ahead, "ahead_word": day_word(ahead, say) if ahead else "",
        "last_teams": await last_day(db, hall, day, say) if not cards and day >= today else None,
        "figures": figures(asking, waiting, mine, cards, now, hall, say),
    }  # fmt: skip


def failure(plans: Sequence[store.Kept]) -> str:
    """Why the newest search ended without a plan; nothing where it did not."""
    newest = plans[0] if plans else None
    if newest is None or not (newest.state == "failed" or newest.silent):
        return ""
    return newest.why or "died"


async def taken(db: Db, it: Day, plans: Sequence[store.Kept], names: Names) -> dict[str, Any] | None:
    """The plan the day goes by, where it is the newest, and who has heard of what it changed."""
    if not plans or plans[0].state != "applied":
        return None
    stops = await store.stops(db, plans[0].id)
    heard = await telling.heard(db, names.hall, owed_by(it, stops))
    return taken_card(it, plans[0], stops, heard, names)


async def elsewhere(db: Db, hall: Hall, it: Day, say: Words) -> list[dict[str, Any]]:
    """Who is accepted, has no time, and wants it on other days: how many by the first of them."""
    zone, found = ZoneInfo(hall.time_zone), Counter[date]()
    for visit in await doorstep.find(db, hall, states=("accepted",), limit=1000):
        if visit.id not in it.visits:
            wanted = sorted(span["from"].astimezone(zone).date() for span in visit.preferred)
            found[next((each for each in wanted if each > it.day), wanted[0])] += 1
    return [{"day": day, "word": day_word(day, say), "count": count} for day, count in sorted(found.items())]


async def next_day(db: Db, hall: Hall, day: date, today: date) -> date:
    """The working day after this one, for what it can't take."""
    return (await calendar(db, hall)).next_working_day(max(day, today)).day


async def ahead_of(db: Db, hall: Hall, it: Day, today: date, now: datetime) -> date | None:
    """The working day to plan instead of today, once today's doors have closed or never opened and no team is out any more."""
    if it.day != today or any(now < crew.ends for crew in it.crews if crew.id not in it.out):
        return None
    known = await calendar(db, hall)
    sessions = kind_on(known, await day_types(db, hall), today).sessions
    if any(now < moment(hall, today, each.closes) for each in sessions):
        return None
    return known.next_working_day(today).day


async def last_day(db: Db, hall: Hall, day: date, say: Words) -> str | None:
    """The last day that had teams, for one that has none."""
    last = await last_teams(db, hall, day)
    return day_word(last[0].day, say) if last else None


def team_of(request: Request) -> int | None:
    """The one team whose way is asked for."""
    word = request.query_params.get("team", "")
    return int(word) if word.isascii() and word.isdigit() and len(word) < 19 else None


def figures(
    asking: Sequence[Visit], waiting: Sequence[Visit], mine: Sequence[Visit], cards: Sequence[dict[str, Any]], now: datetime,
    hall: Hall, say: Words,
) -> list[dict[str, Any]]:  # fmt: skip
    """The line on top: what asks for a hand first."""
    longest = max(((now - v.asked_at).total_seconds() for v in asking), default=0.0)
    made, late = (
        sum(v.state == "completed" for v in mine),
        sum(bool(row["late"]) and row["state"] != "completed" for card in cards for row in card["rows"]),
    )
    return [
        {"name": "asking", "value": len(asking), "under": lasted(say, longest) if asking else "",
         "fault": longest >= hall.value(ANSWER) * 3600},
        {"name": "waiting", "value": len(waiting), "under": "", "fault": False},
        {"name": "made", "value": f"{made}/{len(mine)}", "under": "", "fault": False},
        {"name": "late", "value": late, "under": "", "fault": late > 0},
        {"name": "km", "value": kilometres(sum(round(float(card["km"]) * 1000) for card in cards)), "under": "", "fault": False},
    ]  # fmt: skip


async def matter_names(db: Db, hall: Hall, say: Words) -> dict[str, str]:
    """What can be done at the door, in the reader's language."""
    return {
        it.code: in_language(say.lang, it.name, it.name_hant, it.name_en) or it.name for it in await teams.door_matters(db, hall)
    }


def bag_names(bags: Sequence[Kit], say: Words) -> dict[str, str]:
    """The hall's bags in the reader's language."""
    return {it.code: in_language(say.lang, it.name, it.name_hant, it.name_en) or it.name for it in bags}


async def free_people(db: Db, hall: Hall, day: date, crews: Sequence[Team], say: Words) -> list[dict[str, str]]:
    """Who can be put into a team: those who go to doors first, then clerks, and last who works at a window that day, and when."""
    taken = {who for crew in crews for who in (crew.lead, crew.second)}
    on = {clerk: f"{clock(since)}–{clock(until)}" for clerk, (since, until) in (await at_windows(db, hall, day)).items()}
    found = [user for user in await list_users(db, hall.id) if not user.disabled and set(user.roles) & set(GOES)]
    ordered = sorted(found, key=lambda user: ("doorstep" not in user.roles, user.username in on, user.username))
    return [
        {"code": user.username, "name": user.name,
         "note": say("dispatch.on_roster", hours=on[user.username]) if user.username in on else ""}
        for user in ordered if user.username not in taken
    ]  # fmt: skip


# --- tiles --------------------------------------------------------------------------------------------------------


def credit(request: Request) -> str:
    """Whom the pictures under the map are owed to, as credit.txt in their folder says."""
    folder = request.app.state.settings.map_tiles
    file = folder / "credit.txt" if folder is not None else None
    return file.read_text(encoding="utf-8").strip()[:200] if file is not None and file.is_file() else ""


async def tile(request: Request) -> Response:
    """A picture under the map, from the hall's own folder."""
    folder = request.app.state.settings.map_tiles
    z, x, y = (request.path_params[part] for part in ("z", "x", "y"))
    file = folder / str(z) / str(x) / f"{y}.png" if folder is not None else None
    if file is None or not file.is_file():
        raise NotFound(what="page")
    return FileResponse(file, media_type="image/png", headers={"cache-control": "public, max-age=86400"})


ROUTES = [
    Route("/tiles/{z:int}/{x:int}/{y:int}.png", tile, methods=["GET"]),
    Route("/{hall}/dispatch", here, methods=["GET"]),
    Route("/{hall}/dispatch/{day}", show, methods=["GET"]),
    Route("/{hall}/dispatch/{day}/part", part, methods=["GET"]),
]
