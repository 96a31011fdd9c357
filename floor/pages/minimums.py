"""Zones with fewer windows than their kind of day keeps open, papers left lying, a year without its holidays: for the
manager's board, in sentences."""

from typing import Any

from floor.database import Db
from floor.pages.calendar import day_word
from floor.pages.wording import zone_name
from floor.signin import Person
from floor.words import Words
from queueing.halls import Hall, business_day, zones
from scheduling import intakes
from scheduling.days import awaited, published_years
from scheduling.minimums import Short, short
from scheduling.roster.planned import clock
from scheduling.roster.store import monday


async def minimums(db: Db, hall: Hall, person: Person, say: Words) -> list[dict[str, Any]]:
    """What is short, now first; papers left lying; the notice of holidays that is due. Each with where to make it good."""
    found, today = await short(db, hall), await business_day(db, hall)
    named = {zone.code: zone_name(say, zone) for zone in await zones(db, hall)} if found else {}
    late = [one for one in await intakes.waiting(db, hall) if one.overdue]
    due = awaited(await published_years(db), today) if "manager" in person.roles else None
    return [
        *(told(hall, one, named.get(one.zone, one.zone), one.day == today, say) for one in found),
        *papers(hall, len(late), say),
        *([notice(hall, due, say)] if due else []),
    ]


def notice(hall: Hall, year: int, say: Words) -> dict[str, Any]:
    """The year whose holidays are only provisional, and where the notice is brought in."""
    said = say("calendar.awaited_board", year=year)
    return {"said": said, "href": f"/{hall.code}/calendar/notice", "do": say["calendar.import"]}


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
