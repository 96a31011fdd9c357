"""One look at the whole floor: what a change would bring, what can't be done any more, what is needed no longer."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from queueing import balance, settings
from queueing.db import Db
from queueing.floors import Floor, endings
from queueing.halls import Hall
from queueing.hands import Posts, hands
from queueing.proposals import Proposal
from queueing.steps import Step, Worth

TAKEN_BACK = 4  # applied proposals looked at in one round

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Round:
    """`weighed` by subject; `unreached` was not come to, `lost` can't be done any more, `over` was ended by somebody else.

    `calm` says of applied proposals whether they could be taken back. `cost_s`: seconds of processor.
    """

    weighed: dict[str, Worth]
    unreached: set[str]
    lost: set[str]
    over: set[int]
    calm: dict[int, bool]
    cost_s: float


async def look(
    db: Db, hall: Hall, floor: Floor, standing: Sequence[Proposal], free: Sequence[str], posts: Posts | None = None
) -> Round:
    """Play the floor as it is, with each step that makes sense, and without what was applied. The playing is done in a thread:
    the loop goes on meanwhile."""
    least, seed = 60.0 * hall.value(settings.GAIN), floor.offset
    limited, whole = balance.bounded(floor)
    base, cost_s = await _timed(lambda: balance.played(limited, seed))
    rules = balance.tides(
        floor, hall.value(settings.TIDE_QUEUE), hall.value(settings.TIDE_PEOPLE), hall.value(settings.TIDE_MINUTES)
    )
    over = balance.hot(floor, {code: balance.p90(rows) for code, rows in base.waited.items()}, least, rules)
    able = await hands(db, hall, floor, base.load, over, free, posts)
    known = {each.step.subject for each in standing}
    asked = sorted(
        balance.steps(limited, base, able, over, 60.0 * hall.value(settings.MIN_OPEN)), key=lambda step: step.subject not in known
    )
    weighed, more_s = await _timed(lambda: list(balance.weigh(limited, whole, base, asked, seed)))
    applied = [each for each in standing if each.state == "applied"]
    due = [each for each in applied if each.keep_until and each.keep_until <= floor.at and stands(floor, each)]
    losses, back_s = await _timed(
        lambda: {each.id: balance.loss(floor, base, each.step, seed, able.closes_s) for each in due[:TAKEN_BACK]}
    )
    ruled = [replace(worth, rule=rules.get(worth.step.service)) if worth.step.kind == "open" else worth for worth in weighed]
    return Round(
        {worth.step.subject: worth for worth in ruled},
        {step.subject for step in asked} - {worth.step.subject for worth in ruled},
        {each.step.subject for each in standing if each.state != "applied" and not feasible(floor, each.step)}
        - {step.subject for step in asked},  # somebody else can do it
        {each.id for each in applied if not stands(floor, each)},
        {id_: lost < least / 2 for id_, lost in losses.items()},
        cost_s + more_s + back_s,
    )  # fmt: skip


async def _timed(play: Callable[[], T]) -> tuple[T, float]:
    def timed() -> tuple[T, float]:
        began = time.thread_time()
        return play(), time.thread_time() - began

    return await asyncio.to_thread(timed)


def feasible(floor: Floor, step: Step) -> bool:
    """Whether the floor is still as the step needs it: the window empty, the clerk free, nobody on a break."""
    seats = {seat.window: seat for seat in floor.seats}
    seat = seats.get(step.window or "")
    match step.kind:
        case "open":
            return seat is not None and seat.state == "closed" and all(other.clerk != step.clerk for other in floor.seats)
        case "help":
            return seat is not None and seat.state not in ("closed", "paused") and seat.clerk == step.clerk
        case "move":
            left = seats.get(step.from_window or "")
            return seat is not None and seat.state == "closed" and left is not None and left.clerk == step.clerk
        case "extend":
            return bool(endings(floor.plans))
        case _:
            return floor.last_ticket_s.get(step.service, 0.0) > 0


def stands(floor: Floor, proposal: Proposal) -> bool:
    """Whether what was applied is still so: the same clerk at that window, serving what was meant; windows that are still to
    close; a door that gives no numbers today."""
    step = proposal.step
    if step.kind == "extend":
        return proposal.today and bool(endings(floor.plans))
    if step.kind == "stop":
        return proposal.today and floor.last_ticket_s.get(step.service, 0.0) <= 0
    return any(s.window == step.window and s.clerk == step.clerk and step.service in s.services for s in floor.seats)
