"""Which day is what, checked against the notice for 2026 and the golden dates of working-day arithmetic."""

from collections.abc import Mapping
from datetime import date, timedelta

import pytest

from floor.database import Connection
from queueing.halls import Hall
from scheduling.days import Calendar, Deadline, HallDay, calendar
from scheduling.statutory import keep_known, known

D = date.fromisoformat


def of(*years: int, own: Mapping[date, HallDay] | None = None) -> Calendar:
    """The calendar as this release knows those years."""
    notices = [known(year) for year in years]
    return Calendar(
        frozenset(it.year for it in notices if it.published), {day.day: day for it in notices for day in it.days}, own or {}
    )


Y2026 = of(2025, 2026, 2027)
DAYS = [date(2026, 1, 1) + timedelta(n) for n in range(365)]


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-09-18", 1, "2026-09-20"),
        ("2026-09-30", 5, "2026-10-13"),
        ("2026-02-14", 1, "2026-02-24"),
        ("2026-02-14", 5, "2026-02-28"),
        ("2026-04-30", 5, "2026-05-11"),
        ("2026-09-18", 0, "2026-09-18"),
    ],
)
def test_a_term_in_working_days_ends_where_the_notice_says(start: str, days: int, due: str) -> None:
    assert Y2026.working_days_after(D(start), days) == Deadline(D(due), provisional=False)


def test_2026_has_248_working_days() -> None:
    assert sum(Y2026.is_working(day) for day in DAYS) == 248


def test_the_saturdays_of_2026_by_their_kind() -> None:
    saturdays = [day for day in DAYS if day.weekday() == 5]
    kinds = {kind: [f"{day:%m-%d}" for day in saturdays if Y2026.kind(day) == kind] for kind in ("make_up", "saturday")}
    assert len(kinds["saturday"]) == 41
    assert kinds["make_up"] == ["02-14", "02-28", "05-09", "10-10"]
    asked = [f"{day:%m-%d}" for day in Y2026.questions(2026) if Y2026.kind(day) != "make_up"]
    assert asked == ["01-03", "02-21", "04-04", "05-02", "06-20", "09-26", "10-03"]


def test_a_question_that_was_answered_is_not_asked_again() -> None:
    own = {D("2026-10-03"): HallDay(D("2026-10-03"), "saturday")}
    assert D("2026-10-03") not in of(2026, own=own).questions(2026)
    assert len(of(2026, own=own).questions(2026)) == 10


def test_the_last_day_of_each_holiday_of_2026() -> None:
    last = [f"{day:%m-%d}" for day in DAYS if Y2026.kind(day) == "holiday_end"]
    assert last == ["01-03", "02-23", "04-06", "05-05", "06-21", "09-27", "10-07"]


def test_a_make_up_sunday_is_worked_and_a_plain_one_is_not() -> None:
    assert [Y2026.kind(D(day)) for day in ("2026-01-04", "2026-09-20", "2026-09-13")] == ["make_up", "make_up", "sunday"]
    assert [Y2026.is_working(D(day)) for day in ("2026-01-04", "2026-09-20", "2026-09-13")] == [True, True, False]


def test_a_term_that_reaches_a_year_not_announced_yet_says_that_it_may_move() -> None:
    assert Y2026.working_days_after(D("2026-12-28"), 3) == Deadline(D("2026-12-31"), provisional=False)
    assert Y2026.working_days_after(D("2026-12-28"), 5) == Deadline(D("2027-01-05"), provisional=True)


@pytest.mark.parametrize(("today", "awaited"), [("2026-10-31", None), ("2026-11-01", 2027), ("2027-02-01", 2027)])
def test_next_years_notice_is_awaited_from_november(today: str, awaited: int | None) -> None:
    assert Y2026.awaited(D(today)) == awaited


def test_a_local_festival_is_no_working_day_and_an_open_saturday_does_not_become_one() -> None:
    own = {
        D("2026-04-20"): HallDay(D("2026-04-20"), "closed", "三月三", working=False),
        D("2026-06-13"): HallDay(D("2026-06-13"), "special"),
    }
    hall = of(2026, own=own)
    assert [hall.is_working(D(day)) for day in ("2026-04-20", "2026-06-13")] == [False, False]
    assert [hall.day_type(D(day)) for day in ("2026-04-20", "2026-06-13", "2026-04-21")] == ["closed", "special", "weekday"]
    assert hall.name(D("2026-04-20")) == "三月三"


async def test_the_clock_keeps_the_years_around_today_once(db: Connection, hall: Hall) -> None:
    assert await keep_known(db, D("2026-11-22")) == 4
    assert await keep_known(db, D("2026-11-22")) == 0
    kept = await calendar(db, hall)
    assert kept.published == {2024, 2025, 2026}
    assert kept.kind(D("2027-10-01")) == "holiday"
    assert {day: it.kind for day, it in kept.statutory.items() if day.year == 2026} == {
        day: it.kind for day, it in Y2026.statutory.items() if day.year == 2026
    }
