"""Calling: every act by which a window moves a ticket, from next to finish."""

import asyncio
from dataclasses import dataclass

from queueing.db import Db, Press, Replay, keep, once, recorded
from queueing.errors import (
    BadInput,
    NotFound,
    NothingAtWindow,
    NotInThatState,
    NotServedHere,
    NotYourWindow,
    TooEarly,
    UnknownService,
    WindowBusy,
    WindowNotOpen,
)
from queueing.halls import Hall
from queueing.settings import AWAITED, INTERLEAVE, SHORT_EVERY, WITH_PAPERS, WITHOUT_PAPERS
from queueing.tickets import TODAY, Act, again, done, scope, told
from queueing.visits import AND_CLERK, visited


@dataclass(frozen=True, slots=True)
class Seat:
    """Who acts at which window. `clerk` must be seated there; None is a leader or manager, who need not be."""

    window: str
    actor: str
    clerk: str | None = None


@dataclass(frozen=True, slots=True)
class Nobody:
    """The answer of next when nobody waits. `replayed`: it was this press's answer before."""

    replayed: bool = False


# The window, locked so that it can't be closed or paused under a call: open, free, and the seat of who asks.
FREE_SEAT = """
seat AS MATERIALIZED (
    SELECT w.no, w.clerk, w.services, w.helping, w.help_after, w.short_after, w.since_booked, w.since_quick,
           business_day(hall_now(), h.time_zone, h.day_starts) AS day
    FROM windows w JOIN halls h ON h.id = w.hall
    WHERE w.hall = $1 AND w.no = $5 AND w.state = 'open' AND ($6::text IS NULL OR w.clerk = $6)
      AND NOT EXISTS (SELECT FROM tickets b WHERE b.hall = w.hall AND b.window_no = w.no AND b.state IN ('called', 'serving'))
    FOR NO KEY UPDATE OF w
)"""

CALLED = """state = 'called', window_no = seat.no, clerk = seat.clerk, calls = t.calls + 1, call_no = t.call_no + 1,
        called_at = hall_clock(), served_at = NULL, hold = NULL"""

# A line this window may call from; its first few are candidates, since windows that press in the same instant skip each
# other's. A fenced ticket is no candidate where nobody may serve it.
LINE = """LATERAL (
        SELECT q.id, q.number, q.rank_at FROM tickets q
        WHERE q.hall = $1 AND q.day = seat.day AND q.state = 'waiting' {which}
          AND (NOT q.fenced OR may_serve(q.hall, q.matters, seat.no, seat.clerk))
        ORDER BY q.rank_at, q.id LIMIT 16) h"""
OF_SERVICE = "AND q.service = line.service AND q.for_window IS NULL"
NOT_BOOKED = f"{OF_SERVICE} AND ($7::integer = 0 OR q.lane <> 1)"
HELPED = f"{NOT_BOOKED} AND q.rank_at <= hall_now() - make_interval(mins => seat.help_after)"
BOOKED = f"{OF_SERVICE} AND q.lane = 1"
SHORT = f"{OF_SERVICE} AND q.lane = 2 AND q.rank_at <= hall_now() - make_interval(mins => seat.short_after)"

SENT_HERE = f"""
    UNION ALL
    SELECT h.*, 1, 'window' FROM seat, {LINE.format(which="AND q.for_window = seat.no")}"""
PLAIN = f"""
    SELECT h.*, 1 AS place, 'own' AS tier FROM seat, unnest(seat.services) AS line(service), {LINE.format(which=OF_SERVICE)}
    {SENT_HERE}"""
# Who is due stands at place 0 (a booking by interleave, a short job that waited too long), a booking whose turn it is not yet
# at 2, all others at 1. A rule that is off costs a test and no reading.
BY_RULES = f"""
    SELECT h.*, 1 AS place, 'own' AS tier FROM seat, unnest(seat.services) AS line(service), {LINE.format(which=NOT_BOOKED)}
    {SENT_HERE}
    UNION ALL
    SELECT h.*, 1, 'help' FROM seat, unnest(seat.helping) AS line(service), {LINE.format(which=HELPED)}
    UNION ALL
    SELECT h.*, CASE WHEN seat.since_booked >= $7 AND h.rank_at <= hall_now() THEN 0 ELSE 2 END, 'booked'
    FROM seat, unnest(seat.services) AS line(service), {LINE.format(which=BOOKED)} WHERE $7::integer > 0
    UNION ALL
    SELECT h.*, 0, 'short' FROM seat, unnest(seat.services || seat.helping) AS line(service), {LINE.format(which=SHORT)}
    WHERE seat.short_after IS NOT NULL AND seat.since_quick >= $8::integer"""
COUNTED = """, counted AS (
    UPDATE windows w SET since_booked = CASE WHEN m.lane = 1 THEN 0 ELSE least(w.since_booked, 999999) + 1 END,
        since_quick = CASE WHEN m.tier = 'short' THEN 0 ELSE least(w.since_quick, 999999) + 1 END
    FROM moved m WHERE w.hall = $1 AND w.no = $5
)"""
VALUES = """, 'now', hall_now(), 'every', $7::integer, 'since', m.since_booked, 'short_after', m.short_after,
        'short_every', $8::integer, 'short_since', m.since_quick, 'help_after', m.help_after"""


def choosing(lines: str, more: str = "", counted: str = "", values: str = "") -> str:
    """The statement of next over these lines. Only the ticket that is called gets locked.

    `seen` is how far the record went when the choice was made, `skipped` who was before the one called and in the hands of
    another act that instant: with both the choice can be made again from the record (queueing/replay.py).
    """
    return recorded(
        f"""
WITH {FREE_SEAT}, heads AS MATERIALIZED ({lines}
), head AS MATERIALIZED (
    SELECT t.id, h.place, h.tier FROM (SELECT * FROM heads ORDER BY place, rank_at, id) h, LATERAL (
        SELECT id FROM tickets WHERE id = h.id AND state = 'waiting' FOR NO KEY UPDATE SKIP LOCKED) t
    LIMIT 1
), moved AS (
    UPDATE tickets t SET {CALLED} FROM head, seat WHERE t.id = head.id RETURNING t.*, head.place, head.tier{more}
){counted}""",
        "'ticket.called'",
        told(
            f"""'lang', m.lang, 'rule', CASE WHEN m.tier = 'window' THEN 'for_window' WHEN m.tier IN ('help', 'short') THEN m.tier
        WHEN m.tier = 'booked' AND m.place = 0 THEN 'interleave' WHEN m.placed IN ('front', 'returned') THEN m.placed
        WHEN m.rank_at >= m.joined_at THEN 'order' WHEN m.lane = 1 THEN 'booked' ELSE 'credit' END,
    'by', jsonb_strip_nulls(jsonb_build_object('tier', m.tier, 'credit', m.credit,
        'seen', (SELECT top FROM hall_streams WHERE hall = $1), 'skipped', (SELECT jsonb_agg(h.number) FROM heads h
            WHERE (h.place, h.rank_at, h.id) < (m.place, m.rank_at, m.id)){values}))"""
        ),
    )


NEXT = choosing(PLAIN)
NEXT_BY_RULES = choosing(BY_RULES, ", seat.since_booked, seat.since_quick, seat.short_after, seat.help_after", COUNTED, VALUES)

WAITING_HERE = f"""
SELECT EXISTS (SELECT FROM windows w JOIN tickets t ON t.hall = w.hall AND t.state = 'waiting'
    AND (t.for_window = w.no OR t.for_window IS NULL AND (t.service = ANY(w.services) OR t.service = ANY(w.helping)
        AND t.rank_at <= hall_now() - make_interval(mins => w.help_after)))
    AND t.day = {TODAY} AND (NOT t.fenced OR may_serve(t.hall, t.matters, w.no, w.clerk))
WHERE w.hall = $1 AND w.no = $2)
"""


# Whether the ticket at hand has its next service at this window.
STAYS = """
SELECT EXISTS (SELECT FROM windows w JOIN tickets t ON t.hall = w.hall AND t.window_no = w.no
WHERE w.hall = $1 AND w.no = $2 AND t.state IN ('called', 'serving') AND t.services[t.step + 1] = ANY(w.services))
"""


async def call_next(db: Db, hall: Hall, seat: Seat, *, finish_current: bool = False, press: Press | None = None) -> Act | Nobody:
    """Call whoever is next at this window; Nobody when nobody waits. With `finish_current` its ticket is finished first;
    if that ticket has its next matter at this very window, it stays and is the answer.

    Raises WindowBusy, WindowNotOpen, NotYourWindow.
    """

    async def act() -> Act | Nobody:
        if not finish_current:
            return await _next(db, hall, seat, press)
        async with db.transaction():
            stays = await db.fetchval(STAYS, hall.id, seat.window)
            kept = scope(press if stays else None)
            finished = await db.fetchrow(FINISH, hall.id, seat.actor, *kept, seat.window, seat.clerk, "done", None)
            return done(finished) if stays and finished else await _next(db, hall, seat, press)

    return await once(db, press, act, _again_or_nobody)


def _again_or_nobody(kept: Replay) -> Act | Nobody:
    return Nobody(replayed=True) if kept.status == 204 else again(kept)


async def _next(db: Db, hall: Hall, seat: Seat, press: Press | None) -> Act | Nobody:
    statement, values = (NEXT_BY_RULES, (hall.value(INTERLEAVE), hall.value(SHORT_EVERY))) if hall.ruled else (NEXT, ())
    for attempt in range(40):
        row = await db.fetchrow(statement, hall.id, seat.actor, *scope(press), seat.window, seat.clerk, *values)
        if row is not None:
            return done(row)
        await refuse_unless_free(db, hall, seat)
        if not await db.fetchval(WAITING_HERE, hall.id, seat.window):
            break
        await asyncio.sleep(0.002 * attempt)  # the heads were all being called by others this instant
    await keep(db, press, 204, None)
    return Nobody()


CALL = recorded(
    f"""
WITH {FREE_SEAT}, moved AS (
    UPDATE tickets t SET {CALLED} FROM seat
    WHERE t.hall = $1 AND t.number = $7 AND t.day = {TODAY}
      AND t.state IN ('waiting', 'missed') AND (NOT t.fenced OR may_serve(t.hall, t.matters, seat.no, seat.clerk)) RETURNING t.*
)""",
    "'ticket.called'",
    told("'lang', m.lang, 'rule', 'special', 'by', jsonb_build_object('credit', m.credit)"),
)


async def call_number(db: Db, hall: Hall, seat: Seat, number: str, *, press: Press | None = None) -> Act:
    """Call one ticket by its printed number, waiting or missed (特呼). It is recorded as a special call."""
    return await of_window(db, CALL, hall, seat, press, number, free=True, number=number)


# What the acts on the ticket at hand share: the ticket at this window, if who asks sits here.
HERE = """FROM windows w WHERE w.hall = $1 AND w.no = $5 AND ($6::text IS NULL OR w.clerk = $6)
      AND t.hall = w.hall AND t.window_no = w.no"""

RECALL = recorded(
    f"""
WITH moved AS (
    UPDATE tickets t SET calls = t.calls + 1, call_no = t.call_no + 1, called_at = hall_clock() {HERE}
      AND t.state = 'called' RETURNING t.*
)""",
    "'ticket.recalled'",
    told("'lang', m.lang"),
)


async def recall(db: Db, hall: Hall, seat: Seat, *, press: Press | None = None) -> Act:
    """Call the same ticket again; it is a new call and sounds everywhere anew."""
    return await of_window(db, RECALL, hall, seat, press)


ARRIVE = recorded(
    f"""
WITH moved AS (
    UPDATE tickets t SET state = 'serving', served_at = hall_clock() {HERE} AND t.state = 'called' RETURNING t.*
)""",
    "'ticket.arrived'",
    told(),
)


async def arrive(db: Db, hall: Hall, seat: Seat, *, press: Press | None = None) -> Act:
    """The citizen has come to the window."""
    return await of_window(db, ARRIVE, hall, seat, press)


VISITED = visited(
    "ticket",
    "CASE WHEN m.booked_for IS NULL THEN 'window' ELSE 'booked' END",
    when="m.state = 'finished'",
    day="m.day",
    number="m.number",
    service="m.service",
    window="m.window_no",
    clerks="array_remove(m.clerk || array_remove(m.served_by, m.clerk), NULL)",
    started="least(m.served_at, m.ended_at)",
)
# With a step left the ticket goes on: here if this window serves the step, else it waits with number and place kept.
FINISH = recorded(
    f"""
WITH here AS (
    SELECT t.id, t.step >= cardinality(t.services) AS last, t.services[t.step + 1] AS service,
           coalesce(t.services[t.step + 1] = ANY(w.services), false) AS served_here
    FROM windows w JOIN tickets t ON t.hall = w.hall AND t.window_no = w.no AND t.state IN ('called', 'serving')
    WHERE w.hall = $1 AND w.no = $5 AND ($6::text IS NULL OR w.clerk = $6)
), moved AS (
    UPDATE tickets t SET
        state = CASE WHEN here.last THEN 'finished' WHEN here.served_here THEN 'serving' ELSE 'waiting' END::ticket_state,
        step = CASE WHEN here.last THEN t.step ELSE t.step + 1 END,
        service = CASE WHEN here.last THEN t.service ELSE here.service END,
        calls = CASE WHEN here.last OR here.served_here THEN t.calls ELSE 0 END,
        lane = CASE WHEN here.last OR t.lane <> 2 THEN t.lane ELSE 0 END,
        served_at = CASE WHEN here.last THEN coalesce(t.served_at, t.called_at) WHEN here.served_here THEN hall_clock() END,
        ended_at = CASE WHEN here.last THEN hall_clock() END,
        served_by = CASE WHEN here.last THEN t.served_by ELSE {AND_CLERK} END,
        for_window = NULL, delivery = $8,
        outcome = CASE WHEN $7 = 'done' AND (only_accepts(t.hall, t.matters, $5) OR EXISTS (
            SELECT FROM doors d WHERE (d.hall, d.day, d.service) = (t.hall, t.day, t.service) AND d.accept_only))
            THEN 'accepted' ELSE $7 END
    FROM here WHERE t.id = here.id AND t.state IN ('called', 'serving') RETURNING t.*
)"""
    + VISITED,
    "CASE WHEN m.state = 'finished' THEN 'ticket.finished' ELSE 'ticket.stepped' END",
    told("'outcome', m.outcome"),
)

OUTCOMES = ("done", "accepted", "consulted", "not_ready")


async def finish(
    db: Db, hall: Hall, seat: Seat, *, outcome: str = "done", delivery: str | None = None, press: Press | None = None
) -> Act:
    """Finish the matter in hand (arrival implied). A ticket with services left goes on to the next of them.

    A window that may not decide on its matters, and a day that only takes papers in, have taken them in: "done" there is kept
    as "accepted".
    """
    return await of_window(db, FINISH, hall, seat, press, one_of("outcome", outcome, OUTCOMES), delivery)


# Missed, or back in line behind the next `return_after` of those this window serves.
NO_SHOW = recorded(
    f"""
WITH line AS (
    SELECT q.rank_at, row_number() OVER (ORDER BY q.rank_at, q.id) AS place FROM windows w
    CROSS JOIN unnest(w.services) AS mine(service), LATERAL (
        SELECT x.id, x.rank_at FROM tickets x WHERE x.hall = $1 AND x.service = mine.service AND x.state = 'waiting'
          AND x.for_window IS NULL AND x.day = {TODAY}
        ORDER BY x.rank_at, x.id LIMIT $7) q
    WHERE w.hall = $1 AND w.no = $5
), behind AS (
    SELECT max(rank_at) + interval '1 microsecond' AS rank_at FROM line WHERE place <= $7
), moved AS (
    UPDATE tickets t SET
        state = CASE WHEN t.calls >= $8 THEN 'missed' ELSE 'waiting' END::ticket_state,
        rank_at = CASE WHEN t.calls >= $8 THEN t.rank_at ELSE greatest(t.rank_at, (SELECT rank_at FROM behind)) END,
        placed = 'returned'
    {HERE} AND t.state = 'called' AND t.called_at <= hall_clock() - make_interval(secs => $9::integer) RETURNING t.*
)""",
    "CASE WHEN m.state = 'missed' THEN 'ticket.missed' ELSE 'ticket.returned' END",
    told("'return_after', $7::integer"),
)


async def no_show(db: Db, hall: Hall, seat: Seat, *, press: Press | None = None) -> Act:
    """Nobody came. The ticket returns a few places later, or is missed once it was called often enough. May be TooEarly."""
    return await of_window(db, NO_SHOW, hall, seat, press, hall.return_after, hall.calls_before_missed, hall.min_call_s)


HOLD = recorded(
    f"""
WITH moved AS (
    UPDATE tickets t SET state = 'held', hold = $7, note = coalesce($8, t.note), held_at = hall_clock(), hold_told = false,
        hold_due = hall_clock() + make_interval(mins => nullif($9::integer, 0)) {HERE}
      AND t.state IN ('called', 'serving') RETURNING t.*
)""",
    "'ticket.held'",
    told("'hold', m.hold, 'due', m.hold_due"),
)

HOLD_MINUTES = {"with_papers": WITH_PAPERS, "without_papers": WITHOUT_PAPERS, "waiting": AWAITED}
HOLDS = tuple(HOLD_MINUTES)


async def hold(db: Db, hall: Hall, seat: Seat, kind: str, *, note: str | None = None, press: Press | None = None) -> Act:
    """Put the ticket aside; the window is free. `kind`: papers stay here, go with the citizen, or something is awaited. The
    hall's clock for that kind starts."""
    minutes = hall.value(HOLD_MINUTES[one_of("kind", kind, HOLDS)])
    return await of_window(db, HOLD, hall, seat, press, kind, note, minutes)


# A held ticket is taken back where it was held, or at a window that serves it should that one be shut.
RESUME = recorded(
    f"""
WITH {FREE_SEAT}, moved AS (
    UPDATE tickets t SET state = 'serving', window_no = seat.no, clerk = seat.clerk, hold = NULL,
        served_at = coalesce(t.served_at, hall_clock()),
        served_by = CASE WHEN t.served_at IS NULL OR t.clerk = seat.clerk THEN t.served_by ELSE {AND_CLERK} END
    FROM seat
    WHERE t.hall = $1 AND t.number = $7 AND t.day = {TODAY}
      AND t.state = 'held' AND (t.window_no = seat.no OR t.service = ANY(seat.services)) RETURNING t.*
)""",
    "'ticket.resumed'",
    told(),
)


async def resume_held(db: Db, hall: Hall, seat: Seat, number: str, *, press: Press | None = None) -> Act:
    """Take a held ticket back to a free window and go on serving it."""
    return await of_window(db, RESUME, hall, seat, press, number, free=True, number=number)


TRANSFER = recorded(
    f"""
WITH here AS (
    SELECT t.id, t.service AS from_service, t.for_window AS was_for,
        coalesce($7, CASE WHEN t.service = ANY(to_w.services || to_w.serves) THEN t.service
        ELSE coalesce(to_w.services[1], to_w.serves[1]) END, t.service) AS service
    FROM windows w
    JOIN tickets t ON t.hall = w.hall AND t.window_no = w.no
        AND CASE WHEN $11::text IS NULL THEN t.state IN ('called', 'serving') ELSE t.state = 'held' AND t.number = $11
            AND t.day = {TODAY} END
    LEFT JOIN windows to_w ON to_w.hall = w.hall AND to_w.no = $8
    WHERE w.hall = $1 AND w.no = $5 AND ($6::text IS NULL OR w.clerk = $6)
), head AS (
    SELECT min(q.rank_at) AS rank_at FROM here JOIN tickets q ON q.hall = $1 AND q.service = here.service AND q.state = 'waiting'
), moved AS (
    UPDATE tickets t SET state = 'waiting', service = here.service, lane = CASE WHEN t.lane = 2 AND here.service <> t.service
            THEN 0 ELSE t.lane END, for_window = $8, calls = 0, served_at = NULL, hold = NULL,
        served_by = CASE WHEN t.served_at IS NULL THEN t.served_by ELSE {AND_CLERK} END,
        note = coalesce($10, t.note), rank_at = CASE $9::text
            WHEN 'front' THEN least(t.rank_at, (SELECT rank_at FROM head) - interval '1 microsecond')
            WHEN 'back' THEN hall_clock() ELSE t.rank_at END, placed = CASE WHEN $9 IN ('front', 'back') THEN $9 ELSE t.placed END
    FROM here WHERE t.id = here.id AND t.state IN ('called', 'serving', 'held') RETURNING t.*, here.from_service, here.was_for
)""",
    "'ticket.transferred'",
    told("'from_service', m.from_service, 'was_for', m.was_for, 'from_window', m.window_no, 'position', $9::text"),
)

POSITIONS = ("front", "keep", "back")

TARGET = """SELECT ($2::text IS NULL OR EXISTS (SELECT FROM services WHERE hall = $1 AND code = $2)) AS service,
       ($3::text IS NULL OR EXISTS (SELECT FROM windows WHERE hall = $1 AND no = $3)) AS "window" """


async def transfer(
    db: Db,
    hall: Hall,
    seat: Seat,
    *,
    to_service: str | None = None,
    to_window: str | None = None,
    position: str = "back",
    note: str | None = None,
    number: str | None = None,
    press: Press | None = None,
) -> Act:
    """Send the ticket in hand (or the held one of that `number`) to another service or window; the number stays."""
    one_of("position", position, POSITIONS)
    if (to_service is None) == (to_window is None):
        raise BadInput(field="to_service", message="name a service or a window, one of them")
    target = await db.fetchrow(TARGET, hall.id, to_service, to_window)
    assert target is not None
    if not target["service"]:
        raise UnknownService(service=to_service)
    if not target["window"]:
        raise BadInput(field="to_window", message="there is no such window")
    return await of_window(db, TRANSFER, hall, seat, press, to_service, to_window, position, note, number, number=number)


async def of_window(
    db: Db,
    statement: str,
    hall: Hall,
    seat: Seat,
    press: Press | None,
    *more: object,
    free: bool = False,
    number: str | None = None,
) -> Act:
    """One act at a window: `free` where the window must have no ticket, `number` where the act names one."""

    async def act() -> Act:
        row = await db.fetchrow(statement, hall.id, seat.actor, *scope(press), seat.window, seat.clerk, *more)
        if row is None:
            raise await why_not(db, hall, seat, free=free, number=number)
        return done(row)

    return await once(db, press, act, again)


def one_of(field: str, value: str, allowed: tuple[str, ...]) -> str:
    """The value, if it is one of those allowed; else BadInput."""
    if value not in allowed:
        raise BadInput(field=field, message=f"one of {', '.join(allowed)}")
    return value


SITUATION = """
SELECT w.state::text AS window_state, w.clerk, t.number, t.state::text AS ticket_state,
       ceil(extract(epoch FROM t.called_at + make_interval(secs => $3::integer) - hall_clock()))::integer AS early_s
FROM windows w LEFT JOIN tickets t ON t.hall = w.hall AND t.window_no = w.no AND t.state IN ('called', 'serving')
WHERE w.hall = $1 AND w.no = $2
"""

STATE_OF = f"""
SELECT t.state::text, t.service, t.fenced AND t.state IN ('waiting', 'missed') AND NOT may_serve(t.hall, t.matters, w.no, w.clerk)
    AS fenced FROM tickets t JOIN windows w ON w.hall = t.hall AND w.no = $3
WHERE t.hall = $1 AND t.number = $2 AND t.day = {TODAY}
"""


async def refuse_unless_free(db: Db, hall: Hall, seat: Seat) -> None:
    """Raise what keeps this window from calling anyone, if anything does."""
    at = await db.fetchrow(SITUATION, hall.id, seat.window, 0)
    if at is None:
        raise NotFound(what="window")
    if at["window_state"] == "closed":
        raise WindowNotOpen(window=seat.window)
    if seat.clerk is not None and at["clerk"] != seat.clerk:
        raise NotYourWindow(window=seat.window)
    if at["window_state"] != "open":
        raise WindowNotOpen(window=seat.window)
    if at["number"] is not None:
        raise WindowBusy(ticket=at["number"])


async def why_not(db: Db, hall: Hall, seat: Seat, *, free: bool, number: str | None) -> Exception:
    """The reason an act at a window moved nothing, read after it was refused."""
    if free:
        await refuse_unless_free(db, hall, seat)
    at = await db.fetchrow(SITUATION, hall.id, seat.window, hall.min_call_s)
    if at is None:
        return NotFound(what="window")
    if at["window_state"] == "closed" and (number is None or seat.clerk is not None):
        return WindowNotOpen(window=seat.window)  # a held ticket leaves a closed window by a leader's or manager's hand
    if seat.clerk is not None and at["clerk"] != seat.clerk:
        return NotYourWindow(window=seat.window)
    if number is not None:
        found = await db.fetchrow(STATE_OF, hall.id, number, seat.window)
        if found is None:
            return NotFound(what="ticket")
        return (
            NotServedHere(service=found["service"], window=seat.window)
            if found["fenced"]
            else NotInThatState(state=found["state"])
        )
    if at["ticket_state"] == "called" and at["early_s"] > 0:
        return TooEarly(seconds=at["early_s"])
    return NothingAtWindow(state=at["ticket_state"] or at["window_state"])
