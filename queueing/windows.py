"""A window: who sits there, what it serves, and whether it is open, paused or closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from queueing.db import Db, Press, Replay, Row, once, recorded
from queueing.errors import (
    AlreadySeated,
    BadInput,
    NotFound,
    NotInThatState,
    NotServedHere,
    NotSkilled,
    NotYourWindow,
    StillWaiting,
    UnknownService,
    WindowBusy,
    WindowNotOpen,
    WindowTaken,
)
from queueing.halls import Hall
from queueing.tickets import TODAY, scope


@dataclass(frozen=True, slots=True)
class Window:
    """A window as the floor sees it: `state` is closed, open, paused, called or serving; `ticket` the number it has."""

    no: str
    name: str
    zone: str
    state: str
    services: list[str]
    serves: list[str]
    clerk: str | None
    reason: str | None
    since: datetime
    ticket: str | None = None
    ticket_key: str | None = None


@dataclass(frozen=True, slots=True)
class WindowAct:
    """What an act made of a window, and where the record has it."""

    window: Window
    offset: int
    epoch: str
    at: datetime
    replayed: bool = False


WINDOWS = """
SELECT w.no, w.name, w.zone, coalesce(t.state::text, w.state::text) AS state,
       CASE WHEN w.state = 'closed' THEN w.serves ELSE w.services END AS services, w.serves, w.clerk, w.reason,
       coalesce(t.served_at, t.called_at, w.since) AS since, t.number AS ticket, t.key AS ticket_key
FROM windows w LEFT JOIN tickets t ON t.hall = w.hall AND t.window_no = w.no AND t.state IN ('called', 'serving')
WHERE w.hall = $1
"""


async def list_windows(db: Db, hall: Hall) -> list[Window]:
    """All windows in the order of the floor."""
    return [Window(**row) for row in await db.fetch(WINDOWS + " ORDER BY w.rank, w.no", hall.id)]


async def get_window(db: Db, hall: Hall, no: str) -> Window:
    """One window, or NotFound."""
    row = await db.fetchrow(WINDOWS + " AND w.no = $2", hall.id, no)
    if row is None:
        raise NotFound(what="window")
    return Window(**row)


TOLD = """jsonb_build_object('window', m.no, 'state', m.state, 'services', m.services, 'helping', m.helping, 'clerk', m.clerk,
    'reason', m.reason)"""


def told(verb: str, data: str = TOLD) -> tuple[str, str]:
    return f"'window.{verb}'", data


def done(row: Row) -> WindowAct:
    return WindowAct(_window(row), row["offset"], row["epoch"], row["at"])


def again(kept: Replay) -> WindowAct:
    answer: dict[str, Any] = kept.answer
    row = answer | {"since": datetime.fromisoformat(answer["since"])}
    return WindowAct(_window(row), answer["offset"], answer["epoch"], datetime.fromisoformat(answer["at"]), replayed=True)


def _window(row: Row | dict[str, Any]) -> Window:
    fields = ("no", "name", "zone", "state", "services", "serves", "clerk", "reason", "since")
    return Window(*[row[field] for field in fields])


# What keeps somebody from serving a service at a window, as one word; NULL when nothing does. Skills count on the business day.
BARRED = """
CASE WHEN x.code IS NULL THEN 'unknown'
    WHEN x.class IS NOT NULL AND w.class IS NOT NULL AND x.class <> w.class THEN 'class'
    WHEN (x.only_windows <> '{}' OR x.only_clerks <> '{}')
        AND NOT (w.no = ANY(x.only_windows) OR clerk.name = ANY(x.only_clerks)) THEN 'fenced'
    WHEN h.skills_required AND NOT EXISTS (
        SELECT FROM skills k WHERE k.hall = h.id AND k.clerk = clerk.name AND k.service = x.code
          AND (k.until IS NULL OR k.until >= business_day(hall_now(), h.time_zone, h.day_starts))) THEN 'not_skilled' END"""

OPEN = recorded(
    f"""
WITH asked AS (
    SELECT w.no, coalesce($7::text[], w.serves) AS services, (
        SELECT coalesce(array_agg(x.code ORDER BY x.rank, x.code), '{{}}') FROM services x
        WHERE x.hall = h.id AND x.code = ANY(w.helps) AND NOT x.code = ANY(coalesce($7::text[], w.serves)) AND {BARRED} IS NULL
    ) AS helping
    FROM windows w JOIN halls h ON h.id = w.hall, (SELECT $6::text AS name) clerk WHERE w.hall = $1 AND w.no = $5
      AND NOT EXISTS (
        SELECT FROM unnest(coalesce($7::text[], w.serves)) AS s(code)
        LEFT JOIN services x ON x.hall = h.id AND x.code = s.code WHERE {BARRED} IS NOT NULL)
), moved AS (
    UPDATE windows w SET state = 'open', clerk = $6, services = asked.services, helping = asked.helping, reason = $8,
        since = hall_clock()
    FROM asked WHERE w.hall = $1 AND w.no = asked.no AND (w.clerk IS NULL OR w.clerk = $6) RETURNING w.*
)""",
    *told("opened"),
    ticket="NULL::bigint",
    window="m.no",
)


async def open_window(
    db: Db,
    hall: Hall,
    no: str,
    clerk: str,
    *,
    services: Sequence[str] | None = None,
    actor: str,
    reason: str | None = None,
    press: Press | None = None,
) -> WindowAct:
    """Seat `clerk` at a window and open it for `services` (its own when none are named). Opening one's open window is no error.

    It also helps with what it is set to help with, as far as the clerk may. `reason`: why,
    where it is against the roster. Raises WindowTaken, AlreadySeated (a clerk has
    one seat), NotSkilled, NotServedHere (another class of window, or fenced), UnknownService.
    """
    if services is not None and not services:
        raise BadInput(field="services", message="name at least one service")

    async def act() -> WindowAct:
        asked = None if services is None else list(services)
        row = await db.fetchrow(OPEN, hall.id, actor, *scope(press), no, clerk, asked, reason)
        if row is None:
            raise await _why_not_opened(db, hall, no, clerk, services)
        return done(row)

    try:
        return await once(db, press, act, again)
    except AlreadySeated:
        taken = await db.fetchval("SELECT no FROM windows WHERE hall = $1 AND clerk = $2", hall.id, clerk)
        raise AlreadySeated(window=taken) from None


LACKING = f"""
SELECT s.code, {BARRED} AS why, x.only_windows FROM unnest($2::text[]) AS s(code)
JOIN halls h ON h.id = $1 JOIN windows w ON w.hall = h.id AND w.no = $4 CROSS JOIN (SELECT $3::text AS name) clerk
LEFT JOIN services x ON x.hall = h.id AND x.code = s.code WHERE {BARRED} IS NOT NULL
ORDER BY x.code IS NOT NULL, s.code LIMIT 1
"""


async def _why_not_opened(db: Db, hall: Hall, no: str, clerk: str, services: Sequence[str] | None) -> Exception:
    window = await get_window(db, hall, no)
    if window.clerk not in (None, clerk):
        return WindowTaken(window=no, clerk=window.clerk)
    lacking = await db.fetchrow(LACKING, hall.id, list(services or window.serves), clerk, no)
    if lacking is None:
        return NotInThatState(state=window.state)
    match lacking["why"]:
        case "unknown":
            return UnknownService(service=lacking["code"])
        case "not_skilled":
            return NotSkilled(service=lacking["code"])
        case _:
            return NotServedHere(service=lacking["code"], window=no)


# Pausing and closing rest on "no ticket here", so the window's lock is a statement of its own before it is looked at.
LOCK = "SELECT no FROM windows WHERE hall = $1 AND no = $2 FOR NO KEY UPDATE"

PAUSE = recorded(
    """
WITH moved AS (
    UPDATE windows w SET state = 'paused', reason = $7, since = hall_clock()
    WHERE w.hall = $1 AND w.no = $5 AND w.state = 'open' AND ($6::text IS NULL OR w.clerk = $6)
      AND NOT EXISTS (SELECT FROM tickets t WHERE t.hall = $1 AND t.window_no = $5 AND t.state IN ('called', 'serving'))
    RETURNING w.*
)""",
    *told("paused"),
    ticket="NULL::bigint",
    window="m.no",
)


async def pause(
    db: Db, hall: Hall, no: str, *, actor: str, seat: str | None = None, reason: str | None = None, press: Press | None = None
) -> WindowAct:
    """Stop calling for a while; the window must have no ticket. `seat`: the clerk who must sit there."""
    return await _of_window(db, PAUSE, hall, no, actor, seat, press, reason)


RESUME = recorded(
    """
WITH moved AS (
    UPDATE windows w SET state = 'open', reason = NULL, since = hall_clock()
    WHERE w.hall = $1 AND w.no = $5 AND w.state = 'paused' AND ($6::text IS NULL OR w.clerk = $6) RETURNING w.*
)""",
    *told("resumed"),
    ticket="NULL::bigint",
    window="m.no",
)


async def resume(db: Db, hall: Hall, no: str, *, actor: str, seat: str | None = None, press: Press | None = None) -> WindowAct:
    """Go on calling after a pause."""
    return await _of_window(db, RESUME, hall, no, actor, seat, press)


CLOSE = recorded(
    """
WITH moved AS (
    UPDATE windows w SET state = 'closed', clerk = NULL, services = '{}', helping = '{}', reason = $7, since = hall_clock()
    WHERE w.hall = $1 AND w.no = $5 AND w.state <> 'closed' AND ($6::text IS NULL OR w.clerk = $6)
      AND NOT EXISTS (SELECT FROM tickets t WHERE t.hall = $1 AND t.window_no = $5 AND t.state IN ('called', 'serving'))
    RETURNING w.*
)""",
    *told("closed", f"{TOLD} || CASE WHEN $8::integer > 0 THEN jsonb_build_object('left', $8) ELSE '{{}}' END"),
    ticket="NULL::bigint",
    window="m.no",
)

# Whether a window with somebody can serve ticket t as it stands: its own line, the window it was sent to, the one that holds it.
# Nobody calls who was missed until they are back in line.
REACHED = """EXISTS (
    SELECT FROM windows w WHERE w.hall = t.hall AND w.state <> 'closed' AND CASE
        WHEN t.state = 'missed' THEN false
        WHEN t.state = 'held' THEN w.no = t.window_no OR t.service = ANY(w.services)
        WHEN t.state IN ('called', 'serving') THEN w.no = t.window_no
        WHEN t.for_window IS NOT NULL THEN w.no = t.for_window
        ELSE t.service = ANY(w.services || w.helping) AND (NOT t.fenced OR may_serve(t.hall, t.matters, w.no, w.clerk)) END)"""

# Extended hours (hall-rules B8): once the last ticket is out, a window stays until nobody is left whom it could serve. That is
# who waits for it; who is called or served elsewhere and may come back, or has a further step it serves; and whom it holds.
DRAINING = f"""
SELECT count(*) FROM windows w JOIN tickets t ON t.hall = w.hall
JOIN LATERAL (
    SELECT max(o.last_ticket) AS last_ticket, bool_or(o.drain) AS drain FROM doors o
    WHERE o.hall = t.hall AND o.day = t.day AND o.service = t.service
) d ON d.drain AND hall_now() >= d.last_ticket
WHERE w.hall = $1 AND w.no = $2 AND w.state <> 'closed' AND t.day = {TODAY}
  AND (t.state = 'held' AND t.window_no = w.no
       OR (t.state = 'waiting' OR t.state IN ('called', 'serving') AND t.window_no <> w.no)
          AND coalesce(t.for_window, w.no) = w.no
          AND (t.for_window = w.no OR t.service || t.services[t.step + 1:] && w.services)
          AND (NOT t.fenced OR may_serve(t.hall, t.matters, w.no, w.clerk)))
"""


async def close(
    db: Db,
    hall: Hall,
    no: str,
    *,
    actor: str,
    seat: str | None = None,
    override: bool = False,
    reason: str | None = None,
    press: Press | None = None,
) -> WindowAct:
    """Close a window and free its seat. StillWaiting once the last ticket is out and somebody it can serve is left,
    unless a leader overrides with a reason: the record says how many were left."""

    async def check() -> tuple[object, ...]:
        count = await db.fetchval(DRAINING, hall.id, no)
        if count and not override:
            raise StillWaiting(count=count)
        return (count,)

    return await _of_window(db, CLOSE, hall, no, actor, seat, press, reason, check=check)


async def _of_window(
    db: Db,
    statement: str,
    hall: Hall,
    no: str,
    actor: str,
    seat: str | None,
    press: Press | None,
    *more: object,
    check: Any = None,
) -> WindowAct:
    async def act() -> WindowAct:
        async with db.transaction():
            if await db.fetchval(LOCK, hall.id, no) is None:
                raise NotFound(what="window")
            found = await check() if check is not None else ()
            row = await db.fetchrow(statement, hall.id, actor, *scope(press), no, seat, *more, *found)
            if row is None:
                raise await _why_not(db, hall, no, seat)
            return done(row)

    return await once(db, press, act, again)


async def _why_not(db: Db, hall: Hall, no: str, seat: str | None) -> Exception:
    window = await get_window(db, hall, no)
    if window.state == "closed":
        return WindowNotOpen(window=no)
    if seat is not None and window.clerk != seat:
        return NotYourWindow(window=no)
    return WindowBusy(ticket=window.ticket) if window.ticket else NotInThatState(state=window.state)
