"""The form of a kind of day: its hours, who may come, what opens, how many windows."""

from dataclasses import replace
from datetime import time
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.acts import calendar as changes
from floor.catalogue.kept import known as known_matters
from floor.database import acquire
from floor.pages import render
from floor.pages.calendar import dates_of, day_word, kind_word, number, reader, saturdays
from floor.pages.console import text
from floor.pages.staffed import localized, reason_of
from floor.pages.wording import matter_name, zone_name
from floor.signin import require
from floor.words import Words, language, words
from queueing.errors import NotFound, Refused
from queueing.halls import Hall, business_day, services, zones
from queueing.matters import Catalogue
from scheduling.day_types import NEEDED, DayType, Session, copy_of, day_types
from scheduling.days import calendar
from scheduling.errors import BadSession

SESSIONS, ROWS = 4, 2  # a kind of day has few: so many at most, so many rows to begin with
SHOWN_AHEAD = 3  # of the days it will hold on


async def show(request: Request) -> Response:
    """The form of one kind of day; `new` begins as a copy of another."""
    hall, person = await reader(request)
    async with acquire(request.app.state.pool) as db:
        kinds = await day_types(db, hall)
    code = request.path_params["code"]
    if code == "new":
        return await draw(request, hall, copy_of(kinds["special"], "", ""), edits="manager" in person.roles)
    if code not in kinds:
        raise NotFound(what="page")
    return await draw(request, hall, kinds[code], edits="manager" in person.roles)


async def draw(request: Request, hall: Hall, kind: DayType, *, edits: bool, error: str | None = None) -> Response:
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        today, known = await business_day(db, hall), await calendar(db, hall)
        offered = [localized(service, say) for service in await services(db, hall)]
        catalogue = (await known_matters(request, db, hall)).catalogue
        areas = [
            {"code": zone.code, "name": zone_name(say, zone), "least": kind.zones.get(zone.code)}
            for zone in await zones(db, hall)
        ]
    groups = [group(service, kind, catalogue, say) for service in offered]
    rows = [*kind.sessions, *[None] * max(1, ROWS - len(kind.sessions))][:SESSIONS]
    ahead = dates_of(known, kind.code, today)
    return render(
        request, "calendar_kind.html", 200 if error is None else 422, hall=hall, kind=kind, word=kind_word(kind, say),
        rows=rows, who=who_comes(kind), services=offered, zones=areas, groups=groups, edits=edits, error=error,
        own=kind.code not in NEEDED,
        ahead=[day_word(day, say) for day in ahead[:SHOWN_AHEAD]], days=len(ahead), saturdays=saturdays(known, today.year),
        year=today.year,
    )  # fmt: skip


async def save(request: Request) -> Response:
    """Make a kind of day what the form says; with `remove` take it away."""
    hall_code, code = request.path_params["hall"], request.path_params["code"]
    form, say = await request.form(), words(language(request))
    hall = await acts.hall_of(request, hall_code)
    await require(request, "manager", hall=hall.id)
    asked = copy_of(DayType(code, ""), code, text(form, "name") or code)
    try:
        if text(form, "remove"):
            await changes.drop_day_type(request, hall_code, code)
            return RedirectResponse(f"/{hall_code}/calendar", 303)
        asked = asked_kind(form, await new_code(request, hall) if code == "new" else code)
        asked = replace(asked, matters=await asked_matters(request, hall, form, asked))
        await changes.set_day_type(request, hall_code, asked)
    except Refused as refused:
        return await draw(request, hall, asked, edits=True, error=reason_of(refused, say))
    return RedirectResponse(f"/{hall_code}/calendar?saved={asked.code}", 303)


def group(service: Any, kind: DayType, catalogue: Catalogue, say: Words) -> dict[str, Any]:
    """The matters of a service, and which of them alone are done."""
    chosen = kind.matters.get(service.code, frozenset())
    own = [each for each in catalogue.offered if each.service == service.code]
    return {
        "code": service.code, "word": service.word, "chosen": len(chosen),
        "matters": [{"code": each.code, "word": matter_name(say, each), "on": each.code in chosen} for each in own],
    }  # fmt: skip


def who_comes(kind: DayType) -> str:
    """The answer of the form: everybody, booked visitors alone, or at some hours they alone (早晚弹性办)."""
    if not kind.walk_in:
        return "booked"
    return "some" if any(session.audience == "booked" for session in kind.sessions) else "all"


async def new_code(request: Request, hall: Hall) -> str:
    """The next free code for a kind of day of the hall's own."""
    async with acquire(request.app.state.pool) as db:
        taken = await day_types(db, hall)
    return next(code for n in range(1, 1000) if (code := f"own_{n}") not in taken)


def asked_kind(form: FormData, code: str) -> DayType:
    """A kind of day from its form. BadSession for a row that is half filled or holds no time."""
    given = DayType(
        code,
        text(form, "name") or code,
        text(form, "name_hant"),
        text(form, "name_en"),
        walk_in=text(form, "who") != "booked",
        accept_only=text(form, "accept_only") is not None,
        drain=text(form, "drain") is not None,
        last_ticket="capacity" if text(form, "last_ticket_rule") == "capacity" else "time",
        sessions=tuple(filter(None, (asked_session(form, n) for n in range(1, SESSIONS + 1)))),
        services=frozenset(map(str, form.getlist("services"))) if text(form, "which") == "some" else None,
    )
    least = {name.removeprefix("least_"): number(str(value), 1, 200) for name, value in form.items() if name.startswith("least_")}
    return replace(given, zones={zone: count for zone, count in least.items() if count})


async def asked_matters(request: Request, hall: Hall, form: FormData, kind: DayType) -> dict[str, frozenset[str]]:
    """The only matters each open service does, of those that don't do all of theirs."""
    if text(form, "which_matters") != "some":
        return {}
    async with acquire(request.app.state.pool) as db:
        catalogue = (await known_matters(request, db, hall)).catalogue
    found: dict[str, set[str]] = {}
    for code in map(str, form.getlist("matters")):
        matter = catalogue.matters.get(code)
        if matter is not None and (kind.services is None or matter.service in kind.services):
            found.setdefault(matter.service, set()).add(code)
    return {service: frozenset(codes) for service, codes in found.items()}


def asked_session(form: FormData, n: int) -> Session | None:
    """The n-th row of times; None when it is empty. The last ticket may be left out: it is then at closing."""
    opens, last, closes = (text(form, f"{name}_{n}") for name in ("opens", "last_ticket", "closes"))
    if opens is None and closes is None:
        return None
    try:
        begins, until, ends = (time.fromisoformat(it or "") for it in (opens, last or closes, closes))
    except ValueError:
        raise BadSession() from None
    apart = text(form, "who") == "some" and text(form, f"audience_{n}") == "booked"
    return Session(begins, until, ends, audience="booked" if apart else "all")


ROUTES = [
    Route("/{hall}/calendar/kinds/{code}", show, methods=["GET"]),
    Route("/{hall}/calendar/kinds/{code}", save, methods=["POST"]),
]
