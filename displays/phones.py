"""What a phone that follows its ticket is told: where the ticket stands and how many people are before it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from queueing.db import Db


@dataclass(frozen=True, slots=True)
class Place:
    """`state` of the ticket, `ahead` people while it waits, `window` while it has one, `call` the id of its newest call."""

    number: str
    state: str
    ahead: int | None
    window: str | None
    call: str | None


# For all phones at once. Ahead is counted as the contract counts it: waiting tickets with a smaller (rank_at, id) whose
# service shares an open window with this one's, any window if none is open.
PLACES = """
SELECT t.key, t.number, t.state::text AS state,
    CASE WHEN t.state = 'waiting' THEN (
        SELECT count(*)::integer FROM tickets q
        WHERE q.hall = t.hall AND q.day = t.day AND q.state = 'waiting' AND (q.rank_at, q.id) < (t.rank_at, t.id)
          AND q.service IN (
            SELECT t.service
            UNION SELECT unnest(w.services) FROM windows w
                WHERE w.hall = t.hall AND w.state = 'open' AND t.service = ANY(w.services)
            UNION SELECT unnest(w.serves) FROM windows w WHERE w.hall = t.hall AND t.service = ANY(w.serves)
                AND NOT EXISTS (SELECT FROM windows o WHERE o.hall = t.hall AND o.state = 'open' AND t.service = ANY(o.services)))
    ) END AS ahead,
    CASE WHEN t.state NOT IN ('waiting', 'missed') THEN t.window_no END AS "window",
    CASE WHEN t.state = 'called' THEN 'cl_' || t.id || '_' || t.call_no END AS call
FROM tickets t WHERE t.key = ANY($1)
"""


async def places(db: Db, keys: Collection[str]) -> Mapping[str, Place]:
    """The place of each ticket by its key; keys nobody gave out are left out."""
    rows = await db.fetch(PLACES, list(keys))
    return {row["key"]: Place(row["number"], row["state"], row["ahead"], row["window"], row["call"]) for row in rows}
