"""Who will still come: the past, as far as today has gone like it."""

from datetime import UTC, datetime, timedelta

import pytest

from queueing.arrivals import Came, expect

BEGAN = datetime(2026, 11, 22, 20, tzinfo=UTC)  # four in the morning in Shanghai
PAST = [Came("A", quarter, 10.0) for quarter in range(20, 40)]


def people(today: list[Came], hours: float, past: list[Came] = PAST) -> float:
    return sum(row.people for row in expect(past, today, BEGAN, BEGAN + timedelta(hours=hours)))


def test_before_anybody_came_the_past_is_expected() -> None:
    assert people([], 4) == pytest.approx(200)


def test_what_is_over_is_not_expected_again() -> None:
    assert people([Came("A", quarter, 10.0) for quarter in range(20, 30)], 7.5) == pytest.approx(100, abs=6)


def test_a_day_twice_as_full_goes_on_fuller() -> None:
    full = people([Came("A", quarter, 20.0) for quarter in range(20, 30)], 7.5)
    assert 170 < full < 205


def test_without_a_past_the_last_hour_goes_on() -> None:
    rows = expect([], [Came("A", quarter, 8.0) for quarter in range(20, 30)], BEGAN, BEGAN + timedelta(hours=7.5))
    assert {round(row.people, 1) for row in rows} == {8.0}
    assert expect([], [], BEGAN, BEGAN) == ()


def test_those_with_a_head_start_are_told_apart() -> None:
    rows = expect([Came("A", 30, 100.0, credit=20.0, credit_s=20 * 1800)], [], BEGAN, BEGAN)
    ahead = [row for row in rows if row.credit_s > 0]
    assert {row.credit_s for row in ahead} == {1800}
    assert sum(row.people for row in ahead) == pytest.approx(20)
    assert sum(row.people for row in rows) == pytest.approx(100)
