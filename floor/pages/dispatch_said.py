"""What the dispatch page says of an act: what happened, who hears of it, and the act that takes it back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from floor import doorstep_words as telling
from floor.acts.rounds import Settled
from floor.database import Db
from floor.pages.staffed import clock
from floor.pages.wording import day as day_word
from floor.words import Words
from queueing.halls import Hall, business_day
from scheduling import teams
from scheduling.doorstep import Visit
from scheduling.rounds.ground import teams_out


@dataclass(frozen=True, slots=True)
class Undo:
    """The act that takes the last one back, and what it is about."""

    act: str
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence, and the way back where there is one."""

    words: str
    undo: Undo | None = None


def of_plan(name: str, done: Settled, plan: int, say: Words) -> Said:
    """A plan was taken or taken back."""
    what = say(f"dispatch.said_{name}", n=done.version, new=done.new, moved=done.moved)
    told = [say("dispatch.said_written", n=done.told)] if done.told else []
    told += [say("dispatch.said_call", n=done.call)] if done.call else []
    return Said(joined(say, what, *told), Undo("undo", {"plan": str(plan)}) if name == "take" else None)


async def of_visit(db: Db, hall: Hall, day: date, name: str, before: Visit, now: Visit, say: Words) -> Said:
    """Something was decided about one visit; `before` is how it stood."""
    crews = {crew.id: crew.name for crew in await teams.teams(db, hall, day)}
    what = say(
        f"dispatch.said_{name}", id=now.id, team=crews.get(now.team or 0, ""), at=clock(now.start, hall),
        day=day_word(say, hall, now.start) if now.start else "",
    )  # fmt: skip
    if name == "unschedule":
        owed = telling.Owed(now.key, "visit_open", before.start)
    else:
        owed = telling.Owed(now.key, telling.SAYS[now.state], now.start)
    heard = (await telling.heard(db, hall, [owed])).get(now.key)
    told = say["dispatch.said_told" if heard in telling.GOES_OUT else "dispatch.said_untold"]
    return Said(joined(say, what, told), undo_of(name, day, before, hall))


def undo_of(name: str, day: date, before: Visit, hall: Hall) -> Undo | None:
    """A time that was set or taken is given back, where it was of this page's day."""
    if name not in ("schedule", "unschedule"):
        return None
    if before.state == "accepted":
        return Undo("unschedule", {"visit": str(before.id)})
    if before.state == "scheduled" and before.day == day:
        return Undo("schedule", {"visit": str(before.id), "team": str(before.team), "at": clock(before.start, hall)})
    return None


async def of_team(db: Db, hall: Hall, day: date, name: str, team: int, say: Words) -> Said:
    """A team dropped out or goes out again."""
    called = (await teams.team(db, hall, team)).name
    back = name.startswith("out") and team in await teams_out(db, hall, day) and day >= await business_day(db, hall)
    return Said(say(f"dispatch.said_{name}", team=called), Undo("back", {"team": str(team)}) if back else None)


def joined(say: Words, *sentences: str) -> str:
    return (" " if say.lang == "en" else "").join(sentences)
