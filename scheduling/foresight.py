"""What would next Saturday look like: a day to come, played forward from its first door with whoever is planned and expected.

It reads much and loads numpy: a process of its own does it (`floor/foresee.py`), never the one that serves pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np

from queueing.db import Db
from queueing.floors import Arrivals, Floor, Plan, Seat
from queueing.halls import Hall
from queueing.measures import PAST_CAME, PAST_COUNTS, PLANNED
from queueing.paces import Count, habits, learn
from queueing.simulate import Outcome, simulate
from scheduling.day_types import DayType, day_types, kind_on
from scheduling.days import calendar
from scheduling.foreseen import QUARTER, Area, Foreseen, Warn
from scheduling.roster.demand import demand, quarters
from scheduling.roster.patterns import span
from scheduling.roster.planned import PUBLISHED, Duty, minute_of, moment_of, staffed
from scheduling.roster.problem import Need, Pattern

RUNS = 96  # the waits of a quarter hour are pooled over its people: half of the usual runs are enough
LATE_MIN = 30  # so long after the doors the last visit may end
BOOKED_CREDIT_S = 600.0
SPREAD = timedelta(minutes=5)  # who booked comes so much before or after

DUTIES = """
SELECT s.clerk, s.zone, s.window_no, p.code, p.begins, p.ends, p.breaks FROM shifts s
JOIN shift_patterns p ON (p.hall, p.code) = (s.hall, s.pattern)
WHERE s.hall = $1 AND s.day = $2 ORDER BY s.zone, s.window_no NULLS LAST, p.begins, s.clerk
"""
WINDOWS = "SELECT no, zone, serves FROM windows WHERE hall = $1 AND serves <> '{}' ORDER BY rank, no"
ZONES = "SELECT code, name FROM zones WHERE hall = $1 ORDER BY rank, code"
SERVICES = "SELECT code, zone FROM services WHERE hall = $1"
BOOKED = """
SELECT s.service, s.start, s.ends, s.capacity, count(a.id)::int AS booked FROM slots s
LEFT JOIN appointments a ON (a.hall, a.service, a.start) = (s.hall, s.service, s.start) AND a.state = 'booked'
WHERE s.hall = $1 AND s.day = $2 AND s.capacity > 0 GROUP BY s.service, s.start, s.ends, s.capacity
"""


@dataclass(slots=True)
class Day:
    """All that is known of the day."""

    hall: Hall
    day: date
    kind: DayType
    roster: str
    windows: Sequence[tuple[str, str, tuple[str, ...]]]  # number, zone, services open on the day
    zones: Mapping[str, str]
    zone_of: Mapping[str, str]  # of each service that opens
    needs: Sequence[Need]
    duties: Sequence[Duty]
    slots: Sequence[tuple[str, datetime, datetime, int, int]]  # service, from, to, places, booked
    came: Sequence[tuple[str, int, float]] = ()  # service, minute, people as on days like this
    past: Sequence[Count] = field(default_factory=list)
    minutes: Mapping[str, float] = field(default_factory=dict)

    @property
    def opens(self) -> datetime:
        return moment_of(self.hall, self.day, span(self.kind.sessions[0])[0])


async def foresee(db: Db, hall: Hall, day: date) -> Foreseen | None:
    """The day as it would go; None for one on which the doors stay shut."""
    known = await read(db, hall, day)
    return play(known) if known.kind.sessions else None


async def read(db: Db, hall: Hall, day: date) -> Day:
    kind = kind_on(hall, await calendar(db, hall), await day_types(db, hall), day)
    opened = {row["code"]: row["zone"] for row in await db.fetch(SERVICES, hall.id)}
    opened = {code: zone for code, zone in opened.items() if kind.services is None or code in kind.services}
    windows = [
        (row["no"], row["zone"], tuple(code for code in row["serves"] if code in opened))
        for row in await db.fetch(WINDOWS, hall.id)
    ]
    windows = [window for window in windows if window[2]]
    duties = [
        Duty(row["clerk"], row["zone"], row["window_no"],
             Pattern(row["code"], row["begins"], row["ends"], tuple((a, b) for a, b in row["breaks"])))
        for row in await db.fetch(DUTIES, hall.id, day)
    ]  # fmt: skip
    published = await db.fetchval(PUBLISHED, hall.id, day)
    needs = await demand(db, hall, {day: kind}) if kind.sessions else []
    starts = hall.day_starts.hour * 60 + hall.day_starts.minute
    zones = {row["code"]: row["name"] for row in await db.fetch(ZONES, hall.id)}
    roster = "published" if published else "draft" if duties else "none"
    if roster == "none":
        duties = as_asked(kind, windows, needs)
    return Day(
        hall, day, kind, roster, windows, zones, opened, needs, duties,
        [tuple(row.values()) for row in await db.fetch(BOOKED, hall.id, day)],
        [(row["service"], starts + row["quarter"] * QUARTER, row["people"]) for row in await db.fetch(PAST_CAME, hall.id, day)],
        [Count(**row) for row in await db.fetch(PAST_COUNTS, hall.id, day)],
        {row["code"]: row["minutes"] for row in await db.fetch(PLANNED, hall.id) if row["code"] in opened},
    )  # fmt: skip


def as_asked(kind: DayType, windows: Sequence[tuple[str, str, tuple[str, ...]]], needs: Sequence[Need]) -> list[Duty]:
    """Without a roster: as many windows all day as the kind of day keeps open, else as its busiest quarter hour needs."""
    if not kind.sessions:
        return []
    whole = Pattern("whole", span(kind.sessions[0])[0], span(kind.sessions[-1])[1])
    found = []
    for zone in sorted({zone for _, zone, _ in windows}):
        many = kind.zones.get(zone) or max((need.wanted for need in needs if need.zone == zone), default=0)
        found += [Duty(f"?{n}", zone, None, whole) for n in range(min(many, sum(of == zone for _, of, _ in windows)))]
    return found


def play(known: Day) -> Foreseen:
    """Put the planned at their windows, let the expected come, and see."""
    at = tuple(quarters(known.kind))
    arrivals, walk_ins, booked, places = expected(known)
    plans = seated(known)
    floor = Floor(
        known.hall.id, known.opens, known.opens.hour, 0, (), tuple(Seat(no, "closed", ()) for no, _, _ in known.windows),
        tuple(plans), tuple(arrivals), learn(known.past, [], known.minutes, at[0] // 60), habits(known.past, []),
    )  # fmt: skip
    outcome = simulate(floor, runs=RUNS, to_come=True)
    areas = tuple(area(known, code, at, outcome, list(floor.paces)) for code in known.zones if code in known.zone_of.values())
    closes = span(known.kind.sessions[-1])[1]
    begins = minute_of(known.hall, known.day, known.opens)
    last = [begins + round(seconds / 60) for seconds in (outcome.end.p50_s, outcome.end.p90_s)]
    return Foreseen(
        known.roster, at, areas, walk_ins, booked, places, closes, max(closes, last[0]), max(closes, last[1]),
        tuple(amiss(known, areas, at, closes, last[1])),
    )  # fmt: skip


def expected(known: Day) -> tuple[list[Arrivals], float, int, int]:
    """Who comes when: walk-ins as on days like this while doors are open to all; who has booked at the booked time, and where
    only they may come all places are counted, for they may yet be taken."""
    found, walk_ins, booked, places = [], 0.0, 0, 0
    base = minute_of(known.hall, known.day, known.opens)
    for session in known.kind.sessions if known.kind.walk_in else ():
        if session.audience != "all":
            continue
        begins, _ = span(session)
        last = session.last_ticket.hour * 60 + session.last_ticket.minute
        for service, minute, people in known.came:
            if service in known.zone_of and begins <= minute < (last if last > begins else last + 1440):
                found.append(Arrivals(service, (minute - base) * 60, (minute - base + QUARTER) * 60, people))
                walk_ins += people
    for service, start, end, capacity, taken in known.slots:
        if service not in known.zone_of:
            continue
        booked, places = booked + taken, places + capacity
        only = not known.kind.walk_in or any(s.audience == "booked" and covers(known, s, start, end) for s in known.kind.sessions)
        many = capacity if only else taken
        if many:
            from_s = max(0.0, (start - SPREAD - known.opens).total_seconds())
            found.append(Arrivals(service, from_s, (start + SPREAD - known.opens).total_seconds(), many, BOOKED_CREDIT_S))
    return found, walk_ins, booked, places


def covers(known: Day, session: object, start: datetime, end: datetime) -> bool:
    begins, ends = span(session)  # type: ignore[arg-type]
    return begins <= minute_of(known.hall, known.day, start) and minute_of(known.hall, known.day, end) <= ends


def seated(known: Day) -> list[Plan]:
    """Each of the planned at a window of the zone for as long as the shift, away in its breaks. Where windows stay until
    everybody is served (延时) nobody leaves at the end of the day."""
    base, closes = minute_of(known.hall, known.day, known.opens), span(known.kind.sessions[-1])[1]
    free: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for no, zone, services in known.windows:
        free.setdefault(zone, []).append((no, services))
    busy: dict[str, list[tuple[str, tuple[str, ...], int]]] = {}
    plans: list[Plan] = []
    for duty in known.duties:
        taken = busy.setdefault(duty.zone, [])
        again = next((seat for seat in taken if seat[2] <= duty.pattern.begins), None)
        mine = next((seat for seat in free.get(duty.zone, []) if duty.window in (None, seat[0])), None)
        if mine is not None:
            free[duty.zone].remove(mine)
        elif again is not None:
            taken.remove(again)
            mine = again[:2]
        else:
            continue  # more people than windows
        no, services = mine
        taken.append((no, services, duty.pattern.ends))
        plans.append(Plan(no, (duty.pattern.begins - base) * 60, services, duty.clerk))
        for away, back in duty.pattern.breaks:
            plans += [Plan(no, (away - base) * 60, ()), Plan(no, (back - base) * 60, services, duty.clerk)]
        if duty.pattern.ends < closes or not known.kind.drain:
            plans.append(Plan(no, (duty.pattern.ends - base) * 60, ()))
    return sorted(
        (Plan(p.window, max(p.at_s, 0.0), p.services, p.clerk) for p in plans), key=lambda plan: (plan.window, plan.at_s)
    )


def area(known: Day, zone: str, at: tuple[int, ...], outcome: Outcome, codes: list[str]) -> Area:
    """One zone over the day."""
    base = minute_of(known.hall, known.day, known.opens)
    own = [n for n, code in enumerate(codes) if known.zone_of[code] == zone]
    came, code, waits = outcome.came
    mine = np.isin(code, own) & np.isfinite(came)
    minute, waited = came[mine] / 60 + base, waits[mine] / 60
    planned: dict[str, list[Pattern]] = {}
    for duty in known.duties:
        planned.setdefault(duty.zone, []).append(duty.pattern)
    windows = sum(of == zone for _, of, _ in known.windows)
    people, p50, p90 = [], list[float | None](), list[float | None]()
    for begins in at:
        now = waited[(minute >= begins) & (minute < begins + QUARTER)]
        people.append(round(now.size / RUNS, 1))
        half, nine = (None, None) if now.size == 0 else (minutes_of(now, 0.5), minutes_of(now, 0.9))
        p50.append(half)
        p90.append(nine)
    return Area(
        zone, known.zones[zone], windows, known.kind.zones.get(zone, 0),
        tuple(next((need.wanted for need in known.needs if need.zone == zone and need.begins <= q < need.ends), 0) for q in at),
        tuple(min(windows, staffed(planned, zone, q, q + QUARTER)) for q in at), tuple(people), tuple(p50), tuple(p90),
    )  # fmt: skip


def minutes_of(waits: np.typing.NDArray[np.float64], share: float) -> float:
    """A quantile; -1 where it is that nobody ever serves them."""
    found = float(np.quantile(waits, share, method="lower"))
    return round(found, 1) if np.isfinite(found) else -1.0


def amiss(known: Day, areas: Sequence[Area], at: tuple[int, ...], closes: int, last: int) -> list[Warn]:
    """What a manager should know before the day comes."""
    found = [] if known.came or not known.kind.walk_in else [Warn("no_past")]
    for zone in areas:
        nobody = [minute for minute, n in zip(at, zone.planned, strict=True) if n == 0]
        below = [minute for minute, n in zip(at, zone.planned, strict=True) if 0 < n < zone.least]
        found += [Warn("nobody", zone.code, *stretch) for stretch in stretches(nobody)]
        found += [Warn("below", zone.code, *stretch, zone.least) for stretch in stretches(below)]
    if last > closes + LATE_MIN:
        found.append(Warn("late", "", closes, last))
    return found


def stretches(at: Sequence[int]) -> list[tuple[int, int]]:
    """Quarter hours that touch, as one stretch."""
    found: list[tuple[int, int]] = []
    for minute in at:
        if found and found[-1][1] == minute:
            found[-1] = (found[-1][0], minute + QUARTER)
        else:
            found.append((minute, minute + QUARTER))
    return found
