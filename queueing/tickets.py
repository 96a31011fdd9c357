"""A ticket: how it is taken, found, given up, brought back, and how it ends with the day."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from queueing.db import Db, Press, Replay, Row, once, recorded
from queueing.doors import paused, why_not_taken
from queueing.errors import BadInput, Banned, NotFound, NotInThatState
from queueing.halls import Hall
from queueing.settings import EARLY, LATE

# The business day it is, in any statement whose $1 is the hall.
TODAY = "(SELECT business_day(hall_now(), time_zone, day_starts) FROM halls WHERE id = $1)"

LIVE = ("waiting", "called", "serving", "held", "missed")
ENDINGS = ("finished", "cancelled", "expired", "doorstep")


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it stands. `services[step-1]` is the step it is at; `service` is whose queue it is in now. `carried`: what a
    visit that the hall could not take on became instead, a slot, or declined."""

    id: int
    key: str
    hall: int
    day: date
    number: str
    services: list[str]
    step: int
    service: str
    matters: list[str]
    state: str
    category: str | None
    channel: str
    lang: str
    joined_at: datetime
    rank_at: datetime
    for_window: str | None
    window_no: str | None
    clerk: str | None
    calls: int
    call_no: int
    called_at: datetime | None
    served_at: datetime | None
    ended_at: datetime | None
    hold: str | None
    outcome: str | None
    delivery: str | None
    note: str | None
    credit: int = 0
    lane: int = 0
    booked_for: datetime | None = None
    placed: str | None = None
    carried: str | None = None

    @property
    def ticket_id(self) -> str:
        """The id machines use: `tk_8813`. It is not the key, which is the citizen's."""
        return f"tk_{self.id}"

    @property
    def call_id(self) -> str:
        """The id of its newest call: `cl_8813_2` is the second time ticket 8813 was called or recalled."""
        return f"cl_{self.id}_{self.call_no}"

    @property
    def window(self) -> str | None:
        """The window it is at, or ended at; None while it waits or is missed."""
        return None if self.state in ("waiting", "missed") else self.window_no


@dataclass(frozen=True, slots=True)
class Act:
    """What an act made of a ticket, and where the record has it. `replayed`: this press had acted before."""

    ticket: Ticket
    offset: int
    epoch: str
    at: datetime
    replayed: bool = False

    @property
    def call_id(self) -> str:
        return self.ticket.call_id


FIELDS = Ticket.__slots__
COLUMNS = ", ".join(FIELDS)


def from_row(row: Row) -> Ticket:
    return Ticket(*[row[field] for field in FIELDS])


def done(row: Row) -> Act:
    return Act(from_row(row), row["offset"], row["epoch"], row["at"])


def again(kept: Replay) -> Act:
    """The act as its press first gave it."""
    answer: dict[str, Any] = kept.answer
    return Act(
        msgspec.convert({field: answer[field] for field in FIELDS if field in answer}, Ticket),
        answer["offset"],
        answer["epoch"],
        datetime.fromisoformat(answer["at"]),
        replayed=True,
    )


# What every ticket row of the record tells; a kind adds its own words.
TOLD = """jsonb_build_object('ticket', m.number, 'service', m.service, 'state', m.state, 'window', m.window_no,
    'call', CASE WHEN m.call_no > 0 THEN 'cl_' || m.id || '_' || m.call_no END, 'attempt', m.calls, 'for_window', m.for_window,
    'rank_at', m.rank_at, 'lane', m.lane)"""


def told(words: str = "") -> str:
    """SQL of a ticket row's data: the common words and `words`, pairs for jsonb_build_object."""
    return f"{TOLD} || jsonb_build_object({words})" if words else TOLD


# The number is counted before the clock is read, under the counter's lock: a smaller number never joined later.
TAKE = recorded(
    """
WITH today AS (
    SELECT h.id AS hall, h.one_live_ticket, business_day(hall_now(), h.time_zone, h.day_starts) AS day
    FROM halls h WHERE h.id = $1
), door AS (
    SELECT s.prefix, s.quick, t.hall, t.day, t.one_live_ticket
    FROM today t JOIN services s ON s.hall = t.hall AND s.code = ($6::text[])[1]
    WHERE NOT EXISTS (
        SELECT FROM unnest($6::text[]) AS asked(code) WHERE NOT EXISTS (
            SELECT FROM doors d WHERE d.hall = t.hall AND d.day = t.day AND d.service = asked.code
                AND hall_now() >= d.opens - make_interval(mins => CASE WHEN $15::timestamptz IS NULL THEN 0 ELSE $18::integer END)
                AND hall_now() < CASE WHEN $15 IS NULL THEN d.last_ticket ELSE d.closes END
                AND (d.audience = 'all' OR $15 IS NOT NULL)
                AND (d.matters IS NULL OR $15 IS NOT NULL OR $10::text = 'desk' AND $7::text[] = '{}' OR (
                    SELECT coalesce(bool_and(m.code = ANY (d.matters)), false) FROM matters m
                    WHERE m.hall = t.hall AND m.code = ANY ($7) AND m.service = d.service))))
    AND ($8::text IS NULL OR EXISTS (
        SELECT FROM categories c WHERE c.hall = $1 AND c.code = $8 AND c.offered
            AND ($9::text IS NOT NULL OR NOT c.needs_evidence)))
    AND ($12::bytea IS NOT NULL OR $10::text = 'desk' OR NOT EXISTS (
        SELECT FROM services r WHERE r.hall = t.hall AND r.code = ANY($6) AND r.real_name = 'required'))
), place AS (
    UPDATE doors d SET left_places = left_places - 1 FROM door
    WHERE d.hall = door.hall AND d.day = door.day AND d.service = ANY($6) AND d.left_places IS NOT NULL AND $15 IS NULL
), counted AS (
    INSERT INTO numbers AS n (hall, day, prefix, newest) SELECT hall, day, prefix, 1 FROM door
    ON CONFLICT (hall, day, prefix) DO UPDATE
        SET newest = 1 + CASE WHEN n.newest + 1 BETWEEN n.away_from AND n.away_to THEN n.away_to ELSE n.newest END
    RETURNING n.hall, n.day, n.prefix, n.newest, hall_clock() AS joined_at
), moved AS (
    INSERT INTO tickets (key, hall, day, number, services, service, matters, category, evidence, channel, lang, person,
                         one_live, joined_at, rank_at, credit, verified_by, booked_for, lane, fenced, id_mask)
    SELECT $5, c.hall, c.day, c.prefix || lpad(c.newest::text, greatest(3, length(c.newest::text)), '0'),
           $6, ($6::text[])[1], $7, $8, $9, $10, $11, $12, (SELECT one_live_ticket FROM today), c.joined_at,
           greatest(least(CASE WHEN h.credit > 0 OR h.booked_for IS NULL THEN c.joined_at - make_interval(mins => h.credit) END,
                          h.booked_for - make_interval(mins => h.booked_credit)), $20),
           greatest(h.credit, h.booked_credit), $14, h.booked_for,
           CASE WHEN h.booked_for IS NOT NULL THEN 1 WHEN cardinality($6::text[]) = 1 AND (SELECT quick FROM door)
                OR cardinality($7::text[]) > 0 AND NOT EXISTS (SELECT FROM unnest($7::text[]) AS asked(matter) WHERE NOT EXISTS (
                    SELECT FROM matter_rules r WHERE r.hall = $1 AND r.matter = asked.matter AND r.quick)) THEN 2 ELSE 0 END,
           cardinality($7::text[]) > 0 AND EXISTS (SELECT FROM matter_rules r WHERE r.hall = $1 AND r.matter = ANY($7)
                AND (r.only_windows <> '{}' OR r.only_clerks <> '{}')), $17
    FROM counted c, LATERAL (
        SELECT coalesce((SELECT credit_minutes FROM categories WHERE hall = $1 AND code = $8), 0) AS credit,
               CASE WHEN $15::timestamptz IS NULL THEN 0 ELSE coalesce((SELECT max(credit_minutes) FROM categories
                   WHERE hall = $1 AND evidence = 'booking' AND offered), 0) + $19::integer END AS booked_credit,
               CASE WHEN c.joined_at <= $15 + make_interval(mins => $16::integer) THEN $15 END AS booked_for) h
    RETURNING *
)""",
    "'ticket.taken'",
    told(
        """'services', m.services, 'lang', m.lang, 'channel', m.channel, 'print_at', $13::text, 'credit', m.credit,
        'joined_at', m.joined_at, 'fenced', CASE WHEN m.fenced THEN m.matters END"""
    ),
    status=201,
)


async def take(
    db: Db,
    hall: Hall,
    services: Sequence[str],
    *,
    actor: str,
    channel: str,
    matters: Sequence[str] = (),
    category: str | None = None,
    evidence: str | None = None,
    person: bytes | None = None,
    id_mask: str | None = None,
    lang: str = "zh-Hans",
    print_at: str | None = None,
    verified_by: str | None = None,
    booked_for: datetime | None = None,
    head_start: int = 0,
    not_before: datetime | None = None,
    key: str | None = None,
    press: Press | None = None,
) -> Act:
    """Take a number for one or several services, served in that order.

    `person` is a keyed hash of an ID number (never the number), `id_mask` its last four digits, `print_at` the dispenser
    that owes the paper, `verified_by` who saw the evidence of the category. `booked_for` is the time of a booking that is
    checked in: its place in line is that time less the head start of the booked; who comes later than the hall's grace joins
    as everybody does; `head_start` minutes more are for whom the hall owes the visit. It has its place already: no quota and
    no last ticket stops it. `not_before`: it ranks as if it had joined then, should that be later. `key` is one of `new_key`
    that something was already kept under.
    Raises UnknownService, Closed, PastLastTicket, QuotaFull, OneLiveTicket, RealNameNeeded, TooManyToday, TooManyOfService,
    Banned, BadInput (category).
    """
    if len(set(services)) < len(services):
        raise BadInput(field="services", message="a service is named twice")
    minted = key or new_key()

    async def act() -> Act:
        row = await db.fetchrow(
            TAKE,
            hall.id,
            actor,
            *scope(press),
            minted,
            list(services),
            list(matters),
            category,
            evidence,
            channel,
            lang,
            person,
            print_at,
            verified_by if verified_by or category is None else actor,
            booked_for,
            hall.value(LATE),
            id_mask,
            hall.value(EARLY),
            head_start,
            not_before,
        )
        if row is None:
            raise await why_not_taken(
                db, hall, services, category, matters, by_name=person is not None or channel == "desk", at_desk=channel == "desk"
            )
        return done(row)

    try:
        return await once(db, press, act, again)
    except Banned:
        raise await paused(db, hall, person) from None


def new_key() -> str:
    """A citizen's own handle: 128 random bits."""
    return secrets.token_urlsafe(16)


def scope(press: Press | None) -> tuple[bytes | None, bytes | None]:
    """The two parameters by which a statement keeps its press."""
    return (press.scope, press.body) if press else (None, None)


async def by_key(db: Db, key: str) -> Ticket:
    """The ticket of the citizen who holds this key, or NotFound."""
    row = await db.fetchrow(f"SELECT {COLUMNS} FROM tickets WHERE key = $1", key)
    if row is None:
        raise NotFound(what="ticket")
    return from_row(row)


FIND = f"""
SELECT {COLUMNS} FROM tickets
WHERE hall = $1 AND id > $2
  AND day = coalesce($3, {TODAY})
  AND ($4::text IS NULL OR service = $4) AND ($5::text IS NULL OR state = $5::ticket_state) AND ($6::text IS NULL OR number = $6)
ORDER BY id LIMIT $7
"""


async def find(
    db: Db,
    hall: Hall,
    *,
    day: date | None = None,
    service: str | None = None,
    state: str | None = None,
    number: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[Ticket]:
    """Tickets of a business day (today's when none is named) in the order they were issued."""
    return [from_row(row) for row in await db.fetch(FIND, hall.id, after, day, service, state, number, limit)]


# Ahead = waiting tickets with a smaller (rank_at, id) whose service shares an open window with this one's (http contract).
# Its two halves are the two partial indexes of those who wait: a full day behind costs nothing.
AHEAD = """
WITH open AS (
    SELECT services FROM windows WHERE hall = $1 AND state = 'open' AND $3 = ANY(services)
), shared AS (
    SELECT DISTINCT service FROM (
        SELECT unnest(services) AS service FROM open
        UNION ALL SELECT unnest(serves) FROM windows WHERE hall = $1 AND $3 = ANY(serves) AND NOT EXISTS (SELECT FROM open)
        UNION ALL SELECT $3) s
)
SELECT (SELECT coalesce(sum(n), 0) FROM shared, LATERAL (
        SELECT count(*) AS n FROM tickets t WHERE t.hall = $1 AND t.day = $2 AND t.state = 'waiting' AND t.for_window IS NULL
          AND t.service = shared.service AND (t.rank_at, t.id) < ($4::timestamptz, $5::bigint)) counted)::int
    + (SELECT count(*) FROM tickets t WHERE t.hall = $1 AND t.day = $2 AND t.state = 'waiting' AND t.for_window IS NOT NULL
          AND t.service IN (SELECT service FROM shared) AND (t.rank_at, t.id) < ($4::timestamptz, $5::bigint))::int
"""


async def ahead(db: Db, ticket: Ticket) -> int | None:
    """How many people are before this one; None unless it waits. A count of people, not a time."""
    if ticket.state != "waiting":
        return None
    count: int = await db.fetchval(AHEAD, ticket.hall, ticket.day, ticket.service, ticket.rank_at, ticket.id)
    return count


CANCEL = recorded(
    """
WITH moved AS (
    UPDATE tickets SET state = 'cancelled', ended_at = hall_now()
    WHERE hall = $1 AND key = $5 AND state IN ('waiting', 'called', 'held', 'missed') RETURNING *
)""",
    "'ticket.cancelled'",
    told(),
)


async def cancel(db: Db, hall: Hall, key: str, *, actor: str, press: Press | None = None) -> Act:
    """Leave the queue. NotInThatState once it is being served or has ended."""
    return await of_key(db, CANCEL, hall, key, actor, press)


TO_DOORSTEP = recorded(
    f"""
WITH moved AS (
    UPDATE tickets SET state = 'doorstep', ended_at = hall_now()
    WHERE hall = $1 AND key = $5 AND state IN {LIVE!r} RETURNING *
)""",
    "'ticket.doorstep'",
    told(),
)


async def to_doorstep(db: Db, hall: Hall, key: str, *, actor: str) -> Act:
    """End a ticket because its visitor is served at home; whoever calls it opens that visit in the same transaction."""
    return await of_key(db, TO_DOORSTEP, hall, key, actor, None)


CARRY = recorded(
    """
WITH moved AS (
    UPDATE tickets SET state = 'cancelled', ended_at = hall_now(), carried = $6
    WHERE hall = $1 AND key = $5 AND state IN ('waiting', 'called', 'held', 'missed') RETURNING *
)""",
    "'ticket.cancelled'",
    told("'carried', m.carried"),
)


async def carry(db: Db, hall: Hall, key: str, how: str, *, actor: str, press: Press | None = None) -> Act:
    """End a visit that goes on as a booking (`slot`), or for which its holder took nothing the hall could offer (`declined`)."""
    return await of_key(db, CARRY, hall, key, actor, press, how)


RESTORE = recorded(
    """
WITH head AS (
    SELECT min(q.rank_at) AS rank_at FROM tickets t JOIN tickets q ON q.hall = t.hall AND q.day = t.day AND q.service = t.service
    WHERE t.key = $5 AND q.state = 'waiting'
), moved AS (
    UPDATE tickets t SET state = 'waiting', calls = 0, rank_at = CASE $6::text
        WHEN 'front' THEN least(t.rank_at, (SELECT rank_at FROM head) - interval '1 microsecond')
        WHEN 'back' THEN hall_clock() ELSE t.rank_at END,
        placed = CASE WHEN $6 IN ('front', 'back') THEN $6 ELSE t.placed END
    WHERE t.hall = $1 AND t.key = $5 AND t.state = 'missed' RETURNING *
)""",
    "'ticket.restored'",
    told("'position', $6::text"),
)


async def restore(db: Db, hall: Hall, key: str, position: str, *, actor: str, press: Press | None = None) -> Act:
    """Bring a missed ticket back: to the front, to the place it kept, or to the back."""
    return await of_key(db, RESTORE, hall, key, actor, press, position)


REPRINT = recorded(
    """
WITH moved AS (
    UPDATE tickets SET copies = copies + 1 WHERE hall = $1 AND key = $5
      AND state IN ('waiting', 'called', 'serving', 'held', 'missed') RETURNING *
)""",
    "'ticket.reprinted'",
    told("'print_at', $6::text, 'copy', m.copies, 'lang', m.lang"),
)


async def reprint(db: Db, hall: Hall, key: str, print_at: str, *, actor: str, press: Press | None = None) -> Act:
    """Owe a marked copy of the same number at dispenser `print_at`. NotInThatState once the ticket has ended."""
    return await of_key(db, REPRINT, hall, key, actor, press, print_at)


async def of_key(db: Db, statement: str, hall: Hall, key: str, actor: str, press: Press | None, *more: object) -> Act:
    """One act on the ticket of a key."""

    async def act() -> Act:
        row = await db.fetchrow(statement, hall.id, actor, *scope(press), key, *more)
        if row is None:
            ticket = await by_key(db, key)
            raise NotFound(what="ticket") if ticket.hall != hall.id else NotInThatState(state=ticket.state)
        return done(row)

    return await once(db, press, act, again)
