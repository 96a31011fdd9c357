"""What came of a proposal: the waits of the people it was about, and when the day ended, beside what was promised."""

from datetime import datetime, timedelta
from typing import Any

from queueing.db import Db, Row
from queueing.halls import Hall
from queueing.proposals import unjudged
from queueing.steps import SOON_S

# The same people as were forecast: all who waited then and all who came in the next half hour; each by the first call.
# Who left without one says nothing; who still waits has waited so long at least.
CAME = f"""
WITH asked AS (SELECT $3::timestamptz AS at), mine AS (
    SELECT t.joined_at, t.ended_at, c.at AS called
    FROM asked, tickets t LEFT JOIN LATERAL (
        SELECT min(j.at) AS at FROM journal j WHERE j.ticket = t.id AND j.kind = 'ticket.called') c ON true
    WHERE t.hall = $1 AND t.service = $2 AND t.joined_at < asked.at + interval '{SOON_S} seconds'
      AND t.joined_at > asked.at - interval '12 hours'
      AND (t.joined_at >= asked.at OR coalesce(c.at, t.ended_at, 'infinity') > asked.at)
)
SELECT count(*)::int AS people, (count(*) FILTER (WHERE called IS NULL))::int AS waiting,
       percentile_disc(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM coalesce(called, hall_now()) - joined_at))::int AS p90_s
FROM mine WHERE called IS NOT NULL OR ended_at IS NULL
"""
# The day has ended with its last visit, once no door gives a number and nobody is left. Who was missed is not waited for.
DAY_END = """
SELECT extract(epoch FROM max(ended_at) FILTER (WHERE state = 'finished') - $3)::int AS ended_s,
       count(*) FILTER (WHERE state IN ('waiting', 'called', 'serving', 'held')) = 0 AND NOT EXISTS (
           SELECT FROM doors d WHERE d.hall = $1 AND d.day = $2 AND coalesce(d.stopped_at, d.last_ticket) > hall_now()) AS over
FROM tickets WHERE hall = $1 AND day = $2
"""
JUDGE = "UPDATE proposals SET actual = $2, judged_at = CASE WHEN $3 THEN hall_now() END WHERE id = $1"
AT_LAST = timedelta(minutes=90)


async def judge(db: Db, hall: Hall, now: datetime) -> int:
    """Hold what was forecast against the waits that came; how many were judged for good. Until then it is what came so far."""
    judged = 0
    for proposal in await unjudged(db, hall):
        since = proposal.since
        assert since is not None, "what is decided was offered"
        actual: dict[str, Any] = {
            each.service: dict(await _came(db, hall, each.service, since)) for each in proposal.told
        }  # fmt: skip
        all_called = all(each["waiting"] == 0 for each in actual.values())
        over = now >= since + (timedelta(seconds=SOON_S) if all_called else AT_LAST)
        if proposal.step.kind == "stop":  # what it promised is when the day ends
            ended = await db.fetchrow(DAY_END, hall.id, proposal.day, since)
            assert ended is not None
            actual["ended_s"], over = ended["ended_s"], ended["over"] or not proposal.today
        await db.execute(JUDGE, proposal.id, actual, over)
        judged += over
    return judged


async def _came(db: Db, hall: Hall, service: str, since: datetime) -> Row:
    row = await db.fetchrow(CAME, hall.id, service, since)
    assert row is not None
    return row
