"""Proposals in words: what each would do, what it promises in minutes, and whether it came true."""

from collections.abc import Container, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil, isfinite
from typing import Any

from floor.database import Db
from floor.pages.staffed import clock
from floor.words import Words
from queueing import proposals
from queueing.halls import Hall
from queueing.proposals import Proposal
from queueing.settings import ROUNDS
from queueing.steps import Effect

SHOWN = 6  # offered at once: who must choose from more chooses nothing
KINDS = ("open", "help", "move", "extend", "stop")
TOLD = 8  # of what became of the last ones


async def board(
    db: Db, hall: Hall, say: Words, names: Mapping[str, str], services: Mapping[str, str], now: datetime,
    places: Container[str] | None,
) -> dict[str, Any]:  # fmt: skip
    """What the manager sees of them: those to decide, those in force, what became of the others. `places`: the windows whose
    proposals the reader may decide; None: all."""
    live = await proposals.live(db, hall, ("offered", "applied"))
    offered = in_order([one for one in live if one.state == "offered"])
    done = await proposals.decided(db, hall, TOLD + len(live))
    told = Told(hall, say, names, services, now, places)
    return {
        "offered": [told.row(one) for one in offered[:SHOWN]],
        "applied": [told.row(one) for one in live if one.state == "applied"],
        "settled": [told.row(one) for one in done if one.state != "applied"][:TOLD],
        "advised": {one.step.window: one.step for one in reversed(offered[:SHOWN]) if one.step.kind == "open"},
    }  # fmt: skip


def in_order(offered: Sequence[Proposal]) -> list[Proposal]:
    """The service with the most to save first; of a service's proposals those that take nothing from another."""
    most: dict[str, float] = {}
    for one in offered:
        most[one.step.service] = max(most.get(one.step.service, 0.0), saved(one))
    return sorted(offered, key=lambda one: (-most[one.step.service], KINDS.index(one.step.kind), -saved(one)))


def saved(one: Proposal) -> float:
    """Seconds of everybody together that it would save; what nobody serves now comes first."""
    return sum(each.people * (capped(each.before_s) - capped(each.after_s)) for each in one.effects)


def capped(seconds: float) -> float:
    return min(seconds, 4 * 3600.0)


class Told:
    """Proposals in one reader's language: `names` of clerks, `services` by their letter."""

    def __init__(
        self, hall: Hall, say: Words, names: Mapping[str, str], services: Mapping[str, str], now: datetime,
        places: Container[str] | None,
    ) -> None:  # fmt: skip
        self.hall, self.say, self.names, self.services, self.now, self.places = hall, say, names, services, now, places

    def mine(self, one: Proposal) -> bool:
        """Whether the reader may decide it: a leader of a zone where all its windows are there."""
        at = [no for no in (one.step.window, one.step.from_window) if no]
        return self.places is None or (bool(at) and all(no in self.places for no in at))

    def row(self, one: Proposal) -> dict[str, Any]:
        step = one.step
        main = next((each for each in one.told if each.service == step.service), None)
        came = one.actual.get(step.service) or {}
        ran = one.state in ("applied", "undone", "reverted", "over")
        return {
            "id": one.id, "mine": self.mine(one), "state": one.state, "kind": step.kind, "service": step.service,
            "window": step.window,
            "words": self.say(f"manage.step_{step.kind}", window=step.window or "", from_window=step.from_window or "",
                              service=f"{step.service} {self.services.get(step.service, '')}".strip(),
                              clerk=self.names.get(step.clerk or "", step.clerk or "")),
            "main": self.figures(main) if main else None,
            "others": [self.figures(each) for each in one.told if each.service != step.service],
            "ends": self.ends(one), "rule": self.say[f"manage.by_{one.rule}"] if one.rule else None,
            "since": one.since, "clock": clock(one.since, self.hall), "until": clock(one.keep_until, self.hall),
            "kept": one.keep_until is not None and one.keep_until > self.now,
            "calm": one.state == "applied" and one.rounds >= self.hall.value(ROUNDS),
            "promised": self.minutes((main.after_s if ran else main.before_s) if main else None), "ran": ran,
            "came": self.minutes(came.get("p90_s")), "people": came.get("people", 0), "waiting": came.get("waiting", 0),
            "day": self.day_end(one, ran), "judged": one.judged_at is not None, "by": self.by(one),
        }  # fmt: skip

    def figures(self, effect: Effect) -> dict[str, Any]:
        """Minutes of nine in ten without and with it, and between what in nine of ten plays."""
        return {
            "service": effect.service, "before": self.minutes(effect.before_s), "after": self.minutes(effect.after_s),
            "low": self.minutes(effect.low_s), "high": self.minutes(effect.high_s), "worse": effect.after_s > effect.before_s,
        }  # fmt: skip

    def minutes(self, seconds: float | None) -> str | None:
        """Whole minutes; a word where nobody would be served."""
        if seconds is None:
            return None
        return str(ceil(seconds / 60)) if isfinite(seconds) else self.say["manage.never"]

    def ends(self, one: Proposal) -> str | None:
        """How much sooner the day would end, where that is ten minutes or more."""
        if one.end_before_s is None or one.end_after_s is None or one.end_before_s - one.end_after_s < 600:
            return None
        return self.say("manage.ends_sooner", n=round((one.end_before_s - one.end_after_s) / 60))

    def day_end(self, one: Proposal, ran: bool) -> dict[str, str] | None:
        """When the day was to end, and when it did so far; only for what was done to end it sooner."""
        told, came = (one.end_after_s if ran else one.end_before_s), one.actual.get("ended_s")
        if one.step.kind != "stop" or one.since is None or told is None or came is None:
            return None
        return {
            "told": clock(one.since + timedelta(seconds=told), self.hall),
            "came": clock(one.since + timedelta(seconds=came), self.hall),
        }

    def by(self, one: Proposal) -> str:
        """Who decided: a name, or the rule or clock."""
        role, _, name = (one.decided_by or "").partition(":")
        return self.names.get(name, self.say[f"manage.by_{name}"] if role == "rule" else "") if name else ""
