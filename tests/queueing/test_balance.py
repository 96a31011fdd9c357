"""What a change would bring: the same luck with it and without, and only what may be done is asked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from queueing import balance
from queueing.balance import bounded, each_p90, hot, p90, played, steps, tides, weigh
from queueing.changes import changed
from queueing.floors import GRID, Arrivals, Floor, Habits, Pace, Plan, Seat, Waiting
from queueing.steps import Hands, Place, Step, Worth

ALWAYS = (1.0,) * GRID
HABITS = Habits(walk=ALWAYS, absent=ALWAYS, pause=(600.0,) * GRID, react=ALWAYS, gap=1.0)


def pace(minutes: float) -> Pace:
    return Pace(tuple(60 * minutes * (0.5 + n / (GRID - 1)) for n in range(GRID)), doubt=0.1, no_show=0.0)


def floor(seats: Sequence[Seat], waiting: int, service: str = "B", plans: tuple[Plan, ...] = ()) -> Floor:
    line = tuple(Waiting(n, service, float(n - 600), -600.0) for n in range(waiting))
    coming = (Arrivals(service, 0, 1800, 4.0),)
    return Floor(1, datetime(2026, 11, 20, 2, tzinfo=UTC), 10, 7, line, tuple(seats), plans, coming, {"A": pace(6), "B": pace(8)},
                 HABITS, {"A": 7200.0, "B": 7200.0})  # fmt: skip


BUSY = Seat("1", "serving", ("B",), "li", "B", 60.0)
SHUT = Seat("2", "closed", ())
IDLE = Seat("3", "open", ("A",), "wu")
PLACES = (Place("1", "A", ("B",)), Place("2", "A", ("B",)), Place("3", "A", ("A",)))


def able(free: tuple[str, ...] = ("an",), **may: tuple[str, ...]) -> Hands:
    usual = {"2B": free, "3B": ("wu",)}
    return Hands(PLACES, {"A": "A", "B": "A"}, free, {(key[0], key[1:]): who for key, who in (usual | may).items()})


def asked(of: Floor, hands: Hands, **limits: float) -> list[Step]:
    base = played(of, 7)
    over = hot(of, {code: p90(rows) for code, rows in base.waited.items()}, 300.0, ())
    return list(steps(of, base, hands, over, limits.get("min_open_s", 1800.0)))


def test_a_long_queue_asks_for_the_empty_window_then_for_one_with_time() -> None:
    assert asked(floor([BUSY, SHUT, IDLE], 12), able()) == [
        Step("open", "B", "2", ("B",), "an"),
        Step("help", "B", "3", ("A", "B"), "wu", before=("A",)),
    ]


def test_two_services_ask_for_two_clerks() -> None:
    of = floor([BUSY, SHUT, replace(SHUT, window="4")], 12)
    of = replace(of, waiting=(*of.waiting, *(Waiting(50 + n, "A", float(n), -600.0) for n in range(12))))
    hands = Hands((*PLACES[:2], Place("4", "A", ("A",))), {"A": "A", "B": "A"}, ("an", "bo"),
                  {("2", "B"): ("an", "bo"), ("4", "A"): ("an", "bo")})  # fmt: skip
    assert [(step.subject, step.clerk) for step in asked(of, hands)] == [("open:4:A", "an"), ("open:2:B", "bo")]


def test_a_clerk_moves_where_an_empty_window_and_no_clerk_of_its_own_is() -> None:
    found = asked(floor([BUSY, SHUT, IDLE], 12), able((), **{"2B": ("wu",), "3B": ()}))
    assert found == [Step("move", "B", "2", ("B",), "wu", "3", ("A",))]
    assert found[0].subject == "move:3:2:B"


@pytest.mark.parametrize(
    ("seats", "plans", "hands"),
    [
        ([BUSY, SHUT, replace(IDLE, state="paused")], (), able(())),  # a break is a break
        ([BUSY, SHUT, IDLE], (), able((), **{"3B": ()})),  # nobody has the skill
        ([BUSY, SHUT, IDLE], (Plan("2", 900.0, ()), Plan("3", 900.0, ())), able()),  # both close before it would be worth it
        ([BUSY, SHUT, replace(IDLE, clerk="an", services=("B",))], (), able()),  # the only free clerk sits already
    ],
)
def test_who_has_a_break_no_skill_or_no_time_is_not_asked(seats: list[Seat], plans: tuple[Plan, ...], hands: Hands) -> None:
    assert asked(floor(seats, 12, plans=plans), hands) == []


def test_nothing_is_asked_where_nobody_waits_long() -> None:
    assert asked(floor([replace(BUSY, state="open", busy_with=None), SHUT, IDLE], 0), able()) == []


def worth(of: Floor, step: Step, seed: int = 7) -> Worth:
    limited, whole = bounded(of)
    (found,) = weigh(limited, whole, played(limited, seed), [step], seed)
    return found


def test_a_second_window_halves_the_wait_of_its_service_and_says_how_sure_that_is() -> None:
    found = worth(floor([BUSY, SHUT], 12), Step("open", "B", "2", ("B",), "an"))
    (effect,) = found.effects
    assert effect.service == "B" and effect.people == pytest.approx(16, abs=1.5)
    assert 0.4 < effect.after_s / effect.before_s < 0.7
    assert effect.low_s < effect.after_s < effect.high_s
    assert (found.sure, found.harm_s, found.is_worth(300)) == (1.0, 0.0, True)
    assert found.end_before_s is not None and found.end_after_s is not None and found.end_after_s < found.end_before_s


def test_the_same_luck_is_drawn_with_and_without() -> None:
    nothing = worth(floor([BUSY, SHUT], 12), Step("open", "A", "2", ("A",), "an"))
    assert [(effect.service, effect.before_s == effect.after_s) for effect in nothing.effects] == []
    assert (nothing.gain_s, nothing.sure) == (0.0, 0.0)
    of = floor([BUSY, SHUT], 12)
    assert (each_p90(played(of, 7).waited["B"]) == each_p90(played(of, 7).waited["B"])).all()


def test_a_service_without_a_window_gains_without_end() -> None:
    found = worth(floor([SHUT, IDLE], 4), Step("open", "B", "2", ("B",), "an"))
    assert found.effects[0].before_s == float("inf") and found.effects[0].after_s < 3600
    assert found.is_worth(120 * 60)


def test_help_that_costs_others_more_than_half_of_the_gain_is_not_worth_it() -> None:
    of = floor([BUSY, Seat("3", "serving", ("A",), "wu", "A", 60.0)], 6)
    of = replace(of, waiting=(*of.waiting, *(Waiting(50 + n, "A", 10.0 + n, -60.0) for n in range(6))))
    found = worth(of, Step("help", "B", "3", ("A", "B"), "wu", before=("A",)))
    assert found.gain_s > 300 and found.harm_s > found.gain_s / 2
    assert not found.is_worth(300)


def test_taking_a_window_back_costs_what_it_saves_and_nothing_where_nobody_waits() -> None:
    two = [BUSY, replace(BUSY, window="2", clerk="an")]
    step = Step("open", "B", "2", ("B",), "an")
    crowded, calm = floor(two, 12), replace(floor(two, 0), arrivals=())
    assert balance.loss(crowded, played(crowded, 7), step, 7, {}) > 600
    assert balance.loss(calm, played(calm, 7), step, 7, {}) == 0.0
    helps = Step("help", "B", "3", ("A", "B"), "wu", before=("A",))
    helping = floor([BUSY, replace(IDLE, services=("A", "B"))], 12)
    assert balance.loss(helping, played(helping, 7), helps, 7, {}) > 600


def test_no_more_tickets_where_the_last_would_come_out_long_after_closing() -> None:
    of = floor([BUSY], 30)
    hands = replace(able(()), closes_s={"B": 3600.0})
    assert asked(of, hands) == [Step("stop", "B")]
    found = worth(replace(of, arrivals=(Arrivals("B", 0, 7200, 20.0),)), Step("stop", "B"))
    assert found.gain_s > 3600 and found.sure == 1.0


def test_a_door_opens_again_only_when_the_day_would_still_end_in_time() -> None:
    closes, step = {"B": 3600.0}, Step("stop", "B")
    stopped = replace(floor([BUSY], 2), last_ticket_s={"A": 3600.0, "B": 0.0})
    for people, cost in ((1.0, 0.0), (20.0, balance.LONGEST_S)):
        of = replace(stopped, arrivals=(Arrivals("B", 0, 3500, people),))
        assert balance.loss(of, played(bounded(of)[0], 7), step, 7, closes) == cost


def test_longer_hours_are_taken_back_only_when_nobody_would_be_left_standing() -> None:
    step, late = Step("extend", "B"), (Plan("1", 3600.0, ()),)
    for people, cost in ((0, 0.0), (5, balance.LONGEST_S)):
        of = replace(floor([BUSY], people, plans=late), arrivals=())
        assert balance.loss(of, played(of, 7), step, 7, {}) == cost
    soon = floor([BUSY], 8, plans=(Plan("1", 900.0, ()),))
    assert changed(soon, *step.undone({})) == soon, "too late to take back"


def test_windows_that_would_close_on_people_who_wait_stay_longer() -> None:
    of = floor([BUSY], 8, plans=(Plan("1", 1800.0, ()),))
    assert asked(of, able(())) == [Step("extend", "B")]
    assert worth(of, Step("extend", "B")).gain_s > 0


def test_more_people_than_can_be_played_leave_the_end_of_the_day_open() -> None:
    of = replace(floor([BUSY, SHUT], 3), arrivals=(Arrivals("B", 0, 900, 20.0), Arrivals("B", 900, 1800, 2 * balance.MOST)))
    limited, whole = bounded(of)
    assert (limited.arrivals, whole) == (of.arrivals[:1], False)
    assert worth(of, Step("open", "B", "2", ("B",), "an")).end_before_s is None


def test_a_round_ends_with_its_budget() -> None:
    of = floor([BUSY, SHUT], 12)
    clock = iter([0.0, 0.0, balance.BUDGET_S + 1])
    step = Step("open", "B", "2", ("B",), "an")
    assert len(list(weigh(of, True, played(of, 7), [step, step, step], 7, lambda: next(clock)))) == 1


@pytest.mark.parametrize(
    ("queue", "people", "minutes", "rule"),
    [(5, 0, 0, "tide_queue"), (6, 0, 0, None), (0, 6, 9, "tide_people"), (0, 7, 9, None), (0, 6, 11, None), (0, 0, 0, None)],
)
def test_the_tide_is_known_by_the_queue_or_by_who_waits_too_long(queue: int, people: int, minutes: int, rule: str | None) -> None:
    assert tides(floor([BUSY, SHUT], 6), queue, people, minutes).get("B") == rule
