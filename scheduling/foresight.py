"""What would next Saturday look like: a day to come, played forward from its first door with whoever is planned and expected.

It reads much and loads numpy: a process of its own does it (`floor/foresee.py`), never the one that serves pages.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import ceil
from statistics import fmean

import numpy as np

from queueing.db import Db
from queueing.floors import Arrivals, Floor, Plan, Seat
from queueing.halls import Hall
from queueing.measures import PAST_CAME, PAST_COUNTS, PLANNED
from queueing.paces import Count, habits, learn
from queueing.simulate import Outcome, simulate
from scheduling.amiss import amiss
from scheduling.appointments import PROMISE
from scheduling.day_types import DayType, day_types, kind_on
from scheduling.days import calendar
from scheduling.foreseen import QUARTER, Area, Foreseen
from scheduling.roster.demand import BUSY, demand, quarters
from scheduling.roster.patterns import span
from scheduling.roster.planned import PUBLISHED, Duty, minute_of, moment_of, staffed
from scheduling.roster.problem import Need, Pattern

RUNS = 96  # the waits of a quarter hour are pooled over its people: half of the usual runs are enough
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
    kind = kind_on(await calendar(db, hall), await day_types(db, hall), day)
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
    """Without a roster: as many windows all day as the kind of day keeps open, else as its busiest quarter hour needs, or all
    of them where hours are for the booked alone: so their places are counted."""
    if not kind.sessions:
        return []
    apart = any(map(kind.booked_only, kind.sessions))
    whole = Pattern("whole", span(kind.sessions[0])[0], span(kind.sessions[-1])[1])
    found = []
    for zone in sorted({zone for _, zone, _ in windows}):
        there = sum(of == zone for _, of, _ in windows)
        busiest = max((need.wanted for need in needs if need.zone == zone), default=0)
        many = kind.zones.get(zone) or (there if apart else busiest)
        found += [Duty(f"?{n}", zone, None, whole) for n in range(min(many, there))]
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
    visit = {code: fmean(pace.seconds) / 60 for code, pace in floor.paces.items()}
    areas = tuple(area(known, code, at, outcome, visit) for code in known.zones if code in known.zone_of.values())
    closes = span(known.kind.sessions[-1])[1]
    begins = minute_of(known.hall, known.day, known.opens)
    ends = [max(closes, begins + round(seconds / 60)) for seconds in (outcome.end.p50_s, outcome.end.p90_s)]
    kept = promise_kept(known, outcome, list(floor.paces))
    return Foreseen(
        known.roster, at, areas, walk_ins, booked, places, closes, ends[0], ends[1],
        bool(known.past), kept,
        tuple(amiss(known.hall, known.kind, areas, at, closes, ends, kept, is_first=not known.came)),
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
        many = capacity if apart(known, start, end) else taken
        if many:
            found.append(Arrivals(service, *comes(known, start, end), many, BOOKED_CREDIT_S))
    return found, walk_ins, booked, places


def apart(known: Day, start: datetime, end: datetime) -> bool:
    """Whether a slot is one of the hours that are for the booked alone."""
    begins, ends = (minute_of(known.hall, known.day, at) for at in (start, end))
    own = [span(session) for session in known.kind.sessions if known.kind.booked_only(session)]
    return any(opens <= begins and ends <= closes for opens, closes in own)


def comes(known: Day, start: datetime, end: datetime) -> tuple[float, float]:
    """From when to when those come who booked a slot, in seconds after the doors open: about its beginning."""
    spread, begins = min(SPREAD, (end - start) / 2), start - known.opens
    return max(0.0, (begins - spread).total_seconds()), (begins + spread).total_seconds()


def promise_kept(known: Day, outcome: Outcome, codes: list[str]) -> int | None:
    """Of a hundred who booked hours of their own, how many are called so soon after the booked time, or after coming if that is
    later, as the hall promises; None without such hours. Among walk-ins nobody can be told apart."""
    came, code, waits = outcome.came
    kept = np.empty(0, bool)
    for service, start, end, _, _ in known.slots:
        if service in codes and apart(known, start, end):
            first, last = comes(known, start, end)
            mine = (code == codes.index(service)) & (came >= first) & (came < last)
            due = np.maximum(came[mine], (start - known.opens).total_seconds())
            kept = np.append(kept, came[mine] + waits[mine] - due <= known.hall.value(PROMISE) * 60)
    return round(100 * float(kept.mean())) if kept.size else None


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


def needed(known: Day, zone: str, windows: int, at: Iterable[int], visit: Mapping[str, float]) -> Iterable[int]:
    """The windows a zone needs in each quarter hour: for the booked by the places of their hours, else as rosters ask for."""
    least, booked = known.kind.zones.get(zone, 0), dict[int, int]()
    for begins, ends in (span(session) for session in known.kind.sessions if known.kind.booked_only(session)):
        work = sum(
            capacity * visit[service]
            for service, start, _, capacity, _ in known.slots
            if known.zone_of.get(service) == zone and begins <= minute_of(known.hall, known.day, start) < ends
        )
        if work:  # so far ahead that no places are laid yet it is as rosters ask for
            asked = max(min(ceil(work / (ends - begins) / BUSY - 0.05), windows), least)
            booked |= dict.fromkeys(range(begins, ends, QUARTER), asked)
    for quarter in at:
        wanted = next((it.wanted for it in known.needs if it.zone == zone and it.begins <= quarter < it.ends), 0)
        yield booked.get(quarter, wanted)


def area(known: Day, zone: str, at: tuple[int, ...], outcome: Outcome, visit: Mapping[str, float]) -> Area:
    """One zone over the day."""
    base = minute_of(known.hall, known.day, known.opens)
    own = [n for n, code in enumerate(visit) if known.zone_of[code] == zone]
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
        tuple(needed(known, zone, windows, at, visit)),
        tuple(min(windows, staffed(planned, zone, q, q + QUARTER)) for q in at), tuple(people), tuple(p50), tuple(p90),
    )  # fmt: skip


def minutes_of(waits: np.typing.NDArray[np.float64], share: float) -> float:
    """A quantile; -1 where it is that nobody ever serves them."""
    found = float(np.quantile(waits, share, method="lower"))
    return round(found, 1) if np.isfinite(found) else -1.0
