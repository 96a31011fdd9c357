"""Acts on the calendar: what a date is, what a kind of day opens, the yearly notice. Doors follow at once."""

from datetime import date

from starlette.requests import Request

from floor.acts.ground import hall_of, ring
from floor.database import Db, acquire
from floor.signin import require
from queueing import journal
from queueing.halls import Hall
from scheduling.day_types import DayType, decide, remove_day_type, save_day_type, undecide
from scheduling.hours import rehang_doors
from scheduling.roster.patterns import lay_patterns
from scheduling.slots import lay_slots
from scheduling.statutory import Notice, take_in


async def set_day(
    request: Request, hall_code: str, day: date, day_type: str | None, *, name: str | None = None, working: bool | None = None
) -> None:
    """Say what a date is; None lets the calendar speak for it again. Raises NoSuchDayType."""
    hall, actor = await _manager(request, hall_code)
    async with acquire(request.app.state.pool) as db, db.transaction():
        if day_type is None:
            await undecide(db, hall, day)
        else:
            await decide(db, hall, day, day_type, actor=actor, name=name, working=working)
        await _changed(db, hall, actor, {"day": day.isoformat(), "day_type": day_type, "name": name})
    ring(request, hall.id)


async def set_day_type(request: Request, hall_code: str, kind: DayType) -> None:
    """Make a kind of day open what `kind` says. Raises BadSession."""
    hall, actor = await _manager(request, hall_code)
    async with acquire(request.app.state.pool) as db, db.transaction():
        await save_day_type(db, hall, kind)
        await _changed(db, hall, actor, {"day_type": kind.code})
    ring(request, hall.id)


async def drop_day_type(request: Request, hall_code: str, code: str) -> None:
    """Take away a kind of day the hall had added. Raises DayTypeInUse, NoSuchDayType."""
    hall, actor = await _manager(request, hall_code)
    async with acquire(request.app.state.pool) as db, db.transaction():
        await remove_day_type(db, hall, code)
        await _changed(db, hall, actor, {"day_type": code, "removed": True})
    ring(request, hall.id)


async def import_notice(request: Request, hall_code: str, notice: Notice) -> None:
    """Make a published notice the calendar of its year, for every hall of this house."""
    hall, actor = await _manager(request, hall_code)
    async with acquire(request.app.state.pool) as db, db.transaction():
        await take_in(db, notice, actor=actor)
        await _changed(db, hall, actor, {"year": notice.year, "source": notice.source})
    ring(request, hall.id)


async def _manager(request: Request, hall_code: str) -> tuple[Hall, str]:
    hall = await hall_of(request, hall_code)
    return hall, (await require(request, "manager", hall=hall.id)).actor


async def _changed(db: Db, hall: Hall, actor: str, data: dict[str, object]) -> None:
    """Let today's and tomorrow's doors, the usual shifts and the places to be booked follow, and record who changed what."""
    await rehang_doors(db, hall)
    await lay_patterns(db, hall)
    await lay_slots(db, hall)
    await journal.append(db, hall.id, "calendar.changed", actor, data=data)
