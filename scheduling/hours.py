"""The doors of each service on the days to come: when they open, give the last ticket and close, by the kind of day."""

from datetime import date, timedelta

from queueing.db import Db, changed
from queueing.halls import Hall, business_day
from scheduling.days import calendar

AHEAD = 1  # doors are made for today and so many days on

# A business day runs from the hall's own hour to the same hour of the next date, so a clock time before that hour
# belongs to the date that follows. A hall that is always open has its doors open from roll to roll.
DOORS = """
WITH hall AS (
    SELECT id, time_zone, day_starts, always_open FROM halls WHERE id = $1
), asked AS (
    SELECT a.day, a.day_type FROM unnest($2::date[], $3::text[]) AS a(day, day_type)
), sessions AS (
    SELECT a.day, a.day_type, x.session, x.opens, x.last_ticket, x.closes,
           CASE WHEN t.walk_in THEN x.audience ELSE 'booked' END AS audience, t.accept_only, t.drain,
           t.last_ticket = 'capacity' AS by_capacity
    FROM asked a JOIN hall h ON NOT h.always_open JOIN day_types t ON t.hall = h.id AND t.code = a.day_type
    JOIN day_sessions x ON (x.hall, x.day_type) = (t.hall, t.code)
    UNION ALL
    SELECT a.day, NULL, 1, h.day_starts, h.day_starts, h.day_starts, 'all', false, true, false
    FROM asked a JOIN hall h ON h.always_open
), wanted AS (
    SELECT h.id AS hall, x.day, s.code AS service, x.session, x.audience, x.accept_only, x.drain, x.by_capacity, s.quota,
           (SELECT array_agg(m.code ORDER BY m.code) FROM day_matters d JOIN matters m ON (m.hall, m.code) = (d.hall, d.matter)
            WHERE (d.hall, d.day_type) = (h.id, x.day_type) AND m.service = s.code) AS matters,
           (x.day + since(h.day_starts, x.opens) + h.day_starts) AT TIME ZONE h.time_zone AS opens,
           (x.day + since(h.day_starts, x.last_ticket) + h.day_starts + overnight) AT TIME ZONE h.time_zone AS last_ticket,
           (x.day + since(h.day_starts, x.closes) + h.day_starts + overnight) AT TIME ZONE h.time_zone AS closes
    FROM sessions x JOIN hall h ON true JOIN services s ON s.hall = h.id,
    LATERAL (SELECT CASE WHEN h.always_open THEN interval '1 day' ELSE interval '0' END AS overnight) o
    WHERE NOT EXISTS (SELECT FROM day_services d WHERE d.hall = h.id AND d.day_type = x.day_type)
       OR EXISTS (SELECT FROM day_services d WHERE d.hall = h.id AND d.day_type = x.day_type AND d.service = s.code)
)"""
OPEN = (
    DOORS
    + """
INSERT INTO doors (hall, day, service, session, audience, accept_only, drain, by_capacity, opens, last_ticket, closes, matters,
                   left_places)
SELECT hall, day, service, session, audience, accept_only, drain, by_capacity, opens, last_ticket, closes, matters, quota
FROM wanted
ON CONFLICT DO NOTHING
"""
)
# After a change doors follow it. Places taken stay taken, and a day of which a ticket was issued keeps its past.
REHANG = (
    DOORS
    + """
, gone AS (
    DELETE FROM doors d USING asked a WHERE d.hall = $1 AND d.day = a.day AND NOT EXISTS (
        SELECT FROM wanted w WHERE (w.day, w.service, w.session) = (d.day, d.service, d.session)) RETURNING 1
), hung AS (
    INSERT INTO doors AS d (hall, day, service, session, audience, accept_only, drain, by_capacity, opens, last_ticket, closes,
                            matters, left_places)
    SELECT hall, day, service, session, audience, accept_only, drain, by_capacity, opens, last_ticket, closes, matters,
           coalesce((SELECT min(o.left_places) FROM doors o WHERE (o.hall, o.day, o.service) = (w.hall, w.day, w.service)), quota)
    FROM wanted w
    ON CONFLICT (hall, day, service, session) DO UPDATE SET audience = excluded.audience, accept_only = excluded.accept_only,
        drain = excluded.drain, by_capacity = excluded.by_capacity, opens = excluded.opens, last_ticket = excluded.last_ticket,
        closes = excluded.closes, matters = excluded.matters, stopped_at = NULL, planned_last = NULL
    WHERE (d.audience, d.accept_only, d.drain, d.by_capacity, d.opens, d.closes) <>
          (excluded.audience, excluded.accept_only, excluded.drain, excluded.by_capacity, excluded.opens, excluded.closes)
       OR d.stopped_at IS NULL AND d.last_ticket <> excluded.last_ticket OR d.matters IS DISTINCT FROM excluded.matters
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM hung)
"""
)


async def open_doors(db: Db, hall: Hall) -> int:
    """Make the doors of today and tomorrow where they are missing; how many were made. One made stays as it is."""
    days, types = await due(db, hall)
    return changed(await db.execute(OPEN, hall.id, days, types))


async def rehang_doors(db: Db, hall: Hall) -> int:
    """After hours or the calendar were changed: let today's and tomorrow's doors follow; how many moved."""
    days, types = await due(db, hall)
    moved: int = await db.fetchval(REHANG, hall.id, days, types)
    return moved


async def due(db: Db, hall: Hall) -> tuple[list[date], list[str]]:
    """The days whose doors are due, and the kind of each."""
    today, known = await business_day(db, hall), await calendar(db, hall)
    days = [today + timedelta(ahead) for ahead in range(AHEAD + 1)]
    return days, [known.day_type(day) for day in days]
