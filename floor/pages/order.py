"""An agent order on the phone of whom it is for: how far it is, and how it went."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.acts import orders as acting
from floor.api.problems import status_of
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.calendar import day_word
from floor.pages.console import text
from floor.pages.phone import ASKED_WHY, as_citizen, why
from floor.pages.wording import matter_name
from floor.quality.ratings import REASONS
from floor.words import language, words
from queueing.errors import NotFound, Refused
from queueing.matters import some
from scheduling import orders

STAGES = ("requested", "collected", "filed", "returned")


async def show(request: Request, status: int = 200, wrong: str | None = None) -> Response:
    """Where the order of a code stands; whoever has the code may read it. Nothing personal is on it."""
    hall, say = await acts.hall_of(request, request.path_params["hall"]), words(language(request))
    async with acquire(request.app.state.pool) as db:
        try:
            order = await orders.by_code(db, hall, request.path_params["code"])
        except NotFound:
            return render(request, "phone_gone.html", 404)
        names = [matter_name(say, matter) for matter in await some(db, hall, order.matters)]
        rated, in_time = await may_rate(db, order.id)
    return render(
        request, "order.html", status, hall=hall, order=order, stages=STAGES, names=names or order.matters, wrong=wrong,
        due=day_word(order.due, say) if order.due else "", rated=rated, may_rate=in_time and not rated,
        reasons=[(level, REASONS[level]) for level in ASKED_WHY],
    )  # fmt: skip


RATED = """
SELECT EXISTS (SELECT FROM ratings WHERE visit = v.id) AS rated, hall_now() < v.rateable_until AS in_time
FROM visits v WHERE v.source = 'order' AND v.subject = $1
"""


async def may_rate(db: Db, order: int) -> tuple[bool, bool]:
    """Whether its visit has been rated, and whether it still can be."""
    row = await db.fetchrow(RATED, order)
    return (row["rated"], row["in_time"]) if row else (False, False)


async def rate(request: Request) -> Response:
    """Keep the rating, and back to the order."""
    as_citizen(request)
    form, hall_code, code = await request.form(), request.path_params["hall"], request.path_params["code"]
    level = str(form.get("level", ""))
    if level not in {"1", "2", "3", "4", "5"}:
        return await show(request, 422, words(language(request))["phone.choose_level"])
    async with acquire(request.app.state.pool) as db:
        order = await orders.by_code(db, await acts.hall_of(request, hall_code), code)
    try:
        await acting.rate(
            request, order, int(level), comment=text(form, "comment"), press=text(form, "press"),
            reasons=[str(each) for each in form.getlist("reasons") if str(each) in REASONS[int(level)]],
        )  # fmt: skip
    except Refused as refused:
        return await show(request, status_of(refused.code), why(request, refused))
    lang = request.query_params.get("lang", "")
    return RedirectResponse(f"/{hall_code}/o/{order.code}" + (f"?lang={lang}" if lang else ""), 303)


ROUTES = [
    Route("/{hall}/o/{code}", show, methods=["GET"]),
    Route("/{hall}/o/{code}/rating", rate, methods=["POST"]),
]
