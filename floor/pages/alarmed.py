"""The alarms of the floor on the manager's board, those of one kind in one line, and who has seen to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from floor import lines
from floor.database import Db
from floor.pages.staffed import elapsed
from floor.pages.wording import matter_name
from floor.signin import Person, leads
from floor.words import Words
from queueing import alarms
from queueing.alarms import Alarm
from queueing.halls import Hall
from queueing.matters import some


async def floor_alarms(
    db: Db, hall: Hall, names: Mapping[str, str], person: Person, now: datetime, say: Words
) -> list[dict[str, Any]]:
    """What is wrong on the floor now, the most pressing kind first; `mine`: this person has some of it to take on."""
    of: dict[str, list[Alarm]] = {}
    for alarm in await alarms.standing(db, hall):
        of.setdefault(alarm.kind, []).append(alarm)
    people = await lines.names(db, hall) if of else {}
    lost = [alarm.matter for same in of.values() for alarm in same if alarm.matter]
    matters = {one.code: matter_name(say, one) for one in await some(db, hall, lost)} if lost else {}
    return [
        row(kind, same, {**names, **matters}, people, now, say)
        | {"mine": any(alarm.seen_by is None and leads(person, alarm.zone) for alarm in same)}
        for kind, same in of.items()
    ]


def row(
    kind: str, same: Sequence[Alarm], names: Mapping[str, str], people: Mapping[str, str], now: datetime, say: Words
) -> dict[str, Any]:
    """One kind: where it is so, since when at first, and who took it on, if somebody has taken on all of it."""
    first = min(alarm.since for alarm in same)
    seen = {alarm.seen_by for alarm in same}
    by = next(iter(seen)) if len(seen) == 1 else None
    gap = ", " if say.lang == "en" else "、"
    return {
        "kind": kind, "word": say[f"ladder.alarm_{kind}"], "since": first, "elapsed": elapsed(first, now),
        "places": gap.join(place(alarm, names, say) for alarm in same),
        "seen": people.get(by.partition(":")[2], "") if by else None,
    }  # fmt: skip


def place(alarm: Alarm, names: Mapping[str, str], say: Words) -> str:
    """A window; or a service, or one matter of it, with how many wait for it."""
    if alarm.window is not None:
        return say("console.window", no=alarm.window)
    word = (
        names.get(alarm.matter, alarm.matter) if alarm.matter else f"{alarm.service} {names.get(alarm.service or '', '')}".strip()
    )
    return say("ladder.alarm_people", place=word, n=alarm.people) if alarm.people else word
