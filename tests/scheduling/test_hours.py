"""The doors of a business day follow the kind of day it is."""

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest

from floor.database import Connection
from queueing.errors import BookingOnly, Closed, PastLastTicket, StillWaiting
from queueing.halls import Hall, services
from queueing.tickets import take
from queueing.windows import close, open_window
from scheduling.day_types import DayType, Session, day_types, decide, save_day_type
from scheduling.hours import open_doors, rehang_doors
from scheduling.statutory import keep_known
from tests.scheduling.clocks import at

DOORS = (
    "SELECT day::text, service, opens, last_ticket, closes, left_places FROM doors WHERE hall = $1 ORDER BY day, service, session"
)
MORNING = Session(time(9), time(11, 30), time(12))
AFTERNOON = Session(time(13, 30), time(16, 30), time(17))


@pytest.fixture
async def shut(db: Connection, hall: Hall) -> Hall:
    """The hall with the usual hours, whose day begins at four, before its clock has run, at noon of Wednesday 3 March 2027."""
    await at(db, "2027-03-03 12:00+08")
    await db.execute("DELETE FROM doors")
    await db.execute("UPDATE halls SET always_open = false, day_starts = '04:00'")
    await db.execute("DELETE FROM services WHERE code = 'B'")
    await db.execute("UPDATE services SET quota = 40")
    await db.execute("UPDATE windows SET serves = '{A}'")
    await keep_known(db, date(2027, 3, 3))
    return replace(hall, always_open=False, day_starts=time(4))


async def doors(db: Connection, hall: Hall) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await db.fetch(DOORS, hall.id)]


async def change(db: Connection, hall: Hall, code: str, **fields: object) -> DayType:
    kind = replace((await day_types(db, hall))[code], **fields)  # type: ignore[arg-type]
    await save_day_type(db, hall, kind)
    return kind


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2027, 3, day, hour, minute, tzinfo=UTC)


async def test_the_clock_opens_todays_and_tomorrows_doors(db: Connection, shut: Hall) -> None:
    assert await open_doors(db, shut) == 2
    assert await doors(db, shut) == [
        ("2027-03-03", "A", utc(3, 1), utc(3, 8, 30), utc(3, 9), 40),
        ("2027-03-04", "A", utc(4, 1), utc(4, 8, 30), utc(4, 9), 40),
    ]


async def test_a_door_that_is_made_stays_as_it_is(db: Connection, shut: Hall) -> None:
    await open_doors(db, shut)
    await db.execute("UPDATE doors SET left_places = 7, closes = closes + interval '1 hour'")
    before = await doors(db, shut)
    assert await open_doors(db, shut) == 0
    assert await doors(db, shut) == before


async def test_changed_hours_move_the_doors_and_keep_the_places_taken(db: Connection, shut: Hall) -> None:
    await open_doors(db, shut)
    await db.execute("UPDATE doors SET left_places = 7")
    await change(db, shut, "weekday", sessions=(Session(time(9), time(16, 30), time(18)),))
    assert await rehang_doors(db, shut) == 2
    assert (await doors(db, shut))[0] == ("2027-03-03", "A", utc(3, 1), utc(3, 8, 30), utc(3, 10), 7)
    assert await rehang_doors(db, shut) == 0


async def test_a_day_with_a_lunch_break_has_two_sessions_and_one_quota(db: Connection, shut: Hall) -> None:
    await open_doors(db, shut)
    await db.execute("UPDATE doors SET left_places = 7")
    await change(db, shut, "weekday", sessions=(MORNING, AFTERNOON))
    await rehang_doors(db, shut)
    assert [door[2:] for door in await doors(db, shut) if door[0] == "2027-03-03"] == [
        (utc(3, 1), utc(3, 3, 30), utc(3, 4), 7),
        (utc(3, 5, 30), utc(3, 8, 30), utc(3, 9), 7),
    ]
    for moment, said in (
        ("08:59", ("not_yet", utc(3, 1))),
        ("10:00", ("open", utc(3, 1))),
        ("11:45", ("not_yet", utc(3, 5, 30))),
        ("13:30", ("open", utc(3, 5, 30))),
        ("16:45", ("past_last_ticket", utc(3, 5, 30))),
        ("17:00", ("closed", utc(3, 5, 30))),
    ):
        await at(db, f"2027-03-03 {moment}+08")
        (door,) = await services(db, shut)
        assert ((door.status, door.opens), door.closes) == (said, utc(3, 9)), moment


async def test_who_took_a_number_in_the_afternoon_took_one_of_the_days_places(db: Connection, shut: Hall) -> None:
    await change(db, shut, "weekday", sessions=(MORNING, AFTERNOON))
    await at(db, "2027-03-03 13:30+08")
    await open_doors(db, shut)
    await take(db, shut, ["A"], actor="citizen", channel="api")
    assert [door[5] for door in await doors(db, shut) if door[0] == "2027-03-03"] == [39, 39]


async def test_a_kind_of_day_without_sessions_keeps_the_hall_shut(db: Connection, shut: Hall) -> None:
    await at(db, "2027-03-06 10:00+08")
    assert await open_doors(db, shut) == 0
    with pytest.raises(Closed):
        await take(db, shut, ["A"], actor="citizen", channel="api")


async def test_the_halls_own_word_for_a_date_goes_before_the_calendars(db: Connection, shut: Hall) -> None:
    await decide(db, shut, date(2027, 3, 3), "closed", actor="manager:wang", name="停电")
    await decide(db, shut, date(2027, 3, 4), "special", actor="manager:wang")
    await open_doors(db, shut)
    assert [door[0] for door in await doors(db, shut)] == ["2027-03-04"]


async def test_a_day_for_booked_visitors_gives_no_walk_in_tickets(db: Connection, shut: Hall) -> None:
    await change(db, shut, "weekday", walk_in=False)
    await open_doors(db, shut)
    assert [service.status for service in await services(db, shut)] == ["booking_only"]
    with pytest.raises(BookingOnly):
        await take(db, shut, ["A"], actor="citizen", channel="api")


async def test_an_early_session_may_be_for_booked_visitors_alone(db: Connection, shut: Hall) -> None:
    early = Session(time(8), time(8, 30), time(9), "booked")
    await change(db, shut, "weekday", sessions=(early, Session(time(9), time(16, 30), time(17))))
    await open_doors(db, shut)
    for moment, status in (("08:10", "booking_only"), ("08:45", "not_yet"), ("09:00", "open")):
        await at(db, f"2027-03-03 {moment}+08")
        assert [service.status for service in await services(db, shut)] == [status], moment


async def test_only_the_services_of_the_kind_of_day_open(db: Connection, shut: Hall) -> None:
    await db.execute("INSERT INTO services (hall, code, name, zone, prefix) VALUES ($1, 'C', '税务', 'A', 'C')", shut.id)
    await change(db, shut, "weekday", services=frozenset("C"))
    await open_doors(db, shut)
    assert {door[1] for door in await doors(db, shut)} == {"C"}


async def test_doors_that_are_no_longer_wanted_are_taken_down(db: Connection, shut: Hall) -> None:
    await open_doors(db, shut)
    await change(db, shut, "weekday", sessions=())
    assert await rehang_doors(db, shut) == 2
    assert await doors(db, shut) == []


async def test_after_the_last_session_a_window_stays_and_over_lunch_it_may_close(db: Connection, shut: Hall) -> None:
    await change(db, shut, "weekday", sessions=(MORNING, AFTERNOON))
    await at(db, "2027-03-03 11:00+08")
    await open_doors(db, shut)
    await take(db, shut, ["A"], actor="citizen", channel="api")
    await open_window(db, shut, "1", "li", actor="clerk:li")
    await at(db, "2027-03-03 12:00+08")
    await close(db, shut, "1", actor="clerk:li", seat="li")
    await open_window(db, shut, "1", "li", actor="clerk:li")
    await at(db, "2027-03-03 16:30+08")
    with pytest.raises(PastLastTicket):
        await take(db, shut, ["A"], actor="citizen", channel="api")
    with pytest.raises(StillWaiting):
        await close(db, shut, "1", actor="clerk:li", seat="li")


async def test_a_kind_of_day_without_drain_lets_windows_close_on_time(db: Connection, shut: Hall) -> None:
    await change(db, shut, "weekday", drain=False)
    await open_doors(db, shut)
    await take(db, shut, ["A"], actor="citizen", channel="api")
    await open_window(db, shut, "1", "li", actor="clerk:li")
    await at(db, "2027-03-03 17:00+08")
    await close(db, shut, "1", actor="clerk:li", seat="li")


async def test_after_midnight_it_is_still_the_business_day_before(db: Connection, shut: Hall) -> None:
    await at(db, "2027-03-04 03:59+08")
    await open_doors(db, shut)
    assert [door[0] for door in await doors(db, shut)] == ["2027-03-03", "2027-03-04"]


async def test_hours_before_the_roll_belong_to_the_night_after(db: Connection, shut: Hall) -> None:
    await change(db, shut, "weekday", sessions=(Session(time(20), time(1, 30), time(2)),))
    await open_doors(db, shut)
    assert (await doors(db, shut))[0] == ("2027-03-03", "A", utc(3, 12), utc(3, 17, 30), utc(3, 18), 40)


async def test_an_always_open_hall_has_its_doors_open_from_roll_to_roll(db: Connection, shut: Hall) -> None:
    await db.execute("UPDATE halls SET always_open = true")
    await open_doors(db, shut)
    assert (await doors(db, shut))[0] == ("2027-03-03", "A", utc(2, 20), utc(3, 20), utc(3, 20), 40)


async def test_a_day_of_23_hours_closes_at_the_clock_on_the_wall(db: Connection, shut: Hall) -> None:
    await at(db, "2027-03-28 12:00+02")
    await db.execute("UPDATE halls SET time_zone = 'Europe/Berlin', day_starts = '00:00'")
    await decide(db, shut, date(2027, 3, 28), "special", actor="manager:wang")
    await open_doors(db, shut)
    assert (await doors(db, shut))[0][2:5] == (
        datetime(2027, 3, 28, 7, 0, tzinfo=UTC),
        datetime(2027, 3, 28, 14, 30, tzinfo=UTC),
        datetime(2027, 3, 28, 15, 0, tzinfo=UTC),
    )
