"""The ladder: what the hall does for people who wait too long or can't be served today, one step after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from queueing.db import Db
from queueing.forecast import Load, expect, loads
from queueing.halls import Hall
from queueing.settings import Setting
from queueing.tickets import TODAY
from queueing.windows import REACHED
from scheduling.appointments import OWED
from scheduling.ladder_rows import Offer, move_on, offer
from scheduling.offers import next_free
from scheduling.teams import at_the_door

# Somebody has waited so long; 0: waiting alone does not lead to that step.
ALERT = Setting("ladder_alert_min", 20, 0, 600, "minutes")
TIDAL = Setting("ladder_tidal_min", 30, 0, 600, "minutes")
HELPERS = Setting("ladder_helpers_min", 40, 0, 600, "minutes")
EXTEND = Setting("ladder_extend_min", 60, 0, 600, "minutes")  # so long before closing it is judged whether the time will do
SLOT = Setting("ladder_slot_min", 60, 0, 600, "minutes")
DOORSTEP = Setting("ladder_doorstep_min", 90, 0, 600, "minutes")
ANSWER = Setting("ladder_answer_min", 10, 1, 120, "minutes")  # a visitor's step without an answer for so long: the next one too
KEPT = Setting("ladder_kept_days", 7, 0, 30, "days")  # a slot offered to who left without an answer can be taken for so long
AGAIN = Setting("ladder_again_min", 30, 1, 600, "minutes")  # the same step is not offered to the same service again for so long


@dataclass(frozen=True, slots=True)
class Rung:
    """A step. `after`: minutes waited until it is due, for `extend` minutes before closing. `asks`: who decides, the hall
    for a service or the visitor for one ticket."""

    step: str
    after: Setting[int]
    asks: str


LADDER = (
    Rung("alert", ALERT, "hall"),
    Rung("tidal", TIDAL, "hall"),
    Rung("helpers", HELPERS, "hall"),
    Rung("extend", EXTEND, "hall"),
    Rung("slot", SLOT, "visitor"),
    Rung("doorstep", DOORSTEP, "visitor"),
)
SETTINGS: tuple[Setting[int], ...] = (*(rung.after for rung in LADDER), ANSWER, KEPT, AGAIN, OWED)
HALL_STEPS = tuple(rung.step for rung in LADDER if rung.asks == "hall")
VISITOR_STEPS = tuple(rung.step for rung in LADDER if rung.asks == "visitor")
CALM = 5  # minutes below its threshold until a hall's step lapses: one call does not end it


@dataclass(frozen=True, slots=True)
class Queue:
    """A service now. `late`: who stands last won't be out by closing. `stays`: windows stay until all are served."""

    service: str
    waiting: int
    longest: float  # minutes
    closes: datetime | None
    stays: bool
    late: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A living ticket that no window has. `drained`: its last ticket is out, `reached`: an open window can serve it; `slot` is
    how its offer of a slot stands, `silent` that nobody answered it in time."""

    ticket: int
    service: str
    state: str
    waited: float  # minutes
    drained: bool
    closed: bool
    stays: bool
    reached: bool
    slot: str | None
    silent: bool
    doorstep: str | None

    @property
    def left(self) -> bool:
        """Nobody will serve them today as things stand."""
        return (self.drained and not self.reached) or (self.closed and not self.stays)


def thresholds(hall: Hall) -> dict[str, int | None]:
    """Minutes of waiting until each step, never less than of the step before; None where waiting does not lead there."""
    found: dict[str, int | None] = {}
    most = 0
    for rung in LADDER:
        value = hall.value(rung.after)
        if rung.step == "extend":
            continue
        most = max(most, value)
        found[rung.step] = most if value else None
    return found


def hall_steps(queue: Queue, after: Mapping[str, int | None], *, calm: int = 0) -> list[str]:
    """The hall's steps that are due for a service; with `calm`, those that are still."""
    if not queue.waiting:
        return []
    due = [step for step in HALL_STEPS if (at := after.get(step)) is not None and queue.longest >= at - calm]
    return [*due, "extend"] if queue.late else due


def visitor_steps(case: Case, after: Mapping[str, int | None]) -> list[str]:
    """The steps that are due for one visitor and not yet offered: a slot first, and a visit when that was not taken."""
    waits = case.waited if case.state == "waiting" else 0.0
    due = [step for step in VISITOR_STEPS if case.left or ((at := after[step]) is not None and waits >= at)]
    if "slot" in due and case.slot is None:
        return ["slot"]
    tried = case.slot in ("refused", "lapsed") or case.silent
    return ["doorstep"] if "doorstep" in due and case.doorstep is None and tried else []


# --- the clock's part --------------------------------------------------------------------------------------------

HERE = """
WITH hall AS (
    SELECT id, hall_now() AS now, business_day(hall_now(), time_zone, day_starts) AS day, always_open FROM halls WHERE id = $1
), door AS (
    SELECT d.service, max(d.last_ticket) AS last_ticket, max(d.closes) AS closes, bool_or(d.drain) AS stays
    FROM hall JOIN doors d ON d.hall = hall.id AND d.day = hall.day GROUP BY d.service
), living AS (
    SELECT t.* FROM hall JOIN tickets t ON t.hall = hall.id AND t.day = hall.day AND t.state = 'waiting' AND t.for_window IS NULL
    UNION ALL
    SELECT t.* FROM hall JOIN tickets t ON t.hall = hall.id AND t.day = hall.day
    WHERE t.state = 'waiting' AND t.for_window IS NOT NULL
    UNION ALL
    SELECT t.* FROM hall JOIN tickets t ON t.hall = hall.id AND t.day = hall.day WHERE t.state IN ('held', 'missed')
)"""
QUEUES = (
    HERE
    + """
SELECT t.service, count(*)::int AS waiting, max(extract(epoch FROM hall.now - t.joined_at))::float / 60 AS longest,
       CASE WHEN NOT hall.always_open THEN d.closes END AS closes, coalesce(d.stays, true) AS stays
FROM living t CROSS JOIN hall LEFT JOIN door d USING (service) WHERE t.state = 'waiting'
GROUP BY t.service, d.closes, d.stays, hall.always_open ORDER BY t.service
"""
)
NOW = "SELECT hall_now()"


async def queues(db: Db, hall: Hall) -> list[Queue]:
    """Every service somebody waits for."""
    now: datetime = await db.fetchval(NOW)
    rows = await db.fetch(QUEUES, hall.id)
    load = await loads(db, hall.id) if rows else {}
    soon = timedelta(minutes=hall.value(EXTEND))
    return [
        Queue(**row, late=bool(soon) and late(load[row["service"]], row["closes"], now, soon)) for row in rows
    ]  # fmt: skip


def late(load: Load, closes: datetime | None, now: datetime, soon: timedelta) -> bool:
    """Whether, `soon` before closing, the last of a queue is called after it in half of the plays. False without a window."""
    if closes is None or now < closes - soon:
        return False
    wait = expect(load, load.ahead)
    return wait is not None and now + timedelta(seconds=wait.p50_s) > closes


CASES = (
    HERE
    + f"""
SELECT t.id AS ticket, t.service, t.state::text AS state, extract(epoch FROM hall.now - t.joined_at)::float / 60 AS waited,
       coalesce(d.last_ticket <= hall.now, true) AS drained, coalesce(d.closes <= hall.now, true) AS closed,
       coalesce(d.stays, true) AS stays, {REACHED} AS reached, slot.state AS slot,
       coalesce(slot.state = 'offered' AND slot.offered_at <= hall.now - make_interval(mins => $3), false) AS silent,
       visit.state AS doorstep
FROM living t CROSS JOIN hall LEFT JOIN door d USING (service)
LEFT JOIN escalations slot ON slot.hall = t.hall AND slot.ticket = t.id AND slot.step = 'slot'
LEFT JOIN escalations visit ON visit.hall = t.hall AND visit.ticket = t.id AND visit.step = 'doorstep'
WHERE (t.state = 'waiting' AND t.joined_at <= hall.now - make_interval(mins => $2) OR coalesce(d.last_ticket <= hall.now, true))
  AND ($4::bigint IS NULL OR t.id = $4)
ORDER BY t.rank_at, t.id
"""
)
NEVER = 100_000  # minutes


async def cases(db: Db, hall: Hall, ticket: int | None = None) -> list[Case]:
    """The visitors for whom a step may be due, in the order of the queues; or that one."""
    after = thresholds(hall)
    first = min((at for step in VISITOR_STEPS if (at := after[step]) is not None), default=NEVER)
    return [Case(**row) for row in await db.fetch(CASES, hall.id, first, hall.value(ANSWER), ticket)]


RECENT = f"""
SELECT DISTINCT ON (step, service) step, service, state FROM escalations
WHERE hall = $1 AND day = {TODAY} AND ticket IS NULL
  AND (state = 'offered' OR offered_at > hall_now() - make_interval(mins => $2))
ORDER BY step, service, offered_at DESC
"""


async def climb(db: Db, hall: Hall) -> int:
    """What is due now, once a minute: steps whose cause is gone lapse, steps that are due are offered. Rows the record got.

    However long no clock ran, it goes by how things stand: nobody is offered a step twice, and none is left out.
    """
    after = thresholds(hall)
    here = await queues(db, hall)
    still = [(step, queue.service) for queue in here for step in hall_steps(queue, after, calm=CALM)]
    recent = {(row["step"], row["service"]) for row in await db.fetch(RECENT, hall.id, hall.value(AGAIN))}
    made = [
        hall_offer(step, queue)
        for queue in here
        for step in hall_steps(queue, after)
        if (step, queue.service) not in recent
    ]  # fmt: skip
    asked = [(case, step) for case in await cases(db, hall) for step in visitor_steps(case, after)]
    return await move_on(db, hall, still, [*made, *await visitor_offers(db, hall, asked)], hall.value(KEPT))


def hall_offer(step: str, queue: Queue) -> Offer:
    """A step of the hall's; where the kind of day has windows stay anyway, extended hours need nobody's word."""
    said = {"waiting": queue.waiting, "longest": int(queue.longest)}
    agreed = step == "extend" and queue.stays
    return Offer(step, queue.service, None, said, "accepted" if agreed else "offered", "day" if agreed else None)


async def visitor_offers(db: Db, hall: Hall, asked: Sequence[tuple[Case, str]]) -> list[Offer]:
    """The steps of visitors, each with what is offered."""
    if not asked:
        return []
    free, home = await next_free(db, hall), await at_the_door(db, hall)
    return [visitor_offer(case, step, free.get(case.service), home) for case, step in asked]


def visitor_offer(case: Case, step: str, free: datetime | None, home: bool) -> Offer:
    """A step of a visitor's. Where no slot is free, or the hall goes to nobody's door, it comes to nothing and says so."""
    if step == "slot":
        return slot_offer(case.ticket, case.service, free)
    return Offer(step, case.service, case.ticket) if home else Offer(step, case.service, case.ticket, {}, "lapsed", "none_made")


def slot_offer(ticket: int, service: str, free: datetime | None) -> Offer:
    """Another time: the first that is free, or word that none is."""
    if free is None:
        return Offer("slot", service, ticket, {}, "lapsed", "none_free")
    return Offer("slot", service, ticket, {"start": free.isoformat()})


LEFT_OVER = f"""
SELECT t.id AS ticket, t.service FROM (
    SELECT * FROM tickets WHERE hall = $1 AND day < {TODAY} AND state = 'waiting' AND for_window IS NULL
    UNION ALL SELECT * FROM tickets WHERE hall = $1 AND day < {TODAY} AND state = 'waiting' AND for_window IS NOT NULL
    UNION ALL SELECT * FROM tickets WHERE hall = $1 AND day < {TODAY} AND state IN ('held', 'missed')) t
WHERE NOT EXISTS (SELECT FROM escalations e WHERE e.hall = t.hall AND e.ticket = t.id AND e.step = 'slot') ORDER BY t.id
"""


async def offer_left(db: Db, hall: Hall) -> int:
    """Another time for whoever a past day left over without one: no clock ran that evening. To be called before that day ends."""
    rows = await db.fetch(LEFT_OVER, hall.id)
    if not rows:
        return 0
    free = await next_free(db, hall)
    made = [slot_offer(row["ticket"], row["service"], free.get(row["service"])) for row in rows]
    return await offer(db, hall, made, actor="clock")
