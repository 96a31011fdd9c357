"""What the hall offers somebody it may not reach today, and the alarms of its floor."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from floor import acts
from floor.acts import ladder
from floor.api.appointments import Appointment, shown, whole
from floor.api.routes import acceptable, answer, asked, get, nothing, post, press_of
from floor.database import acquire
from floor.signin import require
from queueing import alarms
from scheduling.answers import Step

STAFF = ("clerk", "desk", "leader", "manager", "auditor")
State = Literal["offered", "accepted", "refused", "lapsed"]


class Offer(Struct):
    """A step of the ladder offered to the holder of a ticket: another time (`start`), or a visit at home."""

    step: Literal["slot", "doorstep"]
    state: State
    start: datetime | None
    offered_at: datetime
    decided_at: datetime | None
    appointment: Annotated[str, Meta(description="The code of the booking that came of it")] | None


class OfferAsked(Struct):
    step: Literal["slot", "doorstep"]


class AnotherTimeAsked(Struct):
    """Without a start, the first time that is free."""

    start: datetime | None = None


class RefuseAsked(Struct):
    why: Literal["no_need", "another_way", "time", "other"] = "other"


class Next(Struct):
    """The step that is offered now, if there is one."""

    next: Literal["slot", "doorstep"] | None


class FloorAlarm(Struct):
    """Something on the floor that somebody should look at."""

    id: int
    kind: Literal["no_window", "left", "idle", "long_wait", "long_service"]
    service: str | None
    matter: Annotated[str | None, Meta(description="The one matter of the service that no open window may serve")]
    window: str | None
    since: datetime
    people: int
    seen: bool


def told(one: Step) -> Offer:
    return Offer(one.step, one.state, one.start, one.offered_at, one.decided_at, one.code)  # type: ignore[arg-type]


async def offered(request: Request) -> Response:
    acceptable(request)
    _, _, steps = await ladder.steps_of(request, request.path_params["key"])
    return answer([told(one) for one in steps])


async def offer(request: Request) -> Response:
    body = await asked(request, OfferAsked)
    await ladder.offer(request, request.path_params["key"], body.step)
    return nothing()


async def take(request: Request) -> Response:
    body = await asked(request, AnotherTimeAsked)
    start = whole(body.start) if body.start else None
    booked = await ladder.take_slot(request, request.path_params["key"], start=start, press=press_of(request))
    return answer(shown(booked.appointment), 201, replayed=booked.replayed)


async def refuse(request: Request) -> Response:
    body, step = await asked(request, RefuseAsked), request.path_params["step"]
    refused = await ladder.refuse(request, request.path_params["key"], step, body.why, press=press_of(request))
    return answer(Next(refused.next), replayed=refused.replayed)  # type: ignore[arg-type]


async def standing(request: Request) -> Response:
    acceptable(request)
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *STAFF, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        found = await alarms.standing(db, hall)
    return answer([
        FloorAlarm(one.id, one.kind, one.service, one.matter, one.window, one.since, one.people, one.seen_by is not None)  # type: ignore[arg-type]
        for one in found
    ])  # fmt: skip


KEY = "/api/v1/tickets/{key}/offers"
MOVED = ("not_in_that_state", "too_fast")
ROUTES = [
    get(KEY, offered, "What a ticket's holder was offered in place of today's visit", "Whoever holds the key", list[Offer]),
    post(KEY, offer, "Offer a step before the ladder comes to it", "Clerk, desk, leader, manager, dispenser", {204: None},
         body=OfferAsked, once=False,
         refusals=("not_in_that_state", "slot_full"), notes="A step that was offered already stays as it is."),
    post(f"{KEY}/slot/accept", take, "Take another time: the ticket ends, and its holder goes first then",
         "Whoever holds the key; clerk, desk, leader, manager for them", {201: Appointment}, body=AnotherTimeAsked,
         refusals=(*MOVED, "slot_full", "outside_hours", "too_many", "banned")),
    post(f"{KEY}/{{step}}/refuse", refuse, "Say no to a step, with the reason",
         "Whoever holds the key; clerk, desk, leader, manager for them", {200: Next}, body=RefuseAsked, refusals=MOVED,
         notes="Who is left over at closing and has refused every step is through: the ticket ends as cancelled."),
    get("/api/v1/halls/{hall}/alarms", standing, "What is wrong on the floor now", "Staff", list[FloorAlarm]),
]  # fmt: skip
