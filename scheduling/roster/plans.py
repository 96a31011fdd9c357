"""The windows planned for the rest of the day as the published roster has them: what a forecast of waits counts on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from queueing.db import Db, changed
from queueing.halls import Hall, business_day
from queueing.steps import EXTEND_S
from queueing.windows import BARRED
from scheduling.roster.planned import Duty, duties, moment_of
from scheduling.roster.problem import Pattern


@dataclass(frozen=True, slots=True)
class Spot:
    """A window of the floor: its zone, and who sits there now with what they serve."""

    no: str
    zone: str
    clerk: str | None = None
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """From a minute of the day on a window serves this; nothing: it closes."""

    window: str
    minute: int
    services: tuple[str, ...]
    clerk: str


Able = Mapping[tuple[str, str], tuple[str, ...]]  # (clerk, window) -> what the clerk may serve of what it serves


def seats_of(on: Sequence[Duty], spots: Sequence[Spot], able: Able) -> dict[str, str]:
    """A window for each clerk: the one they sit at, the one the roster names, if it is free, else the first free of the zone."""
    seated = {spot.clerk: spot.no for spot in spots if spot.clerk}
    at: dict[str, str] = {}
    taken: dict[str, list[Duty]] = defaultdict(list)
    for duty in sorted(on, key=lambda duty: (duty.clerk not in seated, duty.window is None)):
        own = sorted((spot for spot in spots if spot.zone == duty.zone), key=lambda spot: spot.no != duty.window)
        free = (
            spot.no for spot in own
            if able.get((duty.clerk, spot.no)) and not any(meets(duty, it) for it in taken[spot.no])
        )  # fmt: skip
        window = seated.get(duty.clerk) or next(free, None)
        if window is not None:
            at[duty.clerk] = window
            taken[window].append(duty)
    return at


def meets(one: Duty, other: Duty) -> bool:
    """Whether two shifts share a minute."""
    return one.pattern.begins < other.pattern.ends and other.pattern.begins < one.pattern.ends


def planned(on: Sequence[Duty], spots: Sequence[Spot], able: Able, drains: Mapping[str, int]) -> list[Planned]:
    """What the windows are to do over a day. `drains`: the minute a service's door shuts on who then still stays to the last.

    A window that would close with or after such a door closes when nobody is left, so that is not planned.
    """
    here = {spot.no: spot for spot in spots}
    at, found = seats_of(on, spots, able), dict[tuple[str, int], Planned]()
    for duty in on:
        no = at.get(duty.clerk)
        if no is None:
            continue
        spot, shift = here[no], duty.pattern
        services = (spot.services if spot.clerk == duty.clerk else ()) or able.get((duty.clerk, no), ())
        if not services:
            continue
        stays = any(code in drains and shift.ends >= drains[code] for code in services)
        opens = [shift.begins, *(back for _, back in shift.breaks)]
        closes = [*(away for away, _ in shift.breaks), *([] if stays else [shift.ends])]
        found |= {(no, minute): Planned(no, minute, services, duty.clerk) for minute in opens}
        for minute in closes:
            found.setdefault((no, minute), Planned(no, minute, (), duty.clerk))
    return sorted(found.values(), key=lambda it: (it.minute, it.window))


SPOTS = "SELECT no, zone, clerk, services FROM windows WHERE hall = $1 ORDER BY rank, no"
ABLE = f"""
SELECT clerk.name, w.no, array_agg(x.code ORDER BY x.rank, x.code) AS services
FROM unnest($2::text[], $3::text[]) AS clerk(name, zone) JOIN halls h ON h.id = $1
JOIN windows w ON w.hall = h.id AND w.zone = clerk.zone JOIN services x ON x.hall = h.id AND x.code = ANY(w.serves)
WHERE {BARRED} IS NULL GROUP BY 1, 2
"""
DRAINS = "SELECT service, max(closes) AS closes FROM doors WHERE hall = $1 AND day = $2 AND drain GROUP BY service"
# Somebody may have let windows stay longer (a proposal carried out): that stands until it is taken back.
LONGER = """
SELECT x.at::timestamptz FROM proposals p, jsonb_array_elements_text(p.kept -> 'plans') AS x(at)
WHERE p.hall = $1 AND p.state = 'applied' AND p.step ->> 'kind' = 'extend' AND p.day >= $2::date - 1
"""
GONE = """
DELETE FROM window_plans p WHERE p.hall = $1 AND (p.at > hall_now() OR p.at < hall_now() - interval '2 days')
  AND NOT EXISTS (SELECT FROM unnest($2::text[], $3::timestamptz[]) AS x(no, at) WHERE (x.no, x.at) = (p.window_no, p.at))
"""
LAY = """
INSERT INTO window_plans AS p (hall, window_no, at, services, clerk)
SELECT $1, x.no, x.at, string_to_array(x.services, ','), x.clerk
FROM unnest($2::text[], $3::timestamptz[], $4::text[], $5::text[]) AS x(no, at, services, clerk) WHERE x.at > hall_now()
ON CONFLICT (hall, window_no, at) DO UPDATE SET services = excluded.services, clerk = excluded.clerk
WHERE (p.services, p.clerk) IS DISTINCT FROM (excluded.services, excluded.clerk)
"""


async def lay_plans(db: Db, hall: Hall) -> int:
    """Have the windows planned for the rest of today as the published roster has them now; how many changed. Idempotent.

    Of today alone: whoever is left at its end is not served by tomorrow's first window, and a forecast must say so.
    """
    today = await business_day(db, hall)
    spots = [Spot(row["no"], row["zone"], row["clerk"], tuple(row["services"])) for row in await db.fetch(SPOTS, hall.id)]
    later = {row["at"] for row in await db.fetch(LONGER, hall.id, today)}
    on = await duties(db, hall, today) or []
    able, drains = await _able(db, hall, on), await _drains(db, hall, today)
    rows = [row_of(hall, today, it, later) for it in planned(on, spots, able, drains)]
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(4)]
    moved = changed(await db.execute(GONE, hall.id, columns[0], columns[1]))
    return moved + changed(await db.execute(LAY, hall.id, *columns))


def row_of(hall: Hall, day: date, it: Planned, later: set[datetime]) -> tuple[str, datetime, str, str]:
    """A planned change as a row; a closing that was put off stands where it was put."""
    at, step = moment_of(hall, day, it.minute), timedelta(seconds=EXTEND_S)
    while not it.services and at + step in later:
        at += step
    return it.window, at, ",".join(it.services), it.clerk


async def _able(db: Db, hall: Hall, on: Iterable[Duty]) -> Able:
    pairs = [(duty.clerk, duty.zone) for duty in on]
    rows = await db.fetch(ABLE, hall.id, [clerk for clerk, _ in pairs], [zone for _, zone in pairs])
    return {(row["name"], row["no"]): tuple(row["services"]) for row in rows}


async def _drains(db: Db, hall: Hall, day: date) -> dict[str, int]:
    midnight = moment_of(hall, day, 0)
    rows = await db.fetch(DRAINS, hall.id, day)
    return {row["service"]: round((row["closes"] - midnight).total_seconds() / 60) for row in rows}


# --- windows for a whole week ---------------------------------------------------------------------------------------

WEEK = """
SELECT s.day, s.clerk, s.zone, s.window_no, p.code, p.begins, p.ends, p.breaks FROM shifts s
JOIN shift_patterns p ON (p.hall, p.code) = (s.hall, s.pattern) WHERE s.hall = $1 AND s.week = $2 AND s.day >= $3
ORDER BY s.day, s.zone, p.begins, s.clerk
"""
ASSIGN = """
UPDATE shifts s SET window_no = x.no FROM unnest($3::date[], $4::text[], $5::text[]) AS x(day, clerk, no)
WHERE s.hall = $1 AND s.week = $2 AND (s.day, s.clerk) = (x.day, x.clerk) AND s.window_no IS NULL
"""
RELEASE = "UPDATE shifts SET window_no = NULL WHERE hall = $1 AND week = $2 AND day >= $3 AND window_no IS NOT NULL AND NOT fixed"


async def assign_windows(db: Db, hall: Hall, week: date) -> int:
    """Give each shift of a week that names no window one its clerk may serve, the same all week where it is free.

    How many got one; where more people than windows share an hour, the others go where there is room.
    """
    today = await business_day(db, hall)
    spots = [Spot(row["no"], row["zone"]) for row in await db.fetch(SPOTS, hall.id)]
    by_day: dict[date, list[Duty]] = defaultdict(list)
    kept: dict[str, str] = {}
    for row in await db.fetch(WEEK, hall.id, week, today):
        shape = Pattern(row["code"], row["begins"], row["ends"], tuple((a, b) for a, b in row["breaks"]))
        by_day[row["day"]].append(Duty(row["clerk"], row["zone"], row["window_no"], shape))
    given: list[tuple[date, str, str]] = []
    for day, on in by_day.items():
        hoped = [replace(duty, window=duty.window or kept.get(duty.clerk)) for duty in on]
        at = seats_of(hoped, spots, await _able(db, hall, on))
        kept |= at
        given += [(day, duty.clerk, at[duty.clerk]) for duty in on if duty.window is None and duty.clerk in at]
    columns: list[list[Any]] = [list(column) for column in zip(*given, strict=True)] or [[] for _ in range(3)]
    return changed(await db.execute(ASSIGN, hall.id, week, *columns))


async def release_windows(db: Db, hall: Hall, week: date) -> int:
    """Let the shifts of a week be at any window of their zone again, but those set by hand; how many were."""
    return changed(await db.execute(RELEASE, hall.id, week, await business_day(db, hall)))
