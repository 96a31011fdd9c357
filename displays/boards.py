"""What a board shows: who is called where and how many wait, folded from the hall's journal row by row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from queueing.db import Db
from queueing.journal import Entry, Position

CALLS = {"ticket.called": "called", "ticket.recalled": "recalled"}
WINDOWS = {
    "window.opened": "window_opened",
    "window.paused": "window_paused",
    "window.resumed": "window_resumed",
    "window.closed": "window_closed",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One ticket on a board. `state` is called or serving, `at` when it was called last or came back from a hold."""

    ticket: str
    window: str
    at: datetime
    state: str

    def wire(self) -> dict[str, str]:
        """The line as a snapshot carries it."""
        return {"ticket": self.ticket, "window": self.window, "at": stamp(self.at), "state": self.state}


@dataclass(frozen=True, slots=True)
class Board:
    """All that a view may show: lines with the newest call first, people waiting per service, each window's state."""

    lines: tuple[Line, ...] = ()
    waiting: Mapping[str, int] = field(default_factory=dict)
    windows: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def wire(self) -> dict[str, Any]:
        """The board as a snapshot carries it: plain lists and dicts, nothing personal."""
        return {
            "lines": [line.wire() for line in self.lines],
            "waiting": dict(self.waiting),
            "windows": dict(self.windows),
            "notices": list(self.notices),
        }


@dataclass(frozen=True, slots=True)
class Change:
    """What one journal row changed: an event for the views of `window` (none if None), and the services counted anew."""

    kind: str = ""
    window: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Places:
    """Where windows and services are. `windows` and `services` give the zone, `serves` what a window is there for."""

    windows: Mapping[str, str]
    services: Mapping[str, str]
    serves: Mapping[str, tuple[str, ...]]

    def views(self) -> dict[str, tuple[frozenset[str], tuple[str, ...]]]:
        """Every view of the hall -> the windows it shows and the services whose waiting people it counts."""
        zones = sorted({*self.windows.values(), *self.services.values()})
        every = {"hall": (frozenset(self.windows), tuple(self.services))}
        for zone in zones:
            inside = frozenset(no for no, at in self.windows.items() if at == zone)
            every[f"zone:{zone}"] = (inside, tuple(code for code, at in self.services.items() if at == zone))
        for no in self.windows:
            every[f"window:{no}"] = (frozenset((no,)), tuple(code for code in self.serves[no] if code in self.services))
        return every


@dataclass(slots=True)
class Hall:
    """The state of a hall's boards: built once from its tables, then moved on by each journal row.

    `lines` runs from the oldest call to the newest. A `blind` hall knows no tables, only the rows it is given: it tells
    of every clearing it reads about, since the line may have been there before.
    """

    lines: dict[int, Line] = field(default_factory=dict)
    queued: dict[int, str] = field(default_factory=dict)  # waiting ticket -> its service
    counts: dict[str, int] = field(default_factory=dict)
    windows: dict[str, str] = field(default_factory=dict)
    blind: bool = False

    def fold(self, row: Entry) -> Change:
        """Move on by one row and say what changed. Rows that boards don't care about change nothing."""
        if row.kind in WINDOWS and row.window is not None:
            return self._move_window(row, row.window)
        if row.ticket is None or not row.kind.startswith("ticket.") or "state" not in row.data:
            return Change()
        services = self._recount(row.ticket, row.data["service"] if row.data["state"] == "waiting" else None)
        if row.kind in CALLS:
            return self._call(row, row.ticket, services)
        if row.data["state"] == "serving":
            return self._serve(row, row.ticket, services)
        if row.data["state"] == "called":
            return Change(services=services)
        return self._clear(row, row.ticket, services)

    def board(self, windows: Iterable[str], services: Iterable[str]) -> Board:
        """What a view of these windows and services shows now."""
        inside = frozenset(windows)
        return Board(
            lines=tuple(line for line in reversed(self.lines.values()) if line.window in inside),
            waiting={code: self.counts.get(code, 0) for code in services},
            windows={no: state for no, state in self.windows.items() if no in inside},
        )

    def _recount(self, ticket: int, service: str | None) -> tuple[str, ...]:
        before = self.queued.pop(ticket, None)
        if service is not None:
            self.queued[ticket] = service
        if before == service:
            return ()
        if before is not None:
            self.counts[before] -= 1
        if service is not None:
            self.counts[service] = self.counts.get(service, 0) + 1
        return tuple(code for code in (before, service) if code is not None)

    def _call(self, row: Entry, ticket: int, services: tuple[str, ...]) -> Change:
        number, window = row.data["ticket"], row.data["window"]
        self.lines.pop(ticket, None)
        self.lines[ticket] = Line(number, window, row.at, "called")
        kind = CALLS[row.kind]
        recall = row.data["attempt"] - 1 if kind == "recalled" else 0
        data = {"call": row.data["call"], "ticket": number, "window": window, "recall": recall}
        return Change(kind, window, data, services)

    def _serve(self, row: Entry, ticket: int, services: tuple[str, ...]) -> Change:
        number, window = row.data["ticket"], row.data["window"]
        line = self.lines.get(ticket)
        if line is not None and line.state == "serving":
            return Change(services=services)
        self.lines[ticket] = Line(number, window, line.at if line else row.at, "serving")
        return Change("arrived", window, {"ticket": number, "window": window}, services)

    def _clear(self, row: Entry, ticket: int, services: tuple[str, ...]) -> Change:
        line = self.lines.pop(ticket, None)
        window = line.window if line else row.window if self.blind else None
        if window is None:
            return Change(services=services)
        return Change("cleared", window, {"ticket": row.data["ticket"], "window": window}, services)

    def _move_window(self, row: Entry, window: str) -> Change:
        self.windows[window] = row.data["state"]
        return Change(WINDOWS[row.kind], window, {"window": window, "services": row.data["services"]})


def stamp(at: datetime) -> str:
    """A moment as the wire writes it: UTC, milliseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# One snapshot for everything, so that the state and the offset belong together. Lines are ordered as the fold would
# have ordered them: by the row that put the ticket up. Only live tickets count; the day roll ends the others.
LOAD = """
SELECT s.epoch, s.top,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(w.no, w.zone, w.state, w.serves) ORDER BY w.rank, w.no), '[]')
     FROM windows w WHERE w.hall = s.hall) AS windows,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(v.code, v.zone) ORDER BY v.rank, v.code), '[]')
     FROM services v WHERE v.hall = s.hall) AS services,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(t.id, t.service)), '[]')
     FROM tickets t WHERE t.hall = s.hall AND t.state = 'waiting') AS waiting,
    (SELECT coalesce(jsonb_agg(
        jsonb_build_array(t.id, t.number, t.window_no, up.at, t.state) ORDER BY up."offset"), '[]')
     FROM tickets t CROSS JOIN LATERAL (
        SELECT j.at, j."offset" FROM journal j
        WHERE j.ticket = t.id AND j.kind IN ('ticket.called', 'ticket.recalled', 'ticket.resumed')
        ORDER BY j."offset" DESC LIMIT 1) up
     WHERE t.hall = s.hall AND t.state IN ('called', 'serving')) AS lines
FROM hall_streams s WHERE s.hall = $1
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A hall as its tables stood at one offset of one epoch."""

    reached: Position
    places: Places
    hall: Hall


async def load(db: Db, hall: int) -> Loaded:
    """Read the boards' state of a hall together with the offset it belongs to. LookupError if there is no such hall."""
    found = await db.fetchrow(LOAD, hall)
    if found is None:
        raise LookupError(f"hall {hall} has no stream")
    places = Places(
        windows={no: zone for no, zone, _, _ in found["windows"]},
        services=dict(found["services"]),
        serves={no: tuple(serves) for no, _, _, serves in found["windows"]},
    )
    state = Hall(
        lines={id: Line(number, no, datetime.fromisoformat(at), is_) for id, number, no, at, is_ in found["lines"]},
        queued=dict(found["waiting"]),
        windows={no: state for no, _, state, _ in found["windows"]},
    )
    for service in state.queued.values():
        state.counts[service] = state.counts.get(service, 0) + 1
    return Loaded(Position(found["epoch"], found["top"]), places, state)
