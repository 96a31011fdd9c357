"""The manager's board of an earlier minute of today: what happened at 10:14, from the record, with nothing to press."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from floor.pages.figures import Bad, Figure
from floor.rewind import Scene, Spot
from floor.words import Words
from queueing.windows import Window

MINUTES = 24 * 60


def minute_of(word: str | None) -> int | None:
    """The minute since the day's roll that an address asks for; None for now and for nonsense."""
    if word is None or not word.isascii() or not word.isdigit() or len(word) > 4 or int(word) > MINUTES:
        return None
    return int(word)


def end_of(began: datetime, minute: int) -> datetime:
    """What is shown of 10:14 is what stood when it ended, so that a call at 10:14:30 is seen."""
    return began + timedelta(minutes=minute + 1) - timedelta(microseconds=1)


def windows_then(scene: Scene, floor: Sequence[Window], moment: datetime) -> list[Window]:
    """The windows as they were; one that nobody had touched yet was closed."""
    then = []
    for window in floor:
        spot = scene.spots.get(window.no, Spot("closed", moment))
        shut = spot.state == "closed"
        then.append(
            replace(
                window, state=spot.state, clerk=None if shut else spot.clerk, since=spot.since, ticket=spot.ticket,
                services=list(spot.services) or window.serves, reason=None, ticket_key=None,
            )
        )  # fmt: skip
    return then


def waiting_then(scene: Scene) -> Counter[str]:
    """People who waited, by service."""
    return Counter(service for service, _ in scene.waiting.values())


def figures_then(scene: Scene, then: Sequence[Window], moment: datetime, bad: Bad, say: Words) -> list[Figure]:
    """The five figures of that minute; how they went before it is not drawn."""
    first = min((joined for _, joined in scene.waiting.values()), default=moment)
    longest, open_ = int((moment - first).total_seconds()) // 60, sum(window.state != "closed" for window in then)
    found = sum(at <= moment for at in bad.moments)
    return [
        Figure("waiting", len(scene.waiting), "people", [], ""),
        Figure("longest", longest, "minutes", [], "", fault=longest >= 30),
        Figure("open", open_, None, [], say("manage.under_open", n=len(then) - open_)),
        Figure("served", scene.served, "people", [], ""),
        Figure("bad", found, None, [], "", fault=found > 0),
    ]


def slider(began: datetime, first: datetime | None, now: datetime, minute: int | None) -> dict[str, Any]:
    """How far the day can be slid back: from its first number (`low` is None before it) to now."""
    high = int((now - began) / timedelta(minutes=1))
    if first is None:
        return {"low": None, "high": high, "value": high, "began": began}
    low = max(0, int((first - began) / timedelta(minutes=1)))
    high = max(low, high)
    return {"low": low, "high": high, "value": high if minute is None else min(max(minute, low), high), "began": began}
