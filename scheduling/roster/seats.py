"""Who really sat at a window and when, read from the record: what attendance and overtime rest on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from queueing.db import Db
from queueing.halls import Hall
from scheduling.roster.planned import minute_of, moment_of


@dataclass(frozen=True, slots=True)
class Spell:
    """A clerk at a window, in minutes after the day's midnight. `open`: nobody has closed it yet."""

    clerk: str
    window: str
    begins: int
    ends: int
    open: bool = False


class Turn(NamedTuple):
    """A window opened, paused, resumed or closed, at a minute of the day."""

    minute: int
    kind: str
    window: str
    clerk: str | None


def spells(turns: Iterable[Turn], now: int) -> list[Spell]:
    """The times at windows, without pauses; who sits there still sits there until `now`."""
    seated: dict[str, tuple[str, int]] = {}
    paused: dict[str, str] = {}
    found = []
    for turn in turns:
        here = seated.get(turn.window)
        match turn.kind:
            case "window.opened" if turn.clerk is not None:
                paused.pop(turn.window, None)
                if here is None or here[0] != turn.clerk:
                    seated[turn.window] = (turn.clerk, turn.minute)
            case "window.resumed" if turn.window in paused:
                seated[turn.window] = (paused.pop(turn.window), turn.minute)
            case "window.paused" | "window.closed":
                if here is not None:
                    found.append(Spell(here[0], turn.window, here[1], turn.minute))
                    del seated[turn.window]
                if turn.kind == "window.paused" and here is not None:
                    paused[turn.window] = here[0]
                else:
                    paused.pop(turn.window, None)
            case _:
                continue
    found += [Spell(clerk, window, since, now, True) for window, (clerk, since) in seated.items()]
    return sorted((spell for spell in found if spell.ends > spell.begins), key=lambda spell: (spell.begins, spell.window))


# A day's record of windows, and of the day before: who sits there since yesterday opened then.
TURNS = """
SELECT "offset", at, kind, window_no, data ->> 'clerk' AS clerk FROM journal
WHERE hall = $1 AND at >= $2 AND at < $3 AND kind IN ('window.opened', 'window.closed')
UNION ALL
SELECT "offset", at, kind, window_no, data ->> 'clerk' FROM journal
WHERE hall = $1 AND at >= $2 AND at < $3 AND kind IN ('window.paused', 'window.resumed')
ORDER BY 1
"""
# A window nobody closed over night was left when its last visit ended, and taken again when its first one was called.
VISITS = "SELECT min(called_at) AS first, max(ended_at) AS last FROM tickets WHERE hall = $1 AND day = $2 AND window_no = $3"


async def seats(db: Db, hall: Hall, day: date, now: int) -> list[Spell]:
    """The times at windows of a business day, up to the minute `now` of it or its end."""
    starts = hall.day_starts.hour * 60 + hall.day_starts.minute
    first, last, rolls = moment_of(hall, day, starts), moment_of(hall, day, starts + 1440), starts + 1440
    rows = await db.fetch(TURNS, hall.id, first - timedelta(days=1), last)
    turns = [Turn(minute_of(hall, day, row["at"]), row["kind"], row["window_no"], row["clerk"]) for row in rows]
    found = []
    for spell in spells(turns, min(now, rolls)):
        begins, ends = spell.begins, spell.ends
        if ends <= starts:
            continue
        if begins < starts or (spell.open and now >= rolls):
            seen = await db.fetchrow(VISITS, hall.id, day, spell.window)
            if seen is None or seen["first"] is None:
                continue
            begins = max(begins, minute_of(hall, day, seen["first"])) if begins < starts else begins
            ends = minute_of(hall, day, seen["last"] or seen["first"]) if spell.open and now >= rolls else ends
        if ends > begins:
            found.append(Spell(spell.clerk, spell.window, begins, ends, spell.open and now < rolls))
    return found


def of_clerk(found: Sequence[Spell]) -> dict[str, list[Spell]]:
    """The spells of each clerk, in order."""
    mine: dict[str, list[Spell]] = {}
    for spell in found:
        mine.setdefault(spell.clerk, []).append(spell)
    return mine
