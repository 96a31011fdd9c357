"""Orders handed in together: one number for several, and never so many that those who came themselves wait behind agents."""

from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from queueing.db import Db, Press, once, replay
from queueing.errors import BadInput, PressRepeated, Refused
from queueing.halls import Hall
from queueing.settings import Setting
from queueing.tickets import TODAY, Act, again, take
from scheduling.appointments import plain_code
from scheduling.errors import AgentHadEnough, HandInRunning, NotInThatStage, TooManyOrders
from scheduling.orders import Agent, by_code, visible

PER_TICKET = Setting("agent_orders_ticket", 5, 1, 50, "orders")  # papers of so many people under one number
PER_DAY = Setting("agent_tickets_day", 4, 0, 50, "tickets")  # numbers an agent takes in a day; 0: no limit
GAP = Setting("agent_gap_min", 5, 0, 120, "minutes")  # for each order handed in, before the next agent's place in that line
SETTINGS = (PER_TICKET, PER_DAY, GAP)

# A number for ten orders pushes the next agent's back by ten gaps: those who come themselves go in between.
LINE = """
INSERT INTO agent_lines AS l (hall, service, next_at)
SELECT $1, code, hall_now() + $3::interval FROM unnest($2::text[]) AS asked(code) ORDER BY code
ON CONFLICT (hall, service) DO UPDATE SET next_at = greatest(l.next_at, hall_now()) + $3::interval
RETURNING next_at - $3::interval AS free_at
"""
# Before the record's own lock, as every act on an order has it; and none of them moves on until the number is bound to it.
HOLD = "SELECT id FROM agent_orders WHERE hall = $1 AND code = ANY($2) ORDER BY id FOR NO KEY UPDATE"
BIND = f"""
WITH held AS (
    INSERT INTO agent_tickets (ticket, hall, day, agent, orders) VALUES ($2, $1, {TODAY}, $3, cardinality($4::text[]))
)
UPDATE agent_orders SET hand_in = $2, agent = coalesce(agent, $3)
WHERE hall = $1 AND code = ANY($4) AND state = 'collected' AND (hand_in IS NULL OR NOT EXISTS (
    SELECT FROM tickets t WHERE t.id = agent_orders.hand_in AND t.state NOT IN ('cancelled', 'expired')
      AND t.outcome IS DISTINCT FROM 'not_ready'))
RETURNING id
"""
BROKEN: dict[str, type[Refused]] = {
    "too_many_orders": TooManyOrders,
    "agent_had_enough_today": AgentHadEnough,
    "one_hand_in_at_a_time": HandInRunning,
}


async def hand_in(
    db: Db,
    hall: Hall,
    codes: Sequence[str],
    services: Sequence[str],
    *,
    by: Agent,
    actor: str,
    person: bytes,
    category: str | None = None,
    print_at: str | None = None,
    press: Press | None = None,
) -> Act:
    """One number for the papers of several orders, all collected and this agent's.

    `person` is a hash of the agent: the hall's limits by person hold for agents too. Raises BadInput (no order), NotFound,
    NotInThatStage, TooManyOrders, AgentHadEnough, HandInRunning, and what taking a number raises.
    """
    asked = list(dict.fromkeys(codes))
    if not asked or by.name is None:
        raise BadInput(field="orders", message="it is empty")

    async def act() -> Act:
        try:
            async with db.transaction():
                free = await db.fetch(LINE, hall.id, list(services), timedelta(minutes=hall.value(GAP) * len(asked)))
                if await replay(db, press):  # now that whoever pressed the same has committed
                    raise PressRepeated()
                await db.fetch(HOLD, hall.id, [plain_code(code) for code in asked])
                found = [await by_code(db, hall, code) for code in asked]
                for order in found:
                    if order.state != "collected" or not visible(order, by):
                        raise NotInThatStage(state=order.state)
                made = await take(
                    db, hall, services, actor=actor, channel="agent", category=category, person=person, print_at=print_at,
                    matters=list(dict.fromkeys(matter for order in found for matter in order.matters)),
                    not_before=max(row["free_at"] for row in free), press=press,
                )  # fmt: skip
                bound = await db.fetch(BIND, hall.id, made.ticket.id, by.name, [order.code for order in found])
                if len(bound) != len(found):
                    raise NotInThatStage(state="collected")
                return made
        except asyncpg.CheckViolationError as broken:
            error = BROKEN.get(broken.constraint_name or "")
            if error is None:
                raise
            raise error(limit=hall.value(PER_TICKET if error is TooManyOrders else PER_DAY)) from broken

    return await once(db, press, act, again)
