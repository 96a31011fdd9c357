"""What somebody who asked for a visit is told: accepted, planned, on the way, declined with the reason, the result is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from displays import contacts, notices
from displays.notices import Word
from displays.sealed import Seal
from floor.database import Db
from floor.words import words
from queueing.halls import Hall, business_day
from scheduling.doorstep import DECLINES, ENDINGS, FORGET_AFTER, Visit, by_key, told_window

# The word that goes out once a visit is in a state.
SAYS = {
    "requested": "visit_asked", "accepted": "visit_accepted", "scheduled": "visit_planned", "on_the_way": "visit_coming",
    "declined": "visit_declined", "cancelled": "visit_off", "completed": "visit_done",
}  # fmt: skip


GOES_OUT = ("waiting", "sent")  # of a notice that reached whoever asked, or will


@dataclass(frozen=True, slots=True)
class Owed:
    """Word that was owed about the visit of this key, because of the time `at` (None: of no time)."""

    key: str
    template: str
    at: datetime | None = None


def subject(key: str) -> str:
    """What a visit is called where numbers to write to are kept."""
    return f"visit:{key}"


def time_told(hall: Hall, start: datetime) -> dict[str, str]:
    """A planned time as the hall tells it: 03-02, 09:00–10:00."""
    first, last = told_window(hall, start)
    return {"day": f"{first:%m-%d}", "time": f"{first:%H:%M}–{last:%H:%M}" if last else f"{first:%H:%M}"}


def word_of(hall: Hall, visit: Visit, template: str, now: datetime) -> Word:
    """One notice about a visit: once, or once for each time that was told for it."""
    data: dict[str, Any] = {"code": visit.number}
    if visit.start is not None:
        data |= time_told(hall, visit.start)
    if visit.why in DECLINES:
        data["reason"] = words(visit.lang)[f"doorstep.why_{visit.why}"]
    return Word(subject(visit.key), template, step_of(hall, template, visit.start), now, data)


def step_of(hall: Hall, template: str, at: datetime | None) -> int:
    """What tells one time of a visit from another, so that word of each goes out once: moved within what was told, there is
    nothing to tell again. A delay is told to the minute."""
    if at is None:
        return 1
    return int((at if template == "visit_late" else told_window(hall, at)[0]).timestamp()) // 60


HEARD = """
SELECT substr(n.subject, 7) AS key, n.state::text AS state FROM notices n
JOIN unnest($2::text[], $3::text[], $4::integer[]) AS owed (subject, template, step)
    ON (n.subject, n.template, n.step) = (owed.subject, owed.template, owed.step)
WHERE n.hall = $1
"""


async def heard(db: Db, hall: Hall, owed: Sequence[Owed]) -> dict[str, str]:
    """What became of this word, by the visit's key: waiting, sent, failed or dropped; nothing where nobody can be written to."""
    columns = [subject(it.key) for it in owed], [it.template for it in owed], [step_of(hall, it.template, it.at) for it in owed]
    return {row["key"]: row["state"] for row in await db.fetch(HEARD, hall.id, *columns)}


async def keep(db: Db, hall: Hall, visit: str, phone: str, *, seal: Seal, lang: str) -> bool:
    """Word of this visit goes to that number, until it is over and its result out. False where nothing is sent."""
    day = await business_day(db, hall) + timedelta(days=hall.value(FORGET_AFTER))
    return await contacts.keep(db, hall.id, subject(visit), phone, seal=seal, lang=lang, day=day)


async def tell(db: Db, hall: Hall, visit: Visit, template: str | None = None) -> None:
    """Owe one notice about a visit: of the state it is in, or this one. Whoever moves a visit calls it behind the act."""
    said = template or ("visit_missed" if visit.outcome == "nobody_home" else SAYS.get(visit.state))
    today = await business_day(db, hall)
    over = visit.state in ENDINGS and visit.state != "completed"
    until = today if over else max(today, visit.day or today) + timedelta(days=hall.value(FORGET_AFTER))
    await contacts.keep_until(db, subject(visit.key), until)
    if said is not None:
        now: datetime = await db.fetchval("SELECT hall_now()")
        await notices.owe(db, hall, [word_of(hall, visit, said, now)])


async def tell_late(db: Db, hall: Hall, visit: Visit, expected: datetime) -> None:
    """Owe word that the team will be at the door at this time instead; once for each time it said."""
    comes, now = expected.astimezone(ZoneInfo(hall.time_zone)), await db.fetchval("SELECT hall_now()")
    data = {"code": visit.number, "day": f"{comes:%m-%d}", "time": f"{comes:%H:%M}"}
    await notices.owe(db, hall, [Word(subject(visit.key), "visit_late", step_of(hall, "visit_late", expected), now, data)])


async def tell_open(db: Db, hall: Hall, visit: Visit, was: datetime) -> None:
    """Owe word that the time a visit had is no more, and another will be told; once for each time it had."""
    now: datetime = await db.fetchval("SELECT hall_now()")
    data = {"code": visit.number} | time_told(hall, was)
    await notices.owe(db, hall, [Word(subject(visit.key), "visit_open", step_of(hall, "visit_open", was), now, data)])


async def tell_result(db: Db, hall: Hall, key: str, tracking: str | None) -> None:
    """Owe word that the result is there, or in the mail under this number."""
    now: datetime = await db.fetchval("SELECT hall_now()")
    data = {"code": (await by_key(db, key)).number, "tracking": tracking or ""}
    await notices.owe(db, hall, [Word(subject(key), "visit_sent" if tracking else "visit_result", 1, now, data)])


async def follow(db: Db, hall: Hall, ticket: str, visit: str, *, seal: Seal, lang: str) -> None:
    """A ticket became this visit: word of it goes where word of the ticket went."""
    contact = await contacts.find(db, ticket, seal)
    if contact is not None:
        day = await business_day(db, hall) + timedelta(days=hall.value(FORGET_AFTER))
        await contacts.keep(db, hall.id, subject(visit), contact.address, seal=seal, lang=lang, kind=contact.kind, day=day)
        await contacts.forget(db, ticket)
