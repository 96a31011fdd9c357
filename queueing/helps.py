"""Helpers (帮办): a line of its own in each area, what was done for somebody ticked on the help ticket, and all of it counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from queueing.db import Db, Press, once, recorded
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall
from queueing.tickets import TODAY, scope

KINDS = ("handout", "advice", "precheck", "signup", "apply", "form")

TICK = recorded(
    """
WITH moved AS (
    INSERT INTO helps AS h (ticket, hall, day, kinds, by)
    SELECT t.id, t.hall, t.day, $6, $2 FROM tickets t JOIN services s ON s.hall = t.hall AND s.code = ANY(t.services) AND s.help
    WHERE t.hall = $1 AND t.key = $5 LIMIT 1
    ON CONFLICT (ticket) DO UPDATE SET kinds = excluded.kinds, by = excluded.by, at = hall_clock() RETURNING h.*
)""",
    "'help.ticked'",
    "jsonb_build_object('kinds', m.kinds, 'machine', m.machine)",
    ticket="m.ticket",
    window="NULL::text",
)


async def tick(db: Db, hall: Hall, key: str, kinds: Sequence[str], *, actor: str, press: Press | None = None) -> bool:
    """Note what was done for the holder of a help ticket, over what was noted before; whether this press had done so already.

    BadInput, NotFound (no help ticket)."""
    if any(kind not in KINDS for kind in kinds):
        raise BadInput(field="kinds", message=f"one of {', '.join(KINDS)}")
    given = [kind for kind in KINDS if kind in kinds]

    async def act() -> bool:
        if await db.fetchrow(TICK, hall.id, actor, *scope(press), key, given) is None:
            raise NotFound(what="ticket")
        return False

    return await once(db, press, act, lambda _: True)


FROM_MACHINE = """
INSERT INTO helps (ticket, hall, day, machine) SELECT id, hall, day, $2 FROM tickets WHERE id = $1 ON CONFLICT (ticket) DO NOTHING
"""


async def from_machine(db: Db, ticket: int, machine: str) -> None:
    """Note which machine called for help with this number."""
    await db.execute(FROM_MACHINE, ticket, machine)


@dataclass(frozen=True, slots=True)
class Help:
    """A help ticket of today. `machine` called for it; `kinds` were ticked by `by`."""

    key: str
    number: str
    service: str
    zone: str
    state: str
    window: str | None
    joined_at: datetime
    machine: str | None
    kinds: list[str]
    by: str | None


TODAYS = f"""
SELECT t.key, t.number, t.service, s.zone, t.state::text, t.window_no AS "window", t.joined_at, h.machine,
       coalesce(h.kinds, '{{}}') AS kinds, h.by
FROM services s JOIN tickets t ON t.hall = s.hall AND t.day = {TODAY} AND t.service = s.code LEFT JOIN helps h ON h.ticket = t.id
WHERE s.hall = $1 AND s.help AND t.state NOT IN ('cancelled', 'expired')
ORDER BY t.ended_at IS NOT NULL, coalesce(t.ended_at, t.joined_at) DESC, t.id LIMIT 200
"""


async def today(db: Db, hall: Hall) -> list[Help]:
    """Today's help tickets: those that are open, then those that ended, the last first."""
    return [Help(**row) for row in await db.fetch(TODAYS, hall.id)]


LIVE_AT = f"""
SELECT t.key FROM helps h JOIN tickets t ON t.id = h.ticket AND t.ended_at IS NULL
WHERE h.hall = $1 AND h.day = {TODAY} AND h.machine = $2
ORDER BY t.id DESC LIMIT 1
"""


async def called_at(db: Db, hall: Hall, machine: str) -> str | None:
    """The key of the open help ticket this machine called with."""
    key: str | None = await db.fetchval(LIVE_AT, hall.id, machine)
    return key


COUNTED = f"""
SELECT kind, count(*)::int AS n FROM helps h, unnest(h.kinds) AS kind WHERE h.hall = $1 AND h.day = {TODAY} GROUP BY kind
"""


async def counted(db: Db, hall: Hall) -> dict[str, int]:
    """How often each kind of help was given today."""
    found = {row["kind"]: row["n"] for row in await db.fetch(COUNTED, hall.id)}
    return {kind: found.get(kind, 0) for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Line:
    """An area and its line of helpers, if it has one: who waits there, and the help window with its state and clerk."""

    zone: str
    name: str
    service: str | None
    waiting: int
    window: str | None
    state: str | None
    clerk: str | None


LINES = f"""
SELECT z.code AS zone, z.name, s.code AS service, w.no AS "window", w.state::text, w.clerk, (
    SELECT count(*)::int FROM tickets t WHERE t.hall = z.hall AND t.day = {TODAY} AND t.service = s.code AND t.state = 'waiting'
) AS waiting
FROM zones z LEFT JOIN services s ON s.hall = z.hall AND s.zone = z.code AND s.help
LEFT JOIN LATERAL (
    SELECT v.no, v.state, v.clerk FROM windows v WHERE v.hall = z.hall AND s.code = ANY(v.serves || v.services)
    ORDER BY v.state = 'closed', v.rank, v.no LIMIT 1) w ON true
WHERE z.hall = $1 ORDER BY z.rank, z.code, s.code
"""


async def lines(db: Db, hall: Hall) -> list[Line]:
    """Every area of the hall, with its helpers."""
    return [Line(**row) for row in await db.fetch(LINES, hall.id)]
