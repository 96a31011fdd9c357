"""The hall as it stood at any minute of today, folded again from its record: who waited, who sat where, who was called."""

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from floor.database import Db
from floor.trends import CALLS, FIRST, OPEN_AT, Call
from queueing import journal
from queueing.halls import Hall, business_day

EVERY = timedelta(minutes=15)  # a copy is kept so often: a minute is at most a quarter hour of rows away
BATCH = 500
HALLS = 8  # of which a process remembers a day


@dataclass(frozen=True, slots=True)
class Spot:
    """A window at one moment. `state` is closed, open, paused, called or serving."""

    state: str
    since: datetime
    clerk: str | None = None
    services: tuple[str, ...] = ()
    ticket: str | None = None


@dataclass(slots=True)
class Scene:
    """The hall after the row at `offset`. `waiting`: of each ticket its service and when it joined."""

    at: datetime
    offset: int
    spots: dict[str, Spot] = field(default_factory=dict)
    waiting: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    joined: dict[int, datetime] = field(default_factory=dict)
    served: int = 0
    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=CALLS))

    def copy(self) -> "Scene":
        return Scene(
            self.at, self.offset, dict(self.spots), dict(self.waiting), dict(self.joined), self.served, self.calls.copy()
        )  # fmt: skip

    def fold(self, entry: journal.Entry) -> None:
        """Take one row in."""
        self.at, self.offset = entry.at, entry.offset
        if entry.kind.startswith("window."):
            self._window(entry.at, entry.data)
        elif entry.kind.startswith("ticket.") and entry.ticket is not None and "state" in entry.data:
            self._ticket(entry.kind, entry.ticket, entry.at, entry.data)

    def _window(self, at: datetime, data: dict[str, Any]) -> None:
        before = self.spots.get(data["window"])
        if before is not None and before.ticket and data["state"] == "open":  # opened anew for other services under a visit
            self.spots[data["window"]] = replace(before, services=tuple(data.get("services", ())))
            return
        self.spots[data["window"]] = Spot(data["state"], at, data.get("clerk"), tuple(data.get("services", ())))

    def _ticket(self, kind: str, ticket: int, at: datetime, data: dict[str, Any]) -> None:
        joined, state, window = self.joined.setdefault(ticket, at), data["state"], data.get("window")
        if state == "waiting":
            self.waiting[ticket] = (data["service"], joined)
        else:
            self.waiting.pop(ticket, None)
        for no, spot in self.spots.items():
            if spot.ticket == data["ticket"] and (no != window or state not in ("called", "serving")):
                self.spots[no] = replace(spot, state="open", since=at, ticket=None)
        if state in ("called", "serving") and window:
            was = self.spots.get(window, Spot("open", at))
            self.spots[window] = replace(was, state=state, ticket=data["ticket"], since=was.since if was.state == state else at)
        if kind == "ticket.finished":
            self.served += 1
        if kind in ("ticket.called", "ticket.recalled"):
            self.calls.appendleft(Call(data["ticket"], window or "", at, data.get("attempt") or 1))


@dataclass(slots=True)
class Film:
    """A hall's day: the newest scene that was folded, and one of each quarter hour before it."""

    day: date
    epoch: str
    tip: Scene
    kept: list[Scene] = field(default_factory=list)

    def take(self, entry: journal.Entry) -> None:
        """Fold a new row into the tip; keep a copy of the scene before each new quarter hour."""
        if not self.kept or entry.at - self.kept[-1].at >= EVERY:
            self.kept.append(self.tip.copy())
        self.tip.fold(entry)

    def before(self, moment: datetime) -> Scene | None:
        """A copy of the newest scene kept that isn't later than `moment`; None where the day had not begun."""
        found = next((scene for scene in reversed(self.kept) if scene.at <= moment), None)
        return found.copy() if found else None


async def scene_at(db: Db, films: dict[int, Film], hall: Hall, moment: datetime) -> Scene | None:
    """The hall at `moment` of this business day; None before its first row.

    The first question of a day reads its rows up to then, each later one at most a quarter hour's. `films` keeps them by hall.
    """
    day, stands = await business_day(db, hall), await journal.top(db, hall.id)
    film = films.get(hall.id)
    if film is None or film.day != day or film.epoch != stands.epoch:
        while len(films) >= HALLS:
            films.pop(next(iter(films)))
        film = films[hall.id] = await _begin(db, hall, day, stands)
    while film.tip.at <= moment and film.tip.offset < stands.offset:
        for entry in await journal.read(db, hall.id, film.tip.offset, BATCH):
            if entry.offset > film.tip.offset:  # another request may have read on while this one waited
                film.take(entry)
    scene = film.before(moment)
    if scene is None:
        return None
    while scene.offset < film.tip.offset:
        for entry in await journal.read(db, hall.id, scene.offset, BATCH):
            if entry.at > moment:
                return scene
            scene.fold(entry)
    return scene


FIRST_ROW = "SELECT min(joined_at) FROM tickets WHERE hall = $1 AND day = $2"


async def first_row(db: Db, hall: Hall) -> datetime | None:
    """When the first number of the day was taken; None before that."""
    at: datetime | None = await db.fetchval(FIRST_ROW, hall.id, await business_day(db, hall))
    return at


BEGAN = 'SELECT at FROM journal WHERE hall = $1 AND "offset" = $2'


async def _begin(db: Db, hall: Hall, day: date, stands: journal.Position) -> Film:
    first = await db.fetchval(FIRST, hall.id, day)
    offset = stands.offset if first is None else first
    began = await db.fetchval(BEGAN, hall.id, offset + 1) or await db.fetchval("SELECT hall_now()")
    opened = {row["no"]: Spot("open", began) for row in await db.fetch(OPEN_AT, hall.id, offset)}
    return Film(day, stands.epoch, Scene(began, offset, opened))
