"""The hall at a glance, for anybody: what is open, how many wait, which window calls whom. Nothing personal."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from floor import acts
from floor.api.routes import acceptable, answer, get
from floor.api.windows import Window
from floor.database import acquire
from floor.words import language, said_in
from queueing import forecast, halls, windows
from queueing.forecast import Wait
from queueing.halls import ServiceNow
from scheduling.days import Calendar, calendar

Status = Literal["open", "booking_only", "not_yet", "past_last_ticket", "quota_full", "closed"]
ORDER: tuple[Status, ...] = ("open", "booking_only", "not_yet", "quota_full", "past_last_ticket", "closed")


class Today(Struct):
    """The business day. `status` is that of the service that is most open; times are the earliest and the latest.

    `day_type` is the code of the day's kind in the hall's calendar; `provisional` while the state has not published it.
    """

    day: date
    status: Status
    opens: datetime | None
    closes: datetime | None
    last_ticket: datetime | None
    day_type: str
    day_name: str | None
    provisional: bool


class Zone(Struct):
    code: str
    name: str


class Service(Struct):
    code: str
    name: str
    zone: str
    status: Status
    waiting: int
    wait: Wait | None


class Rules(Struct):
    calls_before_missed: int
    min_call_s: int
    return_after: int


class Hall(Struct):
    code: str
    name: str
    today: Today
    zones: list[Zone]
    services: list[Service]
    windows: list[Window]
    rules: Rules


async def look(request: Request) -> Response:
    """One picture of the hall, taken in one transaction so that its parts agree."""
    acceptable(request)
    hall = await acts.hall_of(request, request.path_params["hall"])
    lang = language(request)
    async with acquire(request.app.state.pool) as db, db.transaction(isolation="repeatable_read", readonly=True):
        day = await halls.business_day(db, hall)
        zones = await halls.zones(db, hall)
        services = await halls.services(db, hall)
        waits = await forecast.waits(db, hall)
        floor = await windows.list_windows(db, hall)
        known = await calendar(db, hall)
    picture = Hall(
        hall.code,
        hall.name,
        today(day, services, known),
        [Zone(zone.code, named(zone, lang)) for zone in zones],
        [
            Service(s.code, named(s, lang), s.zone, s.status, s.waiting, waits.get(s.code))  # type: ignore[arg-type]
            for s in services
        ],
        [Window(w.no, w.name, w.zone, w.state, w.services, w.ticket) for w in floor],  # type: ignore[arg-type]
        Rules(hall.calls_before_missed, hall.min_call_s, hall.return_after),
    )
    response = answer(picture)
    response.headers.update(said_in(lang))
    return response


def named(it: ServiceNow | halls.Zone, lang: str) -> str:
    """A service's or zone's name in a language, in simplified Chinese where it has none."""
    return {"zh-Hant": it.name_hant, "en": it.name_en}.get(lang) or it.name


def today(day: date, services: Sequence[ServiceNow], known: Calendar) -> Today:
    """The day of the whole hall: its kind by the calendar, its times from the doors of its services."""
    states = {service.status for service in services}
    status: Status = next((status for status in ORDER if status in states), "closed")
    return Today(
        day,
        status,
        min((s.opens for s in services if s.opens), default=None),
        max((s.closes for s in services if s.closes), default=None),
        max((s.last_ticket for s in services if s.last_ticket), default=None),
        known.day_type(day),
        known.name(day),
        known.is_provisional(day),
    )


ROUTES = [get("/api/v1/halls/{hall}", look, "The hall at a glance", "Anybody", Hall)]
