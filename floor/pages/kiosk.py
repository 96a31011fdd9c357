"""The kiosk: one touch on a service gives a number, and whatever stands in the way is said in a full sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import segno
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devices import clock, health, jobs, registry
from devices.wire import ENDINGS
from floor import acts, cards
from floor.api.problems import status_of
from floor.boot.demo import CODE
from floor.catalogue.kept import known
from floor.catalogue.search import MOST_TYPED
from floor.database import Db, acquire
from floor.pages import mint_press, render
from floor.pages.kiosk_card import has_reader
from floor.pages.wording import day, hours, matter_name, minutes, service_name, zone_name
from floor.refusals import TooFast
from floor.settings import Settings
from floor.signin import Person, kiosk
from floor.words import LANGUAGES, Words, spoken, words
from queueing import forecast, foreign, matters, tickets
from queueing.errors import Refused
from queueing.forecast import Wait
from queueing.foreign import ForeignQueue
from queueing.halls import Hall, ServiceNow, Zone, service_of, services, zones
from queueing.matters import in_language
from queueing.tickets import Ticket
from scheduling.offers import next_free
from scheduling.teams import at_the_door

A_SCREEN = 8  # services that fit one screen at a size everybody can read
AREAS_FROM = 12  # a hall with more services asks for the area first
MOST_PICKED = 8  # matters on one number
SLOW_S = 15  # a paper that takes longer is said to be late

# What the screen says of a refusal and what to do then; {service} is filled in. Others are "please try again".
SORRY = {
    "closed": ("kiosk.sorry_service_closed", "kiosk.sorry_other_do"),
    "past_last_ticket": ("kiosk.sorry_past", "kiosk.sorry_past_do"),
    "quota_full": ("kiosk.sorry_quota", "kiosk.sorry_other_do"),
    "booking_only": ("kiosk.sorry_booking_only", "kiosk.sorry_booking_only_do"),
    "one_live_ticket": ("kiosk.sorry_one_live", "kiosk.sorry_one_live_do"),
    "printer_not_ready": ("kiosk.sorry_paper", "kiosk.sorry_paper_do"),
    "too_late": ("kiosk.sorry_late", "kiosk.booking_late_do"),
    "too_early": ("kiosk.sorry_early", "kiosk.sorry_early_do"),
    "already_checked_in": ("kiosk.sorry_checked_in", "kiosk.booking_checked_in_do"),
    "banned": ("kiosk.sorry_banned", "kiosk.sorry_banned_do"),
    "too_fast": ("kiosk.sorry_fast", "kiosk.sorry_fast_do"),
}
BOOK_INSTEAD = ("closed", "past_last_ticket", "quota_full", "booking_only")  # refusals that another time would heal


@dataclass(frozen=True, slots=True)
class Asked:
    """How the citizen wants the screen: language, large type, which area and which page of it, and what they look for."""

    lang: str
    large: bool
    zone: str | None
    page: int
    tab: str = ""
    q: str = ""
    event: str = ""
    picked: tuple[str, ...] = ()  # the matters chosen so far, all for one number

    @property
    def t(self) -> Words:
        return words(self.lang)

    def query(self, **other: object) -> str:
        """The same wish as the query of an address, but for what is named."""
        wish = {
            "lang": self.lang, "large": "1" if self.large else "", "zone": self.zone, "page": self.page, "tab": self.tab,
            "q": self.q, "event": self.event, "picked": " ".join(self.picked),
        } | other  # fmt: skip
        return urlencode({name: value for name, value in wish.items() if value and (name, value) != ("page", 1)})


def asked(values: Mapping[str, object]) -> Asked:
    """What a query or a form asks for; a kiosk speaks zh-Hans until somebody says otherwise."""
    page = str(values.get("page", "1"))
    return Asked(
        lang=spoken(str(values.get("lang", ""))) or LANGUAGES[0], large=bool(values.get("large")),
        zone=str(values["zone"]) if values.get("zone") else None,
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 4 else 1, tab=str(values.get("tab") or ""),
        q=str(values.get("q") or "").strip()[:MOST_TYPED], event=str(values.get("event") or ""),
        picked=tuple(dict.fromkeys(str(values.get("picked") or "").split()))[:MOST_PICKED],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    """A service to touch: `why` says why it can't be taken when it is not open; `past` the last ticket, a touch tells what to do
    instead. `press` makes a second touch safe."""

    code: str
    prefix: str
    name: str
    open: bool
    past: bool
    why: str
    waiting: int
    wait: str
    press: str


@dataclass(frozen=True, slots=True)
class Area:
    code: str
    name: str
    services: int


# --- the screens ------------------------------------------------------------------------------------------------


async def page(request: Request) -> Response:
    """The whole page, opened once in the morning; afterwards only its screen changes."""
    return await show(request, "kiosk.html")


async def screen(request: Request) -> Response:
    """The screen alone."""
    return await show(request, "_kiosk_screen.html")


async def show(request: Request, template: str) -> Response:
    hall = await acts.hall_of(request, request.path_params["hall"])
    wish = asked(request.query_params)
    person = await kiosk(request)
    if person is None or person.hall != hall.id:
        return draw(request, template, hall, wish, off(wish.t), status=403)
    what = await first_screen(request, hall, person, wish)
    if template == "kiosk.html" and person.device:
        what["reader"] = await has_reader(request, person.device)
    return draw(request, template, hall, wish, what)


def draw(request: Request, template: str, hall: Hall, wish: Asked, what: dict[str, object], status: int = 200) -> Response:
    """A screen in the citizen's language. `resting`: the plain first screen, which needs no way back to itself."""
    now = clock.now().wall
    standing = what["screen"] == "home" or not what.get("retry", True)
    return render(
        request,
        template,
        status,
        lang=wish.lang,
        t=wish.t,
        hall=hall,
        large=wish.large,
        standing=standing,
        resting=standing and wish == Asked(LANGUAGES[0], False, None, 1),
        wish=wish,
        today=day(wish.t, hall, now),
        time=hours(hall, now),
        all_words=[words(lang) for lang in LANGUAGES],
        demo=request.app.state.settings.demo and hall.code == CODE,
        **{"zone": wish.zone, "here": f"/{hall.code}/kiosk/screen", "reader": False, "asleep": False, "again": "", "off": False}
        | what,
    )


async def first_screen(request: Request, hall: Hall, person: Person, wish: Asked) -> dict[str, object]:
    """What can be taken here now, or the sentence why nothing can."""
    assert person.device is not None
    async with acquire(request.app.state.pool) as db:
        ready, rests = await health.printer_ready(db, person.device), (await registry.get_device(db, person.device)).asleep
        offered, areas = await services(db, hall), await zones(db, hall)
        waits = await forecast.waits(db, hall)
        find, bookable = await matters.version(db, hall) > 0, bool(await next_free(db, hall))
        at_door = await at_the_door(db, hall)
        beside = [beside_ours(wish.t, hall, queue) for queue in await foreign.queues(db, hall)]
    if not ready:
        return sorry("printer", wish.t["kiosk.sorry_paper"], wish.t["kiosk.sorry_paper_do"], retry=False) | {"asleep": rests}
    if all(service.status != "open" for service in offered):
        what = shut(wish.t, hall, offered) | {"asleep": rests, "at_door": at_door}
        return what | {"book": book_instead(request, hall, wish.lang), "booked": True} if bookable else what
    if len(offered) > AREAS_FROM and wish.zone is None:
        listed = [Area(zone.code, sign(wish.t, zone), sum(service.zone == zone.code for service in offered)) for zone in areas]
        return paged(listed, wish, "areas") | {"find": find, "beside": beside, "bookable": bookable, "at_door": at_door}
    chosen = [service for service in offered if wish.zone in (None, service.zone)]
    return paged([card(wish.t, hall, service, waits.get(service.code)) for service in chosen], wish, "cards") | {
        "find": find,
        "beside": beside,
        "bookable": bookable,
        "at_door": at_door,
    }


def beside_ours(t: Words, hall: Hall, queue: ForeignQueue) -> str:
    """A queue of another system in one line with the moment it speaks of; what is old says so."""
    name, at = in_language(t.lang, queue.name, queue.name_hant, queue.name_en) or queue.name, hours(hall, queue.as_of)
    if queue.stale:
        return t("kiosk.beside_stale", name=name, time=at)
    if not queue.open or queue.waiting is None:
        return t("kiosk.beside_open" if queue.open else "kiosk.beside_shut", name=name, time=at)
    return t("kiosk.beside", name=name, n=queue.waiting, time=at)


def paged(things: Sequence[object], wish: Asked, name: str) -> dict[str, object]:
    """One screen's worth of cards or areas."""
    pages = max(1, -(-len(things) // A_SCREEN))
    at = min(max(wish.page, 1), pages)
    found = {"cards": [], "areas": [], name: list(things)[(at - 1) * A_SCREEN : at * A_SCREEN]}
    return {"screen": "home", "page": at, "pages": pages, "zone": wish.zone, **found}


def card(t: Words, hall: Hall, service: ServiceNow, wait: Wait | None) -> Card:
    return Card(
        service.code,
        service.prefix,
        service_name(t, service),
        service.status == "open" and service.only is None,
        service.status == "past_last_ticket",
        t["kiosk.only_some"] if service.status == "open" else why_shut(t, hall, service),
        service.waiting,
        minutes(t, wait),
        mint_press(),
    )


def why_shut(t: Words, hall: Hall, service: ServiceNow) -> str:
    """When a service that gives no numbers now will, or that it won't today."""
    return {
        "not_yet": t("kiosk.opens_at", time=hours(hall, service.opens) if service.opens else ""),
        "past_last_ticket": t["kiosk.past_last_ticket"],
        "booking_only": t["kiosk.booking_only"],
        "quota_full": t["kiosk.quota_full"],
    }.get(service.status, t["kiosk.closed"])


def shut(t: Words, hall: Hall, offered: Sequence[ServiceNow]) -> dict[str, object]:
    """Nothing is given out now: when the first door opens again, if it does today."""
    if any(service.status == "booking_only" for service in offered):
        return sorry("closed", t["kiosk.sorry_booked_hour"], t["kiosk.sorry_booked_hour_do"], retry=False)
    if any(service.status == "past_last_ticket" for service in offered):
        return sorry("closed", t["kiosk.sorry_past_all"], t["kiosk.sorry_past_do"], retry=False)
    later = [service.opens for service in offered if service.status == "not_yet" and service.opens]
    does = t("kiosk.sorry_closed_do", time=hours(hall, min(later))) if later else t["kiosk.sorry_closed_today"]
    return sorry("closed", t["kiosk.sorry_closed"], does, retry=False)


def sorry(symbol: str, says: str, does: str, *, retry: bool = True) -> dict[str, object]:
    """A sentence in place of everything. `retry`: the citizen may go back; else the screen waits until it is over."""
    return {"screen": "sorry", "symbol": symbol, "says": says, "does": does, "retry": retry, "book": "", "booked": False,
            "at_door": False}  # fmt: skip


def book_instead(request: Request, hall: Hall, lang: str) -> str:
    """The way to book another time, as a picture for a phone."""
    settings: Settings = request.app.state.settings
    return picture(f"{settings.origin(request.headers.get('host', ''))}/{hall.code}/book?lang={lang}")


def off(t: Words) -> dict[str, object]:
    """A browser that nobody made a kiosk yet: in the demo one press does it, elsewhere staff do."""
    return sorry("alert", t["kiosk.off"], t["kiosk.off_do"], retry=False) | {"off": True}


# --- taking -----------------------------------------------------------------------------------------------------


async def take(request: Request) -> Response:
    """Give a number and show it."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    form = await request.form()
    wish = asked({name: form.get(name, "") for name in ("lang", "large")})
    person = await kiosk(request)
    if person is None:
        return draw(request, "_kiosk_screen.html", hall, wish, off(wish.t), status=403)
    asked_for, codes = [str(form.get("service", ""))], [str(code) for code in form.getlist("matter")][:MOST_PICKED]
    press, token = str(form.get("press") or "") or None, str(form.get("card", ""))
    redis, secret, number = request.app.state.redis, request.app.state.settings.secret, None
    if token:
        number = await cards.number_behind(redis, secret, person.device or "", token, press or "")
        if number is None:
            what = sorry("person", wish.t["kiosk.sorry_card"], wish.t["kiosk.sorry_card_do"])
            return draw(request, "_kiosk_screen.html", hall, wish, what, status=409)
    try:
        chosen = [] if codes else asked_for
        act = await acts.take(
            request, hall.code, chosen, matters=codes, id_number=number, lang=wish.lang, person=person, press=press
        )
    except Refused as refused:
        return await refuse(request, hall, wish, str(refused.details.get("service", asked_for[0])), refused)
    if token:
        await cards.spend(redis, token, press or "")
    return draw(request, "_kiosk_screen.html", hall, wish, await number_screen(request, hall, act.ticket, wish.t))


async def refuse(request: Request, hall: Hall, wish: Asked, service: str, refused: Refused) -> Response:
    """Say why there is no number, and what to do instead."""
    says, does = SORRY.get(refused.code, ("kiosk.sorry_again", "kiosk.sorry_again_do"))
    async with acquire(request.app.state.pool) as db:
        of = next((each for each in await services(db, hall) if service in (each.code, each.name)), None)
        bookable = refused.code in BOOK_INSTEAD and of is not None and of.code in await next_free(db, hall)
        at_door = refused.code in BOOK_INSTEAD and await at_the_door(db, hall)
    symbol = "printer" if refused.code == "printer_not_ready" else "clock" if isinstance(refused, TooFast) else "alert"
    what = sorry(symbol, wish.t(says, service=service_name(wish.t, of) if of else service), wish.t[does])
    what["at_door"] = at_door
    if bookable:
        what["book"] = book_instead(request, hall, wish.lang)
    return draw(request, "_kiosk_screen.html", hall, wish, what, status=status_of(refused.code))


async def number_screen(request: Request, hall: Hall, ticket: Ticket, t: Words) -> dict[str, object]:
    """The number, where to sit, how long, and the way to it on a phone."""
    async with acquire(request.app.state.pool) as db:
        ahead, wait = await forecast.standing(db, ticket)
        service = await service_of(db, hall, ticket.service)
        paper = await paper_of(db, ticket)
        named = (await known(request, db, hall)).catalogue.named(ticket.matters)
    return {
        "screen": "number",
        "ticket": ticket,
        "ahead": ahead or 0,
        "wait": minutes(t, wait),
        "paper": paper,
        "service_name": service_name(t, service),
        "matters": [matter_name(t, matter) for matter in named],
        "services": len(ticket.services),
        "zone_name": zone_name(t, service.zone),
        "code": code(request, ticket),
    }


def sign(t: Words, zone: Zone) -> str:
    """What a zone's button says beside its letter."""
    return {"en": zone.name_en, "zh-Hant": zone.name_hant}.get(t.lang) or zone.name


def code(request: Request, ticket: Ticket) -> str:
    """The ticket's address on a phone as a QR picture. Its colours are fixed: a dark theme must not turn it around."""
    settings: Settings = request.app.state.settings
    address = f"{settings.origin(request.headers.get('host', ''))}/t/{ticket.key}"
    return picture(address)


def picture(address: str) -> str:
    return segno.make(address, error="m", micro=False).svg_inline(scale=4, border=2, light="#fff", dark="#000", omitsize=True)


# --- the paper --------------------------------------------------------------------------------------------------


async def paper(request: Request) -> Response:
    """How far the paper of a ticket just taken is; the kiosk asks each second until it is out."""
    wish = asked(request.query_params)
    async with acquire(request.app.state.pool) as db:
        ticket = await tickets.by_key(db, request.path_params["key"])
        state = await paper_of(db, ticket)
    hall = await acts.hall_of(request, request.path_params["hall"])
    return render(request, "_kiosk_paper.html", lang=wish.lang, t=wish.t, hall=hall, ticket=ticket, paper=state)


async def paper_of(db: Db, ticket: Ticket) -> str:
    """printing, late, done or failed. A paper that failed is tried again: it may still come."""
    states = [job.state for job in await jobs.prints_of(db, ticket.ticket_id)]
    if "done" in states:
        return "done"
    if any(state in ENDINGS for state in states):
        return "failed"
    return "late" if (clock.now().wall - ticket.joined_at).total_seconds() > SLOW_S else "printing"


ROUTES = [
    Route("/{hall}/kiosk", page),
    Route("/{hall}/kiosk/screen", screen),
    Route("/{hall}/kiosk/take", take, methods=["POST"]),
    Route("/{hall}/kiosk/paper/{key}", paper),
]
