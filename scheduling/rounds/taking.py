"""A proposed plan of rounds taken as a whole, while all stands as it stood when it was made; taken back the same way, or left."""

from typing import Any

import asyncpg

from queueing import journal
from queueing.db import Db, changed
from queueing.halls import Hall
from scheduling.errors import PlanOvertaken
from scheduling.visit_rows import BROKEN

# One statement moves all of them: nobody is on the way, and each stands as it stood when the plan was made. A plan by which
# somebody should have set out a quarter of an hour ago is too old.
SETTLE = """
UPDATE round_plans p SET state = $4, settled_by = $5, settled_at = hall_now() WHERE hall = $1 AND id = $2 AND state = $3
  AND NOT ($4 = 'applied' AND EXISTS (
      SELECT FROM round_stops s WHERE s.plan = p.id AND (s.team, s.start) IS DISTINCT FROM (s.was_team, s.was_start)
        AND s.leaves < hall_now() - interval '15 minutes'))
RETURNING day, version
"""
TOLD = "v.id, v.state, v.area, v.day, v.start, v.team"
TAKE = f"""
UPDATE doorstep_visits v SET state = CASE WHEN s.team IS NULL THEN 'accepted' ELSE 'scheduled' END,
    team = s.team, start = s.start, day = CASE WHEN s.team IS NOT NULL THEN v.day END,
    ends = CASE WHEN s.team IS NOT NULL THEN v.ends END,
    given = CASE WHEN s.team IS NOT NULL AND v.state = 'scheduled' THEN coalesce(v.given, v.start) END,
    confirmed_at = CASE WHEN v.start = s.start THEN v.confirmed_at END, expected_at = NULL
FROM round_stops s
WHERE s.plan = $1 AND v.id = s.visit AND (s.team, s.start) IS DISTINCT FROM (s.was_team, s.was_start)
  AND (v.state, v.team, v.start) IS NOT DISTINCT FROM (s.was_state, s.was_team, s.was_start) RETURNING {TOLD}
"""
BACK = f"""
UPDATE doorstep_visits v SET state = s.was_state, team = s.was_team, start = s.was_start,
    day = CASE WHEN s.was_team IS NOT NULL THEN v.day END, ends = CASE WHEN s.was_team IS NOT NULL THEN v.ends END,
    given = CASE WHEN s.was_team IS NOT NULL THEN v.given END, confirmed_at = s.was_confirmed, expected_at = NULL
FROM round_stops s
WHERE s.plan = $1 AND v.id = s.visit AND (s.team, s.start) IS DISTINCT FROM (s.was_team, s.was_start)
  AND v.state = CASE WHEN s.team IS NULL THEN 'accepted' ELSE 'scheduled' END
  AND (v.team, v.start) IS NOT DISTINCT FROM (s.team, s.start) RETURNING {TOLD}
"""
STATE = "SELECT state FROM round_plans WHERE hall = $1 AND id = $2"
MOVES = "SELECT count(*) FROM round_stops WHERE plan = $1 AND (team, start) IS DISTINCT FROM (was_team, was_start)"


async def take(db: Db, hall: Hall, number: int, *, actor: str) -> int:
    """Do what a proposed plan says; how many visits it moved, none where it was taken before. PlanOvertaken where one no longer
    stands as it stood."""
    return await _settle(db, hall, number, ("proposed", "applied"), TAKE, "rounds.applied", actor)


async def take_back(db: Db, hall: Hall, number: int, *, actor: str) -> int:
    """Let all stand again as it stood before a plan was taken. PlanOvertaken where something has moved since."""
    return await _settle(db, hall, number, ("applied", "undone"), BACK, "rounds.undone", actor)


async def _settle(
    db: Db, hall: Hall, number: int, states: tuple[str, str], statement: str, kind: str, actor: str
) -> int:  # fmt: skip
    async with db.transaction():
        plan = await db.fetchrow(SETTLE, hall.id, number, *states, actor)
        if plan is None:
            if await db.fetchval(STATE, hall.id, number) == states[1]:
                return 0  # the same press again
            raise PlanOvertaken()
        moved = await rows_of(db, statement, number)
        if len(moved) != await db.fetchval(MOVES, number):
            raise PlanOvertaken()
        for row in sorted(moved, key=lambda it: it["id"]):
            verb = "scheduled" if row["state"] == "scheduled" else "unscheduled"
            await journal.append(db, hall.id, f"doorstep.{verb}", actor, data=as_told(row), cause=f"rounds:{number}")
        data = {"plan": number, "day": plan["day"].isoformat(), "version": plan["version"], "visits": len(moved)}
        await journal.append(db, hall.id, kind, actor, data=data)
    return len(moved)


async def rows_of(db: Db, statement: str, number: int) -> list[asyncpg.Record]:
    """The visits a plan moved; what the day no longer allows overtakes the plan."""
    try:
        return await db.fetch(statement, number)
    except asyncpg.IntegrityConstraintViolationError as broken:
        if broken.constraint_name not in BROKEN:
            raise
        raise PlanOvertaken() from broken


def as_told(row: asyncpg.Record) -> dict[str, Any]:
    """A visit as the record has it."""
    day, start = row["day"], row["start"]
    return {
        "visit": row["id"], "state": row["state"], "area": row["area"], "day": day and day.isoformat(),
        "start": start and start.isoformat(), "team": row["team"],
    }  # fmt: skip


REFUSE = """
UPDATE round_plans SET state = 'refused', settled_by = $3, settled_at = hall_now()
WHERE hall = $1 AND id = $2 AND state = 'proposed'
"""


async def refuse(db: Db, hall: Hall, number: int, *, actor: str) -> bool:
    """Leave the day as it is; False when the plan is settled already."""
    return changed(await db.execute(REFUSE, hall.id, number, actor)) > 0
