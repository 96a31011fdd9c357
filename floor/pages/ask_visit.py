"""Asking for a visit from a phone: what for, then who and where; also with a ticket or booking in hand. No account."""

from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.acts import appointments as booking
from floor.acts import doorstep as going
from floor.acts import visit_names
from floor.api.problems import status_of
from floor.database import acquire
from floor.pages import render
from floor.pages.console import text
from floor.pages.doorstep_form import faults, offered, typed_of, wish_of
from floor.pages.phone import SENDS, as_citizen
from floor.pages.staffed import reason_of
from floor.words import language, words
from queueing.errors import NotFound, Refused
from queueing.halls import Hall
from scheduling import doorstep


def way(request: Request, path: str, **query: str | list[str]) -> str:
    """An address of these pages that keeps the language."""
    kept = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode({'lang': language(request)} | kept, doseq=True)}"


def step(request: Request, hall: Hall, name: str, status: int = 200, **context: Any) -> Response:
    """One page of the way: `name` is what it asks."""
    query = [(key, value) for key, value in request.query_params.multi_items() if key not in ("lang", "new", "said")]
    to = [(lang, f"{request.url.path}?{urlencode([*query, ('lang', lang)])}") for lang in ("zh-Hans", "zh-Hant", "en")]
    return render(
        request, "doorstep.html", status, hall=hall, step=name, tongues=to, home=way(request, f"/{hall.code}/doorstep"), **context
    )


# --- what for -----------------------------------------------------------------------------------------------------


async def choose(request: Request) -> Response:
    """For whom the hall goes out, and what can be done there."""
    hall, t = await acts.hall_of(request, request.path_params["hall"]), words(language(request))
    async with acquire(request.app.state.pool) as db:
        choices = await offered(db, hall, t)
    return step(
        request, hall, "choose", c=choices, by_service=grouped(choices["matters"]), none=bool(request.query_params.get("next")),
        picked=request.query_params.getlist("matter"),
    )  # fmt: skip


def grouped(matters: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The matters of each service."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in matters:
        found.setdefault(each["of"], []).append(each)
    return found


# --- who and where ------------------------------------------------------------------------------------------------


async def ask(request: Request) -> Response:
    """The form for a visit; without a matter, back to choosing one."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    if not request.query_params.getlist("matter"):
        return RedirectResponse(way(request, f"/{hall.code}/doorstep", next="1"), 303)
    return await form_page(request, hall, way(request, f"/{hall.code}/doorstep", matter=request.query_params.getlist("matter")))


async def form_page(
    request: Request, hall: Hall, back: str, form: FormData | None = None, status: int = 200, *, of: str = "",
    picked: list[str] | None = None, wrong: dict[str, str] | None = None, error: str | None = None,
) -> Response:  # fmt: skip
    """The form; with what was typed, and what of it can't be used. `of` names the number or booking that ends with it."""
    t = words(language(request))
    async with acquire(request.app.state.pool) as db:
        choices = await offered(db, hall, t)
        sends = await db.fetchval(SENDS, hall.id)
    given = typed_of(form) if form is not None else typed_of(FormData())
    if form is None:
        given["matters"], given["notices"] = picked or request.query_params.getlist("matter"), True
    return step(
        request, hall, "who", status, c=choices, sends=sends, back=back, action=f"{request.url.path}?{request.url.query}",
        of=of, typed=given, chosen=[each for each in choices["matters"] if each["code"] in given["matters"]],
        wrong=wrong or {}, error=error,
    )  # fmt: skip


async def post(request: Request) -> Response:
    """Ask for it, and on to the visit's own page: reload and back do nothing more."""
    as_citizen(request)
    hall, form = await acts.hall_of(request, request.path_params["hall"]), await request.form()
    back = way(request, f"/{hall.code}/doorstep", matter=[str(code) for code in form.getlist("matter")])
    return await keep(request, hall, form, back, lambda wish: going.ask(request, hall.code, wish, press=text(form, "press")))


async def keep(request: Request, hall: Hall, form: FormData, back: str, act: Any, *, of: str = "") -> Response:
    """Do it, or show the form again with what was wrong."""
    t = words(language(request))
    async with acquire(request.app.state.pool) as db:
        choices = await offered(db, hall, t)
    wish = wish_of(form, hall, choices, language(request))
    wrong = faults(wish, t, shows={each["code"] for each in choices["reasons"] if each["needs"]})
    if wrong:
        return await form_page(request, hall, back, form, 422, wrong=wrong, of=of)
    try:
        done = await act(wish)
    except Refused as refused:
        return await form_page(request, hall, back, form, status_of(refused.code), error=reason_of(refused, t), of=of)
    return RedirectResponse(way(request, f"/d/{done.visit.key}", new="1"), 303)


# --- its address was lost -----------------------------------------------------------------------------------------


async def seek(request: Request) -> Response:
    """The number and the last four digits of the telephone lead back to the visit's own page."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    return step(request, hall, "find", back=way(request, f"/{hall.code}/doorstep"), typed="", error=None)


async def found(request: Request) -> Response:
    as_citizen(request)
    hall, form, t = await acts.hall_of(request, request.path_params["hall"]), await request.form(), words(language(request))
    number, digits = (text(form, "number") or "")[:24], (text(form, "phone") or "")[:8]
    try:
        visit = await visit_names.quoted(request, hall, number, digits)
    except Refused as refused:
        error = t["doorstep.find_none"] if isinstance(refused, NotFound) else reason_of(refused, t)
        back = way(request, f"/{hall.code}/doorstep")
        return step(request, hall, "find", status_of(refused.code), back=back, typed=number, error=error)
    return RedirectResponse(way(request, f"/d/{visit.key}"), 303)


# --- with a ticket, with a booking ----------------------------------------------------------------------------------


async def of_ticket(request: Request) -> Response:
    """Somebody with a number can't wait or go on: the form, with what the number is for."""
    try:
        hall, ticket = await acts.ticket_of(request, request.path_params["key"])
    except NotFound:
        return render(request, "phone_gone.html", 404)
    back = way(request, f"/t/{ticket.key}")
    if request.method == "GET":
        async with acquire(request.app.state.pool) as db:
            picked = await doorstep.at_the_door(db, hall, ticket.matters)
        return await form_page(request, hall, back, of=ticket.number, picked=picked)
    as_citizen(request)
    form = await request.form()
    return await keep(
        request, hall, form, back, of=ticket.number,
        act=lambda wish: going.of_ticket(request, ticket.key, wish, citizen=True, press=text(form, "press")),
    )  # fmt: skip


async def of_booking(request: Request) -> Response:
    """Somebody who has booked can't come: the form, with what was booked."""
    hall, found = await booking.find(request, request.path_params["code"])
    back, of = way(request, f"/b/{found.code}"), f"{found.code[:5]} {found.code[5:]}"
    if request.method == "GET":
        async with acquire(request.app.state.pool) as db:
            picked = await doorstep.at_the_door(db, hall, found.matters)
        return await form_page(request, hall, back, of=of, picked=picked)
    as_citizen(request)
    form = await request.form()
    return await keep(
        request, hall, form, back, of=of,
        act=lambda wish: going.of_booking(request, found.code, wish, press=text(form, "press")),
    )  # fmt: skip


ROUTES = [
    Route("/t/{key}/doorstep", of_ticket, methods=["GET", "POST"]),
    Route("/b/{code}/doorstep", of_booking, methods=["GET", "POST"]),
    Route("/{hall}/doorstep", choose, methods=["GET"]),
    Route("/{hall}/doorstep/find", seek, methods=["GET"]),
    Route("/{hall}/doorstep/find", found, methods=["POST"]),
    Route("/{hall}/doorstep/ask", ask, methods=["GET"]),
    Route("/{hall}/doorstep/ask", post, methods=["POST"]),
]
