"""How many windows each zone needs at each quarter of an hour: from people as they came on such days, or else as planned."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from math import ceil
from statistics import fmean

from queueing.db import Db
from queueing.halls import Hall
from queueing.measures import PAST_CAME, PAST_COUNTS, PLANNED
from queueing.paces import Count, learn
from scheduling.day_types import DayType
from scheduling.roster.patterns import span, usual
from scheduling.roster.problem import Need

QUARTER = 15
BUSY = 0.85  # a window that is busier than this has a queue that only grows
USUAL_SHARE = 2 / 3  # of a zone's windows, where nothing is known of its people; half of those while breaks are taken in turn
NOON = 11  # the hour whose pace is taken for the day

SERVICES = "SELECT code, zone, quota FROM services WHERE hall = $1 ORDER BY rank, code"
WINDOWS = "SELECT zone, count(*)::int AS n FROM windows WHERE hall = $1 GROUP BY zone"


async def demand(db: Db, hall: Hall, days: Mapping[date, DayType]) -> list[Need]:
    """The needs of these days. A zone never needs more windows than it has, nor fewer than its kind of day says."""
    services = await db.fetch(SERVICES, hall.id)
    windows = {row["zone"]: row["n"] for row in await db.fetch(WINDOWS, hall.id)}
    visit = await visit_minutes(db, hall, min(days))
    starts = hall.day_starts.hour * 60 + hall.day_starts.minute
    found: list[Need] = []
    for day, kind in days.items():
        past = await db.fetch(PAST_CAME, hall.id, day)
        came: dict[str, dict[int, float]] = defaultdict(dict)
        for row in past:
            came[row["service"]][starts + row["quarter"] * QUARTER] = row["people"]
        opened = [service for service in services if kind.services is None or service["code"] in kind.services]
        for zone, many in windows.items():
            own = [(row["code"], row["quota"]) for row in opened if row["zone"] == zone]
            if own:
                work = work_of(own, came, visit, kind)
                found += needs_of(day, zone, kind, work, many)
    return found


async def visit_minutes(db: Db, hall: Hall, day: date) -> dict[str, float]:
    """Minutes of a visit by service: as measured, drawn towards the planned ones while little is."""
    planned = {row["code"]: row["minutes"] for row in await db.fetch(PLANNED, hall.id)}
    past = [Count(**row) for row in await db.fetch(PAST_COUNTS, hall.id, day)]
    return {code: fmean(pace.seconds) / 60 for code, pace in learn(past, [], planned, NOON).items()}


def quarters(kind: DayType) -> Iterable[int]:
    """The minutes at which a quarter of an hour begins while doors are open."""
    for session in kind.sessions:
        begins, ends = span(session)
        yield from range(begins, ends, QUARTER)


def work_of(
    services: Iterable[tuple[str, int | None]], came: Mapping[str, Mapping[int, float]], visit: Mapping[str, float], kind: DayType
) -> dict[int, float] | None:
    """Minutes of work that arrive in each quarter hour; None where neither past nor quota says anything."""
    open_at, known = list(quarters(kind)), False
    work = dict.fromkeys(open_at, 0.0)
    for code, quota in services:
        if came.get(code):
            known = True
            for at, people in smooth(came[code], open_at).items():
                work[at] += people * visit[code]
        elif quota is not None and not came:
            known = True
            for at in open_at:
                work[at] += quota * visit[code] / len(open_at)
    return work if known else None


def smooth(people: Mapping[int, float], open_at: list[int]) -> dict[int, float]:
    """The mean of an hour around each quarter: who comes in a ragged minute is served in the next."""
    return {at: fmean(people.get(at + n * QUARTER, 0.0) for n in (-2, -1, 0, 1)) for at in open_at}


def needs_of(day: date, zone: str, kind: DayType, work: Mapping[int, float] | None, windows: int) -> list[Need]:
    """Windows to be open in one zone; quarters that need the same are one need."""
    least, found = min(kind.zones.get(zone, 0), windows), list[Need]()
    breaks = [pause for pattern in usual(kind.sessions) for pause in pattern.breaks] if work is None else []
    for at in quarters(kind):
        share = USUAL_SHARE / 2 if any(away <= at < back for away, back in breaks) else USUAL_SHARE
        asked = ceil(windows * share) if work is None else ceil(work[at] / QUARTER / BUSY - 1e-9)
        if work is None and not kind.walk_in and least:
            asked = least  # places to book are given out for as many
        wanted = max(min(asked, windows), least)
        last = found[-1] if found else None
        if last is not None and (last.ends, last.wanted) == (at, wanted):
            found[-1] = Need(day, zone, last.begins, at + QUARTER, wanted, least)
        else:
            found.append(Need(day, zone, at, at + QUARTER, wanted, least))
    return [need for need in found if need.wanted]
