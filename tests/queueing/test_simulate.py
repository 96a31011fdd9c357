"""A floor played forward: where everything is certain, the simulation says exactly what any clerk would."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from queueing.changes import Close, Extend, Move, Open, StopWalkIns, changed
from queueing.floors import GRID, Arrivals, Floor, Habits, Pace, Plan, Seat, Waiting
from queueing.simulate import POINTS, Range, in_line, simulate

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
NEVER = Range(float("inf"), float("inf"))


def always(seconds: float) -> tuple[float, ...]:
    return (seconds,) * GRID


SURE = Habits(walk=always(0), absent=always(60), pause=always(600), react=always(0), gap=0, returns=0)


def pace(seconds: float, **more: object) -> Pace:
    return replace(Pace(always(seconds), doubt=0, no_show=0), **more)  # type: ignore[arg-type]


def floor(*seats: Seat, waiting: str = "", **more: object) -> Floor:
    """A floor with services A (300 s) and B (600 s); `waiting` names the service of each who waits, first one first."""
    queue = tuple(Waiting(n, code, n - 1000, n - 1000) for n, code in enumerate(waiting))
    usual = Floor(1, AT, 9, 0, queue, seats, (), (), {"A": pace(300), "B": pace(600)}, SURE)
    return replace(usual, **more)  # type: ignore[arg-type]


def open_(no: str, *services: str, **more: object) -> Seat:
    return replace(Seat(no, "open", services), **more)  # type: ignore[arg-type]


def both(seconds: float) -> Range:
    return Range(seconds, seconds)


def test_one_window_calls_one_after_the_other() -> None:
    told = simulate(floor(open_("1", "A"), waiting="AAA"))
    assert told.tickets == {0: both(0), 1: both(300), 2: both(600)}
    assert (told.newcomers["A"], told.newcomers["B"]) == (both(900), NEVER)
    assert (told.end, told.load) == (both(900), {"1": 1.0})


def test_a_shared_window_takes_whoever_came_first_of_its_queues() -> None:
    told = simulate(floor(open_("1", "A"), open_("2", "A", "B"), waiting="ABAB"))
    # 1 takes ticket 0 and is free at 300; 2 takes ticket 1 (B) until 600. Ticket 2 goes to 1, ticket 3 waits for 2.
    assert told.tickets == {0: both(0), 1: both(0), 2: both(300), 3: both(600)}
    assert told.newcomers == {"A": both(600), "B": both(1200)}


def test_what_is_left_of_a_visit_is_waited_for() -> None:
    told = simulate(floor(open_("1", "A", state="serving", busy_with="A", since_s=120.0), waiting="A"))
    assert told.tickets == {0: both(180)}


def test_a_longer_visit_so_far_leaves_less_of_an_even_one_and_never_less_than_nothing() -> None:
    even = {"A": Pace(tuple(np.linspace(0, 600, GRID)), doubt=0, no_show=0)}
    told = [
        simulate(floor(open_("1", "A", state="serving", busy_with="A", since_s=age), waiting="A", paces=even), runs=4000)
        for age in (0.0, 300.0, 540.0, 700.0)
    ]
    halves = [outcome.tickets[0].p50_s for outcome in told]
    assert halves[:3] == [pytest.approx(half, abs=15) for half in (300, 150, 30)]
    assert 0 < halves[3] < 200


def test_a_ticket_for_one_window_waits_for_that_one() -> None:
    queue = (Waiting(7, "A", -20, -20), Waiting(8, "A", -10, -10, for_window="2"))
    seats = (open_("1", "A"), open_("2", "B", state="serving", busy_with="B", since_s=0.0))
    assert simulate(replace(floor(*seats), waiting=queue)).tickets == {7: both(0), 8: both(600)}


def test_a_paused_window_comes_back_and_a_closed_one_when_it_is_planned() -> None:
    paused = simulate(floor(open_("1", "A", state="paused", since_s=240.0), waiting="A"))
    assert paused.tickets == {0: both(360)}
    closed = floor(Seat("1", "closed", ()), waiting="A", plans=(Plan("1", 900, ("A",), "li"),))
    assert simulate(closed).tickets == {0: both(900)}


def test_a_planned_closing_ends_calling_but_no_visit() -> None:
    told = simulate(floor(open_("1", "A"), waiting="AAA", plans=(Plan("1", 301, ()), Plan("1", 2000, ("A",)))))
    assert told.tickets == {0: both(0), 1: both(300), 2: both(2000)}
    late = simulate(floor(open_("1", "A"), waiting="AA", plans=(Plan("1", 100, ()), Plan("1", 200, ("A",)))))
    assert late.tickets[1] == both(300), "the second stretch waits for the visit of the first"


def test_nobody_to_serve_them_is_said_and_counted() -> None:
    told = simulate(floor(open_("1", "A"), waiting="AB"))
    assert (told.tickets[1], told.stranded) == (NEVER, {"A": 0.0, "B": 1.0})


def test_a_quick_clerk_a_slow_hour_and_a_long_matter_change_the_visit() -> None:
    paces = {"A": pace(300, clerks={"li": 0.5}, hours={9: 2.0}, matters={"transfer": 3.0})}
    told = simulate(floor(open_("1", "A", clerk="li"), waiting="AA", paces=paces))
    assert told.tickets[1] == both(300)
    queue = (Waiting(0, "A", -9, -9, matters=("transfer",)), Waiting(1, "A", -8, -8))
    told = simulate(replace(floor(open_("1", "A", clerk="li"), paces=paces), waiting=queue))
    assert told.tickets[1] == both(900)


def test_a_no_show_costs_the_time_until_it_is_given_up() -> None:
    told = simulate(floor(open_("1", "A"), waiting="AA", paces={"A": pace(300, no_show=1.0)}))
    assert told.tickets[1] == both(60)


def test_those_still_to_come_wait_from_their_own_arrival() -> None:
    rush = floor(open_("1", "A"), arrivals=(Arrivals("A", 0, 3600, 24.0),), paces={"A": pace(300)})
    told = simulate(rush, runs=400, to_come=True)
    # 24 people an hour at a window for 12: whoever comes in the middle finds six before them.
    assert told.later["A"].p50_s == pytest.approx(1800, rel=0.15)
    assert told.end.p50_s == pytest.approx(7200, rel=0.06)
    assert told.load["1"] == pytest.approx(1.0, abs=0.03)
    assert simulate(rush, runs=400, to_come=True) == told, "the same seed is the same day"


def test_arrivals_are_as_many_as_expected_and_stop_with_the_last_ticket() -> None:
    from queueing.simulate import _Play

    coming = (Arrivals("A", 0, 1000, 30.0), Arrivals("B", 500, 1500, 10.0))

    def drawn(last: float | None = None) -> tuple[Any, Any]:
        before = floor(open_("1", "A"), arrivals=coming)
        play = _Play(before if last is None else changed(before, StopWalkIns("B", last)), 500, 1, True)
        at, code, _ = play.arrivals(coming, play.later_luck)
        return at, code

    at, code = drawn()
    here = np.isfinite(at)
    assert (code[here] == 0).sum() / 500 == pytest.approx(30, rel=0.05)
    assert (code[here] == 1).sum() / 500 == pytest.approx(10, rel=0.05)
    assert bool((np.diff(np.where(here, at, 1e9), axis=0) >= 0).all()), "in the order they come"
    assert at[here & (code == 1)].min() >= 500
    sooner, codes = drawn(1000)
    assert sooner[np.isfinite(sooner) & (codes == 1)].max() < 1000
    assert (codes[np.isfinite(sooner)] == 0).sum() == (code[here] == 0).sum(), "the others come as before"


def test_who_comes_later_with_a_head_start_goes_before_those_they_overtake() -> None:
    coming = (Arrivals("A", 299, 300, 50.0, credit_s=1200.0),)  # more than fifty in one second, twenty minutes ahead
    rush = floor(open_("1", "A"), waiting="AAA", arrivals=coming)
    told = simulate(replace(rush, waiting=tuple(replace(one, rank=-1000.0 * (2 - n)) for n, one in enumerate(rush.waiting))))
    # The first is called at once and the second stands before them all (rank -1000 against 300 - 1200); the third doesn't.
    assert (told.tickets[0], told.tickets[1]) == (both(0), both(300))
    assert told.tickets[2].p50_s == pytest.approx(600 + 50 * 300, rel=0.05)
    assert simulate(replace(rush, arrivals=(replace(coming[0], credit_s=0.0),))).tickets[2] == both(600)


def test_who_did_not_come_may_be_called_once_more() -> None:
    habits = replace(SURE, returns=1.0)
    told = simulate(floor(open_("1", "A"), waiting="AA", paces={"A": pace(300, no_show=1.0)}, habits=habits), runs=2000)
    # Half of them are gone for good after two calls of 60 s, half come then: 60 + 300 s.
    assert told.tickets[1].p90_s == 360
    assert simulate(floor(open_("1", "A"), waiting="A" * 21, paces={"A": pace(300, no_show=0.5)}, habits=habits)).tickets


def test_a_helping_window_takes_whoever_has_waited_long_enough() -> None:
    helper = open_("2", "B", helping=("A",), help_after_s=1030.0)
    busy = open_("1", "A", state="serving", busy_with="A", since_s=0.0)
    told = simulate(floor(busy, helper, waiting="AAA"))
    # They joined 1000, 999 and 998 s ago: window 2 helps with the first in 30 s, with the next once it is free again, at 330.
    assert told.tickets == {0: both(30), 1: both(300), 2: both(330)}
    queue = floor(busy, replace(helper, help_after_s=1100.0), waiting="BAA")
    assert simulate(queue).tickets == {0: both(0), 1: both(300), 2: both(600)}, "with a queue of its own it does that first"


def test_a_fenced_ticket_waits_for_its_own_windows() -> None:
    queue = (Waiting(0, "A", -9, -9, only=("2",)), Waiting(1, "A", -8, -8))
    seats = (open_("1", "A"), open_("2", "A", state="serving", busy_with="A", since_s=200.0))
    assert simulate(replace(floor(*seats), waiting=queue)).tickets == {0: both(100), 1: both(0)}


def test_interleave_calls_one_booked_and_then_so_many_others() -> None:
    # The others joined first; the booked stand behind them by rank and are called at places 1, 4 and 6 all the same.
    queue = [Waiting(n, "A", n - 100, n - 100) for n in range(3)]
    queue += [Waiting(n, "A", n - 100, n - 100, booked=True) for n in (10, 11, 12)]
    assert [queue[n].id for n in in_line(queue, 2)] == [10, 0, 1, 11, 2, 12]
    assert [queue[n].id for n in in_line(queue, 0)] == [0, 1, 2, 10, 11, 12]


def test_an_opened_window_takes_its_share() -> None:
    before = floor(open_("1", "A"), Seat("2", "closed", ()), waiting="AAAA")
    assert simulate(before).newcomers["A"] == both(1200)
    assert simulate(changed(before, Open("2", ("A",)))).newcomers["A"] == both(600)
    assert simulate(changed(before, Open("2", ("A",), after_s=450))).newcomers["A"] == both(750)


def test_extra_services_come_beside_what_a_window_serves() -> None:
    before = floor(open_("1", "A", state="serving", busy_with="A", since_s=0.0), waiting="AB")
    assert simulate(changed(before, Open("1", ("B",)))).tickets == {0: both(300), 1: both(600)}


def test_a_closed_window_finishes_who_it_has() -> None:
    before = floor(open_("1", "A"), open_("2", "A", state="serving", busy_with="A", since_s=0.0), waiting="AAA")
    after = simulate(changed(before, Close("2")))
    assert (after.tickets[2], after.end) == (both(600), both(900))


def test_a_moved_clerk_works_at_the_other_window_with_their_own_speed() -> None:
    paces = {"A": pace(300, clerks={"li": 0.5}), "B": pace(600)}
    before = floor(open_("1", "B", clerk="li"), Seat("2", "closed", ()), waiting="AA", paces=paces)
    after = simulate(changed(before, Move("1", "2", ("A",), walk_s=60)))
    assert (after.tickets, after.newcomers["B"]) == ({0: both(60), 1: both(210)}, NEVER)


def test_extended_hours_move_the_closing() -> None:
    before = floor(open_("1", "A"), waiting="AAA", plans=(Plan("1", 300, ()),), last_ticket_s={"A": 0.0})
    assert simulate(before).stranded == {"A": 2.0}
    assert simulate(changed(before, Extend(900))).tickets[2] == both(600)
    assert changed(before, Extend(900, tickets=True)).last_ticket_s == {"A": 900.0}


def test_points_are_the_places_of_the_quantiles() -> None:
    assert (POINTS[0], POINTS[-1], len(POINTS)) == (0.0, 1.0, GRID)
