"""A day to come, played beforehand: what is planned, who is expected, and what a manager should know of it."""

from dataclasses import replace
from datetime import date, time

import pytest

from floor.database import Connection
from queueing.halls import Hall, get_hall
from queueing.settings import choose
from scheduling.day_types import Session, day_types, save_day_type
from scheduling.foreseen import Foreseen, Warn
from scheduling.foresight import foresee
from scheduling.roster.patterns import lay_patterns
from scheduling.roster.problem import Clerk
from scheduling.roster.store import place, publish, set_contract
from scheduling.slots import BOOK_DAYS, BOOK_ONLY_SHARE, lay_slots
from scheduling.statutory import keep_known
from tests.scheduling.clocks import at

MONDAY, SATURDAY = date(2026, 3, 9), date(2026, 3, 14)
CAME = """
INSERT INTO arrival_days (hall, day, service, quarter, people, credit, credit_s)
SELECT $1, $2::date - 7 * weeks, 'A', quarter, $3, 0, 0 FROM generate_series(1, 3) AS weeks, generate_series(20, 49) AS quarter
"""


@pytest.fixture
async def hours(db: Connection, hall: Hall) -> Hall:
    """A hall of two windows that keeps its hours, on a Friday."""
    await at(db, "2026-03-06 10:00+08")
    await db.execute("UPDATE halls SET always_open = false")
    await keep_known(db, date(2026, 3, 6))
    return await get_hall(db, "demo")


async def seen(db: Connection, hall: Hall, day: date) -> Foreseen:
    found = await foresee(db, hall, day)
    assert found is not None
    return found


async def test_a_day_on_which_the_doors_stay_shut_is_not_played(db: Connection, hours: Hall) -> None:
    assert await foresee(db, hours, SATURDAY) is None


async def test_people_as_they_came_meet_windows_as_they_are_planned(db: Connection, hours: Hall) -> None:
    await db.execute(CAME, hours.id, MONDAY, 1.0)
    quiet = await seen(db, hours, MONDAY)
    (zone,) = quiet.areas
    assert (quiet.roster, quiet.quarters[0], quiet.quarters[-1], round(quiet.walk_ins)) == ("none", 540, 1005, 30)
    assert set(zone.planned) == {max(zone.needed)} and quiet.warnings == ()
    waits = [(half, nine) for half, nine in zip(zone.p50, zone.p90, strict=True) if half is not None and nine is not None]
    assert len(waits) > 20 and all(0 <= half <= nine for half, nine in waits)
    await lay_patterns(db, hours)
    await set_contract(db, hours, Clerk("clerk01", ("A",), home="A"))
    pattern = await db.fetchval("SELECT code FROM shift_patterns WHERE 'weekday' = ANY (day_types) ORDER BY code LIMIT 1")
    await place(db, hours, MONDAY, "clerk01", pattern, "A", actor="manager:m")
    assert (await seen(db, hours, MONDAY)).roster == "draft"
    await publish(db, hours, MONDAY, actor="manager:m")
    await db.execute("UPDATE arrival_days SET people = 5")
    alone = await seen(db, hours, MONDAY)
    lunch = next(warn for warn in alone.warnings if warn.what == "nobody")
    assert (alone.roster, lunch.zone, lunch.ends - lunch.begins) == ("published", "A", 60)
    assert max(alone.areas[0].planned) == 1 < max(alone.areas[0].needed)
    assert max(value or 0 for value in alone.areas[0].p90) > 30
    assert alone.closes == 1020 and alone.end_p90 > alone.end_p50 > 1020 and alone.warnings[-1].what == "late"


async def test_a_saturday_for_the_booked_counts_every_place_and_misses_a_window(db: Connection, hours: Hall) -> None:
    kind = (await day_types(db, hours))["saturday"]
    session = Session(time(9), time(11, 30), time(12))
    await save_day_type(
        db, hours, replace(kind, sessions=(session,), walk_in=False, services=frozenset("A"), zones={"A": 2})
    )  # fmt: skip
    await db.execute("INSERT INTO settings (hall, name, value) VALUES ($1, 'book_days', '14')", hours.id)
    hours = await get_hall(db, "demo")
    await lay_slots(db, hours)
    day = await seen(db, hours, SATURDAY)
    assert (day.walk_ins, day.booked) == (0.0, 0) and day.places > 0
    assert sum(day.areas[0].people) == pytest.approx(day.places, abs=1)  # each quarter hour is rounded to a tenth
    assert set(day.areas[0].planned) == {2} and day.warnings == ()
    await lay_patterns(db, hours)
    await set_contract(db, hours, Clerk("clerk01", ("A",), home="A"))
    await place(db, hours, SATURDAY, "clerk01", "0900_1200", "A", actor="manager:m")
    warnings = (await seen(db, hours, SATURDAY)).warnings  # one window may also be late: that is another test's matter
    assert [warning for warning in warnings if warning.what in ("below", "nobody")] == [Warn("below", "A", 540, 720, 2)]


async def test_places_for_the_booked_leave_room_and_a_day_that_has_none_says_what_is_amiss(db: Connection, hours: Hall) -> None:
    await db.execute("UPDATE windows SET serves = '{A}'")
    await db.execute("INSERT INTO windows (hall, no, name, zone, serves, rank) VALUES ($1, '3', '3号', 'A', '{A}', 3)", hours.id)
    await db.execute("UPDATE services SET minutes = 5 WHERE code = 'A'")
    kind, session = (await day_types(db, hours))["saturday"], Session(time(9), time(12), time(12))
    saturday = replace(kind, sessions=(session,), walk_in=False, services=frozenset("A"), zones={"A": 2})
    await save_day_type(db, hours, saturday)
    await choose(db, hours.id, BOOK_DAYS, 14)
    await lay_slots(db, hours := await get_hall(db, "demo"))
    day = await seen(db, hours, SATURDAY)
    assert (day.places, set(day.areas[0].needed), day.warnings) == (43, {2}, ())
    assert day.end_p90 - day.closes <= 30 and max(value or 0 for value in day.areas[0].p90) <= 30
    assert day.kept is not None and day.kept >= 75
    await choose(db, hours.id, BOOK_ONLY_SHARE, 100)
    await lay_slots(db, hours := await get_hall(db, "demo"))
    full = await seen(db, hours, SATURDAY)
    warned = {warning.what: warning for warning in full.warnings}
    assert (full.places, set(full.areas[0].needed), set(warned)) == (72, {3}, {"waits", "promise", "late_booked"})
    assert warned["waits"].n > 30 and full.kept == warned["promise"].n < 75
    late = warned["late_booked"]
    assert (late.begins, late.n, late.ends) == (720, full.end_p50, full.end_p90) and late.ends > 750
