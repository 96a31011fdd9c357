"""Forecast: what people were told on simulated days, beside people ahead × average ÷ windows and beside who knows the rates."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from math import log
from typing import Any

import numpy as np

from queueing.arrivals import Came, expect
from queueing.floors import GRID, Expected, Floor, Habits, Measures, Pace, Plan, Seat, Waiting, still_to_come
from queueing.paces import BINS, FIRST_S, STEP, Count, habits, learn
from queueing.simulate import Range, simulate
from tests.bench.days import ABSENT, GAP, HOURS, KINDS, SERVES, WALK, Day, Hall, Shift, Visit
from tests.bench.figures import Figure, amount

NINE = datetime(2026, 11, 23, 1, tzinfo=UTC)  # the doors open at nine in Shanghai
PAST = 10  # days the hall has measured before the day that is judged
HALF_LIFE = 10.0  # days after which a past day counts half
PLANNED = {kind.code: kind.planned_minutes for kind in KINDS}


# --- what the hall's record says of a day: the same counts that queueing.measures reads with SQL


def bin_of(seconds: float) -> int:
    return min(BINS - 1, max(0, int((log(max(seconds, FIRST_S)) - log(FIRST_S)) / log(STEP))))


def tally(visits: Iterable[Visit], until: float = float("inf"), weight: float = 1.0) -> list[Count]:
    """What is known of these visits at an instant of the day."""
    done = [v for v in visits if v.ended is not None and v.served is not None and v.ended <= until]
    lost = [v for v in visits if v.missed_at is not None and v.missed_at + 110 <= until]
    logs = {v.id: log(max(FIRST_S, v.ended - v.served)) for v in done}  # type: ignore[operator]
    middles = {code: float(np.median([logs[v.id] for v in done if v.service == code] or [0])) for code in PLANNED}
    sums: dict[tuple[str, str, str], list[float]] = {}
    for v in done:
        clipped = min(max(logs[v.id], middles[v.service] - 1.5), middles[v.service] + 1.5)
        hour = int(9 + v.served // 3600)  # type: ignore[operator]
        for kind, key in (("all", ""), ("clerk", f"c{v.window}"), ("hour", str(hour))):
            sums.setdefault((v.service, kind, key), []).append(clipped)
        sums.setdefault((v.service, "bin", str(bin_of(v.ended - v.served))), []).append(0.0)  # type: ignore[operator]
        if v.first_called is not None and v.first_called == v.joined:
            sums.setdefault(("", "react", "0"), []).append(0.0)
        sums.setdefault(("", "walk", str(bin_of(v.served - v.called))), []).append(0.0)  # type: ignore[operator]
    for v in lost:
        sums.setdefault((v.service, "absent", ""), []).append(0.0)
        sums.setdefault(("", "returned" if v.calls > 1 else "missed", ""), []).append(0.0)
    return [Count(*key, weight * len(values), weight * sum(values)) for key, values in sums.items()]


def added(days: Sequence[list[Count]]) -> list[Count]:
    """Past days, the newest last, each weighing half of one HALF_LIFE days younger."""
    found: Counter[tuple[str, str, str]] = Counter()
    sums: Counter[tuple[str, str, str]] = Counter()
    for age, counts in enumerate(reversed(days), start=1):
        for count in counts:
            key = (count.service, count.kind, count.key)
            found[key] += count.n * 0.5 ** (age / HALF_LIFE)
            sums[key] += count.log_sum * 0.5 ** (age / HALF_LIFE)
    return [Count(*key, n, sums[key]) for key, n in found.items()]


def came(visits: Iterable[Visit], until: float = float("inf"), days: int = 1) -> list[Came]:
    """Who took a number by then, by quarter hour since the day's roll at four."""
    found: dict[tuple[str, int], list[float]] = {}
    for v in visits:
        if v.joined <= until:
            found.setdefault((v.service, int((5 * 3600 + v.joined) // 900)), []).append(v.credit)
    return [Came(*key, len(c) / days, sum(x > 0 for x in c) / days, sum(c) / days) for key, c in found.items()]


# --- the floor at an instant of the day


def floor_of(hall: Hall, now: float, known: Measures) -> Floor:
    """What the hall's tables would show at this instant; of the shifts only those its plan has."""
    node = hall.world.nodes[1]
    waiting = sorted((i.visit for i in node.all_individuals if not i.server), key=lambda v: (v.rank, v.id))
    seats = tuple(seat_of(server, now) for server in node.servers)
    plans = tuple(
        Plan(str(shift.window), shift.at - now, tuple(shift.services), f"c{shift.window}")
        for shift in hall.shifts
        if shift.planned
    )
    return Floor(
        1, NINE + timedelta(seconds=now), int(9 + now // 3600), 0,
        tuple(Waiting(v.id, v.service, v.rank - now, v.joined - now, calls=v.calls) for v in waiting),
        seats, plans, tuple(still_to_come(known.arrivals, NINE + timedelta(seconds=now))), known.paces, known.habits,
    )  # fmt: skip


def seat_of(server: Any, now: float) -> Seat:
    window, visit = server.id_number - 1, server.cust.visit if server.busy else None
    seat = Seat(str(window), "open" if server.services else "closed", tuple(server.services), f"c{window}")
    if visit is None:
        return seat
    if visit.ended is not None and visit.ended <= now:
        return seat  # the clerk has finished and is about to call
    arrived = visit.served is not None and visit.served <= now
    since = now - (visit.served if arrived else visit.called)
    return replace(seat, state="serving" if arrived else "called", busy_with=visit.service, since_s=since, calls=visit.calls)


# --- who tells a wait


class Truth:
    """Who knows the true rates: the shape of every service, each clerk, each hour of the day, who will not come."""

    def __init__(self, day: Day) -> None:
        self.day = day
        luck = random.Random(99)
        grid = np.linspace(0.001, 0.999, GRID)

        def seconds(sample: Any) -> tuple[float, ...]:
            return tuple(np.quantile([sample(luck) for _ in range(20000)], grid).tolist())

        self.habits = Habits(seconds(WALK), seconds(ABSENT), seconds(ABSENT), (0.0,) * GRID, float(np.mean(seconds(GAP))), 1.0)
        self.shapes = {kind.code: seconds(kind.sample) for kind in KINDS}
        hall = Hall(day)
        self.clerks = {f"c{n}": speed for n, speed in enumerate(hall.speeds)}
        self.arrivals = tuple(
            Expected(kind.code, NINE + timedelta(seconds=begins), NINE + timedelta(seconds=ends),
                     rate * (ends - begins) * share, credit_s)
            for kind in KINDS for begins, ends, rate in zip([0.0, *hall.ends()], hall.ends(), hall.rates(kind), strict=False)
            for share, credit_s in ((1 - day.credit, 0.0), (day.credit, 1500.0))
        )  # fmt: skip

    def measures(self, now: float) -> Measures:
        slow = self.day.slow.get(min(HOURS - 1, int(now // 3600)), 1.0)
        hours = {int(9 + now // 3600): slow}
        paces = {c: Pace(shape, self.clerks, hours, doubt=0, no_show=self.day.no_show) for c, shape in self.shapes.items()}
        return Measures(paces, self.habits, self.arrivals)


@dataclass
class Told:
    """What one ticket was told when it was taken, by each; what came of it is in the visit."""

    visit: Visit
    ours: Range
    oracle: Range
    naive: float

    @property
    def waited(self) -> float:
        assert self.visit.first_called is not None
        return self.visit.first_called - self.visit.joined


def naive(floor: Floor, service: str, average_s: float) -> float:
    """People ahead × average ÷ windows, of the service's own queue: a queue that shares windows counted whole, as
    `ahead` on a ticket does, makes the formula worse by far."""
    open_ = [seat for seat in floor.seats if service in seat.services and seat.state not in ("closed", "paused")]
    ahead = sum(ticket.service == service for ticket in floor.waiting)
    return ahead * average_s / len(open_) if open_ else 0.0


class Judge:
    """Asks all three at every `each`th ticket of a day."""

    def __init__(self, day: Day, past: "Past", each: int) -> None:
        self.past, self.each, self.truth = past, each, Truth(day)
        self.told: list[Told] = []
        self.measured_at, self.known = -1e9, Measures({}, habits([], []))

    def measure(self, hall: Hall, now: float) -> Measures:
        """What the hall has measured, at most a minute old."""
        if now - self.measured_at >= 60:
            today, at = tally(hall.visits, now), NINE + timedelta(seconds=now)
            paces = learn(self.past.counts, today, PLANNED, int(9 + now // 3600))
            arrivals = expect(self.past.came, came(hall.visits, now), NINE - timedelta(hours=5), at)
            self.known, self.measured_at = Measures(paces, habits(self.past.counts, today), arrivals), now
        return self.known

    def watch(self, hall: Hall, visit: Visit, now: float) -> None:
        if visit.id % self.each:
            return
        floor = floor_of(hall, now, self.measure(hall, now))
        true = self.truth.measures(now)
        informed = replace(
            floor, paces=true.paces, habits=true.habits, arrivals=tuple(still_to_come(true.arrivals, floor.at))
        )  # fmt: skip
        done = [v.ended - v.served for v in hall.visits
                if v.service == visit.service and v.ended is not None and v.served is not None and v.ended <= now]  # fmt: skip
        average = float(np.mean(done)) if len(done) >= 5 else 60 * PLANNED[visit.service]
        others = replace(floor, waiting=tuple(t for t in floor.waiting if t.id != visit.id and t.rank <= visit.rank - now))
        # The newcomer has just joined the queue: all three tell of that very ticket.
        ours, oracle = (simulate(known, seed=visit.id).tickets[visit.id] for known in (floor, informed))
        self.told.append(Told(visit, ours, oracle, naive(others, visit.service, average)))


@dataclass(frozen=True)
class Past:
    """What a hall has in its tables of the days before."""

    counts: list[Count]
    came: list[Came]


def history(seed: int, days: int) -> Past:
    """What the hall measured on ordinary days before."""
    ordinary = [Day("past", seed + n, pressure=tuple(0.85 + 0.3 * ((n + h) % 3 == 0) for h in range(HOURS))) for n in range(days)]
    played = [Hall(day).play() for day in ordinary]
    return Past(added([tally(visits) for visits in played]), came([v for visits in played for v in visits], days=max(1, days)))


def judge(day: Day, *, past: int = PAST, each: int = 3) -> list[Told]:
    """All that was told on a day and came to a call."""
    judge = Judge(day, history(1000 * day.seed, past), each)
    Hall(day, judge.watch).play()
    return [told for told in judge.told if told.visit.first_called is not None and np.isfinite(told.ours.p50_s)]


# --- the days

LUNCH = tuple(
    shift for n, serves in enumerate(SERVES) for begins in (3 * 3600.0 + 2400 * (n % 2),)
    for shift in (Shift(begins, n, ""), Shift(begins + 2400, n, serves))
)  # fmt: skip


def away(windows: Sequence[int], begins: float, lasts: float, planned: bool) -> tuple[Shift, ...]:
    """These windows are left one after the other, ten minutes apart."""
    return tuple(
        shift for n, window in enumerate(windows) for at in (begins + 600 * n,)
        for shift in (Shift(at, window, "", planned), Shift(at + lasts, window, SERVES[window], planned))
    )  # fmt: skip


# What the numbers of queueing/paces.py were chosen by: `python -m tests.bench.forecast` judges these.
TUNING = (
    Day("ordinary", seed=1),
    Day("calm", seed=2, pressure=(0.5, 0.7, 0.7, 0.6, 0.4, 0.5, 0.7, 0.5)),
    Day("crowded", seed=3, pressure=(1.2, 1.4, 1.2, 1.0, 0.8, 1.0, 1.2, 0.8)),
    Day("lunch by turns", seed=4, shifts=LUNCH),
    Day("slow from eleven", seed=5, slow={2: 1.4, 3: 1.4, 4: 1.4, 5: 1.4}),
    Day("buses", seed=6, bursts=((4000, "A", 25), (9000, "D", 20), (18000, "H", 40))),
    Day("dead hours", seed=7, pressure=(1.3, 1.3, 0.2, 0.0, 0.0, 1.4, 1.3, 0.3)),
    Day("many don't come", seed=8, no_show=0.18, credit=0.2),
    Day("away unplanned", seed=9, shifts=away((0, 4, 8, 13, 18, 22), 3000, 1800, False)),
)
# What it is judged by: other loads, shifts, bursts and dead hours, with luck of their own.
JUDGED = (
    Day("ordinary, another", seed=101, pressure=(0.7, 1.0, 1.1, 1.0, 0.8, 0.9, 1.0, 0.6)),
    Day("quiet, one rush", seed=102, pressure=(0.5, 0.6, 1.5, 0.6, 0.4, 0.5, 0.6, 0.4)),
    Day("full all day", seed=103, pressure=(1.3, 1.2, 1.1, 1.1, 1.0, 1.1, 1.1, 0.8)),
    Day("lunch, then short of hands", seed=104, pressure=(0.9, 1.1, 1.0, 0.7, 0.7, 0.9, 1.0, 0.6),
        shifts=tuple(sorted(LUNCH + away((1, 9, 19), 19000, 5400, True), key=lambda shift: shift.at))),
    Day("slow in the afternoon", seed=105, slow={5: 1.3, 6: 1.3, 7: 1.3}),
    Day("quick in the morning", seed=106, slow={0: 0.8, 1: 0.8, 2: 0.8}, pressure=(1.3, 1.4, 1.3, 0.9, 0.6, 0.9, 1.1, 0.7)),
    Day("three buses", seed=107, pressure=(0.7, 0.8, 0.8, 0.7, 0.5, 0.7, 0.8, 0.5),
        bursts=((5400, "C", 30), (12600, "G", 35), (20000, "B", 15))),
    Day("dead at noon", seed=108, pressure=(1.1, 1.3, 1.0, 0.1, 0.0, 0.6, 1.4, 0.9)),
    Day("one in seven does not come", seed=109, no_show=0.14, credit=0.15),
    Day("clerks far apart, some leave", seed=110, clerk_spread=0.35, shifts=away((2, 7, 11, 16), 6000, 1500, False)),
)  # fmt: skip


@dataclass(frozen=True)
class Score:
    """Seconds by which each was off in the mean, and the share of waits within the P90."""

    day: str
    people: int
    ours: float
    oracle: float
    naive: float
    within: float

    def __str__(self) -> str:
        return (
            f"{self.day:28} {self.people:5} people  off by {self.ours:5.0f} s"
            f"  who knows the rates {self.oracle:5.0f} s ({self.ours / self.oracle:.2f})"
            f"  ahead × average ÷ windows {self.naive:5.0f} s ({self.ours / self.naive:.2f})  in P90 {100 * self.within:.1f} %"
        )


def score(day: str, told: Sequence[Told]) -> Score:
    def off(values: Iterable[float]) -> float:
        return float(np.mean([abs(each.waited - value) for each, value in zip(told, values, strict=True)]))

    within = float(np.mean([each.waited <= each.ours.p90_s for each in told]))
    ours, oracle = off(each.ours.p50_s for each in told), off(each.oracle.p50_s for each in told)
    return Score(day, len(told), ours, oracle, off(each.naive for each in told), within)


FEWEST = 300  # people; 38 within a true 90 % are 79 to 97 % by luck alone, 300 are 86 to 93 %


def measure(*, days: int, each: int, past: int) -> list[Figure]:
    """The goals over all judged days together, and each day for itself in the raw figures."""
    told = {day.name: judge(day, each=each, past=past) for day in JUDGED[:days]}
    scores = [score(name, each_told) for name, each_told in told.items()]
    every = score("all", [one for each_told in told.values() for one in each_told])
    raw = {"days": [asdict(one) for one in scores], "all": asdict(every), "table": [str(one) for one in scores]}
    enough = every.people >= FEWEST
    few = "" if enough else f"{every.people} people: too few to judge, {FEWEST} are needed. "
    apart = [one.ours / one.naive for one in scores], [one.ours / one.oracle for one in scores]
    by_day = "; ".join(f"{one.day} {one.ours / one.oracle:.2f}, {100 * one.within:.0f} %" for one in scores)

    def against(what: str, other: float, limit: float, ratios: list[float]) -> Figure:
        ratio = every.ours / other
        return Figure(
            "F", what, amount(other, "s"), amount(every.ours, "s"), round(ratio, 3),
            f"{min(ratios):.2f}–{max(ratios):.2f} of {len(ratios)} days", f"≤ {limit:g} ×",
            ratio <= limit if enough else None, few + by_day, raw,
        )  # fmt: skip

    within = [100 * one.within for one in scores]
    covered = Figure(
        "F", f"waits within the P90, {every.people} people", "–", amount(100 * every.within, "%"), None,
        f"{min(within):.0f}–{max(within):.0f} of {len(within)} days", "87–93 %",
        0.87 <= every.within <= 0.93 if enough else None, few + by_day,
    )  # fmt: skip
    return [
        against("P50 off by, beside ahead × average ÷ windows", every.naive, 0.6, apart[0]),
        against("P50 off by, beside who knows the true rates", every.oracle, 1.15, apart[1]),
        covered,
    ]


if __name__ == "__main__":
    for tuned in TUNING:
        print(score(tuned.name, judge(tuned, each=5)), flush=True)
