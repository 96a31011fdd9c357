"""Booking a place from a phone: what for, which day, what time, who. One thing on a page, no account, no script."""

import asyncio
from datetime import date, datetime, time
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.acts import appointments as booking
from floor.acts.tickets import phone_number
from floor.api.faults import told as fault_told
from floor.api.problems import status_of
from floor.catalogue.kept import known
from floor.catalogue.search import MOST_TYPED
from floor.database import acquire
from floor.doorcode import PHONE_TICKETS
from floor.pages import render
from floor.pages.calendar import day_word, kind_word
from floor.pages.console import text
from floor.pages.phone import SENDS, as_citizen
from floor.pages.staffed import reason_of
from floor.pages.wording import hours, matter_name, service_name
from floor.pages.wording import when as when
from floor.words import Words, language, words
from queueing import identity
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import Hall, ServiceNow, services
from scheduling import offers
from scheduling.appointments import FORGET_AFTER
from scheduling.day_types import moment
from scheduling.offers import Day
from scheduling.slots import Slot

MOST_FOUND = 12
PLAIN_DAYS = ("weekday", "saturday", "sunday")  # whose name stands in the date


# --- what for -----------------------------------------------------------------------------------------------------


async def choose(request: Request) -> Response:
    """Type what it is about, or choose the service."""
    hall, t = await acts.hall_of(request, request.path_params["hall"]), words(language(request))
    typed = request.query_params.get("q", "").strip()[:MOST_TYPED]
    async with acquire(request.app.state.pool) as db:
        free, offered, kept = await offers.next_free(db, hall), await services(db, hall), await known(request, db, hall)
    by_code = {service.code: service for service in offered if service.code in free}
    found = await asyncio.to_thread(kept.index.find, typed, 50) if typed else []
    found = [each for each in found if each.service in by_code][:MOST_FOUND]
    async with acquire(request.app.state.pool) as db:
        next_of = await offers.next_free_of(db, hall, [each.code for each in found]) if found else {}
    matters = [
        {"name": matter_name(t, each), "of": service_name(t, by_code[each.service]),
         "href": way(request, f"/{hall.code}/book/{each.service}", matter=each.code),
         "next": when(t, hall, next_of.get(each.code))}
        for each in found
    ]  # fmt: skip
    listed = [
        {
            "name": service_name(t, each),
            "href": way(request, f"/{hall.code}/book/{each.code}"),
            "next": when(t, hall, free[each.code]),
        }
        for each in by_code.values()
    ]
    return step(
        request, hall, "choose", typed=typed, matters=matters, listed=listed, has_matters=bool(kept.catalogue.offered),
        by_phone=hall.value(PHONE_TICKETS), take=way(request, f"/{hall.code}/take"),
    )  # fmt: skip


def way(request: Request, path: str, **query: str) -> str:
    """An address of these pages that keeps the language."""
    return f"{path}?{urlencode({'lang': language(request), **{name: value for name, value in query.items() if value}})}"


def step(request: Request, hall: Hall, name: str, status: int = 200, **context: Any) -> Response:
    """One page of the way: `name` is what it asks."""
    here = request.url.path
    query = {key: value for key, value in request.query_params.items() if key != "lang"}
    to = [(lang, f"{here}?{urlencode(query | {'lang': lang})}") for lang in ("zh-Hans", "zh-Hant", "en")]
    return render(
        request, "book.html", status, hall=hall, step=name, tongues=to, home=way(request, f"/{hall.code}/book"),
        mine=way(request, "/b"), **context,
    )  # fmt: skip


# --- which day and time -------------------------------------------------------------------------------------------


async def choose_day(request: Request) -> Response:
    hall, service, matter = await asked(request)
    base = f"/{hall.code}/book/{service.code}"
    async with acquire(request.app.state.pool) as db:
        offered = await offers.days(db, hall, service.code, [matter.code] if matter else ())
    return step(
        request, hall, "days", what=what(request, service, matter), back=way(request, f"/{hall.code}/book"),
        rows=day_rows(request, offered, base, matter=matter.code if matter else ""),
    )  # fmt: skip


async def choose_time(request: Request) -> Response:
    hall, service, matter = await asked(request)
    base, code = f"/{hall.code}/book/{service.code}", matter.code if matter else ""
    t = words(language(request))
    async with acquire(request.app.state.pool) as db:
        offered = await one_day(request, await offers.days(db, hall, service.code, [code] if code else ()))
        kept = await known(request, db, hall)
    word = day_word(offered.day, t)
    if offered.only and not code:
        here, named = f"{base}/{offered.day.isoformat()}", kept.catalogue.named(sorted(offered.only))
        rows = [
            {"name": matter_name(t, each), "href": way(request, here, matter=each.code)} for each in named if not each.retired
        ]
        return step(request, hall, "only", what=what(request, service, None), back=way(request, base), word=word, rows=rows)
    return step(
        request, hall, "times", what=what(request, service, matter), back=way(request, base, matter=code),
        word=word, provisional=offered.provisional,
        parts=time_parts(request, hall, offered, base, matter=code),
    )  # fmt: skip


async def asked(request: Request) -> tuple[Hall, ServiceNow, Any]:
    """The hall, the service and the matter an address is about. NotFound for a service nobody can book."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    async with acquire(request.app.state.pool) as db:
        free, offered, kept = await offers.next_free(db, hall), await services(db, hall), await known(request, db, hall)
    service = next((each for each in offered if each.code == request.path_params["service"] and each.code in free), None)
    if service is None:
        raise NotFound(what="page")
    matter = kept.catalogue.matters.get(request.query_params.get("matter", ""))
    fits = matter is not None and not matter.retired and matter.service == service.code
    return hall, service, matter if fits else None


def what(request: Request, service: ServiceNow, matter: Any) -> str:
    t = words(language(request))
    return matter_name(t, matter) if matter else service_name(t, service)


def day_rows(request: Request, offered: list[Day], base: str, **query: str) -> list[dict[str, Any]]:
    """Each day of the strip: free places, or the reason for none."""
    t = words(language(request))
    return [
        {"word": day_word(each.day, t), "left": each.left, "why": why(t, each), "provisional": each.provisional,
         "apart": each.why == "apart", "only": bool(each.only) and query.get("matter") == "",
         "href": way(request, f"{base}/{each.day.isoformat()}", **query)}
        for each in offered
    ]  # fmt: skip


def why(t: Words, offered: Day) -> str:
    """Why a day has no place, in words."""
    if offered.why == "shut":
        named = offered.name or ("" if offered.kind.code in PLAIN_DAYS else kind_word(offered.kind, t))
        return t("book.shut_named", kind=named) if named else t["book.shut"]
    return t[f"book.{offered.why}"] if offered.why else ""


async def one_day(request: Request, offered: list[Day]) -> Day:
    """The day of an address. NotFound for one that is not open for booking."""
    found = next((each for each in offered if each.day.isoformat() == request.path_params["day"]), None)
    if found is None:
        raise NotFound(what="page")
    return found


def time_parts(request: Request, hall: Hall, offered: Day, base: str, **query: str) -> list[dict[str, Any]]:
    """The times of a day, morning and afternoon."""
    t = words(language(request))
    parts: dict[str, list[dict[str, Any]]] = {}
    for slot in offered.slots:
        begins = hours(hall, slot.start)
        href = way(request, f"{base}/{offered.day.isoformat()}/{begins.replace(':', '')}", **query)
        parts.setdefault("morning" if begins < "12" else "afternoon", []).append(
            {"word": f"{begins}–{hours(hall, slot.end)}", "left": slot.left, "href": href}
        )
    return [{"word": t[f"book.{part}"], "rows": rows} for part, rows in parts.items()]


# --- who ----------------------------------------------------------------------------------------------------------


async def ask_who(request: Request) -> Response:
    return await who_page(request, FormData())


async def who_page(
    request: Request, form: FormData, status: int = 200, wrong: dict[str, str] | None = None, error: str | None = None
) -> Response:
    """Name, ID number and telephone, each with what it is for; what was typed stays."""
    hall, service, matter = await asked(request)
    day, start = day_of_address(request), start_of(request, hall)
    code = matter.code if matter else ""
    async with acquire(request.app.state.pool) as db:
        sends = await db.fetchval(SENDS, hall.id)
        every = [slot for each in await offers.days(db, hall, service.code, [code] if code else ()) for slot in each.slots]
    free = next((slot for slot in every if slot.start == start), None)
    base = f"/{hall.code}/book/{service.code}"
    return step(
        request, hall, "who", status, what=what(request, service, matter), when=span(request, hall, start, free),
        gone=free is None or not free.left, back=way(request, f"{base}/{day.isoformat()}", matter=code),
        action=way(request, request.url.path, matter=code), sends=sends, kept=hall.value(FORGET_AFTER), wrong=wrong or {},
        error=error, typed={name: text(form, name) or "" for name in ("name", "id_number", "phone", "notices")},
    )  # fmt: skip


def day_of_address(request: Request) -> date:
    try:
        return date.fromisoformat(request.path_params["day"])
    except ValueError:
        raise NotFound(what="page") from None


def start_of(request: Request, hall: Hall) -> datetime:
    """The moment an address names, `/2027-03-02/0930`; NotFound."""
    try:
        at = time.fromisoformat(request.path_params["clock"])
    except ValueError:
        raise NotFound(what="page") from None
    return moment(hall, day_of_address(request), at)


def span(request: Request, hall: Hall, start: datetime, slot: Slot | None) -> str:
    """11月23日 周一 09:00–09:30"""
    begins = when(words(language(request)), hall, start.astimezone(ZoneInfo(hall.time_zone)))
    return f"{begins}–{hours(hall, slot.end)}" if slot else begins


async def book(request: Request) -> Response:
    """Book it, and on to the booking's own page: reload and back do nothing more."""
    as_citizen(request)
    hall, service, matter = await asked(request)
    form, t = await request.form(), words(language(request))
    wrong = faults(form, t)
    if wrong:
        return await who_page(request, form, 422, wrong)
    try:
        made = await booking.book(
            request, hall.code, service.code, start_of(request, hall), name=text(form, "name") or "",
            id_number=text(form, "id_number") or "", phone=text(form, "phone"), matters=[matter.code] if matter else [],
            lang=language(request), notices=bool(text(form, "notices")), press=text(form, "press"),
        )  # fmt: skip
    except Refused as refused:
        return await who_page(request, form, status_of(refused.code), error=reason_of(refused, t))
    return RedirectResponse(way(request, f"/b/{made.appointment.code}", new="1"), 303)


def faults(form: FormData, t: Words) -> dict[str, str]:
    """What can't be used of what was typed, by field, all at once."""
    found: dict[str, str] = {}
    if not text(form, "name"):
        found["name"] = t["book.name_missing"]
    for field, check in (("id_number", identity.read), ("phone", phone_number)):
        typed = text(form, field)
        if typed is None and field == "id_number":
            found[field] = t["book.id_missing"]
        elif typed is not None:
            try:
                check(typed)
            except BadInput as refused:
                found[field] = fault_told(str(refused.details["message"]), t)
    return found


ROUTES = [
    Route("/{hall}/book", choose),
    Route("/{hall}/book/{service}", choose_day),
    Route("/{hall}/book/{service}/{day}", choose_time),
    Route("/{hall}/book/{service}/{day}/{clock}", ask_who, methods=["GET"]),
    Route("/{hall}/book/{service}/{day}/{clock}", book, methods=["POST"]),
]
