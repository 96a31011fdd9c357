"""One line of the manager's board about home visits: who waits too long for an answer, and a plan that waits for a decision."""

from datetime import datetime

from floor.database import Db
from floor.pages.dispatched import lasted
from floor.signin import Person
from floor.words import Words
from queueing.halls import Hall
from queueing.tickets import TODAY
from scheduling.rounds.ground import ANSWER

WATCH = frozenset({"manager", "leader"})
STANDS = f"""
SELECT count(*) AS asking, min(asked_at) AS first,
    (SELECT cause FROM round_plans WHERE hall = $1 AND day = {TODAY} AND state = 'proposed' AND cause <> 'asked') AS cause
FROM doorstep_visits WHERE hall = $1 AND state = 'requested' AND ended_at IS NULL
"""


async def doors(db: Db, hall: Hall, person: Person, say: Words, now: datetime) -> str:
    """What somebody should look at on the dispatch page; nothing where all is answered in time and nothing is proposed."""
    if person.roles.isdisjoint(WATCH):
        return ""
    (row,) = await db.fetch(STANDS, hall.id)
    told = []
    if row["first"] is not None and (waited := (now - row["first"]).total_seconds()) >= hall.value(ANSWER) * 3600:
        told.append(say("dispatch.news_asking", n=row["asking"], time=lasted(say, waited)))
    if row["cause"] is not None:
        told.append(say("dispatch.news_plan", cause=say[f"dispatch.cause_{row['cause']}"]))
    return (" " if say.lang == "en" else "").join(told)
