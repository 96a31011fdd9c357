"""What each sensible change of the floor would bring: the same luck played with and without it, and how sure that is."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from queueing.changes import changed
from queueing.floors import Arrivals, Floor, Seat, endings
from queueing.simulate import Outcome, simulate
from queueing.steps import EXTEND_S, IDLE, SOON_S, Effect, Hands, Place, Step, Worth

RUNS = 64  # with the same luck before and after, 64 runs tell a gain from noise; 24 windows and 500 people take 60 ms
MOST = 500  # people played at most; with more to come the end of the day is not told
HOT = 4  # services looked at in one round, the longest waits first
BUDGET_S = 2.0  # of processor for one round; what it doesn't reach waits for the next
LONGEST_S = 4 * 3600.0  # a wait without end counts as this long when gains are compared

Floats = npt.NDArray[np.float64]


# --- which steps -------------------------------------------------------------------------------------------------


def hot(floor: Floor, waits: Mapping[str, float], least_s: float, tides: Collection[str]) -> list[str]:
    """The services whose people wait too long, the longest first; those of a tide before them."""
    counts = {code: sum(ticket.service == code for ticket in floor.waiting) for code in waits}
    over = [code for code, p90 in waits.items() if code in tides or (counts[code] and p90 >= least_s)]
    return sorted(over, key=lambda code: (code not in tides, -min(waits[code], LONGEST_S), code))[:HOT]


def steps(floor: Floor, base: Outcome, hands: Hands, services: Sequence[str], min_open_s: float) -> Iterator[Step]:
    """The sensible steps for these services: at most four each, the plainest first. Nobody on a break is in any of them."""
    seats = {seat.window: seat for seat in floor.seats}
    seated = {seat.clerk for seat in floor.seats if seat.clerk}
    ending = {plan.window for plan in floor.plans if not plan.services and plan.at_s < min_open_s}
    here = [place for place in hands.places if place.window in seats]
    shut = [place for place in here if seats[place.window].state == "closed" and place.window not in ending]
    others = [
        place for place in here
        if seats[place.window].state not in ("closed", "paused") and place.window not in ending
        and base.load.get(place.window, 0.0) < IDLE and not set(seats[place.window].services) & set(services)
    ]  # fmt: skip
    asked: set[str] = set()
    for code in services:
        zone = hands.zones.get(code)
        near = sorted(shut, key=lambda place: (code not in place.serves, place.zone != zone))
        # Two services don't ask for the same clerk while there is another.
        free = sorted((clerk for clerk in hands.free if clerk not in seated), key=lambda clerk: clerk in asked)
        for step in _openings(near, hands, code, free):
            asked.add(step.clerk or "")
            yield step
        idle = sorted(others, key=lambda place: (place.zone != zone, round(base.load.get(place.window, 0.0), 1)))
        yield from _helpers(idle, seats, hands, code)
        yield from _moves(idle, near, seats, hands, code)
    yield from _endings(floor, base, hands, services)


def _openings(near: Sequence[Place], hands: Hands, code: str, free: Sequence[str]) -> Iterator[Step]:
    for place in near:
        clerk = next((clerk for clerk in free if clerk in hands.able.get((place.window, code), ())), None)
        if clerk is not None:
            own = tuple(each for each in place.serves if clerk in hands.able.get((place.window, each), ()))
            yield Step("open", code, place.window, own if code in own else (code,), clerk)
            return


def _helpers(idle: Sequence[Place], seats: Mapping[str, Seat], hands: Hands, code: str) -> Iterator[Step]:
    able = [place for place in idle if seats[place.window].clerk in hands.able.get((place.window, code), ())]
    for place in able[:2]:
        seat = seats[place.window]
        yield Step("help", code, place.window, (*seat.services, code), seat.clerk, before=seat.services)


def _moves(
    idle: Sequence[Place], near: Sequence[Place], seats: Mapping[str, Seat], hands: Hands, code: str
) -> Iterator[Step]:  # fmt: skip
    for donor in idle:
        seat = seats[donor.window]
        target = next((place for place in near if seat.clerk in hands.able.get((place.window, code), ())), None)
        if target is not None:
            yield Step("move", code, target.window, (code,), seat.clerk, donor.window, seat.services)
            return


def _endings(floor: Floor, base: Outcome, hands: Hands, services: Sequence[str]) -> Iterator[Step]:
    """Longer hours where windows would close on people who wait; no more tickets where the last ones would come out late."""
    if endings(floor.plans):
        stranded = sorted(code for code, people in base.stranded.items() if people >= 1.0)
        if stranded:
            yield Step("extend", stranded[0])
    for code in services:
        closes = hands.closes_s.get(code)
        if closes is not None and floor.last_ticket_s.get(code, 0.0) > 0 and float(np.median(base.ends)) > closes + EXTEND_S:
            yield Step("stop", code)


def tides(floor: Floor, queue: int, people: int, minutes: int) -> dict[str, str]:
    """The services for which a rule of the tide holds, with the rule's name (hall-rules B9)."""
    found = {}
    for code in floor.paces:
        mine = [ticket for ticket in floor.waiting if ticket.service == code]
        open_ = sum(code in seat.services and seat.state not in ("closed", "paused") for seat in floor.seats)
        if queue and len(mine) > queue * max(1, open_):
            found[code] = "tide_queue"
        elif people and sum(-ticket.joined > 60.0 * minutes for ticket in mine) >= people:
            found[code] = "tide_people"
    return found


# --- what they are worth -----------------------------------------------------------------------------------------


def bounded(floor: Floor) -> tuple[Floor, bool]:
    """The floor with the first MOST people of those still to come, and whether that is all of them."""
    left = float(MOST)
    kept: list[Arrivals] = []
    for row in sorted(floor.arrivals, key=lambda row: row.from_s):
        if row.from_s >= floor.last_ticket_s.get(row.service, np.inf):
            continue
        if left < row.people:
            return replace(floor, arrivals=tuple(kept)), False
        left -= row.people
        kept.append(row)
    return replace(floor, arrivals=tuple(kept)), True


def played(floor: Floor, seed: int) -> Outcome:
    return simulate(floor, runs=RUNS, seed=seed, to_come=True, soon_s=SOON_S)


def weigh(
    floor: Floor, whole: bool, base: Outcome, asked: Sequence[Step], seed: int, now: Callable[[], float] = time.thread_time
) -> Iterator[Worth]:
    """Play each step beside the floor as it is, as far as the budget goes."""
    began = now()
    for step in asked:
        if now() - began > BUDGET_S:
            return
        yield _worth(step, base, played(changed(floor, step.change), seed), whole)


def loss(floor: Floor, base: Outcome, step: Step, seed: int, closes_s: Mapping[str, float]) -> float:
    """Seconds of P90 that taking a step back would cost the service that loses most by it.

    A door that would keep the day long after closing again, and windows that would close on people, are as bad as nobody being
    served.
    """
    limited, whole = bounded(changed(floor, *step.undone(closes_s)))
    after = played(limited, seed)
    if step.kind == "stop" and (not whole or float(np.median(after.ends)) > closes_s.get(step.service, 0.0) + EXTEND_S):
        return LONGEST_S
    if step.kind == "extend" and sum(after.stranded.values()) - sum(base.stranded.values()) >= 0.5:
        return LONGEST_S
    return max((_finite(p90(after.waited[code])) - _finite(p90(rows)) for code, rows in base.waited.items()), default=0.0)


def _worth(step: Step, base: Outcome, after: Outcome, whole: bool) -> Worth:
    effects = [_effect(code, rows, after.waited[code]) for code, rows in base.waited.items() if rows.shape[0]]
    gains = {effect.service: _finite(effect.before_s) - _finite(effect.after_s) for effect in effects}
    told = tuple(effect for effect in effects if effect.service == step.service or abs(gains[effect.service]) >= 60.0)
    harm = max((-gain for gain in gains.values()), default=0.0)
    before, later = float(np.median(base.ends)), float(np.median(after.ends))
    ends = (before, later) if whole else (None, None)
    if step.kind == "stop":
        sure = float(np.mean(after.ends < base.ends))
        return Worth(step, told, before - later if whole else 0.0, max(0.0, harm), sure, *ends)
    if step.kind == "extend":
        # Who is served at all instead of not waits no longer without end.
        saved = sum(
            (np.isinf(rows).sum(0) - np.isinf(after.waited[code]).sum(0) for code, rows in base.waited.items()), np.zeros(1)
        )
        gain = LONGEST_S if float(np.mean(saved)) >= 1.0 else 0.0
        return Worth(step, told, gain, max(0.0, harm), float(np.mean(saved > 0)), *ends)
    sure = _sure(base.waited[step.service], after.waited[step.service])
    return Worth(step, told, gains.get(step.service, 0.0), max(0.0, harm), sure, *ends)


def _effect(code: str, before: Floats, after: Floats) -> Effect:
    runs = each_p90(after)
    runs = runs[~np.isnan(runs)]
    low, high = np.quantile(runs, (0.05, 0.95), method="lower") if runs.size else (0.0, 0.0)
    people = float((~np.isnan(before)).sum() / before.shape[1])
    return Effect(code, people, p90(before), p90(after), float(low), float(high))


def _sure(before: Floats, after: Floats) -> float:
    left, right = each_p90(before), each_p90(after)
    known = ~np.isnan(left) & ~np.isnan(right)
    return float(np.mean(right[known] < left[known])) if known.any() else 0.0


def _finite(seconds: float) -> float:
    return min(seconds, LONGEST_S)


def p90(rows: Floats) -> float:
    """The wait that nine of ten don't exceed, all runs together; 0 for nobody."""
    known = rows[~np.isnan(rows)]
    return float(np.quantile(known, 0.9, method="lower")) if known.size else 0.0


def each_p90(rows: Floats) -> Floats:
    """The same of each run; NaN where it has nobody."""
    if rows.shape[0] == 0:
        return np.full(rows.shape[1], np.nan)
    people = (~np.isnan(rows)).sum(0)
    place = np.maximum(np.ceil(0.9 * people).astype(int) - 1, 0)
    found: Floats = np.sort(rows, axis=0)[place, np.arange(rows.shape[1])]
    return found
