"""The small screen beside a self-service machine: begin, done, how it was, and a button that brings a helper."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.acts import helps as helping
from floor.api.problems import status_of
from floor.database import acquire
from floor.pages import render
from floor.pages.console import text
from floor.pages.phone import ASKED_WHY, as_citizen, why
from floor.quality.ratings import REASONS
from floor.words import language, words
from queueing import helps
from queueing.errors import NotFound, Refused
from queueing.visits import visit_of
from scheduling import self_service


async def show(request: Request) -> Response:
    return await draw(request)


async def draw(request: Request, error: str | None = None, status: int = 200) -> Response:
    """The machine as it stands: free, in use, or the question how it was after the use that just ended here."""
    key = request.path_params["key"]
    hall, code = await helping.machine_of(request, key)
    ended = request.query_params.get("ended", "")
    async with acquire(request.app.state.pool) as db:
        machine = next(each for each in await self_service.machines(db, hall) if each.code == code)
        asked = await helps.called_at(db, hall, code)
        helped = any(line.service for line in await helps.lines(db, hall) if line.zone == machine.zone)
        visit = await visit_of(db, hall, "session", int(ended)) if ended.isdecimal() and len(ended) < 16 else None
        rated = visit is not None and await db.fetchval("SELECT EXISTS (SELECT FROM ratings WHERE visit = $1)", visit.id)
    helper = (await acts.ticket_of(request, asked))[1] if asked else None
    mine = visit is not None and visit.number == code
    return render(
        request, "self.html", status, hall=hall, machine=machine, key=key, helper=helper, error=error, ended=ended, helped=helped,
        asks=mine and not rated and machine.session is None, thanks=mine and rated,
        reasons=[(level, REASONS[level]) for level in ASKED_WHY],
    )  # fmt: skip


async def act(request: Request) -> Response:
    """Begin, end, rate, or ask for help; back to the screen."""
    as_citizen(request)
    key, name, form = request.path_params["key"], request.path_params["act"], await request.form()
    press, lang, query = text(form, "press"), request.query_params.get("lang", ""), ""
    ended = text(form, "ended") or ""
    try:
        match name:
            case "start":
                await helping.use(request, key, "start", press=press)
            case "end":
                query = f"ended={await helping.use(request, key, 'end', press=press)}&"
            case "help":
                await helping.call(request, key, press=press)
            case "rating":
                level = text(form, "level") or ""
                if level not in {"1", "2", "3", "4", "5"} or not ended.isdecimal() or len(ended) > 15:
                    return await draw(request, words(language(request))["phone.choose_level"], 422)
                own = [str(code) for code in form.getlist("reasons") if str(code) in REASONS[int(level)]]
                await helping.rate_use(request, key, int(ended), int(level), reasons=own, press=press)
                query = f"ended={ended}&"
            case _:
                raise NotFound(what="page")
    except NotFound:
        raise
    except Refused as refused:
        return await draw(request, why(request, refused), status_of(refused.code))
    return RedirectResponse(f"/self/{key}?{query}lang={lang}" if lang else f"/self/{key}?{query}".rstrip("?&"), 303)


ROUTES = [
    Route("/self/{key}", show, methods=["GET"]),
    Route("/self/{key}/{act}", act, methods=["POST"]),
]
