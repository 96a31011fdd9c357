"""How pages learn that something changed: a nudge to fetch what they show, or, on a phone, the new place in line."""

import asyncio
from collections.abc import Sequence

import msgspec

from devices.fanout import Fanout
from displays.phones import Place, places
from floor.database import Pool, acquire
from queueing.journal import Entry

OWN_S = 0.25  # a page is nudged about its own window at most this often
OTHER_S = 1.0  # and about everything else: a fetch of a busy hall's queue costs the web process a few milliseconds
PHONES_S = 1.0  # phones are told at most this often

# Which pages care about which acts; a console cares for all that happens to tickets, and most for its own window.
CARED_FOR = {
    "ticket": frozenset({"kiosk", "desk", "manage", "console"}),
    "window": frozenset({"kiosk", "desk", "manage", "console"}),
    "rating": frozenset({"manage", "console"}),
    "proposal": frozenset({"manage"}),
    "door": frozenset({"kiosk", "desk", "manage"}),
    "hours": frozenset({"manage"}),
    "alarm": frozenset({"manage"}),
    "escalation": frozenset({"desk", "manage"}),
    "doorstep": frozenset({"dispatch", "manage"}),
    "rounds": frozenset({"dispatch", "manage"}),
    "device": frozenset({"fleet", "manage", "kiosk"}),
}
EVERYONE = frozenset({"dispatch", "kiosk", "desk", "manage", "console", "fleet"})


class Nudges:
    """Nudges for the pages of a fan-out, never more often than a page can use."""

    def __init__(self, fanout: Fanout) -> None:
        self.fanout = fanout
        self.told_at: dict[tuple[int, str], float] = {}
        self.due: dict[tuple[int, str], asyncio.TimerHandle] = {}

    def notice(self, hall: int, entries: Sequence[Entry], offset: int) -> None:
        """Nudge whom these rows concern, or every page of the hall when there are none to go by."""
        nouns = {entry.kind.partition(".")[0] for entry in entries}
        concerned = EVERYONE if not entries else frozenset().union(*(CARED_FOR.get(noun, ()) for noun in nouns))
        own = {f"console:{no}" for entry in entries for no in (entry.window, entry.data.get("for_window")) if no}
        for at, view in self.fanout.followed():
            if at == hall and view.partition(":")[0] in concerned:
                self.nudge(hall, view, offset, OWN_S if view in own else OTHER_S)

    def nudge(self, hall: int, view: str, offset: int, every_s: float) -> None:
        """Nudge a view now, or when `every_s` has passed since the last time; the sooner of two waits counts."""
        loop, place = asyncio.get_running_loop(), (hall, view)
        at = max(loop.time(), self.told_at.get(place, float("-inf")) + every_s)
        planned = self.due.pop(place, None)
        if planned is not None:
            planned.cancel()
            at = min(at, planned.when())
        if at <= loop.time():
            self.send(hall, view, offset)
        else:
            self.due[place] = loop.call_at(at, self.send, hall, view, offset)

    def send(self, hall: int, view: str, offset: int) -> None:
        """Tell every page of a view to fetch what it shows. A view nobody watches any more is forgotten."""
        self.due.pop((hall, view), None)
        self.told_at[hall, view] = asyncio.get_running_loop().time()
        if not self.fanout.publish(hall, view, msgspec.json.encode({"type": "poke", "view": view, "offset": offset})):
            del self.told_at[hall, view]


class Phones:
    """The phones that follow a ticket, all read at once and told only what is new to them."""

    def __init__(self, fanout: Fanout, pool: Pool) -> None:
        self.fanout = fanout
        self.pool = pool
        self.told: dict[str, Place] = {}
        self.offsets: dict[int, int] = {}
        self.stale = asyncio.Event()

    def notice(self, hall: int, offset: int) -> None:
        """The hall has changed: places may have."""
        self.offsets[hall] = offset
        self.stale.set()

    def joined(self, key: str) -> None:
        """A phone that has just come is told in any case."""
        self.told.pop(key, None)
        self.stale.set()

    async def tell_once(self) -> None:
        """Wait until places may have changed, tell whom it concerns, and rest for a second."""
        await self.stale.wait()
        self.stale.clear()
        watched = {view.partition(":")[2]: hall for hall, view in self.fanout.followed() if view.startswith("ticket:")}
        if watched:
            async with acquire(self.pool) as db:
                found = await places(db, watched)
            for key, place in found.items():
                if self.told.get(key) != place:
                    self.tell(watched[key], key, place)
        self.told = {key: place for key, place in self.told.items() if key in watched}
        await asyncio.sleep(PHONES_S)

    def tell(self, hall: int, key: str, place: Place) -> None:
        """Push one place to the phones of one ticket."""
        self.told[key] = place
        said = {
            "type": "ticket", "number": place.number, "state": place.state, "ahead": place.ahead, "window": place.window,
            "call": place.call, "offset": self.offsets.get(hall, 0),
        }  # fmt: skip
        self.fanout.publish(hall, f"ticket:{key}", msgspec.json.encode(said))
