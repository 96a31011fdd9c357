"""A wait is what the floor's play gave, as long as that is fresh; else a formula; and unknown where nobody can know."""

from dataclasses import replace
from typing import Any

import pytest

from queueing import calls, forecast, plays, tickets, windows
from queueing.calls import Seat
from queueing.db import Db
from queueing.floors import Measures, read_floor
from queueing.forecast import Load, Wait, expect
from queueing.halls import Hall
from queueing.measures import measure
from queueing.simulate import simulate
from tests.queueing.acts import TakesTickets


def load(**changes: Any) -> Load:
    return replace(Load("A", 0, 2, 0, 300.0, 200.0), **changes)


FRESH = {"age_s": 10.0, "tickets": [7, 8], "aheads": [0, 4, 6], "p50_s": [60, 400, 600], "p90_s": [90, 600, 800]}


def test_no_open_window_is_no_forecast() -> None:
    assert expect(load(open=0), 3) is None


def test_a_free_window_is_no_wait() -> None:
    assert expect(load(free=1), 0) == Wait(0, 0)


def test_three_ahead_at_two_windows_wait_for_four_visits_side_by_side() -> None:
    assert expect(load(), 3) == Wait(600, 856)


def test_a_fresh_forecast_is_told_less_its_age() -> None:
    assert expect(load(**FRESH), 0, 7) == Wait(50, 80)
    assert expect(load(**FRESH), 4, 8) == Wait(390, 590)
    assert expect(load(**FRESH), 6) == Wait(590, 790)


def test_an_old_forecast_is_not_told() -> None:
    assert expect(load(**FRESH | {"age_s": 31.0}), 3, 8) == Wait(600, 856)


def test_who_stands_between_two_is_told_what_lies_between() -> None:
    assert expect(load(**FRESH), 2) == Wait(220, 335)


def test_who_came_after_the_forecast_waits_for_a_visit_more_for_each_before_them() -> None:
    assert expect(load(**FRESH), 8) == Wait(890, 1090)


def test_a_wait_that_has_run_out_is_no_wait() -> None:
    assert expect(load(**FRESH | {"p50_s": [5, 6, 7], "p90_s": [8, 12, 30]}), 0, 7) == Wait(0, 0)
    assert expect(load(**FRESH | {"p50_s": [5, 6, 7], "p90_s": [8, 12, 30]}), 6) == Wait(0, 20)


def test_nobody_to_serve_them_is_unknown() -> None:
    gone = FRESH | {"p50_s": [60, -1, -1], "p90_s": [90, -1, -1]}
    assert (expect(load(**gone), 0, 7), expect(load(**gone), 4, 8), expect(load(**gone), 6)) == (Wait(50, 80), None, None)


async def play(db: Db, hall: Hall, measures: Measures | None = None) -> None:
    floor = await read_floor(db, hall.id, measures or await measure(db, hall.id))
    await plays.store(db, floor, plays.rows(floor, simulate(floor)))


async def test_the_play_of_a_floor_is_what_is_told(db: Db, hall: Hall, take: TakesTickets) -> None:
    await windows.open_window(db, hall, "1", "li", services=["A"], actor="clerk:li")
    await windows.open_window(db, hall, "2", "wang", services=["A", "B"], actor="clerk:wang")
    first, second, third = [(await take(code)).ticket for code in ("A", "B", "A")]
    await play(db, hall)
    told = await forecast.loads(db, hall.id)
    assert (told["A"].tickets, told["A"].aheads) == ([first.id, third.id], [0, 2, 3])
    assert (told["B"].tickets, told["B"].aheads) == ([second.id], [1, 3])
    for ticket in (first, second, third):
        ahead, _ = await forecast.standing(db, ticket)
        of_play = dict(zip(told[ticket.service].tickets, told[ticket.service].aheads, strict=False))
        assert ahead == await tickets.ahead(db, ticket) == of_play[ticket.id]
    _, now = await forecast.standing(db, first)
    assert now is not None and now.p50_s <= now.p90_s < 30, "a clerk who is free takes a breath"
    _, last = await forecast.standing(db, third)
    assert last is not None and now.p50_s < last.p50_s < last.p90_s < 1800
    assert (await forecast.waits(db, hall))["B"] is not None
    await tickets.cancel(db, hall, first.key, actor="citizen")
    assert await forecast.standing(db, await tickets.by_key(db, first.key)) == (None, None)


async def test_a_queue_without_a_window_is_unknown_with_and_without_a_play(db: Db, hall: Hall, take: TakesTickets) -> None:
    mine = (await take("A")).ticket
    assert await forecast.standing(db, mine) == (0, None)
    await play(db, hall)
    assert (await forecast.standing(db, mine), (await forecast.waits(db, hall))["A"]) == ((0, None), None)


async def test_an_older_play_never_takes_the_place_of_a_newer(db: Db, hall: Hall, take: TakesTickets) -> None:
    await windows.open_window(db, hall, "1", "li", services=["A", "B"], actor="clerk:li")
    before = await read_floor(db, hall.id, await measure(db, hall.id))
    await take("A")
    await play(db, hall)
    await plays.store(db, before, plays.rows(before, simulate(before)))
    assert len((await forecast.loads(db, hall.id))["A"].tickets) == 1


async def test_the_floor_is_read_as_it_stands(db: Db, hall: Hall, take: TakesTickets) -> None:
    await windows.open_window(db, hall, "1", "li", actor="clerk:li")
    called, _, _ = [await take(code) for code in ("A", "B", "A")]
    await calls.call_next(db, hall, Seat("1", "clerk:li", "li"))
    await db.execute("INSERT INTO window_plans VALUES ($1, '2', now() + interval '1 hour', '{B}', 'wang')", hall.id)
    floor = await read_floor(db, hall.id, await measure(db, hall.id))
    assert [(ticket.service, ticket.rank < 0) for ticket in floor.waiting] == [("B", True), ("A", True)]
    one, two = floor.seats
    assert (one.window, one.state, one.busy_with, one.services, one.clerk) == ("1", "called", "A", ("A", "B"), "li")
    assert (two.state, two.services, two.busy_with) == ("closed", (), None)
    (plan,) = floor.plans
    assert (plan.window, plan.services, plan.clerk) == ("2", ("B",), "wang")
    assert plan.at_s == pytest.approx(3600, abs=5)
    assert floor.offset == (await db.fetchval("SELECT top FROM hall_streams WHERE hall = $1", hall.id))
    assert called.ticket.id not in [ticket.id for ticket in floor.waiting]
