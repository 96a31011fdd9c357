"""Stations of a centre: where they are, and numbers taken there for a window here."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from floor import acts
from floor.acts import stations as acting
from floor.api.routes import acceptable, answer, asked, get, post, press_of
from floor.api.tickets import STAFF, Code, Lang, Ticket, Words
from floor.api.tickets import told as ticket_told
from floor.database import acquire
from floor.signin import require
from queueing import sites, stations
from queueing.errors import BadInput

Level = Literal["county", "township", "village"]
SiteCode = Annotated[str, Meta(max_length=24)]
Called = Annotated[str, Meta(max_length=40)]


class Site(Struct):
    """A station. `phone` and `room` are its own, by which a window reaches it; `prints`: results can come out of a printer
    there; `offline`: it counts for itself; `shut`: kept for what was done there."""

    code: str
    name: str
    name_hant: str | None
    name_en: str | None
    level: Level
    parent: str | None
    phone: str | None
    room: str | None
    prints: bool
    offline: bool
    shut: bool


class SiteAsked(Struct):
    """A new station, or what the one of that code is to be."""

    code: SiteCode
    name: Called
    level: Level
    name_hant: Called | None = None
    name_en: Called | None = None
    parent: SiteCode | None = None
    phone: Annotated[str, Meta(max_length=20)] | None = None
    room: Words | None = None
    prints: bool = False
    offline: bool = False
    shut: bool = False


class RemoteAsked(Struct):
    """What somebody at the station comes for, how the window reaches them, and where the result is printed."""

    services: Annotated[list[Code], Meta(max_length=8)] = []
    matters: Annotated[list[Words], Meta(max_length=20)] = []
    talk: Literal["phone", "video"] = "phone"
    print_point: SiteCode | None = None
    id_number: Annotated[str, Meta(min_length=6, max_length=30)] | None = None
    lang: Lang = "zh-Hans"


class Remote(Struct):
    """A number of a station, today."""

    number: str
    key: str
    service: str
    state: str
    window: str | None
    talk: Literal["phone", "video"]
    print_point: str | None
    joined_at: datetime


async def find(request: Request) -> Response:
    acceptable(request)
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *STAFF, "agent", hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        found = await sites.of_hall(db, hall)
    return answer([shown(site) for site in found])


def shown(site: sites.Site) -> Site:
    return Site(*[getattr(site, name) for name in sites.Site.__slots__])


async def keep(request: Request) -> Response:
    body = await asked(request, SiteAsked)
    site = sites.Site(**{name: getattr(body, name) for name in sites.Site.__slots__})
    await acting.keep_site(request, request.path_params["hall"], site)
    return answer(shown(site))


async def take(request: Request) -> Response:
    body = await asked(request, RemoteAsked)
    if not body.services and not body.matters:
        raise BadInput(field="services", message="name at least one service")
    made = await acting.take(
        request, request.path_params["hall"], request.path_params["site"], services=body.services, matters=body.matters,
        talk=body.talk, print_point=body.print_point, id_number=body.id_number, lang=body.lang, press=press_of(request),
    )  # fmt: skip
    return await ticket_told(request, made, 201)


async def today(request: Request) -> Response:
    acceptable(request)
    hall, site = await acting.station_of(request, request.path_params["hall"], request.path_params["site"])
    async with acquire(request.app.state.pool) as db:
        rows = await stations.today(db, hall, site or "")
    return answer([Remote(*[getattr(row, name) for name in stations.Remote.__slots__]) for row in rows])


HALL, WHO = "/api/v1/halls/{hall}/sites", "An agent of that station; desk, manager"
ROUTES = [
    get(HALL, find, "The stations of the centre that are open", "Staff", list[Site]),
    post(HALL, keep, "Add a station, or change one", "Manager", {200: Site}, body=SiteAsked, once=False),
    get(f"{HALL}/{{site}}/tickets", today, "What was taken at a station today", WHO, list[Remote]),
    post(f"{HALL}/{{site}}/tickets", take, "Take a number at a station for a window here", WHO, {201: Ticket},
         body=RemoteAsked,
         refusals=("unknown_service", "closed", "past_last_ticket", "booking_only", "quota_full", "one_live_ticket", "too_many",
                   "real_name_needed", "banned")),
]  # fmt: skip
