"""The floor at one instant, frozen: who waits in which order, who is served where since when, and what is still to come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from queueing.db import Db, Row
from queueing.settings import INTERLEAVE, chosen

GRID = 65  # points of a distribution: its quantiles at 0, 1/64 … 1


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a visit of one service takes. `seconds`: GRID quantiles for a usual clerk at a usual hour.

    Factors by clerk, by hour of the hall's day and by matter multiply them (1.0 where nothing is known). `doubt` is the
    relative standard error of all that: what would be told with few visits measured is wide. `no_show` is the share of
    calls nobody answers.
    """

    seconds: tuple[float, ...]
    clerks: Mapping[str, float] = field(default_factory=dict)
    hours: Mapping[int, float] = field(default_factory=dict)
    matters: Mapping[str, float] = field(default_factory=dict)
    doubt: float = 0.2
    no_show: float = 0.05
    measured: int = 0  # visits it rests on


@dataclass(frozen=True, slots=True)
class Habits:
    """What holds for the hall: quantiles in seconds, GRID each.

    `walk`: from the call to the arrival; `absent`: from the call until a no-show is given up; `pause`: how long a pause
    lasts; `react`: until a clerk who is free calls who has just come. `gap`: mean seconds between a visit's end and the next
    call while somebody waits.
    """

    walk: tuple[float, ...]
    absent: tuple[float, ...]
    pause: tuple[float, ...]
    react: tuple[float, ...]
    gap: float = 8.0
    returns: float = 0.5  # share of those who didn't come that are called once more


@dataclass(frozen=True, slots=True)
class Waiting:
    """One who waits. `rank` orders all of them (smaller first); seconds before now are negative in `joined`."""

    id: int
    service: str
    rank: float
    joined: float
    for_window: str | None = None
    calls: int = 0
    matters: tuple[str, ...] = ()
    booked: bool = False
    only: tuple[str, ...] | None = None  # fenced: these windows alone may serve them


@dataclass(frozen=True, slots=True)
class Seat:
    """A window. `state`: closed, open, paused, called or serving; `busy_with` the service of the ticket it has.

    `since_s`: seconds since the call or arrival where it has a ticket, else since the pause or opening.
    `calls`: how often that ticket was called. `helping`: services it helps with once they have waited `help_after_s`.
    """

    window: str
    state: str
    services: tuple[str, ...]
    clerk: str | None = None
    busy_with: str | None = None
    since_s: float = 0.0
    calls: int = 1
    matters: tuple[str, ...] = ()
    helping: tuple[str, ...] = ()
    help_after_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Plan:
    """From `at_s` seconds after now on, a window serves these services; none: it closes after the visit in hand."""

    window: str
    at_s: float
    services: tuple[str, ...]
    clerk: str | None = None


def endings(plans: tuple[Plan, ...]) -> set[Plan]:
    """The closings no opening follows: a break is none."""
    last = {plan.window: plan for plan in sorted(plans, key=lambda plan: plan.at_s)}
    return {plan for plan in last.values() if not plan.services}


@dataclass(frozen=True, slots=True)
class Arrivals:
    """`people` are expected to take a number for a service between two instants, in seconds after now.

    `credit_s` is their head start in the order.
    """

    service: str
    from_s: float
    until_s: float
    people: float
    credit_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Floor:
    """All a simulation needs, and nothing it would change. `waiting` is in the order of the queues."""

    hall: int
    at: datetime
    hour: int  # of the hall's own clock
    offset: int  # of the record this shows
    waiting: tuple[Waiting, ...]
    seats: tuple[Seat, ...]
    plans: tuple[Plan, ...]
    arrivals: tuple[Arrivals, ...]
    paces: Mapping[str, Pace]
    habits: Habits
    last_ticket_s: Mapping[str, float] = field(default_factory=dict)  # seconds until a service's door gives none any more
    interleave: int = 0  # one booked, then so many others; 0: by rank alone


@dataclass(frozen=True, slots=True)
class Measures:
    """What has been measured, as `queueing.paces` learns it; it changes by the minute, not by the call."""

    paces: Mapping[str, Pace]
    habits: Habits
    arrivals: tuple["Expected", ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """`people` expected for a service between two instants of today, with this head start in seconds."""

    service: str
    begins: datetime
    ends: datetime
    people: float
    credit_s: float = 0.0


# One statement, one snapshot: nobody is at a window and in the queue at once. Three kinds of row share their columns. A
# fenced ticket names the windows that may serve it.
WAITS = """
    SELECT 'waiting' AS kind, NULL::timestamptz AS at, t.id, NULL::bigint AS "offset", t.service,
           extract(epoch FROM t.rank_at - hall.now)::float AS rank, extract(epoch FROM hall.now - t.joined_at)::float AS since_s,
           t.for_window AS window_no, NULL::text AS state, NULL::text AS clerk, t.calls, t.matters, t.lane = 1 AS booked,
           CASE WHEN t.fenced THEN (SELECT coalesce(array_agg(w.no), '{{}}') FROM windows w
                WHERE w.hall = t.hall AND may_serve(t.hall, t.matters, w.no, w.clerk)) END AS services,
           NULL::text[] AS helping, NULL::integer AS help_after
    FROM hall JOIN tickets t ON t.hall = hall.id AND t.day = hall.day AND t.state = 'waiting' AND t.for_window {which}"""
FLOOR = f"""
WITH hall AS (
    SELECT h.id, hall_now() AS now, business_day(hall_now(), h.time_zone, h.day_starts) AS day,
           extract(hour FROM hall_now() AT TIME ZONE h.time_zone)::int AS hour, s.top
    FROM halls h JOIN hall_streams s ON s.hall = h.id WHERE h.id = $1
)
SELECT 'now' AS kind, hall.now AS at, hall.hour::bigint AS id, hall.top AS "offset", NULL::text AS service, NULL::float AS rank,
       NULL::float AS since_s, NULL::text AS window_no, NULL::text AS state, NULL::text AS clerk, 0 AS calls,
       NULL::text[] AS matters, false AS booked, NULL::text[] AS services, NULL::text[] AS helping, NULL::integer AS help_after
FROM hall
UNION ALL
({WAITS.format(which="IS NULL")}
 UNION ALL {WAITS.format(which="IS NOT NULL")}
 ORDER BY 6, 3)
UNION ALL
(SELECT 'window', NULL, NULL, NULL, t.service, NULL,
        extract(epoch FROM hall.now - coalesce(t.served_at, t.called_at, w.since))::float, w.no,
        coalesce(t.state::text, w.state::text), w.clerk, coalesce(t.calls, 0), t.matters, false, w.services, w.helping,
        w.help_after
 FROM hall JOIN windows w ON w.hall = hall.id
 LEFT JOIN tickets t ON t.hall = w.hall AND t.window_no = w.no AND t.state IN ('called', 'serving')
 ORDER BY w.rank, w.no)
"""

# A service may have several doors a day; the last ticket of the latest of them counts, unless that one was stopped.
AHEAD = """
WITH hall AS (
    SELECT id, hall_now() AS now, business_day(hall_now(), time_zone, day_starts) AS day FROM halls WHERE id = $1
)
SELECT d.service, NULL AS window_no, extract(epoch FROM max(coalesce(d.stopped_at, d.last_ticket)) - hall.now)::float AS at_s,
       NULL::text[] AS services, NULL AS clerk
FROM hall JOIN doors d ON d.hall = hall.id AND d.day = hall.day GROUP BY d.service, hall.now
UNION ALL
SELECT NULL, p.window_no, extract(epoch FROM p.at - hall.now)::float, p.services, p.clerk
FROM hall JOIN window_plans p ON p.hall = hall.id AND p.at > hall.now AND p.at < hall.now + interval '24 hours'
ORDER BY at_s
"""


async def read_floor(db: Db, hall: int, measures: Measures) -> Floor:
    """The hall's floor as it stands, with what is measured of it and what is planned for the rest of the day."""
    now: Row | None = None
    waiting: list[Waiting] = []
    seats: list[Seat] = []
    for row in await db.fetch(FLOOR, hall):
        if row["kind"] == "waiting":
            waiting.append(_waiting(row))
        elif row["kind"] == "window":
            seats.append(_seat(row))
        else:
            now = row
    assert now is not None, f"no hall {hall}"
    ahead = await db.fetch(AHEAD, hall)
    every = INTERLEAVE.of(await chosen(db, hall))
    at: datetime = now["at"]
    return Floor(
        hall, at, now["id"], now["offset"], tuple(waiting), tuple(seats),
        tuple(Plan(r["window_no"], r["at_s"], tuple(r["services"]), r["clerk"]) for r in ahead if r["window_no"] is not None),
        tuple(still_to_come(measures.arrivals, at)), measures.paces, measures.habits,
        {row["service"]: row["at_s"] for row in ahead if row["service"] is not None}, every,
    )  # fmt: skip


def still_to_come(expected: tuple[Expected, ...], now: datetime) -> list[Arrivals]:
    """Of those expected today, who comes after now."""
    found = []
    for row in expected:
        lasts, ends = (row.ends - row.begins).total_seconds(), (row.ends - now).total_seconds()
        begins = max(0.0, (row.begins - now).total_seconds())
        if ends > 0 and row.people > 0:
            found.append(Arrivals(row.service, begins, ends, row.people * (ends - begins) / lasts, row.credit_s))
    return found


def _waiting(row: Row) -> Waiting:
    return Waiting(
        row["id"], row["service"], row["rank"], -row["since_s"], row["window_no"], row["calls"], tuple(row["matters"]),
        row["booked"], None if row["services"] is None else tuple(row["services"]),
    )  # fmt: skip


def _seat(row: Row) -> Seat:
    return Seat(
        row["window_no"], row["state"], tuple(row["services"]), row["clerk"], row["service"], max(0.0, row["since_s"]),
        row["calls"], tuple(row["matters"] or ()), tuple(row["helping"]), 60.0 * row["help_after"],
    )  # fmt: skip
