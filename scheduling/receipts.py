"""Papers on their way from a door to a window: handed over by list and receipt, counted, and the result brought back."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from queueing.db import Db, Press, Replay, once, recorded
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import Hall
from queueing.tickets import scope
from scheduling.appointments import ALPHABET
from scheduling.doorstep import Visit
from scheduling.errors import HandedIn, HandInIs, NoPapersTaken, NotYourVisit, ResultIs

DESK = "desk"
MOST_ORIGINALS = 200
LETTERS = 6


@dataclass(frozen=True, slots=True)
class HandIn:
    """What a team handed to a window or the desk (`place`): the list, how many sheets it said and how many were found.

    `result` is None until the place has accepted it; `way` is how the citizen wants it.
    """

    visit: int
    key: str
    receipt: str
    place: str
    papers: list[str]
    originals: int
    handed_by: str
    handed_at: datetime
    accepted_by: str | None
    accepted_at: datetime | None
    counted: int | None
    way: str
    result: str | None
    tracking: str | None


OFFER = recorded(
    """
WITH made AS (
    INSERT INTO doorstep_hand_ins (visit, hall, receipt, place, papers, originals, handed_by, handed_at)
    SELECT v.id, v.hall, $6, p.place,
           ARRAY(SELECT q.name FROM doorstep_papers q WHERE q.visit = v.id AND q.sealed IS NOT NULL ORDER BY q.taken_at, q.id),
           $8, $9, hall_clock()
    FROM doorstep_visits v, (SELECT w.no AS place FROM windows w WHERE w.hall = $1 UNION ALL SELECT 'desk') p
    WHERE v.hall = $1 AND v.key = $5 AND p.place = $7
    RETURNING *
), moved AS (
    SELECT hall, visit, receipt, place, cardinality(papers) AS papers, originals FROM made
)""",
    "'doorstep.handed_in'",
    "jsonb_build_object('visit', m.visit, 'receipt', m.receipt, 'place', m.place, 'papers', m.papers, 'originals', m.originals)",
    ticket="NULL::bigint",
    window="NULLIF(m.place, 'desk')",
    status=201,
)


async def offer(
    db: Db, hall: Hall, visit: Visit, place: str, originals: int, *, actor: str, member: str, press: Press | None = None
) -> None:
    """Hand the papers of a visit to a window or the desk; who works there counts them.

    Raises BadInput (place, originals), NoPapersTaken, HandedIn, NotYourVisit.
    """
    if not 0 <= originals <= MOST_ORIGINALS:
        raise BadInput(field="originals", message=f"0 to {MOST_ORIGINALS}")

    async def act() -> None:
        if not await db.fetchval(WENT, visit.id, member):
            raise NotYourVisit()
        receipt = "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))
        try:
            row = await db.fetchrow(OFFER, hall.id, actor, *scope(press), visit.key, receipt, place, originals, member)
        except asyncpg.IntegrityConstraintViolationError as broken:
            error = BROKEN.get(broken.constraint_name or "")
            if error is None:
                raise
            raise error() from broken
        if row is None:
            raise BadInput(field="to", message="there is no such window")

    await once(db, press, act, nothing)


OWED = """
SELECT v.key FROM doorstep_visits v JOIN doorstep_members m ON m.team = v.team AND m.clerk = $2
WHERE v.hall = $1 AND (v.state = 'on_site'
    OR v.state = 'completed' AND v.outcome = 'accepted' AND v.ended_at > hall_now() - interval '30 days'
       AND NOT EXISTS (SELECT FROM doorstep_hand_ins h WHERE h.visit = v.id)) ORDER BY v.ended_at
"""


async def owed(db: Db, hall: Hall, member: str) -> list[str]:
    """The keys of visits that this member of staff's teams have not ended, or whose papers they have not handed in."""
    return [row["key"] for row in await db.fetch(OWED, hall.id, member)]


# Papers may come in on a later day than they were collected: whoever was of the team then.
WENT = "SELECT EXISTS (SELECT FROM doorstep_visits v JOIN doorstep_members m ON m.team = v.team AND m.clerk = $2 WHERE v.id = $1)"
BROKEN: dict[str, type[Refused]] = {"hand_in_once": HandedIn, "papers_were_taken": NoPapersTaken}


def nothing(kept: Replay) -> None:
    """The answer of an act that answers nothing, once more."""


TOLD = "jsonb_build_object('visit', m.visit, 'receipt', m.receipt, 'place', m.place, 'result', m.state)"


def act_of(made: str, verb: str, also: str = "") -> str:
    """A recorded act on a hand-in: `made` gives visit and state; `also` are words over its row m."""
    data = f"{TOLD} || jsonb_build_object({also})" if also else TOLD
    moved = f"""WITH {made}, moved AS (
    SELECT h.hall, h.receipt, h.place, m.* FROM made m JOIN doorstep_hand_ins h ON h.visit = m.visit)"""
    return recorded(moved, f"'doorstep.{verb}'", data, ticket="NULL::bigint", window="NULLIF(m.place, 'desk')")


ACCEPT = act_of(
    """
counted AS (
    UPDATE doorstep_hand_ins h SET accepted_by = $2, accepted_at = hall_clock(), counted = $6 FROM doorstep_visits v
    WHERE h.hall = $1 AND h.receipt = $5 AND h.accepted_at IS NULL AND v.id = h.visit
    RETURNING h.visit, h.hall, h.originals, h.counted, v.delivery
), made AS (
    INSERT INTO doorstep_results (visit, hall, way) SELECT visit, hall, delivery FROM counted
    RETURNING visit, state, (SELECT originals FROM counted), (SELECT counted FROM counted)
)""",
    "papers_accepted",
    "'originals', m.originals, 'counted', m.counted",
)


async def accept(db: Db, hall: Hall, receipt: str, counted: int, *, actor: str, press: Press | None = None) -> None:
    """The window or desk has counted the papers and takes them. BadInput, NotFound, HandInIs (it has them already)."""
    if not 0 <= counted <= MOST_ORIGINALS:
        raise BadInput(field="counted", message=f"0 to {MOST_ORIGINALS}")

    async def act() -> None:
        if await db.fetchrow(ACCEPT, hall.id, actor, *scope(press), receipt, counted) is None:
            await by_receipt(db, hall, receipt)
            raise HandInIs()

    await once(db, press, act, nothing)


STEP = """
made AS (
    UPDATE doorstep_results r SET {change} FROM doorstep_hand_ins h
    WHERE h.hall = $1 AND h.receipt = $5 AND r.visit = h.visit AND {when} RETURNING r.visit, r.state, r.way
)"""
READY = act_of(
    STEP.format(change="state = 'ready', ready_at = hall_clock()", when="r.state = 'in_work'"), "result_ready", "'way', m.way"
)
POST = act_of(
    STEP.format(change="state = 'sent', sent_at = hall_clock(), tracking = $6", when="r.state = 'ready' AND r.way = 'mail'"),
    "result_sent",
)
GIVE = act_of(
    STEP.format(
        change="state = 'done', done_at = hall_clock()", when="(r.state = 'sent' OR r.state = 'ready' AND r.way <> 'mail')"
    ),
    "result_given",
    "'way', m.way",
)


async def ready(db: Db, hall: Hall, receipt: str, *, actor: str, press: Press | None = None) -> None:
    """The result is there. NotFound, ResultIs."""
    await step(db, hall, READY, receipt, actor, press)


async def post(db: Db, hall: Hall, receipt: str, tracking: str, *, actor: str, press: Press | None = None) -> None:
    """The result is in the mail under this number. BadInput, NotFound, ResultIs."""
    number = "".join(tracking.split())
    if not 4 <= len(number) <= 40 or not number.isascii() or not number.replace("-", "").isalnum():
        raise BadInput(field="tracking", message="a tracking number has 4 to 40 letters and digits")
    await step(db, hall, POST, receipt, actor, press, number)


async def give(db: Db, hall: Hall, receipt: str, *, actor: str, press: Press | None = None) -> None:
    """The citizen has the result: it was collected, brought, or the mail arrived. NotFound, ResultIs."""
    await step(db, hall, GIVE, receipt, actor, press)


async def step(db: Db, hall: Hall, statement: str, receipt: str, actor: str, press: Press | None, *given: object) -> None:
    async def act() -> None:
        if await db.fetchrow(statement, hall.id, actor, *scope(press), receipt, *given) is None:
            raise ResultIs(result=(await by_receipt(db, hall, receipt)).result or "unaccepted")

    await once(db, press, act, nothing)


SHOWN = """
SELECT h.visit, v.key, h.receipt, h.place, h.papers, h.originals, h.handed_by, h.handed_at, h.accepted_by, h.accepted_at,
       h.counted, coalesce(r.way, v.delivery) AS way, r.state AS result, r.tracking
FROM doorstep_hand_ins h JOIN doorstep_visits v ON v.id = h.visit LEFT JOIN doorstep_results r ON r.visit = h.visit
"""


async def by_receipt(db: Db, hall: Hall, receipt: str) -> HandIn:
    """The hand-in of a receipt, or NotFound."""
    row = await db.fetchrow(f"{SHOWN} WHERE h.hall = $1 AND h.receipt = $2", hall.id, receipt.strip().upper())
    if row is None:
        raise NotFound(what="receipt")
    return HandIn(**row)


async def of_visits(db: Db, visits: Sequence[int]) -> dict[int, HandIn]:
    """What was handed in of these visits."""
    return {row["visit"]: HandIn(**row) for row in await db.fetch(f"{SHOWN} WHERE h.visit = ANY($1)", list(visits))}


async def open_at(db: Db, hall: Hall, places: Sequence[str] | None) -> list[HandIn]:
    """What these windows (all of them: None) have to count, to work on or to bring back, the oldest first."""
    where = "WHERE h.hall = $1 AND ($2::text[] IS NULL OR h.place = ANY($2)) AND r.done_at IS NULL ORDER BY h.handed_at LIMIT 200"
    return [HandIn(**row) for row in await db.fetch(f"{SHOWN} {where}", hall.id, None if places is None else list(places))]
