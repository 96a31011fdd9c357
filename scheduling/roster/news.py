"""What happened to a clerk's shifts since they last said that they have read it: rosters, changes by hand, swaps, leave."""

from dataclasses import dataclass
from datetime import date, datetime

from queueing.db import Db, changed
from queueing.halls import Hall
from queueing.tickets import TODAY


@dataclass(frozen=True, slots=True)
class News:
    """One thing: roster (of the week from `day`), shift, swap_agreed, _approved or _refused (with `who`), leave_approved,
    _refused or _withdrawn (from `day` to `other_day`). `word` is a kind of leave, or why a swap was refused."""

    kind: str
    at: datetime
    day: date
    other_day: date | None = None
    who: str | None = None
    word: str | None = None


# Of what is over nobody need be told. A change that was made and taken back unread is none.
NEWS = f"""
WITH me AS (SELECT hall, clerk, news_seen_at AS seen, {TODAY} AS today FROM contracts WHERE hall = $1 AND clerk = $2)
SELECT 'roster' AS kind, greatest(r.published_at, r.made_at) AS at, r.week AS day, NULL::date AS other_day, NULL::text AS who,
       NULL::text AS word
FROM me JOIN rosters r ON r.hall = me.hall
WHERE r.state = 'published' AND r.week + 6 >= me.today AND greatest(r.published_at, r.made_at) > me.seen
UNION ALL
SELECT 'shift', max(greatest(c.at, c.undone_at)), c.day, NULL, NULL, NULL
FROM me JOIN shift_changes c ON c.hall = me.hall AND c.clerk = me.clerk
JOIN rosters r ON (r.hall, r.week) = (c.hall, c.week) AND r.state = 'published' AND r.published_at < greatest(c.at, c.undone_at)
WHERE c.day >= me.today AND split_part(c.actor, ':', 2) <> me.clerk
  AND CASE WHEN c.undone THEN c.at <= me.seen AND c.undone_at > me.seen ELSE c.at > me.seen END
GROUP BY c.day
UNION ALL
SELECT 'swap_' || w.state, coalesce(w.decided_at, w.agreed_at), w.day, w.other_day,
       CASE me.clerk WHEN w.asker THEN w.other ELSE w.asker END, w.reason
FROM me JOIN shift_swaps w ON w.hall = me.hall AND me.clerk IN (w.asker, w.other)
WHERE w.state IN ('agreed', 'approved', 'refused') AND (w.state <> 'agreed' OR w.asker = me.clerk)
  AND coalesce(w.decided_at, w.agreed_at) > me.seen AND w.decided_by IS DISTINCT FROM 'clerk:' || me.clerk
UNION ALL
SELECT 'leave_' || l.state, l.decided_at, l.first, l.last, NULL, l.kind
FROM me JOIN leaves l ON l.hall = me.hall AND l.clerk = me.clerk
WHERE l.state IN ('approved', 'refused', 'withdrawn') AND l.last >= me.today AND l.decided_at > me.seen
ORDER BY at DESC, kind, day
"""


async def news(db: Db, hall: Hall, clerk: str) -> list[News]:
    """What a clerk has not read yet, the newest first; nothing without a contract."""
    return [News(**row) for row in await db.fetch(NEWS, hall.id, clerk)]


READ = """
UPDATE contracts SET news_seen_at = least($3, hall_now()) WHERE hall = $1 AND clerk = $2 AND news_seen_at < least($3, hall_now())
"""


async def read_news(db: Db, hall: Hall, clerk: str, until: datetime) -> bool:
    """Note that a clerk has read what happened up to a moment; what came after their page was drawn stays."""
    return changed(await db.execute(READ, hall.id, clerk, until)) > 0
