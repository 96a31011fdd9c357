"""A kind of day is kept wholly, and one that can't be is refused before anything changes."""

from dataclasses import replace
from datetime import date, time

import asyncpg
import pytest

from floor.database import Connection
from queueing.halls import Hall
from scheduling.day_types import NEEDED, DayType, Session, copy_of, day_types, decide, remove_day_type, save_day_type, undecide
from scheduling.errors import BadSession, DayTypeInUse, NoSuchDayType

SATURDAY = DayType(
    "saturday", "周六", "週六", "Saturday", walk_in=False, accept_only=True, drain=False, last_ticket="capacity",
    sessions=(Session(time(9), time(11, 30), time(12)), Session(time(13), time(14), time(15), "booked")),
    services=frozenset("A"), zones={"A": 2},
)  # fmt: skip


async def test_every_hall_has_the_kinds_of_day_the_calendar_gives_out(db: Connection, hall: Hall) -> None:
    kinds = await day_types(db, hall)
    assert tuple(kinds) == NEEDED
    assert [code for code, kind in kinds.items() if kind.sessions] == ["weekday", "make_up", "special"]


async def test_what_is_saved_is_what_is_read(db: Connection, hall: Hall) -> None:
    await save_day_type(db, hall, SATURDAY)
    assert (await day_types(db, hall))["saturday"] == SATURDAY
    plain = replace(SATURDAY, sessions=(), services=None, zones={})
    await save_day_type(db, hall, plain)
    assert (await day_types(db, hall))["saturday"] == plain


@pytest.mark.parametrize(
    "sessions",
    [
        (Session(time(9), time(8, 59), time(12)),),
        (Session(time(9), time(12), time(11)),),
        (Session(time(9), time(9), time(9)),),
        (Session(time(9), time(11), time(12)), Session(time(11, 59), time(16), time(17))),
        (Session(time(22), time(3), time(5)),),
    ],
)
async def test_sessions_run_forward_and_do_not_overlap(db: Connection, hall: Hall, sessions: tuple[Session, ...]) -> None:
    with pytest.raises(BadSession):
        await save_day_type(db, hall, replace(SATURDAY, sessions=sessions))
    assert (await day_types(db, hall))["saturday"].sessions == ()


async def test_the_database_itself_takes_no_session_that_runs_backward(db: Connection, hall: Hall) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as broken:
        await db.execute("INSERT INTO day_sessions VALUES ($1, 'saturday', 1, '09:00', '08:00', '12:00')", hall.id)
    assert broken.value.constraint_name == "session_runs_forward"


async def test_a_hall_may_add_a_kind_of_day_and_take_it_away(db: Connection, hall: Hall) -> None:
    kind = copy_of(SATURDAY, "evening", "夜间专场")
    await save_day_type(db, hall, kind)
    await decide(db, hall, date(2027, 3, 3), "evening", actor="manager:wang")
    with pytest.raises(DayTypeInUse):
        await remove_day_type(db, hall, "evening")
    assert await undecide(db, hall, date(2027, 3, 3)) is True
    await remove_day_type(db, hall, "evening")
    assert "evening" not in await day_types(db, hall)


async def test_what_the_calendar_needs_stays(db: Connection, hall: Hall) -> None:
    with pytest.raises(DayTypeInUse):
        await remove_day_type(db, hall, "holiday")
    with pytest.raises(NoSuchDayType):
        await remove_day_type(db, hall, "carnival")


async def test_a_date_cannot_be_of_a_kind_that_is_not_there(db: Connection, hall: Hall) -> None:
    with pytest.raises(NoSuchDayType):
        await decide(db, hall, date(2027, 3, 3), "carnival", actor="manager:wang")
    assert await undecide(db, hall, date(2027, 3, 3)) is False
