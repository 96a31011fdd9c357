"""Asking for a visit at the kiosk, for somebody who could not come: six touches and a telephone number; the desk calls back."""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from floor import acts
from floor.acts import doorstep as going
from floor.acts import visit_names
from floor.acts.doorstep import Wish
from floor.api.problems import status_of
from floor.database import acquire
from floor.pages import mint_press
from floor.pages.console import text
from floor.pages.doorstep_form import PAPERS, offered
from floor.pages.kiosk import A_SCREEN, SORRY, Asked, asked, draw, off, picture, sorry
from floor.settings import Settings
from floor.signin import kiosk
from queueing.errors import Refused
from queueing.halls import Hall
from scheduling.doorstep import APPLICANTS

STEPS = ("what", "who", "why", "paper", "area", "phone")
GIVEN = ("applicant", "because", "paper", "area", "ticket")
KEYS = ("123", "456", "789", "0")


async def ask(request: Request) -> Response:
    """One question of the way: what for, why, which paper shows it, where, and whom to call."""
    hall, wish = await acts.hall_of(request, request.path_params["hall"]), asked(request.query_params)
    person = await kiosk(request)
    if person is None or person.hall != hall.id:
        return draw(request, "_kiosk_screen.html", hall, wish, off(wish.t), status=403)
    async with acquire(request.app.state.pool) as db:
        choices = await offered(db, hall, wish.t)
    given = {name: request.query_params.get(name, "")[:24] for name in GIVEN}
    step = request.query_params.get("step", "what")
    if step not in STEPS or not (wish.picked or given["ticket"]):
        step = "what"
    if step == "area" and not choices["areas"]:
        step = "phone"
    return draw(request, "_kiosk_screen.html", hall, wish, question(hall, wish, step, given, choices))


def question(hall: Hall, wish: Asked, step: str, given: dict[str, str], choices: dict[str, Any]) -> dict[str, object]:
    """A question with its answers, each with the address it leads to."""
    here = f"/{hall.code}/kiosk/visit"

    def to(at: str, **more: object) -> str:
        return f"{here}?{wish.query(**({'step': at, 'page': 1} | given | more))}"

    t, shown, pages = wish.t, [], 1
    if step == "what":
        pages = max(1, -(-len(choices["matters"]) // A_SCREEN))
        at = min(wish.page, pages)
        for each in choices["matters"][(at - 1) * A_SCREEN : at * A_SCREEN]:
            on = each["code"] in wish.picked
            picked = [code for code in wish.picked if code != each["code"]] if on else [*wish.picked, each["code"]]
            shown.append((each["name"], each["of"], to("what", picked=" ".join(picked), page=at), on))
    elif step == "who":
        shown = [(t[f"doorstep.kiosk_for_{code}"], "", to("why", applicant=code), False) for code in APPLICANTS]
    elif step == "why":
        shown = [(each["name"], "", to("paper", because=each["code"]), False) for each in choices["reasons"]]
    elif step == "paper":
        shown = [(t[f"doorstep.paper_{code}"], "", to("area", paper=code), False) for code in PAPERS]
    elif step == "area":
        shown = [(each["name"], "", to("phone", area=each["code"]), False) for each in choices["areas"]]
        shown.append((t["doorstep.area_unknown"], "", to("phone", area=""), False))
    before = STEPS[STEPS.index(step) - 1] if step != "what" else ""
    if before == "what" and given["ticket"]:
        before = ""  # what for is known: it began with a number
    if before == "area" and not choices["areas"]:
        before = "paper"
    return {
        "screen": "visit", "here": here, "step": step, "answers": shown, "keyboard": KEYS,
        "again": urlencode({"step": step, **given}) if given["ticket"] else "",
        "next": to("who") if wish.picked else "",
        "back": to(before) if before else f"/{hall.code}/kiosk/mine?{wish.query(key=given['ticket'])}" if given["ticket"] else "",
        "pages": pages, "at": min(wish.page, pages), "less": to("what", page=wish.page - 1),
        "more": to("what", page=wish.page + 1), "given": given, "kept": choices["kept"], "visit_press": mint_press(),
    }  # fmt: skip


async def post(request: Request) -> Response:
    """Ask for it, and show the way to the visit's page on a phone."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    form = await request.form()
    wish = asked({name: form.get(name, "") for name in ("lang", "large", "picked")})
    person = await kiosk(request)
    if person is None or person.hall != hall.id:
        return draw(request, "_kiosk_screen.html", hall, wish, off(wish.t), status=403)
    async with acquire(request.app.state.pool) as db:
        choices = await offered(db, hall, wish.t)
    given = {name: text(form, name) or "" for name in GIVEN}
    because, paper, applicant = given["because"], given["paper"], given["applicant"]
    kind = next((each["kind"] for each in choices["reasons"] if each["code"] == because), "")
    shows = wish.t[f"doorstep.paper_{paper}"] if paper in PAPERS and paper != "none" else None
    asked_for = Wish(
        kind or "other", list(wish.picked), phone=text(form, "phone") or "", area=text(form, "area"), because=because or None,
        evidence=shows, lang=wish.lang, call_back=True, delivery="mail",  # who can't come can't collect; the team asks again
        applicant=applicant if applicant in APPLICANTS else "self",
    )  # fmt: skip
    ticket, press = given["ticket"], text(form, "press")
    try:
        if ticket:
            done = await going.of_ticket(request, ticket, asked_for, citizen=True, kiosk=person, press=press)
        else:
            done = await going.ask(request, hall.code, asked_for, person=person, press=press)
    except Refused as refused:
        if refused.code == "bad_input" and refused.details.get("field") == "phone":
            what = question(hall, wish, "phone", given, choices) | {"wrong": True}
            return draw(request, "_kiosk_screen.html", hall, wish, what, status=422)
        says, does = SORRY.get(refused.code, ("doorstep.sorry", "doorstep.sorry_do"))
        return draw(
            request, "_kiosk_screen.html", hall, wish, sorry("alert", wish.t[says], wish.t[does]), status=status_of(refused.code)
        )
    if not done.replayed:
        await visit_names.print_number(request, hall, done.visit, person)
    settings: Settings = request.app.state.settings
    address = f"{settings.origin(request.headers.get('host', ''))}/d/{done.visit.key}?lang={wish.lang}"
    what = {
        "screen": "visit", "step": "done", "code": picture(address), "number": done.visit.number,
        "here": f"/{hall.code}/kiosk/screen",
    }  # fmt: skip
    return draw(request, "_kiosk_screen.html", hall, wish, what)


ROUTES = [
    Route("/{hall}/kiosk/visit", ask, methods=["GET"]),
    Route("/{hall}/kiosk/visit", post, methods=["POST"]),
]
