"""The ladder over some days: how often each step was offered, taken, refused or not answered, and who said so."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from floor import acts, lines
from floor.database import acquire
from floor.pages import render
from floor.pages.drained import reason
from floor.pages.manage import plain
from floor.pages.spans import asked_days
from floor.pages.staffed import clock, localized
from floor.pages.wording import when
from floor.signin import require
from floor.words import Words, language, words
from queueing.halls import Hall, business_day, services
from scheduling import ladder_report
from scheduling.ladder_report import Line, Rung

WATCH = ("manager", "leader", "auditor")
SHOWN, EXPORTED = 200, 20_000
ENDS = ("accepted", "refused", "open", "unanswered", "needless", "nothing")  # what a step comes to, as the bar is drawn
WIDTH = 600


async def show(request: Request) -> Response:
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *WATCH, hall=hall.id)
    found = await look(request, hall, words(language(request)), SHOWN)
    return render(request, "ladder_report.html", 422 if found["wrong"] else 200, hall=hall, person=person, ends=ENDS, **found)


async def export(request: Request) -> Response:
    """The offers one by one as a file a spreadsheet opens."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *WATCH, hall=hall.id)
    say = words(language(request))
    found = await look(request, hall, say, EXPORTED)
    sheet = io.StringIO()
    out = csv.writer(sheet)
    out.writerow([say[f"ladder.column_{name}"] for name in ("day", "at", "step", "for", "state", "why", "by", "minutes")])
    out.writerows(
        [one["day"].isoformat(), one["at"], one["step"], plain(one["for"]), one["said"], plain(one["why"]), plain(one["by"]),
         one["minutes"]]
        for one in found["lines"]
    )  # fmt: skip
    headers = {"content-disposition": 'attachment; filename="ladder.csv"', "cache-control": "no-store"}
    return Response("\ufeff" + sheet.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")


async def look(request: Request, hall: Hall, say: Words, most: int) -> dict[str, Any]:
    """The steps of the days asked for, and the offers behind them."""
    async with acquire(request.app.state.pool) as db:
        first, last, wrong = asked_days(request, await business_day(db, hall), say)
        names = {row.code: localized(row, say).word for row in await services(db, hall)}
        service = request.query_params.get("service") or None
        service = service if service in names else None
        rungs = await ladder_report.rungs(db, hall, first, last, service)
        found = await ladder_report.lines(db, hall, first, last, most, service)
        people = await lines.names(db, hall)
    widest = max((rung.offered for rung in rungs), default=0) or 1
    return {
        "first": first, "last": last, "wrong": wrong, "service": service, "services": names, "any": bool(found),
        "more": len(found) == most, "rungs": [rung_row(rung, widest, say) for rung in rungs],
        "lines": [line_row(one, hall, names, people, say) for one in found],
    }  # fmt: skip


def rung_row(rung: Rung, widest: int, say: Words) -> dict[str, Any]:
    """A step with its figures, and its bar: one part for each end, all bars on one scale."""
    parts, x = [], 0.0
    for end in ENDS:
        n = getattr(rung, end)
        width = WIDTH * n / widest
        if n:
            parts.append({"end": end, "x": round(x, 1), "width": round(width, 1), "n": n})
        x += width
    answered = rung.accepted + rung.refused
    return {
        "step": rung.step, "word": say[f"ladder.step_{rung.step}"], "parts": parts, "offered": rung.offered,
        "share": f"{round(100 * rung.accepted / answered)} %" if answered else "–",
        "minutes": f"{rung.median_s / 60:.1f}" if rung.median_s is not None else "–",
        **{end: getattr(rung, end) for end in ENDS},
    }  # fmt: skip


def line_row(one: Line, hall: Hall, names: Mapping[str, str], people: Mapping[str, str], say: Words) -> dict[str, Any]:
    """One offer, to whom, and by whose word it ended after how many minutes."""
    took = (one.decided_at - one.offered_at).total_seconds() / 60 if one.decided_at else None
    return {
        "day": one.day, "when": when(say, hall, one.offered_at), "at": clock(one.offered_at, hall),
        "step": say[f"ladder.step_{one.step}"], "for": one.number or f"{one.service} {names.get(one.service, '')}".strip(),
        "state": one.state, "said": say[f"ladder.state_{one.state}"], "why": reason(one.why, say),
        "by": who(one.decided_by, people, say), "minutes": "" if took is None else f"{took:.1f}",
    }  # fmt: skip


def who(actor: str | None, people: Mapping[str, str], say: Words) -> str:
    """Who decided: a name, or what they are where they have none."""
    role, _, name = (actor or "").partition(":")
    if not role:
        return ""
    return people.get(name) or say[f"ladder.by_{role if role in ('citizen', 'device', 'clock') else 'other'}"]


ROUTES = [Route("/{hall}/ladder", show, methods=["GET"]), Route("/{hall}/ladder.csv", export, methods=["GET"])]
