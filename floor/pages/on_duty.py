"""What the roster has somebody do today, in one line, for the page where they choose their window."""

from floor.database import Db
from floor.pages.wording import zone_name
from floor.signin import Person
from floor.words import Words
from queueing.halls import Hall, business_day, zones
from scheduling.roster.planned import clock, duties


async def shift_words(db: Db, hall: Hall, person: Person, say: Words) -> str:
    """A clerk's shift of today; nothing without a published roster, or for who is no clerk."""
    if "clerk" not in person.roles:
        return ""
    on = await duties(db, hall, await business_day(db, hall), person.username)
    if on is None:
        return ""
    if not on:
        return say["shifts.off_today"]
    duty, named = on[0], {zone.code: zone_name(say, zone) for zone in await zones(db, hall)}
    times = {"begins": clock(duty.pattern.begins), "ends": clock(duty.pattern.ends), "zone": named[duty.zone]}
    return say("shifts.today_at", window=duty.window, **times) if duty.window else say("shifts.today", **times)
