"""The end of the day: the last ticket by capacity, how long the hall stays, who is left to serve."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from queueing import journal
from queueing.db import Db
from queueing.forecast import Load, expect, loads
from queueing.halls import Hall
from queueing.settings import Setting
from queueing.tickets import TODAY
from queueing.windows import REACHED

FRESH_S = 120.0  # an end played longer ago has lost its clock
SHOWN_BEFORE = Setting("closing_shown_min", 30, 0, 240, "minutes")  # so long before closing the manager sees the expected end
SETTINGS = (SHOWN_BEFORE,)


# --- the last ticket by capacity ---------------------------------------------------------------------------------

BY_CAPACITY = f"""
SELECT d.service, d.session, d.closes, d.last_ticket > hall_now() AS gives FROM doors d
WHERE d.hall = $1 AND d.day = {TODAY} AND d.by_capacity AND hall_now() >= d.opens
  AND hall_now() < coalesce(d.planned_last, d.last_ticket)
  AND (d.stopped_at IS NULL) = (d.planned_last IS NULL) ORDER BY d.service, d.session
"""
STOP = """
UPDATE doors SET planned_last = last_ticket, last_ticket = greatest(opens, hall_now()), stopped_at = hall_now()
WHERE hall = $1 AND service = $2 AND session = $3 AND closes = $4 AND planned_last IS NULL RETURNING 1
"""
REOPEN = """
UPDATE doors SET last_ticket = planned_last, planned_last = NULL, stopped_at = NULL
WHERE hall = $1 AND service = $2 AND session = $3 AND closes = $4 AND planned_last > hall_now() RETURNING 1
"""
NOW = "SELECT hall_now()"


async def follow_capacity(db: Db, hall: Hall) -> int:
    """Stop giving tickets where one more would not be out by closing, and give them again where more windows made it so; how
    many doors changed."""
    doors = await db.fetch(BY_CAPACITY, hall.id)
    if not doors:
        return 0
    load, now = await loads(db, hall.id), await db.fetchval(NOW)
    moved: list[tuple[str, str]] = []
    for door in doors:
        fits = in_time(load[door["service"]], door["closes"], now)
        if fits is None or fits == door["gives"]:
            continue
        statement, kind = (REOPEN, "door.reopened") if fits else (STOP, "door.stopped")
        if await db.fetchval(statement, hall.id, door["service"], door["session"], door["closes"]):
            moved.append((kind, door["service"]))
    for kind, service in moved:  # after all doors: whoever takes a number locks a door and then the record
        data = {"service": service, "why": "capacity"}
        await journal.append(db, hall.id, kind, "clock", data=data, cause="last ticket by capacity")
    return len(moved)


def in_time(load: Load, closes: datetime, now: datetime) -> bool | None:
    """Whether somebody who takes a number now is out by closing: yes when nine of ten plays say so, no when not even half of
    them do. None between the two, where a door stays as it is, and where no window is open, so that nobody can know."""
    wait = expect(load, load.ahead)
    if wait is None:
        return None
    left = (closes - now).total_seconds() - load.mean_s
    return True if wait.p90_s <= left else False if wait.p50_s > left else None


# --- how the drain goes ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Left:
    """What a service still has to do today: `waiting` in line, `stranded` of them whom no open window can serve, `at_window`
    called or served, `held`, `missed`, and `done` today."""

    service: str
    waiting: int
    stranded: int
    at_window: int
    held: int
    missed: int
    done: int

    @property
    def to_serve(self) -> int:
        return self.waiting + self.at_window + self.held


@dataclass(frozen=True, slots=True)
class Closing:
    """The hall's closing time as it comes and goes. `last_ticket` and `closes` of the service that goes on longest today;
    `draining`: some service's last ticket is out and people are left. `p50` and `p90`: when the last visit ends, None where
    nobody has played it lately or some are served by nobody."""

    now: datetime
    last_ticket: datetime
    closes: datetime
    draining: bool
    stranded: int
    p50: datetime | None
    p90: datetime | None
    services: tuple[Left, ...]

    @property
    def to_serve(self) -> int:
        return sum(left.to_serve for left in self.services)


HOURS = f"""
SELECT hall_now() AS now, max(d.last_ticket) AS last_ticket, max(d.closes) AS closes, e.made_at, e.p50_s, e.p90_s,
       bool_or(d.last_ticket <= hall_now()) AS over
FROM doors d LEFT JOIN day_ends e ON e.hall = d.hall WHERE d.hall = $1 AND d.day = {TODAY} GROUP BY e.made_at, e.p50_s, e.p90_s
"""
LEFT = f"""
SELECT s.code AS service, count(*) FILTER (WHERE t.state = 'waiting')::int AS waiting,
       count(*) FILTER (WHERE t.state = 'waiting' AND NOT {REACHED})::int AS stranded,
       count(*) FILTER (WHERE t.state IN ('called', 'serving'))::int AS at_window,
       count(*) FILTER (WHERE t.state = 'held')::int AS held, count(*) FILTER (WHERE t.state = 'missed')::int AS missed,
       count(*) FILTER (WHERE t.state = 'finished')::int AS done,
       coalesce(bool_or(d.over), false) AS over
FROM services s JOIN tickets t ON t.hall = s.hall AND t.service = s.code AND t.day = {TODAY}
LEFT JOIN LATERAL (SELECT max(o.last_ticket) <= hall_now() AS over FROM doors o
                   WHERE o.hall = s.hall AND o.day = t.day AND o.service = s.code) d ON true
WHERE s.hall = $1 GROUP BY s.code, s.rank ORDER BY s.rank, s.code
"""


async def closing(db: Db, hall: Hall) -> Closing | None:
    """How today's end goes, from the hall's minutes before closing until nobody is left; None before and after."""
    if hall.always_open:
        return None
    row = await db.fetchrow(HOURS, hall.id)
    if row is None:
        return None
    now: datetime = row["now"]
    soon = now >= row["closes"] - timedelta(minutes=hall.value(SHOWN_BEFORE))
    if not soon and not row["over"]:
        return None
    found = await db.fetch(LEFT, hall.id)
    services = tuple(Left(*[each[name] for name in Left.__slots__]) for each in found)
    draining = any(each["over"] and left.to_serve + left.missed for each, left in zip(found, services, strict=True))
    if not (soon or draining) or (not any(left.to_serve + left.missed for left in services) and now >= row["closes"]):
        return None
    fresh = row["made_at"] is not None and (now - row["made_at"]).total_seconds() <= FRESH_S and row["p50_s"] >= 0
    p50, p90 = (row["made_at"] + timedelta(seconds=row[name]) if fresh else None for name in ("p50_s", "p90_s"))
    stranded = sum(left.stranded for left in services)
    return Closing(now, row["last_ticket"], row["closes"], draining, stranded, p50, p90, services)
