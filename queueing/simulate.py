"""The floor played forward from now, some hundred times side by side: who is called when, when the day ends, who is busy.

A window that comes free calls the smallest rank among the queues it serves and never stops a visit. For those who are
here, that is the same as going through them in the order of rank and giving each the window that is free first among
those that serve them; so one pass over the queue plays the whole floor, and each step of it is one numpy operation over
all runs. Whoever is still to come follows in the order of arrival, each run with arrivals of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from queueing.floors import GRID, Arrivals, Floor, Plan, Seat, Waiting

RUNS = 192  # a P90 of 192 runs is within 2 points of its share; 300 waiting on 130 windows take 15 ms of processor
USUAL_PACE = 1.0
LUCK = 5  # numbers drawn for a visit: its length, whether they come, how long that takes, once more, whether they come then
RETURNED_NO_SHOW = 0.5  # who didn't come once often doesn't come again
POINTS = np.linspace(0.0, 1.0, GRID)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int_]


@dataclass(frozen=True, slots=True)
class Range:
    """Seconds: half of the runs are at most p50_s, nine of ten at most p90_s. Infinite: nobody will serve them."""

    p50_s: float
    p90_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a floor. Waits count from now; of those to come from their own arrival.

    `end` is when the last visit ends, `stranded` how many nobody serves at all (mean), `load` the share of the time
    until the end that each window works, `later` the waits of people still to come, pooled over the runs.
    `waited` has a row for each who waits or comes soon and a column for each run: seconds from joining to the call, NaN where
    a run has nobody. `ends`: the end in each run. `came`: of each who is to come, a row for the nth of a run, the second, the
    place of the service in the floor's paces, and the seconds until the call.
    """

    tickets: Mapping[int, Range]
    newcomers: Mapping[str, Range]
    later: Mapping[str, Range]
    end: Range
    stranded: Mapping[str, float]
    load: Mapping[str, float]
    waited: Mapping[str, Floats] = field(compare=False, repr=False)
    ends: Floats = field(compare=False, repr=False)
    came: tuple[Floats, Ints, Floats] = field(compare=False, repr=False)


def simulate(floor: Floor, *, runs: int = RUNS, seed: int = 1, to_come: bool = False, soon_s: float = 0.0) -> Outcome:
    """Play the floor `runs` times. With `to_come` the people expected until the last ticket are played as well; `waited` then
    counts those who come within `soon_s`.

    The same seed draws the same luck for the same tickets, so that two floors that differ by a change differ by it alone.
    """
    play = _Play(floor, runs, seed, to_come)
    waits = play.serve_waiting()
    newcomers = {code: _range(play.first_free(code)) for code in floor.paces}
    later, stranded = play.serve_later() if to_come else ({}, {})
    for ticket, wait in zip(floor.waiting, waits, strict=True):
        stranded[ticket.service] = stranded.get(ticket.service, 0.0) + float(np.isinf(wait).mean())
    return Outcome(
        _ranges(floor.waiting, waits), newcomers, later, _range(play.last), stranded, play.load(), play.waited(waits, soon_s),
        play.last, play.came,
    )  # fmt: skip


def in_line(waiting: Sequence[Waiting], interleave: int) -> list[int]:
    """The places of `waiting` in the order of calling: with interleave one booked of a service, then so many others of it."""
    order = [(ticket.rank, 1, n) for n, ticket in enumerate(waiting)]
    if interleave > 0:
        for code in {ticket.service for ticket in waiting if ticket.booked}:
            mine = [n for n, ticket in enumerate(waiting) if ticket.service == code and ticket.for_window is None]
            others = [waiting[n].rank for n in mine if not waiting[n].booked] + [float("inf")]
            for turn, n in enumerate(n for n in mine if waiting[n].booked):
                order[n] = (others[min(turn * interleave, len(others) - 1)], 0, n)
    return [n for _, _, n in sorted(order)]


def _range(values: Floats) -> Range:
    if values.size == 0:
        return Range(0.0, 0.0)
    half, nine = np.quantile(values, (0.5, 0.9), method="lower")
    return Range(float(half), float(nine))


def _ranges(waiting: tuple[Waiting, ...], waits: Floats) -> dict[int, Range]:
    if not waiting:
        return {}
    half, nine = np.quantile(waits, (0.5, 0.9), axis=1, method="lower")
    return {ticket.id: Range(float(a), float(b)) for ticket, a, b in zip(waiting, half, nine, strict=True)}


@dataclass(frozen=True, slots=True)
class Post:
    """A window for as long as it serves the same services: from `opens` (per run) until `until` seconds after now."""

    window: str
    services: tuple[str, ...]
    clerk: str | None
    opens: Floats
    until: float
    helping: tuple[str, ...] = ()
    help_after_s: float = 0.0


@dataclass(slots=True)
class Overtaking:
    """Those of a service who will come with a head start: the nth of each run, and which of them is next."""

    at: Floats
    luck: Floats
    credit_s: float
    next: Ints


class _Play:
    """`free[p, r]`: when post p can call next in run r. `busy`: when each window's visit in hand ends."""

    def __init__(self, floor: Floor, runs: int, seed: int, to_come: bool = False) -> None:
        self.floor, self.runs, self.seed = floor, runs, seed
        # Windows, queue and arrivals have luck of their own: a change of one leaves that of the others as it was.
        self.luck, self.queue_luck, self.later_luck = (np.random.default_rng((seed, n)) for n in range(3))
        self.columns = np.arange(runs)
        self.codes = {code: n for n, code in enumerate(floor.paces)}
        self.doubt = {code: np.exp(pace.doubt * self.queue_luck.standard_normal(runs)) for code, pace in floor.paces.items()}
        self.busy = {seat.window: self.visit_in_hand(seat) for seat in floor.seats if seat.busy_with is not None}
        self.posts = [post for seat in floor.seats for post in self.posts_of(seat)]
        self.free = np.array([post.opens for post in self.posts]).reshape(len(self.posts), runs)
        self.until = np.array([post.until for post in self.posts])
        self.worked = np.zeros(len(self.posts))
        waits_for = {ticket.service for ticket in floor.waiting}
        self.helpers_after = {n: post.help_after_s for n, post in enumerate(self.posts) if post.helping}
        self.own = [{self.codes[code] for code in post.services if code in self.codes} for post in self.posts]
        self.has_queue = [any(code in waits_for for code in post.services) for post in self.posts]
        helped = {code for post in self.posts for code in post.helping if code in self.codes}
        self.helpers = {c: np.array([n for n, post in enumerate(self.posts) if c in post.helping], int) for c in helped}
        self.last = np.max([np.zeros(runs), *self.busy.values()], axis=0)
        self.followed = self._followed()
        scale = [[self.speed(post.clerk, code) for code in self.codes] for post in self.posts]
        self.scale = np.array(scale).reshape(len(self.posts), len(self.codes))
        self.came: tuple[Floats, Ints, Floats] = (np.empty((0, runs)), np.empty((0, runs), int), np.empty((0, runs)))
        self.overtaking = {} if to_come else self._overtaking()
        self.serving = {code: np.array([n for n, p in enumerate(self.posts) if code in p.services], int) for code in self.codes}

    # --- the windows

    def posts_of(self, seat: Seat) -> list[Post]:
        """The stretches of a window: as it is now, then as planned."""
        plans = [plan for plan in self.floor.plans if plan.window == seat.window]
        opens = self.comes_free(seat)
        first = Plan(seat.window, 0.0, seat.services if seat.state != "closed" else (), seat.clerk)
        found = []
        for plan, after in zip([first, *plans], [*plans, None], strict=True):
            until = after.at_s if after else np.inf
            if plan.services:
                helping = tuple(code for code in seat.helping if code not in plan.services)
                free = np.maximum(opens, plan.at_s)
                found.append(Post(seat.window, plan.services, plan.clerk, free, until, helping, seat.help_after_s))
        return found

    def comes_free(self, seat: Seat) -> Floats:
        """When the window can call: after the visit in hand, or after its pause."""
        if seat.state == "paused":
            return self.rest_of(self.floor.habits.pause, seat.since_s)
        if seat.window in self.busy:
            return self.busy[seat.window] + self.floor.habits.gap
        return np.interp(self.luck.random(self.runs), POINTS, self.floor.habits.react)

    def visit_in_hand(self, seat: Seat) -> Floats:
        """When the visit of a window that has a ticket ends."""
        code = seat.busy_with
        assert code is not None
        usual = self.grid(code, seat.matters) * self.speed(seat.clerk, code)
        if seat.state == "serving":
            return self.rest_of(usual, seat.since_s, self.doubt[code])
        absent = self.luck.random(self.runs) < self.no_show(code, seat.calls - 1)
        visit = np.interp(self.luck.random(self.runs), POINTS, usual) * self.doubt[code]
        walk, gone = self.rest_of(self.floor.habits.walk, seat.since_s), self.rest_of(self.floor.habits.absent, seat.since_s)
        return np.where(absent, gone, walk + visit)

    def _followed(self) -> Mapping[int, int]:
        """The next stretch of the same window: it can't begin before a visit of this one has ended."""
        return {n: n + 1 for n in range(len(self.posts) - 1) if self.posts[n].window == self.posts[n + 1].window}

    def _overtaking(self) -> dict[str, "Overtaking"]:
        """The people to come who have a head start, service by service, where somebody waits whom they could overtake."""
        found = {}
        for code in self.codes:
            mine = tuple(row for row in self.floor.arrivals if row.service == code and row.credit_s > 0)
            if mine:
                at, _, luck = self.arrivals(mine, np.random.default_rng((self.seed, 3, self.codes[code])))
                never = np.full((1, self.runs), np.inf)
                credit = sum(row.credit_s * row.people for row in mine) / sum(row.people for row in mine)
                found[code] = Overtaking(np.concatenate((at, never)), luck, credit, np.zeros(self.runs, int))
        return found

    def speed(self, clerk: str | None, code: str) -> float:
        """How this clerk's visits at this hour compare with the usual ones."""
        pace = self.floor.paces.get(code)
        if pace is None:
            return USUAL_PACE
        return pace.clerks.get(clerk or "", USUAL_PACE) * pace.hours.get(self.floor.hour, USUAL_PACE)

    # --- luck

    def grid(self, code: str, matters: tuple[str, ...]) -> Floats:
        """Quantiles of a visit for these matters."""
        pace = self.floor.paces[code]
        known = [pace.matters[matter] for matter in matters if matter in pace.matters]
        usual: Floats = np.asarray(pace.seconds, float)
        return usual * (float(np.mean(known)) if known else USUAL_PACE)

    def rest_of(self, grid: npt.ArrayLike, age: float, doubt: Floats | None = None) -> Floats:
        """What is left of something that has lasted `age` seconds: drawn from what lasts longer than that."""
        quantiles = np.asarray(grid, float)
        scale = np.ones(self.runs) if doubt is None else doubt
        reached = np.interp(age / scale, quantiles, POINTS, left=0.0, right=1.0)
        drawn = np.interp(reached + (1.0 - reached) * self.luck.random(self.runs), POINTS, quantiles) * scale
        # Past everything ever seen, the longer it has lasted the longer it may last.
        beyond = reached >= 1.0
        drawn[beyond] = age * (1.0 + 0.25 * self.luck.exponential(1.0, int(beyond.sum())))
        rest: Floats = np.maximum(drawn - age, 0.0)
        return rest

    def no_show(self, code: str, calls: int) -> float:
        share = self.floor.paces[code].no_show
        return max(share, RETURNED_NO_SHOW) if calls > 0 and share > 0 else share

    def times(self, code: str, matters: tuple[str, ...], calls: int, luck: Floats) -> tuple[Floats, Floats]:
        """Of one ticket in each run: seconds that scale with the clerk, and seconds that don't. `luck`: LUCK rows."""
        visit = np.interp(luck[0], POINTS, self.grid(code, matters)) * self.doubt[code][: luck.shape[1]]
        returns = 0.0 if calls else self.floor.habits.returns
        return self.met(visit, luck, self.no_show(code, calls), returns)

    def met(self, visit: Floats, luck: Floats, no_show: float | Floats, returns: float) -> tuple[Floats, Floats]:
        """A visit where somebody comes; the time until it is given up where nobody does. Some are called once more and
        half of them come then: that is a few calls later, and counted here."""
        habits = self.floor.habits
        absent = luck[1] < no_show
        again = absent & (luck[3] < returns)
        comes = ~absent | (again & (luck[4] >= RETURNED_NO_SHOW))
        gone = np.interp(luck[2], POINTS, habits.absent) + habits.gap
        calls = 1 + (again & ~comes)
        other = np.where(absent, calls * gone, 0.0)
        other += np.where(comes, np.interp(luck[2], POINTS, habits.walk) + habits.gap, 0.0)
        return np.where(comes, visit, 0.0), other

    # --- the queue

    def serve_waiting(self) -> Floats:
        """Call everybody who waits, in the order of rank; the seconds until each is called, a row a ticket."""
        waits = np.empty((len(self.floor.waiting), self.runs))
        lucks = self.queue_luck.random((len(self.floor.waiting), LUCK, self.runs))
        for n in in_line(self.floor.waiting, self.floor.interleave):
            ticket, luck = self.floor.waiting[n], lucks[n]
            if ticket.for_window is None:
                self.let_overtake(ticket.service, ticket.rank)
            visit, other = self.times(ticket.service, ticket.matters, ticket.calls, luck)
            waits[n] = self.call(self.posts_for(ticket), self.codes[ticket.service], visit, other, ticket.rank)
        return waits

    def posts_for(self, ticket: Waiting) -> Ints:
        """The posts that may serve a ticket, those that help with its service as well."""
        code = ticket.service
        if ticket.for_window is not None:
            return np.array([p for p, post in enumerate(self.posts) if post.window == ticket.for_window], int)
        posts = np.concatenate((self.serving[code], self.helpers[code])) if code in self.helpers else self.serving[code]
        if ticket.only is None:
            return posts
        return np.array([p for p in posts if self.posts[p].window in ticket.only], int)

    def let_overtake(self, code: str, rank: float) -> None:
        """Call those with a head start who will have come, and stand before this rank, by the time it would be its turn."""
        coming = self.overtaking.get(code)
        posts = self.serving[code]
        while coming is not None and posts.size:
            starts = self.starts(posts)
            best = starts.argmin(0)
            turn = starts[best, self.columns]
            at = coming.at[coming.next, self.columns]
            first = np.flatnonzero((at <= turn) & (at - coming.credit_s < rank) & np.isfinite(turn))
            if first.size == 0:
                return
            visit, other = self.times(code, (), 0, coming.luck[:, coming.next[first], first])
            post = posts[best[first]]
            self.occupy(post, turn[first], visit * self.scale[post, self.codes[code]] + other, first)
            coming.next[first] += 1

    def call(self, posts: Ints, code: int, visit: Floats, other: Floats, rank: float) -> Floats:
        """Give one ticket of the same service in every run the post that is free first; when that is."""
        starts = self.starts(posts)
        if self.helpers:
            # A window helps with whoever has waited long enough by then. One with a queue of its own that comes free before
            # goes on with its own; one without waits for them.
            for n, post in enumerate(posts):
                if post in self.helpers_after and code not in self.own[post]:
                    after = rank + self.helpers_after[post]
                    starts[n] = np.where(starts[n] >= after, starts[n], np.inf if self.has_queue[post] else after)
        if starts.shape[0] == 0:
            return np.full(self.runs, np.inf)
        best = starts.argmin(0)
        begins: Floats = starts[best, self.columns]
        self.occupy(posts[best], begins, visit * self.scale[posts[best], code] + other)
        return begins

    def starts(self, posts: Ints) -> Floats:
        """When each of these posts could call."""
        free: Floats = self.free[posts]
        until = self.until[posts]
        if np.isfinite(until).any():
            free[free >= until[:, None]] = np.inf
        return free

    def occupy(self, post: Ints, begins: Floats, lasts: Floats, columns: Ints | None = None) -> None:
        """Keep a post of each of these runs (all, if none are named) busy; where nobody can serve nothing happens."""
        columns = self.columns if columns is None else columns
        served = np.isfinite(begins)
        if not served.all():
            post, begins, lasts, columns = post[served], begins[served], lasts[served], columns[served]
        ends = begins + lasts
        self.free[post, columns] = ends
        np.add.at(self.worked, post, lasts)
        self.last[columns] = np.maximum(self.last[columns], ends)
        if self.followed:
            for before, after in self.followed.items():
                mine = post == before
                self.free[after, columns[mine]] = np.maximum(self.free[after, columns[mine]], ends[mine])

    def first_free(self, code: str) -> Floats:
        """When somebody who takes a number now would be called."""
        self.let_overtake(code, 0.0)
        starts = self.starts(self.serving[code])
        return starts.min(0) if starts.shape[0] else np.full(self.runs, np.inf)

    def serve_later(self) -> tuple[dict[str, Range], dict[str, float]]:
        """Call the people still to come in the order of arrival; their waits, and how many nobody serves."""
        at, code, luck = self.arrivals(self.floor.arrivals, self.later_luck)
        codes, paces = list(self.codes), self.floor.paces
        shut = np.array([[0.0 if c in post.services else np.inf for post in self.posts] for c in codes])
        grids, doubts = np.array([paces[c].seconds for c in codes]), np.array([self.doubt[c] for c in codes])
        shares, waits = np.array([paces[c].no_show for c in codes]), np.full(at.shape, np.nan)
        self.came = (at, code, waits)
        if not self.posts:
            waits[np.isfinite(at)] = np.inf
            return self._later(waits, code, codes)
        for n in range(at.shape[0]):
            mine = code[n]
            starts = np.maximum(self.free.T, at[n][:, None]) + shut[mine]
            starts[starts >= self.until] = np.inf
            best = starts.argmin(1)
            begins = starts[self.columns, best]
            place = luck[0, n] * (GRID - 1)
            low = place.astype(int)
            left, right = grids[mine, low], grids[mine, low + 1]
            visit = (left + (right - left) * (place - low)) * doubts[mine, self.columns]
            visit, other = self.met(visit, luck[:, n], shares[mine], self.floor.habits.returns)
            self.occupy(best, begins, visit * self.scale[best, mine] + other)
            waits[n] = np.where(np.isfinite(at[n]), begins - np.where(np.isfinite(at[n]), at[n], 0.0), np.nan)
        return self._later(waits, code, codes)

    def waited(self, waits: Floats, soon_s: float) -> dict[str, Floats]:
        """From joining to the call, by service: of those who wait, and of those who come within `soon_s`."""
        rows: dict[str, list[Floats]] = {code: [] for code in self.codes}
        for ticket, wait in zip(self.floor.waiting, waits, strict=True):
            rows[ticket.service].append(wait - ticket.joined)
        at, codes, later = self.came
        if at.shape[0]:
            for code, n in self.codes.items():
                mine = np.where((codes == n) & (at <= soon_s), later, np.nan)
                rows[code].extend(mine[~np.isnan(mine).all(1)])
        return {code: np.array(found).reshape(len(found), self.runs) for code, found in rows.items()}

    def _later(self, waits: Floats, code: Ints, codes: list[str]) -> tuple[dict[str, Range], dict[str, float]]:
        later, stranded = {}, {}
        for n, name in enumerate(codes):
            mine = waits[(code == n) & ~np.isnan(waits)]
            if mine.size:
                later[name] = _range(mine)
                stranded[name] = float(np.isinf(mine).sum()) / self.runs
        return later, stranded

    def arrivals(self, expected: tuple[Arrivals, ...], drawing: np.random.Generator) -> tuple[Floats, Ints, Floats]:
        """Who comes when in each run: instant, service and luck, a row for the nth arrival; infinite where there is none."""
        known = [row for row in expected if row.service in self.codes]
        table = np.array([(self.codes[row.service], row.from_s, row.until_s, row.people) for row in known]).reshape(-1, 4)
        last = np.array([self.floor.last_ticket_s.get(code, np.inf) for code in self.codes])
        counts = drawing.poisson(table[:, 3], (self.runs, len(table)))
        run = np.repeat(self.columns, counts.sum(1))
        which = np.repeat(np.tile(np.arange(len(table)), self.runs), counts.ravel())
        drawn = drawing.random((1 + LUCK, which.size))
        at, code = table[which, 1] + (table[which, 2] - table[which, 1]) * drawn[0], table[which, 0].astype(int)
        # Whom the door turns away is drawn all the same: a door that closes earlier leaves the luck of the others alone.
        order = np.lexsort((at, run))
        order = order[at[order] < last[code[order]]]
        each = np.bincount(run[order], minlength=self.runs)
        nth = np.arange(order.size) - (np.cumsum(each) - each)[run[order]]
        shape = (int(each.max(initial=0)), self.runs)
        times, codes, luck = np.full(shape, np.inf), np.zeros(shape, int), np.zeros((LUCK, *shape))
        times[nth, run[order]], codes[nth, run[order]] = at[order], code[order]
        luck[:, nth, run[order]] = drawn[1:, order]
        return times, codes, luck

    def load(self) -> dict[str, float]:
        """Share of the time until the end that each window works."""
        span = float(self.last.mean()) or 1.0
        worked: dict[str, float] = {}
        for n, post in enumerate(self.posts):
            worked[post.window] = worked.get(post.window, 0.0) + float(self.worked[n]) / self.runs / span
        for window, busy in self.busy.items():
            if window in worked:
                worked[window] += float(busy.mean()) / span
        return {window: min(1.0, share) for window, share in worked.items()}
