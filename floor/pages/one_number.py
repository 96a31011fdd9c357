"""One number, one window, over any days: which services sent people to a second window or made them take a second number."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from floor import acts
from floor.database import acquire
from floor.pages import render
from floor.pages.calendar import day_word
from floor.pages.spans import asked_days
from floor.pages.staffed import localized
from floor.quality import one_number
from floor.quality.one_number import Breach
from floor.signin import Person, require
from floor.words import Words, language, words
from queueing.halls import Hall, business_day, services

WATCH = ("manager", "leader", "auditor")
K = TypeVar("K", date, str)


async def show(request: Request) -> Response:
    hall, person, say = await reader(request)
    found = await look(request, hall, say)
    return render(request, "one_number.html", 422 if found["wrong"] else 200, hall=hall, person=person, **found)


async def export(request: Request) -> Response:
    """The days as a file a spreadsheet opens."""
    hall, _, say = await reader(request)
    found = await look(request, hall, say)
    sheet = io.StringIO()
    out = csv.writer(sheet)
    out.writerow([say["promises.day"], say["matters.column_service"], *(say[f"matters.{name}"] for name in COUNTED)])
    out.writerows([each.day.isoformat(), each.service, *(getattr(each, name) for name in COUNTED)] for each in found["breaches"])
    headers = {"content-disposition": 'attachment; filename="one-number.csv"', "cache-control": "no-store"}
    return Response("\ufeff" + sheet.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")


COUNTED = ("served", "second_window", "second_number")


async def reader(request: Request) -> tuple[Hall, Person, Words]:
    hall = await acts.hall_of(request, request.path_params["hall"])
    return hall, await require(request, *WATCH, hall=hall.id), words(language(request))


async def look(request: Request, hall: Hall, say: Words) -> dict[str, Any]:
    """The days asked for, by service and by day; where they make no sense, why, and the usual ones."""
    async with acquire(request.app.state.pool) as db:
        first, last, wrong = asked_days(request, await business_day(db, hall), say)
        breaches = await one_number.breaches(db, hall, first, last)
        names = {row.code: localized(row, say).word for row in await services(db, hall)}
    days = grouped(breaches, lambda each: each.day)
    return {
        "first": first, "last": last, "wrong": wrong, "breaches": breaches,
        "by_service": [{"word": f"{code} {names.get(code, '')}", **sums} for code, sums in
                       grouped(breaches, lambda each: each.service)],
        "by_day": [{"day": day, "word": day_word(day, say), **sums} for day, sums in reversed(days)],
    }  # fmt: skip


def grouped(breaches: Iterable[Breach], by: Callable[[Breach], K]) -> list[tuple[K, dict[str, int]]]:
    """The counts summed by service or by day, in their order."""
    sums: defaultdict[K, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTED, 0))
    for each in breaches:
        for name in COUNTED:
            sums[by(each)][name] += getattr(each, name)
    return sorted(sums.items())


ROUTES = [
    Route("/{hall}/matters/one-number", show, methods=["GET"]),
    Route("/{hall}/matters/one-number.csv", export, methods=["GET"]),
]
