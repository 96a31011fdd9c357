"""回访: after a doorstep visit somebody rings up and asks how it went; who was not satisfied gets an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from floor.refusals import AnswerMissing, CallbackIs
from queueing.db import Db, Press, Replay, changed, once, recorded
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall, business_day
from queueing.settings import Setting
from queueing.tickets import scope
from scheduling.days import calendar
from scheduling.ticks import Tick

PERCENT = Setting("callback_percent", 100, 0, 100, "percent")  # of doorstep visits somebody rings up about
DUE_DAYS = Setting("callback_days", 3, 1, 30, "days")  # working days
TRIES = Setting("callback_tries", 3, 1, 10, "calls")  # not reached so often, it is closed as that
SETTINGS = (PERCENT, DUE_DAYS, TRIES)

RESULTS = ("satisfied", "unsatisfied", "not_reached")
MOST_NOTE, MOST_WORDS = 200, 500

# Which visits are in the sample follows from the visit alone: asking again, or twice at once, chooses the same.
CHOOSE = """
INSERT INTO callbacks (hall, visit, due)
SELECT v.hall, v.id, $2 FROM visits v
WHERE v.hall = $1 AND v.mode = 'doorstep' AND v.day >= $4::date - 8 AND v.ended_at > hall_now() - interval '7 days'
  AND mod(hashint8(v.id)::bigint + 2147483648, 100) < $3
ON CONFLICT ON CONSTRAINT callback_once DO NOTHING
"""


async def choose(db: Db, hall: Hall) -> int:
    """Put the doorstep visits that have ended on the list, all or a sample as the hall has it; how many are new."""
    today = await business_day(db, hall)
    due = (await calendar(db, hall)).working_days_after(today, hall.value(DUE_DAYS)).day
    return changed(await db.execute(CHOOSE, hall.id, due, hall.value(PERCENT), today))


@dataclass(frozen=True, slots=True)
class Callback:
    """A visit to be asked about. `key` is the doorstep visit's, `tries` how often somebody rang, `level` what was rated."""

    id: int
    key: str
    visit: int
    state: str
    result: str | None
    tries: int
    due: date
    words: str | None
    ended_at: datetime
    outcome: str
    matters: list[str]
    level: int | None


SHOWN = """
SELECT c.id, d.key, d.id AS visit, c.state, c.result, c.tries, c.due, c.words, v.ended_at, d.outcome, d.matters, r.level
FROM callbacks c JOIN visits v ON v.id = c.visit JOIN doorstep_visits d ON v.source = 'doorstep' AND d.id = v.subject
LEFT JOIN ratings r ON r.visit = v.id WHERE c.hall = $1
"""
LISTED = f"{SHOWN} AND c.closed_at IS NULL ORDER BY c.state = 'follow_up' DESC, c.due, c.id LIMIT 200"
CLOSED = f"{SHOWN} AND c.closed_at > hall_now() - interval '30 days' ORDER BY c.closed_at DESC LIMIT 50"


async def listed(db: Db, hall: Hall) -> list[Callback]:
    """Whom to ring up: those with a complaint first, then by the day it is due."""
    return [Callback(**row) for row in await db.fetch(LISTED, hall.id)]


async def closed(db: Db, hall: Hall) -> list[Callback]:
    """What was closed in the last thirty days, the newest first."""
    return [Callback(**row) for row in await db.fetch(CLOSED, hall.id)]


async def one(db: Db, hall: Hall, callback: int) -> Callback:
    """The call-back of this id, or NotFound."""
    row = await db.fetchrow(f"{SHOWN} AND c.id = $2", hall.id, callback)
    if row is None:
        raise NotFound(what="callback")
    return Callback(**row)


RANG = recorded(
    """
WITH made AS (
    UPDATE callbacks c SET tries = c.tries + 1, result = $6,
        state = CASE WHEN $6 = 'unsatisfied' THEN 'follow_up' WHEN $6 = 'satisfied' OR c.tries + 1 >= $8 THEN 'closed'
                ELSE c.state END,
        closed_at = CASE WHEN $6 = 'satisfied' OR $6 = 'not_reached' AND c.tries + 1 >= $8 THEN hall_clock() END,
        closed_by = CASE WHEN $6 = 'satisfied' OR $6 = 'not_reached' AND c.tries + 1 >= $8 THEN $2 END
    WHERE c.hall = $1 AND c.id = $5 AND c.state = 'open' RETURNING *
), rang AS (
    INSERT INTO callback_calls (callback, nth, result, note, by) SELECT id, tries, $6, $7, $2 FROM made RETURNING callback
), moved AS (
    SELECT m.hall, m.id, m.visit, m.state, m.result, m.tries FROM made m, rang
)""",
    "'callback.rang'",
    "jsonb_build_object('callback', m.id, 'visit', m.visit, 'result', m.result, 'state', m.state, 'tries', m.tries)",
    ticket="NULL::bigint",
    window="NULL::text",
)


async def rang(
    db: Db, hall: Hall, callback: int, result: str, note: str | None, *, actor: str, press: Press | None = None
) -> None:
    """Somebody rang up: satisfied closes it, unsatisfied opens a follow-up, not reached stays until the tries are used up.

    Raises BadInput, NotFound, CallbackIs.
    """
    if result not in RESULTS:
        raise BadInput(field="result", message=f"one of {', '.join(RESULTS)}")
    if note is not None and len(note) > MOST_NOTE:
        raise BadInput(field="note", message=f"at most {MOST_NOTE} characters")

    async def act() -> None:
        row = await db.fetchrow(RANG, hall.id, actor, *scope(press), callback, result, note or None, hall.value(TRIES))
        if row is None:
            raise CallbackIs(state=(await one(db, hall, callback)).state)

    await once(db, press, act, nothing)


def nothing(kept: Replay) -> None:
    """The answer of an act that answers nothing, once more."""


CLOSE = recorded(
    """
WITH made AS (
    UPDATE callbacks SET state = 'closed', words = $6, closed_at = hall_clock(), closed_by = $2
    WHERE hall = $1 AND id = $5 AND state = 'follow_up' RETURNING *
), moved AS (
    SELECT hall, id, visit, state, result FROM made
)""",
    "'callback.closed'",
    "jsonb_build_object('callback', m.id, 'visit', m.visit, 'result', m.result)",
    ticket="NULL::bigint",
    window="NULL::text",
)


async def close(db: Db, hall: Hall, callback: int, words: str, *, actor: str, press: Press | None = None) -> None:
    """The complaint is answered: what was done about it. AnswerMissing, NotFound, CallbackIs."""
    if not 1 <= len(words.strip()) <= MOST_WORDS:
        raise AnswerMissing()

    async def act() -> None:
        if await db.fetchrow(CLOSE, hall.id, actor, *scope(press), callback, words.strip()) is None:
            raise CallbackIs(state=(await one(db, hall, callback)).state)

    await once(db, press, act, nothing)


CALLS = "SELECT callback, nth, result, note, at FROM callback_calls WHERE callback = ANY($1) ORDER BY callback, nth"


async def calls(db: Db, callbacks: Sequence[int]) -> dict[int, list[asyncpg.Record]]:
    """Each time somebody rang, by call-back."""
    found: dict[int, list[asyncpg.Record]] = {}
    for row in await db.fetch(CALLS, list(callbacks)):
        found.setdefault(row["callback"], []).append(row)
    return found


TICKS = (Tick("callbacks.choose", 300, choose),)
