"""What a clerk's roster says at the window: the shift of today, where it is, and how much of it they have not read."""

from collections.abc import Sequence

from floor.database import Db
from floor.pages.wording import zone_name
from floor.signin import Person
from floor.words import Words
from queueing.halls import Hall, Zone, business_day
from scheduling.roster.news import news
from scheduling.roster.planned import Duty, clock, duties
from scheduling.roster.swaps import asked_of


async def shifts_today(db: Db, hall: Hall, person: Person) -> list[Duty] | None:
    """A clerk's shift of today, if any; None without a published roster, or for who is no clerk."""
    if "clerk" not in person.roles:
        return None
    return await duties(db, hall, await business_day(db, hall), person.username)


def shift_words(on: Sequence[Duty] | None, areas: Sequence[Zone], say: Words) -> str:
    """It in one line; nothing where the roster says nothing."""
    if on is None:
        return ""
    if not on:
        return say["shifts.off_today"]
    duty, named = on[0], {zone.code: zone_name(say, zone) for zone in areas}
    times = {"begins": clock(duty.pattern.begins), "ends": clock(duty.pattern.ends), "zone": named[duty.zone]}
    return say("shifts.today_at", window=duty.window, **times) if duty.window else say("shifts.today", **times)


def planned_at(on: Sequence[Duty] | None, zone: str, window: str) -> bool | None:
    """Whether the roster has them at this window; None where it says nothing."""
    return None if on is None else any(duty.allows(zone, window) for duty in on)


async def unread(db: Db, hall: Hall, person: Person) -> int:
    """How many things about shifts a clerk has not read or answered."""
    if "clerk" not in person.roles or person.username is None:
        return 0
    return len(await news(db, hall, person.username)) + await asked_of(db, hall, person.username)
