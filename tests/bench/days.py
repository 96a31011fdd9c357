"""Made-up days in a hall, played by the queueing simulator ciw: nothing in here is known to the estimator that is judged.

ciw gives arrivals, events and the clock. Its one node is the whole hall; what a hall has and a plain node doesn't (windows
that serve several queues, head starts, plans, people who don't come when called) is in `HallNode`.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ciw
import numpy as np

OPEN_S = 8 * 3600.0  # the doors; a day's clock begins at nine
HOURS = 8
Sample = Callable[[random.Random], float]


@dataclass(frozen=True)
class Kind:
    """A service as it truly is: seconds of a visit (any shape), people an hour, and what the hall's planners think."""

    code: str
    sample: Sample
    mean_s: float
    planned_minutes: float
    share: float  # of the people who come


def lognormal(mean: float, spread: float) -> Sample:
    return lambda luck: luck.lognormvariate(np.log(mean) - spread**2 / 2, spread)


def gamma(mean: float, shape: float) -> Sample:
    return lambda luck: luck.gammavariate(shape, mean / shape)


def two_kinds(short: float, long: float, share: float) -> Sample:
    """Some only ask, some bring a pile of papers."""
    return lambda luck: luck.lognormvariate(np.log(long if luck.random() < share else short), 0.3)


KINDS = (
    Kind("A", lognormal(340, 0.45), 340, 6, 0.17),
    Kind("B", lognormal(760, 0.6), 760, 11, 0.09),
    Kind("C", gamma(430, 2.0), 430, 6, 0.14),
    Kind("D", two_kinds(240, 900, 0.35), 1.046 * (0.65 * 240 + 0.35 * 900), 9, 0.12),
    Kind("E", gamma(600, 4.0), 600, 9, 0.10),
    Kind("F", lognormal(820, 0.4), 820, 13, 0.07),
    Kind("G", gamma(380, 1.0), 380, 7, 0.13),
    Kind("H", two_kinds(150, 480, 0.4), 1.046 * (0.6 * 150 + 0.4 * 480), 5, 0.18),
)
# What each window serves: some one queue alone, some two that overlap with the next, some a whole area, two everything.
SERVES = [
    "A",
    "A",
    "AH",
    "AHG",
    "B",
    "B",
    "BF",
    "C",
    "C",
    "CD",
    "CDE",
    "D",
    "D",
    "E",
    "EF",
    "F",
    "G",
    "G",
    "GH",
    "H",
    "H",
    "HA",
    "ABCDEFGH",
    "ABCDEFGH",
]
WALK: Sample = lambda luck: luck.uniform(6, 34)  # noqa: E731
ABSENT: Sample = lambda luck: luck.uniform(60, 110)  # noqa: E731
GAP: Sample = lambda luck: luck.uniform(2, 14)  # noqa: E731


@dataclass(frozen=True)
class Shift:
    """At this second of the day a window begins to serve these services; none: it closes. Whether the hall's plan has it."""

    at: float
    window: int
    services: str
    planned: bool = True


@dataclass(frozen=True)
class Day:
    """A day as it will truly be. `pressure` is work over what the windows can do, by the hour."""

    name: str
    seed: int
    pressure: tuple[float, ...] = (0.9, 1.15, 1.15, 0.95, 0.6, 0.8, 1.1, 0.7)
    slow: Mapping[int, float] = field(default_factory=dict)  # hour -> how much longer everything takes
    clerk_spread: float = 0.2
    no_show: float = 0.06
    credit: float = 0.08  # share of people with a head start of twenty or thirty minutes
    bursts: tuple[tuple[float, str, int], ...] = ()  # second, service, people out of one bus
    shifts: tuple[Shift, ...] = ()


@dataclass
class Visit:
    """What the hall's record would have kept of somebody."""

    id: int
    service: str
    joined: float
    credit: float
    rank: float
    calls: int = 0
    window: int | None = None
    first_called: float | None = None
    called: float = 0.0
    served: float | None = None
    ended: float | None = None
    absent: bool = False
    missed_at: float | None = None  # the first call that nobody answered


class HallNode(ciw.Node):  # type: ignore[misc]
    """All windows of a hall at one node."""

    next_event_date: float
    next_event_type: str | None

    def __init__(self, id_: int, simulation: Any) -> None:
        super().__init__(id_, simulation)
        self.hall: Hall = simulation.hall
        for server, services in zip(self.servers, SERVES, strict=True):
            server.services = services
            server.idle_since = 0.0

    def begin_service_if_possible_accept(self, individual: Any) -> None:
        individual.arrival_date = self.now
        visit = self.hall.arrives(individual, self.now)
        free = [s for s in self.servers if not s.busy and visit.service in s.services]
        if free:
            self.call(min(free, key=lambda server: server.idle_since), individual)

    def begin_service_if_possible_release(self, individual: Any, server: Any) -> None:
        server.idle_since = self.now
        self.call_next(server)

    def call_next(self, server: Any) -> None:
        waiting = [i for i in self.all_individuals if not i.server and i.customer_class in server.services]
        if waiting:
            self.call(server, min(waiting, key=lambda each: (each.visit.rank, each.visit.id)))

    def call(self, server: Any, individual: Any) -> None:
        self.attach_server(server, individual)
        individual.service_start_date = self.now
        individual.service_time = self.hall.lasts(individual.visit, server.id_number, self.now)
        individual.service_end_date = self.now + individual.service_time
        self.number_in_service += 1
        server.next_end_service_date = individual.service_end_date

    def update_next_event_date(self) -> None:
        super().update_next_event_date()
        if self.hall.shifts and self.hall.shifts[0].at <= self.next_event_date:
            self.next_event_date, self.next_event_type = self.hall.shifts[0].at, "plan"

    def have_event(self) -> None:
        if self.next_event_type != "plan":
            super().have_event()
            return
        shift = self.hall.shifts.pop(0)
        server = self.servers[shift.window]
        server.services, server.idle_since = shift.services, self.now
        if not server.busy:
            self.call_next(server)


class Exit(ciw.routing.NodeRouting):  # type: ignore[misc]
    """Who was served goes; who didn't come may turn up again behind the next few."""

    def next_node(self, individual: Any) -> Any:
        return self.simulation.nodes[1 if self.simulation.hall.returns(individual) else -1]


class Hall:
    """One day: its luck, and the record it leaves. `watch` is called after each arrival has found its place."""

    def __init__(self, day: Day, watch: Callable[["Hall", Visit, float], None] | None = None) -> None:
        self.day, self.watch = day, watch
        self.luck = random.Random(day.seed)
        self.kinds = {kind.code: kind for kind in KINDS}
        # A clerk works at the same window on all days of a hall: the hall's seed, not the day's.
        speeds = random.Random(4711)
        self.speeds = [float(np.exp(speeds.gauss(0, day.clerk_spread))) for _ in SERVES]
        self.shifts = sorted(day.shifts, key=lambda shift: shift.at)
        self.visits: list[Visit] = []

    def play(self) -> list[Visit]:
        """The whole day, until an hour after the doors close."""
        ciw.seed(self.day.seed)
        network = ciw.create_network(
            arrival_distributions={k.code: [ciw.dists.PoissonIntervals(self.rates(k), self.ends(), OPEN_S + 1)] for k in KINDS},
            service_distributions={k.code: [ciw.dists.Deterministic(1)] for k in KINDS},
            batching_distributions={k.code: [ciw.dists.Deterministic(1)] for k in KINDS},
            number_of_servers=[len(SERVES)],
            routing={k.code: ciw.routing.NetworkRouting(routers=[Exit()]) for k in KINDS},
        )
        world = type("World", (ciw.Simulation,), {"hall": self})
        self.world = world(network, node_class=HallNode)
        self.world.simulate_until_max_time(OPEN_S + 2 * 3600)
        return self.visits

    def ends(self) -> list[float]:
        """The ends of the stretches of even pressure: the hours, and two minutes for each bus."""
        hours = [3600.0 * (hour + 1) for hour in range(HOURS)]
        buses = [edge for at, _, _ in self.day.bursts for edge in (at, at + 120)]
        return sorted({*hours, *buses})

    def rates(self, kind: Kind) -> list[float]:
        """People a second in each stretch."""
        capacity = len(SERVES) / (sum(k.share * (k.mean_s + 30) for k in KINDS))
        found, begins = [], 0.0
        for end in self.ends():
            hour = int(begins // 3600)
            rate = capacity * kind.share * self.day.pressure[hour]
            rate += sum(people / 120 for at, code, people in self.day.bursts if code == kind.code and at <= begins < at + 120)
            found.append(rate)
            begins = end
        return found

    # --- what the node asks

    def arrives(self, individual: Any, now: float) -> Visit:
        if not hasattr(individual, "visit"):
            credit = self.luck.choice((1200.0, 1800.0)) if self.luck.random() < self.day.credit else 0.0
            individual.visit = Visit(len(self.visits), individual.customer_class, now, credit, now - credit)
            self.visits.append(individual.visit)
            if self.watch is not None:
                self.watch(self, individual.visit, now)
        found: Visit = individual.visit
        return found

    def lasts(self, visit: Visit, server: int, now: float) -> float:
        """Seconds from this call until the window can call again."""
        luck, window = self.luck, server - 1
        visit.calls, visit.window, visit.called = visit.calls + 1, window, now
        visit.first_called = now if visit.first_called is None else visit.first_called
        visit.absent = luck.random() < (self.day.no_show if visit.calls == 1 else 0.5)
        if visit.absent:
            visit.served, visit.missed_at = None, visit.missed_at or now
            return ABSENT(luck) + GAP(luck)
        hour = min(HOURS - 1, int(now // 3600))
        visit.served = now + WALK(luck)
        visit.ended = visit.served + self.kinds[visit.service].sample(luck) * self.speeds[window] * self.day.slow.get(hour, 1.0)
        return visit.ended - now + GAP(luck)

    def returns(self, individual: Any) -> bool:
        """Whether somebody comes back to the line after not answering (once); True: back behind the next three."""
        visit: Visit = individual.visit
        if not visit.absent or visit.calls >= 2:
            return False
        node = self.world.nodes[1]
        line = sorted(i.visit.rank for i in node.all_individuals if not i.server and i.customer_class == visit.service)
        visit.rank = max(visit.rank, (line[:3] or [visit.rank])[-1] + 1e-6)
        return True
