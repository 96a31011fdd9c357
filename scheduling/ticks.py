"""What is due by the clock in every hall: doors opened ahead, yesterday's tickets ended, old presses forgotten."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from queueing import alarms, persons
from queueing.day_roll import expire_day, hold_day
from queueing.db import Db, changed
from queueing.halls import Hall, business_day
from queueing.holds import tell_overdue
from scheduling import escorts, orders, self_service
from scheduling.appointments import forget_holders, let_fall
from scheduling.closing import follow_capacity
from scheduling.escalation import climb, offer_left
from scheduling.field import forget_papers
from scheduling.hours import open_doors
from scheduling.looks import forget_visitors
from scheduling.roster.attendance import BACK_DAYS, keep_attendance
from scheduling.roster.patterns import lay_patterns
from scheduling.roster.plans import lay_plans
from scheduling.rounds.store import forget_old
from scheduling.slots import lay_slots
from scheduling.statutory import keep_known


@dataclass(frozen=True, slots=True)
class Tick:
    """A rule that acts once in each period. `act` answers how many rows it changed; `every_s` is a multiple of 60."""

    rule: str
    every_s: int
    act: Callable[[Db, Hall], Awaitable[int]]


CLAIM = """
INSERT INTO ticks (rule, minute, subject) VALUES ($1, date_bin(make_interval(secs => $2), hall_now(), 'epoch'), $3)
ON CONFLICT DO NOTHING RETURNING minute
"""
DID = "UPDATE ticks SET did = $4 WHERE (rule, minute, subject) = ($1, $2, $3)"


async def run(db: Db, tick: Tick, hall: Hall) -> int | None:
    """Do what a rule owes a hall in this period; None when it has been done.

    The claim and the act are one transaction: a clock that dies in between leaves neither, a second clock waits for
    the row and finds it taken.
    """
    subject = f"hall:{hall.id}"
    async with db.transaction():
        minute = await db.fetchval(CLAIM, tick.rule, tick.every_s, subject)
        if minute is None:
            return None
        did = await tick.act(db, hall)
        if did:
            await db.execute(DID, tick.rule, minute, subject, did)
        return did


async def open_ahead(db: Db, hall: Hall) -> int:
    """Today's doors and tomorrow's, so that a clock that was away all night has not kept the hall shut."""
    return await open_doors(db, hall)


async def keep_calendar(db: Db, hall: Hall) -> int:
    """The years around today, so that next year's days are there, if only provisional, before anybody asks for them."""
    return await keep_known(db, await business_day(db, hall))


async def end_yesterday(db: Db, hall: Hall) -> int:
    """A ticket is good for its business day: what still waits after the roll expires, with another time offered to each."""
    await hold_day(db, hall.id)
    return await offer_left(db, hall) + await expire_day(db, hall.id, actor="clock")


async def tell_overdue_holds(db: Db, hall: Hall) -> int:
    """A ticket held longer than the hall allows for its kind is said to be overdue, once."""
    return await tell_overdue(db, hall.id)


async def forget_persons(db: Db, hall: Hall) -> int:
    """Hashes and masks of ID numbers go when the hall's days for them are over."""
    return await persons.forget(db, hall)


OLD_PRESSES = "DELETE FROM presses WHERE at < hall_now() - interval '24 hours'"


async def forget_presses(db: Db, hall: Hall) -> int:
    """A press is known again for 24 hours, as the interface promises."""
    return changed(await db.execute(OLD_PRESSES))


OLD_TICKS = "DELETE FROM ticks WHERE minute < hall_now() - interval '7 days'"


async def forget_ticks(db: Db, hall: Hall) -> int:
    """A week of the clock's own record is enough to see what it did."""
    return changed(await db.execute(OLD_TICKS))


async def lay_places(db: Db, hall: Hall) -> int:
    """The places that can be booked on the days to come, as calendar and windows stand now."""
    return await lay_slots(db, hall)


async def end_missed_bookings(db: Db, hall: Hall) -> int:
    """Bookings nobody came for within the hall's grace."""
    return await let_fall(db, hall)


async def forget_rounds(db: Db, hall: Hall) -> int:
    """Plans of days long past."""
    return await forget_old(db, hall)


async def forget_who_was_visited(db: Db, hall: Hall) -> int:
    """Who was visited at home, and where."""
    return await forget_visitors(db, hall)


async def forget_who_booked(db: Db, hall: Hall) -> int:
    """Names, telephones and hashes of bookings that are over."""
    return await forget_holders(db, hall)


async def lay_shift_patterns(db: Db, hall: Hall) -> int:
    """The usual shifts, as the sessions of each kind of day are now."""
    return await lay_patterns(db, hall)


async def lay_window_plans(db: Db, hall: Hall) -> int:
    """What windows are still to do today, as the published roster and the seats are now."""
    return await lay_plans(db, hall)


async def last_by_capacity(db: Db, hall: Hall) -> int:
    """Doors that give no more tickets than can be served by closing."""
    return await follow_capacity(db, hall)


async def climb_the_ladder(db: Db, hall: Hall) -> int:
    """What is due for people who wait too long or can't be served today."""
    return await climb(db, hall)


async def forget_alarms(db: Db, hall: Hall) -> int:
    """Alarms of the floor that were over long ago. No row of the record: nothing rings."""
    await alarms.forget(db, hall)
    return 0


async def mark_attendance(db: Db, hall: Hall) -> int:
    """Who was late, absent or away, and who stayed longer: yesterday and today."""
    return await keep_attendance(db, hall)


async def settle_attendance(db: Db, hall: Hall) -> int:
    """The same of the last two weeks, for a clock that was away."""
    return await keep_attendance(db, hall, BACK_DAYS)


async def tell_late_orders(db: Db, hall: Hall) -> int:
    """Agent orders whose stage is over its working days, once a day each."""
    return await orders.tell_overdue(db, hall)


async def free_left_machines(db: Db, hall: Hall) -> int:
    """Machines of the self-service area that somebody left without a word."""
    return await self_service.free_left(db, hall)


async def end_forgotten_escorts(db: Db, hall: Hall) -> int:
    """Escorts of visitors who have long been served."""
    return await escorts.end_forgotten(db, hall)


async def forget_whose_orders(db: Db, hall: Hall) -> int:
    """Names, telephones and addresses of orders that are over."""
    return await orders.forget_holders(db, hall)


async def forget_photos(db: Db, hall: Hall) -> int:
    """Photos of papers and drawn names of doorstep visits that are over."""
    return await forget_papers(db, hall)


TICKS = (
    Tick("calendar.keep", 3600, keep_calendar),
    Tick("doors.open", 60, open_ahead),
    Tick("tickets.expire", 60, end_yesterday),
    Tick("holds.overdue", 60, tell_overdue_holds),
    Tick("persons.forget", 3600, forget_persons),
    Tick("slots.lay", 600, lay_places),
    Tick("doors.capacity", 60, last_by_capacity),
    Tick("ladder.climb", 60, climb_the_ladder),
    Tick("alarms.forget", 3600, forget_alarms),
    Tick("patterns.lay", 600, lay_shift_patterns),
    Tick("plans.lay", 60, lay_window_plans),
    Tick("attendance.mark", 300, mark_attendance),
    Tick("attendance.settle", 3600, settle_attendance),
    Tick("appointments.end", 60, end_missed_bookings),
    Tick("appointments.forget", 3600, forget_who_booked),
    Tick("doorstep.forget", 3600, forget_who_was_visited),
    Tick("rounds.forget", 3600, forget_rounds),
    Tick("orders.overdue", 600, tell_late_orders),
    Tick("machines.left", 60, free_left_machines),
    Tick("escorts.end", 300, end_forgotten_escorts),
    Tick("orders.forget", 3600, forget_whose_orders),
    Tick("papers.forget", 3600, forget_photos),
    Tick("presses.forget", 600, forget_presses),
    Tick("ticks.forget", 3600, forget_ticks),
)
