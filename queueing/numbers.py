"""Numbers lent to a dispenser, so that it goes on alone when the hall is away, and the tickets it brings home afterwards."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from queueing.db import Db, recorded, retried
from queueing.errors import NumberInUse, NumberTaken, OfflineKnown, named
from queueing.tickets import told

RANGE = 1000  # numbers a dispenser has for itself, of each prefix and day
FEWEST, MOST = 20, 500  # of one lease
GRACE = timedelta(minutes=1)  # what a measured clock may be wrong about a deadline
PEAK_DAYS = 14

# By hour of the clock, the busiest of the last days.
PEAKS = """
SELECT service, max(n)::integer AS peak FROM (
    SELECT t.services[1] AS service, count(*) AS n FROM tickets t JOIN halls h ON h.id = t.hall
    WHERE t.hall = $1 AND t.day >= business_day(hall_now(), h.time_zone, h.day_starts) - $2::integer
    GROUP BY t.services[1], date_trunc('hour', t.joined_at)) hours
GROUP BY service
"""


async def peaks(db: Db, hall: int) -> dict[str, int]:
    """Tickets taken of each service in its busiest hour of the last 14 days."""
    return {row["service"]: row["peak"] for row in await db.fetch(PEAKS, hall, PEAK_DAYS)}


# What a dispenser holds is renewed while it is heard, and added to when half of it is used. Its counter's row decides:
# numbers that the hall itself has given out already are never lent, and from then on the hall steps over those lent.
GRANT = f"""
WITH today AS (
    SELECT h.id AS hall, h.offline_minutes AS minutes, business_day(hall_now(), h.time_zone, h.day_starts) AS day
    FROM halls h WHERE h.id = $1 AND h.offline_minutes > 0
), door AS (
    SELECT t.hall, t.day, t.minutes, d.service, s.prefix, d.opens,
           least(greatest(hall_now(), d.opens) + make_interval(mins => t.minutes), d.last_ticket) AS until,
           least({MOST}, greatest({FEWEST}, ceil(coalesce(p.peak, 0) * t.minutes / 60.0)))::integer AS size
    FROM today t JOIN doors d ON d.hall = t.hall AND d.day = t.day JOIN services s ON s.hall = t.hall AND s.code = d.service
    LEFT JOIN unnest($5::text[], $6::integer[]) AS p (service, peak) ON p.service = d.service
    WHERE hall_now() < d.last_ticket AND coalesce(d.left_places, 1) > 0 AND d.audience = 'all' AND s.real_name <> 'required'
), mine AS (
    SELECT l.id, l.service, l.until, l.last - coalesce(
        (SELECT max(o.number) FROM offline_tickets o WHERE o.device = l.device AND o.lease = 'ls_' || l.id
            AND o.number BETWEEN l.first AND l.last), l.first - 1) AS unused
    FROM leases l JOIN today t ON t.hall = l.hall AND t.day = l.day WHERE l.device = $2 AND l.granted_at >= $4
), renewed AS (
    UPDATE leases l SET until = d.until, opens = d.opens FROM mine m JOIN door d USING (service)
    WHERE l.id = m.id
      AND (d.until < m.until OR d.until - m.until >= least(interval '5 min', make_interval(mins => d.minutes) / 8))
), short AS (
    SELECT d.* FROM door d
    WHERE coalesce((SELECT sum(m.unused) FROM mine m WHERE m.service = d.service), 0) * 2 < d.size
), lent AS (
    INSERT INTO numbers AS n (hall, day, prefix, newest, away_from, away_to)
    SELECT DISTINCT hall, day, prefix, 0, $3::integer, $3 + {RANGE} - 1 FROM short ORDER BY prefix
    ON CONFLICT (hall, day, prefix) DO UPDATE
        SET away_from = least(n.away_from, excluded.away_from), away_to = greatest(n.away_to, excluded.away_to)
        WHERE n.newest < excluded.away_from OR excluded.away_from >= n.away_from AND excluded.away_to <= n.away_to
    RETURNING n.prefix
), laid AS (
    SELECT s.*, coalesce((SELECT max(l.last) + 1 FROM leases l WHERE l.hall = s.hall AND l.day = s.day
               AND l.prefix = s.prefix AND l.first BETWEEN $3 AND $3 + {RANGE} - 1), $3)
           + sum(s.size) OVER (PARTITION BY s.prefix ORDER BY s.service) - s.size AS first
    FROM short s JOIN lent USING (prefix)
)
INSERT INTO leases (hall, day, service, prefix, device, first, last, opens, until)
SELECT hall, day, service, prefix, $2, first, least(first + size, $3 + {RANGE}) - 1, opens, until
FROM laid WHERE first < $3 + {RANGE}
"""


async def grant(db: Db, hall: int, device: str, first: int, since: datetime, peaks: Mapping[str, int]) -> None:
    """Lend a dispenser what it needs to go on alone, of its thousand numbers from `first` on.

    `since` is when the box was paired: what an earlier box held may have been printed, so it is not lent again.
    """
    await retried(lambda: db.execute(GRANT, hall, device, first, since, list(peaks), list(peaks.values())))


@dataclass(frozen=True, slots=True)
class Lease:
    """Numbers `first` to `last` of a service for one device and day, between `opens` and `until`; the rest is for the paper."""

    id: int
    service: str
    day: date
    first: int
    last: int
    opens: datetime
    until: datetime
    prefix: str
    name: str
    name_hant: str | None
    name_en: str | None
    zone_name: str
    hall_code: str
    hall_name: str
    ticket_line: str
    utc_offset_s: int

    @property
    def lease_id(self) -> str:
        return f"ls_{self.id}"


LEASES = """
SELECT l.id, l.service, l.day, l.first, l.last, l.opens, l.until, l.prefix, s.name, s.name_hant, s.name_en, z.name AS zone_name,
       h.code AS hall_code, h.name AS hall_name, h.ticket_line,
       extract(epoch FROM (hall_now() AT TIME ZONE h.time_zone) - (hall_now() AT TIME ZONE 'UTC'))::integer AS utc_offset_s
FROM leases l JOIN halls h ON h.id = l.hall JOIN services s ON s.hall = l.hall AND s.code = l.service
JOIN zones z ON z.hall = s.hall AND z.code = s.zone
WHERE l.device = $1 AND l.hall = $2 AND l.granted_at >= $3 AND l.until > hall_now()
  AND l.day = business_day(hall_now(), h.time_zone, h.day_starts)
ORDER BY s.rank, l.service, l.first
"""


async def leases(db: Db, hall: int, device: str, since: datetime) -> list[Lease]:
    """What a device holds now, in the order in which it is to use it."""
    return [Lease(**row) for row in await db.fetch(LEASES, device, hall, since)]


async def issued(db: Db, device: str) -> int:
    """The newest offline ticket that the hall has of a device; 0 without any."""
    newest: int = await db.fetchval("SELECT coalesce(max(seq), 0) FROM offline_tickets WHERE device = $1", device)
    return newest


@dataclass(frozen=True, slots=True)
class Issued:
    """A ticket given out alone. `at` is by the dispenser's clock, `offset` what that clock was found to lack of the hall's."""

    seq: int
    lease: str
    number: int
    at: datetime
    up_ms: int
    offset: timedelta
    key: str | None
    lang: str


# Whoever was given a number while the hall was away has waited since then: not before the lease was granted, not after now.
ACCEPT = recorded(
    """
WITH lease AS (
    SELECT l.*, least(greatest($8::timestamptz, l.granted_at), hall_clock()) AS joined_at FROM leases l
    WHERE l.id = $5 AND l.hall = $1 AND l.device = $6 AND $7::bigint BETWEEN l.first AND l.last
      AND $8 <= l.until + $14::interval
), place AS (
    UPDATE doors d SET left_places = left_places - 1 FROM lease l
    WHERE d.hall = l.hall AND d.day = l.day AND d.service = l.service AND d.left_places > 0
), moved AS (
    INSERT INTO tickets (key, hall, day, number, services, service, channel, lang, joined_at, rank_at, lane)
    SELECT $9, l.hall, l.day, l.prefix || $7, ARRAY[l.service], l.service, 'offline', $10, l.joined_at, l.joined_at,
           CASE WHEN s.quick THEN 2 ELSE 0 END
    FROM lease l JOIN services s ON s.hall = l.hall AND s.code = l.service
    RETURNING *
), noted AS (
    INSERT INTO offline_tickets (hall, device, seq, lease, number, day, service, printed, at, joined_at, up_ms, ticket)
    SELECT m.hall, $6, $11, $15, $7, m.day, m.service, m.number, $12, m.joined_at, $13, m.id FROM moved m
)""",
    "'ticket.taken'",
    told(
        """'services', m.services, 'lang', m.lang, 'channel', m.channel, 'print_at', NULL, 'credit', m.credit,
        'joined_at', m.joined_at, 'seq', $11::bigint"""
    ),
)


def row_of(lease: str) -> int | None:
    """The row of `ls_7`; None for what no lease is called."""
    digits = lease.removeprefix("ls_")
    return int(digits) if lease.startswith("ls_") and digits.isascii() and digits.isdigit() and len(digits) < 19 else None


KNOWN = "SELECT (lease, number) = ($3, $4) AS same FROM offline_tickets WHERE device = $1 AND seq = $2 ORDER BY 1 DESC LIMIT 1"
LENT = "SELECT $3 BETWEEN first AND last FROM leases WHERE id = $1 AND device = $2 AND hall = $4"


async def accept(db: Db, hall: int, device: str, ticket: Issued) -> bool:
    """Take in a ticket that a dispenser gave out alone; a repeat changes nothing. False for one that is new and disputed.

    It is never refused: a citizen holds it. What doesn't fit its lease is kept for a person to decide.
    """
    by_hall = ticket.at + ticket.offset
    key = ticket.key or secrets.token_urlsafe(16)
    asked = (hall, f"device:{device}", None, None, row_of(ticket.lease), device, ticket.number, by_hall, key, ticket.lang,
             ticket.seq, ticket.at, ticket.up_ms, GRACE, ticket.lease)  # fmt: skip
    try:
        with named():
            if await retried(lambda: db.fetchrow(ACCEPT, *asked)) is not None:
                return True
        reason = await why_disputed(db, hall, device, ticket)
    except (NumberTaken, OfflineKnown):
        same = await db.fetchval(KNOWN, device, ticket.seq, ticket.lease, ticket.number)
        if same:
            return True
        reason = "number_taken" if same is None else "seq_reused"
    return not await dispute(db, hall, device, ticket, by_hall, reason)


async def why_disputed(db: Db, hall: int, device: str, ticket: Issued) -> str:
    inside = await db.fetchval(LENT, row_of(ticket.lease), device, ticket.number, hall)
    return "unknown_lease" if inside is None else "after_deadline" if inside else "outside_lease"


DISPUTE = recorded(
    """
WITH moved AS (
    INSERT INTO offline_tickets AS o (hall, device, seq, lease, number, day, service, printed, at, joined_at, up_ms, disputed)
    SELECT h.id, $6, $8, $13, $7, coalesce(l.day, business_day($9, h.time_zone, h.day_starts)), l.service,
           coalesce(l.prefix, '') || $7::bigint, $10, least($9, hall_clock()), $11, $12
    FROM halls h LEFT JOIN leases l ON l.id = $5 AND l.hall = h.id WHERE h.id = $1
    ON CONFLICT DO NOTHING RETURNING *
)""",
    "'ticket.disputed'",
    "jsonb_strip_nulls(jsonb_build_object('ticket', m.printed, 'service', m.service, 'seq', m.seq, 'reason', m.disputed))",
    ticket="NULL::bigint",
    window="NULL::text",
)


async def dispute(db: Db, hall: int, device: str, ticket: Issued, by_hall: datetime, reason: str) -> bool:
    """Keep a ticket that fits no lease; whether it is new."""
    asked = (hall, f"device:{device}", None, None, row_of(ticket.lease), device, ticket.number, ticket.seq, by_hall, ticket.at,
             ticket.up_ms, reason, ticket.lease)  # fmt: skip
    return await db.fetchrow(DISPUTE, *asked) is not None


@dataclass(frozen=True, slots=True)
class Disputed:
    """A ticket somebody holds and no queue knows: why, and since when."""

    id: int
    device: str
    printed: str
    service: str | None
    reason: str
    joined_at: datetime
    received_at: datetime
    today: bool  # of this business day: only then may it still join the queue


DISPUTES = """
SELECT o.id, o.device, o.printed, o.service, o.disputed AS reason, o.joined_at, o.received_at,
       o.day = business_day(hall_now(), h.time_zone, h.day_starts) AS today
FROM offline_tickets o JOIN halls h ON h.id = o.hall
WHERE o.hall = $1 AND o.disputed IS NOT NULL AND o.settled_at IS NULL ORDER BY o.received_at, o.id
"""


async def disputes(db: Db, hall: int) -> list[Disputed]:
    """The disputed tickets that nobody has seen to yet, oldest first."""
    return [Disputed(**row) for row in await db.fetch(DISPUTES, hall)]


# What somebody decides about a disputed ticket: it joins the queue where it would have stood, or is seen to otherwise.
ADMIT = recorded(
    """
WITH moved AS (
    INSERT INTO tickets (key, hall, day, number, services, service, channel, joined_at, rank_at, lane)
    SELECT $6, o.hall, o.day, o.printed, ARRAY[o.service], o.service, 'offline', o.joined_at, o.joined_at,
           CASE WHEN s.quick THEN 2 ELSE 0 END
    FROM offline_tickets o JOIN halls h ON h.id = o.hall JOIN services s ON s.hall = o.hall AND s.code = o.service
    WHERE o.id = $5 AND o.hall = $1 AND o.service IS NOT NULL AND o.disputed IS NOT NULL AND o.settled_at IS NULL
      AND o.day = business_day(hall_now(), h.time_zone, h.day_starts)
    RETURNING *
), settled AS (
    UPDATE offline_tickets o SET settled_at = hall_now(), settled_by = $2, ticket = m.id FROM moved m WHERE o.id = $5
)""",
    "'ticket.taken'",
    told(
        """'services', m.services, 'lang', m.lang, 'channel', m.channel, 'print_at', NULL, 'credit', m.credit,
        'joined_at', m.joined_at"""
    ),
)
DISMISS = recorded(
    """
WITH moved AS (
    UPDATE offline_tickets o SET settled_at = hall_now(), settled_by = $2
    WHERE o.id = $5 AND o.hall = $1 AND o.disputed IS NOT NULL AND o.settled_at IS NULL RETURNING o.*
)""",
    "'ticket.dispute_settled'",
    "jsonb_strip_nulls(jsonb_build_object('ticket', m.printed, 'service', m.service, 'seq', m.seq, 'reason', m.disputed))",
    ticket="NULL::bigint",
    window="NULL::text",
)


DISPUTED_SERVICE = "SELECT service FROM offline_tickets WHERE hall = $1 AND id = $2"


async def disputed_service(db: Db, hall: int, dispute: int) -> str | None:
    """The service a disputed ticket is for, where that is known."""
    service: str | None = await db.fetchval(DISPUTED_SERVICE, hall, dispute)
    return service


async def settle(db: Db, hall: int, dispute: int, *, admit: bool, actor: str) -> None:
    """Let the holder of a disputed ticket join the queue, or note that a person has seen to it. Repeated, it does nothing.

    NumberInUse when another ticket of that day has the number: the desk gives its holder a new one.
    """
    asked = (hall, actor, None, None, dispute)
    try:
        with named():
            await (db.fetchrow(ADMIT, *asked, secrets.token_urlsafe(16)) if admit else db.fetchrow(DISMISS, *asked))
    except NumberTaken as taken:
        raise NumberInUse() from taken
