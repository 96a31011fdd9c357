"""The roll of the business day: what still lives of a day that is over ends here, and the record says how it stood."""

from queueing.db import Db
from queueing.tickets import LIVE, TODAY, told

# The rows are numbered within one move of the stream. Each arm of `left_over` is one partial index, so that ten million
# finished tickets cost nothing. Why: nobody served them, they were called and did not come, they were on hold, or a window
# had them and nobody said what came of it.
LEFT_OVER = f"""
WITH today AS MATERIALIZED (SELECT {TODAY} AS day), left_over AS (
    SELECT id, state FROM tickets
    WHERE hall = $1 AND day < (SELECT day FROM today) AND state = 'waiting' AND for_window IS NULL
    UNION ALL
    SELECT id, state FROM tickets
    WHERE hall = $1 AND day < (SELECT day FROM today) AND state = 'waiting' AND for_window IS NOT NULL
    UNION ALL
    SELECT id, state FROM tickets WHERE hall = $1 AND day < (SELECT day FROM today) AND state IN ('called', 'serving')
    UNION ALL
    SELECT id, state FROM tickets WHERE hall = $1 AND day < (SELECT day FROM today) AND state IN ('held', 'missed')
)"""
EXPIRE = f"""{LEFT_OVER}, gone AS (
    UPDATE tickets t SET state = 'expired', ended_at = hall_now() FROM left_over
    WHERE t.id = left_over.id AND t.state IN {LIVE!r} RETURNING t.*, left_over.state AS was
), stream AS (
    UPDATE hall_streams SET top = top + (SELECT count(*) FROM gone)
    WHERE hall = $1 AND (SELECT count(*) FROM gone) > 0 RETURNING top
), told AS (
    INSERT INTO journal (hall, "offset", kind, actor, cause, ticket, window_no, data)
    SELECT m.hall, s.top - count(*) OVER () + row_number() OVER (ORDER BY m.id), 'ticket.expired', $2, 'day roll',
           m.id, m.window_no, {
    told(
        "'why', CASE m.was WHEN 'waiting' THEN 'not_served' WHEN 'missed' THEN 'did_not_come' "
        "WHEN 'held' THEN 'on_hold' ELSE 'at_window' END"
    )
}
    FROM gone m, stream s RETURNING 1
)
SELECT count(*) FROM told
"""


HOLD = f"{LEFT_OVER} SELECT id FROM tickets WHERE id IN (SELECT id FROM left_over) FOR NO KEY UPDATE"


async def hold_day(db: Db, hall: int) -> None:
    """Lock what is to end, for who writes down more of it first: nobody who holds the record waits for a ticket."""
    await db.execute(HOLD, hall)


async def expire_day(db: Db, hall: int, *, actor: str = "clock") -> int:
    """End every live ticket of a past business day; how many. Running it again, or twice at once, ends nothing twice."""
    count: int = await db.fetchval(EXPIRE, hall, actor)
    return count
