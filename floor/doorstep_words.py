"""What somebody who asked for a visit is told: accepted, planned, on the way, declined with the reason, the result is there."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from displays import contacts, notices
from displays.notices import Word
from displays.sealed import Seal
from floor.database import Db
from floor.words import words
from queueing.halls import Hall, business_day
from scheduling.doorstep import DECLINES, ENDINGS, FORGET_AFTER, Visit

# The word that goes out once a visit is in a state.
SAYS = {
    "requested": "visit_asked", "accepted": "visit_accepted", "scheduled": "visit_planned", "on_the_way": "visit_coming",
    "declined": "visit_declined", "cancelled": "visit_off",
}  # fmt: skip


def subject(key: str) -> str:
    """What a visit is called where numbers to write to are kept."""
    return f"visit:{key}"


def word_of(hall: Hall, visit: Visit, template: str, now: datetime) -> Word:
    """One notice about a visit: once, or once for each time that was set for it."""
    data: dict[str, Any] = {"code": visit.key[:6]}
    if visit.start is not None:
        begins = visit.start.astimezone(ZoneInfo(hall.time_zone))
        data |= {"day": f"{begins:%m-%d}", "time": f"{begins:%H:%M}"}
    if visit.why in DECLINES:
        data["reason"] = words(visit.lang)[f"doorstep.why_{visit.why}"]
    return Word(subject(visit.key), template, int(visit.start.timestamp()) // 60 if visit.start else 1, now, data)


async def keep(db: Db, hall: Hall, visit: str, phone: str, *, seal: Seal, lang: str) -> bool:
    """Word of this visit goes to that number, until it is over and its result out. False where nothing is sent."""
    day = await business_day(db, hall) + timedelta(days=hall.value(FORGET_AFTER))
    return await contacts.keep(db, hall.id, subject(visit), phone, seal=seal, lang=lang, day=day)


async def tell(db: Db, hall: Hall, visit: Visit, template: str | None = None) -> None:
    """Owe one notice about a visit: of the state it is in, or this one. Whoever moves a visit calls it behind the act."""
    said = template or SAYS.get(visit.state)
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
    data = {"code": visit.key[:6], "day": f"{comes:%m-%d}", "time": f"{comes:%H:%M}"}
    await notices.owe(db, hall, [Word(subject(visit.key), "visit_late", int(expected.timestamp()) // 60, now, data)])


async def tell_open(db: Db, hall: Hall, visit: Visit, was: datetime) -> None:
    """Owe word that the time a visit had is no more, and another will be told; once for each time it had."""
    began, now = was.astimezone(ZoneInfo(hall.time_zone)), await db.fetchval("SELECT hall_now()")
    data = {"code": visit.key[:6], "day": f"{began:%m-%d}", "time": f"{began:%H:%M}"}
    await notices.owe(db, hall, [Word(subject(visit.key), "visit_open", int(was.timestamp()) // 60, now, data)])


async def tell_result(db: Db, hall: Hall, key: str, tracking: str | None) -> None:
    """Owe word that the result is there, or in the mail under this number."""
    now: datetime = await db.fetchval("SELECT hall_now()")
    data = {"code": key[:6], "tracking": tracking or ""}
    await notices.owe(db, hall, [Word(subject(key), "visit_sent" if tracking else "visit_result", 1, now, data)])


async def follow(db: Db, hall: Hall, ticket: str, visit: str, *, seal: Seal, lang: str) -> None:
    """A ticket became this visit: word of it goes where word of the ticket went."""
    contact = await contacts.find(db, ticket, seal)
    if contact is not None:
        day = await business_day(db, hall) + timedelta(days=hall.value(FORGET_AFTER))
        await contacts.keep(db, hall.id, subject(visit), contact.address, seal=seal, lang=lang, kind=contact.kind, day=day)
        await contacts.forget(db, ticket)
