"""What an hour of today would have been under other rules: the same people, windows and visits, called in another order."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from queueing.db import Db
from queueing.halls import Hall
from queueing.rulebook import Value
from queueing.rules import BOOKED, QUICK, WALK_IN, Line, Standing, in_order

GAP_S = 8.0  # between the end of a visit and the next call, while somebody waits
AFTER = timedelta(hours=2)  # whoever came within the hour may be called so long after it
MOST = 3000  # people of a preview; more in one hour is no hall of one floor
STEPS = 60_000  # looks at the line before a preview gives up


@dataclass(frozen=True, slots=True)
class Came:
    """Somebody of that hour: when they joined, how long they were at the first window, when they gave up waiting."""

    ticket: int
    number: str
    service: str
    category: str | None
    joined_at: datetime
    booked_for: datetime | None
    short: bool
    stays_s: float | None
    left_at: datetime | None
    called_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shift:
    """A window open from then to then."""

    window: str
    start: datetime
    end: datetime
    services: tuple[str, ...]
    helping: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hour:
    """What the record holds of an hour: `busy` until when a window had somebody from before it."""

    start: datetime
    end: datetime
    came: tuple[Came, ...]
    shifts: tuple[Shift, ...]
    busy: Mapping[str, datetime]
    mean_s: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Trial:
    """The rules a preview plays by. `helps` has the windows that help otherwise than the record says."""

    credits: Mapping[str, int]
    booked_credit: int
    late: timedelta
    every: int
    short_every: int
    quick: frozenset[str]
    helps: Mapping[str, tuple[str, ...]]
    help_after: Mapping[str, int]
    short_after: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Called:
    """A call of the preview."""

    at: datetime
    who: Came
    window: str
    rule: str


@dataclass(slots=True)
class Played:
    """What came of it. `waits` in seconds by ticket; who was not called in time is not among them."""

    calls: list[Called] = field(default_factory=list)
    waits: dict[int, float] = field(default_factory=dict)
    whole: bool = True


def trial(values: Mapping[str, Value], new: Mapping[str, Any]) -> Trial:
    """The rules as they stand with some values replaced."""
    now = {name: new.get(name, value.value) for name, value in values.items()}

    def column(part: str, name: str) -> dict[str, Any]:
        return {key.split(".")[1]: value for key, value in now.items() if key.startswith(f"{part}.") and key.endswith(f".{name}")}

    credits, evidence, offered = (
        column("category", "credit_minutes"),
        column("category", "evidence"),
        column("category", "offered"),
    )
    booked = [credits[code] for code in credits if evidence[code] == "booking" and offered[code]]
    changed = {name.split(".")[1] for name in new if name.startswith("window.") and name.endswith(".helps")}
    return Trial(
        credits, max(booked, default=0), timedelta(minutes=now["set.booked_late_min"]), now["set.interleave"],
        now["set.short_every"], frozenset(code for code, quick in column("service", "quick").items() if quick),
        {no: tuple(helps) for no, helps in column("window", "helps").items() if no in changed},
        column("window", "help_after"), column("window", "short_after"),
    )  # fmt: skip


def standing(who: Came, rules: Trial) -> Standing:
    """Where somebody would have stood under these rules."""
    credit = rules.credits.get(who.category or "", 0)
    rank = who.joined_at - timedelta(minutes=credit)
    lane = QUICK if who.short or who.service in rules.quick else WALK_IN
    if who.booked_for is not None and who.joined_at <= who.booked_for + rules.late:
        booked = who.booked_for - timedelta(minutes=rules.booked_credit)
        rank, lane, credit = min(rank, booked) if credit else booked, BOOKED, max(credit, rules.booked_credit)
    return Standing(who.ticket, who.number, who.service, rank, who.joined_at, lane, credit)


class _Play:
    """One run: windows come free one after another, and each calls whom the rules choose."""

    def __init__(self, hour: Hour, rules: Trial) -> None:
        self.hour, self.rules, self.played = hour, rules, Played()
        self.arriving = sorted(hour.came, key=lambda who: (who.joined_at, who.ticket))
        self.next = 0
        self.waiting: dict[str, dict[int, Came]] = {}
        self.stands = {who.ticket: standing(who, rules) for who in hour.came}
        self.counts: dict[str, tuple[int, int]] = {}

    def run(self) -> Played:
        limit, hour = self.hour.end + AFTER, self.hour
        free = [(max(s.start, hour.start, hour.busy.get(s.window, hour.start)), n) for n, s in enumerate(hour.shifts)]
        heapq.heapify(free)
        for _ in range(STEPS):
            if not free:
                return self.played
            at, n = heapq.heappop(free)
            if at < hour.shifts[n].end and at < limit:
                again = self.look(hour.shifts[n], at)
                if again is not None:
                    heapq.heappush(free, (again, n))
        self.played.whole = False
        return self.played

    def look(self, shift: Shift, at: datetime) -> datetime | None:
        """A window is free: whom it calls, and when it is free again; None when nobody comes any more."""
        while self.next < len(self.arriving) and self.arriving[self.next].joined_at <= at:
            who = self.arriving[self.next]
            self.waiting.setdefault(who.service, {})[who.ticket] = who
            self.next += 1
        line = self.line(shift)
        here = {t: who for code in (*line.services, *line.helping) for t, who in self.waiting.get(code, {}).items()}
        for ticket, who in list(here.items()):
            if who.left_at is not None and who.left_at <= at:
                del here[ticket], self.waiting[who.service][ticket]
        turns = in_order(
            (self.stands[ticket] for ticket in here), line, at, every=self.rules.every, short_every=self.rules.short_every
        )
        if turns:
            return self.call(here[turns[0].who.ticket], turns[0].rule, turns[0].who.lane, shift, at)
        if here:
            return at + timedelta(seconds=15)  # somebody this window will help with, though not yet
        return self.arriving[self.next].joined_at if self.next < len(self.arriving) else None

    def line(self, shift: Shift) -> Line:
        no, rules = shift.window, self.rules
        helps = tuple(code for code in rules.helps.get(no, shift.helping) if code not in shift.services)
        booked, quick = self.counts.get(no, (1_000_000, 1_000_000))
        return Line(no, shift.services, helps, rules.help_after.get(no, 0), rules.short_after.get(no), booked, quick)

    def call(self, who: Came, rule: str, lane: int, shift: Shift, at: datetime) -> datetime:
        del self.waiting[who.service][who.ticket]
        booked, quick = self.counts.get(shift.window, (1_000_000, 1_000_000))
        self.counts[shift.window] = (0 if lane == BOOKED else booked + 1, 0 if rule == "short" else quick + 1)
        self.played.calls.append(Called(at, who, shift.window, rule))
        self.played.waits[who.ticket] = (at - who.joined_at).total_seconds()
        stays = who.stays_s if who.stays_s is not None else self.hour.mean_s.get(who.service, 360.0)
        return at + timedelta(seconds=stays + GAP_S)


def play(hour: Hour, rules: Trial) -> Played:
    """Let the hour pass under these rules. Pure and bounded: run it in a thread."""
    return _Play(hour, rules).run()


CAME = f"""
SELECT t.id AS ticket, t.number, t.services[1] AS service, t.category, t.joined_at, t.booked_for,
       t.lane = 2 AND NOT s.quick AS short, c.at AS called_at, c.window_no,
       CASE WHEN c.at IS NOT NULL THEN least(gone.at, hall_now()) END AS gone_at,
       CASE WHEN c.at IS NULL AND t.state IN ('cancelled', 'expired', 'doorstep') THEN t.ended_at END AS left_at
FROM tickets t JOIN services s ON s.hall = t.hall AND s.code = t.services[1]
LEFT JOIN LATERAL (SELECT j.at, j.window_no, j."offset" FROM journal j WHERE j.ticket = t.id AND j.kind = 'ticket.called'
    ORDER BY j."offset" LIMIT 1) c ON true
LEFT JOIN LATERAL (SELECT j.at FROM journal j WHERE j.ticket = t.id AND j."offset" > c."offset" AND j.kind IN (
    'ticket.finished', 'ticket.stepped', 'ticket.held', 'ticket.missed', 'ticket.returned', 'ticket.transferred',
    'ticket.cancelled', 'ticket.expired', 'ticket.doorstep') ORDER BY j."offset" LIMIT 1) gone ON true
WHERE t.hall = $1 AND t.day = $2 AND t.joined_at < $4 AND (t.joined_at >= $3 OR c.at >= $3 OR gone.at >= $3
    OR c.at IS NULL AND (t.ended_at IS NULL OR t.ended_at >= $3))
ORDER BY t.id LIMIT {MOST}
"""
# The day's own rows and some before them: windows may have opened before the first number was taken.
ROWS = """
SELECT j.at, j.data FROM journal j WHERE j.hall = $1 AND j.kind LIKE 'window.%' AND j.at < $3 AND j."offset" >= (
    SELECT coalesce(min(f."offset"), 0) - 3000 FROM journal f WHERE f.ticket = (
        SELECT min(id) FROM tickets WHERE hall = $1 AND day = $2))
ORDER BY j."offset"
"""
NOW = "SELECT no, services, helping FROM windows WHERE hall = $1 AND state = 'open'"
MEAN = "SELECT code, minutes::float * 60 AS s FROM services WHERE hall = $1"


async def hour_of(db: Db, hall: Hall, day: date, start: datetime, end: datetime) -> Hour:
    """What the record holds of that time."""
    rows = await db.fetch(CAME, hall.id, day, start, end)
    came = tuple(
        Came(row["ticket"], row["number"], row["service"], row["category"], row["joined_at"], row["booked_for"], row["short"],
             (row["gone_at"] - row["called_at"]).total_seconds() if row["gone_at"] else None, row["left_at"], row["called_at"])
        for row in rows if row["called_at"] is None or row["called_at"] >= start
    )  # fmt: skip
    busy = {row["window_no"]: row["gone_at"] for row in rows if row["called_at"] and row["called_at"] < start and row["gone_at"]}
    if not rows:
        return Hour(start, end, (), (), {}, {})
    told = [(row["at"], row["data"]) for row in await db.fetch(ROWS, hall.id, day, end + AFTER)]
    now = {row["no"]: (tuple(row["services"]), tuple(row["helping"])) for row in await db.fetch(NOW, hall.id)}
    mean = {row["code"]: row["s"] for row in await db.fetch(MEAN, hall.id)}
    return Hour(start, end, came, tuple(shifts(told, now, start, end + AFTER)), busy, mean)


def shifts(
    told: list[tuple[datetime, dict[str, Any]]],
    now: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]],
    start: datetime,
    end: datetime,
) -> list[Shift]:
    """When each window was open between two instants. One of which the record says nothing is as it is now."""
    open_now: dict[str, Shift] = {}
    known, made = set(), []
    for at, data in told:
        no = data["window"]
        known.add(no)
        if no in open_now:
            made.append(replace(open_now.pop(no), end=at))
        if data["state"] == "open":
            open_now[no] = Shift(no, at, end, tuple(data["services"]), tuple(data.get("helping", ())))
    made += open_now.values()
    made += [Shift(no, start, end, services, helping) for no, (services, helping) in now.items() if no not in known]
    return [replace(s, start=max(s.start, start), end=min(s.end, end)) for s in made if s.end > start and s.start < end]
