"""A day to come as the manager sees it beforehand: windows needed and planned, waits, the end of the day, what is amiss."""

from datetime import timedelta
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from floor.database import acquire
from floor.foresee import Unforeseen, foresee
from floor.pages import render
from floor.pages.calendar import date_of, day_word, kind_row, kind_word, reader, service_names
from floor.pages.wording import zone_name
from floor.signin import require
from floor.words import Words, language, words
from queueing.errors import NotFound
from queueing.halls import Hall, business_day, zones
from scheduling.appointments import PROMISE
from scheduling.day_types import day_types, kind_on
from scheduling.days import calendar
from scheduling.foreseen import QUARTER, Area, Foreseen, Warn
from scheduling.roster.planned import clock
from scheduling.roster.store import monday
from scheduling.slots import BOOK_ONLY_MINUTES, BOOK_ONLY_SHARE

log = structlog.get_logger("foresight")
LOOKERS = ("manager", "leader", "auditor")
AHEAD = timedelta(days=366)
NICE = (5, 10, 20, 30, 60, 90, 120, 180, 240, 480)
HEIGHT = 60  # of each drawing


async def page(request: Request) -> Response:
    """The page at once; what would be is asked for when it is there, for it takes a second or two."""
    hall, _ = await reader(request)
    await require(request, *LOOKERS, hall=hall.id)
    say, day = words(language(request)), date_of(request.path_params["day"])
    async with acquire(request.app.state.pool) as db:
        today, known, kinds = await business_day(db, hall), await calendar(db, hall), await day_types(db, hall)
        named = await service_names(db, hall, say)
    if not today <= day <= today + AHEAD:
        raise NotFound(what="page")
    kind = kind_on(known, kinds, day)
    return render(
        request, "calendar_foresight.html", hall=hall, day=day, word=day_word(day, say), kind=kind_row(kind, say, named),
        name=known.name(day), before=day - timedelta(1) if day > today else None, after=day + timedelta(1),
    )  # fmt: skip


async def told(request: Request) -> Response:
    """The day played, as a part of its page."""
    hall, _ = await reader(request)
    person = await require(request, *LOOKERS, hall=hall.id)
    say, day = words(language(request)), date_of(request.path_params["day"])
    try:
        seen = await foresee(request.app.state.settings, hall.code, day)
    except Unforeseen as failed:
        log.warning("unforeseen", hall=hall.code, day=day.isoformat(), why=str(failed))
        return render(request, "_foresight.html", hall=hall, day=day, failed=True, seen=None)
    if seen is None:
        return render(request, "_foresight.html", hall=hall, day=day, failed=False, seen=None)
    async with acquire(request.app.state.pool) as db:
        kind = kind_on(await calendar(db, hall), await day_types(db, hall), day)
        named = {zone.code: zone_name(say, zone) for zone in await zones(db, hall)}
    return render(
        request, "_foresight.html", hall=hall, day=day, failed=False, seen=seen, facts=facts(seen, hall, say),
        areas=[drawn(area, named[area.code], seen, say) for area in seen.areas], ticks=ticks(seen), week=monday(day),
        warnings=[warned(warn, named, hall, say) for warn in seen.warnings], edits="manager" in person.roles,
        kind={"code": kind.code, "word": kind_word(kind, say)},
    )  # fmt: skip


def facts(seen: Foreseen, hall: Hall, say: Words) -> list[dict[str, str]]:
    """The day in a few figures."""
    late = seen.end_p90 > seen.closes
    told = [
        (say["foresight.who"], say[f"foresight.roster_{seen.roster}"], ""),
        (say["foresight.walk_ins"], say("foresight.about", n=round(seen.walk_ins)), ""),
        (say["foresight.bookings"], say("foresight.of_places", n=seen.booked, places=seen.places), ""),
        (
            say["foresight.end"], clock(seen.end_p50),
            say("foresight.end_p90", at=clock(seen.end_p90)) if late else say["foresight.in_time"],
        ),
    ]  # fmt: skip
    if seen.kept is not None:
        told.append((say["foresight.kept"], f"{seen.kept}%", say("foresight.kept_in", minutes=hall.value(PROMISE))))
    return [{"name": name, "value": value, "note": note} for name, value, note in told]


def warned(warn: Warn, named: dict[str, str], hall: Hall, say: Words) -> str:
    """What is amiss, and what to do about it."""
    return say(
        f"foresight.warn_{warn.what}", zone=named.get(warn.zone, warn.zone), begins=clock(warn.begins), ends=clock(warn.ends),
        n=warn.n, half=clock(warn.n), promise=hall.value(PROMISE), share=hall.value(BOOK_ONLY_SHARE),
        length=hall.value(BOOK_ONLY_MINUTES),
    )  # fmt: skip


def ticks(seen: Foreseen) -> dict[str, Any]:
    """Where the drawings begin and end, and the full hours between."""
    first, last = seen.quarters[0], seen.quarters[-1] + QUARTER
    hours = range(-(-first // 60) * 60, last + 1, 60)
    return {"first": first, "width": last - first, "hours": [{"x": at - first, "word": clock(at)} for at in hours]}


def drawn(area: Area, name: str, seen: Foreseen, say: Words) -> dict[str, Any]:
    """A zone as two drawings on one time line: windows above, minutes of waiting below."""
    first, most = seen.quarters[0], max(1, area.windows, *area.needed)
    known = [value for value in area.p90 if value is not None and value >= 0]
    top = next((nice for nice in NICE if nice >= max(known, default=0)), NICE[-1])
    bars = [
        {"x": at - first, "y": HEIGHT - HEIGHT * n / most, "height": HEIGHT * n / most, "short": n < max(wanted, area.least)}
        for at, n, wanted in zip(seen.quarters, area.planned, area.needed, strict=True)
    ]
    return {
        "code": area.code, "name": name, "people": round(sum(area.people)), "most": most, "top": top, "bars": bars,
        "needed": steps(seen.quarters, area.needed, first, most), "p50": steps(seen.quarters, area.p50, first, top),
        "p90": steps(seen.quarters, area.p90, first, top),
        "stuck": [at - first for at, value in zip(seen.quarters, area.p90, strict=True) if value is not None and value < 0],
        "said": say(
            "foresight.area_said", planned=span_of(area.planned), needed=span_of(area.needed), p90=round(max(known, default=0))
        ),
    }  # fmt: skip


def span_of(values: tuple[int, ...]) -> str:
    low, high = min(values, default=0), max(values, default=0)
    return f"{low}–{high}" if low < high else f"{high}"


def steps(at: tuple[int, ...], values: tuple[float | None, ...], first: int, top: float) -> str:
    """A line of steps as a path, broken where nothing is known, where the doors are shut, and where nobody serves."""
    path, before = "", None
    for minute, value in zip(at, values, strict=True):
        if value is None or value < 0:
            before = None
            continue
        x, y = minute - first, round(HEIGHT - HEIGHT * min(value, top) / top, 1)
        path += f"{'L' if before == minute else 'M'}{x} {y}H{x + QUARTER}"
        before = minute + QUARTER
    return path


ROUTES = [
    Route("/{hall}/calendar/{day}/foresight", page, methods=["GET"]),
    Route("/{hall}/calendar/{day}/foreseen", told, methods=["GET"]),
]
