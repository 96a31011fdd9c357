"""The rating pad at a window: the clerk's plate at rest, five faces after a visit, and nothing for the clerk to see."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devices import pairing
from floor import acts
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.board import AGENT, MODEL
from floor.pages.paired import keep_secret, paired
from floor.pages.wording import service_name
from floor.people import User, find_user
from floor.quality.ratings import REASONS
from floor.refusals import NotAllowed
from floor.signin import current, require
from floor.words import LANGUAGES, Words, language, words
from queueing.halls import Hall, services
from queueing.windows import Window, get_window

LEVELS = (5, 4, 3, 2, 1)
ASKED_WHY = (2, 1)  # bad levels offer reasons
DEMO_STAFF = ("engineer", "manager")


async def pad(request: Request) -> Response:
    """The pad of a window, for the browser that is paired as its evaluator."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    t = words(language(request))
    async with acquire(request.app.state.pool) as db:
        context = await plate_context(db, t, hall, request.path_params["window"])
    machines = [one for one in await paired(request, hall.id, "evaluator") if one.window == request.path_params["window"]]
    if not machines:
        return await unpaired(request, hall)
    return render(
        request,
        "pad.html",
        hall=hall,
        device=machines[0].device,
        levels=LEVELS,
        reasons=[(level, REASONS[level]) for level in ASKED_WHY],
        **context,
    )


async def unpaired(request: Request, hall: Hall) -> Response:
    """How to make this browser the window's pad; in the demo hall staff do it with one button."""
    person = await current(request)
    ours = request.app.state.settings.demo and person is not None and not person.roles.isdisjoint(DEMO_STAFF)
    return render(request, "pad_unpaired.html", 401, hall=hall, window=request.path_params["window"], demo=ours)


async def plate(request: Request) -> Response:
    """The plate alone, asked for when the window's feed says something changed there."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    if not await paired(request, hall.id, "evaluator"):
        raise NotAllowed()
    async with acquire(request.app.state.pool) as db:
        context = await plate_context(db, words(language(request)), hall, request.path_params["window"])
    return render(request, "_plate.html", hall=hall, **context)


async def plate_context(db: Db, t: Words, hall: Hall, no: str) -> dict[str, Any]:
    """Who sits at the window and what is done there."""
    window = await get_window(db, hall, no)
    clerk = await find_user(db, window.clerk) if window.clerk else None
    named = {service.code: service_name(t, service) for service in await services(db, hall)}
    does = [named[code] for code in window.services if code in named]
    return {"window": window, "clerk": clerk, "does": does, "standing": standing(window, clerk)}


def standing(window: Window, clerk: User | None) -> str:
    """What the plate shows: somebody here, a pause, or a closed window."""
    if clerk is None or window.state == "closed":
        return "closed"
    return "paused" if window.state == "paused" else "here"


async def pair_demo(request: Request) -> Response:
    """The demo's one button: create the window's pad and be it. A browser that is it already stays it."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *DEMO_STAFF, hall=hall.id)
    if not request.app.state.settings.demo:
        raise NotAllowed()
    no = request.path_params["window"]
    answer = RedirectResponse(f"/{hall.code}/pad/{no}", 303)
    await become_pad(request, hall, no, person.actor, answer)
    return answer


async def become_pad(request: Request, hall: Hall, no: str, actor: str, answer: Response) -> None:
    """Make this browser the pad of a window, by `answer`'s cookie. One that is it already stays it."""
    if any(one.window == no for one in await paired(request, hall.id, "evaluator")):
        return
    async with acquire(request.app.state.pool) as db:
        name = words(LANGUAGES[0])("rate.pad_of", no=no)
        device, code, _ = await pairing.create_device(db, hall.id, "evaluator", name=name, actor=actor, window=no)
        made = await pairing.pair(db, code, MODEL, AGENT, address="demo")
    request.app.state.doorbell.ring(hall.id)
    keep_secret(answer, request, device.id, made.secret)


ROUTES = [
    Route("/{hall}/pad/{window}", pad),
    Route("/{hall}/pad/{window}/plate", plate),
    Route("/{hall}/pad/{window}/demo", pair_demo, methods=["POST"]),
]
