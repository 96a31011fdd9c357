"""Changes of contracts and of ways to work a day, each kept with what stood before, so that the last one can be taken back."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any, NamedTuple

from queueing.db import Db, changed
from queueing.halls import Hall
from scheduling.roster.people import Contract, contracts, save_contract, skills_of

Stands = dict[str, Any] | None  # a contract or a pattern as it is kept in JSON; None: there is none


async def contract_now(db: Db, hall: Hall, clerk: str) -> Stands:
    """A clerk's contract with their skills; of somebody without one the skills alone."""
    found = next(iter(await contracts(db, hall, clerk)), None)
    it: dict[str, Any] = {"none": True} if found is None else asdict(found)
    skills = await skills_of(db, hall, clerk)
    return it | {"skills": {code: until and until.isoformat() for code, until in sorted(skills.items())}}


PATTERN = "SELECT begins, ends, breaks, not_before, day_types, laid FROM shift_patterns WHERE hall = $1 AND code = $2"


async def pattern_now(db: Db, hall: Hall, code: str) -> Stands:
    """A way to work a day; None where the hall has none of that code."""
    row = await db.fetchrow(PATTERN, hall.id, code)
    return dict(row) if row else None


NOW = {"contract": contract_now, "pattern": pattern_now}
NOTE = "INSERT INTO term_changes (hall, kind, subject, before, after, actor) VALUES ($1, $2, $3, $4, $5, $6)"


async def note(db: Db, hall: Hall, kind: str, subject: str, before: Stands, *, actor: str) -> bool:
    """Keep what stood before a change that was just made, in the caller's transaction; False where nothing changed."""
    after = await NOW[kind](db, hall, subject)
    if plain(before) == plain(after):
        return False
    await db.execute(NOTE, hall.id, kind, subject, plain(before), plain(after), actor)
    return True


def plain(it: Stands) -> Stands:
    """As JSON gives it back: lists for tuples."""
    return None if it is None else {name: list(value) if isinstance(value, tuple) else value for name, value in it.items()}


class Change(NamedTuple):
    """The newest change, while it can be taken back: whose it is about, who made it and when."""

    id: int
    subject: str
    actor: str
    at: datetime
    before: Stands


NEWEST = """
SELECT id, subject, actor, at, before, after FROM term_changes
WHERE hall = $1 AND kind = $2 AND NOT undone ORDER BY id DESC LIMIT 1
"""


async def last_change(db: Db, hall: Hall, kind: str) -> Change | None:
    """The newest change of a contract or a pattern; None where there is none, or what it left has been overtaken."""
    row = await db.fetchrow(NEWEST, hall.id, kind)
    if row is None or plain(await NOW[kind](db, hall, row["subject"])) != row["after"]:
        return None
    return Change(row["id"], row["subject"], row["actor"], row["at"], row["before"])


UNDONE = "UPDATE term_changes SET undone = true WHERE id = $1 AND NOT undone"


async def take_back(db: Db, hall: Hall, kind: str, number: int) -> Change | None:
    """Let stand again what stood before this change, in the caller's transaction; None where it is not the newest any more, or
    what it left was overtaken: a second press takes nothing else back.

    A contract or pattern that was new goes, unless something hangs on it by now: then it ends (no shifts, no kind of day).
    """
    change = await last_change(db, hall, kind)
    if change is None or change.id != number or not changed(await db.execute(UNDONE, change.id)):
        return None
    await (put_contract if kind == "contract" else put_pattern)(db, hall, change.subject, change.before)
    return change


UNHIRE = """
DELETE FROM contracts c WHERE hall = $1 AND clerk = $2
  AND NOT EXISTS (SELECT FROM shifts s WHERE (s.hall, s.clerk) = (c.hall, c.clerk))
  AND NOT EXISTS (SELECT FROM leaves l WHERE (l.hall, l.clerk) = (c.hall, c.clerk))
  AND NOT EXISTS (SELECT FROM overtime o WHERE (o.hall, o.clerk) = (c.hall, c.clerk))
  AND NOT EXISTS (SELECT FROM attendance_marks m WHERE (m.hall, m.clerk) = (c.hall, c.clerk))
"""
END = "UPDATE contracts SET shifts = 0 WHERE hall = $1 AND clerk = $2"


async def put_contract(db: Db, hall: Hall, clerk: str, before: Stands) -> None:
    """A clerk's terms and skills as they were."""
    it = before or {"none": True, "skills": {}}
    skills = {code: date.fromisoformat(until) if until else None for code, until in it["skills"].items()}
    if not it.get("none"):
        kept = {name: tuple(value) if isinstance(value, list) else value for name, value in it.items()}
        await save_contract(db, hall, Contract(**kept | {"skills": skills}))
        return
    (stands,) = await contracts(db, hall, clerk)
    await save_contract(db, hall, Contract(**asdict(stands) | {"skills": skills}))
    if not changed(await db.execute(UNHIRE, hall.id, clerk)):
        await db.execute(END, hall.id, clerk)


PUT = """
UPDATE shift_patterns SET begins = $3, ends = $4, breaks = $5, not_before = $6, day_types = $7, laid = $8
WHERE hall = $1 AND code = $2
"""
DROP = """
DELETE FROM shift_patterns p WHERE hall = $1 AND code = $2
  AND NOT EXISTS (SELECT FROM shifts s WHERE (s.hall, s.pattern) = (p.hall, p.code))
"""
RETIRE = "UPDATE shift_patterns SET day_types = '{}' WHERE hall = $1 AND code = $2"


async def put_pattern(db: Db, hall: Hall, code: str, before: Stands) -> None:
    """A way to work a day as it was."""
    if before is not None:
        await db.execute(
            PUT, hall.id, code, *(before[name] for name in ("begins", "ends", "breaks", "not_before", "day_types", "laid"))
        )
    elif not changed(await db.execute(DROP, hall.id, code)):
        await db.execute(RETIRE, hall.id, code)
