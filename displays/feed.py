"""What every board is told, and when: the hall's journal as one chain of events per view, each encoded once for all."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from devices.clock import now
from devices.wire import RESUME_EVENTS, Event, Snapshot
from displays.boards import Board, Change, Hall, Places, load
from queueing.db import Db
from queueing.journal import Entry, Position, read

KEPT = RESUME_EVENTS + 56  # events kept per view for boards that were away
REMEMBERED = 2000  # journal rows read at a start, so that boards outlive a restart of the link without a snapshot
CONFLATED_S = 0.25  # counts of waiting people that come alone are sent at most this often per view


@dataclass(slots=True)
class Feed:
    """The chain of one view. `last` is the newest event's offset, `since` the offset behind which the tail is whole."""

    view: str
    windows: frozenset[str]
    services: tuple[str, ...]
    last: int
    since: int
    tail: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT))
    untold: dict[str, int] = field(default_factory=dict)  # service whose count is not told yet -> offset of its change
    told_at: float = float("-inf")

    def append(self, offset: int, kind: str, at: datetime, data: dict[str, Any]) -> Event:
        """Put one event at the end of the chain; the oldest falls off when the tail is full."""
        if len(self.tail) == KEPT:
            self.since = self.tail[0].offset
        event = Event(prev=self.last, offset=offset, kind=kind, at=at, data=data)
        self.tail.append(event)
        self.last = offset
        return event

    def behind(self, offset: int) -> list[Event] | None:
        """The events a board at `offset` has missed, chained from there; None when they are not known or too many."""
        if not self.since <= offset <= self.last:
            return None
        missed = [event for event in self.tail if event.offset > offset]
        if len(missed) > RESUME_EVENTS:
            return None
        if missed and missed[0].prev != offset:
            missed[0] = replace(missed[0], prev=offset)
        return missed


class Feeds:
    """All views of one hall: the state of its boards, the chains over it, and their place in the journal."""

    def __init__(self, hall_id: int, reached: Position, places: Places, hall: Hall) -> None:
        self.hall_id = hall_id
        self.epoch = reached.epoch
        self.position = reached.offset
        self.places = places
        self.hall = hall
        self.feeds = {
            view: Feed(view, windows, services, self.position, self.position)
            for view, (windows, services) in places.views().items()
        }
        every = self.feeds.values()
        self._of_window = {no: [feed for feed in every if no in feed.windows] for no in places.windows}
        self._of_service = {code: [feed for feed in every if code in feed.services] for code in places.services}

    def knows(self, entries: Iterable[Entry]) -> bool:
        """Whether every window and service of these rows is on the plan; if not, the hall was rebuilt: open it anew."""
        return all(
            (entry.window is None or entry.window in self._of_window) and entry.data.get("service") in (None, *self._of_service)
            for entry in entries
        )

    def take(self, entries: Sequence[Entry], clock: float) -> list[tuple[str, Event]]:
        """Fold rows that follow `position`; the events to send as (view, event), in order. `clock` is in seconds."""
        told = [event for entry in entries for event in self._step(entry)]
        return told + self.settle(clock)

    def settle(self, clock: float) -> list[tuple[str, Event]]:
        """The counts of waiting people whose time has come; the others stay for `due`."""
        return [
            (feed.view, event)
            for feed in self.feeds.values()
            if feed.untold and clock - feed.told_at >= CONFLATED_S
            for event in self._tell_waiting(feed, clock)
        ]

    def due(self) -> float | None:
        """When `settle` has something to send, on the clock given to `take`; None when nothing is held back."""
        return min((feed.told_at + CONFLATED_S for feed in self.feeds.values() if feed.untold), default=None)

    def board(self, view: str) -> Board:
        """What a view shows now. KeyError for a view the hall doesn't have."""
        feed = self.feeds[view]
        return self.hall.board(feed.windows, feed.services)

    def snapshot(self, view: str) -> Snapshot:
        """The view as it is now, at the offset that its next event will name as `prev`. KeyError as `board`."""
        return Snapshot(epoch=self.epoch, offset=self.feeds[view].last, board=self.board(view).wire())

    def resume(self, view: str, at: Position) -> list[Event] | None:
        """What a board at this place has missed; None when it must take a snapshot. KeyError as `board`.

        The chain it followed may have been another process's, which told the waiting counts at other offsets. So the
        first event is chained to the board's own place, and a closing `waiting` leads it to where the chain is now.
        """
        feed = self.feeds[view]
        missed = feed.behind(at.offset) if at.epoch == self.epoch else None
        if missed is None:
            return None
        reached = missed[-1].offset if missed else at.offset
        if reached == feed.last:
            return missed
        if not feed.services:
            return None
        counts = self._counts(feed.services)
        return [*missed, Event(prev=reached, offset=feed.last, kind="waiting", at=now().wall, data=counts)]

    def remember(self, entries: Sequence[Entry], since: int) -> None:
        """Fill the tails from the rows between `since` and the present position. Counts of then are not told."""
        if not self.knows(entries):
            return
        past = Feeds(self.hall_id, Position(self.epoch, since), self.places, Hall(blind=True))
        for entry in entries:
            change = past.hall.fold(entry)
            for feed in past._of_window[change.window] if change.window is not None else ():
                past._tell(feed, entry, change)
        for view, feed in self.feeds.items():
            feed.tail, feed.since = past.feeds[view].tail, past.feeds[view].since

    def _step(self, entry: Entry) -> list[tuple[str, Event]]:
        change = self.hall.fold(entry)
        self.position = entry.offset
        for service in change.services:
            for feed in self._of_service[service]:
                feed.untold[service] = entry.offset
        watching = self._of_window[change.window] if change.window is not None else ()
        return [(feed.view, self._tell(feed, entry, change)) for feed in watching]

    def _tell(self, feed: Feed, entry: Entry, change: Change) -> Event:
        """An offset is told once in a view, so an event takes along the counts that changed with it or before it."""
        data = dict(change.data)
        if feed.untold:
            data["waiting"] = {service: self.hall.counts.get(service, 0) for service in feed.untold}
            feed.untold.clear()
        return feed.append(entry.offset, change.kind, entry.at, data)

    def _tell_waiting(self, feed: Feed, clock: float) -> list[Event]:
        by_offset: dict[int, list[str]] = {}
        for service, offset in feed.untold.items():
            by_offset.setdefault(offset, []).append(service)
        feed.untold.clear()
        feed.told_at = clock
        at = now().wall
        return [feed.append(offset, "waiting", at, self._counts(by_offset[offset])) for offset in sorted(by_offset)]

    def _counts(self, services: Sequence[str]) -> dict[str, Any]:
        """What a `waiting` event says: one service and its count, and all of them where it speaks for several."""
        counts = {service: self.hall.counts.get(service, 0) for service in services}
        first = services[0]
        return {"service": first, "count": counts[first]} | ({"waiting": counts} if len(counts) > 1 else {})


async def open_feeds(db: Db, hall_id: int) -> Feeds:
    """The feeds of a hall as it is now, with tails from its last rows for boards that were there before us."""
    loaded = await load(db, hall_id)
    feeds = Feeds(hall_id, loaded.reached, loaded.places, loaded.hall)
    since = max(0, feeds.position - REMEMBERED)
    entries = await read(db, hall_id, since, feeds.position - since)
    feeds.remember(entries, since)
    return feeds


# The epoch is read with the rows, in one snapshot: a row of a restored database is never taken for one of the old.
FOLLOW = """
SELECT s.epoch, s.top, j.* FROM hall_streams s LEFT JOIN LATERAL (
    SELECT hall, "offset", at, kind, actor, cause, ticket, window_no AS "window", data FROM journal
    WHERE hall = s.hall AND "offset" > $2 ORDER BY "offset" LIMIT $3) j ON true
WHERE s.hall = $1
"""


async def follow(db: Db, hall_id: int, after: int, limit: int = 500) -> tuple[Position, list[Entry]]:
    """Where the hall's journal stands, and up to `limit` rows behind `after`. LookupError if there is no such hall."""
    rows = await db.fetch(FOLLOW, hall_id, after, limit)
    if not rows:
        raise LookupError(f"hall {hall_id} has no stream")
    entries = [Entry(*list(row.values())[2:]) for row in rows if row["offset"] is not None]
    return Position(rows[0]["epoch"], rows[0]["top"]), entries
