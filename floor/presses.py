"""What a touch of a machine's button does: a rating, the next call, a ticket. The same acts as a page's, by the same rules."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct
from redis.asyncio import Redis

from devices import health, wire
from devices.registry import Device
from floor import cards
from floor.database import Db
from floor.quality import ratings
from floor.refusals import NobodySeated, NotAllowed, PressTooOld, PrinterNotReady
from queueing import calls, tickets, windows
from queueing.calls import Seat
from queueing.db import Press, once, replay
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall, list_halls
from queueing.tickets import Act

T = TypeVar("T")

KEY_GOOD_S = 15  # a key pressed longer ago was pressed for another moment: the link was away
LATE = "SELECT hall_now() - $1::timestamptz > make_interval(secs => $2)"
AT_WINDOW: dict[str, Callable[..., Awaitable[Act]]] = {
    "recall": calls.recall,
    "arrive": calls.arrive,
    "finish": calls.finish,
    "no_show": calls.no_show,
}


class Rating(Struct, frozen=True):
    """The citizen's choice on an evaluator: `level` 1 (worst) to 5."""

    ticket_id: Annotated[str, Meta(pattern="^tk_[0-9]{1,18}$")]
    level: int
    reasons: Annotated[list[str], Meta(max_length=8)] = []
    comment: str | None = None


class Next(Struct, frozen=True):
    """The clerk's key: whoever is at the window is done, unless it says otherwise. `at` as of every key."""

    finish_current: bool = True
    at: Annotated[datetime, Meta(tz=True)] | None = None


class Key(Struct, frozen=True):
    """Another key of a clerk. `at` is when it was pressed, in the hall's time as the machine knows it; `kind` of a hold."""

    at: Annotated[datetime, Meta(tz=True)] | None = None
    kind: str = "with_papers"


class Card(Struct, frozen=True):
    """An identity card laid on a kiosk's reader. The number goes no further than the function that seals it."""

    number: Annotated[str, Meta(pattern=r"^\d{17}[\dX]$")]


class Take(Struct, frozen=True):
    """The service chosen on a dispenser with buttons."""

    service: Annotated[str, Meta(max_length=8)]
    lang: Literal["zh-Hans", "zh-Hant", "en"] = "zh-Hans"


async def lay_card(redis: Redis, secret: bytes, device: Device, press: wire.Press) -> None:
    """A card counts for the next number taken at this dispenser. It is no act of the hall's record and is kept in no table:
    not even a hash of what was pressed, which could be tried out. NotAllowed, BadInput, RedisError."""
    if device.kind != "dispenser":
        raise NotAllowed()
    await cards.keep(redis, secret, device.id, press.press, read(press, Card).number)


async def touch(db: Db, device: Device, press: wire.Press) -> dict[str, Any]:
    """Do what was pressed and give the machine's answer; a repeated press gives the first one.

    Every kind of machine has its own buttons, another's are NotAllowed. What the hall refuses carries `code` and a message.
    """
    act = ACTS.get((device.kind, press.what))
    if act is None:
        raise NotAllowed()
    hall = next((hall for hall in await list_halls(db) if hall.id == device.hall), None)
    if hall is None:
        raise NotFound(what="hall")
    return await act(db, hall, device, press)


async def rate(db: Db, hall: Hall, device: Device, press: wire.Press) -> dict[str, Any]:
    """An evaluator rates visits of its own window."""
    asked = read(press, Rating)
    rated = await ratings.rate(
        db, hall, "ticket", int(asked.ticket_id.removeprefix("tk_")), level=asked.level, reasons=asked.reasons,
        comment=asked.comment, actor=f"device:{device.id}", channel="evaluator", window=device.window or "",
        press=kept(device, press),
    )  # fmt: skip
    return {"ticket": rated.number}


async def call_next(db: Db, hall: Hall, device: Device, press: wire.Press) -> dict[str, Any]:
    """A keypad calls for whoever sits at its window; with nobody waiting the ticket is null."""
    asked = read(press, Next)
    seat = await seated(db, hall, device, press, asked.at)
    act = await calls.call_next(db, hall, seat, finish_current=asked.finish_current, press=kept(device, press))
    return {"ticket": act.ticket.number, "call": act.call_id} if isinstance(act, Act) else {"ticket": None}


async def turn_key(db: Db, hall: Hall, device: Device, press: wire.Press) -> dict[str, Any]:
    """Any other key: the same act as the console's, by whoever sits at the window."""
    asked, once_only = read(press, Key), kept(device, press)
    seat = await seated(db, hall, device, press, asked.at)
    if press.what in ("pause", "resume"):
        turn = windows.pause if press.what == "pause" else windows.resume
        turned = await turn(db, hall, seat.window, actor=seat.actor, seat=seat.clerk, press=once_only)
        return {"window": turned.window.no, "state": turned.window.state}
    match press.what:
        case "hold":
            act = await calls.hold(db, hall, seat, asked.kind, press=once_only)
        case "rate":
            act = await ratings.ask_again(db, hall, seat.window, actor=seat.actor, press=once_only)
        case _:
            act = await AT_WINDOW[press.what](db, hall, seat, press=once_only)
    return {"ticket": act.ticket.number}


async def seated(db: Db, hall: Hall, device: Device, press: wire.Press, at: datetime | None) -> Seat:
    """The seat of whoever acts by a keypad: the clerk at its window. NobodySeated, PressTooOld; never for a repeat, whose
    answer is kept."""
    window = device.window or ""
    clerk = (await windows.get_window(db, hall, window)).clerk
    late = at is not None and await db.fetchval(LATE, at, KEY_GOOD_S)
    if (clerk is None or late) and await replay(db, kept(device, press)) is None:
        raise PressTooOld() if late else NobodySeated(window=window)
    return Seat(window, f"clerk:{clerk}", clerk)


async def take(db: Db, hall: Hall, device: Device, press: wire.Press) -> dict[str, Any]:
    """A dispenser takes a ticket and prints it itself."""
    asked, once_only = read(press, Take), kept(device, press)

    async def act() -> Act:
        if not await health.printer_ready(db, device.id):
            raise PrinterNotReady()
        return await tickets.take(
            db, hall, [asked.service], actor=f"device:{device.id}", channel="dispenser", lang=asked.lang,
            print_at=device.id, press=once_only,
        )  # fmt: skip

    ticket = (await once(db, once_only, act, tickets.again)).ticket
    return {"ticket_id": ticket.ticket_id, "ticket": ticket.number, "ahead": await tickets.ahead(db, ticket)}


ACTS: dict[tuple[str, str], Callable[[Db, Hall, Device, wire.Press], Awaitable[dict[str, Any]]]] = {
    ("evaluator", "rating"): rate,
    ("keypad", "next"): call_next,
    **{("keypad", what): turn_key for what in (*AT_WINDOW, "hold", "pause", "resume", "rate")},
    ("dispenser", "take"): take,
}


def kept(device: Device, press: wire.Press) -> Press:
    """What makes a repeat safe: the id that the machine minted for this touch."""
    scope = msgspec.json.encode((f"device:{device.id}", "press", press.press))
    asked = msgspec.json.encode((press.what, press.data))
    return Press(hashlib.sha256(scope).digest(), hashlib.sha256(asked).digest())


def read(press: wire.Press, kind: type[T]) -> T:
    """What the press says; BadInput when it doesn't."""
    try:
        return msgspec.convert(press.data, kind)
    except msgspec.ValidationError as wrong:
        raise BadInput(field="data", message=str(wrong)) from wrong
