"""How the day went so far: who waited, how long, at how many open windows, minute by minute, read off the hall's record."""

from collections import deque
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from floor.database import Db
from queueing import journal
from queueing.halls import Hall, business_day

MINUTE = timedelta(minutes=1)
SHOWN = 120  # minutes of a trend: two hours show a tide, a day would flatten it
CALLS = 12  # newest calls kept
BATCH = 500


@dataclass(frozen=True, slots=True)
class Sample:
    """The floor at the end of a minute. `longest_s` is the longest wait of those still waiting, in seconds."""

    at: datetime
    waiting: int
    longest_s: int
    open: int
    served: int


@dataclass(frozen=True, slots=True)
class Call:
    """A number that was called to a window. `again` counts from 1."""

    number: str
    window: str
    at: datetime
    again: int


@dataclass(slots=True)
class Day:
    """One business day of a hall, folded from its record: each row is read once."""

    day: date
    epoch: str
    offset: int
    waiting: dict[int, datetime] = field(default_factory=dict)
    joined: dict[int, datetime] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    served: int = 0
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=SHOWN))
    calls: deque[Call] = field(default_factory=lambda: deque(maxlen=CALLS))
    minute: datetime | None = None

    def fold(self, entry: journal.Entry) -> None:
        """Take one row in; samples of the minutes before it are drawn first."""
        self.pass_time(entry.at)
        self.offset = entry.offset
        if entry.kind.startswith("window."):
            self._window(entry.data)
        elif entry.kind.startswith("ticket.") and entry.ticket is not None:
            self._ticket(entry.kind, entry.ticket, entry.at, entry.data)

    def pass_time(self, now: datetime) -> None:
        """Draw a sample for each minute that ended before `now`; only the last SHOWN are worth drawing."""
        if self.minute is None or now - self.minute > SHOWN * MINUTE:
            self.minute = now.replace(second=0, microsecond=0) - (SHOWN * MINUTE if self.minute else timedelta())
        while self.minute + MINUTE <= now:
            self.minute += MINUTE
            self.samples.append(self.sample(self.minute))

    def sample(self, at: datetime) -> Sample:
        """The floor as it stands, stamped `at`."""
        first = min(self.waiting.values(), default=at)
        return Sample(at, len(self.waiting), max(0, int((at - first).total_seconds())), len(self.open), self.served)

    def _window(self, data: dict[str, Any]) -> None:
        if data.get("state") == "open":
            self.open.add(data["window"])
        else:
            self.open.discard(data["window"])

    def _ticket(self, kind: str, ticket: int, at: datetime, data: dict[str, Any]) -> None:
        joined = self.joined.setdefault(ticket, at)
        if data.get("state") == "waiting":
            self.waiting[ticket] = joined
        else:
            self.waiting.pop(ticket, None)
        if kind == "ticket.finished":
            self.served += 1
        if kind in ("ticket.called", "ticket.recalled"):
            self.calls.appendleft(Call(data["ticket"], data["window"], at, data.get("attempt") or 1))


# Before the first row that is read, a window stands as its next row says it must have: what opens was closed.
FIRST = """
SELECT j."offset" - 1 FROM journal j
WHERE j.ticket = (SELECT min(id) FROM tickets WHERE hall = $1 AND day = $2) ORDER BY j."offset" LIMIT 1
"""
OPEN_AT = """
SELECT w.no FROM windows w LEFT JOIN LATERAL (
    SELECT kind FROM journal j WHERE j.hall = w.hall AND j."offset" > $2 AND j.kind LIKE 'window.%' AND j.window_no = w.no
    ORDER BY j."offset" LIMIT 1) next ON true
WHERE w.hall = $1 AND CASE WHEN next.kind IS NULL THEN w.state = 'open' ELSE next.kind IN ('window.paused', 'window.closed') END
"""


async def today(db: Db, days: dict[int, Day], hall: Hall, now: datetime) -> Day:
    """The hall's day up to `now`. The first question of a day reads its rows, each later one only what is new.

    `days` keeps what was read, by hall id, for as long as the process lives.
    """
    day, stands = await business_day(db, hall), await journal.top(db, hall.id)
    known = days.get(hall.id)
    if known is None or known.day != day or known.epoch != stands.epoch:
        known = days[hall.id] = await _begin(db, hall, day, stands)
    while known.offset < stands.offset:
        for entry in await journal.read(db, hall.id, known.offset, BATCH):
            if entry.offset > known.offset:  # another request may have read on while this one waited
                known.fold(entry)
    known.pass_time(now)
    return known


async def _begin(db: Db, hall: Hall, day: date, stands: journal.Position) -> Day:
    first = await db.fetchval(FIRST, hall.id, day)
    offset = stands.offset if first is None else first
    opened = {row["no"] for row in await db.fetch(OPEN_AT, hall.id, offset)}
    return Day(day, stands.epoch, offset, open=opened)
