"""What the machines owe the hall: each print, sentence and question once, followed to its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from devices.db import Db, Row
from devices.errors import AlreadyEnded, NotYours
from devices.wire import UNFINISHED_JOBS

COPIES = 5  # papers tried for one ticket before people must see to it
PROGRESS = ("owed", "accepted", "started")


@dataclass(frozen=True, slots=True)
class NewJob:
    """An effect that became due. `key` makes it once per device: `call:<call id>`, `ticket:<ticket id>:<n>`, …"""

    hall: int
    device: str
    kind: str  # print, say, ask_rating, sound_test, print_test
    key: str
    expires: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """An owed effect and how far it is. States: owed, accepted, started, done, failed, expired, refused, uncertain."""

    id: str  # jb_<n>, growing in the order they became due
    hall: int
    device: str
    kind: str
    key: str
    expires: datetime
    data: Mapping[str, Any]
    state: str
    attempt: int  # sendings before this one; a hint, for a job may also be sent again within a connection
    owed_at: datetime
    accepted_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    detail: Mapping[str, Any] | None
    reason: str | None


COLUMNS = """
'jb_' || id AS id, hall, device, kind, key, expires, data, state::text AS state, attempt,
owed_at, accepted_at, started_at, ended_at, detail, reason
"""


def as_job(row: Row) -> Job:
    """A row of COLUMNS."""
    return Job(*row)


def number_of(job_id: str) -> int:
    """The n of jb_<n>; 0, which no job has, for anything else."""
    digits = job_id.removeprefix("jb_")
    return int(digits) if job_id.startswith("jb_") and digits.isascii() and digits.isdigit() and len(digits) < 19 else 0


OWE = f"""
WITH asked AS (
    SELECT j.*, ord FROM jsonb_array_elements($1) WITH ORDINALITY AS e (doc, ord),
    jsonb_to_record(doc) AS j (hall integer, device text, kind text, key text, expires timestamptz, data jsonb)
)
INSERT INTO jobs (hall, device, kind, key, expires, data)
SELECT a.hall, a.device, a.kind, a.key, a.expires, a.data FROM asked a JOIN devices d ON d.id = a.device AND d.revoked_at IS NULL
ORDER BY ord
ON CONFLICT ON CONSTRAINT job_once_per_key DO NOTHING
RETURNING {COLUMNS}
"""


async def owe(db: Db, jobs: Sequence[NewJob]) -> list[Job]:
    """Write down what has become due, in this order. Gives only the new ones: what was owed already stays as it is."""
    if not jobs:
        return []
    asked = [
        {
            "hall": job.hall, "device": job.device, "kind": job.kind, "key": job.key,
            "expires": job.expires.isoformat(), "data": dict(job.data),
        }
        for job in jobs
    ]  # fmt: skip
    return [as_job(row) for row in await db.fetch(OWE, asked)]


OPEN_JOBS = f"""
WITH due AS (
    SELECT j.id FROM unnest($1::text[]) AS device (id), LATERAL (
        SELECT jobs.id FROM jobs
        WHERE jobs.device = device.id AND ended_at IS NULL AND (expires > hall_now() OR state = 'started')
        ORDER BY coalesce((data ->> 'order')::integer, 2), jobs.id LIMIT $2
    ) j WHERE j.id <> ALL ($3::bigint[])
)
UPDATE jobs SET attempt = attempt + 1 WHERE id IN (SELECT id FROM due) AND ended_at IS NULL RETURNING {COLUMNS}
"""


async def open_jobs(db: Db, devices: Sequence[str], *, held: Sequence[str] = (), limit: int = UNFINISHED_JOBS) -> list[Job]:
    """The first unfinished jobs of these devices, at most `limit` each, less those already `held`; counts a sending.

    First are those of the lowest `order` (an emergency is 0, what names none is 2), among them the oldest.
    """
    rows = await db.fetch(OPEN_JOBS, list(devices), limit, [number_of(job) for job in held])
    return sorted((as_job(row) for row in rows), key=lambda job: number_of(job.id))


WAITING = """
SELECT DISTINCT device FROM jobs
WHERE device = ANY ($1) AND ended_at IS NULL AND state = 'owed' AND expires > hall_now() AND id <> ALL ($2::bigint[])
"""


async def waiting(db: Db, devices: Sequence[str], held: Sequence[str]) -> set[str]:
    """Which of these devices owe something nobody has told them: jobs made by another process, a test or a reprint."""
    return {row["device"] for row in await db.fetch(WAITING, list(devices), [number_of(job) for job in held])}


# A print that failed, or of which nobody knows, is owed again under the next key while its ticket lives: same number,
# marked as a reprint. Two papers with one number are harmless; a number without paper is not.
AGAIN = f"""
, again AS (
    INSERT INTO jobs (hall, device, kind, key, expires, data)
    SELECT m.hall, m.device, m.kind, k.stem || (k.copy + 1), hall_now() + greatest(m.expires - m.owed_at, interval '1 min'),
           m.data || '{{"template": "reprint"}}'
    FROM moved m,
    LATERAL (SELECT substring(m.key FROM '^(ticket:tk_[0-9]{{1,18}}:(?:c[0-9]{{1,18}}:)?)[0-9]{{1,4}}$') AS stem,
                    substring(m.key FROM '^ticket:tk_([0-9]{{1,18}}):')::bigint AS ticket,
                    substring(m.key FROM ':([0-9]{{1,4}})$')::integer AS copy) k
    JOIN tickets t ON t.id = k.ticket AND t.state IN ('waiting', 'called', 'serving', 'held', 'missed')
    WHERE m.kind = 'print' AND m.state IN ('failed', 'uncertain') AND k.copy < {COPIES}
    ON CONFLICT ON CONSTRAINT job_once_per_key DO NOTHING
    RETURNING *
)
"""

# Forward only: owed, accepted, started, an ending. What the hall gave up as expired may still turn out to have begun:
# the device's own ledger knows what became of the paper.
SETTLE = f"""
WITH moved AS (
    UPDATE jobs SET
        state = $3, attempt = greatest(attempt, 1), detail = coalesce($4, detail), reason = coalesce($5, reason),
        accepted_at = coalesce(accepted_at, hall_now()),
        started_at = CASE WHEN $3 IN ('started', 'done', 'uncertain') THEN coalesce(started_at, hall_now()) ELSE started_at END,
        ended_at = CASE WHEN $3 NOT IN ('accepted', 'started') THEN hall_now() END
    WHERE id = $2 AND device = $1 AND (
        (ended_at IS NULL AND state < $3) OR (state = 'expired' AND $3 IN ('started', 'done', 'failed', 'uncertain'))
    )
    RETURNING *
)
{AGAIN}
SELECT {COLUMNS} FROM moved UNION ALL SELECT {COLUMNS} FROM again
"""
GET_JOB = f"SELECT {COLUMNS} FROM jobs WHERE id = $1"


async def settle(
    db: Db, device: str, job: str, state: str, detail: Mapping[str, Any] | None = None, reason: str | None = None
) -> list[Job]:
    """Note how far a job is. Gives the job, and behind it the reprint that became due by it.

    A repeated or overtaken report changes nothing and is no error. NotYours, AlreadyEnded.
    """
    rows = await db.fetch(SETTLE, device, number_of(job), state, dict(detail) if detail else None, reason)
    if rows:
        return [as_job(row) for row in rows]
    row = await db.fetchrow(GET_JOB, number_of(job))
    if row is None or row["device"] != device:
        raise NotYours()
    if row["ended_at"] is not None and state not in (row["state"], *PROGRESS):
        raise AlreadyEnded(job=job, state=row["state"])
    return [as_job(row)]


# Begun and silent two minutes past its deadline: whoever knew what became of it will not say.
EXPIRE_DUE = f"""
WITH moved AS (
    UPDATE jobs SET state = CASE WHEN state = 'started' THEN 'uncertain' ELSE 'expired' END::job_state, ended_at = hall_now()
    WHERE ended_at IS NULL AND expires <= hall_now() AND (state <> 'started' OR expires <= hall_now() - interval '2 min')
    RETURNING *
)
{AGAIN}
SELECT (SELECT count(*) FROM moved) + 0 * (SELECT count(*) FROM again)
"""


async def expire_due(db: Db) -> int:
    """End what can no longer be done in time. Gives how many ended; safe to run twice."""
    ended: int = await db.fetchval(EXPIRE_DUE)
    return ended


OF_KEY = f"SELECT {COLUMNS} FROM jobs WHERE hall = $1 AND key = $2 ORDER BY jobs.id"


async def of_key(db: Db, hall: int, key: str) -> list[Job]:
    """What one cause made the devices do: `call:<call id>` gives the sentence of every speaker."""
    return [as_job(row) for row in await db.fetch(OF_KEY, hall, key)]


PRINTS_OF = f"SELECT {COLUMNS} FROM jobs WHERE kind = 'print' AND data ->> 'ticket_id' = $1 ORDER BY jobs.id"


async def prints_of(db: Db, ticket_id: str) -> list[Job]:
    """Every paper tried for a ticket (`tk_<id>`), oldest first."""
    return [as_job(row) for row in await db.fetch(PRINTS_OF, ticket_id)]


LAST_OF = f"SELECT {COLUMNS} FROM jobs WHERE device = $1 ORDER BY jobs.id DESC LIMIT $2"


async def last_of(db: Db, device: str, limit: int = 20) -> list[Job]:
    """What one machine was asked to do, newest first."""
    return [as_job(row) for row in await db.fetch(LAST_OF, device, limit)]
