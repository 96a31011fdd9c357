"""What is measured of a hall, read from its tickets: visits, arrivals and no-shows of today, and of the days before."""

from datetime import date, datetime

from queueing.arrivals import Came, expect
from queueing.db import Db
from queueing.floors import Measures
from queueing.paces import BINS, FIRST_S, STEP, Count, habits, learn

HALF_LIFE_DAYS = 10  # a past day counts half after as many days, and one of another weekday's kind counts a quarter
REMEMBERED_DAYS = 60

# The visits of one day, counted. A length far from its service's middle (a click too late, a ticket held over lunch) counts
# as 4.5 times as long or short. Walking is counted where a clerk said that somebody arrived; a gap between two visits of a
# window where the next one was waiting already, a clerk's reaction where somebody came to a window that was free.
BIN = f"""greatest(0, least({BINS - 1}, floor((ln(greatest({{}}, {FIRST_S})) - ln({FIRST_S})) / ln({STEP}::float))))::int::text"""
COUNTS = f"""
WITH mine AS MATERIALIZED (
    SELECT service, coalesce(clerk, '') AS clerk, window_no, matters[1] AS matter, joined_at, called_at, served_at, ended_at,
           state, coalesce(placed, '') AS placed,
           served_at IS NULL AND state IN ('missed', 'expired', 'cancelled') AS lost,
           extract(epoch FROM ended_at - served_at)::float AS seconds,
           extract(epoch FROM served_at - called_at)::float AS walked,
           extract(hour FROM served_at AT TIME ZONE $3)::int AS hour
    FROM tickets WHERE hall = $1 AND day = $2 AND call_no > 0
), visit AS (
    SELECT *, ln(greatest(seconds, {FIRST_S})) AS length FROM mine
    WHERE state = 'finished' AND served_at IS NOT NULL AND seconds > 0
), middle AS (
    SELECT service, percentile_cont(0.5) WITHIN GROUP (ORDER BY length) AS length FROM visit GROUP BY service
), gap AS (
    SELECT extract(epoch FROM called_at - greatest(joined_at, lag(ended_at) OVER w))::float AS seconds,
           CASE WHEN joined_at < lag(ended_at) OVER w THEN 'gap' ELSE 'react' END AS kind
    FROM visit WINDOW w AS (PARTITION BY window_no, clerk ORDER BY called_at)
), counted AS (
    SELECT v.service, key.kind, key.key, count(*) AS n,
           coalesce(sum(greatest(m.length - 1.5, least(m.length + 1.5, v.length))) FILTER (WHERE key.kind <> 'bin'), 0) AS log_sum
    FROM visit v JOIN middle m USING (service), LATERAL (VALUES
        ('all', ''), ('clerk', v.clerk), ('hour', v.hour::text), ('matter', v.matter), ('bin', {BIN.format("v.seconds")})
    ) AS key (kind, key)
    WHERE key.key IS NOT NULL GROUP BY 1, 2, 3
    UNION ALL
    SELECT service, 'absent', '', count(*), 0 FROM mine WHERE lost OR placed = 'returned' GROUP BY service
    UNION ALL
    SELECT '', CASE WHEN placed = 'returned' THEN 'returned' ELSE 'missed' END, '', count(*), 0 FROM mine
    WHERE lost OR placed = 'returned' GROUP BY 2
    UNION ALL
    SELECT '', 'walk', {BIN.format("walked")}, count(*), 0 FROM visit WHERE walked > 1 GROUP BY 3
    UNION ALL
    SELECT '', kind, {BIN.format("seconds")}, count(*), 0 FROM gap
    WHERE seconds > 0 AND (kind = 'gap' OR seconds < 60) GROUP BY 2, 3
)
SELECT service, kind, key, n::float, log_sum::float FROM counted
"""
PAST_COUNTS = f"""
SELECT service, kind, key, sum(n * 0.5 ^ (($2 - day) / {HALF_LIFE_DAYS}.0))::float AS n,
       sum(log_sum * 0.5 ^ (($2 - day) / {HALF_LIFE_DAYS}.0))::float AS log_sum
FROM visit_days WHERE hall = $1 AND day < $2 AND day >= $2 - {REMEMBERED_DAYS} GROUP BY 1, 2, 3
"""

CAME = """
SELECT service, (extract(epoch FROM joined_at - $3) / 900)::int AS quarter, count(*)::float AS people,
       (count(*) FILTER (WHERE rank_at < joined_at))::float AS credit,
       coalesce(sum(extract(epoch FROM joined_at - rank_at)) FILTER (WHERE rank_at < joined_at), 0)::float AS credit_s
FROM tickets WHERE hall = $1 AND day = $2 AND joined_at >= $3 AND joined_at < $3 + interval '1 day' GROUP BY 1, 2
"""
PAST_CAME = f"""
WITH past AS (
    SELECT day, 0.5 ^ (($2 - day) / {HALF_LIFE_DAYS}.0)
           * CASE WHEN extract(isodow FROM day) = extract(isodow FROM $2::date) THEN 1
                  WHEN (extract(isodow FROM day) > 5) = (extract(isodow FROM $2::date) > 5) THEN 0.25 ELSE 0.01 END AS weight
    FROM (SELECT DISTINCT day FROM arrival_days WHERE hall = $1 AND day < $2 AND day >= $2 - {REMEMBERED_DAYS}) d
)
SELECT a.service, a.quarter, (sum(a.people * p.weight) / (SELECT sum(weight) FROM past))::float AS people,
       (sum(a.credit * p.weight) / (SELECT sum(weight) FROM past))::float AS credit,
       (sum(a.credit_s * p.weight) / (SELECT sum(weight) FROM past))::float AS credit_s
FROM arrival_days a JOIN past p USING (day) WHERE a.hall = $1 GROUP BY 1, 2
"""

TODAY = """
SELECT h.time_zone, d.day, ((d.day + h.day_starts) AT TIME ZONE h.time_zone) AS began, hall_now() AS now,
       extract(hour FROM hall_now() AT TIME ZONE h.time_zone)::int AS hour
FROM halls h, LATERAL (SELECT business_day(hall_now(), h.time_zone, h.day_starts) AS day) d WHERE h.id = $1
"""
MATTERS = "SELECT service, name, minutes::float AS minutes FROM matters WHERE hall = $1 AND minutes IS NOT NULL"
PLANNED = "SELECT code, minutes::float AS minutes FROM services WHERE hall = $1 ORDER BY rank, code"


async def measure(db: Db, hall: int) -> Measures:
    """All that is measured of a hall now. It takes some milliseconds of the database's time: ask once a minute."""
    today = await db.fetchrow(TODAY, hall)
    assert today is not None, f"no hall {hall}"
    day: date = today["day"]
    began: datetime = today["began"]
    planned = {row["code"]: row["minutes"] for row in await db.fetch(PLANNED, hall)}
    matters: dict[str, dict[str, float]] = {}
    for row in await db.fetch(MATTERS, hall):
        matters.setdefault(row["service"], {})[row["name"]] = row["minutes"]
    past = [Count(**row) for row in await db.fetch(PAST_COUNTS, hall, day)]
    so_far = [Count(**row) for row in await db.fetch(COUNTS, hall, day, today["time_zone"])]
    usual = [Came(**row) for row in await db.fetch(PAST_CAME, hall, day)]
    came = [Came(**row) for row in await db.fetch(CAME, hall, day, began)]
    return Measures(
        learn(past, so_far, planned, today["hour"], matters), habits(past, so_far), expect(usual, came, began, today["now"])
    )  # fmt: skip


KEEP_COUNTS = (
    "INSERT INTO visit_days (hall, day, service, kind, key, n, log_sum) SELECT $1, $2, c.* FROM ("
    + COUNTS
    + ") c ON CONFLICT DO NOTHING"
)
KEEP_CAME = (
    "INSERT INTO arrival_days (hall, day, service, quarter, people, credit, credit_s) SELECT $1, $2, c.* FROM (" + CAME + ") c "
    "ON CONFLICT DO NOTHING"
)
UNKEPT = """
SELECT DISTINCT d.day, h.time_zone, ((d.day + h.day_starts) AT TIME ZONE h.time_zone) AS began
FROM halls h, LATERAL (SELECT business_day(hall_now(), h.time_zone, h.day_starts) - ago AS day FROM generate_series(1, 7) ago) d
WHERE h.id = $1 AND NOT EXISTS (SELECT FROM arrival_days a WHERE a.hall = h.id AND a.day = d.day)
  AND EXISTS (SELECT FROM tickets t WHERE t.hall = h.id AND t.day = d.day)
"""


async def keep_days(db: Db, hall: int) -> int:
    """Count the days that are over, once each; how many. Those of the last week that were missed are made good."""
    days = await db.fetch(UNKEPT, hall)
    for row in days:
        await db.execute(KEEP_COUNTS, hall, row["day"], row["time_zone"])
        await db.execute(KEEP_CAME, hall, row["day"], row["began"])
    return len(days)
