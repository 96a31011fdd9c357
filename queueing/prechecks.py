"""A look at the papers before the window (预审): ready, or what is lacking, tied to the ticket."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from queueing.db import Db, Press, once, recorded
from queueing.errors import NotFound, NotInThatState
from queueing.halls import Hall
from queueing.tickets import TODAY, by_key, scope


@dataclass(frozen=True, slots=True)
class Precheck:
    """The newest look at a ticket's papers; nothing is lacking when they are ready."""

    ready: bool
    lacking: list[str]
    checked_by: str
    at: datetime


CHECK = recorded(
    """
WITH moved AS (
    INSERT INTO prechecks AS p (ticket, hall, ready, lacking, checked_by)
    SELECT t.id, t.hall, cardinality($6::text[]) = 0, $6, $2 FROM tickets t
    WHERE t.hall = $1 AND t.key = $5 AND t.state IN ('waiting', 'called', 'serving', 'held', 'missed')
    ON CONFLICT (ticket) DO UPDATE SET ready = excluded.ready, lacking = excluded.lacking, checked_by = excluded.checked_by,
        at = hall_clock()
    RETURNING *
)""",
    "'ticket.prechecked'",
    """jsonb_build_object('ticket', (SELECT number FROM tickets WHERE id = m.ticket), 'ready', m.ready,
        'lacking', cardinality(m.lacking))""",
    ticket="m.ticket",
    window="NULL::text",
)


async def check(db: Db, hall: Hall, key: str, lacking: Sequence[str], *, actor: str, press: Press | None = None) -> None:
    """Note what a ticket's papers lack; nothing lacking is ready. NotInThatState once the ticket has ended."""

    async def act() -> None:
        if await db.fetchrow(CHECK, hall.id, actor, *scope(press), key, list(lacking)) is None:
            ticket = await by_key(db, key)
            raise NotFound(what="ticket") if ticket.hall != hall.id else NotInThatState(state=ticket.state)

    await once(db, press, act, lambda _: None)


OF = "SELECT ready, lacking, checked_by, at FROM prechecks WHERE ticket = $1"


async def of_ticket(db: Db, ticket: int) -> Precheck | None:
    """The newest look at a ticket's papers; None where nobody has looked."""
    row = await db.fetchrow(OF, ticket)
    return Precheck(**row) if row else None


UNREADY = f"""
SELECT t.number FROM prechecks p JOIN tickets t ON t.id = p.ticket
WHERE t.hall = $1 AND t.day = {TODAY} AND t.number = ANY($2) AND NOT p.ready
"""


async def unready(db: Db, hall: Hall, numbers: Sequence[str]) -> set[str]:
    """Which of today's numbers were found to lack papers."""
    return {row["number"] for row in await db.fetch(UNREADY, hall.id, list(numbers))}
