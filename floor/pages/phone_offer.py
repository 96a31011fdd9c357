"""What the hall offers a visitor it may not reach today, on their own telephone: another time, or a visit; taken or not."""

from datetime import datetime

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor.acts import ladder
from floor.api.problems import status_of
from floor.pages import render
from floor.pages.calendar import moment_of
from floor.pages.phone import as_citizen, offers, why
from floor.words import language, words
from queueing.errors import NotFound, Refused
from scheduling.answers import WHY
from scheduling.escalation import VISITOR_STEPS


async def ask(request: Request) -> Response:
    """One offer: what it means, yes, or no with a reason."""
    return await show(request)


async def show(request: Request, status: int = 200, wrong: str | None = None) -> Response:
    step, t = request.path_params["step"], words(language(request))
    try:
        hall, ticket, steps = await ladder.steps_of(request, request.path_params["key"])
    except NotFound:
        return render(request, "phone_gone.html", 404)
    mine = next((one for one in offers(t, hall, ticket, steps) if one["step"] == step), None)
    if mine is None and wrong is None:
        return back(request)
    return render(request, "phone_offer.html", status, hall=hall, ticket=ticket, one=mine, wrong=wrong, reasons=WHY)


async def answer(request: Request) -> Response:
    """Take it, or say no; and back to the ticket."""
    as_citizen(request)
    key, step, act = (request.path_params[name] for name in ("key", "step", "act"))
    if step not in VISITOR_STEPS or act not in ("accept", "refuse") or (act, step) == ("accept", "doorstep"):
        raise NotFound(what="page")
    form = await request.form()
    press = str(form.get("press") or "") or None
    try:
        if act == "accept":
            await ladder.take_slot(request, key, start=shown_start(form), press=press)
        else:
            asked = str(form.get("why") or "")
            await ladder.refuse(request, key, step, asked if asked in WHY else "other", press=press)
    except Refused as refused:
        return await show(request, status_of(refused.code), why(request, refused))
    return back(request)


def shown_start(form: FormData) -> datetime | None:
    """The time that stood on the button: what was touched is taken, or nothing. NotFound for what no page of ours sends."""
    value = form.get("start")
    return moment_of(value) if isinstance(value, str) and value else None


def back(request: Request) -> Response:
    return RedirectResponse(f"/t/{request.path_params['key']}?lang={language(request)}", 303)


ROUTES = [
    Route("/t/{key}/offers/{step}", ask, methods=["GET"]),
    Route("/t/{key}/offers/{step}/{act}", answer, methods=["POST"]),
]
