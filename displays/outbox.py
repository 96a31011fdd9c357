"""Notices on their way out: in one program's hand at a time, sent at least once under one id, tried again, given up openly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from displays.sealed import Seal, Unreadable
from displays.ways import Message, Way, make
from displays.wordings import fill, texts
from queueing.db import Db, Row, changed
from queueing.errors import BadInput, NotFound

LEASE_S = 60.0  # longer than any way takes: a program that died leaves its notices to another after this
AGAIN_S = (5, 30, 120, 300, 600)  # after the first failure, the second, …
TRIES = len(AGAIN_S) + 1
# Where a ticket, a booking, a visit, an order has its page.
PAGES = {"": "t/{code}", "booking": "b/{code}", "visit": "d/{code}", "order": "{hall}/o/{code}"}


@dataclass(frozen=True, slots=True)
class Taken:
    """A notice in hand. `attempt` fences it: whoever was too slow settles nothing."""

    id: int
    hall: int
    attempt: int
    message: Message | None  # None: it can't be sent, for the reason in `why`
    why: str | None = None


TAKE = """
WITH due AS (
    SELECT n.id FROM notices n WHERE n.state = 'waiting' AND n.due <= hall_now() AND n.hall = ANY($1)
    ORDER BY n.due LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE notices n SET attempts = attempts + 1, due = hall_now() + make_interval(secs => $3)
FROM due, halls h WHERE n.id = due.id AND h.id = n.hall
RETURNING n.id, n.hall, n.subject, n.template, n.data, n.attempts, n.expires <= hall_now() AS late, h.code, h.name,
    (SELECT array[c.kind, c.lang] FROM notice_contacts c WHERE c.subject = n.subject) AS contact,
    (SELECT c.address FROM notice_contacts c WHERE c.subject = n.subject) AS address,
    EXISTS (SELECT FROM notice_optouts o WHERE o.hall = n.hall AND o.who = n.who) AS stopped
"""


async def take(db: Db, halls: Sequence[int], seal: Seal, pages: str, limit: int = 20) -> list[Taken]:
    """Take what is due, so that no other program does; `pages` is the address of the hall's pages, for links."""
    taken, wording = [], dict[int, dict[tuple[str, str], str]]()
    for row in await db.fetch(TAKE, list(halls), limit, LEASE_S):
        if row["hall"] not in wording:
            wording[row["hall"]] = await texts(db, row["hall"])
        why = "stopped" if row["stopped"] else "erased" if row["address"] is None else "late" if row["late"] else None
        address = ""
        if why is None:
            try:
                address = seal.open(row["address"], f"contact:{row['subject']}")
            except Unreadable:
                why = "unreadable"
        message = None if why else written(dict(row), address, wording[row["hall"]], pages)
        taken.append(Taken(row["id"], row["hall"], row["attempts"], message, why))
    return taken


def written(row: Mapping[str, Any], address: str, wording: Mapping[tuple[str, str], str], pages: str) -> Message:
    """The message of a notice, in the language its reader chose."""
    kind, lang = row["contact"]
    kind_of, _, code = row["subject"].rpartition(":")
    link = f"{pages}/{PAGES[kind_of].format(code=code, hall=row['code'])}" if pages else ""
    gaps = {"hall": row["name"], "link": link, "code": code, **row["data"]}
    text = wording.get((row["template"], lang)) or wording[row["template"], "zh-Hans"]
    return Message(f"{row['code']}-{row['id']}", kind, address, fill(text, gaps), row["template"], lang, gaps)


SENT = """
UPDATE notices SET state = 'sent', why = NULL, ended_at = hall_now() WHERE id = $1 AND attempts = $2 AND state = 'waiting'
"""
DROP = """
UPDATE notices SET state = 'dropped', why = $3, ended_at = hall_now() WHERE id = $1 AND attempts = $2 AND state = 'waiting'
"""
# Given up after the last try, or when it would come too late.
FAIL = """
UPDATE notices SET why = $3, due = hall_now() + make_interval(secs => $4),
    state = CASE WHEN $5 OR hall_now() + make_interval(secs => $4) >= expires THEN 'failed' ELSE 'waiting' END::notice_state,
    ended_at = CASE WHEN $5 OR hall_now() + make_interval(secs => $4) >= expires THEN hall_now() END
WHERE id = $1 AND attempts = $2 AND state = 'waiting'
"""


async def settle(db: Db, taken: Taken, failure: str | None) -> None:
    """What became of a try: the other side took it, or why not."""
    if taken.why:
        await db.execute(DROP, taken.id, taken.attempt, taken.why)
    elif failure is None:
        await db.execute(SENT, taken.id, taken.attempt)
    else:
        last = taken.attempt >= TRIES
        await db.execute(FAIL, taken.id, taken.attempt, failure, float(AGAIN_S[min(taken.attempt, len(AGAIN_S)) - 1]), last)


AGAIN = """
UPDATE notices SET state = 'waiting', attempts = 0, due = hall_now(), expires = hall_now() + interval '1 hour', ended_at = NULL
WHERE hall = $1 AND state = 'failed' AND at > hall_now() - interval '1 day'
"""


async def again(db: Db, hall: int) -> int:
    """Try the day's given-up notices once more, for an engineer who mended the way; how many."""
    return changed(await db.execute(AGAIN, hall))


# ---- the ways


@dataclass(frozen=True, slots=True)
class Opened:
    """A way that is on, and the row it was set up from; a word in its place where it can't be used."""

    row: Row
    way: Way | str


ON = "SELECT hall, kind, driver, setting, secret FROM notice_ways WHERE is_on"


async def open_ways(
    db: Db, seal: Seal, secrets: Mapping[str, str], known: Mapping[tuple[int, str], Opened] | None = None
) -> dict[tuple[int, str], Opened]:
    """Every way that is on, by hall and kind. `secrets` of the environment, by kind, stand in where the database has none.
    Those of `known` that are set up as they were are not set up anew."""
    ways: dict[tuple[int, str], Opened] = {}
    for row in await db.fetch(ON):
        before = (known or {}).get((row["hall"], row["kind"]))
        if before is not None and before.row == row:
            ways[row["hall"], row["kind"]] = before
            continue
        place = f"way:{row['hall']}:{row['kind']}"
        try:
            secret = seal.open(row["secret"], place) if row["secret"] else secrets.get(row["kind"], "")
            way: Way | str = make(row["kind"], row["driver"], row["setting"], secret)
        except Unreadable:
            way = "unreadable"
        except BadInput:
            way = "bad setting"
        ways[row["hall"], row["kind"]] = Opened(row, way)
    return ways


KEEP_WAY = """
INSERT INTO notice_ways (hall, kind, driver, setting, secret, is_on) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (hall, kind) DO UPDATE SET driver = excluded.driver, setting = excluded.setting, is_on = excluded.is_on,
    secret = coalesce(excluded.secret, notice_ways.secret)
"""


async def set_way(
    db: Db,
    hall: int,
    kind: str,
    driver: str,
    setting: Mapping[str, Any],
    *,
    seal: Seal,
    secret: str | None = None,
    is_on: bool = True,
) -> None:
    """Set up how a kind of message leaves. No `secret` keeps the one there is. BadInput, NotFound for an unknown kind."""
    if kind not in ("phone", "mail"):
        raise NotFound(what="way")
    make(kind, driver, setting, secret or "")
    sealed = seal.close(secret, f"way:{hall}:{kind}") if secret else None
    await db.execute(KEEP_WAY, hall, kind, driver, setting, sealed, is_on)


# ---- for those who look

COUNTS = """
SELECT n.state::text AS state, count(*) AS n FROM notices n JOIN halls h ON h.id = n.hall
WHERE n.hall = $1 AND n.at >= (hall_now() AT TIME ZONE h.time_zone)::date::timestamp AT TIME ZONE h.time_zone GROUP BY 1
"""


async def counts(db: Db, hall: int) -> dict[str, int]:
    """Today's notices by state."""
    return {"sent": 0, "waiting": 0, "failed": 0, "dropped": 0} | {row["state"]: row["n"] for row in await db.fetch(COUNTS, hall)}


@dataclass(frozen=True, slots=True)
class Line:
    """One notice as staff see it: which ticket, never who."""

    id: int
    template: str
    ticket: str
    state: str
    why: str | None
    attempts: int
    at: datetime
    ended_at: datetime | None


NEWEST = """
SELECT id, template, coalesce(data ->> 'ticket', data ->> 'order', data ->> 'code', '') AS ticket, state::text AS state, why,
       attempts, at, ended_at
FROM notices WHERE hall = $1 ORDER BY state <> 'failed', id DESC LIMIT $2
"""


async def newest(db: Db, hall: int, limit: int = 50) -> list[Line]:
    """The newest notices, those given up first."""
    return [Line(**row) for row in await db.fetch(NEWEST, hall, limit)]


FORGET = "DELETE FROM notices WHERE hall = $1 AND at < hall_now() - interval '90 days' AND state <> 'waiting'"


async def forget(db: Db, hall: int) -> int:
    """Notices of a quarter ago."""
    return changed(await db.execute(FORGET, hall))
