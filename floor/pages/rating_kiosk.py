"""The screen of the self-rating corner: scan or type a code, say how it was, thank you, and the next."""

import segno
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.acts import rating_kiosk as acting
from floor.api.problems import status_of
from floor.pages import render
from floor.pages.console import text
from floor.pages.phone import ASKED_WHY, as_citizen, why
from floor.quality.ratings import REASONS
from floor.settings import Settings
from floor.words import language, words
from queueing.errors import NotFound, Refused
from queueing.halls import Hall


async def show(request: Request) -> Response:
    return await draw(request)


async def draw(
    request: Request, *, code: str = "", number: str = "", wrong: str | None = None, status: int = 200
) -> Response:  # fmt: skip
    """The question for a code; with one that may be rated, the faces. The code is in no address: addresses are written down."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    return render(
        request, "rating_kiosk.html", status, hall=hall, code=code, number=number, wrong=wrong,
        thanks="thanks" in request.query_params, reasons=[(level, REASONS[level]) for level in ASKED_WHY],
    )  # fmt: skip


async def asked(request: Request) -> Response:
    """The code of a question, scanned by a phone from the desk's screen."""
    code = request.path_params["code"][:40]
    try:
        found, open_now = await acting.find(request, request.path_params["hall"], code)
    except NotFound:
        return await draw(request, wrong=words(language(request))["rate_kiosk.unknown"], status=404)
    if not open_now:
        return await draw(request, wrong=words(language(request))("rate_kiosk.not_now", number=found.number), status=409)
    return await draw(request, code=code, number=found.number)


def question_code(request: Request, hall: Hall, question: int) -> str:
    """What a phone scans to say how a question was answered, as an SVG."""
    settings: Settings = request.app.state.settings
    code = acting.code_of_question(settings.secret, hall, question)
    address = f"{settings.origin(request.headers.get('host', ''))}/{hall.code}/rate/q/{code}"
    return segno.make(address, error="m", micro=False).svg_inline(scale=4, border=2, light="#fff", dark="#000", omitsize=True)


async def find(request: Request) -> Response:
    """What a code leads to."""
    as_citizen(request)
    form, say = await request.form(), words(language(request))
    code = (text(form, "code") or "").strip()[:200]
    try:
        found, open_now = await acting.find(request, request.path_params["hall"], code)
    except NotFound:
        return await draw(request, wrong=say["rate_kiosk.unknown"], status=404)
    except Refused as refused:
        return await draw(request, wrong=why(request, refused), status=status_of(refused.code))
    if not open_now:
        return await draw(request, wrong=say("rate_kiosk.not_now", number=found.number), status=409)
    return await draw(request, code=code, number=found.number)


async def rate(request: Request) -> Response:
    """Keep the rating, say thank you."""
    as_citizen(request)
    hall, form = request.path_params["hall"], await request.form()
    code, level = (text(form, "code") or "")[:200], text(form, "level") or ""
    if level not in {"1", "2", "3", "4", "5"}:
        return await draw(request, code=code, wrong=words(language(request))["phone.choose_level"], status=422)
    try:
        await acting.rate(
            request, hall, code, int(level), comment=text(form, "comment"), press=text(form, "press"),
            reasons=[str(each) for each in form.getlist("reasons") if str(each) in REASONS[int(level)]],
        )  # fmt: skip
    except Refused as refused:
        return await draw(request, wrong=why(request, refused), status=status_of(refused.code))
    return RedirectResponse(f"/{hall}/rate?thanks=1&lang={language(request)}", 303)


ROUTES = [
    Route("/{hall}/rate/q/{code}", asked, methods=["GET"]),
    Route("/{hall}/rate", show, methods=["GET"]),
    Route("/{hall}/rate/find", find, methods=["POST"]),
    Route("/{hall}/rate/give", rate, methods=["POST"]),
]
