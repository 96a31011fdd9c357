"""At the kiosk with a number already: where it stands, and what the hall offers whom it may not reach today, taken or not."""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from floor import acts
from floor.acts import ladder
from floor.api.problems import status_of
from floor.database import Db, acquire
from floor.pages import mint_press
from floor.pages.console import text
from floor.pages.kiosk import SORRY, Asked, asked, draw, off, picture, sorry
from floor.pages.kiosk_booked import told as booked_told
from floor.pages.phone import OPEN, ticket_context
from floor.pages.phone_offer import shown_start
from floor.pages.staffed import now_of
from floor.settings import Settings
from floor.signin import Person, kiosk
from queueing.errors import NotFound, Refused
from queueing.halls import Hall
from queueing.tickets import Ticket
from scheduling import answers, appointments
from scheduling.answers import WHY
from scheduling.escalation import VISITOR_STEPS
from scheduling.offers import next_free

NUMBER_KEYS = ("1234567890", "QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM")
TIME_KEYS = ("123", "456", "789", "0")
NUMBER, TIME = re.compile(r"[A-Z0-9]{2,12}"), re.compile(r"[0-2][0-9][0-5][0-9]")


async def show(request: Request) -> Response:
    """The ticket of a paper, scanned or typed; without one, where to scan or type."""
    hall, wish, person = await here(request)
    if person is None:
        return gone(request, hall, wish)
    query = request.query_params
    number, time, key = query.get("number", "").strip().upper(), query.get("time", ""), query.get("key")
    if key is None and not NUMBER.fullmatch(number):
        return question(request, hall, wish, "number")
    if key is None and not TIME.fullmatch(time):
        return question(request, hall, wish, "time", number=number, wrong=bool(time))
    try:
        key = key or await ladder.by_paper(request, hall, number, time)
        return await mine(request, hall, wish, key or "")
    except NotFound:
        return draw(request, "_kiosk_screen.html", hall, wish, nobody(wish), status=404)
    except Refused as refused:
        return refusal(request, hall, wish, refused)


async def here(request: Request) -> tuple[Hall, Asked, Person | None]:
    """The hall, how the screen is wanted, and the kiosk that asks; None for a browser that is none of this hall."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    values: Any = request.query_params if request.method == "GET" else await request.form()
    person = await kiosk(request)
    return hall, asked({name: values.get(name, "") for name in ("lang", "large")}), person if of(person, hall) else None


def of(person: Person | None, hall: Hall) -> bool:
    return person is not None and person.hall == hall.id


def gone(request: Request, hall: Hall, wish: Asked) -> Response:
    return draw(request, "_kiosk_screen.html", hall, wish, off(wish.t), status=403)


def nobody(wish: Asked) -> dict[str, object]:
    return sorry("search", wish.t["kiosk.mine_none"], wish.t["kiosk.mine_none_do"])


def refusal(request: Request, hall: Hall, wish: Asked, refused: Refused) -> Response:
    """Why nothing came of it, and what to do then."""
    says, does = SORRY.get(refused.code, ("kiosk.mine_sorry", "kiosk.mine_sorry_do"))
    if refused.code in ("slot_full", "not_in_that_state"):
        says, does = f"kiosk.mine_{refused.code}", f"kiosk.mine_{refused.code}_do"
    return draw(request, "_kiosk_screen.html", hall, wish, sorry("alert", wish.t[says], wish.t[does]), status_of(refused.code))


def question(request: Request, hall: Hall, wish: Asked, step: str, **more: object) -> Response:
    """What is still to be typed: the number, then the minute printed beside it."""
    keys = NUMBER_KEYS if step == "number" else TIME_KEYS
    what = {"screen": "mine", "step": step, "keyboard": keys, "here": f"/{hall.code}/kiosk/mine", "wrong": False,
            "again": f"number={more['number']}" if "number" in more else ""}  # fmt: skip
    return draw(request, "_kiosk_screen.html", hall, wish, what | more)


# --- the ticket ---------------------------------------------------------------------------------------------------


async def mine(request: Request, hall: Hall, wish: Asked, key: str, *, step: str = "shown", why_of: str = "") -> Response:
    """The ticket of a key with what can be done about it here. NotFound."""
    of_hall, ticket = await acts.ticket_of(request, key)
    if of_hall.id != hall.id:
        raise NotFound(what="ticket")
    async with acquire(request.app.state.pool) as db:
        said = await ticket_context(db, wish.t, hall, ticket)
        ways = await ways_on(db, hall, ticket, able_at_door=bool(said["at_door"]))
    if said["booked"]:
        return await booked(request, hall, wish, ticket, str(said["booked"]))
    what = {
        "screen": "mine", "step": step, "ticket": ticket, "state": state(wish, ticket, said), "offers": said["offers"],
        "ways": ways, "why_of": why_of, "reasons": WHY, "service_name": said["service_name"], "mine_press": mint_press(),
        "here": f"/{hall.code}/kiosk/mine", "again": f"key={ticket.key}",
    }  # fmt: skip
    return draw(request, "_kiosk_screen.html", hall, wish, what)


async def ways_on(db: Db, hall: Hall, ticket: Ticket, *, able_at_door: bool) -> list[str]:
    """What somebody may ask for whom nobody has offered it: another time where one is free, a visit where the hall goes out."""
    if ticket.state not in OPEN:
        return []
    made = {one.step for one in await answers.of_ticket(db, ticket.id)}
    long = answers.may_ask(hall, ticket, await now_of(db))
    able = {"slot": long and (await next_free(db, hall)).get(ticket.service) is not None, "doorstep": able_at_door}
    return [step for step in VISITOR_STEPS if able[step] and step not in made]


def state(wish: Asked, ticket: Ticket, said: dict[str, Any]) -> tuple[str, str]:
    """How a ticket stands in a sentence, and what to do."""
    t = wish.t
    if ticket.state == "waiting":
        ahead = said["ahead"] or 0
        return (t("kiosk.ahead", n=ahead) if ahead else t["kiosk.ahead_none"]), t("kiosk.wait", wait=said["wait"])
    if ticket.state == "called":
        return t("phone.called", window=ticket.window_no or ""), t["phone.called_do"]
    if ticket.state == "finished":
        return t["phone.finished"], ""
    return said["says"], said["does"]


async def booked(request: Request, hall: Hall, wish: Asked, ticket: Ticket, code: str) -> Response:
    """The paper of somebody who took another time: from its hour on it checks in, until then it says when that is."""
    async with acquire(request.app.state.pool) as db:
        found = await appointments.by_code(db, code)
    row = await booked_told(request, hall, wish, found)
    if row["open"] or found.state != "booked":
        return draw(request, "_kiosk_screen.html", hall, wish, {"screen": "booking", "rows": [row]})
    settings: Settings = request.app.state.settings
    address = f"{settings.origin(request.headers.get('host', ''))}/b/{code}?lang={wish.lang}"
    what = {
        "screen": "mine", "step": "booked", "ticket": ticket, "row": row, "code": picture(address),
        "here": f"/{hall.code}/kiosk/mine", "again": f"key={ticket.key}",
    }  # fmt: skip
    return draw(request, "_kiosk_screen.html", hall, wish, what)


# --- answers ------------------------------------------------------------------------------------------------------


async def act(request: Request) -> Response:
    """Take an offer, ask for one, or say no with a reason; then the ticket as it stands."""
    hall, wish, person = await here(request)
    if person is None:
        return gone(request, hall, wish)
    form, name = await request.form(), request.path_params["act"]
    key, step, press = text(form, "key") or "", text(form, "step") or "", text(form, "press")
    if step not in VISITOR_STEPS or name not in ("accept", "ask", "refuse") or (name, step) == ("accept", "doorstep"):
        raise NotFound(what="page")
    try:
        if name == "accept":
            await ladder.take_slot(request, key, start=shown_start(form), person=person, press=press)
        elif name == "ask":
            await ladder.offer(request, key, step, person=person)
        elif (why := text(form, "why")) in WHY:
            await ladder.refuse(request, key, step, why, person=person, press=press)
        else:
            return await mine(request, hall, wish, key, step="why", why_of=step)
        return await mine(request, hall, wish, key)
    except NotFound:
        return draw(request, "_kiosk_screen.html", hall, wish, nobody(wish), status=404)
    except Refused as refused:
        return refusal(request, hall, wish, refused)


ROUTES = [
    Route("/{hall}/kiosk/mine", show, methods=["GET"]),
    Route("/{hall}/kiosk/mine/{act}", act, methods=["POST"]),
]
