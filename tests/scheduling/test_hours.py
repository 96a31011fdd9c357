"""The doors of a business day follow the hours of each service."""

from datetime import UTC, datetime

import pytest

from floor.database import Connection
from queueing.halls import Hall
from scheduling.hours import open_doors, rehang_doors

DOORS = "SELECT day::text, service, opens, last_ticket, closes, left_places FROM doors WHERE hall = $1 ORDER BY day, service"


async def at(db: Connection, moment: str) -> None:
    """Let it be this moment in the hall."""
    await db.execute(
        f"CREATE OR REPLACE FUNCTION hall_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT '{moment}'::timestamptz $$"
    )


@pytest.fixture
async def shut(db: Connection, hall: Hall) -> Hall:
    """The hall with the usual hours of a weekday, before its clock has run, at noon of 3 March 2027."""
    await at(db, "2027-03-03 12:00+08")
    await db.execute("DELETE FROM doors")
    await db.execute("UPDATE halls SET always_open = false")
    await db.execute("DELETE FROM services WHERE code = 'B'")
    await db.execute("UPDATE services SET quota = 40")
    return hall


async def doors(db: Connection, hall: Hall) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await db.fetch(DOORS, hall.id)]


async def test_the_clock_opens_todays_and_tomorrows_doors(db: Connection, shut: Hall) -> None:
    assert await open_doors(db, shut.id) == 2
    assert await doors(db, shut) == [
        ("2027-03-03", "A", utc(3, 1), utc(3, 8, 30), utc(3, 9), 40),
        ("2027-03-04", "A", utc(4, 1), utc(4, 8, 30), utc(4, 9), 40),
    ]


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2027, 3, day, hour, minute, tzinfo=UTC)


async def test_a_door_that_is_made_stays_as_it_is(db: Connection, shut: Hall) -> None:
    await open_doors(db, shut.id)
    await db.execute("UPDATE doors SET left_places = 7, closes = closes + interval '1 hour'")
    before = await doors(db, shut)
    assert await open_doors(db, shut.id) == 0
    assert await doors(db, shut) == before


async def test_changed_hours_move_the_doors_and_keep_the_places_taken(db: Connection, shut: Hall) -> None:
    await open_doors(db, shut.id)
    await db.execute("UPDATE doors SET left_places = 7")
    await db.execute("UPDATE services SET closes = '18:00'")
    assert await rehang_doors(db, shut.id) == 2
    assert (await doors(db, shut))[0] == ("2027-03-03", "A", utc(3, 1), utc(3, 8, 30), utc(3, 10), 7)
    assert await rehang_doors(db, shut.id) == 0


async def test_after_midnight_it_is_still_the_business_day_before(db: Connection, shut: Hall) -> None:
    await at(db, "2027-03-04 03:59+08")
    await open_doors(db, shut.id)
    assert [door[0] for door in await doors(db, shut)] == ["2027-03-03", "2027-03-04"]


async def test_hours_before_the_roll_belong_to_the_night_after(db: Connection, shut: Hall) -> None:
    await db.execute("UPDATE services SET opens = '20:00', last_ticket = '01:30', closes = '02:00'")
    await open_doors(db, shut.id)
    assert (await doors(db, shut))[0] == ("2027-03-03", "A", utc(3, 12), utc(3, 17, 30), utc(3, 18), 40)


async def test_an_always_open_hall_has_its_doors_open_from_roll_to_roll(db: Connection, shut: Hall) -> None:
    await db.execute("UPDATE halls SET always_open = true")
    await open_doors(db, shut.id)
    assert (await doors(db, shut))[0] == ("2027-03-03", "A", utc(2, 20), utc(3, 20), utc(3, 20), 40)


async def test_a_day_of_23_hours_closes_at_the_clock_on_the_wall(db: Connection, shut: Hall) -> None:
    await at(db, "2027-03-28 12:00+02")
    await db.execute("UPDATE halls SET time_zone = 'Europe/Berlin', day_starts = '00:00'")
    await open_doors(db, shut.id)
    assert (await doors(db, shut))[0][2:5] == (
        datetime(2027, 3, 28, 7, 0, tzinfo=UTC),
        datetime(2027, 3, 28, 14, 30, tzinfo=UTC),
        datetime(2027, 3, 28, 15, 0, tzinfo=UTC),
    )
