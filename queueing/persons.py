"""A person as far as the hall knows one: a hash. Who has a pause, who appeals, who lifts it, and when all is forgotten."""

from dataclasses import dataclass
from datetime import datetime

from queueing import journal
from queueing.db import Db
from queueing.errors import BadInput, NotFound, NotInThatState
from queueing.halls import Hall
from queueing.settings import PERSON_DAYS


@dataclass(frozen=True, slots=True)
class Ban:
    """A pause. `id_mask` is the last four digits of the ID number, all that a person may read of it."""

    id: int
    id_mask: str | None
    strikes: int
    made_at: datetime
    until: datetime
    appeal: str | None
    appealed_at: datetime | None
    lifted_at: datetime | None
    lifted_by: str | None
    lifted_why: str | None


FIELDS = ", ".join(Ban.__slots__)
BANS = f"""
SELECT {FIELDS} FROM bans WHERE hall = $1 AND ($2::bytea IS NULL OR person = $2)
  AND (until > hall_now() OR made_at > hall_now() - interval '30 days')
ORDER BY lifted_at IS NOT NULL OR until <= hall_now(), appealed_at DESC NULLS LAST, made_at DESC LIMIT 200
"""


async def bans(db: Db, hall: Hall, person: bytes | None = None) -> list[Ban]:
    """The pauses of a hall or of one person: those that run first, appeals before others; then those of the last 30 days."""
    return [Ban(**row) for row in await db.fetch(BANS, hall.id, person)]


APPEAL = """
UPDATE bans SET appeal = $3, appealed_at = hall_now() WHERE hall = $1 AND id = $2 AND lifted_at IS NULL AND until > hall_now()
RETURNING id
"""
LIFT = """
UPDATE bans SET lifted_at = hall_now(), lifted_by = $3, lifted_why = $4
WHERE hall = $1 AND id = $2 AND lifted_at IS NULL AND until > hall_now() RETURNING id
"""


async def appeal(db: Db, hall: Hall, ban: int, words: str, *, actor: str) -> None:
    """Keep what the person says. NotFound, NotInThatState once the pause is over, BadInput without words."""
    if not words.strip():
        raise BadInput(field="appeal", message="it is empty")
    async with db.transaction():
        if await db.fetchval(APPEAL, hall.id, ban, words.strip()) is None:
            raise await _why_not(db, hall, ban)
        await journal.append(db, hall.id, "person.appealed", actor, data={"ban": ban})


async def lift(db: Db, hall: Hall, ban: int, why: str, *, actor: str) -> None:
    """End a pause by hand, with the reason. NotFound, NotInThatState, BadInput without a reason."""
    if not why.strip():
        raise BadInput(field="why", message="it is empty")
    async with db.transaction():
        if await db.fetchval(LIFT, hall.id, ban, actor, why.strip()) is None:
            raise await _why_not(db, hall, ban)
        await journal.append(db, hall.id, "person.unbanned", actor, data={"ban": ban})


async def _why_not(db: Db, hall: Hall, ban: int) -> Exception:
    known = await db.fetchval("SELECT EXISTS (SELECT FROM bans WHERE hall = $1 AND id = $2)", hall.id, ban)
    return NotInThatState(state="expired") if known else NotFound(what="ban")


OF_AGE = """
SELECT code FROM categories WHERE hall = $1 AND evidence = 'age' AND offered AND from_age <= $2
  AND credit_minutes > coalesce((SELECT credit_minutes FROM categories WHERE hall = $1 AND code = $3), -1)
ORDER BY credit_minutes DESC, code LIMIT 1
"""


async def category_of_age(db: Db, hall: Hall, age: int, asked: str | None) -> str | None:
    """The category somebody of that age belongs to, where it gives more than the one they asked for."""
    found: str | None = await db.fetchval(OF_AGE, hall.id, age, asked)
    return found


FORGET = """
WITH old AS (
    UPDATE tickets SET person = NULL, id_mask = NULL
    WHERE hall = $1 AND person IS NOT NULL AND ended_at IS NOT NULL AND day < (hall_now() - make_interval(days => $2))::date
    RETURNING 1
), struck AS (
    DELETE FROM strikes WHERE hall = $1 AND at < hall_now() - make_interval(days => $2) RETURNING 1
), past AS (
    DELETE FROM bans WHERE hall = $1 AND until < hall_now() - make_interval(days => $2) RETURNING 1
)
SELECT (SELECT count(*) FROM old) + (SELECT count(*) FROM struck) + (SELECT count(*) FROM past)
"""


async def forget(db: Db, hall: Hall) -> int:
    """Let go of every hash and mask that is older than the hall keeps them; how many rows."""
    rows: int = await db.fetchval(FORGET, hall.id, hall.value(PERSON_DAYS))
    return rows
