"""Zones with fewer windows than their kind of day keeps open, and papers left lying, in sentences for the manager's board."""

from typing import Any

from floor.database import Db
from floor.pages.calendar import day_word
from floor.pages.wording import zone_name
from floor.words import Words
from queueing.halls import Hall, business_day, zones
from scheduling import intakes
from scheduling.minimums import Short, short
from scheduling.roster.planned import clock
from scheduling.roster.store import monday


async def minimums(db: Db, hall: Hall, say: Words) -> list[dict[str, Any]]:
    """What is short, now first; where to make it good."""
    late = [one for one in await intakes.waiting(db, hall) if one.overdue]
    found = await short(db, hall)
    if not found:
        return papers(hall, len(late), say)
    today = await business_day(db, hall)
    named = {zone.code: zone_name(say, zone) for zone in await zones(db, hall)}
    return [told(hall, one, named.get(one.zone, one.zone), one.day == today, say) for one in found] + papers(hall, len(late), say)


def papers(hall: Hall, late: int, say: Words) -> list[dict[str, Any]]:
    """Papers taken in that should have been passed on already."""
    return [{"said": say("intakes.board", n=late), "href": f"/{hall.code}/intakes", "do": say["intakes.see"]}] if late else []


def told(hall: Hall, one: Short, zone: str, today: bool, say: Words) -> dict[str, Any]:
    """A shortage and the page where something can be done about it."""
    facts = {"zone": zone, "least": one.least, "have": one.have, "begins": clock(one.begins), "ends": clock(one.ends)}
    if one.live:
        return {"said": say("calendar.short_now", **facts), "href": f"/{hall.code}/roster", "do": say["calendar.short_roster"]}
    day = say["calendar.today"] if today else day_word(one.day, say)
    return {
        "said": say("calendar.short_roster_of", day=day, **facts), "href": f"/{hall.code}/roster/{monday(one.day)}",
        "do": say["calendar.short_roster"],
    }  # fmt: skip
