"""Choosing at the kiosk and the query screen: find a matter by typing, by area, by moment of life or as a package."""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from floor import acts
from floor.catalogue.kept import Known, known
from floor.database import Db, acquire
from floor.pages import mint_press, render
from floor.pages.kiosk import Asked, asked, draw, off, why_shut
from floor.pages.wording import days, matter_name, minutes, service_name, zone_name, zone_of
from floor.signin import kiosk
from floor.words import Words
from queueing import forecast
from queueing.errors import NotFound
from queueing.forecast import Wait
from queueing.halls import Hall, ServiceNow, Zone, services, zones
from queueing.matters import Catalogue, Matter, in_language, viewed

TABS = ("search", "packages", "events", "zones")
ROWS, LARGE_ROWS = 6, 4  # matters that fit one screen beside the keyboard
TALL_ROWS, TALL_LARGE_ROWS = 9, 6  # and without it
KEYBOARD = ("QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM")


@dataclass(frozen=True, slots=True)
class Ground:
    """What the floor looks like while somebody chooses: the queues as they stand, how long each takes, the areas."""

    hall: Hall
    kept: Known
    queues: dict[str, ServiceNow]
    waits: dict[str, Wait | None]
    zones: list[Zone]

    @property
    def catalogue(self) -> Catalogue:
        return self.kept.catalogue


async def ground(request: Request, db: Db, hall: Hall) -> Ground:
    return Ground(
        hall, await known(request, db, hall), {service.code: service for service in await services(db, hall)},
        dict(await forecast.waits(db, hall)), await zones(db, hall),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A matter in a list: whose queue, how many wait there, and why it can't be had now where it can't."""

    code: str
    name: str
    prefix: str
    open: bool
    why: str
    waiting: int
    wait: str
    package: bool
    quick: bool
    picked: bool


def found(t: Words, at: Ground, matter: Matter, wish: Asked) -> Found:
    queue = at.queues[matter.service]
    return Found(
        matter.code, matter_name(t, matter), queue.prefix, done_now(queue, matter), why_not(t, at, matter), queue.waiting,
        minutes(t, at.waits.get(queue.code)), bool(matter.parts), matter.quick, matter.code in wish.picked,
    )  # fmt: skip


def done_now(queue: ServiceNow, matter: Matter) -> bool:
    """Whether a number can be had for it now."""
    return queue.status == "open" and (queue.only is None or matter.code in queue.only)


def why_not(t: Words, at: Ground, matter: Matter) -> str:
    """Why none can be had for it."""
    queue = at.queues[matter.service]
    return t["kiosk.not_today"] if queue.status == "open" else why_shut(t, at.hall, queue)


async def finding(wish: Asked, at: Ground) -> dict[str, Any]:
    """The list somebody asked for: what they typed, or one area, one moment of life, or the packages."""
    offered, t = at.catalogue.offered, wish.t
    tab = wish.tab if wish.tab in TABS else "search"
    rows: list[Matter] = []
    heading = ""
    if tab == "search":
        rows = await asyncio.to_thread(at.kept.index.find, wish.q) if wish.q else [each for each in offered if each.parts]
    elif tab == "packages":
        rows = [each for each in offered if each.parts]
    elif tab == "events" and wish.event in at.catalogue.events:
        event = at.catalogue.events[wish.event]
        heading = matter_name(t, event)
        rows = [each for each in at.catalogue.named(event.matters) if not each.retired]
    elif tab == "zones" and wish.zone:
        heading = zone_name(t, zone_of(at.zones, wish.zone))
        rows = [each for each in offered if at.queues[each.service].zone == wish.zone]
    groups = []
    if tab == "events" and not heading:
        groups = [(event.code, matter_name(t, event)) for event in at.catalogue.events.values() if not event.retired]
    elif tab == "zones" and not heading:
        groups = [(zone.code, zone_name(t, zone)) for zone in at.zones]
    typing = tab == "search"
    most = (LARGE_ROWS if wish.large else ROWS) if typing else TALL_LARGE_ROWS if wish.large else TALL_ROWS
    pages = max(1, -(-len(rows) // most))
    page = min(max(wish.page, 1), pages)
    return {
        "tab": tab, "tabs": TABS, "heading": heading, "groups": groups, "page": page, "pages": pages, "keyboard": KEYBOARD,
        "total": len(rows), "rows": [found(t, at, each, wish) for each in rows[(page - 1) * most : page * most]],
        "picked": [matter_name(t, each) for each in at.catalogue.named(wish.picked)],
    }  # fmt: skip


def about(wish: Asked, at: Ground, matter: Matter) -> dict[str, Any]:
    """All a matter's card says: what to bring, how long it takes, what often goes wrong, and whether it can be had now."""
    t, queue = wish.t, at.queues[matter.service]
    lists = {
        "materials": in_language(t.lang, matter.materials, matter.materials_hant, matter.materials_en),
        "mistakes": in_language(t.lang, matter.mistakes, matter.mistakes_hant, matter.mistakes_en),
    }
    codes = (*(code for code in wish.picked if code != matter.code), matter.code)
    chosen = at.catalogue.named(codes)
    closed = next((each for each in chosen if not done_now(at.queues[each.service], each)), None)
    return {
        "matter": found(t, at, matter, wish), "guide": in_language(t.lang, matter.guide, matter.guide_hant, matter.guide_en),
        "version": matter.guide_version, **lists, "parts": [matter_name(t, each) for each in at.catalogue.named(matter.parts)],
        "promised": days(t, matter.promised_days), "one_visit": matter.one_visit, "fee": matter.fee,
        "department": matter.department, "zone_word": zone_name(t, zone_of(at.zones, queue.zone)),
        "queue": service_name(t, queue), "codes": codes, "others": [matter_name(t, each) for each in chosen[:-1]],
        "queues": len(at.catalogue.services_for(codes)), "press": mint_press(), "closed": closed and why_not(t, at, closed),
    }  # fmt: skip


# --- the kiosk --------------------------------------------------------------------------------------------------


async def find(request: Request) -> Response:
    """The screen on which a matter is found."""
    return await show(request, "_kiosk_screen.html")


async def listed(request: Request) -> Response:
    """The list alone, while somebody types."""
    return await show(request, "_found.html")


async def show(request: Request, template: str) -> Response:
    hall, wish = await acts.hall_of(request, request.path_params["hall"]), asked(request.query_params)
    person = await kiosk(request)
    if person is None or person.hall != hall.id:
        return draw(request, "_kiosk_screen.html", hall, wish, off(wish.t), status=403)
    async with acquire(request.app.state.pool) as db:
        at = await ground(request, db, hall)
    what = {"screen": "find", "here": f"/{hall.code}/kiosk/find", "base": f"/{hall.code}/kiosk"} | await finding(wish, at)
    if template == "_found.html":
        return render(request, template, lang=wish.lang, t=wish.t, hall=hall, wish=wish, **what)
    return draw(request, template, hall, wish, what)


async def matter(request: Request) -> Response:
    """One matter's card."""
    hall, wish = await acts.hall_of(request, request.path_params["hall"]), asked(request.query_params)
    person = await kiosk(request)
    if person is None or person.hall != hall.id:
        return draw(request, "_kiosk_screen.html", hall, wish, off(wish.t), status=403)
    code = request.path_params["code"]
    async with acquire(request.app.state.pool) as db:
        at = await ground(request, db, hall)
        if code not in at.catalogue.matters or at.catalogue.matters[code].retired:
            raise NotFound(what="matter")
        if "quiet" not in request.query_params:
            await viewed(db, hall, code, "kiosk")
    here = f"/{hall.code}/kiosk/matter/{code}"
    what = {"screen": "matter", "here": here, "base": f"/{hall.code}/kiosk"} | about(wish, at, at.catalogue.matters[code])
    return draw(request, "_kiosk_screen.html", hall, wish, what)


ROUTES = [
    Route("/{hall}/kiosk/find", find),
    Route("/{hall}/kiosk/found", listed),
    Route("/{hall}/kiosk/matter/{code}", matter),
]
