"""The record for other systems: read by position, or followed as it grows."""

import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from floor import acts
from floor.api.routes import ENCODER, answer, get, queried
from floor.database import Unavailable, acquire
from floor.refusals import TooFast
from floor.signin import allow, current, require
from queueing import journal
from queueing.halls import Hall
from queueing.journal import Position

READERS = ("manager", "auditor")
LOOK_S = 1.0  # the sweep under the doorbell
PROVE_S = 3.0  # how often a stream asks whether its reader may still read
BEAT_S = 15.0
MOST_STREAMS = 50  # in one process; each costs a look a second
BATCH = 500


class ReadAsked(Struct):
    after: Annotated[int, Meta(ge=0, le=2**53)] = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class FollowAsked(Struct):
    after: Annotated[int, Meta(ge=0, le=2**53)] = 0


class Entry(Struct):
    """One act. Offsets are dense and in the order of commits."""

    offset: int
    at: datetime
    kind: str
    actor: str
    data: dict[str, Any]


class Page(Struct):
    """`next` is the offset to go on from, null when nothing more was there. Another epoch makes old offsets worthless."""

    epoch: str
    items: list[Entry]
    next: int | None


def show(entry: journal.Entry) -> Entry:
    return Entry(entry.offset, entry.at, entry.kind, entry.actor, entry.data)


async def read(request: Request) -> Response:
    query = queried(request, ReadAsked)
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *READERS, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        entries = await journal.read(db, hall.id, query.after, query.limit)
        position = await journal.top(db, hall.id)
    more = entries[-1].offset if entries and entries[-1].offset < position.offset else None
    return answer(Page(position.epoch, [show(entry) for entry in entries], more))


async def follow(request: Request) -> Response:
    """The same rows as server-sent events; a reader that comes back with Last-Event-ID misses none."""
    query = queried(request, FollowAsked, media="text/event-stream")
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *READERS, hall=hall.id)
    if request.app.state.streams >= MOST_STREAMS:
        raise TooFast(5)
    request.scope["hall.streams"] = True
    async with acquire(request.app.state.pool) as db:
        now = await journal.top(db, hall.id)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(events(request, hall, resumed(request, query.after, now)), 200, headers, "text/event-stream")


def resumed(request: Request, after: int, now: Position) -> Position:
    """Where to go on: Last-Event-ID is `<epoch>:<offset>`; one of another epoch starts from the beginning."""
    epoch, _, offset = request.headers.get("last-event-id", "").rpartition(":")
    if not epoch:
        return Position(now.epoch, after)
    return Position(now.epoch, int(offset) if epoch == now.epoch and offset.isascii() and offset.isdigit() else 0)


async def events(request: Request, hall: Hall, at: Position) -> AsyncIterator[bytes]:
    """Rows from a position on, until the reader goes or may no longer read."""
    state = request.app.state
    state.streams += 1
    try:
        async with state.rings.heard():
            yield position(at)
            proved = beaten = time.monotonic()
            while True:
                if time.monotonic() - proved > PROVE_S:
                    proved = time.monotonic()
                    if not await may_still_read(request, hall):
                        return
                at, frames = await grown(request, hall, at)
                if frames:
                    yield frames
                    continue
                if time.monotonic() - beaten > BEAT_S:
                    beaten = time.monotonic()
                    yield b": beat\n\n"
                await state.rings.wait(hall.id, LOOK_S)
    finally:
        state.streams -= 1


async def grown(request: Request, hall: Hall, at: Position) -> tuple[Position, bytes]:
    """What came after a position, and the new position. A database that is away is silence, not the end."""
    try:
        async with acquire(request.app.state.pool) as db:
            now = await journal.top(db, hall.id)
            if now.epoch != at.epoch:
                return Position(now.epoch, 0), position(Position(now.epoch, 0))
            entries = await journal.read(db, hall.id, at.offset, BATCH) if now.offset > at.offset else []
    except Unavailable:
        return at, b""
    frames = b"".join(event(at.epoch, entry) for entry in entries)
    return (Position(at.epoch, entries[-1].offset), frames) if entries else (at, b"")


async def may_still_read(request: Request, hall: Hall) -> bool:
    """Whether the sign-in a stream began with is still good."""
    request.scope.pop("hall.people", None)
    try:
        allow(await current(request), *READERS, hall=hall.id)
    except Unavailable:
        return True  # nobody can know now; the next look will tell
    except Exception as refused:
        if getattr(refused, "code", "") not in ("not_signed_in", "not_allowed"):
            raise
        return False
    return True


def event(epoch: str, entry: journal.Entry) -> bytes:
    data = ENCODER.encode(show(entry))
    return f"id: {epoch}:{entry.offset}\nevent: {entry.kind}\ndata: ".encode() + data + b"\n\n"


def position(at: Position) -> bytes:
    return f"id: {at.epoch}:{at.offset}\nevent: position\ndata: ".encode() + ENCODER.encode(at) + b"\n\n"


ROUTES = [
    get("/api/v1/halls/{hall}/journal", read, "The record from a position on", "Manager, auditor", Page, query=ReadAsked),
    get(
        "/api/v1/halls/{hall}/journal/stream",
        follow,
        "The record as it grows, as server-sent events",
        "Manager, auditor",
        Entry,
        query=FollowAsked,
        media="text/event-stream",
        refusals=("too_fast",),
        notes="The first event is `position`. Each event's id is <epoch>:<offset>; send the last as Last-Event-ID to go on.",
    ),
]
