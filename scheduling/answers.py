"""What becomes of a step of the ladder: taken or refused, by the visitor, by the desk for them, or by the hall."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from queueing import journal
from queueing.db import Db, Press, Row, keep, once
from queueing.errors import NotFound
from queueing.halls import Hall
from queueing.tickets import TODAY, Ticket, by_key, carry
from scheduling import appointments
from scheduling.appointments import Appointment, Booked, Holder
from scheduling.errors import NotAtTheDoor, NothingFree, OutsideHours, SlotFull, StepIs
from scheduling.escalation import ALERT, NOW, SLOT, VISITOR_STEPS, cases, thresholds, visitor_offers, visitor_steps
from scheduling.ladder_rows import Offer, offer, settle
from scheduling.slots import BOOK_AHEAD
from scheduling.teams import at_the_door

TRIES = 5  # slots that somebody else took in the same instant
WHY = ("no_need", "another_way", "time", "other")  # words of a refusal that the record keeps


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was offered. `start`: of the next slot that is free while it stands, of the one that was taken; None where
    all are gone. `code`: of the booking that came of it."""

    id: int
    step: str
    service: str
    ticket: int | None
    number: str | None
    state: str
    why: str | None
    start: datetime | None
    waiting: int | None
    longest: int | None
    offered_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    taken_by: str | None  # who goes and asks
    code: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A step was refused: which one is offered `next`. `replayed`: this press had acted before."""

    next: str | None
    replayed: bool = False


NEXT = f"""
SELECT min(s.start) FROM slots s JOIN services v ON v.hall = s.hall AND v.code = s.service AND v.bookable
WHERE s.hall = e.hall AND s.service = e.service AND s.taken < s.capacity + s.spare AND s.capacity > 0
  AND s.start > hall_now() + make_interval(mins => setting(e.hall, '{BOOK_AHEAD.name}', {BOOK_AHEAD.usual}))
  AND (s.matters IS NULL OR t.matters <> '{{}}' AND t.matters <@ s.matters)
"""
SHOWN = f"""
SELECT e.id, e.step, e.service, e.ticket, t.number, e.state, e.why,
       CASE WHEN a.code IS NOT NULL THEN a.start WHEN e.state = 'offered' AND e.step = 'slot' THEN ({NEXT})
            ELSE (e.offer ->> 'start')::timestamptz END AS start,
       (e.offer ->> 'waiting')::integer AS waiting, (e.offer ->> 'longest')::integer AS longest, e.offered_at, e.decided_at,
       e.decided_by, e.taken_by, a.code
FROM escalations e LEFT JOIN tickets t ON t.id = e.ticket LEFT JOIN appointments a ON a.owed = e.ticket AND e.step = 'slot'
"""
OF_TICKET = SHOWN + "WHERE e.ticket = $1 ORDER BY e.id"
OF_DAY = f"{SHOWN} WHERE e.hall = $1 AND e.day = {TODAY} ORDER BY e.id"


async def of_ticket(db: Db, ticket: int) -> list[Step]:
    """What one visitor was offered, in order."""
    return [Step(**row) for row in await db.fetch(OF_TICKET, ticket)]


async def of_day(db: Db, hall: Hall) -> list[Step]:
    """All that was offered today, in order."""
    return [Step(**row) for row in await db.fetch(OF_DAY, hall.id)]


UNANSWERED = f"""
{SHOWN} WHERE e.hall = $1 AND e.day = {TODAY} AND e.ticket IS NOT NULL AND e.state = 'offered' AND t.ended_at IS NULL
  AND t.state <> 'serving' ORDER BY e.offered_at, e.id
"""


async def unanswered(db: Db, hall: Hall) -> list[Step]:
    """What visitors were offered today and have not answered, the oldest first; nobody asks who is being served."""
    return [Step(**row) for row in await db.fetch(UNANSWERED, hall.id)]


# --- by the visitor, or the desk for them -------------------------------------------------------------------------

DECIDE = """
UPDATE escalations e SET state = $5, why = $6, decided_at = hall_now(), decided_by = $4 FROM tickets t
WHERE e.hall = $1 AND t.hall = $1 AND t.key = $2 AND e.ticket = t.id AND e.step = $3 AND e.state = 'offered'
  AND (t.state IN ('waiting', 'called', 'held', 'missed') OR t.state = 'expired' AND e.step = 'slot')
RETURNING e.id, e.service, e.step, t.id AS ticket, t.ended_at IS NULL AS lives, t.number, t.person, t.id_mask, t.matters, t.lang
"""


LOCK = "SELECT id FROM tickets WHERE hall = $1 AND key = $2 FOR NO KEY UPDATE"
LOCK_STEPS = """
SELECT e.id FROM escalations e JOIN tickets t ON t.id = e.ticket WHERE t.hall = $1 AND t.key = $2 AND e.state = 'offered'
ORDER BY e.id FOR NO KEY UPDATE OF e
"""


async def decided(db: Db, hall: Hall, key: str, step: str, state: str, why: str | None, actor: str) -> Row:
    """Write down an answer; StepIs when the step was not offered, was answered, or its ticket is at a window or through.

    The ticket is locked first: whoever calls it waits for no record that waits for the ticket. Then all its steps: those that
    an answer ends too are ended with the record in hand.
    """
    await db.execute(LOCK, hall.id, key)
    await db.execute(LOCK_STEPS, hall.id, key)
    row = await db.fetchrow(DECIDE, hall.id, key, step, actor, state, why)
    if row is not None:
        return row
    ticket = await by_key(db, key)
    if ticket.hall != hall.id:
        raise NotFound(what="ticket")
    mine = [one.state for one in await of_ticket(db, ticket.id) if one.step == step]
    raise StepIs(state=mine[0] if mine and mine[0] != "offered" else ticket.state)


async def told(db: Db, hall: Hall, row: Row, state: str, actor: str, **more: object) -> None:
    data = {"escalation": row["id"], "step": row["step"], "service": row["service"], "ticket": row["number"]} | more
    await journal.append(db, hall.id, f"escalation.{state}", actor, data=data, cause="ladder", ticket=row["ticket"])


FREE = """
SELECT s.start FROM slots s JOIN services v ON v.hall = s.hall AND v.code = s.service AND v.bookable
WHERE s.hall = $1 AND s.service = $2 AND s.taken < s.capacity + s.spare AND s.capacity > 0
  AND s.start > hall_now() + make_interval(mins => $3) AND s.start > $4
  AND (s.matters IS NULL OR $5::text[] <> '{}' AND $5 <@ s.matters) ORDER BY s.start LIMIT 1
"""
OWE = "UPDATE appointments SET owed = $2 WHERE code = $1"


async def take_slot(
    db: Db, hall: Hall, key: str, *, actor: str, channel: str, start: datetime | None = None, press: Press | None = None
) -> Booked:
    """Take the slot that was offered: the first that is free now, or the one that is named. Its holder goes before the others
    booked for that time, and the ticket ends, where its day has not ended it.

    Raises StepIs, NothingFree, SlotFull (the one named), and what booking raises of a person (TooManyBookings, Banned).
    """
    minted = appointments.new_code()

    async def act() -> tuple[str, bool]:
        async with db.transaction():
            row = await decided(db, hall, key, "slot", "accepted", None, actor)
            booked = await first_free(db, hall, row, minted, start, actor=actor, channel=channel)
            await db.execute(OWE, booked.code, row["ticket"])
            await keep(db, press, 200, {"code": booked.code})
            await told(db, hall, row, "accepted", actor, start=booked.start.isoformat())
            if row["lives"]:
                await carry(db, hall, key, "slot", actor=actor)
            await settle(db, hall, row["ticket"])
            return booked.code, False

    code, replayed = await once(db, press, act, lambda kept: (str(kept.answer["code"]), True))
    return Booked(await appointments.by_code(db, code), replayed)


async def first_free(
    db: Db, hall: Hall, row: Row, code: str, start: datetime | None, *, actor: str, channel: str
) -> Appointment:  # fmt: skip
    holder, now = Holder(person=row["person"], id_mask=row["id_mask"]), await db.fetchval(NOW)
    after, wanted = now, start
    for _ in range(TRIES):
        if start is None:
            wanted = await db.fetchval(FREE, hall.id, row["service"], hall.value(BOOK_AHEAD), after, row["matters"])
        if wanted is None:
            raise NothingFree()
        try:
            made = await appointments.book(
                db, hall, row["service"], wanted, holder, actor=actor, channel=channel, matters=row["matters"], lang=row["lang"],
                code=code,
            )  # fmt: skip
            return made.appointment
        except (SlotFull, OutsideHours):
            if start is not None:
                raise
            after = wanted
    raise NothingFree()


async def refuse(db: Db, hall: Hall, key: str, step: str, why: str, *, actor: str, press: Press | None = None) -> Refusal:
    """Say no to a step, with the reason. The next step that is due, offered at once; a visitor who is left over and was
    offered every step is through: the ticket ends, declined.

    `why` is one of WHY, or words of the desk's own, of which the record keeps only that there were some.
    """

    async def act() -> Refusal:
        async with db.transaction():
            row = await decided(db, hall, key, step, "refused", why, actor)
            following = await next_step(db, hall, row["ticket"], actor)
            await keep(db, press, 200, {"next": following})
            await told(db, hall, row, "refused", actor, why=why if why in WHY else "other")
            if following is None and await is_left(db, hall, row["ticket"]):
                await carry(db, hall, key, "declined", actor=actor)
            return Refusal(following)

    return await once(db, press, act, lambda kept: Refusal(kept.answer["next"], replayed=True))


async def next_step(db: Db, hall: Hall, ticket: int, actor: str) -> str | None:
    """Offer what is due for one visitor now; the step that stands, None for none."""
    after = thresholds(hall)
    due = [(case, step) for case in await cases(db, hall, ticket) for step in visitor_steps(case, after)]
    await offer(db, hall, await visitor_offers(db, hall, due), actor=actor)
    return next((one.step for one in reversed(await of_ticket(db, ticket)) if one.state == "offered"), None)


async def is_left(db: Db, hall: Hall, ticket: int) -> bool:
    """Whether nobody will serve this visitor today, and every step was offered."""
    return any(case.left and case.slot and case.doorstep for case in await cases(db, hall, ticket))


TAKE_ON = """
UPDATE escalations e SET taken_by = $4, taken_at = hall_now() FROM tickets t
WHERE e.hall = $1 AND t.hall = $1 AND t.key = $2 AND e.ticket = t.id AND e.step = $3 AND e.state = 'offered'
  AND e.taken_by IS NULL
RETURNING e.id, e.service, e.step, t.id AS ticket, t.number
"""


async def take_on(db: Db, hall: Hall, key: str, step: str, *, actor: str) -> bool:
    """Somebody goes and asks who has not answered; False where somebody does already, or there is nothing to ask any more."""
    async with db.transaction():
        row = await db.fetchrow(TAKE_ON, hall.id, key, step, actor)
        if row is None:
            return False
        await told(db, hall, row, "taken_on", actor)
    return True


def may_ask(hall: Hall, ticket: Ticket, now: datetime) -> bool:
    """Whether a visitor may ask for another time before it is offered: after a wait the hall calls long. A slot without a name is
    for whom the hall has kept waiting, and for nobody who takes numbers to get slots."""
    return now - ticket.joined_at >= timedelta(minutes=hall.value(ALERT) or hall.value(SLOT) or SLOT.usual)


# --- by the desk -------------------------------------------------------------------------------------------------


async def offer_now(db: Db, hall: Hall, key: str, step: str, *, actor: str) -> None:
    """Offer a visitor's step before the ladder does; one that was offered already stays as it is. StepIs, NotFound."""
    if step not in VISITOR_STEPS:
        raise NotFound(what="step")
    ticket = await by_key(db, key)
    if ticket.hall != hall.id:
        raise NotFound(what="ticket")
    if ticket.state not in ("waiting", "called", "held", "missed"):
        raise StepIs(state=ticket.state)
    free = None
    if step == "slot":
        now = await db.fetchval(NOW)
        free = await db.fetchval(FREE, hall.id, ticket.service, hall.value(BOOK_AHEAD), now, ticket.matters)
        if free is None:
            raise NothingFree()
    elif not await at_the_door(db, hall):
        raise NotAtTheDoor()
    said = {"start": free.isoformat()} if free else {}
    async with db.transaction():
        await offer(db, hall, [Offer(step, ticket.service, ticket.id, said)], actor=actor)


# --- by the hall -------------------------------------------------------------------------------------------------

ANSWER = """
UPDATE escalations SET state = $3, why = $4, decided_at = hall_now(), decided_by = $5
WHERE hall = $1 AND id = $2 AND state = 'offered' AND ticket IS NULL
RETURNING id, service, step, ticket, NULL::text AS number
"""
STANDS = "SELECT step, service, state FROM escalations WHERE hall = $1 AND id = $2 AND ticket IS NULL FOR UPDATE"
STAY = f"""
UPDATE doors SET drain = true WHERE hall = $1 AND service = $2 AND day = {TODAY} AND NOT drain
"""


async def stands(db: Db, hall: Hall, escalation: int, accept: bool) -> tuple[str, str] | None:
    """A step of the hall's and its service, locked for the caller who decides it; None when it has been decided so already.

    NotFound; StepIs when it was decided otherwise.
    """
    row = await db.fetchrow(STANDS, hall.id, escalation)
    if row is None:
        raise NotFound(what="step")
    if row["state"] == "offered":
        return row["step"], row["service"]
    if row["state"] != ("accepted" if accept else "refused"):
        raise StepIs(state=row["state"])
    return None


async def answer(db: Db, hall: Hall, escalation: int, accept: bool, *, actor: str, why: str | None = None) -> None:
    """Decide a step of the hall's that stands, at the end of the caller's transaction. Extended hours taken mean that windows
    stay until everybody queued for the service is served."""
    state = "accepted" if accept else "refused"
    row = await db.fetchrow(ANSWER, hall.id, escalation, state, why, actor)
    assert row is not None, "it stands"
    if accept and row["step"] == "extend":
        await db.execute(STAY, hall.id, row["service"])
        await journal.append(db, hall.id, "hours.extended", actor, data={"service": row["service"]}, cause="ladder")
    await told(db, hall, row, state, actor, **({"why": why if why in WHY else "other"} if why else {}))
