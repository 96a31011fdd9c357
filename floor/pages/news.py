"""What waits for somebody about shifts, in words: the news of a clerk, and what leaders and managers are asked for."""

from typing import Any

from floor import lines
from floor.database import Db
from floor.pages.calendar import day_word
from floor.signin import Person, leads
from floor.words import Words
from queueing.halls import Hall, business_day
from scheduling.roster.leave import leaves
from scheduling.roster.news import News
from scheduling.roster.swaps import swaps


def told(it: News, names: dict[str, str], say: Words) -> str:
    """One piece of news as a sentence."""
    who, kind = names.get(it.who or "", it.who or ""), it.word or ""
    gaps = {"day": day_word(it.day, say), "who": who}
    if it.kind.startswith("leave_"):
        last = f" – {day_word(it.other_day, say)}" if it.other_day and it.other_day != it.day else ""
        return say(f"shifts.news_{it.kind}", kind=say[f"roster.leave_{kind}"], days=gaps["day"] + last)
    said = say(f"shifts.news_{it.kind}", **gaps)
    return said + say("shifts.news_why", reason=it.word) if it.word else said


async def asks(db: Db, hall: Hall, person: Person, say: Words) -> str:
    """What leave and swaps wait for this person's word, who is ill today by name; nothing where none does."""
    today = await business_day(db, hall)
    away = [it for it in await leaves(db, hall, today, state="asked") if leads(person, it.zone)]
    agreed = [it for it in await swaps(db, hall, today) if it.state == "agreed" and all(leads(person, zone) for zone in it.zones)]
    parts: list[Any] = [say("roster.asks_leave", n=len(away))] if away else []
    parts += [say("roster.asks_swap", n=len(agreed))] if agreed else []
    ill = [it.clerk for it in away if it.kind == "sick" and it.first <= today <= it.last]
    if ill:
        names, comma = await lines.names(db, hall), ", " if say.lang == "en" else "、"
        parts.append(say("roster.asks_ill", who=comma.join(names.get(clerk, clerk) for clerk in ill)))
    return say("roster.asks", what=("; " if say.lang == "en" else "；").join(parts)) if parts else ""
