"""A ticket put aside: how it comes back into line, and who is told when its time is over."""

from queueing.db import Db, Press, recorded
from queueing.halls import Hall
from queueing.settings import AWAITED_BACK, WITH_PAPERS_BACK, WITHOUT_PAPERS_BACK
from queueing.tickets import TODAY, Act, of_key, told
from queueing.visits import AND_CLERK

# Back into line by the rule of its kind of hold. A window that has closed since holds nobody: the front of the line then.
RELEASE = recorded(
    f"""
WITH held AS (
    SELECT t.id, t.window_no, CASE WHEN back = 'window' AND NOT EXISTS (
        SELECT FROM windows w WHERE w.hall = t.hall AND w.no = t.window_no AND w.state <> 'closed')
        THEN 'front' ELSE back END AS back
    FROM tickets t, LATERAL (
        SELECT CASE t.hold WHEN 'with_papers' THEN $6::text WHEN 'without_papers' THEN $7 ELSE $8 END AS back) kind
    WHERE t.hall = $1 AND t.key = $5 AND t.state = 'held'
), head AS (
    SELECT min(q.rank_at) AS rank_at FROM held JOIN tickets t ON t.id = held.id JOIN tickets q ON q.hall = t.hall
        AND q.day = t.day AND q.state = 'waiting' AND (q.service = t.service OR q.for_window = held.window_no)
), moved AS (
    UPDATE tickets t SET state = 'waiting', calls = 0, served_at = NULL, hold = NULL,
        served_by = CASE WHEN t.served_at IS NULL THEN t.served_by ELSE {AND_CLERK} END,
        for_window = CASE held.back WHEN 'window' THEN held.window_no END,
        rank_at = CASE held.back WHEN 'keep' THEN t.rank_at WHEN 'back' THEN hall_clock()
            ELSE least(t.rank_at, (SELECT rank_at FROM head) - interval '1 microsecond') END,
        placed = CASE held.back WHEN 'keep' THEN t.placed WHEN 'back' THEN 'back' ELSE 'front' END
    FROM held WHERE t.id = held.id AND t.state = 'held' RETURNING t.*, held.back
)""",
    "'ticket.released'",
    told("'position', CASE WHEN m.back = 'window' THEN 'front' ELSE m.back END"),
)


async def release(db: Db, hall: Hall, key: str, *, actor: str, press: Press | None = None) -> Act:
    """Send a held ticket back into line, by the rule the hall has for its kind of hold."""
    back = [hall.value(rule) for rule in (WITH_PAPERS_BACK, WITHOUT_PAPERS_BACK, AWAITED_BACK)]
    return await of_key(db, RELEASE, hall, key, actor, press, *back)


OVERDUE = f"""
WITH late AS (
    UPDATE tickets t SET hold_told = true
    WHERE t.hall = $1 AND t.day = {TODAY} AND t.state = 'held' AND NOT t.hold_told AND t.hold_due <= hall_now() RETURNING t.*
), stream AS (
    UPDATE hall_streams SET top = top + (SELECT count(*) FROM late)
    WHERE hall = $1 AND (SELECT count(*) FROM late) > 0 RETURNING top
), told AS (
    INSERT INTO journal (hall, "offset", kind, actor, cause, ticket, window_no, data)
    SELECT m.hall, s.top - count(*) OVER () + row_number() OVER (ORDER BY m.id), 'ticket.overdue', $2, 'hold clock',
           m.id, m.window_no, {told("'hold', m.hold, 'due', m.hold_due")}
    FROM late m, stream s RETURNING 1
)
SELECT count(*) FROM told
"""


async def tell_overdue(db: Db, hall: int, *, actor: str = "clock") -> int:
    """Say once of each held ticket that its time is over; how many. It stays held until somebody acts."""
    count: int = await db.fetchval(OVERDUE, hall, actor)
    return count
