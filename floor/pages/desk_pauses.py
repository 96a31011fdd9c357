"""The desk's pauses: who takes no numbers for now, until when, and what they say against it."""

from datetime import datetime
from typing import Any

from floor.database import Db
from floor.pages.staffed import clock
from floor.pages.wording import day
from floor.words import Words
from queueing import persons
from queueing.halls import Hall


async def pauses(db: Db, hall: Hall, now: datetime, say: Words) -> list[dict[str, Any]]:
    """Every pause that runs, appeals first; of the person the last four digits alone."""
    return [
        {
            "id": ban.id,
            "mask": ban.id_mask or "",
            "strikes": ban.strikes,
            "until": f"{day(say, hall, ban.until)} {clock(ban.until, hall)}",
            "appeal": ban.appeal,
            "appealed": clock(ban.appealed_at, hall),
        }
        for ban in await persons.bans(db, hall)
        if ban.lifted_at is None and ban.until > now
    ]
