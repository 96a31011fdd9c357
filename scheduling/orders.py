"""An agent order (代办): papers collected from somebody, filed here for them, and the certificate brought back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import asyncpg
import msgspec

from queueing.db import Db, Press, Replay, changed, once, recorded
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import Hall, business_day
from queueing.settings import Setting
from queueing.tickets import TODAY, Ticket, cancel, scope
from queueing.visits import visited
from scheduling.appointments import plain_code
from scheduling.days import calendar
from scheduling.errors import NotInThatStage, OrderTaken

COLLECT_DAYS = Setting("order_collect_days", 2, 0, 30, "days")  # working days to fetch the papers
FILE_DAYS = Setting("order_file_days", 2, 0, 30, "days")  # then to hand them in
RETURN_DAYS = Setting("order_return_days", 10, 0, 90, "days")  # then to bring the certificate
FORGET_AFTER = Setting("order_forget_days", 30, 1, 365, "days")  # then nobody knows any more whose papers they were
SETTINGS = (COLLECT_DAYS, FILE_DAYS, RETURN_DAYS, FORGET_AFTER)

Verb = Literal["assign", "collect", "file", "return", "decline", "cancel"]
OPEN = ("requested", "collected", "filed")
# From which stages each act leads to which; and in how many working days the stage it leads to is to be over.
STAGES: dict[str, tuple[tuple[str, ...], str | None, Setting[int] | None]] = {
    "assign": (OPEN, None, None),
    "collect": (("requested",), "collected", FILE_DAYS),
    "file": (("collected",), "filed", RETURN_DAYS),
    "return": (("filed",), "returned", None),
    "decline": (("requested",), "declined", None),
    "cancel": (OPEN, "cancelled", None),
}
WITH_REASON = ("decline", "cancel")


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands. Nothing in it tells whose it is but two masks; `due` is the last day of its stage.
    `replayed`: this press had acted before."""

    id: int
    number: str
    code: str
    hall: int
    day: date
    state: str
    channel: str
    agent: str | None
    site: str | None
    matters: list[str]
    lang: str
    name_mask: str | None
    phone_mask: str | None
    hand_in: int | None
    due: date | None
    asked_at: datetime
    collected_at: datetime | None
    filed_at: datetime | None
    ended_at: datetime | None
    why: str | None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose papers they are, sealed for the order of `code`; `phone` is a keyed hash."""

    code: str
    key_id: str
    sealed: bytes
    name_mask: str
    phone_mask: str
    phone: bytes


@dataclass(frozen=True, slots=True)
class Agent:
    """Who acts on orders: an agent on their own and on free ones (of their site, if they have one); None, staff, on any."""

    name: str | None = None
    site: str | None = None


KEPT = tuple(name for name in Order.__slots__ if name != "replayed")
COLUMNS = ", ".join(KEPT)
TOLD = """jsonb_strip_nulls(jsonb_build_object('order', m.number, 'state', m.state, 'agent', m.agent, 'site', m.site,
    'matters', m.matters, 'due', m.due))"""
VISITED = visited(
    "order", "'agent'", when="m.state = 'returned'", number="m.number", clerks="array_remove(ARRAY[m.agent], NULL)",
    started="least(m.asked_at, m.ended_at)",
)  # fmt: skip


def order_act(moved: str, verb: str, status: int = 200) -> str:
    return recorded(moved, verb, TOLD, ticket="NULL::bigint", window="NULL::text", status=status)


ASK = order_act(
    f"""
WITH moved AS (
    INSERT INTO agent_orders (code, hall, day, channel, agent, site, matters, lang, key_id, sealed, phone, name_mask, phone_mask,
                              from_ticket, due, asked_at, asked_by)
    VALUES ($5, $1, {TODAY}, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, hall_clock(), $2)
    RETURNING {COLUMNS}
)""",
    "'order.requested'",
    status=201,
)


async def ask(
    db: Db,
    hall: Hall,
    holder: Holder,
    matters: Sequence[str],
    *,
    actor: str,
    channel: str,
    agent: str | None = None,
    site: str | None = None,
    lang: str = "zh-Hans",
    ticket: Ticket | None = None,
    press: Press | None = None,
) -> Order:
    """Keep a request for an agent: from the desk's telephone, from an agent in a village, or with a number in hand (`ticket`),
    which ends with it.

    Raises BadInput (no matter), OrderTaken (an order came of that number already), NotInThatState (the number has ended).
    """
    if not 1 <= len(matters) <= 8:
        raise BadInput(field="matters", message="it is empty" if not matters else "Expected `array` of length <= 8")
    due = await day_after(db, hall, hall.value(COLLECT_DAYS))

    async def act() -> Order:
        try:
            async with db.transaction():
                if ticket is not None:
                    await cancel(db, hall, ticket.key, actor=actor)
                row = await db.fetchrow(
                    ASK, hall.id, actor, *scope(press), holder.code, channel, agent, site, list(matters), lang, holder.key_id,
                    holder.sealed, holder.phone, holder.name_mask, holder.phone_mask, ticket and ticket.id, due,
                )  # fmt: skip
        except asyncpg.IntegrityConstraintViolationError as broken:
            raise named(broken) from broken
        assert row is not None
        return from_row(row)

    return await once(db, press, act, again)


def named(broken: asyncpg.IntegrityConstraintViolationError) -> Exception:
    """The refusal of a rule that an order broke; what is no such rule stays what it was."""
    if broken.constraint_name == "order_once_a_ticket":
        return OrderTaken()
    if broken.constraint_name == "agent_orders_hall_site_fkey":
        return BadInput(field="site", message="there is no such site in this hall")
    return broken


async def day_after(db: Db, hall: Hall, days: int) -> date:
    """The last day of a term of working days from today, today being the last of none."""
    return (await calendar(db, hall)).working_days_after(await business_day(db, hall), days).day


def from_row(row: asyncpg.Record) -> Order:
    return Order(*[row[field] for field in KEPT])


def again(kept: Replay) -> Order:
    answer: dict[str, Any] = kept.answer
    return msgspec.convert({field: answer[field] for field in KEPT} | {"replayed": True}, Order)


MOVE = order_act(
    f"""
WITH moved AS (
    UPDATE agent_orders o SET state = coalesce($6::text, o.state), why = $8::text,
        due = CASE WHEN $6::text IS NULL THEN o.due ELSE $7::date END,
        agent = coalesce($9, o.agent), told_on = NULL,
        collected_at = CASE WHEN $6::text = 'collected' THEN hall_clock() ELSE o.collected_at END,
        filed_at = CASE WHEN $6::text = 'filed' THEN hall_clock() ELSE o.filed_at END,
        ended_at = CASE WHEN $6::text IN ('returned', 'declined', 'cancelled') THEN hall_clock() END
    WHERE o.hall = $1 AND o.code = $5 AND o.state = ANY($10) AND ($6::text IS NOT NULL OR $9::text IS NOT NULL)
      AND (coalesce($9, o.agent) IS NOT NULL OR $6::text IN ('declined', 'cancelled'))
      AND ($11::text IS NULL OR coalesce(o.agent, $11) = $11) AND ($12::text IS NULL OR coalesce(o.site, $12) = $12)
    RETURNING {COLUMNS}
){VISITED}""",
    "'order.' || CASE WHEN $6::text IS NULL THEN 'assigned' ELSE m.state END",
)


async def move(
    db: Db,
    hall: Hall,
    code: str,
    verb: Verb,
    *,
    actor: str,
    by: Agent,
    agent: str | None = None,
    why: str | None = None,
    press: Press | None = None,
) -> Order:
    """One step of an order. An agent who takes a free one makes it their own; `agent` gives it to somebody by name.

    Raises NotFound (no such order, or another agent's or site's), NotInThatStage, BadInput (a reason, or an agent, is missing).
    """
    stages, to, term = STAGES[verb]
    if verb in WITH_REASON and not (why or "").strip():
        raise BadInput(field="why", message="it is empty")
    if verb == "assign" and not (agent or by.name):
        raise BadInput(field="agent", message="it is empty")
    due = await day_after(db, hall, hall.value(term)) if term else None

    async def act() -> Order:
        given = why.strip()[:200] if why and verb in WITH_REASON else None
        row = await db.fetchrow(
            MOVE,
            hall.id,
            actor,
            *scope(press),
            plain_code(code),
            to,
            due,
            given,
            agent or by.name,
            list(stages),
            by.name,
            by.site,
        )
        if row is None:
            raise await why_not(db, hall, code, by)
        return from_row(row)

    return await once(db, press, act, again)


async def why_not(db: Db, hall: Hall, code: str, by: Agent) -> Refused:
    """Why an order did not move, read afterwards."""
    order = await by_code(db, hall, code)
    if not visible(order, by):
        return NotFound(what="order")
    if order.agent is None and by.name is None and order.state == "requested":
        return BadInput(field="agent", message="it is empty")
    return NotInThatStage(state=order.state)


def visible(order: Order, by: Agent) -> bool:
    """Whether an agent may see and act on it: their own, and free ones, of their own site."""
    return by.name in (None, order.agent or by.name) and by.site in (None, order.site or by.site)


GET = f"SELECT {COLUMNS} FROM agent_orders WHERE hall = $1 AND code = $2"


async def by_code(db: Db, hall: Hall, code: str) -> Order:
    """The order of a code as people type or read it, or NotFound."""
    row = await db.fetchrow(GET, hall.id, plain_code(code))
    if row is None:
        raise NotFound(what="order")
    return from_row(row)


LIST = f"""
SELECT {COLUMNS} FROM agent_orders
WHERE hall = $1 AND ((ended_at IS NULL) OR ended_at > hall_now() - make_interval(days => $4::integer))
  AND ($2::text IS NULL OR coalesce(agent, $2) = $2) AND ($3::text IS NULL OR coalesce(site, $3) = $3)
ORDER BY ended_at IS NOT NULL, due, id LIMIT 500
"""


async def orders(db: Db, hall: Hall, by: Agent, *, ended_days: int = 1) -> list[Order]:
    """What an agent may act on, or all, the first due first; behind them what ended in the last few days."""
    return [from_row(row) for row in await db.fetch(LIST, hall.id, by.name, by.site, ended_days)]


FIND = f"""
SELECT {COLUMNS} FROM agent_orders
WHERE hall = $1 AND ($2::text IS NULL OR coalesce(agent, $2) = $2) AND ($3::text IS NULL OR coalesce(site, $3) = $3)
  AND ($4::text IS NULL OR state = $4) AND id > $5 ORDER BY id LIMIT $6
"""


async def find(db: Db, hall: Hall, by: Agent, *, state: str | None = None, after: int = 0, limit: int = 100) -> list[Order]:
    """Orders an agent may act on, or all, as they were asked for; of one state where it is named."""
    return [from_row(row) for row in await db.fetch(FIND, hall.id, by.name, by.site, state, after, limit)]


SEALED = "SELECT key_id, sealed FROM agent_orders WHERE hall = $1 AND code = $2 AND sealed IS NOT NULL"
LOOKED = order_act(f"WITH moved AS (SELECT {COLUMNS} FROM agent_orders WHERE hall = $1 AND code = $5)", "'order.looked'")


async def look(db: Db, hall: Hall, order: Order, *, actor: str) -> tuple[str, bytes] | None:
    """The envelope and its key, for who goes there; the look is on record. None once it is forgotten."""
    row = await db.fetchrow(SEALED, hall.id, order.code)
    if row is None:
        return None
    await db.fetchrow(LOOKED, hall.id, actor, None, None, order.code)
    return row["key_id"], row["sealed"]


OVERDUE = f"""
WITH late AS (
    UPDATE agent_orders o SET told_on = {TODAY}
    WHERE o.hall = $1 AND o.ended_at IS NULL AND o.due < {TODAY} AND o.told_on IS DISTINCT FROM {TODAY} RETURNING {COLUMNS}
), stream AS (
    UPDATE hall_streams SET top = top + (SELECT count(*) FROM late)
    WHERE hall = $1 AND (SELECT count(*) FROM late) > 0 RETURNING top
), told AS (
    INSERT INTO journal (hall, "offset", kind, actor, cause, data)
    SELECT m.hall, s.top - count(*) OVER () + row_number() OVER (ORDER BY m.id), 'order.overdue', 'clock', 'working days', {TOLD}
    FROM late m, stream s RETURNING 1
)
SELECT count(*) FROM told
"""


async def tell_overdue(db: Db, hall: Hall) -> int:
    """Say of each order once a day that its stage is late; how many."""
    count: int = await db.fetchval(OVERDUE, hall.id)
    return count


FORGET = """
UPDATE agent_orders SET key_id = NULL, sealed = NULL, phone = NULL, name_mask = NULL, phone_mask = NULL
WHERE hall = $1 AND ended_at < hall_now() - make_interval(days => $2) AND num_nonnulls(sealed, phone, name_mask, phone_mask) > 0
"""


async def forget_holders(db: Db, hall: Hall) -> int:
    """Erase whose papers they were once it can no longer matter; how many orders. What was done stays for the figures."""
    return changed(await db.execute(FORGET, hall.id, hall.value(FORGET_AFTER)))


def place(code: str) -> str:
    """What an order's envelope is sealed for."""
    return f"order:{code}"
