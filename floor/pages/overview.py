"""All the manager's board shows: the hall now, or as it stood at an earlier minute of today."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from starlette.datastructures import State

from floor import lines, trends
from floor.acts.balance import DECIDES
from floor.database import Db
from floor.pages import promised, waits
from floor.pages.alarmed import floor_alarms
from floor.pages.dispatch_news import doors
from floor.pages.drained import evening
from floor.pages.figures import bad_ratings, figures
from floor.pages.machines import disputes, machines
from floor.pages.minimums import minimums
from floor.pages.news import asks
from floor.pages.past import end_of, figures_then, slider, waiting_then, windows_then
from floor.pages.plan import plan_of
from floor.pages.promises import total
from floor.pages.staffed import clock, localized, now_of
from floor.pages.wording import minutes
from floor.rewind import first_row, scene_at
from floor.signin import Person, leads, own_zone
from floor.words import Words
from queueing import promises
from queueing.forecast import Load, expect, loads
from queueing.halls import Hall, services
from queueing.windows import Window, list_windows


async def look(db: Db, hall: Hall, person: Person, say: Words, kept: State, minute: int | None) -> dict[str, Any]:
    """The hall now, or at a minute since the day's roll. `kept`: what the process remembers of its halls."""
    now, began = await now_of(db), await waits.day_began(db, hall)
    asked = end_of(began, minute) if minute is not None else now
    scene = await scene_at(db, kept.films, hall, asked) if asked < now else None
    at = asked if scene else now
    floor, load, known = await list_windows(db, hall), await loads(db, hall.id), await services(db, hall)
    if scene:
        queued = waiting_then(scene)
        floor, known = windows_then(scene, floor, at), [replace(one, waiting=queued[one.code]) for one in known]
    served = [service_row(localized(one, say), load.get(one.code), say, floor if scene else None) for one in known]
    names = {row["code"]: row["word"] for row in served}
    places = None if own_zone(person) is None else {window.no for window in floor if leads(person, window.zone)}
    board = await promised.board(db, hall, say, await lines.names(db, hall), names, now, places)
    zones, rows = {one.code: one.zone for one in known}, {row["code"]: row for row in served}
    day, bad = await trends.today(db, kept.days, hall, now), await bad_ratings(db, hall)
    mine = {code for code, zone in zones.items() if leads(person, zone)}
    accounts = await promises.accounts(db, hall.id, 1)
    return {
        "now": now, "past": clock(at, hall) if scene else None, "minute": minute if scene else None,
        "slider": slider(began, await first_row(db, hall), now, minute if scene else None),
        "zones": await plan_of(db, hall, floor, person, rows, zones, at, () if scene else board["advised"], say),
        "services": served, "most": max(5, *(row["waiting"] for row in served), 0), "told": total(accounts) if accounts else None,
        "figures": figures_then(scene, floor, at, bad, say) if scene else figures(day, now, floor, load, bad, say),
        "calls": [{"number": call.number, "window": call.window, "again": call.again, "clock": clock(call.at, hall, seconds=True)}
                  for call in (scene or day).calls],
        "floor_alarms": [] if scene else await floor_alarms(db, hall, names, person, now, say),
        "asks": "" if scene else await asks(db, hall, person, say),
        "doors": "" if scene else await doors(db, hall, person, say, now),
        "minimums": [] if scene else await minimums(db, hall, person, say),
        "evening": None if scene else await evening(db, hall, names, mine, now, say),
        **board, "decides": not person.roles.isdisjoint(DECIDES), **await machines(db, hall, now, say),
        "disputes": await disputes(db, hall, now, say), **await waits_of(db, hall, kept, names, began, now),
    }  # fmt: skip


async def waits_of(db: Db, hall: Hall, kept: State, names: dict[str, str], began: datetime, now: datetime) -> dict[str, Any]:
    """The day's waits as pictures; the record is asked once in a while, however many look."""
    rows = await kept.waits.get(hall.id, lambda: waits.quarters(db, hall))
    drawn = waits.plots(rows, names, began, now)
    return {"waits": drawn, "hours": waits.hours(began, drawn, lambda at: clock(at, hall))}


def service_row(service: Any, load: Load | None, say: Words, then: list[Window] | None = None) -> dict[str, Any]:
    """A service: who waits for it, how long a newcomer would, how many windows work for it.

    `then`: the windows of an earlier minute, of which no forecast is kept.
    """
    wait = expect(load, load.ahead) if load and then is None else None
    open_ = load.open if load else 0
    if then is not None:
        open_ = sum(service.code in window.services and window.state not in ("closed", "paused") for window in then)
    return {
        "code": service.code, "word": service.word, "waiting": service.waiting, "open": open_,
        "p50": wait.p50_s if wait else None, "p90": wait.p90_s if wait else None,
        "expected": say["manage.no_window"] if not open_ else "–" if then is not None else minutes(say, wait),
    }  # fmt: skip
