"""The manager's page of home visits: for whom the hall goes out, what it does there, with which kits, and where."""

from secrets import token_hex

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.api.problems import status_of
from floor.catalogue.kept import known
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.console import text, typed
from floor.pages.staffed import reason_of
from floor.pages.wording import matter_name
from floor.signin import require
from floor.words import language, words
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import Hall
from scheduling import offsite, teams
from scheduling.offsite import KINDS
from scheduling.teams import Area, Kit, Reason

WATCH = ("manager", "leader")


async def show(request: Request) -> Response:
    return await draw(request)


async def draw(request: Request, error: str | None = None, status: int = 200) -> Response:
    hall, t = await acts.hall_of(request, request.path_params["hall"]), words(language(request))
    person = await require(request, *WATCH, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        kits, reasons, areas = await teams.kits(db, hall), await teams.reasons(db, hall), await teams.areas(db, hall)
        done, kept = await teams.door_matters(db, hall), await known(request, db, hall)
    ours = {each.code for each in done}
    rest = [(each.code, matter_name(t, each)) for each in kept.catalogue.offered if each.code not in ours]
    said = request.query_params.get("said", "")
    return render(
        request, "offsite.html", status, hall=hall, kits=kits, reasons=reasons, areas=areas, done=done, rest=rest, kinds=KINDS,
        may="manager" in person.roles, error=error, said=t.get(f"offsite.said_{said}", None),
    )  # fmt: skip


async def change(request: Request) -> Response:
    """Add, change or take away one row."""
    hall, form = await acts.hall_of(request, request.path_params["hall"]), await request.form()
    person = await require(request, "manager", hall=hall.id)
    said = "gone" if text(form, "drop") else "saved"
    try:
        async with acquire(request.app.state.pool) as db:
            await kept(db, hall, request.path_params["part"], form, person.actor)
    except NotFound:
        raise
    except Refused as refused:
        return await draw(request, reason_of(refused, words(language(request))), status_of(refused.code))
    return RedirectResponse(f"/{hall.code}/offsite?said={said}#{request.path_params['part']}", 303)


async def kept(db: Db, hall: Hall, part: str, form: FormData, actor: str) -> None:
    code, gone = text(form, "code") or f"{part[:1]}{token_hex(4)}", bool(text(form, "drop"))
    name, hant, en = text(form, "name") or "", text(form, "name_hant"), text(form, "name_en")
    match part:
        case "reason":
            credit, needs = number(form, "credit_hours") * 60, bool(text(form, "needs_evidence"))
            row = Reason(code, text(form, "kind") or "other", name, hant, en, needs, credit, bool(text(form, "offered")))
            await offsite.keep_reason(db, hall, row, actor=actor)
        case "kit":
            holds = [each.strip() for each in (text(form, "holds") or "").replace("，", "、").split("、") if each.strip()]
            await offsite.set_kit(db, hall, Kit(code, name, hant, en, holds, number(form, "owned")), actor=actor)
        case "matter" if gone:
            await offsite.drop_matter(db, hall, typed(form, "code"), actor=actor)
        case "matter":
            await offsite.set_matter(db, hall, typed(form, "code"), number(form, "minutes"), text(form, "kit"), actor=actor)
        case "area" if gone:
            await offsite.drop_area(db, hall, code, actor=actor)
        case "area":
            await offsite.keep_area(db, hall, Area(code, name, hant, en, degrees(form, "lat"), degrees(form, "lon")), actor=actor)
        case _:
            raise NotFound(what="page")


def number(form: FormData, field: str) -> int:
    """A whole number; BadInput."""
    value = typed(form, field)
    if not (value.isascii() and value.isdigit() and len(value) < 6):
        raise BadInput(field=field, message="0 to 99999")
    return int(value)


def degrees(form: FormData, field: str) -> float:
    """A coordinate; BadInput."""
    try:
        return float(typed(form, field))
    except ValueError:
        raise BadInput(field=field, message="it is not usable") from None


ROUTES = [
    Route("/{hall}/offsite", show, methods=["GET"]),
    Route("/{hall}/offsite/{part}", change, methods=["POST"]),
]
