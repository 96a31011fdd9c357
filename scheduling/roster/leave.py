"""What clerks ask for: leave, a day they would like to have off or to work."""

from dataclasses import dataclass
from datetime import date

import asyncpg

from queueing.db import Db, changed
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall
from scheduling.roster.overtime import can_take_off, give_back, take_off

KINDS = ("annual", "sick", "comp", "training", "other")


@dataclass(frozen=True, slots=True)
class Leave:
    """Days somebody is away, or asks to be. `state`: asked, approved, refused or withdrawn; `zone` the clerk's own."""

    id: int
    clerk: str
    first: date
    last: date
    kind: str
    note: str | None
    state: str
    zone: str | None


LEAVES = """
SELECT l.id, l.clerk, l.first, l.last, l.kind, l.note, l.state, c.home AS zone FROM leaves l JOIN contracts c USING (hall, clerk)
WHERE l.hall = $1 AND ($2::text IS NULL OR l.clerk = $2) AND ($3::text IS NULL OR l.state = $3) AND l.last >= $4
ORDER BY l.first, l.id
"""


async def leaves(db: Db, hall: Hall, since: date, *, clerk: str | None = None, state: str | None = None) -> list[Leave]:
    """Leave that ends no earlier than `since`, of everybody or one clerk, in any state or one."""
    return [Leave(**row) for row in await db.fetch(LEAVES, hall.id, clerk, state, since)]


ASK = "INSERT INTO leaves (hall, clerk, first, last, kind, note) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id"


async def ask_leave(db: Db, hall: Hall, clerk: str, first: date, last: date, kind: str, note: str | None = None) -> int:
    """Ask to be away; nothing changes before somebody approves. BadInput, NotFound without contract,
    NotEnoughOvertime for time off that nothing would pay."""
    if kind not in KINDS:
        raise BadInput(field="kind", message=f"one of {', '.join(KINDS)}")
    if kind == "comp" and first <= last:
        await can_take_off(db, hall, clerk, first, last)
    try:
        asked: int = await db.fetchval(ASK, hall.id, clerk, first, last, kind, note)
    except asyncpg.CheckViolationError as broken:
        if broken.constraint_name != "leave_runs_forward":
            raise
        raise BadInput(field="last", message="a period ends no earlier than it begins") from broken
    except asyncpg.ForeignKeyViolationError:
        raise NotFound(what="user") from None
    return asked


DECIDE = """
UPDATE leaves l SET state = $3, decided_by = $4, decided_at = hall_now() FROM contracts c
WHERE l.hall = $1 AND l.id = $2 AND l.state = 'asked' AND c.hall = l.hall AND c.clerk = l.clerk
  AND ($5::text IS NULL OR c.home = $5) RETURNING l.clerk, l.first, l.last, l.kind
"""


async def decide_leave(db: Db, hall: Hall, asked: int, *, approve: bool, actor: str, zone: str | None = None) -> bool:
    """Approve or refuse; approved days come off the rosters, and time off in lieu out of overtime.

    False when it was settled before, or is not of `zone`. NotEnoughOvertime.
    """
    async with db.transaction():
        row = await db.fetchrow(DECIDE, hall.id, asked, "approved" if approve else "refused", actor, zone)
        if row is not None and approve and row["kind"] == "comp":
            await take_off(db, hall, row["clerk"], asked, row["first"], row["last"])
        return row is not None


REVOKE = """
UPDATE leaves l SET state = 'withdrawn', decided_by = NULL, decided_at = hall_now() FROM contracts c
WHERE l.hall = $1 AND l.id = $2 AND l.state = 'approved' AND c.hall = l.hall AND c.clerk = l.clerk
  AND ($3::text IS NULL OR c.home = $3)
"""


async def revoke_leave(db: Db, hall: Hall, asked: int, *, zone: str | None = None) -> bool:
    """Take an approval back: overtime it used is there again. Its shifts are not: somebody sets them, or solves anew."""
    async with db.transaction():
        if not changed(await db.execute(REVOKE, hall.id, asked, zone)):
            return False
        await give_back(db, asked)
        return True


WITHDRAW = "UPDATE leaves SET state = 'withdrawn' WHERE hall = $1 AND id = $2 AND clerk = $3 AND state = 'asked'"


async def withdraw_leave(db: Db, hall: Hall, asked: int, clerk: str) -> bool:
    """Take a request back before it is decided."""
    return changed(await db.execute(WITHDRAW, hall.id, asked, clerk)) > 0


WISH = """
INSERT INTO shift_wishes (hall, clerk, day, wish) VALUES ($1, $2, $3, $4)
ON CONFLICT (hall, clerk, day) DO UPDATE SET wish = excluded.wish
"""
UNWISH = "DELETE FROM shift_wishes WHERE hall = $1 AND clerk = $2 AND day = $3"


async def set_wish(db: Db, hall: Hall, clerk: str, day: date, wish: str | None) -> None:
    """What a clerk would like of a day: off, on, or nothing any more. The solver weighs it; nobody is bound by it."""
    if wish not in ("off", "on", None):
        raise BadInput(field="wish", message="one of off, on")
    if wish is None:
        await db.execute(UNWISH, hall.id, clerk, day)
    else:
        await db.execute(WISH, hall.id, clerk, day, wish)


WISHES = "SELECT day, wish FROM shift_wishes WHERE hall = $1 AND clerk = $2 AND day >= $3 ORDER BY day"


async def wishes(db: Db, hall: Hall, clerk: str, since: date) -> list[tuple[date, str]]:
    """What a clerk would like of the days to come: off or on."""
    return [(row["day"], row["wish"]) for row in await db.fetch(WISHES, hall.id, clerk, since)]


SHIFTS = """
SELECT s.day, s.zone, s.window_no, p.begins, p.ends, p.breaks FROM shifts s JOIN rosters r USING (hall, week)
JOIN shift_patterns p ON (p.hall, p.code) = (s.hall, s.pattern)
WHERE s.hall = $1 AND s.clerk = $2 AND s.day >= $3 AND r.state = 'published' ORDER BY s.day
"""


@dataclass(frozen=True, slots=True)
class OwnShift:
    """A published shift as its clerk sees it, in minutes after the day's midnight."""

    day: date
    zone: str
    begins: int
    ends: int
    breaks: tuple[tuple[int, int], ...]
    window: str | None = None


async def own_shifts(db: Db, hall: Hall, clerk: str, since: date) -> list[OwnShift]:
    """A clerk's published shifts from a day on."""
    rows = await db.fetch(SHIFTS, hall.id, clerk, since)
    return [
        OwnShift(r["day"], r["zone"], r["begins"], r["ends"], tuple((a, b) for a, b in r["breaks"]), r["window_no"]) for r in rows
    ]


ADDRESS = "SELECT calendar_token FROM contracts WHERE hall = $1 AND clerk = $2"
WHOSE = "SELECT hall, clerk FROM contracts WHERE calendar_token = $1"


async def calendar_token(db: Db, hall: Hall, clerk: str) -> str | None:
    """The word in the address of a clerk's calendar; None without a contract."""
    token: str | None = await db.fetchval(ADDRESS, hall.id, clerk)
    return token


async def whose_calendar(db: Db, token: str) -> tuple[int, str] | None:
    """The hall and clerk of a calendar's address."""
    row = await db.fetchrow(WHOSE, token)
    return (row["hall"], row["clerk"]) if row else None
