"""The self-service area: which machines are free, who uses one for how long, and each use a visit that can be rated."""

import secrets
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from queueing.db import Db, Press, changed, once, recorded
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall
from queueing.settings import Setting
from queueing.tickets import TODAY, scope
from queueing.visits import visited
from scheduling.errors import MachineBusy

LEFT_AFTER = Setting("self_left_min", 20, 2, 240, "minutes")  # a use nobody ended is over, and asks for no rating
SETTINGS = (LEFT_AFTER,)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine of the area. `session` runs since `since`; `uses` of today; `key` is the credential of its page."""

    code: str
    key: str
    name: str
    zone: str
    broken: bool
    session: int | None
    since: datetime | None
    uses: int


LIST = f"""
SELECT m.code, m.key, m.name, m.zone, m.broken, s.id AS session, s.started_at AS since, (
    SELECT count(*)::int FROM self_sessions u JOIN halls h ON h.id = u.hall WHERE u.hall = m.hall AND u.machine = m.code
      AND u.started_at > hall_now() - interval '2 days'
      AND business_day(u.started_at, h.time_zone, h.day_starts) = {TODAY}) AS uses
FROM self_machines m LEFT JOIN self_sessions s ON s.hall = m.hall AND s.machine = m.code AND s.ended_at IS NULL
WHERE m.hall = $1 AND NOT m.gone ORDER BY m.zone, m.code
"""


async def machines(db: Db, hall: Hall) -> list[Machine]:
    """Every machine of the area as it stands."""
    return [Machine(**row) for row in await db.fetch(LIST, hall.id)]


OF_KEY = "SELECT hall, code FROM self_machines WHERE key = $1 AND NOT gone"


async def of_key(db: Db, key: str) -> tuple[int, str]:
    """The hall and code of the machine whose page holds this key. NotFound."""
    row = await db.fetchrow(OF_KEY, key)
    if row is None:
        raise NotFound(what="device")
    return row["hall"], row["code"]


KEEP = """
INSERT INTO self_machines AS m (hall, code, key, name, zone, broken, gone) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (hall, code) DO UPDATE SET name = excluded.name, zone = excluded.zone, broken = excluded.broken, gone = excluded.gone
"""
FIELD_OF = {
    "self_machines_code_check": ("code", "at most 8 characters"),
    "self_machines_name_check": ("name", "at most 40 characters"),
    "self_machines_hall_zone_fkey": ("zone", "there is no such zone in this hall"),
}


async def keep(db: Db, hall: Hall, code: str, name: str, zone: str, *, broken: bool = False, gone: bool = False) -> None:
    """Add a machine, or change the one of that code; its key stays. BadInput."""
    try:
        await db.execute(KEEP, hall.id, code, secrets.token_urlsafe(16), name, zone, broken, gone)
    except asyncpg.IntegrityConstraintViolationError as bad:
        if bad.constraint_name not in FIELD_OF:
            raise
        field, message = FIELD_OF[bad.constraint_name]
        raise BadInput(field=field, message=message) from bad


TOLD = "jsonb_build_object('session', m.id, 'machine', m.machine, 'how', m.how)"
START = recorded(
    """
WITH moved AS (
    INSERT INTO self_sessions (hall, machine, started_at) SELECT hall, code, hall_clock() FROM self_machines
    WHERE hall = $1 AND code = $5 AND NOT gone AND NOT broken RETURNING *
)""",
    "'session.started'",
    TOLD,
    ticket="NULL::bigint",
    window="NULL::text",
    status=201,
)


async def start(db: Db, hall: Hall, machine: str, *, press: Press | None = None) -> int:
    """Somebody begins to use a machine; the session's id. MachineBusy, NotFound (broken, or taken away)."""

    async def act() -> int:
        try:
            row = await db.fetchrow(START, hall.id, f"device:{machine}", *scope(press), machine)
        except asyncpg.UniqueViolationError as taken:
            if taken.constraint_name != "one_session_at_a_machine":
                raise
            raise MachineBusy() from taken
        if row is None:
            raise NotFound(what="device")
        return int(row["id"])

    return await once(db, press, act, lambda kept: int(kept.answer["id"]))


END = recorded(
    """
WITH moved AS (
    UPDATE self_sessions s SET ended_at = hall_clock(), how = 'done' FROM self_machines c
    WHERE s.hall = $1 AND s.machine = $5 AND s.ended_at IS NULL AND c.hall = s.hall AND c.code = s.machine RETURNING s.*, c.zone
)"""
    + visited("session", "'self_service'", zone="m.zone", matters="'{}'::text[]", number="m.machine"),
    "'session.ended'",
    TOLD,
    ticket="NULL::bigint",
    window="NULL::text",
)


async def end(db: Db, hall: Hall, machine: str, *, press: Press | None = None) -> int:
    """The use of a machine is over and becomes a visit; the session's id. NotFound when nobody uses it."""

    async def act() -> int:
        row = await db.fetchrow(END, hall.id, f"device:{machine}", *scope(press), machine)
        if row is None:
            raise NotFound(what="session")
        return int(row["id"])

    return await once(db, press, act, lambda kept: int(kept.answer["id"]))


LEFT = """
UPDATE self_sessions SET ended_at = started_at + make_interval(mins => $2), how = 'left'
WHERE hall = $1 AND ended_at IS NULL AND started_at < hall_now() - make_interval(mins => $2)
"""


async def free_left(db: Db, hall: Hall) -> int:
    """Uses that nobody ended are over once they have lasted too long; how many. They are no visits: nobody saw how they ended."""
    return changed(await db.execute(LEFT, hall.id, hall.value(LEFT_AFTER)))
