"""Queues of other systems: told by them with a token of their own, read by anybody, never called from here."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from floor import acts
from floor.api.routes import acceptable, answer, asked, delete, get, nothing, post
from floor.database import acquire
from floor.refusals import NotSignedIn
from floor.signin import require
from floor.words import language, said_in
from queueing import foreign
from queueing.errors import BadInput
from queueing.forecast import Wait
from queueing.foreign import ForeignQueue
from queueing.matters import in_language

MANAGERS = ("manager",)
Name = Annotated[str, Meta(min_length=1, max_length=80)]
Code = Annotated[str, Meta(pattern="^[A-Za-z0-9._-]{1,20}$")]
Seconds = Annotated[int, Meta(ge=0, le=86400)]


class QueueTold(Struct):
    """One queue of the other system. `waiting` null: it doesn't count; `wait` null: it doesn't know."""

    code: Code
    name: Name
    name_hant: Name | None = None
    name_en: Name | None = None
    place: Name | None = None
    waiting: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    windows: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    calling: Annotated[str, Meta(max_length=20)] | None = None
    wait: Wait | None = None
    open: bool = True


class QueuesTold(Struct):
    """All queues of the system as of a moment. What is not named is no longer shown."""

    as_of: datetime
    queues: Annotated[list[QueueTold], Meta(max_length=100)]


class Queue(Struct):
    """A queue as it was last told. `stale`: older than the hall relies on."""

    system: str
    system_name: str
    code: str
    name: str
    place: str | None
    waiting: int | None
    windows: int | None
    calling: str | None
    wait: Wait | None
    open: bool
    as_of: datetime
    stale: bool


class Queues(Struct):
    items: list[Queue]


class SystemAsked(Struct):
    system: Annotated[str, Meta(pattern="^[a-z0-9_-]{1,40}$")]
    name: Annotated[str, Meta(min_length=1, max_length=40)]


class LetIn(Struct):
    """The token is told this once; only its digest is kept."""

    system: str
    name: str
    token: str


def shown(queue: ForeignQueue, lang: str) -> Queue:
    known = queue.p50_s is not None and queue.p90_s is not None
    return Queue(
        queue.system, queue.system_name, queue.code, in_language(lang, queue.name, queue.name_hant, queue.name_en) or queue.name,
        queue.place, queue.waiting, queue.windows, queue.calling, Wait(queue.p50_s or 0, queue.p90_s or 0) if known else None,
        queue.open, queue.as_of, queue.stale,
    )  # fmt: skip


async def look(request: Request) -> Response:
    acceptable(request)
    hall, lang = await acts.hall_of(request, request.path_params["hall"]), language(request)
    async with acquire(request.app.state.pool) as db:
        listed = [shown(queue, lang) for queue in await foreign.queues(db, hall)]
    response = answer(Queues(listed))
    response.headers.update(said_in(lang))
    return response


async def let_in(request: Request) -> Response:
    body = await asked(request, SystemAsked)
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *MANAGERS, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        token = await foreign.let_in(db, hall, body.system, body.name, actor=person.actor)
    return answer(LetIn(body.system, body.name, token), 201)


async def end(request: Request) -> Response:
    acceptable(request)
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *MANAGERS, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        await foreign.end(db, hall, request.path_params["system"])
    return nothing()


async def tell(request: Request) -> Response:
    """The other system says what its queues look like."""
    hall, system = await acts.hall_of(request, request.path_params["hall"]), request.path_params["system"]
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    async with acquire(request.app.state.pool) as db:
        if scheme.lower() != "bearer" or not await foreign.may_tell(db, hall, system, token.strip()):
            raise NotSignedIn()
        body = await asked(request, QueuesTold)
        if body.as_of.tzinfo is None:
            raise BadInput(field="as_of", message="Invalid RFC3339 encoded datetime")
        if len({queue.code for queue in body.queues}) < len(body.queues):
            raise BadInput(field="queues", message="a code is named twice")
        if any(queue.wait and queue.wait.p50_s > queue.wait.p90_s for queue in body.queues):
            raise BadInput(field="queues", message="a period ends no earlier than it begins")
        rows = [
            {"code": queue.code, "name": queue.name, "name_hant": queue.name_hant, "name_en": queue.name_en, "place": queue.place,
             "waiting": queue.waiting, "windows": queue.windows, "calling": queue.calling, "open": queue.open,
             "p50_s": queue.wait and queue.wait.p50_s, "p90_s": queue.wait and queue.wait.p90_s} for queue in body.queues
        ]  # fmt: skip
        await foreign.tell(db, hall, system, rows, body.as_of)
        told = [shown(queue, language(request)) for queue in await foreign.queues(db, hall) if queue.system == system]
    return answer(Queues(told))


ROUTES = [
    get("/api/v1/halls/{hall}/foreign", look, "Queues of other systems in the building, with their age", "Anybody", Queues),
    post(
        "/api/v1/halls/{hall}/foreign",
        let_in,
        "Let another system tell its queues",
        "Manager",
        {201: LetIn},
        body=SystemAsked,
        refusals=("not_in_that_state",),
        once=False,
        notes="The answer holds the system's token, this once.",
    ),
    post(
        "/api/v1/halls/{hall}/foreign/{system}",
        tell,
        "Tell all queues of a system as they stand",
        "The system, by its own token",
        {200: Queues},
        body=QueuesTold,
        once=False,
        notes="An older as_of than the last one changes nothing, and a repeat is harmless.",
    ),
    delete("/api/v1/halls/{hall}/foreign/{system}", end, "Let a system tell nothing more", "Manager"),
]
