"""A rehearsal: a hall whose time is put on from one moment to another, so that days can be seen in seconds. Never a real hall.

The hall's time has two readers. Whatever asks the record asks `hall_now()` and `hall_clock()`, which add what the row of
`rehearsals` says; the processes' own wall clocks (`devices.clock`) add what the file HALL_CLOCK says, as agents reach no
database. Both are moved here together. A database becomes a rehearsal before it has a hall, and stays one.
"""

import os
from datetime import datetime
from pathlib import Path

import asyncpg

from devices.clock import SHIFT
from floor.boot.program import CannotStart
from floor.database import Db

FILE = "clock"  # in the data directory


class HasHalls(CannotStart):
    """The database has a hall already: the clock of a real hall is not moved. Name an empty one."""

    def __init__(self) -> None:
        super().__init__(str(self.__doc__))


async def begin(db: Db, data_dir: Path) -> Path:
    """Make an empty database a rehearsal; the file that HALL_CLOCK has to name for every process of it. HasHalls."""
    try:
        await db.execute("SELECT begin_rehearsal()")
    except asyncpg.CheckViolationError as broken:
        if broken.constraint_name != "rehearsal_has_no_hall_yet":
            raise
        raise HasHalls() from broken
    share(data_dir / FILE, 0.0)
    return data_dir / FILE


def share(file: Path, seconds: float) -> None:
    """Tell every process that reads this file; they hold it open, so it is never replaced."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.touch()
    with file.open("r+b") as shared:
        shared.write(SHIFT.pack(seconds))


# Whoever is here stays here: a machine is not silent because the clock was put on.
MOVE = """
WITH moved AS (
    UPDATE rehearsals r SET ahead = $1 - clock_timestamp() FROM (SELECT ahead AS before FROM rehearsals) b
    RETURNING r.ahead, r.ahead - b.before AS jump
), present AS (
    UPDATE devices d SET last_seen = d.last_seen + m.jump FROM moved m WHERE d.last_seen > hall_now() - interval '25 s'
)
SELECT extract(epoch FROM ahead)::float FROM moved
"""


async def move(db: Db, file: Path, moment: datetime) -> None:
    """From now on it is this moment in the hall, and time goes on from there. It may be put back too."""
    share(file, await db.fetchval(MOVE, moment))


async def check_time(db: Db, *, demo: bool) -> None:
    """CannotStart where a hall and its database do not keep the same time: a real hall on a rehearsal, or the other way round."""
    rehearsed = await db.fetchval("SELECT EXISTS (SELECT FROM rehearsals)")
    named = bool(os.environ.get("HALL_CLOCK"))
    if rehearsed and not (demo and named):
        raise CannotStart("this database is a rehearsal, its clock is not the real one; see HALL_DATABASE_URL.")
    if named and not rehearsed:
        raise CannotStart("HALL_CLOCK is for rehearsals, and this database is none.")
