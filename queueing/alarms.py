"""What somebody should look at on the floor: a long wait, a long visit, a window that sits or is left, people nobody serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from queueing import journal
from queueing.db import Db
from queueing.errors import NotFound
from queueing.halls import Hall
from queueing.settings import Setting
from queueing.windows import REACHED

LONG_WAIT = Setting("alarm_wait_min", 30, 0, 600, "minutes")  # somebody has waited so long; 0 of each: this alarm is off
LONG_SERVICE = Setting("alarm_service_min", 30, 0, 600, "minutes")  # a visit has taken so long
IDLE = Setting("alarm_idle_min", 3, 0, 120, "minutes")  # a window calls nobody while people wait whom it could serve
PAUSED = Setting("alarm_paused_min", 20, 0, 240, "minutes")  # a window has been paused so long
LEFT = Setting("alarm_left_min", 3, 0, 120, "minutes")  # an open window whose clerk is signed in nowhere
NO_WINDOW = Setting("alarm_no_window_min", 3, 0, 120, "minutes")  # people wait, or may take a number, and no window is open
SETTINGS = (LONG_WAIT, LONG_SERVICE, IDLE, PAUSED, LEFT, NO_WINDOW)
KINDS = ("no_window", "left", "idle", "long_wait", "long_service")  # the most pressing first


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something is so since `since`: of a service, one matter of it, or a window, in a zone. `people` wait there, the first
    since `longest`."""

    id: int
    kind: str
    service: str | None
    matter: str | None
    window: str | None
    zone: str | None
    since: datetime
    seen_by: str | None
    people: int
    longest: datetime | None


MATTER = "substring({}.subject FROM '^matter:(.*)$')"  # the one that has no window; a service is named by its column

# `wanted` is all that is so now, with the minutes it may be so before anybody is told; where nothing tells since when, it is
# since now. One known and not wanted any more is cleared, or was never told; one that lasts is raised. The record has both.
# A visit or a break that began later than the one that is known is another one, however short the time between the two was.
SWEEP = f"""
WITH hall AS (
    SELECT id, hall_now() AS now, business_day(hall_now(), time_zone, day_starts) AS day FROM halls WHERE id = $1
), queued AS (
    SELECT t.* FROM hall JOIN tickets t ON t.hall = hall.id AND t.day = hall.day AND t.state = 'waiting' AND t.for_window IS NULL
    UNION ALL
    SELECT t.* FROM hall JOIN tickets t ON t.hall = hall.id AND t.day = hall.day
    WHERE t.state = 'waiting' AND t.for_window IS NOT NULL
), at_work AS (
    SELECT w.*, t.state AS has, t.served_at, greatest(t.called_at, t.served_at) AS acted FROM windows w
    LEFT JOIN tickets t ON t.hall = w.hall AND t.window_no = w.no AND t.state IN ('called', 'serving')
    WHERE w.hall = $1 AND w.state <> 'closed'
), staffed AS MATERIALIZED (
    SELECT DISTINCT unnest(services || helping) AS code FROM at_work
), lost AS MATERIALIZED (  -- a service has windows, but this matter of it is for others, who are not there
    SELECT t.id, t.service, m.code FROM queued t CROSS JOIN LATERAL unnest(t.matters) m (code)
    WHERE t.fenced AND t.for_window IS NULL AND t.service IN (SELECT code FROM staffed) AND NOT {REACHED}
        AND NOT EXISTS (SELECT FROM at_work w WHERE t.service = ANY(w.services || w.helping)
                        AND may_serve(t.hall, ARRAY[m.code], w.no, w.clerk))
), wanted AS (
    SELECT 'long_wait' AS kind, 'service:' || service AS subject, service, NULL::text AS window_no, min(joined_at) AS since,
           $2::integer AS minutes
    FROM queued GROUP BY service
    UNION ALL
    SELECT 'long_service', 'window:' || no, NULL, no, served_at, $3::integer FROM at_work WHERE has = 'serving'
    UNION ALL
    SELECT 'idle', 'window:' || w.no, NULL, w.no, NULL::timestamptz, $4::integer FROM at_work w
    WHERE w.state = 'open' AND w.has IS NULL AND EXISTS (
        SELECT FROM queued q WHERE (q.for_window = w.no OR q.for_window IS NULL AND q.service = ANY(w.services))
            AND (NOT q.fenced OR may_serve(q.hall, q.matters, w.no, w.clerk)))
    UNION ALL
    SELECT 'left', 'window:' || no, NULL, no, CASE WHEN state = 'paused' THEN since END,
           CASE WHEN state = 'paused' THEN $5::integer ELSE $6::integer END
    FROM at_work, hall WHERE state = 'paused' AND NOT clerk = ANY($8::text[])
        OR clerk = ANY($8) AND coalesce(acted, since) < hall.now - make_interval(mins => greatest($6::integer, 1))
    UNION ALL
    SELECT 'no_window', 'service:' || x.service, x.service, NULL, NULL::timestamptz, $7::integer FROM (
        SELECT t.service FROM queued t
        WHERE (t.fenced OR t.for_window IS NOT NULL OR t.service NOT IN (SELECT code FROM staffed)) AND NOT {REACHED}
            AND t.id NOT IN (SELECT id FROM lost)
        UNION
        SELECT d.service FROM hall JOIN doors d ON d.hall = hall.id AND d.day = hall.day
        WHERE d.audience = 'all' AND hall.now >= d.opens AND hall.now < d.last_ticket AND coalesce(d.left_places, 1) > 0
            AND d.service NOT IN (SELECT code FROM staffed)
    ) x
    UNION ALL
    SELECT DISTINCT 'no_window', 'matter:' || code, service, NULL, NULL::timestamptz, $7::integer FROM lost
), so AS (
    SELECT w.kind, w.subject, w.service, w.window_no, coalesce(w.since, hall.now) AS since,
           coalesce(CASE WHEN w.window_no IS NOT NULL THEN w.since END, '-infinity') AS began,
           make_interval(mins => w.minutes) AS lasts
    FROM wanted w, hall WHERE w.minutes > 0 AND (w.kind <> 'long_wait' OR w.since <= hall.now - make_interval(mins => w.minutes))
), gone AS (
    DELETE FROM alarms a WHERE a.hall = $1 AND a.raised_at IS NULL
        AND NOT EXISTS (SELECT FROM so WHERE so.kind = a.kind AND so.subject = a.subject AND a.since >= so.began)
), cleared AS (
    UPDATE alarms a SET cleared_at = hall_now() WHERE a.hall = $1 AND a.raised_at IS NOT NULL AND a.cleared_at IS NULL
        AND NOT EXISTS (SELECT FROM so WHERE so.kind = a.kind AND so.subject = a.subject AND a.since >= so.began)
    RETURNING a.*
), formed AS (
    INSERT INTO alarms (hall, kind, subject, service, window_no, since, raised_at)
    SELECT hall.id, so.kind, so.subject, so.service, so.window_no, so.since,
           CASE WHEN so.since + so.lasts <= hall.now THEN hall.now END
    FROM so, hall WHERE NOT EXISTS (
        SELECT FROM alarms a WHERE a.hall = $1 AND a.kind = so.kind AND a.subject = so.subject AND a.cleared_at IS NULL)
    ON CONFLICT (hall, kind, subject) WHERE cleared_at IS NULL DO NOTHING RETURNING *
), ripened AS (
    UPDATE alarms a SET raised_at = hall_now() FROM so
    WHERE a.hall = $1 AND a.kind = so.kind AND a.subject = so.subject AND a.raised_at IS NULL AND a.since + so.lasts <= hall_now()
        AND a.since >= so.began
    RETURNING a.*
), changed AS (
    SELECT 'alarm.cleared' AS verb, 0 AS nth, c.* FROM cleared c UNION ALL SELECT 'alarm.raised', 1, r.* FROM ripened r
    UNION ALL SELECT 'alarm.raised', 1, f.* FROM formed f WHERE f.raised_at IS NOT NULL
), stream AS (
    UPDATE hall_streams SET top = top + (SELECT count(*) FROM changed)
    WHERE hall = $1 AND EXISTS (SELECT FROM changed) RETURNING top
), told AS (
    INSERT INTO journal (hall, "offset", kind, actor, window_no, data)
    SELECT $1, s.top - count(*) OVER () + row_number() OVER (ORDER BY c.nth, c.id), c.verb, 'clock', c.window_no,
           jsonb_strip_nulls(jsonb_build_object('alarm', c.id, 'what', c.kind, 'service', c.service, 'window', c.window_no,
                                                'matter', {MATTER.format("c")}, 'since', c.since))
    FROM changed c, stream s RETURNING 1
)
SELECT count(*) FROM told
"""


async def sweep(db: Db, hall: Hall, signed_out: Sequence[str]) -> int:
    """Raise and clear what is due; how many rows the record got. `signed_out`: clerks who are signed in nowhere.

    It may run as often as one likes and in two programs at once: an alarm stands once, and is told once.
    """
    minutes = [hall.value(setting) for setting in SETTINGS]
    told: int = await db.fetchval(SWEEP, hall.id, *minutes, list(signed_out))
    return told


STANDING = f"""
SELECT a.id, a.kind, a.service, {MATTER.format("a")} AS matter, a.window_no AS "window",
       coalesce(w.zone, s.zone) AS zone, a.since, a.seen_by,
       coalesce(q.people, 0)::int AS people, q.longest
FROM alarms a LEFT JOIN windows w ON (w.hall, w.no) = (a.hall, a.window_no)
LEFT JOIN services s ON (s.hall, s.code) = (a.hall, a.service) LEFT JOIN LATERAL (
    SELECT count(*) AS people, min(t.joined_at) AS longest FROM tickets t JOIN halls h ON h.id = t.hall
    WHERE t.hall = a.hall AND t.day = business_day(hall_now(), h.time_zone, h.day_starts) AND t.service = a.service
      AND t.state = 'waiting' AND (a.subject NOT LIKE 'matter:%' OR {MATTER.format("a")} = ANY(t.matters))
) q ON a.service IS NOT NULL
WHERE a.hall = $1 AND a.raised_at IS NOT NULL AND a.cleared_at IS NULL ORDER BY array_position($2, a.kind), a.since, a.id
"""


async def standing(db: Db, hall: Hall) -> list[Alarm]:
    """What is wrong now, the most pressing kind first and in each kind the oldest."""
    return [Alarm(**row) for row in await db.fetch(STANDING, hall.id, list(KINDS))]


SEE = """
UPDATE alarms SET seen_at = hall_now(), seen_by = $3 WHERE hall = $1 AND id = $2 AND cleared_at IS NULL AND seen_at IS NULL
RETURNING kind, service, window_no
"""
KNOWN = "SELECT EXISTS (SELECT FROM alarms WHERE hall = $1 AND id = $2 AND raised_at IS NOT NULL)"


async def see(db: Db, hall: Hall, alarm: int, *, actor: str) -> bool:
    """Somebody takes care of it; whether that is new. NotFound."""
    async with db.transaction():
        row = await db.fetchrow(SEE, hall.id, alarm, actor)
        if row is None:
            if not await db.fetchval(KNOWN, hall.id, alarm):
                raise NotFound(what="alarm")
            return False
        told = {"alarm": alarm, "what": row["kind"], "service": row["service"], "window": row["window_no"]}
        kept = {name: value for name, value in told.items() if value is not None}
        await journal.append(db, hall.id, "alarm.seen", actor, data=kept, window=row["window_no"])
    return True


FORGET = "DELETE FROM alarms WHERE hall = $1 AND cleared_at < hall_now() - interval '90 days'"


async def forget(db: Db, hall: Hall) -> None:
    """Alarms of last season go; the record keeps that they were."""
    await db.execute(FORGET, hall.id)
