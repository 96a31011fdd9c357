"""A day's bookings for those who keep the hall: how many, who came, whether the promise was kept, and each time as a bar."""

from datetime import date, timedelta
from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from floor import acts
from floor.database import acquire
from floor.pages import render
from floor.pages.book import when
from floor.pages.calendar import date_of, day_word
from floor.pages.wording import hours, service_name
from floor.signin import require
from floor.words import Words, language, words
from queueing.halls import Hall, business_day, services
from scheduling import lookups, offers
from scheduling.appointments import PROMISE, promise_kept
from scheduling.lookups import Row

READERS = ("manager", "leader", "auditor", "desk")
STEP, BAR, TALL = 48, 42, 40  # of a bar, in the drawing's own units


async def show(request: Request) -> Response:
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *READERS, hall=hall.id)
    t = words(language(request))
    async with acquire(request.app.state.pool) as db:
        today = await business_day(db, hall)
        day = date_of(request.query_params["day"]) if "day" in request.query_params else today
        rows, kept, lost = await lookups.of_day(db, hall, day), await promise_kept(db, hall, day), await offers.fallen(db, hall)
        names = {service.code: service_name(t, service) for service in await services(db, hall)}
    due = sum(row.checked_in + row.no_show for row in rows)
    missed = sum(row.no_show for row in rows)
    base = f"/{hall.code}/bookings"
    return render(
        request, "bookings.html", hall=hall, word=day_word(day, t), today=day == today, before=near(base, day, -1),
        after=near(base, day, 1), booked=sum(row.booked + row.checked_in + row.no_show for row in rows),
        checked_in=sum(row.checked_in for row in rows), cancelled=sum(row.cancelled for row in rows), missed=missed,
        share=round(100 * missed / due) if due else None, kept=kept, minutes=hall.value(PROMISE), base=base,
        bars=[bars(hall, names[code], list(own)) for code, own in groupby(rows, key=lambda row: row.service)],
        lost=[told(hall, names, each, t) for each in lost], at_desk=bool(person.roles & {"desk", "leader", "manager"}),
        rules=bool(person.roles & {"manager", "leader", "auditor"}),
    )  # fmt: skip


def near(base: str, day: date, days: int) -> str:
    return f"{base}?day={(day + timedelta(days)).isoformat()}"


def told(hall: Hall, names: dict[str, str], lost: offers.Fallen, t: Words) -> dict[str, Any]:
    return {"code": lost.code, "when": when(t, hall, lost.start), "service": names[lost.service], "reachable": lost.reachable}


def bars(hall: Hall, name: str, rows: list[Row]) -> dict[str, Any]:
    """The times of a service as bars: places, and on them who came, is still to come, or did not."""
    most = max(max(row.capacity, row.booked + row.checked_in + row.no_show) for row in rows)
    drawn = []
    for n, row in enumerate(rows):
        parts: list[dict[str, Any]] = []
        top = float(TALL)
        for kind, count in (("came", row.checked_in), ("booked", row.booked), ("missed", row.no_show)):
            height = round(TALL * count / most, 1)
            top = round(top - height, 1)
            parts.append({"kind": kind, "y": top, "height": height})
        place = round(TALL * row.capacity / most, 1)
        taken = row.booked + row.checked_in + row.no_show
        drawn.append({"x": n * STEP, "parts": parts, "place": place, "place_y": round(TALL - place, 1), "taken": taken,
                      "capacity": row.capacity, "word": hours(hall, row.start)})  # fmt: skip
    return {
        "name": name, "bars": drawn, "width": len(rows) * STEP, "bar": BAR, "tall": TALL,
        "taken": sum(each["taken"] for each in drawn), "capacity": sum(row.capacity for row in rows),
    }  # fmt: skip


ROUTES = [Route("/{hall}/bookings", show, methods=["GET"])]
