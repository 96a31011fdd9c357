"""What people are told by the clock: of bookings the day before, or when the hall is shut then; of visits that wait too long."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from displays import notices
from displays.notices import Word
from floor.database import Db
from queueing.halls import Hall, ServiceNow, services
from scheduling import overdue
from scheduling.lookups import tomorrow
from scheduling.offers import fallen
from scheduling.ticks import Tick


def subject(code: str) -> str:
    """What a booking is called where numbers to write to are kept."""
    return f"booking:{code}"


def word_of(hall: Hall, known: ServiceNow, code: str, start: datetime, lang: str, template: str, now: datetime) -> Word:
    """One notice about a booking. Its step is the booked time: once for each time it stands at."""
    begins = start.astimezone(ZoneInfo(hall.time_zone))
    name = {"zh-Hant": known.name_hant, "en": known.name_en}.get(lang) or known.name
    data: dict[str, Any] = {"code": code, "service": name, "day": f"{begins:%m-%d}", "time": f"{begins:%H:%M}"}
    return Word(subject(code), template, int(start.timestamp()) // 60, now, data)


async def remind(db: Db, hall: Hall) -> int:
    """Word of tomorrow's bookings, once for each, from the hall's hour for it; quiet hours and the daily cap as for all word."""
    due = await tomorrow(db, hall)
    if not due:
        return 0
    known, now = {service.code: service for service in await services(db, hall)}, await db.fetchval("SELECT hall_now()")
    words = [word_of(hall, known[each.service], each.code, each.start, each.lang, "tomorrow", now) for each in due]
    return await notices.owe(db, hall, words)


async def tell_fallen(db: Db, hall: Hall) -> int:
    """Word to those whose time fell away with the calendar, once for each time."""
    lost = await fallen(db, hall)
    if not lost:
        return 0
    known, now = {service.code: service for service in await services(db, hall)}, await db.fetchval("SELECT hall_now()")
    words = [word_of(hall, known[each.service], each.code, each.start, each.lang, "fallen", now) for each in lost]
    return await notices.owe(db, hall, words)


async def tell_overdue(db: Db, hall: Hall) -> int:
    """Mark visits that wait too long, for whoever answers for them; whose wished days passed hears that the hall will call."""
    late, now = await overdue.mark(db, hall), await db.fetchval("SELECT hall_now()")
    words = [
        Word(f"visit:{one.key}", "visit_waits", int(one.since.timestamp()) // 60, now, {"code": one.number})
        for one in late if one.why == "wish"
    ]  # fmt: skip
    await notices.owe(db, hall, words)
    return len(late)


TICKS = (
    Tick("bookings.remind", 300, remind), Tick("bookings.fallen", 300, tell_fallen), Tick("doorstep.overdue", 300, tell_overdue)
)  # fmt: skip
