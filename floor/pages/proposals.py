"""The buttons of a proposal on the manager's board."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.acts.balance import DECIDES, decide
from floor.pages.console import text
from floor.pages.manage import by_of, draw
from floor.pages.staffed import reason_of
from floor.signin import require
from floor.words import language, words
from queueing.errors import NotFound, Refused

ACTS = ("apply", "refuse", "undo")


async def press(request: Request) -> Response:
    """One click does it, one puts it aside, one takes it back."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    act, error = request.path_params["act"], None
    if act not in ACTS:
        raise NotFound(what="page")
    await require(request, *DECIDES, hall=hall.id)
    by = by_of(text(await request.form(), "by"))
    try:
        await decide(request, hall.code, request.path_params["id"], act)
    except Refused as refused:
        error = reason_of(refused, words(language(request)))
    if request.headers.get("hx-request") == "true":
        return await draw(request, "_manage.html", by, error=error)
    if error is not None:
        return await draw(request, "manage.html", by, error=error)
    return RedirectResponse(f"/{hall.code}/manage?by={by}", 303)


ROUTES = [Route("/{hall}/manage/proposals/{id:int}/{act}", press, methods=["POST"])]
