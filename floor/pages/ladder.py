"""The manager's buttons for what happens on the floor: take on an alarm, decide a step of the ladder, call a helper."""

from collections.abc import Awaitable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor.acts import ladder
from floor.pages.console import text
from floor.pages.manage import by_of, draw
from floor.pages.staffed import reason_of
from floor.words import language, words
from queueing.alarms import KINDS
from queueing.errors import NotFound, Refused


async def see(request: Request) -> Response:
    """Somebody takes on what stands of one kind."""
    kind = request.path_params["kind"]
    if kind not in KINDS:
        raise NotFound(what="page")
    return await back(request, ladder.see_alarms(request, request.path_params["hall"], kind))


async def decide(request: Request) -> Response:
    """Take a step of the ladder, which does it, or refuse it with a reason."""
    hall, act = request.path_params["hall"], request.path_params["act"]
    if act not in ("accept", "refuse"):
        raise NotFound(what="page")
    why = text(await request.form(), "why") or "other"
    doing = ladder.decide(request, hall, request.path_params["id"], act == "accept", None if act == "accept" else why)
    return await back(request, doing)


async def call(request: Request) -> Response:
    """One more window for a service."""
    return await back(request, ladder.call_helper(request, request.path_params["hall"], request.path_params["service"]))


async def take_on(request: Request) -> Response:
    """Go after a visit that waits too long."""
    return await back(request, ladder.take_on_visit(request, request.path_params["hall"], request.path_params["visit"]))


async def back(request: Request, doing: Awaitable[None] | None = None) -> Response:
    """Do it, and the board again; with the reason where it was refused."""
    by, error = by_of(text(await request.form(), "by")), None
    try:
        if doing is not None:
            await doing
    except NotFound:
        raise
    except Refused as refused:
        error = reason_of(refused, words(language(request)))
    if request.headers.get("hx-request") == "true":
        return await draw(request, "_manage.html", by, error=error)
    if error is not None:
        return await draw(request, "manage.html", by, error=error)
    return RedirectResponse(f"/{request.path_params['hall']}/manage?by={by}", 303)


ROUTES = [
    Route("/{hall}/manage/alarms/{kind}/seen", see, methods=["POST"]),
    Route("/{hall}/manage/overdue/{visit:int}/take", take_on, methods=["POST"]),
    Route("/{hall}/manage/ladder/{id:int}/{act}", decide, methods=["POST"]),
    Route("/{hall}/manage/helpers/{service}/call", call, methods=["POST"]),
]
