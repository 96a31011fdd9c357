"""Escorts and helpers (帮办/陪同): a week of who walks with visitors and who helps where, one bound to a ticket, its windows."""

from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from queueing.db import Db, Press, changed, once, recorded
from queueing.errors import BadInput, NotFound, NotInThatState, Refused
from queueing.halls import Hall
from queueing.tickets import LIVE, TODAY, by_key, scope
from scheduling.errors import EscortBusy, EscortThere

HALVES = ("am", "pm")
NOON = 12  # the hall's own hour at which the second half begins

ON = """
INSERT INTO escort_shifts (hall, day, half, escort, zone) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (hall, day, half, escort) DO UPDATE SET zone = excluded.zone
"""
OFF = "DELETE FROM escort_shifts WHERE (hall, day, half, escort) = ($1, $2, $3, $4)"


async def plan(db: Db, hall: Hall, day: date, half: str, escort: str, *, on: bool, zone: str | None = None) -> None:
    """Put somebody on half a day, to walk with visitors or to help in an area (whichever came last), or take them off it.
    BadInput for no such area."""
    if not on:
        await db.execute(OFF, hall.id, day, half, escort)
        return
    try:
        await db.execute(ON, hall.id, day, half, escort, zone)
    except asyncpg.ForeignKeyViolationError as broken:
        if broken.constraint_name != "helpers_have_an_area":
            raise
        raise BadInput(field="zone", message="there is no such zone in this hall") from broken


@dataclass(frozen=True, slots=True)
class Duty:
    """Half a day of somebody who walks with visitors, or helps in an area (`zone`)."""

    day: date
    half: str
    escort: str
    zone: str | None


WEEK = """
SELECT day, half, escort, zone FROM escort_shifts WHERE hall = $1 AND day BETWEEN $2 AND $3
ORDER BY day, half, zone NULLS FIRST, escort
"""


async def planned(db: Db, hall: Hall, first: date, last: date) -> list[Duty]:
    """Who is on in a stretch of days: of each half day those who walk first, then those who help, by area."""
    return [Duty(**row) for row in await db.fetch(WEEK, hall.id, first, last)]


def half_of(hour: int) -> str:
    """The half of the day that an hour of the hall's own clock is in."""
    return HALVES[hour >= NOON]


TOLD = "jsonb_build_object('escort', m.escort, 'ticket', m.number, 'windows', m.windows)"
# The windows a ticket came by while somebody walked with it, in the order they came: from the record.
VISITED = """
coalesce((SELECT jsonb_agg(w.window_no ORDER BY w.first) FROM (
    SELECT j.window_no, min(j."offset") AS first FROM journal j
    WHERE j.ticket = e.ticket AND j.window_no IS NOT NULL AND j.at >= e.started_at AND j.at <= coalesce(e.ended_at, 'infinity')
      AND j.kind IN ('ticket.arrived', 'ticket.finished', 'ticket.stepped', 'ticket.resumed', 'ticket.held', 'ticket.transferred')
    GROUP BY 1) w), '[]')"""


def escort_act(moved: str, verb: str, status: int = 200) -> str:
    return recorded(moved, f"'escort.{verb}'", TOLD, ticket="m.ticket", window="NULL::text", status=status)


ASSIGN = escort_act(
    f"""
WITH made AS (
    INSERT INTO escorts (hall, ticket, escort, assigned_at)
    SELECT t.hall, t.id, $6, hall_clock() FROM tickets t WHERE t.hall = $1 AND t.key = $5 AND t.state IN {LIVE!r} RETURNING *
), moved AS (SELECT e.*, t.number, '[]'::jsonb AS windows FROM made e JOIN tickets t ON t.id = e.ticket)""",
    "assigned",
    201,
)
START = escort_act(
    """
WITH made AS (
    UPDATE escorts SET started_at = hall_clock() WHERE hall = $1 AND id = $5 AND started_at IS NULL AND ended_at IS NULL
    RETURNING *
), moved AS (SELECT e.*, t.number, '[]'::jsonb AS windows FROM made e JOIN tickets t ON t.id = e.ticket)""",
    "started",
)
END = escort_act(
    f"""
WITH made AS (
    UPDATE escorts SET ended_at = hall_clock() WHERE hall = $1 AND id = $5 AND ended_at IS NULL RETURNING *
), moved AS (SELECT e.*, t.number, {VISITED} AS windows FROM made e JOIN tickets t ON t.id = e.ticket)""",
    "ended",
)
BROKEN: dict[str, type[Refused]] = {"one_escort_at_a_ticket": EscortThere, "escort_walks_with_one": EscortBusy}


async def assign(db: Db, hall: Hall, key: str, escort: str, *, actor: str, press: Press | None = None) -> tuple[int, bool]:
    """Bind somebody to a ticket; the escort's id, and whether this press had bound them already.

    EscortThere (the ticket has one), NotInThatState (it has ended), NotFound."""

    async def act() -> tuple[int, bool]:
        row = await _row(db, ASSIGN, hall.id, actor, *scope(press), key, escort)
        if row is None:
            ticket = await by_key(db, key)
            raise NotFound(what="ticket") if ticket.hall != hall.id else NotInThatState(state=ticket.state)
        return int(row["id"]), False

    return await once(db, press, act, lambda kept: (int(kept.answer["id"]), True))


async def start(db: Db, hall: Hall, escort: int, *, actor: str, press: Press | None = None) -> bool:
    """They walk now. EscortBusy while they walk with somebody else, NotFound when they do already or it is over."""
    return await _moved(db, START, hall, escort, actor, press)


async def end(db: Db, hall: Hall, escort: int, *, actor: str, press: Press | None = None) -> bool:
    """They have parted; the windows they came by are in the record. NotFound when it is over."""
    return await _moved(db, END, hall, escort, actor, press)


async def _moved(db: Db, statement: str, hall: Hall, escort: int, actor: str, press: Press | None) -> bool:
    """Whether this press had moved them already."""

    async def act() -> bool:
        if await _row(db, statement, hall.id, actor, *scope(press), escort) is None:
            raise NotFound(what="escort")
        return False

    return await once(db, press, act, lambda _: True)


async def _row(db: Db, statement: str, *given: object) -> asyncpg.Record | None:
    try:
        return await db.fetchrow(statement, *given)
    except asyncpg.UniqueViolationError as broken:
        error = BROKEN.get(broken.constraint_name or "")
        if error is None:
            raise
        raise error() from broken


@dataclass(frozen=True, slots=True)
class Escort:
    """Somebody bound to a ticket. `windows` they came by since they set out."""

    id: int
    number: str
    key: str
    state: str
    escort: str
    assigned_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    windows: list[str]


TODAYS = f"""
SELECT e.id, t.number, t.key, t.state::text, e.escort, e.assigned_at, e.started_at, e.ended_at, {VISITED} AS windows
FROM escorts e JOIN tickets t ON t.id = e.ticket WHERE e.hall = $1 AND t.day = {TODAY} ORDER BY e.ended_at IS NOT NULL, e.id DESC
"""


async def today(db: Db, hall: Hall) -> list[Escort]:
    """Today's escorts, those under way first."""
    return [Escort(**row) for row in await db.fetch(TODAYS, hall.id)]


# A walk nobody ended is over a quarter of an hour after its ticket was.
FORGOTTEN = """
UPDATE escorts e SET ended_at = greatest(t.ended_at, e.assigned_at, e.started_at) FROM tickets t
WHERE e.hall = $1 AND e.ended_at IS NULL AND t.id = e.ticket AND t.ended_at < hall_now() - interval '15 minutes'
"""


async def end_forgotten(db: Db, hall: Hall) -> int:
    """Free those who walked with somebody that has long been served; how many."""
    return changed(await db.execute(FORGOTTEN, hall.id))
