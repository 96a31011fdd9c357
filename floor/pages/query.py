"""The query screen (信息查询屏): what the hall does, who waits where, what to bring, and a code to take it away on a phone."""

from typing import Any

import segno
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devices import clock
from floor import acts
from floor.api.foreign import Queue, shown
from floor.database import acquire
from floor.pages import render
from floor.pages.choosing import Ground, about, finding, ground
from floor.pages.kiosk import Asked, asked, why_shut
from floor.pages.wording import day, hours, minutes, service_name, zone_name, zone_of
from floor.settings import Settings
from floor.words import Words
from queueing import foreign
from queueing.errors import NotFound
from queueing.halls import Hall
from queueing.matters import viewed
from queueing.windows import Window, list_windows


async def page(request: Request) -> Response:
    """The whole page, opened once in the morning; afterwards only its screen changes."""
    return await show(request, "query.html")


async def screen(request: Request) -> Response:
    return await show(request, "_query_screen.html")


async def show(request: Request, template: str) -> Response:
    """The first screen: every business with who waits and which windows are at work, ours and other systems'."""
    hall, wish = await acts.hall_of(request, request.path_params["hall"]), asked(request.query_params)
    async with acquire(request.app.state.pool) as db:
        at = await ground(request, db, hall)
        floor, others = await list_windows(db, hall), await foreign.queues(db, hall)
    rows = [business(wish.t, at, code, floor) for code in at.queues]
    beside = [told(wish.t, hall, shown(queue, wish.lang)) for queue in others]
    return draw(request, template, hall, wish, {"screen": "home", "rows": rows, "others": beside})


def draw(request: Request, template: str, hall: Hall, wish: Asked, what: dict[str, Any], status: int = 200) -> Response:
    """A screen in the reader's language; `plain` is the first one as it stands when nobody has touched it."""
    now, base = clock.now().wall, f"/{hall.code}/query"
    plain = what["screen"] == "home" and wish == Asked("zh-Hans", False, None, 1)
    return render(
        request, template, status, hall=hall, lang=wish.lang, t=wish.t, wish=wish, base=base, plain=plain,
        today=day(wish.t, hall, now), time=hours(hall, now), **({"here": f"{base}/screen"} | what),
    )  # fmt: skip


def business(t: Words, at: Ground, code: str, floor: list[Window]) -> dict[str, Any]:
    """One of our queues: who waits, how long, and the windows that serve it now."""
    queue = at.queues[code]
    serving = [window for window in floor if window.state != "closed" and code in window.services]
    return {
        "code": code, "prefix": queue.prefix, "name": service_name(t, queue), "zone": queue.zone,
        "place": zone_name(t, zone_of(at.zones, queue.zone)), "open": queue.status == "open", "why": why_shut(t, at.hall, queue),
        "waiting": queue.waiting, "wait": minutes(t, at.waits.get(code)), "windows": [window.no for window in serving],
        "matters": sum(matter.service == code for matter in at.catalogue.offered),
    }  # fmt: skip


def told(t: Words, hall: Hall, queue: Queue) -> dict[str, Any]:
    """A queue of another system, with the moment it speaks of."""
    return {
        "name": queue.name, "system": queue.system_name, "place": queue.place or "", "waiting": queue.waiting,
        "windows": queue.windows, "calling": queue.calling, "wait": minutes(t, queue.wait) if queue.wait else "",
        "open": queue.open, "stale": queue.stale, "as_of": hours(hall, queue.as_of),
    }  # fmt: skip


async def find(request: Request) -> Response:
    return await found(request, "_query_screen.html")


async def listed(request: Request) -> Response:
    return await found(request, "_found.html")


async def found(request: Request, template: str) -> Response:
    """Finding a matter, as at the kiosk."""
    hall, wish = await acts.hall_of(request, request.path_params["hall"]), asked(request.query_params)
    async with acquire(request.app.state.pool) as db:
        at = await ground(request, db, hall)
    what = {"screen": "find", "here": f"/{hall.code}/query/find"} | await finding(wish, at)
    return draw(request, template, hall, wish, what)


async def matter(request: Request) -> Response:
    """A matter's guide, with the code that takes it to a phone."""
    hall, wish = await acts.hall_of(request, request.path_params["hall"]), asked(request.query_params)
    at, code = await guide_of(request, hall, "query")
    settings: Settings = request.app.state.settings
    address = f"{settings.origin(request.headers.get('host', ''))}/{hall.code}/guide/{code}?lang={wish.lang}"
    picture = segno.make(address, error="m", micro=False).svg_inline(scale=4, border=2, light="#fff", dark="#000", omitsize=True)
    what = {"screen": "matter", "here": f"/{hall.code}/query/matter/{code}", "code": picture}
    return draw(request, "_query_screen.html", hall, wish, what | about(wish, at, at.catalogue.matters[code]))


async def guide(request: Request) -> Response:
    """The same guide on a phone."""
    hall, wish = await acts.hall_of(request, request.path_params["hall"]), asked(request.query_params)
    at, code = await guide_of(request, hall, "phone")
    what = about(wish, at, at.catalogue.matters[code])
    return render(request, "guide.html", hall=hall, t=wish.t, lang=wish.lang, wish=wish, **what)


async def guide_of(request: Request, hall: Hall, channel: str) -> tuple[Ground, str]:
    """The ground and the matter of an address; counted as looked at. NotFound for one that is not offered."""
    code = request.path_params["code"]
    async with acquire(request.app.state.pool) as db:
        at = await ground(request, db, hall)
        if code not in at.catalogue.matters or at.catalogue.matters[code].retired:
            raise NotFound(what="matter")
        if "quiet" not in request.query_params:
            await viewed(db, hall, code, channel)
    return at, code


ROUTES = [
    Route("/{hall}/query", page),
    Route("/{hall}/query/screen", screen),
    Route("/{hall}/query/find", find),
    Route("/{hall}/query/found", listed),
    Route("/{hall}/query/matter/{code}", matter),
    Route("/{hall}/guide/{code}", guide),
]
