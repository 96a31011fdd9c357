"""Visits to people's doors: asked for, decided, planned, made and rated."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from floor import acts
from floor.acts import doorstep as going
from floor.acts import visit_names
from floor.acts.doorstep import Amends, Wish
from floor.api.ratings import RateAsked, Rating
from floor.api.routes import acceptable, answer, asked, get, post, press_of, queried
from floor.api.tickets import Lang, Words
from floor.database import Db, acquire
from floor.signin import require
from queueing.halls import Hall, business_day
from scheduling import doorstep, teams

State = Literal["requested", "accepted", "scheduled", "on_the_way", "on_site", "completed", "declined", "cancelled"]
Reason = Literal["mobility", "occupation", "other"]
Delivery = Literal["collect", "mail", "home"]
Applicant = Literal["self", "family", "agent"]
Outcome = Literal["done", "accepted", "consulted", "not_ready", "nobody_home"]
Lat = Annotated[float, Meta(ge=-90, le=90)]
Lon = Annotated[float, Meta(ge=-180, le=180)]
Short = Annotated[str, Meta(max_length=24)]
Matters = Annotated[list[Words], Meta(max_length=20)]


class Period(Struct, rename={"first": "from", "last": "to"}):
    first: datetime
    last: datetime


class Visit(Struct):
    """A visit as it stands. Nothing personal is in it: name, telephone and address are for the team alone."""

    id: Annotated[
        str,
        Meta(
            description="Names the visit in every act. Who asked, the desk and the manager get the unguessable "
            "one, which is the citizen's; other staff `vi_…`, which gives no more than their roles"
        ),
    ]
    number: Annotated[str, Meta(description="Short, to be quoted")]
    state: State
    reason: Reason
    because: Annotated[str, Meta(description="The hall's own row of reasons")] | None
    channel: str
    applicant: Annotated[Applicant, Meta(description="Who asked, for whoever lives there")]
    matters: list[str]
    minutes: Annotated[int, Meta(description="Planned at the door")]
    kits: list[str]
    area: str | None
    preferred: list[Period]
    delivery: Delivery
    asked_at: datetime
    day: date | None
    team: int | None
    start: datetime | None
    end: datetime | None
    told: Annotated[Period | None, Meta(description="The stretch of time that was told for `start`")]
    confirmed: bool
    departed_at: datetime | None
    arrived_at: datetime | None
    ended_at: datetime | None
    outcome: Outcome | None
    why: Annotated[str, Meta(description="It was declined")] | None


class VisitList(Struct):
    items: list[Visit]
    next: int | None


class Asked(Struct, kw_only=True):
    """What somebody asks for. What is personal is kept encrypted and opened by the team that goes there, and by the desk
    that calls back. Sending it says that the visitor agrees to that."""

    reason: Reason
    because: Short | None = None
    matters: Matters = []
    name: Annotated[str, Meta(max_length=60)] | None = None
    phone: Annotated[str, Meta(max_length=20)] | None = None
    address: Words | None = None
    lat: Lat | None = None
    lon: Lon | None = None
    area: Short | None = None
    preferred: Annotated[list[Period], Meta(max_length=6)] = []
    materials: Annotated[list[Annotated[str, Meta(max_length=60)]], Meta(max_length=20)] = []
    evidence: Annotated[str, Meta(max_length=60)] | None = None
    note: Words | None = None
    delivery: Delivery = "collect"
    applicant: Applicant = "self"
    asker: Annotated[str, Meta(max_length=60, description="Who asks for them, if it is somebody else")] | None = None
    relation: Annotated[str, Meta(max_length=30, description="What they are to whoever lives there")] | None = None
    lang: Lang = "zh-Hans"
    consent: bool = True
    channel: Annotated[str, Meta(max_length=20, description="Of staff: desk, phone, hotline or agent")] | None = None

    def wish(self) -> Wish:
        return Wish(
            self.reason, self.matters, self.name, self.phone, self.address, self.lat, self.lon, self.area,
            [(each.first, each.last) for each in self.preferred], self.materials, self.because, self.evidence, self.note,
            self.delivery, self.lang, self.consent, applicant=self.applicant, asker=self.asker, relation=self.relation,
        )  # fmt: skip


class AcceptAsked(Struct):
    """What the call-back added or put right; nothing, where nothing was missing."""

    matters: Matters | None = None
    area: Short | None = None
    evidence: Annotated[str, Meta(max_length=60)] | None = None
    name: Annotated[str, Meta(max_length=60)] | None = None
    phone: Annotated[str, Meta(max_length=20)] | None = None
    address: Words | None = None
    lat: Lat | None = None
    lon: Lon | None = None


class DeclineAsked(Struct):
    """Why not: not_eligible, hall_only, out_of_area, no_capacity, unreachable, duplicate, or in words for who asked."""

    reason: Annotated[str, Meta(min_length=1, max_length=200)]


class TimeAsked(Struct):
    """When somebody is at home instead."""

    preferred: Annotated[list[Period], Meta(min_length=1, max_length=6)]


class ScheduleAsked(Struct):
    """The team by its number, or by its name on that day."""

    start: datetime
    team: Annotated[int, Meta(ge=0, le=2**53)] | Annotated[str, Meta(max_length=40)]


class CompleteAsked(Struct):
    outcome: Outcome
    delivery: Delivery | None = None


class FindAsked(Struct):
    """Filters of a list; `day` is the planned day, else the one a visit was asked for on. A team by its number, or by its
    name on that day (today's business day when none is named)."""

    day: date | None = None
    team: Annotated[str, Meta(max_length=40)] | None = None
    state: State | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    after: Annotated[int, Meta(ge=0, le=2**53)] = 0


class TeamsAsked(Struct):
    """Today's business day when none is named."""

    day: date | None = None


class Team(Struct):
    """Two people for one day, by the names they sign in with."""

    id: int
    day: date
    name: str
    members: list[str]
    skills: list[str]
    kits: list[str]
    starts: datetime
    ends: datetime


def shown(hall: Hall, visit: doorstep.Visit, handle: str) -> Visit:
    """A visit in the words of the interface, under the handle that who asks knows it by."""
    first, last = doorstep.told_window(hall, visit.start) if visit.start else (None, None)
    return Visit(
        handle, visit.number, visit.state, visit.reason, visit.because, visit.channel, visit.applicant, visit.matters,  # type: ignore[arg-type]
        visit.minutes, visit.kits, visit.area, [Period(each["from"], each["to"]) for each in visit.preferred], visit.delivery,  # type: ignore[arg-type]
        visit.asked_at, visit.day, visit.team, visit.start, visit.ends, Period(first, last) if first and last else None,
        visit.confirmed_at is not None, visit.departed_at, visit.arrived_at, visit.ended_at, visit.outcome, visit.why,  # type: ignore[arg-type]
    )  # fmt: skip


async def told(request: Request, done: doorstep.Done, status: int = 200) -> Response:
    """A visit under the handle that named it; whoever has just asked for it gets its key."""
    hall = await acts.hall_by_id(request, done.visit.hall)
    return answer(shown(hall, done.visit, request.path_params.get("id", done.visit.key)), status, replayed=done.replayed)


async def ask(request: Request) -> Response:
    body = await asked(request, Asked)
    hall = request.path_params["hall"]
    return await told(request, await going.ask(request, hall, body.wish(), channel=body.channel, press=press_of(request)), 201)


async def of_ticket(request: Request) -> Response:
    body = await asked(request, Asked)
    return await told(
        request, await going.of_ticket(request, request.path_params["key"], body.wish(), press=press_of(request)), 201
    )


async def of_booking(request: Request) -> Response:
    body = await asked(request, Asked)
    return await told(
        request, await going.of_booking(request, request.path_params["code"], body.wish(), press=press_of(request)), 201
    )


async def find(request: Request) -> Response:
    query = queried(request, FindAsked)
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *visit_names.WATCHES, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        team = None if query.team is None else await numbered(db, hall, query.team, query.day)
        found = await doorstep.find(
            db, hall, day=query.day, team=team, states=[query.state] if query.state else None, after=query.after,
            limit=query.limit + 1,
        )  # fmt: skip
    page, rest = found[: query.limit], found[query.limit :]
    items = [shown(hall, visit, visit_names.handle_for(person, visit)) for visit in page]
    return answer(VisitList(items, page[-1].id if rest else None))


async def numbered(db: Db, hall: Hall, team: str, day: date | None) -> int:
    """The number of a team that a filter names; 0, which no team has, for none."""
    if team.isascii() and team.isdigit() and len(team) < 16:
        return int(team)
    crews = await teams.teams(db, hall, day or await business_day(db, hall))
    return next((crew.id for crew in crews if crew.name == team), 0)


async def crews(request: Request) -> Response:
    """A list as it is, without pages: a day has some ten teams."""
    query = queried(request, TeamsAsked)
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *visit_names.WATCHES, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        found = await teams.teams(db, hall, query.day or await business_day(db, hall))
    return answer([Team(t.id, t.day, t.name, [t.lead, t.second], t.skills, t.kits, t.starts, t.ends) for t in found])


async def look(request: Request) -> Response:
    acceptable(request)
    hall, visit = await visit_names.find(request, request.path_params["id"])
    return answer(shown(hall, visit, request.path_params["id"]))


async def accept(request: Request) -> Response:
    body = await asked(request, AcceptAsked)
    amends = Amends(body.matters, body.area, body.evidence, body.name, body.phone, body.address, body.lat, body.lon)
    return await told(request, await going.accept(request, request.path_params["id"], amends, press=press_of(request)))


async def decline(request: Request) -> Response:
    body = await asked(request, DeclineAsked)
    return await told(request, await going.decline(request, request.path_params["id"], body.reason, press=press_of(request)))


async def schedule(request: Request) -> Response:
    body = await asked(request, ScheduleAsked)
    return await told(
        request, await going.schedule(request, request.path_params["id"], body.start, body.team, press=press_of(request))
    )


async def depart(request: Request) -> Response:
    return await told(request, await going.depart(request, request.path_params["id"], press=press_of(request)))


async def arrive(request: Request) -> Response:
    return await told(request, await going.arrive(request, request.path_params["id"], press=press_of(request)))


async def complete(request: Request) -> Response:
    body = await asked(request, CompleteAsked)
    return await told(
        request, await going.complete(request, request.path_params["id"], body.outcome, body.delivery, press=press_of(request))
    )


async def cancel(request: Request) -> Response:
    return await told(request, await going.cancel(request, request.path_params["id"], press=press_of(request)))


async def another_time(request: Request) -> Response:
    body = await asked(request, TimeAsked)
    spans = [(each.first, each.last) for each in body.preferred]
    return await told(request, await going.another_time(request, request.path_params["id"], spans, press=press_of(request)))


async def rate(request: Request) -> Response:
    body = await asked(request, RateAsked)
    rated = await going.rate(
        request, request.path_params["id"], body.level, reasons=body.reasons, comment=body.comment, press=press_of(request)
    )
    kept = Rating(rated.number or "", rated.level, rated.reasons, rated.channel, rated.at)  # type: ignore[arg-type]
    return answer(kept, 201, replayed=rated.replayed)


HALL, ONE = "/api/v1/halls/{hall}/doorstep", "/api/v1/doorstep/{id}"
DECIDES, TEAM, MOVED = "Desk, leader, manager", "One of the two who go there; manager", ("not_in_that_state",)
ROUTES = [
    post(HALL, ask, "Ask for a visit at home", "A kiosk; desk, clerk, leader, manager; anybody for themselves",
         {201: Visit}, body=Asked, refusals=("too_many", "too_fast"),
         notes="Name, telephone and address are needed, and one matter at least that can be done off site."),
    get(HALL, find, "Visits", "Staff", VisitList, query=FindAsked),
    get(f"{HALL}/teams", crews, "The teams of a day", "Staff", list[Team], query=TeamsAsked),
    post("/api/v1/tickets/{key}/doorstep", of_ticket, "Serve a ticket's holder at home: the ticket ends",
         "Desk, clerk, leader, manager", {201: Visit}, body=Asked, refusals=("not_in_that_state", "too_many"),
         notes="Without matters, those of the ticket that can be done off site. Who it is may be asked later."),
    post("/api/v1/appointments/{code}/doorstep", of_booking, "Serve a booking's holder at home: its place is given back",
         "Whoever holds its code; desk, clerk, leader, manager", {201: Visit}, body=Asked,
         refusals=("not_in_that_state", "too_many", "too_fast")),
    get(ONE, look, "A visit", "Whoever holds its id; staff", Visit),
    post(f"{ONE}/accept", accept, "Say yes", DECIDES, {200: Visit}, body=AcceptAsked, refusals=MOVED,
         notes="Whoever accepts answers for the reason; what the call-back added or put right comes with it."),
    post(f"{ONE}/decline", decline, "Say no, with the reason", DECIDES, {200: Visit}, body=DeclineAsked, refusals=MOVED),
    post(f"{ONE}/schedule", schedule, "Send a team; again, for another time or team", DECIDES, {200: Visit}, body=ScheduleAsked,
         refusals=(*MOVED, "not_skilled")),
    post(f"{ONE}/depart", depart, "The team sets out", TEAM, {200: Visit}, refusals=MOVED),
    post(f"{ONE}/arrive", arrive, "The team is at the door", TEAM, {200: Visit}, refusals=MOVED),
    post(f"{ONE}/complete", complete, "The team has done what it came for, or not", TEAM, {200: Visit}, body=CompleteAsked,
         refusals=MOVED),
    post(f"{ONE}/another-time", another_time, "Be at home at other times; a time that was set is given up",
         "Whoever holds its id; desk, leader, manager", {200: Visit}, body=TimeAsked, refusals=(*MOVED, "too_fast")),
    post(f"{ONE}/cancel", cancel, "Call it off, until the team is at the door", "Whoever holds its id; desk, leader, manager",
         {200: Visit}, refusals=(*MOVED, "too_fast")),
    post(f"{ONE}/rating", rate, "Rate a visit that was made, once", "Whoever holds its id", {201: Rating}, body=RateAsked,
         refusals=("not_finished", "already_rated", "too_late", "too_fast")),
]  # fmt: skip
