"""The calendar as the manager keeps it: the year at a glance, a week's hours, and what a single date is."""

from calendar import Calendar as Months
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.acts import calendar as changes
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.console import text, whole
from floor.pages.staffed import reason_of
from floor.pages.wording import service_name
from floor.signin import require
from floor.words import Words, language, words
from queueing.errors import NotFound, Refused
from queueing.halls import Hall, business_day, services
from scheduling.day_types import DayType, Session, day_types
from scheduling.days import SATURDAY, Calendar, Deadline, calendar
from scheduling.roster.store import monday

READERS = ("manager", "leader", "auditor", "desk", "clerk")
FIRST_HOUR, LAST_HOUR = 6, 22  # of the week's drawing
FEW = 3  # services that are named in one line
TONES = ("weekday", "saturday", "sunday", "holiday", "holiday_end", "make_up", "special", "closed")


# --- the year -------------------------------------------------------------------------------------------------------


async def year(request: Request) -> Response:
    """Twelve months, what each date is, the questions the calendar cannot answer, and the kinds of day."""
    hall, person = await reader(request)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        today, known, kinds = await business_day(db, hall), await calendar(db, hall), await day_types(db, hall)
        named = await service_names(db, hall, say)
    shown = number(request.query_params.get("year"), 2000, 2199) or today.year
    return render(
        request, "calendar.html", hall=hall, year=shown, today=today, edits="manager" in person.roles,
        months=[month(known, kinds, shown, n, say) for n in range(1, 13)],
        kinds=[kind_row(kind, say, named) for kind in kinds.values()],
        questions=[question(day, known, say) for day in known.questions(shown) if day >= today],
        saturdays=saturdays(known, shown), awaited=known.awaited(today), provisional=shown not in known.published,
        week=(today - timedelta(today.weekday())).isoformat(), saved=saved(request, known, kinds, today, say, named),
    )  # fmt: skip


def saved(
    request: Request, known: Calendar, kinds: dict[str, DayType], today: date, say: Words, named: Mapping[str, str]
) -> dict[str, Any] | None:
    """What was just set up, in one sentence, and from which day on it holds."""
    kind = kinds.get(request.query_params.get("saved", ""))
    if kind is None:
        return None
    ahead = next((day for day in dates_of(known, kind.code, today) if day >= today), None)
    notes = [hours_of(kind, say), *notes_of(kind, say, named)]
    return {
        "word": kind_word(kind, say), "told": " · ".join(notes), "from": day_word(ahead, say) if ahead else "", "day": ahead,
        "week": monday(ahead) if ahead and kind.sessions else None,
    }  # fmt: skip


async def service_names(db: Db, hall: Hall, say: Words) -> dict[str, str]:
    """What the services of a hall are called in the reader's language."""
    return {service.code: service_name(say, service) for service in await services(db, hall)}


def dates_of(known: Calendar, code: str, today: date) -> list[date]:
    """The days of a kind in the year from today on."""
    return [day for day in (today + timedelta(n) for n in range(366)) if known.day_type(day) == code]


def month(known: Calendar, kinds: dict[str, DayType], year: int, number: int, say: Words) -> dict[str, Any]:
    """One month as weeks of seven cells, Monday first; None for days of its neighbours."""
    weeks = [
        [cell(known, kinds, day, say) if day.month == number else None for day in week]
        for week in Months().monthdatescalendar(year, number)
    ]
    return {"word": say[f"common.month_{number}"], "weeks": weeks}


def cell(known: Calendar, kinds: dict[str, DayType], day: date, say: Words) -> dict[str, Any]:
    code = known.day_type(day)
    name = known.name(day)
    spoken = " · ".join(filter(None, (day_word(day, say), kind_word(kinds[code], say), name, hours_of(kinds[code], say))))
    return {
        "day": day, "tone": tone(code), "own": day in known.own, "open": bool(kinds[code].sessions), "name": name,
        "spoken": spoken, "mark": mark(known, day, say),
    }  # fmt: skip


def mark(known: Calendar, day: date, say: Words) -> str:
    """休 or 班 beside a day the state named: never a colour alone."""
    kind = known.kind(day)
    return say["calendar.mark_make_up"] if kind == "make_up" else say["calendar.mark_holiday"] if "holiday" in kind else ""


def question(day: date, known: Calendar, say: Words) -> dict[str, Any]:
    """A Saturday on which "open every Saturday" says nothing, with what it is by the state."""
    return {"day": day, "word": day_word(day, say), "name": known.name(day), "kind": known.kind(day)}


def saturdays(known: Calendar, year: int) -> dict[str, int]:
    """How many Saturdays of a year are plain, inside a holiday, and worked as make-up days."""
    first = date(year, 1, 1)
    kinds = [known.kind(first + timedelta(n)) for n in range(366) if (first + timedelta(n)).year == year
             and (first + timedelta(n)).weekday() == SATURDAY]  # fmt: skip
    worked, plain = kinds.count("make_up"), kinds.count("saturday")
    return {"plain": plain, "worked": worked, "off": len(kinds) - plain - worked}


def kind_row(kind: DayType, say: Words, named: Mapping[str, str]) -> dict[str, Any]:
    return {
        "code": kind.code, "word": kind_word(kind, say), "tone": tone(kind.code), "hours": hours_of(kind, say),
        "notes": notes_of(kind, say, named), "open": bool(kind.sessions),
    }  # fmt: skip


def hours_of(kind: DayType, say: Words) -> str:
    """09:00–12:00, 13:00–17:00, 17:00–18:00 booked only; a word for a day that stays shut."""
    spans = [
        f"{it.opens:%H:%M}–{it.closes:%H:%M}" + (say["calendar.apart"] if kind.walk_in and kind.booked_only(it) else "")
        for it in kind.sessions
    ]
    return ", ".join(spans) or say["calendar.shut"]


def notes_of(kind: DayType, say: Words, named: Mapping[str, str]) -> list[str]:
    """What else holds on such a day, in words; a few services by their names."""
    if not kind.sessions:
        return []
    few = say["calendar.and_then"].join(named.get(code, code) for code in sorted(kind.services or ())[: FEW + 1])
    few = "" if kind.services and len(kind.services) > FEW else few
    noted = [
        say["calendar.booked_only"] if not kind.walk_in else "",
        say["calendar.accept_only"] if kind.accept_only else "",
        "" if kind.services is None else few or say("calendar.some_services", n=len(kind.services)),
        say["calendar.and_then"].join(only_of(kind, say, named)),
        say("calendar.least_windows", n=sum(kind.zones.values())) if kind.zones else "",
        say["calendar.no_drain"] if not kind.drain else "",
    ]
    return [note for note in noted if note]


def only_of(kind: DayType, say: Words, named: Mapping[str, str]) -> list[str]:
    """The services that do some of their matters only: a few by name."""
    if len(kind.matters) > FEW:
        return [say("calendar.only_some", n=len(kind.matters))]
    return [say("calendar.only_matters", service=named.get(code, code), n=len(own)) for code, own in sorted(kind.matters.items())]


def kind_word(kind: DayType, say: Words) -> str:
    """A kind of day in the reader's language, in the hall's own words where it has no other."""
    return {"zh-Hant": kind.name_hant, "en": kind.name_en}.get(say.lang) or kind.name


def day_word(day: date, say: Words) -> str:
    """11月21日 周六"""
    return say(
        "common.date", month=say[f"common.month_{day.month}"], day=day.day, weekday=say[f"common.weekday_{day.isoweekday()}"]
    )


def deadline(last: Deadline, say: Words) -> str:
    """A last day; one that rests on a year not published yet says so."""
    word = day_word(last.day, say)
    return say("intakes.provisional", day=word) if last.provisional else word


def tone(code: str) -> str:
    return code if code in TONES else "own"


# --- a week ---------------------------------------------------------------------------------------------------------


async def week(request: Request) -> Response:
    """Seven days with their sessions drawn over the hours."""
    hall, person = await reader(request)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        today, known, kinds = await business_day(db, hall), await calendar(db, hall), await day_types(db, hall)
        named = await service_names(db, hall, say)
    first = date_of(request.path_params["day"])
    first -= timedelta(first.weekday())
    days = []
    for day in (first + timedelta(n) for n in range(7)):
        kind = kinds[known.day_type(day)]
        bars = [bar(kind, session) for session in kind.sessions]
        days.append(
            cell(known, kinds, day, say)
            | {"word": day_word(day, say), "kind": kind_word(kind, say), "hours": hours_of(kind, say), "bars": bars,
               "notes": notes_of(kind, say, named), "today": day == today}
        )  # fmt: skip
    return render(
        request, "calendar_week.html", hall=hall, days=days, edits="manager" in person.roles,
        hours=range(FIRST_HOUR, LAST_HOUR + 1, 2), first_hour=FIRST_HOUR, last_hour=LAST_HOUR,
        before=(first - timedelta(7)).isoformat(), after=(first + timedelta(7)).isoformat(), year=first.year,
    )  # fmt: skip


def bar(kind: DayType, session: Session) -> dict[str, Any]:
    """Where a session stands on the drawing, in minutes from its left edge."""
    begins = max(0, minutes_of(session.opens) - FIRST_HOUR * 60)
    ends = min((LAST_HOUR - FIRST_HOUR) * 60, (minutes_of(session.closes) or 24 * 60) - FIRST_HOUR * 60)
    return {"x": begins, "width": max(1, ends - begins), "booked": kind.booked_only(session),
            "last": minutes_of(session.last_ticket) - FIRST_HOUR * 60}  # fmt: skip


def minutes_of(at: time) -> int:
    return at.hour * 60 + at.minute


# --- one date -------------------------------------------------------------------------------------------------------


async def day(request: Request, *, error: str | None = None) -> Response:
    """What one date is, and the form that says otherwise."""
    hall, person = await reader(request)
    say, at = words(language(request)), date_of(request.path_params["day"])
    async with acquire(request.app.state.pool) as db:
        today, known, kinds = await business_day(db, hall), await calendar(db, hall), await day_types(db, hall)
        named = await service_names(db, hall, say)
    kind = kinds[known.day_type(at)]
    return render(
        request, "calendar_day.html", 200 if error is None else 409, hall=hall, day=at, word=day_word(at, say), error=error,
        by_state=kind_word(kinds[known.kind(at)], say), kind=kind_row(kind, say, named), own=known.own.get(at),
        name=known.name(at),
        coming=at >= today and not set(person.roles).isdisjoint(("manager", "leader", "auditor")),
        provisional=known.is_provisional(at), working=known.is_working(at), edits="manager" in person.roles,
        kinds=[kind_row(one, say, named) for one in kinds.values()],
    )  # fmt: skip


async def set_day(request: Request) -> Response:
    """Say what a date is, or let the calendar speak for it again."""
    hall, at = await acts.hall_of(request, request.path_params["hall"]), date_of(request.path_params["day"])
    await require(request, "manager", hall=hall.id)
    form = await request.form()
    working = {"yes": True, "no": False}.get(text(form, "working") or "")
    name = text(form, "name")
    try:
        await changes.set_day(request, hall.code, at, text(form, "day_type"), name=name, working=working)
    except Refused as refused:
        return await day(request, error=reason_of(refused, words(language(request))))
    return RedirectResponse(f"/{hall.code}/calendar?year={at.year}", 303)


async def reader(request: Request) -> tuple[Hall, Any]:
    hall = await acts.hall_of(request, request.path_params["hall"])
    return hall, await require(request, *READERS, hall=hall.id)


def date_of(word: str) -> date:
    """A day that an address or a form names; NotFound for none, and for one that no hall will see."""
    try:
        day = date.fromisoformat(word)
    except ValueError:
        raise NotFound(what="page") from None
    if not 2000 <= day.year < 2200:
        raise NotFound(what="page")
    return day


def moment_of(word: str) -> datetime:
    """A moment that a page of ours wrote into an address or a form; NotFound for anything else."""
    try:
        at = datetime.fromisoformat(word)
    except ValueError:
        raise NotFound(what="page") from None
    if at.tzinfo is None or not 2000 <= at.year < 2200:
        raise NotFound(what="page")
    return at


def number(word: str | None, least: int, most: int) -> int | None:
    """A whole number between two others; None for anything else."""
    found = whole(word or "", most)
    return found if found is not None and found >= least else None


ROUTES = [
    Route("/{hall}/calendar", year, methods=["GET"]),
    Route("/{hall}/calendar/weeks/{day}", week, methods=["GET"]),
    Route("/{hall}/calendar/{day}", day, methods=["GET"]),
    Route("/{hall}/calendar/{day}", set_day, methods=["POST"]),
]
