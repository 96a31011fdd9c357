"""The floor plan: windows by area, each with the load on what it serves, and where it is proposed to open one."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from floor.database import Db
from floor.pages.figures import LONG_S
from floor.pages.staffed import LOOKS, elapsed, zones_of
from floor.signin import Person
from floor.words import Words
from queueing.halls import Hall
from queueing.windows import Window

BUSY_S = 15 * 60  # nine in ten within so long is calm; past LONG_S it is too much
CROWDED = 10  # people for each open window: too many where nothing is forecast
SMALL = 9  # windows in an area from which they are drawn small


async def plan_of(
    db: Db, hall: Hall, floor: list[Window], person: Person, services: Mapping[str, Mapping[str, Any]], zones: Mapping[str, str],
    at: datetime, advised: Collection[str | None], say: Words,
) -> list[dict[str, Any]]:  # fmt: skip
    """The areas as they stand at `at`: `services` are the rows of the board by code, `zones` the area of each."""
    serves = {window.no: window.services for window in floor}
    found = await zones_of(db, hall, floor, person, say)
    for zone in found:
        mine = [row for code, row in services.items() if zones[code] == zone["code"]]
        zone["waiting"] = sum(row["waiting"] for row in mine)
        zone["load"] = worst([load_of(row) for row in mine])
        zone["small"] = len(zone["windows"]) > SMALL
        zone["spots"] = [
            spot_of(window, [services[code] for code in serves[window["no"]] if code in services], at, advised)
            for window in zone["windows"]
        ]
    return found


def load_of(row: Mapping[str, Any]) -> str:
    """calm, busy or over: by what is forecast of a service, by its queue where nothing is."""
    if not row["waiting"]:
        return "calm"
    if not row["open"]:
        return "over"
    if row["p90"] is not None:
        return "over" if row["p90"] >= LONG_S else "busy" if row["p90"] >= BUSY_S else "calm"
    each = row["waiting"] / row["open"]
    return "over" if each > CROWDED else "busy" if each > CROWDED / 2 else "calm"


def worst(loads: Sequence[str]) -> str:
    return next((load for load in ("over", "busy") if load in loads), "calm")


def spot_of(
    window: dict[str, Any], serves: Sequence[Mapping[str, Any]], at: datetime, advised: Collection[str | None]
) -> dict[str, Any]:  # fmt: skip
    """A window on the plan. One that is open has the load of what it serves, and how full its bar is."""
    tone, symbol = LOOKS[window["state"]]
    waiting, p90 = sum(row["waiting"] for row in serves), max((row["p90"] or 0 for row in serves), default=0)
    works = window["state"] not in ("closed", "paused")
    each = max((row["waiting"] / max(1, row["open"]) for row in serves), default=0.0)
    return window | {
        "tone": "shut" if tone == "closed" else tone, "symbol": symbol, "elapsed": elapsed(window["since"], at),
        "load": worst([load_of(row) for row in serves]) if works else None, "waiting": waiting, "p90": -(-p90 // 60),
        "each": round(each), "full": min(100, round(max(100 * p90 / LONG_S, 100 * each / CROWDED))),
        "advised": window["no"] in advised,
    }  # fmt: skip
