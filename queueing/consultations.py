"""Questions answered at the desk without a number: counted by kind, one tap each, and taken back by another."""

import asyncpg

from queueing.db import Db, Press, Replay, once, recorded
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall
from queueing.tickets import TODAY, scope
from queueing.visits import visited

TAGS = ("where", "papers", "how", "progress", "online", "booking", "complaint", "other")

COUNT = recorded(
    f"WITH moved AS (INSERT INTO consultations (hall, day, tag, applicant, asked) VALUES ($1, {TODAY}, $5, $6, $2) RETURNING *)"
    + visited(
        "consultation",
        "'window'",
        day="m.day",
        clerks="ARRAY[split_part(m.asked, ':', 2)]",
        matters="'{}'::text[]",
        started="m.at",
        ended="m.at",
    ),
    "'consultation.answered'",
    "jsonb_build_object('consultation', m.id, 'tag', m.tag, 'applicant', m.applicant)",
    ticket="NULL::bigint",
    window="NULL::text",
    status=201,
)


async def count(db: Db, hall: Hall, tag: str, *, actor: str, applicant: str | None = None, press: Press | None = None) -> int:
    """Count one question; its id, by which it can be taken back. Whoever is asked is who was asked first."""
    if tag not in TAGS:
        raise BadInput(field="tag", message=f"one of {', '.join(TAGS)}")

    async def act() -> int:
        row = await db.fetchrow(COUNT, hall.id, actor, *scope(press), tag, applicant)
        assert row is not None
        counted: int = row["id"]
        return counted

    return await once(db, press, act, id_of)


def id_of(kept: Replay) -> int:
    return int(kept.answer["id"])


UNDO = recorded(
    """
WITH moved AS (
    UPDATE consultations SET undone_at = hall_clock() WHERE hall = $1 AND id = $5 AND asked = $2 AND undone_at IS NULL RETURNING *
), unmade AS (
    DELETE FROM visits v USING moved m WHERE v.source = 'consultation' AND v.subject = m.id
)""",
    "'consultation.undone'",
    "jsonb_build_object('consultation', m.id, 'tag', m.tag)",
    ticket="NULL::bigint",
    window="NULL::text",
)


async def undo(db: Db, hall: Hall, consultation: int, *, actor: str, press: Press | None = None) -> None:
    """Take back a question one counted oneself; NotFound for another's, and for one that was taken back or rated already."""

    async def act() -> None:
        try:
            undone = await db.fetchrow(UNDO, hall.id, actor, *scope(press), consultation)
        except asyncpg.ForeignKeyViolationError as rated:
            raise NotFound(what="consultation") from rated
        if undone is None:
            raise NotFound(what="consultation")

    await once(db, press, act, lambda _: None)


TODAYS = f"""
SELECT tag, count(*)::int AS n FROM consultations WHERE hall = $1 AND day = {TODAY} AND undone_at IS NULL GROUP BY tag
"""


async def today(db: Db, hall: Hall) -> dict[str, int]:
    """How many questions of each kind were answered today."""
    counted = {row["tag"]: row["n"] for row in await db.fetch(TODAYS, hall.id)}
    return {tag: counted.get(tag, 0) for tag in TAGS}
