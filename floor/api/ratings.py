"""Ratings: given once by the citizen, counted for those who answer for the hall."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from floor import acts
from floor.api.routes import answer, asked, get, post, press_of, queried
from floor.database import acquire
from floor.quality import ratings
from floor.signin import require
from queueing import halls
from queueing.errors import BadInput

READERS = ("manager", "auditor", "leader")

Level = Annotated[int, Meta(ge=1, le=5, description="5 very satisfied … 1 very dissatisfied")]


class RateAsked(Struct):
    """Reasons are codes of the national list, each of the level given."""

    level: Level
    reasons: Annotated[list[Annotated[str, Meta(pattern="^[0-9]{3}$")]], Meta(max_length=8)] = []
    comment: Annotated[str, Meta(max_length=500)] | None = None


class Rating(Struct):
    """A rating as it was kept. It is never changed."""

    number: str
    level: Level
    reasons: list[str]
    channel: Literal["evaluator", "phone", "kiosk", "doorstep"]
    at: datetime


class SummaryAsked(Struct, rename={"first": "from", "last": "to"}):
    """Business days, both included; today when none is named."""

    first: date | None = None
    last: date | None = None
    by: Literal["window", "service", "clerk", "hour", "mode"] = "window"


class Tally(Struct):
    """Visits of one window, service, clerk, local hour or mode: served = active + default + unrated. Questions answered at the
    desk without a number are no visits: they stand beside them, with what was thought of them."""

    of: str
    served: int
    active: int
    default: int
    unrated: int
    levels: dict[str, int]
    questions: int
    question_levels: dict[str, int]


class Summary(Struct, rename={"first": "from", "last": "to"}):
    first: date
    last: date
    by: Literal["window", "service", "clerk", "hour", "mode"]
    total: Tally
    items: list[Tally]


async def rate(request: Request) -> Response:
    body = await asked(request, RateAsked)
    rated = await acts.rate(
        request, request.path_params["key"], body.level, reasons=body.reasons, comment=body.comment, press=press_of(request)
    )
    kept = Rating(rated.number or "", rated.level, rated.reasons, rated.channel, rated.at)  # type: ignore[arg-type]
    return answer(kept, 201, replayed=rated.replayed)


async def summary(request: Request) -> Response:
    """A leader reads the own zone, manager and auditor the whole hall. Clerks read no ratings here."""
    query = queried(request, SummaryAsked)
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *READERS, hall=hall.id)
    zone = None if person.roles & {"manager", "auditor"} else person.zone
    async with acquire(request.app.state.pool) as db:
        today = await halls.business_day(db, hall)
        first, last = query.first or query.last or today, query.last or today
        if first > last:
            raise BadInput(field="from", message="a period ends no earlier than it begins")
        found = await ratings.summary(db, hall, first, last, query.by, zone=zone)
    tallies = [
        Tally(t.of, t.served, t.active, t.default, t.unrated, t.levels, t.questions, t.question_levels) for t in found
    ]  # fmt: skip
    return answer(Summary(first, last, query.by, total(tallies), tallies))


def total(tallies: list[Tally]) -> Tally:
    """All of them in one."""
    served, active = sum(t.served for t in tallies), sum(t.active for t in tallies)
    default, unrated = sum(t.default for t in tallies), sum(t.unrated for t in tallies)
    levels, asked = ({level: sum(kept[level] for kept in each) for level in ratings.NO_LEVELS}
                     for each in ([t.levels for t in tallies], [t.question_levels for t in tallies]))  # fmt: skip
    return Tally("total", served, active, default, unrated, levels, sum(t.questions for t in tallies), asked)


ROUTES = [
    post(
        "/api/v1/tickets/{key}/rating",
        rate,
        "Rate a finished visit, once",
        "Whoever holds the key; the evaluator of its window",
        {201: Rating},
        body=RateAsked,
        refusals=("not_finished", "already_rated", "too_late", "too_fast"),
    ),
    get(
        "/api/v1/halls/{hall}/ratings/summary",
        summary,
        "Ratings counted",
        "Manager, auditor; a leader for the own zone",
        Summary,
        query=SummaryAsked,
    ),
]
