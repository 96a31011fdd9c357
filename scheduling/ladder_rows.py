"""The ladder as it is kept: steps offered, lapsed, settled, each change one statement whose last lock is the hall's record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from queueing.db import Db
from queueing.halls import Hall
from queueing.tickets import TODAY


@dataclass(frozen=True, slots=True)
class Offer:
    """A step offered: for a service, or for one ticket. One that came to nothing or was decided at once says so in `state`."""

    step: str
    service: str
    ticket: int | None = None
    offer: Mapping[str, Any] | None = None
    state: str = "offered"
    why: str | None = None

    @property
    def subject(self) -> str:
        return f"ticket:{self.ticket}" if self.ticket is not None else f"service:{self.service}"

    def row(self) -> dict[str, Any]:
        """As a statement takes it."""
        return {
            "step": self.step, "subject": self.subject, "service": self.service, "ticket": self.ticket,
            "offer": dict(self.offer or {}), "state": self.state, "why": self.why,
        }  # fmt: skip


# Whoever decides a step holds its row and then waits for the record. So nobody who holds the record may wait for a step:
# what a statement changes is changed first, all of it, and the record's row is locked once, behind everything.
TOLD = """
, stream AS (
    UPDATE hall_streams SET top = top + (SELECT count(*) FROM moved) WHERE hall = $1 AND EXISTS (SELECT FROM moved) RETURNING top
), told AS (
    INSERT INTO journal (hall, "offset", kind, actor, cause, ticket, data)
    SELECT $1, s.top - count(*) OVER () + row_number() OVER (ORDER BY m.id), 'escalation.' || m.state, $2, 'ladder', m.ticket,
           m.offer || jsonb_strip_nulls(jsonb_build_object('escalation', m.id, 'step', m.step, 'service', m.service,
                                                           'why', m.why, 'ticket', t.number, 'zone', v.zone))
    FROM moved m CROSS JOIN stream s LEFT JOIN tickets t ON t.id = m.ticket
    LEFT JOIN services v ON v.hall = m.hall AND v.code = m.service RETURNING 1
)
SELECT count(*) FROM told
"""
MADE = f"""
asked AS (
    SELECT row_number() OVER () AS nth, a.*
    FROM jsonb_to_recordset($3) AS a (step text, subject text, service text, ticket bigint, offer jsonb, state text, why text)
), made AS (
    INSERT INTO escalations (hall, day, step, subject, service, ticket, minute, state, why, offer, offered_at, offered_by,
                             decided_at, decided_by)
    SELECT $1, {TODAY}, step, subject, service, ticket, date_trunc('minute', hall_now()), state, why, offer, hall_now(), $2,
           CASE WHEN state <> 'offered' THEN hall_now() END, CASE WHEN state <> 'offered' THEN $2 END
    FROM asked ORDER BY nth ON CONFLICT DO NOTHING RETURNING *
)"""
# What was offered to visitors who are through: served, visited, booked, gone, or never heard of again. Who left without an
# answer to another time can take it for some days more: the hall owes it.
SETTLED = """
settled AS (
    UPDATE escalations e SET decided_at = hall_now(),
        decided_by = CASE WHEN t.state <> 'doorstep' THEN $2 ELSE coalesce(
            (SELECT actor FROM journal WHERE ticket = t.id AND kind = 'ticket.doorstep'), $2) END,
        state = CASE WHEN t.state = 'doorstep' AND e.step = 'doorstep' THEN 'accepted' ELSE 'lapsed' END,
        why = CASE t.state WHEN 'finished' THEN 'served' WHEN 'expired' THEN 'no_answer' WHEN 'doorstep' THEN 'visit'
              ELSE coalesce(t.carried, 'left') END
    FROM tickets t WHERE e.hall = $1 AND e.state = 'offered' AND t.id = e.ticket AND t.ended_at IS NOT NULL AND {of}
    RETURNING e.*
)"""
# The hall's steps that nobody decided and that are not needed any more.
LAPSED = """
lapsed AS (
    UPDATE escalations e SET state = 'lapsed', why = 'over', decided_at = hall_now(), decided_by = $2
    WHERE e.hall = $1 AND e.state = 'offered' AND e.ticket IS NULL
      AND NOT EXISTS (SELECT FROM unnest($4::text[], $5::text[]) AS still(step, service)
                      WHERE (still.step, still.service) = (e.step, e.service))
    RETURNING e.*
)"""

OFFER = f"WITH {MADE}, moved AS (SELECT * FROM made){TOLD}"


async def offer(db: Db, hall: Hall, made: Sequence[Offer], *, actor: str) -> int:
    """Offer these steps; one that stands, or that this ticket was offered, is left as it is. How many are new."""
    if not made:
        return 0
    new: int = await db.fetchval(OFFER, hall.id, actor, [one.row() for one in made])
    return new


SETTLE = f"WITH {SETTLED.format(of='e.ticket = $3')}, moved AS (SELECT * FROM settled){TOLD}"


async def settle(db: Db, hall: Hall, ticket: int) -> None:
    """End what else was offered to a visitor who is through."""
    await db.execute(SETTLE, hall.id, "clock", ticket)


OWED_NO_MORE = f"NOT (e.step = 'slot' AND t.state = 'expired' AND e.day >= {TODAY} - $6::integer)"
MOVE_ON = f"""
WITH {SETTLED.format(of=OWED_NO_MORE)}, {LAPSED}, {MADE}, moved AS (
    SELECT * FROM settled UNION ALL SELECT * FROM lapsed UNION ALL SELECT * FROM made
){TOLD}"""


async def move_on(db: Db, hall: Hall, still: Sequence[tuple[str, str]], made: Sequence[Offer], kept_days: int) -> int:
    """One minute of the ladder: settle what is through, let the hall's steps lapse but for `still`, offer `made`. Rows told."""
    steps, services = [step for step, _ in still], [service for _, service in still]
    told: int = await db.fetchval(MOVE_ON, hall.id, "clock", [one.row() for one in made], steps, services, kept_days)
    return told
