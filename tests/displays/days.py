"""A made-up stretch of work in a hall: seeded, through the real acts, refusals and all."""

import random
from collections.abc import Awaitable, Callable

from queueing import calls, tickets, windows
from queueing.calls import Seat
from queueing.db import Db
from queueing.errors import Refused
from queueing.halls import Hall

ACTS = ("take", "take", "next", "next", "recall", "arrive", "finish", "no_show", "hold", "resume", "transfer", "cancel", "pause")


def seat(window: str) -> Seat:
    return Seat(window=window, clerk=f"clerk{window}", actor=f"clerk:clerk{window}")


async def open_all(db: Db, hall: Hall) -> None:
    for window in ("1", "2"):
        await windows.open_window(db, hall, window, f"clerk{window}", actor=f"clerk:clerk{window}")


async def take(db: Db, hall: Hall, *services: str, lang: str = "zh-Hans", print_at: str | None = None) -> tickets.Act:
    return await tickets.take(db, hall, services or ("A",), actor="desk:desk01", channel="desk", lang=lang, print_at=print_at)


async def live(db: Db, hall: Hall, state: str) -> list[tickets.Ticket]:
    return await tickets.find(db, hall, state=state, limit=500)


async def act(db: Db, hall: Hall, chance: random.Random) -> bool:
    """Try one act at random; whether the hall allowed it."""
    at = seat(chance.choice(("1", "2")))
    held, waiting = await live(db, hall, "held"), await live(db, hall, "waiting")
    number = chance.choice(held).number if held else "A000"
    key = chance.choice(waiting).key if waiting else "none"
    acts: dict[str, Callable[[], Awaitable[object]]] = {
        "take": lambda: take(db, hall, *chance.choice((("A",), ("B",), ("A", "B"), ("B", "A")))),
        "next": lambda: calls.call_next(db, hall, at),
        "recall": lambda: calls.recall(db, hall, at),
        "arrive": lambda: calls.arrive(db, hall, at),
        "finish": lambda: calls.finish(db, hall, at),
        "no_show": lambda: calls.no_show(db, hall, at),
        "hold": lambda: calls.hold(db, hall, at, "waiting"),
        "resume": lambda: calls.resume_held(db, hall, at, number),
        "transfer": lambda: calls.transfer(db, hall, at, to_service=chance.choice("AB")),
        "cancel": lambda: tickets.cancel(db, hall, key, actor="citizen"),
        "pause": lambda: turn(db, hall, at),
    }
    try:
        await acts[chance.choice(ACTS)]()
    except Refused:
        return False
    return True


async def turn(db: Db, hall: Hall, at: Seat) -> None:
    """Pause an open window, open a paused one."""
    clerk = at.clerk or ""
    if (await windows.get_window(db, hall, at.window)).state == "paused":
        await windows.resume(db, hall, at.window, actor=at.actor, seat=clerk)
    else:
        await windows.pause(db, hall, at.window, actor=at.actor, seat=clerk, reason="午休")
